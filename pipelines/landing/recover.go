package landing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// Recovery says what Recover removed.
type Recovery struct {
	Files []string // relative to the zone's root
	Bytes int64
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
// names, and files that were being written. It must not be called while a run
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
	named := map[string]bool{}
	for _, read := range []func(string) ([]*Manifest, error){z.Manifests, z.Failures} {
		manifests, err := read(source)
		if err != nil {
			return err
		}
		for _, m := range manifests {
			for _, f := range m.Files {
				named[f.Path] = true
			}
			for _, q := range m.Quarantine {
				named[q.Path] = true
			}
		}
	}
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
		return r.remove(z, path, d)
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
