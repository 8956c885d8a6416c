package landing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Recovery says what Recover removed.
type Recovery struct {
	Files []string // relative to the zone's root
	Bytes int64
	// Replaced is how many files it removed besides whose rows a compaction had
	// written anew.
	Replaced int
}

// String is one sentence, or "" if nothing was removed.
func (r Recovery) String() string {
	switch len(r.Files) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("an interrupted run left %s, which was removed", r.Files[0])
	}
	return fmt.Sprintf("an interrupted run left %d files (%.1f MB), among them %s, which were removed",
		len(r.Files), float64(r.Bytes)/1e6, r.Files[0])
}

// Recover removes what runs left that were interrupted: files that no manifest
// names, files that were being written, and what a compaction replaced unless
// somebody reads it. It must not be called while a run
// writes to the zone. A damaged manifest is an error (*ManifestError), and then
// nothing of its source is removed.
func (z *Zone) Recover(ctx context.Context) (Recovery, error) {
	var r Recovery
	if z.remote != nil {
		if err := errors.Join(z.mayWrite(), z.evict()); err != nil {
			return r, err
		}
		z.remote.stale()
		if err := z.refresh(ctx); err != nil { // which takes a while where there is no working copy
			return r, err
		}
	}
	sources, err := z.Sources()
	if err != nil {
		return r, err
	}
	var errs []error
	for _, source := range sources {
		errs = append(errs, z.recoverSource(ctx, source, &r))
	}
	return r, errors.Join(errs...)
}

func (z *Zone) recoverSource(ctx context.Context, source string, r *Recovery) error {
	swept, err := z.tidy(ctx, source)
	r.Files, r.Bytes, r.Replaced = append(r.Files, swept.Files...), r.Bytes+swept.Bytes, r.Replaced+swept.Replaced
	return err
}

// sweep is tidy after files were written anew. In a store it looks for files that
// nothing names, too.
func (z *Zone) sweep(ctx context.Context, source string) (r Recovery, err error) {
	r, err = z.tidy(ctx, source)
	if err != nil || z.remote == nil {
		return r, err
	}
	return r, z.removeOrphans(ctx, source, &r)
}

// tidy removes the files of a source that count no more, and the manifests that a
// compaction replaced.
func (z *Zone) tidy(ctx context.Context, source string) (r Recovery, err error) {
	if z.remote != nil {
		if err := z.recoverPending(ctx, source, &r); err != nil {
			return r, err
		}
	}
	c, err := z.catalog(source)
	if err != nil {
		return r, err
	}
	if clean, err := z.unchanged(source, c); clean || err != nil {
		return r, err
	}
	s := &sweep{zone: z, source: source, named: map[uint64]struct{}{}, settled: map[uint64]struct{}{}}
	failures, err := z.Failures(source)
	if err != nil {
		return r, err
	}
	for _, m := range failures {
		for _, q := range m.Quarantine {
			s.name(q.Path)
		}
	}
	replaced, err := s.read(c)
	if err != nil {
		return r, err
	}
	if replaced {
		if r.Replaced, err = s.removeReplaced(ctx, c); err != nil {
			return r, err
		}
	}
	if z.remote == nil {
		err = s.removeUnnamed(ctx, &r)
	}
	if err != nil {
		return r, storageError("clean up", z.dir(source), err)
	}
	slices.Sort(r.Files)
	return r, z.writeIndex(source)
}

// unchanged says that no name in any folder of a source has changed since they
// were swept.
func (z *Zone) unchanged(source string, c *catalog) (bool, error) {
	if c.clean == nil {
		return false, nil
	}
	folders, err := z.folders(source)
	return err == nil && maps.Equal(folders, c.clean), err
}

// sweep is the state of one: what it knows of the files, by the hashes of their
// paths.
type sweep struct {
	zone   *Zone
	source string
	named  map[uint64]struct{} // files that count
	// settled are the folders of runs that an index knows: it was written after a
	// sweep of them, and nobody has written to them since.
	settled map[uint64]struct{}
}

func (s *sweep) name(path string) { s.named[xxhash.Sum64String(path)] = struct{}{} }

func (s *sweep) isNamed(path string) bool {
	_, ok := s.named[xxhash.Sum64String(path)]
	return ok
}

// read takes in what the manifests name, and says whether any was replaced.
func (s *sweep) read(c *catalog) (replaced bool, err error) {
	for b, err := range c.all() {
		if err != nil {
			return false, err
		}
		if b.replacedBy(c.heads[b.Dataset]) {
			replaced = true
			continue
		}
		if b.indexed {
			s.settled[xxhash.Sum64String(runPrefix+b.RunID)] = struct{}{}
		}
		if b.indexed && b.Generation == 0 && len(b.quarantine) == 0 {
			continue // its files are in folders that are not looked at
		}
		if err := s.nameFiles(b); err != nil {
			return false, err
		}
	}
	return replaced, nil
}

func (s *sweep) nameFiles(b *Brief) error {
	return b.eachPath(func(path string) error {
		s.name(path)
		return nil
	})
}

