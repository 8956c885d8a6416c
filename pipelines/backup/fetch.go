package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"winback/pipelines/objects"
)

// Verify reads everything a backup is made of and compares the checksums. The error
// joins a *DamagedError for each object that is missing or not what was written.
func Verify(ctx context.Context, store objects.Store, m *Manifest) error {
	return eachContent(ctx, m, func(ctx context.Context, f File) error {
		return readContent(ctx, store, m, f, io.Discard)
	})
}

// Fetch writes the files of a backup into a folder, which is made, and compares the
// checksums of all it reads. After an error the folder is not whole.
func Fetch(ctx context.Context, store objects.Store, m *Manifest, folder string) error {
	for _, f := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return &DamagedError{Place: manifestKey(m.ID), Reason: fmt.Sprintf("it names a file outside, %s", f.Path)}
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, f := range m.Files {
		group.Go(func() error {
			path := filepath.Join(folder, filepath.FromSlash(f.Path))
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				return err
			}
			if f.Link != "" {
				return nil // last: nothing is written through one
			}
			return fetchFile(ctx, store, m, f, path)
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("restore backup %s: %w", m.ID, err)
	}
	for _, f := range m.Files {
		if f.Link == "" {
			continue
		}
		if !filepath.IsLocal(filepath.Join(filepath.Dir(filepath.FromSlash(f.Path)), f.Link)) {
			return &DamagedError{Place: manifestKey(m.ID), Reason: fmt.Sprintf("the link %s leads outside, to %s", f.Path, f.Link)}
		}
		if err := os.Symlink(f.Link, filepath.Join(folder, filepath.FromSlash(f.Path))); err != nil {
			return fmt.Errorf("restore backup %s: %w", m.ID, err)
		}
	}
	return nil
}

func fetchFile(ctx context.Context, store objects.Store, m *Manifest, f File, path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = readContent(ctx, store, m, f, file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Chtimes(path, f.Changed, f.Changed)
}

// eachContent calls visit once for each content, beside each other, and goes on
// after errors.
func eachContent(ctx context.Context, m *Manifest, visit func(context.Context, File) error) error {
	var (
		mu    sync.Mutex
		errs  []error
		group errgroup.Group
	)
	group.SetLimit(parallel)
	seen := map[string]bool{}
	for _, f := range m.Files {
		if f.Link != "" || seen[f.SHA256] {
			continue
		}
		seen[f.SHA256] = true
		group.Go(func() error {
			if err := visit(ctx, f); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
			return nil
		})
	}
	return errors.Join(append(errs, group.Wait())...)
}

// readContent writes the content of a file to out and compares its checksum.
func readContent(ctx context.Context, store objects.Store, m *Manifest, f File, out io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(f.SHA256) != hex.EncodedLen(sha256.Size) {
		return &DamagedError{Place: manifestKey(m.ID), Reason: fmt.Sprintf("it has no checksum of %s", f.Path)}
	}
	key := m.objectKey(f.SHA256)
	place := fmt.Sprintf("%s/%s (%s)", store, key, f.Path)
	in, _, err := store.Read(ctx, key, objects.Range{})
	if errors.Is(err, objects.ErrNotFound) {
		return &DamagedError{Place: place, Reason: "it is missing"}
	}
	if err != nil {
		return err
	}
	defer in.Close()
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(hash, out), in); err != nil {
		return fmt.Errorf("read %s: %w", place, err)
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != f.SHA256 {
		return &DamagedError{Place: place, Reason: fmt.Sprintf("its SHA-256 is %s", sum)}
	}
	return nil
}
