package entity

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Origin says where a row came from, for messages about it. Input counts a
// source's inputs (files, pages) in the order of reading; Line is the line or
// record number in it, from 1. The zero Origin is "not known".
type Origin struct {
	Input int32
	Line  int64
}

// Batch holds rows of one entity by column. Writers append to columns in any
// order and finish a row with EndRow, or drop it with AbortRow; a field that was
// not set is null. Memory is reused after Reset.
type Batch struct {
	Schema  *Schema
	Columns []Column
	Origins []Origin
	rows    int
}

// Column holds one field's values of a batch. It may be shorter than the batch
// while trailing values are null; readers call Batch.Align first.
type Column struct {
	Field *Field
	// Valid tells which values are there; nil for required fields.
	Valid []bool
	// Ints holds Int, Dec, Timestamp, Day and Bool (0, 1) values, 0 where null.
	Ints []int64
	// Data and Ends hold Text, Enum and JSON values end to end: value i is
	// Data[Ends[i-1]:Ends[i]]. For lists and maps, value i is a sequence of
	// items, each a uvarint length and its bytes; a map is key, value, key ….
	Data []byte
	Ends []uint32
}

// maxData keeps a column's bytes addressable by its uint32 ends.
const maxData = 1 << 31

// NewBatch returns an empty batch of the entity.
func NewBatch(s *Schema) *Batch {
	b := &Batch{Schema: s, Columns: make([]Column, len(s.Fields))}
	for i := range s.Fields {
		b.Columns[i].Field = &s.Fields[i]
	}
	return b
}

// Rows returns the number of finished rows.
func (b *Batch) Rows() int { return b.rows }

// Bytes returns the memory that the values take, roughly.
func (b *Batch) Bytes() int {
	n := len(b.Origins) * 16
	for i := range b.Columns {
		c := &b.Columns[i]
		n += len(c.Valid) + 8*len(c.Ints) + len(c.Data) + 4*len(c.Ends)
	}
	return n
}

// Full says that a column has no room for values addressed by 32 bits; the
// writer hands the batch on before it goes further.
func (b *Batch) Full() bool {
	for i := range b.Columns {
		if len(b.Columns[i].Data) >= maxData-1<<24 {
			return true
		}
	}
	return false
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.rows, b.Origins = 0, b.Origins[:0]
	for i := range b.Columns {
		c := &b.Columns[i]
		c.Valid, c.Ints, c.Data, c.Ends = c.Valid[:0], c.Ints[:0], c.Data[:0], c.Ends[:0]
	}
}

// EndRow finishes a row. A required field that was not set is an error that
// names it, and the row is dropped; Meta's fields are exempt, as the landing
// zone fills them in.
func (b *Batch) EndRow(at Origin) error {
	for _, i := range b.Schema.required {
		if b.Columns[i].len() <= b.rows {
			b.AbortRow()
			return &MissingError{Field: b.Columns[i].Field.Name}
		}
	}
	b.rows++
	b.Origins = append(b.Origins, at)
	return nil
}

// AbortRow drops what was set since the last finished row.
func (b *Batch) AbortRow() {
	for i := range b.Columns {
		b.Columns[i].truncate(b.rows)
	}
}

// Cut drops the rows from a number on, and what was set since the last finished row.
func (b *Batch) Cut(rows int) {
	b.rows, b.Origins = rows, b.Origins[:rows]
	b.AbortRow()
}

// Align fills every column up to the batch's rows with nulls (with zero values
// for required fields) so that readers can index each column by row.
func (b *Batch) Align() {
	for i := range b.Columns {
		b.Columns[i].pad(b.rows)
	}
}

// MissingError says that a row lacks a required field.
type MissingError struct{ Field string }

func (e *MissingError) Error() string { return fmt.Sprintf("required field %s is missing", e.Field) }

func (c *Column) isBytes() bool {
	return c.Field.Kind == Text || c.Field.Kind == Enum || c.Field.Kind == JSON
}
func (c *Column) isCollection() bool { return c.Field.Kind == TextList || c.Field.Kind == TextMap }

// len returns how many values are set or padded.
func (c *Column) len() int {
	if c.isBytes() || c.isCollection() {
		return len(c.Ends)
	}
	return len(c.Ints)
}

func (c *Column) truncate(n int) {
	if c.len() <= n {
		return
	}
	if c.isBytes() || c.isCollection() {
		c.Ends = c.Ends[:n]
		c.Data = c.Data[:c.end(n-1)]
	} else {
		c.Ints = c.Ints[:n]
	}
	if len(c.Valid) > n {
		c.Valid = c.Valid[:n]
	}
}

func (c *Column) end(i int) uint32 {
	if i < 0 {
		return 0
	}
	return c.Ends[i]
}

