package landing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"winback/pipelines/objects"
)

// Stored lists all that the store of a zone holds of its sources: files, manifests and
// what is kept of failures. What an interrupted commit was uploading is left out. A zone
// on disk has none.
func (z *Zone) Stored(ctx context.Context) ([]objects.Info, error) {
	if z.remote == nil {
		return nil, nil
	}
	sources, err := z.storedSources(ctx)
	if err != nil {
		return nil, err
	}
	var list []objects.Info
	for _, source := range sources {
		pending, err := z.pendingFiles(ctx, source)
		if err != nil {
			return nil, err
		}
		for info, err := range z.remote.store.List(ctx, source+"/") {
			if err != nil {
				return nil, err
			}
			if !pending[info.Key] && !strings.HasPrefix(info.Key, source+"/"+pendingDir+"/") {
				list = append(list, info)
			}
		}
	}
	return list, nil
}

// storedSources are the sources that the store has something of.
func (z *Zone) storedSources(ctx context.Context) ([]string, error) {
	names, err := z.remote.store.Folders(ctx, "")
	if slices.Contains(names, restoringDir) {
		err = errors.Join(err, &HalfRestoredError{Place: z.remote.store.String()})
	}
	return slices.DeleteFunc(names, func(name string) bool { return !safeName.MatchString(name) }), err
}

// pendingFiles are those of commits that did not come about.
func (z *Zone) pendingFiles(ctx context.Context, source string) (map[string]bool, error) {
	files := map[string]bool{}
	notes, err := z.pendingNotes(ctx, source)
	for _, note := range notes {
		p, there, err := z.readPending(ctx, note)
		if err != nil {
			return nil, err
		}
		for _, file := range p.Files {
			files[file] = !there
		}
	}
	return files, err
}

// OpenStored opens a file that Stored has listed. It is an error if it was replaced or
// removed since.
func (z *Zone) OpenStored(ctx context.Context, info objects.Info) (io.ReadCloser, error) {
	in, have, err := z.remote.store.Read(ctx, info.Key, objects.Range{})
	switch {
	case errors.Is(err, objects.ErrNotFound):
		return nil, fmt.Errorf("%s was removed meanwhile, as by a compaction or winback forget: do it again", z.Path(info.Key))
	case err != nil:
		return nil, err
	case have.Version != info.Version:
		return nil, errors.Join(fmt.Errorf("%s was replaced meanwhile: do it again", z.Path(info.Key)), in.Close())
	}
	return in, nil
}

// restoringDir has a note in the store while a zone is being restored into it.
const restoringDir = "_restoring"

// HalfRestoredError says that a restore of the zone broke off.
type HalfRestoredError struct{ Place string }

func (e *HalfRestoredError) Error() string {
	return fmt.Sprintf("%s was being restored from a backup and is not whole: winback restore again, which begins anew", e.Place)
}

// Fill uploads the zone of a folder into the store, where that has nothing of any
// source; false if it has: what is there is never overwritten. A Fill that was broken
// off keeps everybody from using the zone, and the next one begins anew. The zone is
// locked, with Restoring.
func (z *Zone) Fill(ctx context.Context, folder string) (filled bool, err error) {
	if err := z.mayWrite(); err != nil {
		return false, err
	}
	sources, err := z.storedSources(ctx)
	again := errors.As(err, new(*HalfRestoredError))
	if err != nil && !again || len(sources) > 0 && !again {
		return false, ifNot(again, err)
	}
	files, manifests, err := zoneFiles(folder)
	if err != nil {
		return false, err
	}
	note := restoringDir + "/note"
	if _, err := objects.WriteBytes(ctx, z.remote.store, note, []byte("winback restore fills this zone\n"), objects.Always()); err != nil {
		return false, err
	}
	for _, source := range sources { // of the one that broke off
		if err := z.removeAll(ctx, source+"/"); err != nil {
			return false, err
		}
	}
	for _, keys := range [][]string{files, manifests} {
		if err := z.fillWith(ctx, folder, keys); err != nil {
			return false, err
		}
	}
	if err := z.remote.store.Remove(ctx, note); err != nil {
		return false, err
	}
	z.remote.stale()
	return true, nil
}

func ifNot(known bool, err error) error {
	if known {
		return nil
	}
	return err
}

func (z *Zone) removeAll(ctx context.Context, prefix string) error {
	var keys []string
	for info, err := range z.remote.store.List(ctx, prefix) {
		if err != nil {
			return err
		}
		keys = append(keys, info.Key)
	}
	return z.remote.store.Remove(ctx, keys...)
}

// zoneFiles lists the files of a zone's folder, manifests apart: they come last.
func zoneFiles(folder string) (files, manifests []string, err error) {
	err = filepath.WalkDir(folder, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		relative, err := filepath.Rel(folder, file)
		key := filepath.ToSlash(relative)
		switch source, rest, _ := strings.Cut(key, "/"); {
		case err != nil || !safeName.MatchString(source) || rest == "":
		case strings.HasPrefix(rest, manifestDir+"/"), strings.HasPrefix(rest, failedDir+"/"):
			manifests = append(manifests, key)
		case rest != indexName && rest != stampName:
			files = append(files, key)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return files, manifests, storageError("read", folder, err)
}

func (z *Zone) fillWith(ctx context.Context, folder string, keys []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, key := range keys {
		group.Go(func() error {
			if err := z.mayWrite(); err != nil {
				return err
			}
			f, err := os.Open(filepath.Join(folder, filepath.FromSlash(key)))
			if err != nil {
				return storageError("read", folder, err)
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				return storageError("read", folder, err)
			}
			_, err = z.remote.store.Write(ctx, key, f, info.Size(), objects.Always())
			return err
		})
	}
	return group.Wait()
}
