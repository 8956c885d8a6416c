// Package objects keeps whole objects under keys, in a folder or in an S3 bucket.
// An object is there as a whole or not at all; a write may be made to depend on what
// is there already, which is all that a commit and a lease need. There is no rename.
package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// Store keeps objects. Keys are paths with slashes, without one at either end. All
// methods may be called from several goroutines. Errors are *Error, which wraps
// ErrNotFound or ErrCondition where these are the cause.
type Store interface {
	// String names the place in messages: /var/lib/x or s3://bucket/prefix.
	String() string
	// List goes through the objects whose keys begin with the prefix, in no order.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Folders returns the names directly below a folder that have objects below
	// them; "" is the root.
	Folders(ctx context.Context, folder string) ([]string, error)
	// Stat tells of an object without reading it.
	Stat(ctx context.Context, key string) (Info, error)
	// Read reads an object from its begin, or a part of it. Reading goes on where a
	// connection broke, and ends with an error if the object was replaced meanwhile.
	Read(ctx context.Context, key string, part Range) (io.ReadCloser, Info, error)
	// Write puts an object in place, for good when it returns. It is ErrCondition if
	// the condition does not hold, unless what is there is the very same content, as
	// after a write whose answer was lost. After any other error the object may be
	// there or not.
	Write(ctx context.Context, key string, body io.ReaderAt, size int64, when Condition) (Info, error)
	// Remove takes objects away. One that is not there is no error.
	Remove(ctx context.Context, keys ...string) error
	// Tidy removes what writes below a prefix left that were broken off, and that no
	// other call shows. It must not be called while somebody writes there.
	Tidy(ctx context.Context, prefix string) error
}

// Info is what a store tells of an object.
type Info struct {
	Key     string
	Size    int64
	Version string    // changes with the content, as far as the store can tell
	Changed time.Time // by the store's clock
	// Age is how long ago the object changed, by the store's own clock. Only Read
	// tells it; zero otherwise.
	Age time.Duration
}

// Range is a part of an object. The zero value is all of it.
type Range struct {
	From   int64
	Length int64 // 0 for all that follows
}

// Condition says when an object may be written.
type Condition struct {
	absent  bool
	version string
}

// Always lets a write replace whatever is there.
func Always() Condition { return Condition{} }

// IfAbsent lets a write make an object that is not there.
func IfAbsent() Condition { return Condition{absent: true} }

// IfUnchanged lets a write replace an object that still has a version.
func IfUnchanged(version string) Condition { return Condition{version: version} }

func (c Condition) always() bool { return !c.absent && c.version == "" }

// ErrNotFound says that there is no object of that key.
var ErrNotFound = errors.New("it is not there")

// ErrCondition says that an object was there, or had changed, and was not written.
var ErrCondition = errors.New("it is there already, or somebody else has changed it")

// Error says what a store could not do.
type Error struct {
	Op    string // what was tried: read, write, list, remove
	Place string // of the object: the store's name and the key
	Err   error
	hint  string
}

func (e *Error) Error() string {
	if e.hint != "" {
		return fmt.Sprintf("cannot %s %s: %s", e.Op, e.Place, e.hint)
	}
	return fmt.Sprintf("cannot %s %s: %v", e.Op, e.Place, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// WriteBytes writes an object that is in memory.
func WriteBytes(ctx context.Context, s Store, key string, body []byte, when Condition) (Info, error) {
	return s.Write(ctx, key, bytes.NewReader(body), int64(len(body)), when)
}

// ReadBytes reads a small object whole.
func ReadBytes(ctx context.Context, s Store, key string) ([]byte, Info, error) {
	in, info, err := s.Read(ctx, key, Range{})
	if err != nil {
		return nil, info, err
	}
	text, err := io.ReadAll(in)
	return text, info, errors.Join(err, in.Close())
}

// sameContent says whether an object is what was to be written: a store that did not
// hear the answer to its first try is refused at the second.
func sameContent(ctx context.Context, s Store, key string, body io.ReaderAt, size int64) (Info, bool, error) {
	in, info, err := s.Read(ctx, key, Range{})
	if errors.Is(err, ErrNotFound) {
		return info, false, nil
	}
	if err != nil {
		return info, false, err
	}
	defer in.Close()
	if info.Size != size {
		return info, false, nil
	}
	want, have := io.NewSectionReader(body, 0, size), make([]byte, 64<<10)
	wanted := make([]byte, len(have))
	for left := size; left > 0; {
		n := min(left, int64(len(have)))
		if _, err := io.ReadFull(in, have[:n]); err != nil {
			return info, false, err
		}
		if _, err := io.ReadFull(want, wanted[:n]); err != nil {
			return info, false, err
		}
		if !bytes.Equal(have[:n], wanted[:n]) {
			return info, false, nil
		}
		left -= n
	}
	return info, true, nil
}
