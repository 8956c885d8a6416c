package landing

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"winback/pipelines/objects"
)

// refresh brings the manifests in the folder up to date with the store. Whoever has
// the lease does that once: nobody else writes meanwhile. Others do it again after a
// while.
func (z *Zone) refresh(ctx context.Context) error {
	r := z.remote
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.looked.IsZero() && (r.lease != nil || time.Since(r.looked) < fresh) {
		return nil
	}
	began := time.Now()
	sources, err := z.storedSources(ctx)
	if err != nil {
		return err
	}
	for _, source := range sources {
		for _, folder := range []string{manifestDir, failedDir} {
			if err := z.mirror(ctx, source, folder); err != nil {
				return err
			}
		}
	}
	if err := z.forgetSources(sources); err != nil {
		return err
	}
	r.looked = began
	return nil
}

// stale has the store looked at again.
func (r *remote) stale() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked = time.Time{}
}

// mirror makes a folder of manifests what it is in the store.
func (z *Zone) mirror(ctx context.Context, source, folder string) error {
	dir := z.dir(source, folder)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return storageError("create", dir, err)
	}
	have, err := filesIn(dir)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(downloads)
	prefix := source + "/" + folder + "/"
	for info, err := range z.remote.store.List(ctx, prefix) {
		if err != nil {
			return errors.Join(group.Wait(), err)
		}
		name := strings.TrimPrefix(info.Key, prefix)
		if strings.Contains(name, "/") || !strings.HasSuffix(name, manifestSuffix) {
			continue
		}
		copied, is := have[name]
		delete(have, name)
		if is && copied.Size() == info.Size && copied.ModTime().Unix() == info.Changed.Unix() {
			continue
		}
		group.Go(func() error { return z.download(ctx, info, filepath.Join(dir, name)) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for name := range have {
		if err := z.removeFile(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func filesIn(dir string) (map[string]fs.FileInfo, error) {
	have := map[string]fs.FileInfo{}
	err := eachName(dir, func(e fs.DirEntry) error {
		info, err := e.Info()
		if err == nil && !e.IsDir() {
			have[e.Name()] = info
		}
		return err
	})
	return have, err
}

// download copies an object to a file, which gets the object's time.
func (z *Zone) download(ctx context.Context, info objects.Info, path string) error {
	text, _, err := objects.ReadBytes(ctx, z.remote.store, info.Key)
	if errors.Is(err, objects.ErrNotFound) {
		return z.removeFile(path) // removed since it was listed
	}
	if err != nil {
		return err
	}
	err = z.writeFile(path, func(to io.Writer) error {
		_, err := to.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	return storageError("write", path, os.Chtimes(path, info.Changed, info.Changed))
}

// forgetSources removes the folders of sources that the store has nothing of.
func (z *Zone) forgetSources(known []string) error {
	var gone []string
	err := eachName(z.root, func(e fs.DirEntry) error {
		if e.IsDir() && !slices.Contains(known, e.Name()) {
			gone = append(gone, filepath.Join(z.root, e.Name()))
		}
		return nil
	})
	for _, dir := range gone {
		err = errors.Join(err, storageError("remove", dir, os.RemoveAll(dir)))
	}
	return err
}
