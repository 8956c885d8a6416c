package landing

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// manifestFormat is the version of the manifests' format.
const manifestFormat = 1

// Manifest says what one run extracted of one dataset.
type Manifest struct {
	Format  int    `json:"format"`
	RunID   string `json:"run_id"`
	Source  string `json:"source"`
	Dataset string `json:"dataset"`
	// StartedAt and CommittedAt are clock times; ExtractedAt is the version that
	// all rows carry, later than that of any earlier run of the source.
	StartedAt   time.Time `json:"started_at"`
	CommittedAt time.Time `json:"committed_at"`
	ExtractedAt time.Time `json:"extracted_at"`
	// Files are the part files, by entity in the dataset's order.
	Files []File `json:"files"`
	// Quarantine are the files of records that did not fit.
	Quarantine []QuarantineFile `json:"quarantine,omitempty"`
	Entities   []EntityCounts   `json:"entities"`
	// UnknownWords are words of enumerations that the contract does not know.
	UnknownWords []WordCount `json:"unknown_words,omitempty"`
	// CursorBefore is the last cursor that the run was given, CursorAfter the one
	// it left.
	CursorBefore json.RawMessage `json:"cursor_before,omitempty"`
	CursorAfter  json.RawMessage `json:"cursor_after,omitempty"`
	// Failure says why nothing of the dataset was taken over. It is empty in the
	// manifests of committed runs.
	Failure string `json:"failure,omitempty"`
	// Checksum guards the manifest itself: it is taken with this field empty.
	Checksum string `json:"checksum"`
}

// File is one part file.
type File struct {
	Entity string `json:"entity"`
	// Path is relative to the zone's root, with slashes.
	Path  string `json:"path"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	// Checksum is the file's xxHash64: it finds what disks and copies break, at
	// the speed of memory, and is not meant against forgers.
	Checksum string `json:"checksum"`
	// MinKey and MaxKey are the first and last key, one text for each key field.
	MinKey []string `json:"min_key"`
	MaxKey []string `json:"max_key"`
}

// QuarantineFile is one file of records that did not fit.
type QuarantineFile struct {
	Path     string `json:"path"`
	Rows     int64  `json:"rows"`
	Bytes    int64  `json:"bytes"`
	Checksum string `json:"checksum"`
}

// EntityCounts says what became of the records read for an entity.
type EntityCounts struct {
	Entity      string `json:"entity"`
	Read        int64  `json:"read"`
	Landed      int64  `json:"landed"`
	Duplicates  int64  `json:"duplicates"`  // the same content again
	Quarantined int64  `json:"quarantined"` // records, not values
	Ignored     int64  `json:"ignored"`     // left out by a rule
	// Emptied is how many values, not records, were left out of rows that landed.
	Emptied int64 `json:"emptied,omitempty"`
}

// Counts returns the counts of an entity; all are 0 if the dataset lacks it.
func (m *Manifest) Counts(entity string) EntityCounts {
	for _, c := range m.Entities {
		if c.Entity == entity {
			return c
		}
	}
	return EntityCounts{Entity: entity}
}

// encode writes the manifest with its checksum.
func (m *Manifest) encode() ([]byte, error) {
	m.Checksum = ""
	text, err := m.marshal()
	if err != nil {
		return nil, err
	}
	m.Checksum = checksumText(xxhash.Sum64(text))
	return m.marshal()
}

func (m *Manifest) marshal() ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("encode the manifest of dataset %s: %w", m.Dataset, err)
	}
	return text.Bytes(), nil
}

// ManifestError says that a manifest cannot be relied on.
type ManifestError struct {
	Path string
	Err  error
}

func (e *ManifestError) Error() string {
	return fmt.Sprintf("manifest %s cannot be read (%v): restore it from a backup, or delete it to extract that run's data again", e.Path, e.Err)
}

func (e *ManifestError) Unwrap() error { return e.Err }

func decodeManifest(path string, text []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, &ManifestError{Path: path, Err: err}
	}
	if m.Format > manifestFormat {
		return nil, &ManifestError{Path: path, Err: fmt.Errorf("it has format %d, written by a newer winback", m.Format)}
	}
	stored := m.Checksum
	if _, err := m.encode(); err != nil || m.Checksum != stored {
		return nil, &ManifestError{Path: path, Err: errors.New("its checksum is wrong")}
	}
	m.CursorBefore, m.CursorAfter = compactJSON(m.CursorBefore), compactJSON(m.CursorAfter)
	return m, nil
}

// compactJSON undoes the indentation that a manifest gives to cursors.
func compactJSON(text json.RawMessage) json.RawMessage {
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	var compact bytes.Buffer
	if json.Compact(&compact, text) != nil {
		return text
	}
	return compact.Bytes()
}

// Manifests returns the manifests of a source, oldest first. A source that
// nothing was extracted from has none. The error is a *ManifestError if one of
// them is damaged.
func (z *Zone) Manifests(source string) ([]*Manifest, error) {
	return z.readManifests(z.dir(source, manifestDir))
}

// Failures returns what is kept of extractions that had too many records that
// do not fit, oldest first: their counts and quarantine files.
func (z *Zone) Failures(source string) ([]*Manifest, error) {
	return z.readManifests(z.dir(source, failedDir))
}

func (z *Zone) readManifests(dir string) ([]*Manifest, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, storageError("read", dir, err)
	}
	var manifests []*Manifest
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, storageError("read", path, err)
		}
		m, err := decodeManifest(path, text)
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

// Cursors returns the cursors that the commits of a dataset left, oldest first.
func (z *Zone) Cursors(source, dataset string) ([]json.RawMessage, error) {
	manifests, err := z.Manifests(source)
	if err != nil {
		return nil, err
	}
	var cursors []json.RawMessage
	for _, m := range manifests {
		if m.Dataset == dataset && m.CursorAfter != nil {
			cursors = append(cursors, m.CursorAfter)
		}
	}
	return cursors, nil
}
