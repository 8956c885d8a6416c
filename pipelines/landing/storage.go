package landing

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// files is what the zone asks of the disk when it writes. Tests put a disk that
// fails in its place.
type files interface {
	create(path string) (writtenFile, error)
	rename(from, to string) error
	syncDir(path string) error
	mkdir(path string) error
	remove(path string) error
}

// writtenFile is a file being written.
type writtenFile interface {
	io.WriteCloser
	Sync() error
}

type disk struct{}

func (disk) create(path string) (writtenFile, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
}

func (disk) rename(from, to string) error { return os.Rename(from, to) }

func (disk) remove(path string) error { return os.Remove(path) }

func (disk) mkdir(path string) error { return os.MkdirAll(path, 0o777) }

// syncDir makes the names in a folder last.
func (disk) syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// StorageError says that the zone's disk did not do what was asked.
type StorageError struct {
	Op   string // what was tried: write, read, rename
	Path string
	Err  error
}

func (e *StorageError) Error() string {
	what := fmt.Sprintf("cannot %s %s", e.Op, e.Path)
	switch {
	case errors.Is(e.Err, syscall.ENOSPC), errors.Is(e.Err, syscall.EDQUOT):
		return what + ": the disk is full; free some space, or choose another place with --home, and run again"
	case errors.Is(e.Err, fs.ErrPermission):
		return what + ": no permission; run as the owner of the folder, or choose another place with --home"
	case errors.Is(e.Err, syscall.EROFS):
		return what + ": the file system is read-only; choose another place with --home"
	case errors.Is(e.Err, fs.ErrNotExist):
		return what + ": it is not there any more"
	}
	var pathErr *fs.PathError
	if errors.As(e.Err, &pathErr) {
		return what + ": " + pathErr.Err.Error()
	}
	return what + ": " + e.Err.Error()
}

func (e *StorageError) Unwrap() error { return e.Err }

// storageError wraps an error of the file system, once.
func storageError(op, path string, err error) error {
	var known *StorageError
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &StorageError{Op: op, Path: path, Err: err}
}

// tempSuffix marks files that are being written.
const tempSuffix = ".tmp"

// writeFile writes a file under a temporary name, makes it last and renames it.
// The file is there as a whole or not at all; its folder is not synced.
func (z *Zone) writeFile(path string, write func(io.Writer) error) (err error) {
	temp := path + tempSuffix
	if err := z.files.mkdir(filepath.Dir(path)); err != nil {
		return storageError("create", filepath.Dir(path), err)
	}
	f, err := z.files.create(temp)
	if err != nil {
		return storageError("write", path, err)
	}
	defer func() {
		if err != nil {
			z.files.remove(temp) //nolint:errcheck // the next run removes it
		}
	}()
	err = write(failing{f, path})
	if err == nil {
		err = storageError("write", path, f.Sync())
	}
	if closed := f.Close(); err == nil {
		err = storageError("write", path, closed)
	}
	if err != nil {
		return err
	}
	return storageError("rename", path, z.files.rename(temp, path))
}

// removeFile takes a file away if it is there.
func (z *Zone) removeFile(path string) error {
	if err := z.files.remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storageError("remove", path, err)
	}
	return nil
}

// failing names the path in the errors of writing to it.
type failing struct {
	io.Writer
	path string
}

func (f failing) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	return n, storageError("write", f.path, err)
}

// syncPath makes the names of a folder and of the folders above it last, up to
// the zone's root.
func (z *Zone) syncPath(dir string) error {
	for {
		if err := z.files.syncDir(dir); err != nil {
			return storageError("sync", dir, err)
		}
		if dir == z.root || len(dir) <= len(z.root) {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}
