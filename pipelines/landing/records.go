package landing

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math"
	"os"

	"github.com/cespare/xxhash/v2"
)

// recordReader reads the records of an index or a stamp one after another, in place.
type recordReader struct {
	in     io.Reader
	buf    []byte
	lo, hi int // what of buf is read and not used yet
}

// windowSize is how much is read at once.
const windowSize = 512 << 10

// openRecords returns a reader of a file's records, or nil if the file does not begin
// with the magic.
func openRecords(file *os.File, magic string) *recordReader {
	r := &recordReader{in: io.NewSectionReader(file, 0, math.MaxInt64), buf: make([]byte, windowSize)}
	if begin, err := r.take(len(magic)); err != nil || string(begin) != magic {
		return nil
	}
	return r
}

// next returns the next record, valid until the one after it is asked for. The error
// is errPacked where what comes is not a record, as at the end.
func (r *recordReader) next() ([]byte, error) {
	if err := r.fill(binary.MaxVarintLen64); err != nil {
		return nil, err
	}
	length, size := binary.Uvarint(r.buf[r.lo:r.hi])
	if size <= 0 || length > math.MaxInt32 {
		return nil, errPacked
	}
	r.lo += size
	whole, err := r.take(8 + int(length))
	if err != nil {
		return nil, err
	}
	record := whole[8:]
	if xxhash.Sum64(record) != binary.LittleEndian.Uint64(whole) {
		return nil, errPacked
	}
	return record, nil
}

// take returns the next n bytes.
func (r *recordReader) take(n int) ([]byte, error) {
	if err := r.fill(n); err != nil {
		return nil, err
	}
	if r.hi-r.lo < n {
		return nil, errPacked
	}
	taken := r.buf[r.lo : r.lo+n]
	r.lo += n
	return taken, nil
}

// fill reads until n bytes are there or the file ends. The memory for them grows
// with what is really there: a length may be damaged.
func (r *recordReader) fill(n int) error {
	for r.hi-r.lo < n {
		if r.hi == len(r.buf) {
			to := r.buf
			if r.lo == 0 {
				to = make([]byte, 2*len(r.buf))
			}
			r.hi, r.lo = copy(to, r.buf[r.lo:r.hi]), 0
			r.buf = to
		}
		read, err := r.in.Read(r.buf[r.hi:])
		r.hi += read
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errPacked
		}
	}
	return nil
}

// readIndex goes through the records of an index up to the first that is not what
// was written. No file has none.
func readIndex(file *os.File) iter.Seq[*Brief] {
	return func(yield func(*Brief) bool) {
		if file == nil {
			return
		}
		in := openRecords(file, indexMagic)
		if in == nil {
			return
		}
		b := &Brief{indexed: true}
		for {
			record, err := in.next()
			if err != nil || b.unpack(record) != nil || !yield(b) {
				return
			}
		}
	}
}
