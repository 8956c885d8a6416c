package engine

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// The library writes the format Native as for clients of revision 0. Newer
// clients expect two additions: a few bytes of information before each block,
// and a byte after each column's type. The values themselves are the same, so
// they are passed on as they are; all the work is finding where a column ends.
//
// One thing is lost at revision 0: the time zone of DateTime('…'). It is asked
// for apart, once a statement has such a column.

// nativeReader gives blocks of revision 0 as a client of another revision wants
// them, a column at a time.
type nativeReader struct {
	revision uint64
	tape     *tape
	in       *bufio.Reader
	values   *chproto.Reader // reads from in as well
	describe func() []string // gives the columns' types with their time zones, nil if unknown
	types    []string        // what it gave
	index    int             // of the next column
	columns  uint64          // still to come of the current block
	rows     uint64
	out      chproto.Buffer
	ready    []byte // the part of out that is still to be given
	err      error
}

// tape remembers what went through it, so that bytes that were read to find
// their end can be had again.
type tape struct {
	source io.Reader
	bytes  []byte
}

func (t *tape) Read(p []byte) (int, error) {
	n, err := t.source.Read(p)
	t.bytes = append(t.bytes, p[:n]...)
	return n, err
}

// nativeBuffer is how much is read ahead. The reader of the values uses a buffer
// of at least 128 KiB as it is, instead of reading ahead into another of its own.
const nativeBuffer = 128 << 10

func newNativeReader() *nativeReader {
	t := &tape{}
	in := bufio.NewReaderSize(t, nativeBuffer)
	return &nativeReader{tape: t, in: in, values: chproto.NewReader(in)}
}

// reset begins with another source. What describe is for says the field.
func (r *nativeReader) reset(source io.Reader, revision uint64, describe func() []string) {
	r.tape.source, r.tape.bytes = source, r.tape.bytes[:0]
	r.in.Reset(r.tape)
	r.revision, r.describe, r.types = revision, describe, nil
	r.columns, r.ready, r.err = 0, nil, nil
}

