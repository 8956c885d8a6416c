package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Disk keeps objects as files of a folder. Each is written under another name,
// synced and renamed, and its folder is synced.
type Disk struct{ root string }

var _ Store = (*Disk)(nil)

// OpenDisk returns the store of a folder, which need not exist yet.
func OpenDisk(root string) *Disk { return &Disk{root: root} }

func (d *Disk) String() string { return d.root }

// writingSuffix marks files that are being written.
const writingSuffix = ".writing"

// conditionLock is held while a write looks whether its condition holds.
const conditionLock = ".condition.lock"

func hidden(name string) bool {
	return strings.HasSuffix(name, writingSuffix) || name == conditionLock
}

func (d *Disk) path(key string) string { return filepath.Join(d.root, filepath.FromSlash(key)) }

func (d *Disk) fail(op, key string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	var path *fs.PathError
	isPath := errors.As(err, &path)
	switch {
	case isPath && path.Op == "mkdir":
		return &Error{Op: op, Place: d.path(key), Err: fmt.Errorf("the folder %s cannot be made there (%w); choose another place", path.Path, path.Err)}
	case errors.Is(err, fs.ErrNotExist):
		err = ErrNotFound
	case isPath:
		err = path.Err
	}
	return &Error{Op: op, Place: d.path(key), Err: err}
}

func infoOf(key string, file fs.FileInfo) Info {
	return Info{Key: key, Size: file.Size(), Changed: file.ModTime(), Version: fmt.Sprintf("%x-%x", file.Size(), file.ModTime().UnixNano())}
}

// List walks the folders that the prefix reaches.
func (d *Disk) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		begin := d.path(prefix[:strings.LastIndexByte(prefix, '/')+1])
		err := filepath.WalkDir(begin, func(path string, e fs.DirEntry, err error) error {
			key := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(path, d.root), string(filepath.Separator)))
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case e.IsDir() || hidden(e.Name()) || !strings.HasPrefix(key, prefix):
				return ctx.Err()
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil // removed meanwhile
			}
			if err == nil && !yield(infoOf(key, info), nil) {
				return fs.SkipAll
			}
			return errors.Join(err, ctx.Err())
		})
		if err != nil {
			yield(Info{}, d.fail("list", prefix, err))
		}
	}
}

// Folders returns the folders in a folder that are not empty.
func (d *Disk) Folders(_ context.Context, folder string) ([]string, error) {
	entries, err := os.ReadDir(d.path(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, d.fail("list", folder, err)
}

// Stat looks at the file.
func (d *Disk) Stat(_ context.Context, key string) (Info, error) {
	info, err := os.Stat(d.path(key))
	if err != nil {
		return Info{}, d.fail("read", key, err)
	}
	return infoOf(key, info), nil
}

// Read opens the file.
func (d *Disk) Read(_ context.Context, key string, part Range) (io.ReadCloser, Info, error) {
	file, err := os.Open(d.path(key))
	if err != nil {
		return nil, Info{}, d.fail("read", key, err)
	}
	stat, err := file.Stat()
	if err == nil {
		_, err = file.Seek(part.From, io.SeekStart)
	}
	if err != nil {
		return nil, Info{}, errors.Join(d.fail("read", key, err), file.Close())
	}
	info := infoOf(key, stat)
	info.Age = time.Since(info.Changed)
	if part.Length == 0 {
		return file, info, nil
	}
	return limited{io.LimitReader(file, part.Length), file}, info, nil
}

type limited struct {
	io.Reader
	io.Closer
}

// Write writes beside and renames. A condition is looked at under a lock that all
// writers with conditions take.
func (d *Disk) Write(ctx context.Context, key string, body io.ReaderAt, size int64, when Condition) (Info, error) {
	path := d.path(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return Info{}, d.fail("write", key, err)
	}
	if !when.always() {
		lock := flock.New(filepath.Join(d.root, conditionLock))
		if err := lock.Lock(); err != nil {
			return Info{}, d.fail("write", key, err)
		}
		defer lock.Close()
		if met, err := d.meets(ctx, key, when); !met || err != nil {
			return d.refused(ctx, key, body, size, err)
		}
	}
	if err := writeAside(path, io.NewSectionReader(body, 0, size)); err != nil {
		return Info{}, d.fail("write", key, err)
	}
	return d.Stat(ctx, key)
}

func (d *Disk) meets(ctx context.Context, key string, when Condition) (bool, error) {
	have, err := d.Stat(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return when.absent, nil
	}
	return !when.absent && have.Version == when.version, err
}

// refused tells why a write was not made, or that it had been made before.
func (d *Disk) refused(ctx context.Context, key string, body io.ReaderAt, size int64, err error) (Info, error) {
	if err == nil {
		var same bool
		var info Info
		if info, same, err = sameContent(ctx, d, key, body, size); same {
			return info, nil
		}
	}
	if err == nil {
		err = ErrCondition
	}
	return Info{}, d.fail("write", key, err)
}

func writeAside(path string, body io.Reader) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*"+writingSuffix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name()) //nolint:errcheck // Tidy removes it
		}
	}()
	_, err = io.Copy(f, body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Remove removes files, and the folders that are empty then.
func (d *Disk) Remove(_ context.Context, keys ...string) error {
	for _, key := range keys {
		path := d.path(key)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return d.fail("remove", key, err)
		}
		for dir := filepath.Dir(path); len(dir) > len(d.root) && os.Remove(dir) == nil; {
			dir = filepath.Dir(dir)
		}
	}
	return nil
}

// Tidy removes files that were being written.
func (d *Disk) Tidy(ctx context.Context, prefix string) error {
	begin := d.path(prefix[:strings.LastIndexByte(prefix, '/')+1])
	err := filepath.WalkDir(begin, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !e.IsDir() && strings.HasSuffix(e.Name(), writingSuffix):
			return errors.Join(ctx.Err(), os.Remove(path))
		}
		return ctx.Err()
	})
	return d.fail("tidy up", prefix, err)
}
