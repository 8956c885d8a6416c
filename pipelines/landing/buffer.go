package landing

import (
	"bytes"
	"slices"
	"unsafe"

	"winback/connectors/entity"
)

// buffer holds the rows of one part of one entity by column, until they are
// sorted and written. It differs from a batch in that it knows which columns
// hold no nulls, or nothing but nulls, which then cost nothing to write.
type buffer struct {
	schema  *entity.Schema
	columns []column
	origins []entity.Origin
	rows    int
}

// column holds one field's values. Rows at and beyond its length are null, so a
// field that no row sets takes no memory.
type column struct {
	field *entity.Field
	nulls int     // among the values held
	valid []uint8 // 1 there, 0 null; empty while nulls is 0
	ints  []int64 // of the kinds that are numbers
	// data and ends hold values of the other kinds as entity.Column does, with a
	// leading 0 in ends: value i is data[ends[i]:ends[i+1]].
	data []byte
	ends []uint32
}

// constants are the fields that the landing zone fills in, the same for every
// row of a run. Without a source there are none: rows that were landed before have
// values of their own.
type constants struct {
	source, runID string
	extractedAt   entity.Time
}

// of returns the constant value of a field, if it has one.
func (c constants) of(f *entity.Field) (text string, number int64, ok bool) {
	if !f.Meta || c.source == "" {
		return "", 0, false
	}
	switch f.Name {
	case "source":
		return c.source, 0, true
	case "run_id":
		return c.runID, 0, true
	case "extracted_at":
		return "", int64(c.extractedAt), true
	}
	return "", 0, false
}

func newBuffer(s *entity.Schema) *buffer {
	b := &buffer{schema: s, columns: make([]column, len(s.Fields))}
	for i := range s.Fields {
		b.columns[i].field = &s.Fields[i]
	}
	return b
}

// newBufferLike returns an empty buffer with room for what another holds, which
// spares growing it step by step.
func newBufferLike(o *buffer) *buffer {
	b := newBuffer(o.schema)
	b.origins = make([]entity.Origin, 0, len(o.origins))
	for i := range b.columns {
		from, to := &o.columns[i], &b.columns[i]
		if from.empty() {
			continue
		}
		to.valid, to.ints = make([]uint8, 0, len(from.valid)), make([]int64, 0, len(from.ints))
		to.data, to.ends = make([]byte, 0, len(from.data)+len(from.data)/64), make([]uint32, 0, len(from.ends))
	}
	return b
}

// numeric says whether values of the kind are held in ints.
func numeric(k entity.Kind) bool {
	switch k {
	case entity.Int, entity.Dec, entity.Timestamp, entity.Day, entity.Bool:
		return true
	}
	return false
}

// reset empties the buffer and keeps its memory.
func (b *buffer) reset() {
	b.rows, b.origins = 0, b.origins[:0]
	for i := range b.columns {
		c := &b.columns[i]
		c.nulls, c.valid, c.ints, c.data, c.ends = 0, c.valid[:0], c.ints[:0], c.data[:0], c.ends[:0]
	}
}

// bytes returns the memory that the rows take.
func (b *buffer) bytes() int {
	n := len(b.origins) * int(unsafe.Sizeof(entity.Origin{}))
	for i := range b.columns {
		c := &b.columns[i]
		n += len(c.valid) + 8*len(c.ints) + len(c.data) + 4*len(c.ends)
	}
	return n
}

// skipped says which fields of a batch are not taken over.
type skipped func(f *entity.Field) bool

// append copies the rows of a batch.
func (b *buffer) append(batch *entity.Batch, skip skipped) {
	for i := range batch.Columns {
		from := &batch.Columns[i]
		if held := max(len(from.Ints), len(from.Ends)); held > 0 && !skip(from.Field) {
			b.columns[i].pad(b.rows)
			b.columns[i].append(from)
		}
	}
	b.rows += batch.Rows()
	b.origins = append(b.origins, batch.Origins[:batch.Rows()]...)
}

// align gives every column that holds a value one for every row.
func (b *buffer) align() {
	for i := range b.columns {
		if b.columns[i].len() > 0 {
			b.columns[i].pad(b.rows)
		}
	}
}

func (c *column) len() int {
	if numeric(c.field.Kind) {
		return len(c.ints)
	}
	return max(len(c.ends)-1, 0)
}

// empty says that the column is null (or, if required, false or empty) in every row.
func (c *column) empty() bool { return c.len() == 0 }

// pad appends nulls (empty or zero values in a required column) up to n values.
func (c *column) pad(n int) {
	missing := n - c.len()
	if missing <= 0 {
		return
	}
	if !c.field.Required {
		c.trackNulls()
		c.valid = appendZeros(c.valid, missing)
		c.nulls += missing
	}
	if numeric(c.field.Kind) {
		c.ints = appendZeros(c.ints, missing)
		return
	}
	c.openEnds()
	end := c.ends[len(c.ends)-1]
	for range missing {
		c.ends = append(c.ends, end)
	}
}

func (c *column) append(from *entity.Column) {
	if numeric(c.field.Kind) {
		c.appendValid(from.Valid, len(from.Ints))
		c.ints = append(c.ints, from.Ints...)
		return
	}
	c.appendValid(from.Valid, len(from.Ends))
	c.openEnds()
	base := uint32(len(c.data))
	c.data = append(c.data, from.Data...)
	at := len(c.ends)
	c.ends = slices.Grow(c.ends, len(from.Ends))[:at+len(from.Ends)]
	ends := c.ends[at:]
	for i, end := range from.Ends {
		ends[i] = base + end
	}
}

// appendValid takes over which of the next n values are there. It comes before
// the values themselves.
func (c *column) appendValid(from []bool, n int) {
	if c.field.Required {
		return
	}
	valid := unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(from))), n) // a bool is one byte, 0 or 1
	nulls := bytes.Count(valid, []byte{0})
	if nulls == 0 && c.nulls == 0 {
		return
	}
	c.trackNulls()
	c.valid = append(c.valid, valid...)
	c.nulls += nulls
}

// trackNulls begins to remember which values are there.
func (c *column) trackNulls() {
	if c.nulls > 0 {
		return
	}
	n := c.len()
	c.valid = slices.Grow(c.valid[:0], n)[:n]
	for i := range c.valid {
		c.valid[i] = 1
	}
}

func (c *column) openEnds() {
	if len(c.ends) == 0 {
		c.ends = append(c.ends, 0)
	}
}

func appendZeros[T any](to []T, n int) []T {
	at := len(to)
	to = slices.Grow(to, n)[:at+n]
	clear(to[at:])
	return to
}

// null says whether value i is null.
func (c *column) null(i int) bool {
	return !c.field.Required && (c.empty() || c.nulls > 0 && c.valid[i] == 0)
}

// text returns value i of a column that is not numeric.
func (c *column) text(i int) []byte {
	if c.empty() {
		return nil
	}
	return c.data[c.ends[i]:c.ends[i+1]]
}

// number returns value i of a numeric column.
func (c *column) number(i int) int64 {
	if c.empty() {
		return 0
	}
	return c.ints[i]
}
