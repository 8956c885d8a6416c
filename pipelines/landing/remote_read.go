package landing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"winback/pipelines/objects"
)

// fetchPattern names files that are being read from a store. They lose their names at
// once, and stay as long as they are open.
const fetchPattern = ".fetch-*"

// openLocal opens a file of a manifest in the folder, or fetches it from the store.
func (z *Zone) openLocal(f File) (*os.File, error) {
	file, err := os.Open(z.local(f.Path))
	if z.remote == nil || !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	return z.fetch(context.Background(), f.Path)
}

func (z *Zone) fetch(ctx context.Context, key string) (_ *os.File, err error) {
	in, _, err := z.remote.store.Read(ctx, key, objects.Range{})
	if errors.Is(err, objects.ErrNotFound) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := os.MkdirAll(z.root, 0o750); err != nil {
		return nil, storageError("create", z.root, err)
	}
	file, err := os.CreateTemp(z.root, fetchPattern)
	if err != nil {
		return nil, storageError("write", z.root, err)
	}
	err = os.Remove(file.Name())
	if err == nil {
		_, err = io.Copy(failing{file, file.Name()}, in)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// LookAt says whether files are there with the size they must have, without reading
// them: of each that is not, an error as of Look. A store is listed, not asked for
// each of them.
func (z *Zone) LookAt(ctx context.Context, entries []Entry) error {
	var errs []error
	if z.remote == nil {
		for _, e := range entries {
			errs = append(errs, ctx.Err(), z.Look(e))
		}
		return errors.Join(errs...)
	}
	sizes := map[string]int64{}
	listed := map[string]bool{}
	for _, e := range entries {
		source, _, _ := strings.Cut(e.Path, "/")
		if listed[source] {
			continue
		}
		listed[source] = true
		for info, err := range z.remote.store.List(ctx, source+"/") {
			if err != nil {
				return err
			}
			sizes[info.Key] = info.Size
		}
	}
	for _, e := range entries {
		size, is := sizes[e.Path]
		errs = append(errs, z.judge(e, size, is))
	}
	return errors.Join(errs...)
}

func (z *Zone) judge(e Entry, size int64, is bool) error {
	switch {
	case !is:
		return &LostError{Path: z.Path(e.Path)}
	case size != e.Bytes:
		return &DamagedError{Path: z.Path(e.Path), Reason: fmt.Sprintf("it has %d bytes, its manifest says %d", size, e.Bytes)}
	}
	return nil
}

// lookRemote is Look in a store.
func (z *Zone) lookRemote(e Entry) error {
	info, err := z.remote.store.Stat(context.Background(), e.Path)
	if err != nil && !errors.Is(err, objects.ErrNotFound) {
		return err
	}
	return z.judge(e, info.Size, err == nil)
}

// inStore names the manifest in an error as it is called in the store, where it is to
// be mended.
func (z *Zone) inStore(err error) error {
	var damaged *ManifestError
	if z.remote != nil && errors.As(err, &damaged) && strings.HasPrefix(damaged.Path, z.root) {
		damaged.Path = z.Path(z.relative(damaged.Path))
	}
	return err
}
