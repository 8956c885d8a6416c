package landing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"winback/pipelines/objects"
)

// pending says what a commit is about to upload. It is written before the first of
// the files and removed after the manifest, so that what an interrupted commit left
// is found without listing the whole store.
type pending struct {
	Manifest string   `json:"manifest"`
	Files    []string `json:"files"`
}

// publish uploads the files that a manifest is the first to name, and then the
// manifest: the one request that makes all of them visible.
func (z *Zone) publish(ctx context.Context, m *Manifest, folder string) error {
	if err := z.mayWrite(); err != nil {
		return err
	}
	p := pending{Manifest: path.Join(m.Source, folder, m.fileName()), Files: m.ownFiles()}
	note := path.Join(m.Source, pendingDir, m.fileName())
	if err := z.upload(ctx, p, note); err != nil {
		return errors.Join(err, z.takeBack(ctx, p, note))
	}
	var text bytes.Buffer
	if err := m.encode(&text); err != nil {
		return err
	}
	// From here on the manifest may be there whatever the answer is: the files stay
	// until a later Recover knows.
	if err := z.putManifest(ctx, p.Manifest, text.Bytes()); err != nil {
		return err
	}
	err := z.writeFile(filepath.Join(z.dir(m.Source, folder), m.fileName()), func(to io.Writer) error {
		_, err := to.Write(text.Bytes())
		return err
	})
	if err != nil {
		z.remote.stale() // it is committed all the same
	}
	if len(p.Files) > 0 && z.remote.store.Remove(ctx, note) != nil {
		return nil // Recover removes it
	}
	return z.keepOrDrop(m)
}

// ownFiles are the files that no manifest named before: they are in folders of the run
// that wrote the manifest, whosever rows they hold.
func (m *Manifest) ownFiles() []string {
	var own []string
	for _, f := range m.Files {
		if m.wrote(f.Path) {
			own = append(own, f.Path)
		}
	}
	for _, q := range m.Quarantine {
		if m.wrote(q.Path) {
			own = append(own, q.Path)
		}
	}
	return own
}

// wrote says whether a file is in a folder of the manifest's run.
func (m *Manifest) wrote(file string) bool {
	for part := range strings.SplitSeq(path.Dir(file), "/") {
		if strings.TrimPrefix(part, runPrefix) == m.RunID {
			return true
		}
	}
	return false
}

func (z *Zone) notePending(ctx context.Context, p pending, note string) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = objects.WriteBytes(ctx, z.remote.store, note, text, objects.Always())
	return err
}

func (z *Zone) upload(ctx context.Context, p pending, note string) error {
	if len(p.Files) == 0 {
		return nil
	}
	if err := z.notePending(ctx, p, note); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, file := range p.Files {
		group.Go(func() error { return z.uploadFile(ctx, file) })
	}
	return group.Wait()
}

func (z *Zone) uploadFile(ctx context.Context, file string) error {
	f, err := os.Open(z.local(file))
	if err != nil {
		return storageError("read", z.local(file), err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return storageError("read", z.local(file), err)
	}
	if err := z.mayWrite(); err != nil {
		return err
	}
	_, err = z.remote.store.Write(ctx, file, f, info.Size(), objects.Always())
	return err
}

// takeBack removes what was uploaded of a commit that did not come about. What it
// cannot remove is left to Recover.
func (z *Zone) takeBack(ctx context.Context, p pending, note string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	if z.mayWrite() != nil || z.remote.store.Remove(ctx, p.Files...) != nil {
		return nil
	}
	z.remote.store.Remove(ctx, note) //nolint:errcheck // Recover removes it
	return nil
}

// putManifest puts a manifest in place, unless there is one of its name or the lease
// would not last.
func (z *Zone) putManifest(ctx context.Context, key string, text []byte) error {
	lease, err := z.remote.writing()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lease.Left())
	defer cancel()
	_, err = objects.WriteBytes(ctx, z.remote.store, key, text, objects.IfAbsent())
	return err
}

// keepOrDrop keeps the files of a commit in the folder as long as there is room for
// them.
func (z *Zone) keepOrDrop(m *Manifest) error {
	size := int64(0)
	for _, f := range m.Files {
		if m.wrote(f.Path) {
			size += f.Bytes
		}
	}
	r := z.remote
	r.mu.Lock()
	keep := r.kept+size <= r.keep
	if keep {
		r.kept += size
	}
	r.mu.Unlock()
	if keep {
		return nil
	}
	var err error
	for _, file := range m.ownFiles() {
		err = errors.Join(err, z.removeFile(z.local(file)))
	}
	return err
}

// withdraw removes files and manifests that count no more, in the store as well.
func (z *Zone) withdraw(ctx context.Context, files ...string) error {
	if z.remote != nil {
		if err := z.mayWrite(); err != nil {
			return err
		}
		if err := z.remote.store.Remove(ctx, files...); err != nil {
			return err
		}
	}
	for _, file := range files {
		if err := z.removeFile(z.local(file)); err != nil {
			return err
		}
		if !strings.HasSuffix(file, manifestSuffix) {
			z.files.remove(filepath.Dir(z.local(file))) //nolint:errcheck // fails while something is in it
		}
	}
	return nil
}

