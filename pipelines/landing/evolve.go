package landing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"winback/connectors/entity"
)

// Files stay as they were written while the contract goes on. A column that a file
// lacks reads as null, one that the contract lacks is passed over, and one whose
// type has become wider is converted: whole numbers to decimals, decimals to more
// digits, dates to instants, anything that is one value to text, text to a list.

const microsADay = 86_400_000_000

// IncompatibleError says that a file holds a field with a type that the contract's
// cannot be made of.
type IncompatibleError struct {
	Path, Column string
	Have, Want   entity.Kind
}

func (e *IncompatibleError) Error() string {
	return fmt.Sprintf("landing file %s has %s as %s, which cannot be read as %s: it was landed by another version of winback, which has to extract that run's data again",
		e.Path, e.Column, e.Have, e.Want)
}

// stored returns the field as a column of a file holds it, or nil if the column is
// of a type that no field has.
func stored(f *entity.Field, column *parquet.Column) *entity.Field {
	was := *f
	was.Required = false // whether nulls are there is told by the file's levels
	switch {
	case column.Leaf():
		kind, scale, ok := storedKind(column.Type())
		if !ok {
			return nil
		}
		if kind != entity.Text || f.Kind != entity.Enum && f.Kind != entity.JSON {
			was.Kind, was.Scale = kind, scale
		}
	case column.Column("list") != nil:
		was.Kind = entity.TextList
	case column.Column("key_value") != nil:
		was.Kind = entity.TextMap
	default:
		return nil
	}
	if was.Kind == f.Kind && was.Scale == f.Scale {
		return f
	}
	return &was
}

func storedKind(t parquet.Type) (kind entity.Kind, scale int, ok bool) {
	logical := t.LogicalType()
	switch {
	case t.Kind() == parquet.Boolean:
		return entity.Bool, 0, true
	case t.Kind() == parquet.ByteArray:
		return entity.Text, 0, true
	case logical == nil && t.Kind() == parquet.Int64:
		return entity.Int, 0, true
	case logical == nil:
		return 0, 0, false
	}
	switch l := logical.Value.(type) {
	case *format.DecimalType:
		return entity.Dec, int(l.Scale), t.Kind() == parquet.Int64
	case *format.TimestampType:
		return entity.Timestamp, 0, true
	case *format.DateType:
		return entity.Day, 0, true
	case *format.IntType:
		return entity.Int, 0, t.Kind() == parquet.Int64
	}
	return 0, 0, false
}

// castable says whether every value of one field can be one of another.
func castable(from, to *entity.Field) bool {
	collection := from.Kind == entity.TextList || from.Kind == entity.TextMap
	switch to.Kind {
	case entity.Text, entity.Enum, entity.JSON:
		return !collection
	case entity.TextList:
		return from.Kind == entity.Text || from.Kind == entity.Enum
	case entity.Int:
		return from.Kind == entity.Bool
	case entity.Dec:
		return from.Kind == entity.Int || from.Kind == entity.Dec && from.Scale < to.Scale
	case entity.Timestamp:
		return from.Kind == entity.Day
	}
	return false
}

// cast appends the value of a row of another type to be that of a row.
func (c *column) cast(from *column, row, to int) error {
	c.pad(to)
	if c.nulls > 0 {
		c.valid = append(c.valid, 1)
	}
	if numeric(c.field.Kind) {
		factor := int64(1)
		switch {
		case c.field.Kind == entity.Dec:
			factor = int64(math.Pow10(c.field.Scale - from.field.Scale))
		case c.field.Kind == entity.Timestamp:
			factor = microsADay
		}
		n := from.number(row)
		low, high, limited := c.field.Limits()
		if limited && (n > high/factor || n < low/factor) {
			return fmt.Errorf("%s in row %d is out of range as %s", valueText(from, row), to+1, c.field.Kind)
		}
		c.ints = append(c.ints, n*factor)
		return nil
	}
	text := []byte(valueText(from, row))
	c.openEnds()
	if c.field.Kind == entity.TextList {
		c.data = appendItem(c.data, text)
	} else {
		c.data = append(c.data, text...)
	}
	c.ends = append(c.ends, uint32(len(c.data)))
	return nil
}

// evolved reads a column whose type is no longer that of its field.
type evolved struct {
	field *entity.Field // as the file holds it
	rows  column
}

// read appends the next n rows, converted, as rows from base on.
func (e *evolved) read(to *column, from *columnCursor, base, n int) error {
	e.rows = column{field: e.field, valid: e.rows.valid[:0], ints: e.rows.ints[:0], data: e.rows.data[:0], ends: e.rows.ends[:0]}
	if err := from.read(&e.rows, 0, n); err != nil {
		return err
	}
	e.rows.pad(n)
	for row := range n {
		if e.rows.null(row) {
			continue
		}
		if err := to.cast(&e.rows, row, base+row); err != nil {
			return err
		}
	}
	return nil
}

// complete says whether the contract has every column of the part.
func (p *Part) complete() bool {
	return !slices.ContainsFunc(p.data.Root().Columns(), func(c *parquet.Column) bool { return p.schema.Field(c.Name()) == nil })
}

// current says whether every column of the part has the type of the contract.
func (p *Part) current() bool {
	for i := range p.schema.Fields {
		f := &p.schema.Fields[i]
		if column := p.data.Root().Column(f.Name); column != nil && stored(f, column) != f {
			return false
		}
	}
	return true
}

// OpenCurrent opens a part file of a manifest for reading as the contract has it
// now: one with columns of older types is converted on the way. Errors are those of
// OpenVerified; those of the conversion come out of Read.
func (z *Zone) OpenCurrent(f File) (io.ReadCloser, error) {
	entry := Entry{Path: f.Path, Bytes: f.Bytes, Checksum: f.Checksum}
	p, err := z.openPart(f, func(File) (*os.File, error) { return z.openEntry(entry) })
	if err != nil {
		return nil, err
	}
	if p.current() { // reading its footer has not moved it
		return &verified{ReadCloser: p.file, entry: entry, path: z.Path(f.Path), hash: xxhash.New()}, nil
	}
	if err := z.verify(f, p.file); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	go func() {
		in.CloseWithError(errors.Join(p.convert(ctx, in), p.Close())) //nolint:errcheck // never fails
	}()
	return &converted{out, stop}, nil
}

// converted is a file being converted. Closing it ends that.
type converted struct {
	*io.PipeReader
	stop context.CancelFunc
}

func (c *converted) Close() error {
	c.stop()
	return c.PipeReader.Close()
}

// convert writes the part as the contract has it now.
func (p *Part) convert(ctx context.Context, to io.Writer) error {
	l, err := layoutOf(p.schema)
	if err != nil {
		return err
	}
	e, err := takeEncoder()
	if err != nil {
		return err
	}
	defer encoders.Put(e)
	out, err := newFileWriter(l, to, e.zstd)
	if err != nil {
		return err
	}
	c, err := p.cursor(func(*entity.Field) bool { return true })
	if err != nil {
		return err
	}
	defer c.close()
	rows := newBuffer(p.schema)
	for left := p.Rows(); left > 0; left -= int64(rows.rows) {
		rows.reset()
		for rows.rows < int(min(left, groupRows)) && rows.bytes() < groupBytes {
			if err := errors.Join(ctx.Err(), c.read(rows, int(min(left-int64(rows.rows), readRows)))); err != nil {
				return err
			}
		}
		if err := e.groups(ctx, out, rows, rowRange{hi: rows.rows}, constants{}, wordCounts{}); err != nil {
			return err
		}
	}
	return out.close()
}
