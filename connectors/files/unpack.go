package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
)

// What a file may unpack to: more than both is no data but an attack on the disk
// and the time of whoever reads it.
const (
	unpackedFloor = 1 << 30
	unpackedRatio = 500
)

// zstdWindow bounds the memory that a zstd stream may ask for.
const zstdWindow = 128 << 20

// damaged marks an error as the file's own, not of reading it, and says in words
// what is wrong.
type damaged struct {
	reason string
	err    error
}

func (d *damaged) Error() string { return d.reason }
func (d *damaged) Unwrap() error { return d.err }

func damagef(err error, format string, args ...any) error {
	return &damaged{reason: fmt.Sprintf(format, args...), err: err}
}

// damage says in words how a file is damaged, "" if the error is no damage.
func damage(err error) string {
	if found, ok := errors.AsType[*damaged](err); ok {
		return found.reason
	}
	return ""
}

// packing is a way in which bytes are compressed, known by how they begin.
type packing struct {
	name  string
	magic string
	open  func(in io.Reader) (io.Reader, error)
}

var packings = []packing{
	{"gzip", "\x1f\x8b", func(in io.Reader) (io.Reader, error) { return gzip.NewReader(in) }},
	{"zstd", "\x28\xb5\x2f\xfd", openZstd},
	{"zstd", "\x50\x2a\x4d\x18", openZstd}, // a frame to be skipped, as pzstd writes first
}

func openZstd(in io.Reader) (io.Reader, error) {
	return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
}

// packingOf tells by their first bytes how bytes are compressed; nil if they are
// not.
func packingOf(start []byte) *packing {
	for i := range packings {
		if bytes.HasPrefix(start, []byte(packings[i].magic)) {
			return &packings[i]
		}
	}
	return nil
}

// unpacker unpacks a stream. It opens it when first read, so that a damaged head
// is damage of the file like any other.
type unpacker struct {
	packing
	file *opened
	raw  *bufio.Reader
	in   io.Reader
	err  error // stays: a second try would find the stream at its end
}

func (u *unpacker) Read(into []byte) (n int, err error) {
	if u.err != nil {
		return 0, u.err
	}
	if u.in == nil {
		u.in, u.err = u.open(u.raw)
		if errors.Is(u.err, io.EOF) {
			u.err = io.ErrUnexpectedEOF
		}
	}
	if u.err == nil {
		n, u.err = u.in.Read(into)
	}
	if u.err == nil {
		u.err = u.file.grown(n)
	} else {
		u.err = packedDamage(u.name, u.err)
	}
	return n, u.err
}

// grown counts unpacked bytes. It returns an error when they are too many for the
// file.
func (o *opened) grown(n int) error {
	o.unpacked += int64(n)
	if o.unpacked > unpackedFloor && o.unpacked > unpackedRatio*o.size {
		return damagef(nil, "the file unpacks to more than %d times its size: it is taken for an attack; unpack it yourself if it is none", unpackedRatio)
	}
	return nil
}

// packedDamage says how packed data are damaged. Errors of reading the file itself
// stay what they are.
func packedDamage(name string, err error) error {
	_, ofFile := errors.AsType[*fs.PathError](err)
	switch {
	case errors.Is(err, io.EOF), ofFile, damage(err) != "":
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return damagef(err, "the %s data end too early: the file was cut off here, what followed is missing", name)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, zip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return damagef(err, "the %s checksum does not fit: the file is damaged somewhere above", name)
	case errors.Is(err, gzip.ErrHeader):
		return damagef(err, "the gzip data are followed by bytes that are no gzip")
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return damagef(err, "the zstd data need more than %d MiB to unpack; pack them again without --long", zstdWindow>>20)
	}
	return damagef(err, "the %s data are damaged (%v): what follows cannot be read", name, err)
}

// checked is a reader of a packed stream that another library unpacks: its errors
// are damage, and its bytes are counted.
type checked struct {
	name string
	file *opened
	in   io.Reader
	err  error
}

func (c *checked) Read(into []byte) (n int, err error) {
	if c.err != nil {
		return 0, c.err
	}
	n, c.err = c.in.Read(into)
	if c.err != nil {
		c.err = packedDamage(c.name, c.err)
	} else {
		c.err = c.file.grown(n)
	}
	return n, c.err
}