// withdrawPending removes a manifest and then its files, which nothing would find
// between the two but the note.
func (z *Zone) withdrawPending(ctx context.Context, p pending, note string) error {
	if err := z.notePending(ctx, p, note); err != nil {
		return err
	}
	for _, files := range [][]string{{p.Manifest}, p.Files, {note}} {
		if err := z.withdraw(ctx, files...); err != nil {
			return err
		}
	}
	return nil
}

// removeOrphans removes files that nothing names, found by listing all of a source. That
// takes a request for each thousand, so it is not done in every run; the notes of what
// is pending tell what runs leave.
func (z *Zone) removeOrphans(ctx context.Context, source string, r *Recovery) error {
	s := &sweep{zone: z, source: source, named: map[uint64]struct{}{}}
	if err := s.nameAll(); err != nil {
		return err
	}
	files := &removal{ctx: ctx, zone: z}
	for info, err := range z.remote.store.List(ctx, source+"/") {
		if err != nil {
			return err
		}
		if s.isNamed(info.Key) || !z.leftover(info.Key) {
			continue
		}
		r.Files, r.Bytes = append(r.Files, info.Key), r.Bytes+info.Size
		if err := files.add(info.Key); err != nil {
			return err
		}
	}
	return files.flush()
}

// nameAll takes in what all manifests name, those too that were replaced and are there
// for readers, and what is kept of failures.
func (s *sweep) nameAll() error {
	c, err := s.zone.catalog(s.source)
	if err != nil {
		return err
	}
	for b, err := range c.all() {
		if err == nil {
			err = s.nameFiles(b)
		}
		if err != nil {
			return err
		}
	}
	failures, err := s.zone.Failures(s.source)
	for _, m := range failures {
		for _, q := range m.Quarantine {
			s.name(q.Path)
		}
	}
	return err
}

// removeFailure removes the note of a failed extraction, and its files.
func (z *Zone) removeFailure(ctx context.Context, source string, m *Manifest) error {
	note := path.Join(source, failedDir, m.fileName())
	if z.remote != nil {
		return z.withdrawPending(ctx, pending{Manifest: note, Files: m.ownFiles()}, path.Join(source, pendingDir, m.fileName()))
	}
	if err := z.withdraw(ctx, note); err != nil {
		return err
	}
	for _, q := range m.Quarantine {
		if err := z.withdraw(ctx, q.Path); err != nil {
			return err
		}
	}
	return nil
}

// recoverPending removes what interrupted commits left in the store.
func (z *Zone) recoverPending(ctx context.Context, source string, r *Recovery) error {
	notes, err := z.pendingNotes(ctx, source)
	if err != nil {
		return err
	}
	for _, note := range notes {
		if err := z.settlePending(ctx, note, r); err != nil {
			return err
		}
	}
	return nil
}

// pendingNotes are the keys of the notes that commits of a source have left.
func (z *Zone) pendingNotes(ctx context.Context, source string) (notes []string, err error) {
	for info, err := range z.remote.store.List(ctx, source+"/"+pendingDir+"/") {
		if err != nil {
			return nil, err
		}
		notes = append(notes, info.Key)
	}
	return notes, nil
}

// readPending reads a note, and says whether the commit came about: its manifest is
// there.
func (z *Zone) readPending(ctx context.Context, note string) (p pending, there bool, err error) {
	text, _, err := objects.ReadBytes(ctx, z.remote.store, note)
	if err != nil {
		return p, false, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, false, &ManifestError{Path: z.Path(note), Err: err}
	}
	_, err = z.remote.store.Stat(ctx, p.Manifest)
	if errors.Is(err, objects.ErrNotFound) {
		return p, false, nil
	}
	return p, err == nil, err
}

func (z *Zone) settlePending(ctx context.Context, note string, r *Recovery) error {
	p, there, err := z.readPending(ctx, note)
	if err == nil && !there {
		err = z.removePending(ctx, p, r)
	}
	if err != nil {
		return err
	}
	return z.remote.store.Remove(ctx, note)
}

// removePending removes the files of a commit that did not come about.
func (z *Zone) removePending(ctx context.Context, p pending, r *Recovery) error {
	if err := z.mayWrite(); err != nil {
		return err
	}
	for _, file := range p.Files {
		if err := z.remote.store.Tidy(ctx, file); err != nil {
			return err
		}
		info, err := z.remote.store.Stat(ctx, file)
		if errors.Is(err, objects.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := z.remote.store.Remove(ctx, file); err != nil {
			return err
		}
		r.Files, r.Bytes = append(r.Files, file), r.Bytes+info.Size
	}
	return nil
}
