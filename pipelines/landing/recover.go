package landing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
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
	swept, err := z.sweep(ctx, source)
	r.Files, r.Bytes, r.Replaced = append(r.Files, swept.Files...), r.Bytes+swept.Bytes, r.Replaced+swept.Replaced
	return err
}

// sweep removes the files of a source that count no more, and the manifests that a
// compaction replaced.
func (z *Zone) sweep(ctx context.Context, source string) (r Recovery, err error) {
	manifests, err := z.readManifests(z.dir(source, manifestDir))
	if err != nil {
		return r, err
	}
	failures, err := z.Failures(source)
	if err != nil {
		return r, err
	}
	live, replaced := splitReplaced(manifests)
	named := namedBy(slices.Concat(live, failures))
	if len(replaced) > 0 {
		alone, err := z.lockOutReaders()
		if err != nil {
			return r, err
		}
		if alone == nil { // their files stay for those who read them
			maps.Copy(named, namedBy(replaced))
			replaced = nil
		} else {
			defer func() { err = errors.Join(err, alone()) }()
		}
	}
	old := namedBy(replaced)
	err = z.removeUnnamed(ctx, source, named, func(path string, d fs.DirEntry) error {
		if old[z.relative(path)] {
			r.Replaced++
			return z.removeFile(path)
		}
		return r.remove(z, path, d)
	})
	if err != nil {
		return r, err
	}
	for _, m := range replaced { // last: they name what is to be removed
		if err := errors.Join(ctx.Err(), z.removeFile(filepath.Join(z.dir(source, manifestDir), m.fileName()))); err != nil {
			return r, err
		}
	}
	return r, nil
}

// namedBy returns the paths of all files that manifests name.
func namedBy(manifests []*Manifest) map[string]bool {
	named := map[string]bool{}
	for _, m := range manifests {
		for _, f := range m.Files {
			named[f.Path] = true
		}
		for _, q := range m.Quarantine {
			named[q.Path] = true
		}
	}
	return named
}

// removeUnnamed calls remove for each file that a run or a compaction made and that
// is not named, and removes the folders that are empty then.
func (z *Zone) removeUnnamed(ctx context.Context, source string, named map[string]bool, remove func(string, fs.DirEntry) error) error {
	var dirs []string
	err := filepath.WalkDir(z.dir(source), func(path string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if d.IsDir() {
			dirs = append(dirs, path)
			return nil
		}
		if relative := z.relative(path); named[relative] || !z.leftover(relative) {
			return nil
		}
		return remove(path, d)
	})
	for i := len(dirs) - 1; i > 0; i-- {
		if strings.HasPrefix(filepath.Base(dirs[i]), runPrefix) {
			z.files.remove(dirs[i]) //nolint:errcheck // fails while something is in it
		}
	}
	return storageError("clean up", z.dir(source), err)
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
