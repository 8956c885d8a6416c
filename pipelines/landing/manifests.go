package landing

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Manifests returns the manifests of a source that count, oldest first. A source
// that nothing was extracted from has none. Where there may be very many, Briefs
// takes less memory. The error is a *ManifestError if one of them is damaged.
func (z *Zone) Manifests(source string) ([]*Manifest, error) {
	var manifests []*Manifest
	for b, err := range z.Briefs(source) {
		if err != nil {
			return nil, err
		}
		m, err := b.Manifest()
		if err != nil {
			return nil, err
		}
		manifests = append(manifests, m)
	}
	return manifests, nil
}

// Failures returns what is kept of extractions that had too many records that
// do not fit, oldest first: their counts and quarantine files.
func (z *Zone) Failures(source string) ([]*Manifest, error) {
	if err := z.refresh(context.Background()); err != nil {
		return nil, err
	}
	list, err := readFolder(z.dir(source, failedDir))
	return list, z.inStore(err)
}

// attempts is how often a listing is read that changes while it is read.
const attempts = 5

// changed returns when a name in a folder changed last; the zero time is that of a
// folder that is not there.
func changed(dir string) (time.Time, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, storageError("read", dir, err)
	}
	return info.ModTime(), nil
}

func readFolder(dir string) ([]*Manifest, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, storageError("read", dir, err)
	}
	var manifests []*Manifest
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), manifestSuffix) {
			continue
		}
		m, err := readManifest(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		manifests = append(manifests, m)
	}
	slices.SortStableFunc(manifests, func(a, b *Manifest) int {
		return cmp.Or(a.ExtractedAt.Compare(b.ExtractedAt), a.CommittedAt.Compare(b.CommittedAt), cmp.Compare(a.RunID, b.RunID))
	})
	return manifests, nil
}

const manifestSuffix = ".json"

// fileName returns the name of the manifest's file.
func (m *Manifest) fileName() string { return manifestName(m.RunID, m.Dataset) }

// manifestName returns the usual name of the file of a run's manifest.
func manifestName(run, dataset string) string { return run + "." + dataset + manifestSuffix }

// Cursors returns the cursors that the extractions of a dataset left, oldest first.
func (z *Zone) Cursors(source, dataset string) ([]json.RawMessage, error) {
	var cursors []json.RawMessage
	var kept texts
	for b, err := range z.Briefs(source) {
		if err != nil {
			return nil, err
		}
		if b.Dataset != dataset {
			continue
		}
		u := unpacker{left: b.cursors}
		for len(u.left) > 0 {
			cursors = append(cursors, kept.keep(u.bytes()))
		}
		if u.broken {
			return nil, errPacked
		}
	}
	return cursors, nil
}

// texts keeps copies of many short texts in few pieces of memory.
type texts struct{ left []byte }

const textsAtOnce = 256 << 10

func (t *texts) keep(text []byte) []byte {
	if len(text) > len(t.left) {
		t.left = make([]byte, max(textsAtOnce, len(text)))
	}
	kept := t.left[:len(text):len(text)]
	t.left = t.left[copy(kept, text):]
	return kept
}

// LastRead returns when the last extraction of a dataset that was committed began;
// of all datasets, if none is named. The zero time says that there was none.
func (z *Zone) LastRead(source, dataset string) (last time.Time, err error) {
	for b, err := range z.Briefs(source) {
		if err != nil {
			return time.Time{}, err
		}
		if (dataset == "" || b.Dataset == dataset) && b.reads() {
			last = b.ExtractedAt // oldest first
		}
	}
	return last, nil
}

// cursors returns what the extractions left that the manifest stands for.
func (m *Manifest) cursors() []json.RawMessage {
	switch {
	case m.Compacted != nil:
		return m.Compacted.Cursors
	case m.CursorAfter != nil:
		return []json.RawMessage{m.CursorAfter}
	}
	return nil
}
