package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/cespare/xxhash/v2"
)

// opened is a file being read: its bytes are hashed and counted on the way.
type opened struct {
	file     *os.File
	size     int64 // when it was opened
	mtime    time.Time
	hash     *xxhash.Digest
	read     int64      // in order
	jumped   int64      // read at places of their own, by formats that need it
	unpacked int64      // bytes that came out of compressed ones
	spools   []*os.File // unpacked copies, without names
}

// open begins to read a file. The error names the file.
func open(path string) (*opened, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(unreadable(path, err), file.Close())
	}
	return &opened{file: file, size: info.Size(), mtime: info.ModTime(), hash: xxhash.New()}, nil
}

// unreadable says in a sentence why a file cannot be read.
func unreadable(path string, err error) error {
	reason := err
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		reason = inner.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read %s: the file has vanished: %w", path, reason)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("read %s: winback may not read the file, give it the right to: %w", path, reason)
	}
	return fmt.Errorf("read %s: %w", path, reason)
}

// Read reads the file's own bytes in order.
func (o *opened) Read(into []byte) (int, error) {
	n, err := o.file.Read(into)
	_, _ = o.hash.Write(into[:n]) // never fails
	o.read += int64(n)
	return n, err
}

// ReadAt reads the file's own bytes at a place.
func (o *opened) ReadAt(into []byte, at int64) (int, error) {
	n, err := o.file.ReadAt(into, at)
	o.jumped += int64(n)
	return n, err
}

// progress returns how many of the file's bytes are read, as far as can be told.
func (o *opened) progress() int64 { return max(o.read, min(o.jumped, o.size)) }

// spare makes a file without a name, for what does not belong in memory.
func (o *opened) spare() (*os.File, error) {
	copied, err := os.CreateTemp("", "winback-*")
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", o.file.Name(), err)
	}
	o.spools = append(o.spools, copied)
	if err := os.Remove(copied.Name()); err != nil {
		return nil, fmt.Errorf("unpack %s: %w", o.file.Name(), err)
	}
	return copied, nil
}

// spool copies a stream to a file without a name, for formats that are not read
// in order. What is damaged is copied as far as it goes.
func (o *opened) spool(in io.Reader) (*os.File, int64, error) {
	copied, err := o.spare()
	if err != nil {
		return nil, 0, err
	}
	size, err := io.Copy(copied, in)
	if err != nil && damage(err) == "" {
		return nil, 0, fmt.Errorf("unpack %s: %w", o.file.Name(), err)
	}
	return copied, size, err
}

// dropSpools gives the room of unpacked copies back.
func (o *opened) dropSpools() error {
	var errs []error
	for _, copied := range o.spools {
		errs = append(errs, copied.Close())
	}
	o.spools = nil
	return errors.Join(errs...)
}

// finish closes a file and returns the hash of its bytes, which reads what is left of
// them. Of a text it is that of the bytes whose records were read, and no other: what
// was appended since is for the next time.
func (o *opened) finish(end ending) (hash string, err error) {
	if !end.plain {
		_, err = io.Copy(io.Discard, o)
	}
	if left := int64(len(end.left)); left > 0 {
		o.read -= left
		o.hash.Reset()
		_, err = io.Copy(o.hash, io.NewSectionReader(o.file, 0, o.read))
	}
	if err = errors.Join(err, o.close()); err != nil {
		return "", unreadable(o.file.Name(), err)
	}
	return hashText(o.hash), nil
}

func (o *opened) close() error { return errors.Join(o.dropSpools(), o.file.Close()) }

// hashFile returns the hash of a file's bytes.
func hashFile(path string) (string, error) {
	o, err := open(path)
	if err != nil {
		return "", err
	}
	return o.finish(ending{})
}