// eachPath calls visit for the files of rows and of quarantine.
func (b *Brief) eachPath(visit func(path string) error) error {
	files, err := b.Files()
	if err != nil {
		return err
	}
	quarantine, err := b.Quarantine()
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := visit(f.Path); err != nil {
			return err
		}
	}
	for _, q := range quarantine {
		if err := visit(q.Path); err != nil {
			return err
		}
	}
	return nil
}

// removeReplaced removes manifests that a compaction put together, and those of
// their files that it has written anew. While somebody reads the zone, all of them
// stay.
func (s *sweep) removeReplaced(ctx context.Context, c *catalog) (removed int, err error) {
	readmit, err := s.zone.lockOutReaders()
	if err != nil {
		return 0, err
	}
	if readmit == nil {
		return 0, s.eachReplaced(c, s.nameFiles)
	}
	defer func() { err = errors.Join(err, readmit()) }()
	files := &removal{ctx: ctx, zone: s.zone}
	err = s.eachReplaced(c, func(b *Brief) error {
		if s.zone.inGrace(c.heads[b.Dataset]) {
			return s.nameFiles(b)
		}
		return b.eachPath(func(path string) error {
			if s.isNamed(path) {
				return nil
			}
			removed++
			return files.add(path)
		})
	})
	if err = errors.Join(err, files.flush()); err != nil {
		return removed, err
	}
	err = s.eachReplaced(c, func(b *Brief) error { // last: they name what is to be removed
		if s.zone.inGrace(c.heads[b.Dataset]) {
			return nil
		}
		return files.add(path.Join(s.source, manifestDir, b.fileName()))
	})
	return removed, errors.Join(err, files.flush())
}

// inGrace says that readers on other machines may still read what a manifest has
// replaced. What was erased on request does not wait for them.
func (z *Zone) inGrace(head *Brief) bool {
	return z.remote != nil && !strings.HasPrefix(head.RunID, erasedPrefix) && z.now().Sub(head.committedAt) < z.remote.grace
}

// removal removes files, many at a time: a store takes as long for one.
type removal struct {
	ctx   context.Context
	zone  *Zone
	files []string
}

const removedAtOnce = 256

func (r *removal) add(file string) error {
	if r.files = append(r.files, file); len(r.files) < removedAtOnce {
		return r.ctx.Err()
	}
	return r.flush()
}

func (r *removal) flush() error {
	files := r.files
	r.files = nil
	return errors.Join(r.ctx.Err(), r.zone.withdraw(r.ctx, files...))
}

// eachReplaced calls visit for the manifests that a compaction put together.
func (s *sweep) eachReplaced(c *catalog, visit func(*Brief) error) error {
	for b, err := range c.all() {
		if err == nil && b.replacedBy(c.heads[b.Dataset]) {
			err = visit(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeUnnamed removes what a run or a compaction made and nothing names.
func (s *sweep) removeUnnamed(ctx context.Context, r *Recovery) error {
	root := s.zone.dir(s.source)
	return eachName(root, func(e fs.DirEntry) error {
		path := filepath.Join(root, e.Name())
		if !e.IsDir() {
			return s.removeIfUnnamed(ctx, r, path, e)
		}
		return eachName(path, func(e fs.DirEntry) error {
			below := filepath.Join(path, e.Name())
			if !e.IsDir() {
				return s.removeIfUnnamed(ctx, r, below, e)
			}
			// A run's quarantine may lose the files of a failure, years later.
			if _, ok := s.settled[xxhash.Sum64String(e.Name())]; ok && filepath.Base(path) != quarantineDir {
				return nil
			}
			return s.removeBelow(ctx, r, below)
		})
	})
}

// removeBelow does so in a folder and those in it, and removes the folders of runs
// that are empty then.
func (s *sweep) removeBelow(ctx context.Context, r *Recovery, dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			dirs = append(dirs, path)
			return nil
		}
		return s.removeIfUnnamed(ctx, r, path, d)
	})
	for _, dir := range slices.Backward(dirs) {
		if strings.HasPrefix(filepath.Base(dir), runPrefix) {
			s.zone.files.remove(dir) //nolint:errcheck // fails while something is in it
		}
	}
	return err
}

func (s *sweep) removeIfUnnamed(ctx context.Context, r *Recovery, path string, e fs.DirEntry) error {
	if relative := s.zone.relative(path); s.isNamed(relative) || !s.zone.leftover(relative) {
		return ctx.Err()
	}
	return errors.Join(ctx.Err(), r.remove(s.zone, path, e))
}

// leftover says whether a file that no manifest names was made by a run. Files
// that somebody else put into the zone stay.
func (z *Zone) leftover(relative string) bool {
	dir, name := filepath.Split(filepath.FromSlash(relative))
	if strings.HasSuffix(name, tempSuffix) {
		return true
	}
	return strings.HasSuffix(name, ".parquet") && strings.HasPrefix(filepath.Base(dir), runPrefix)
}

func (r *Recovery) remove(z *Zone, path string, d fs.DirEntry) error {
	if info, err := d.Info(); err == nil {
		r.Bytes += info.Size()
	}
	if err := z.removeFile(path); err != nil {
		return err
	}
	r.Files = append(r.Files, z.relative(path))
	return nil
}
