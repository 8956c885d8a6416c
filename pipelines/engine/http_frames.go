package engine

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-faster/city"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Frames are ClickHouse's own compression: a checksum of 16 bytes, a byte that
// names the method, the size of the rest with these 9 bytes, the size of the data.
const (
	frameHead     = 25
	frameSizes    = 9 // of the head, counted in the frame's size
	frameLZ4      = 0x82
	frameZSTD     = 0x90
	framePlain    = 0x02
	maxFrameBytes = 256 << 20
)

// frameReader undoes ClickHouse's own compression. Data may end only between two
// frames.
type frameReader struct {
	source   io.Reader
	unsigned bool // checksums are not looked at
	head     [frameHead]byte
	packed   []byte
	data     []byte
	rest     []byte // of data
	zstd     *zstd.Decoder
}

func (r *frameReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next unpacks a frame.
func (r *frameReader) next() error {
	if _, err := io.ReadFull(r.source, r.head[:]); err != nil {
		return err // io.EOF before a frame is the end
	}
	packed, size := binary.LittleEndian.Uint32(r.head[17:]), binary.LittleEndian.Uint32(r.head[21:])
	if packed < frameSizes || packed > maxFrameBytes || size > maxFrameBytes {
		return badFrame("its sizes are %d and %d bytes", packed, size)
	}
	body, err := readBounded(r.source, r.packed[:0], int(packed-frameSizes))
	r.packed = body
	if err != nil {
		return noEOF(err)
	}
	if !r.unsigned {
		signed := append(append(make([]byte, 0, frameSizes+len(body)), r.head[16:]...), body...)
		sum := city.CH128(signed)
		if sum.Low != binary.LittleEndian.Uint64(r.head[:]) || sum.High != binary.LittleEndian.Uint64(r.head[8:]) {
			return badFrame("its checksum doesn't match")
		}
	}
	return r.unpack(r.head[16], body, int(size))
}

func (r *frameReader) unpack(method byte, body []byte, size int) (err error) {
	switch method {
	case framePlain:
		r.data = append(r.data[:0], body...)
	case frameLZ4:
		if size > 255*(len(body)+16) {
			return badFrame("%d bytes can't hold %d", len(body), size)
		}
		if cap(r.data) < size {
			r.data = make([]byte, size)
		}
		n := 0
		n, err = lz4.UncompressBlock(body, r.data[:size])
		r.data = r.data[:max(n, 0)]
	case frameZSTD:
		if r.zstd == nil {
			if r.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrameBytes)); err != nil {
				return err
			}
		}
		r.data, err = r.zstd.DecodeAll(body, r.data[:0])
	default:
		return badFrame("its method is 0x%02x", method)
	}
	if err != nil {
		return badFrame("%v", err)
	}
	if len(r.data) != size {
		return badFrame("it holds %d bytes and says %d", len(r.data), size)
	}
	r.rest = r.data
	return nil
}

func badFrame(format string, args ...any) error {
	return &Error{Code: CodeCannotDecompress, Name: "CANNOT_DECOMPRESS", Text: "a compressed frame is broken: " + fmt.Sprintf(format, args...)}
}

// readBounded reads n bytes in steps, so that memory follows what comes and not
// what was announced.
func readBounded(source io.Reader, into []byte, n int) ([]byte, error) {
	const step = 1 << 20
	for len(into) < n {
		start := len(into)
		more := min(step, n-start)
		into = append(into, make([]byte, more)...)
		if _, err := io.ReadFull(source, into[start:]); err != nil {
			return into, err
		}
	}
	return into, nil
}

// newSnappyReader reads snappy in the framing of its authors, or in Hadoop's,
// which is the one a server reads.
func newSnappyReader(source io.Reader) (io.Reader, error) {
	b := bufio.NewReader(source)
	head, err := b.Peek(1)
	if err != nil {
		return nil, err
	}
	if head[0] == 0xff {
		return snappy.NewReader(b), nil
	}
	return &hadoopReader{source: b}, nil
}

// hadoopReader reads blocks: the size of the data, and pieces, each with its
// packed size before it.
type hadoopReader struct {
	source io.Reader
	left   uint32 // bytes of the block that are still to come
	rest   []byte
}

func (r *hadoopReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (r *hadoopReader) next() error {
	if r.left == 0 {
		return binary.Read(r.source, binary.BigEndian, &r.left) // io.EOF before a block is the end
	}
	var size uint32
	if err := binary.Read(r.source, binary.BigEndian, &size); err != nil {
		return noEOF(err)
	}
	if size > maxFrameBytes {
		return errors.New("a snappy block is too large")
	}
	packed, err := readBounded(r.source, nil, int(size))
	if err != nil {
		return noEOF(err)
	}
	n, err := snappy.DecodedLen(packed)
	if err != nil || uint32(n) > r.left || n > maxFrameBytes {
		return errors.New("a snappy block is broken")
	}
	if r.rest, err = snappy.Decode(nil, packed); err != nil {
		return err
	}
	r.left -= uint32(n)
	return nil
}