// Read implements io.Reader. A broken block is an error, never a short output.
func (r *nativeReader) Read(p []byte) (int, error) {
	for len(r.ready) == 0 {
		if r.err == nil {
			r.err = r.advance()
		}
		if r.err != nil && len(r.ready) == 0 {
			return 0, r.err
		}
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// take appends what was read since the last call to the output, and forgets it.
func (r *nativeReader) take() {
	n := len(r.tape.bytes) - r.in.Buffered()
	r.out.PutRaw(r.tape.bytes[:n])
	r.forget()
}

func (r *nativeReader) forget() {
	n := len(r.tape.bytes) - r.in.Buffered()
	r.tape.bytes = r.tape.bytes[:copy(r.tape.bytes, r.tape.bytes[n:])]
}

// advance makes the next piece of output ready: a block's head or a column.
func (r *nativeReader) advance() error {
	r.out.Reset()
	var err error
	if r.columns == 0 {
		err = r.head()
	} else {
		err = noEOF(r.column())
	}
	if err == nil {
		r.ready = r.out.Buf
	}
	return err
}

func (r *nativeReader) head() error {
	columns, err := binary.ReadUvarint(r.in)
	if err != nil {
		return err // io.EOF between blocks is the end
	}
	if r.rows, err = binary.ReadUvarint(r.in); err != nil {
		return noEOF(err)
	}
	r.columns, r.index = columns, 0
	if r.revision > 0 {
		// Block information: not an overflow row, no bucket number.
		r.out.PutRaw([]byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0})
	}
	r.take()
	return nil
}

func (r *nativeReader) column() error {
	name, err := r.text()
	if err != nil {
		return err
	}
	r.take()
	kind, err := r.text()
	if err != nil {
		return err
	}
	r.forget() // the type, which may be said better
	r.out.PutString(r.zoned(kind))
	if r.revision >= proto.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION {
		r.out.PutBool(false) // no serialization of its own
	}
	if r.rows > 0 {
		if err := r.passValues(kind, r.rows); err != nil {
			return fmt.Errorf("column %s of type %s: %w", name, kind, noEOF(err))
		}
	}
	r.take()
	r.columns--
	r.index++
	return nil
}

// zoned gives the current column's type with the time zone that Native left out.
func (r *nativeReader) zoned(kind string) string {
	if kind != "DateTime" || r.revision == 0 {
		return kind
	}
	if r.types == nil && r.describe != nil {
		r.types, r.describe = r.describe(), nil
	}
	if r.index < len(r.types) && strings.HasPrefix(r.types[r.index], "DateTime(") {
		return r.types[r.index]
	}
	return kind
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// maxName bounds names and types; longer ones are a broken stream.
const maxName = 16 << 20

func (r *nativeReader) text() (string, error) {
	n, err := binary.ReadUvarint(r.in)
	if err != nil {
		return "", noEOF(err)
	}
	if n > maxName {
		return "", fmt.Errorf("a name of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.in, b); err != nil {
		return "", noEOF(err)
	}
	return string(b), nil
}

// widths are the types whose values all have the same number of bytes.
var widths = map[string]int{
	"UInt8": 1, "UInt16": 2, "UInt32": 4, "UInt64": 8, "UInt128": 16, "UInt256": 32,
	"Int8": 1, "Int16": 2, "Int32": 4, "Int64": 8, "Int128": 16, "Int256": 32,
	"Float32": 4, "Float64": 8, "BFloat16": 2, "Bool": 1, "UUID": 16, "IPv4": 4, "IPv6": 16,
	"Date": 2, "Date32": 4, "DateTime": 4, "DateTime64": 8, "Time": 4, "Time64": 8,
	"Enum8": 1, "Enum16": 2, "Nothing": 1, "Point": 16,
}

// width gives the bytes of one value of a type, 0 when they vary.
func width(kind string) int {
	base, args, _ := strings.Cut(kind, "(")
	switch base {
	case "FixedString":
		n, _ := strconv.Atoi(strings.TrimSuffix(args, ")"))
		return n
	case "Decimal":
		digits, _, _ := strings.Cut(args, ",")
		n, err := strconv.Atoi(strings.TrimSpace(digits))
		switch {
		case err != nil:
			return 0
		case n <= 9:
			return 4
		case n <= 18:
			return 8
		case n <= 38:
			return 16
		}
		return 32
	}
	if strings.HasPrefix(base, "Interval") {
		return 8
	}
	return widths[base]
}

// passValues reads over the values of a column. Types without a shortcut here
// are decoded by the client's library, which knows where they end.
func (r *nativeReader) passValues(kind string, rows uint64) error {
	if w := width(kind); w > 0 {
		return r.pass(rows * uint64(w))
	}
	if kind == "String" {
		return r.passStrings(rows)
	}
	if inner, ok := argument(kind, "Nullable"); ok && (width(inner) > 0 || inner == "String") {
		if err := r.pass(rows); err != nil { // a byte a row: is it NULL
			return err
		}
		return r.passValues(inner, rows)
	}
	if inner, ok := argument(kind, "Array"); ok && (width(inner) > 0 || inner == "String") {
		if err := r.pass((rows - 1) * 8); err != nil { // where each row ends
			return err
		}
		var last [8]byte
		if _, err := io.ReadFull(r.in, last[:]); err != nil {
			return err
		}
		return r.passValues(inner, binary.LittleEndian.Uint64(last[:]))
	}
	return r.decode(kind, rows)
}

// argument gives T of outer(T).
func argument(kind, outer string) (string, bool) {
	inner, ok := strings.CutPrefix(kind, outer+"(")
	return strings.TrimSuffix(inner, ")"), ok
}

func (r *nativeReader) pass(n uint64) error {
	for n > 0 {
		step, err := r.in.Discard(int(min(n, 1<<30)))
		n -= uint64(step)
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *nativeReader) passStrings(rows uint64) error {
	for range rows {
		n, err := binary.ReadUvarint(r.in)
		if err != nil {
			return err
		}
		if err := r.pass(n); err != nil {
			return err
		}
	}
	return nil
}

func (r *nativeReader) decode(kind string, rows uint64) error {
	c, err := column.Type(kind).Column("", &column.ServerContext{})
	if err != nil {
		return err
	}
	if prefix, ok := c.(column.CustomSerialization); ok {
		if err := prefix.ReadStatePrefix(r.values); err != nil {
			return err
		}
	}
	return c.Decode(r.values, int(rows))
}
