package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"
)

// A file that has only grown is read from where it ended. That it has only grown
// is found out by hashing what was read: a sample of it would be cheaper, and
// would miss the order whose state was overwritten in place. Hashing a gigabyte
// takes a fraction of a second, reading it as records many.

// before returns what was read of a file earlier, if it has only grown since.
func (k *known) before(c candidate) (*fileRead, error) {
	last, found := k.paths[c.name]
	if !found || last.Lines == 0 || c.size <= last.Size {
		return nil, nil
	}
	grown, err := continues(c, last)
	if err != nil || !grown {
		return nil, err
	}
	return &last, nil
}

// continues says whether a file begins with the bytes that were read of it
// before, and goes on behind them with a line of its own.
func continues(c candidate, last fileRead) (bool, error) {
	file, err := os.Open(c.path)
	if err != nil {
		return false, unreadable(c.path, err)
	}
	defer func() { _ = file.Close() }() // only read from
	digest := xxhash.New()
	if n, err := io.CopyN(digest, file, last.Size); err != nil && !errors.Is(err, io.EOF) {
		return false, unreadable(c.path, err)
	} else if n < last.Size || hashText(digest) != last.Hash {
		return false, nil
	}
	if !last.Open {
		return true, nil
	}
	_, ok, err := lineEnd(file)
	if err != nil {
		return false, unreadable(c.path, err)
	}
	return ok, nil
}

func hashText(digest *xxhash.Digest) string { return fmt.Sprintf("%016x", digest.Sum64()) }

// lineEnd reads a line end, and says how long it is.
func lineEnd(in io.Reader) (length int64, ok bool, err error) {
	var next [2]byte
	n, err := io.ReadFull(in, next[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, false, err
	}
	switch text := string(next[:n]); {
	case n > 0 && text[0] == '\n':
		return 1, true, nil
	case text == "\r\n":
		return 2, true, nil
	}
	return 0, false, nil
}

// goOn moves behind what was read of a file before.
func (t *table) goOn(after *fileRead) error {
	if err := t.resume(after.Size, after.Lines+1); err != nil || !after.Open {
		return err
	}
	start, err := t.text.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return unreadable(t.input, err)
	}
	length, _, _ := lineEnd(bytes.NewReader(start)) // continues has seen it
	_, err = t.text.Discard(int(length))
	t.bound.line++
	return err
}

// growing says whether a file was written to since it was opened, so that its
// last line may be half of one.
func (o *opened) growing() bool {
	info, err := o.file.Stat()
	return err == nil && (info.Size() != o.size || !info.ModTime().Equal(o.mtime))
}

// finished remembers a file that was read to its end: for plain text also how far
// it was read, so that what is appended can be read alone.
func (x *extraction) finished(c candidate, file *opened, end ending, hash string) {
	f := fileRead{Path: c.name, Size: file.read, Mtime: c.mtime, Hash: hash, Whole: c.after == nil}
	if !end.plain && x.grows(file) {
		x.left = append(x.left, c.name) // it is another file by now, and is read again
	}
	if end.plain && end.any && !end.damaged {
		f.Lines, f.Open = end.lines, end.open
	}
	x.remember(f)
}