// pad appends nulls (empty or zero values in a required column) up to n values.
func (c *Column) pad(n int) {
	for have := c.len(); have < n; have++ {
		if c.isBytes() || c.isCollection() {
			c.Ends = append(c.Ends, uint32(len(c.Data)))
		} else {
			c.Ints = append(c.Ints, 0)
		}
		if !c.Field.Required {
			c.Valid = append(c.Valid, false)
		}
	}
}

// begin makes room for the value of the row being written. A value set twice
// in one row replaces the earlier one.
func (c *Column) begin(rows int) {
	c.truncate(rows)
	if c.len() < rows {
		c.pad(rows)
	}
	if !c.Field.Required {
		c.Valid = append(c.Valid, true)
	}
}

// SetText sets a Text, Enum or JSON field of the row being written. The empty
// text is null; in a required field it counts as missing.
func (b *Batch) SetText(field int, value []byte) {
	if len(value) == 0 {
		b.SetNull(field)
		return
	}
	c := &b.Columns[field]
	c.begin(b.rows)
	c.Data = append(c.Data, value...)
	c.Ends = append(c.Ends, uint32(len(c.Data)))
}

// SetString is SetText for a string.
func (b *Batch) SetString(field int, value string) {
	if value == "" {
		b.SetNull(field)
		return
	}
	c := &b.Columns[field]
	c.begin(b.rows)
	c.Data = append(c.Data, value...)
	c.Ends = append(c.Ends, uint32(len(c.Data)))
}

// SetInt sets an Int, Dec (unscaled), Timestamp (microseconds), Day (days) or
// Bool (0 or 1) field of the row being written.
func (b *Batch) SetInt(field int, value int64) {
	c := &b.Columns[field]
	c.begin(b.rows)
	c.Ints = append(c.Ints, value)
}

// SetBool sets a Bool field of the row being written.
func (b *Batch) SetBool(field int, value bool) {
	n := int64(0)
	if value {
		n = 1
	}
	b.SetInt(field, n)
}

// SetTime sets a Timestamp field of the row being written.
func (b *Batch) SetTime(field int, value time.Time) { b.SetInt(field, int64(TimeOf(value))) }

// SetNull drops the value that the row being written has for the field.
func (b *Batch) SetNull(field int) { b.Columns[field].truncate(b.rows) }

// SetList sets a TextList field of the row being written.
func (b *Batch) SetList(field int, items []string) {
	c := &b.Columns[field]
	c.begin(b.rows)
	for _, item := range items {
		c.appendItem(item)
	}
	c.Ends = append(c.Ends, uint32(len(c.Data)))
}

// SetMap sets a TextMap field of the row being written from pairs of key and
// value; the caller gives them in a stable order.
func (b *Batch) SetMap(field int, pairs [][2]string) {
	c := &b.Columns[field]
	c.begin(b.rows)
	for _, pair := range pairs {
		c.appendItem(pair[0])
		c.appendItem(pair[1])
	}
	c.Ends = append(c.Ends, uint32(len(c.Data)))
}

func (c *Column) appendItem(item string) {
	c.Data = binary.AppendUvarint(c.Data, uint64(len(item)))
	c.Data = append(c.Data, item...)
}

// IsNull says whether value i of an aligned column is null.
func (c *Column) IsNull(i int) bool { return c.Valid != nil && !c.Valid[i] }

// Value returns the bytes of value i of a Text, Enum or JSON column, valid
// until the batch is reset; for a list or map the encoded items.
func (c *Column) Value(i int) []byte { return c.Data[c.end(i-1):c.Ends[i]] }

// Items calls yield with each item of list or map value i.
func (c *Column) Items(i int, yield func([]byte)) {
	data := c.Value(i)
	for len(data) > 0 {
		n, size := binary.Uvarint(data)
		yield(data[size : size+int(n)])
		data = data[size+int(n):]
	}
}

// TextOf writes value i of an aligned column for people: numbers exactly, times as
// RFC 3339 in UTC, lists and maps as [a|b]; "" where null or empty.
func (c *Column) TextOf(i int) string {
	if c.IsNull(i) {
		return ""
	}
	switch c.Field.Kind {
	case Int:
		return strconv.FormatInt(c.Ints[i], 10)
	case Dec:
		return FormatScaled(c.Ints[i], c.Field.Scale)
	case Bool:
		return strconv.FormatBool(c.Ints[i] == 1)
	case Timestamp:
		return Time(c.Ints[i]).String()
	case Day:
		return Date(c.Ints[i]).String()
	case TextList, TextMap:
		var items []string
		c.Items(i, func(item []byte) { items = append(items, string(item)) })
		if len(items) == 0 {
			return ""
		}
		return "[" + strings.Join(items, "|") + "]"
	}
	return string(c.Value(i))
}
