package landing

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go"

	"winback/connectors/entity"
	"winback/pipelines/objects"
)

// Part is an open part file. Parts written before the contract had a field read
// as null in it.
type Part struct {
	schema *entity.Schema
	path   string
	file   *os.File
	data   *parquet.File
}

// OpenPart opens a part file of a manifest. Errors: *StorageError if it is
// missing, *DamagedError if it is not as the manifest says.
func (z *Zone) OpenPart(f File) (*Part, error) {
	return z.openPart(f, z.OpenFile)
}

func (z *Zone) openPart(f File, open func(File) (*os.File, error)) (*Part, error) {
	s := entity.Lookup(f.Entity)
	if s == nil {
		return nil, fmt.Errorf("file %s is of entity %s, which this winback does not know", f.Path, f.Entity)
	}
	file, err := open(f)
	if err != nil {
		return nil, err
	}
	return readPart(s, z.Path(f.Path), file)
}

// OpenFile opens a part file of a manifest as bytes. Its size is checked, as
// OpenPart does.
func (z *Zone) OpenFile(f File) (*os.File, error) {
	path := z.Path(f.Path)
	file, err := z.openLocal(f)
	if errors.As(err, new(*objects.Error)) {
		return nil, err
	}
	if err != nil {
		return nil, storageError("read", path, err)
	}
	info, err := file.Stat()
	if err == nil && info.Size() != f.Bytes {
		err = &DamagedError{Path: path, Reason: fmt.Sprintf("it has %d bytes, its manifest says %d", info.Size(), f.Bytes)}
	}
	if err != nil {
		file.Close() //nolint:errcheck // nothing was written
		return nil, storageError("read", path, err)
	}
	return file, nil
}

// VerifyFile reads a part file of a manifest as a whole and compares its
// checksum. Errors as of OpenPart.
func (z *Zone) VerifyFile(f File) error {
	file, err := z.openWhole(f)
	if err != nil {
		return err
	}
	return file.Close()
}

// openWhole opens a file of a manifest after it has read it and compared its
// checksum.
func (z *Zone) openWhole(f File) (*os.File, error) {
	file, err := z.OpenFile(f)
	if err != nil {
		return nil, err
	}
	if err := z.verify(f, file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// verify reads an open file from its begin, and goes back there.
func (z *Zone) verify(f File, file *os.File) error {
	hash := xxhash.New()
	_, err := io.Copy(hash, io.NewSectionReader(file, 0, f.Bytes))
	if err != nil {
		return storageError("read", z.Path(f.Path), err)
	}
	if sum := checksumText(hash.Sum64()); sum != f.Checksum {
		return &DamagedError{Path: z.Path(f.Path), Reason: fmt.Sprintf("its checksum is %s, its manifest says %s", sum, f.Checksum)}
	}
	return nil
}

// DamagedError says that a file of the zone is not what was written.
type DamagedError struct {
	Path   string
	Reason string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("landing file %s is damaged: %s; restore it from a backup, or delete its manifest to extract that run's data again", e.Path, e.Reason)
}

// readPart takes over the open file.
func readPart(s *entity.Schema, path string, file *os.File) (*Part, error) {
	info, err := file.Stat()
	if err == nil {
		var data *parquet.File
		data, err = parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err == nil {
			return &Part{schema: s, path: path, file: file, data: data}, nil
		}
		err = &DamagedError{Path: path, Reason: err.Error()}
	}
	file.Close() //nolint:errcheck // nothing was written
	return nil, err
}

// Close closes the file.
func (p *Part) Close() error { return p.file.Close() }

// Rows returns the number of rows.
func (p *Part) Rows() int64 { return p.data.NumRows() }

// Schema returns the entity of the part.
func (p *Part) Schema() *entity.Schema { return p.schema }

// readRows is how many rows are unpacked at once.
const readRows = 8 << 10

// Batches returns the rows in the order of their keys, Meta's fields included.
// A batch is valid until the next one. The rows have no origins.
func (p *Part) Batches(ctx context.Context) iter.Seq2[*entity.Batch, error] {
	return func(yield func(*entity.Batch, error) bool) {
		c, err := p.cursor(func(*entity.Field) bool { return true })
		if err != nil {
			yield(nil, err)
			return
		}
		defer c.close()
		b, batch := newBuffer(p.schema), entity.NewBatch(p.schema)
		for left := p.Rows(); left > 0; left -= int64(b.rows) {
			b.reset()
			err := ctx.Err()
			if err == nil {
				err = c.read(b, int(min(left, readRows)))
			}
			if err == nil {
				err = copyRows(batch, b)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(batch, nil) {
				return
			}
		}
	}
}

func copyRows(to *entity.Batch, from *buffer) error {
	to.Reset()
	for row := range from.rows {
		if err := copyRow(to, from, row, entity.Origin{}); err != nil {
			return err
		}
	}
	return nil
}

func copyRow(to *entity.Batch, from *buffer, row int, at entity.Origin) error {
	setFields(to, from, row)
	return to.EndRow(at)
}

// setFields sets what a row has in the row being written.
func setFields(to *entity.Batch, from *buffer, row int) {
	for i := range from.columns {
		c := &from.columns[i]
		switch {
		case c.empty() && c.field.Kind == entity.Bool && c.field.Required:
			to.SetBool(i, false)
		case c.empty() || c.null(row):
		case numeric(c.field.Kind):
			to.SetInt(i, c.ints[row])
		case c.field.Kind == entity.TextList:
			to.SetList(i, c.items(row))
		case c.field.Kind == entity.TextMap:
			to.SetMap(i, itemPairs(c.items(row)))
		default:
			to.SetText(i, c.text(row))
		}
	}
}

func itemPairs(items []string) [][2]string {
	pairs := make([][2]string, 0, len(items)/2)
	for i := 0; i+1 < len(items); i += 2 {
		pairs = append(pairs, [2]string{items[i], items[i+1]})
	}
	return pairs
}

// cursor reads rows of a part one after the other.
type cursor struct {
	part    *Part
	columns []*columnCursor // of the fields that are read; others are nil
	values  []*columnCursor // of the values of maps
	evolved []*evolved      // of the fields that had another type
}

// cursor returns a cursor before the first row, for the fields wanted. The error is
// an *IncompatibleError if one of them cannot be read.
func (p *Part) cursor(want func(*entity.Field) bool) (*cursor, error) {
	n := len(p.schema.Fields)
	c := &cursor{part: p, columns: make([]*columnCursor, n), values: make([]*columnCursor, n), evolved: make([]*evolved, n)}
	for i := range p.schema.Fields {
		f := &p.schema.Fields[i]
		column := p.data.Root().Column(f.Name)
		if column == nil || !want(f) {
			continue
		}
		was := stored(f, column)
		if was == nil || was != f && !castable(was, f) {
			have := entity.JSON
			if was != nil {
				have = was.Kind
			}
			return nil, &IncompatibleError{Path: p.path, Column: f.Name, Have: have, Want: f.Kind}
		}
		if was != f {
			c.evolved[i] = &evolved{field: was}
		}
		leaves := leavesOf(was)
		leaf, _ := p.data.Schema().Lookup(leaves[0].path...)
		c.columns[i] = &columnCursor{part: p, field: was, leaf: leaf.ColumnIndex}
		if was.Kind == entity.TextMap {
			leaf, _ := p.data.Schema().Lookup(leaves[1].path...)
			c.values[i] = &columnCursor{part: p, field: was, leaf: leaf.ColumnIndex}
		}
	}
	return c, nil
}

func (c *cursor) close() {
	for _, list := range [][]*columnCursor{c.columns, c.values} {
		for _, column := range list {
			if column != nil {
				column.close()
			}
		}
	}
}

// read appends the next n rows to the buffer. They must be there.
func (c *cursor) read(to *buffer, n int) error {
	for i, column := range c.columns {
		if column == nil {
			continue
		}
		var err error
		switch {
		case c.evolved[i] != nil:
			err = c.evolved[i].read(&to.columns[i], column, to.rows, n)
		case column.field.Kind == entity.TextList || column.field.Kind == entity.TextMap:
			err = readCollections(&to.columns[i], column, c.values[i], n)
		default:
			err = column.read(&to.columns[i], to.rows, n)
		}
		if err != nil {
			return &DamagedError{Path: c.part.path, Reason: fmt.Sprintf("column %s: %v", column.field.Name, err)}
		}
	}
	to.rows += n
	to.align()
	return nil
}

// skip passes over the next n rows.
func (c *cursor) skip(n int) error {
	for _, list := range [][]*columnCursor{c.columns, c.values} {
		for _, column := range list {
			if column == nil {
				continue
			}
			if err := column.skip(n); err != nil {
				return &DamagedError{Path: c.part.path, Reason: fmt.Sprintf("column %s: %v", column.field.Name, err)}
			}
		}
	}
	return nil
}

// columnCursor reads one Parquet column page by page.
type columnCursor struct {
	part  *Part
	field *entity.Field
	leaf  int

	group int // next row group
	pages parquet.Pages
	page  parquet.Page
	left  int // rows of the page that are not read

	defs, reps []byte // what is left of the page's levels
	texts      values // the page's values, or its dictionary
	numbers    []int64
	indexes    []int32 // numbers in the dictionary, if the page has one
	indexed    bool
	at         int // next value
}

func (c *columnCursor) close() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	if c.pages != nil {
		c.pages.Close() //nolint:errcheck // nothing was written
	}
	c.page, c.pages = nil, nil
}

// load makes sure that the page has rows to read.
func (c *columnCursor) load() error {
	for c.left == 0 {
		if c.page != nil {
			parquet.Release(c.page)
			c.page = nil
		}
		if c.pages == nil {
			groups := c.part.data.RowGroups()
			if c.group == len(groups) {
				return io.ErrUnexpectedEOF
			}
			c.pages = groups[c.group].ColumnChunks()[c.leaf].Pages()
			c.group++
		}
		page, err := c.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			err = c.pages.Close()
			c.pages = nil
		} else if err == nil {
			c.open(page)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *columnCursor) open(page parquet.Page) {
	c.page, c.left, c.at = page, int(page.NumRows()), 0
	c.defs, c.reps = page.DefinitionLevels(), page.RepetitionLevels()
	data := page.Data()
	if dictionary := page.Dictionary(); dictionary != nil {
		c.indexed, c.indexes = true, data.Int32()
		data = dictionary.Page().Data()
	} else {
		c.indexed = false
	}
	switch c.field.Kind {
	case entity.Int, entity.Dec, entity.Timestamp:
		c.numbers = data.Int64()
	case entity.Day:
		c.numbers = c.numbers[:0:0]
		for _, day := range data.Int32() {
			c.numbers = append(c.numbers, int64(day))
		}
	case entity.Bool:
		c.numbers = c.numbers[:0:0]
		for _, eight := range data.Boolean() {
			for bit := range 8 {
				c.numbers = append(c.numbers, int64(eight>>bit&1))
			}
		}
	default:
		c.texts.data, c.texts.ends = data.ByteArray()
	}
}

// read takes the next n rows of a column without repetition over as rows from
// base on. Nulls at the end are left to column.pad.
func (c *columnCursor) read(to *column, base, n int) error {
	for end := base + n; base < end; {
		if err := c.load(); err != nil {
			return err
		}
		m := min(end-base, c.left)
		there := m
		if len(c.defs) > 0 {
			there -= countZeros(c.defs[:m])
		}
		switch there {
		case 0:
		case m:
			to.pad(base)
			c.append(to, m)
		default:
			for i, level := range c.defs[:m] {
				if level != 0 {
					to.pad(base + i)
					c.append(to, 1)
				}
			}
		}
		if len(c.defs) > 0 {
			c.defs = c.defs[m:]
		}
		c.left -= m
		base += m
	}
	return nil
}

// skip passes over the next n rows.
func (c *columnCursor) skip(n int) error {
	for n > 0 {
		if err := c.load(); err != nil {
			return err
		}
		m := min(n, c.left)
		levels := m
		if len(c.reps) > 0 {
			levels = rowLevels(c.reps, m)
			c.reps = c.reps[levels:]
		}
		c.at += levels
		if len(c.defs) > 0 {
			c.at -= countZeros(c.defs[:levels])
			c.defs = c.defs[levels:]
		}
		c.left -= m
		n -= m
	}
	return nil
}

// rowLevels returns how many levels the first n rows have.
func rowLevels(reps []byte, n int) int {
	for i, level := range reps {
		if level == 0 {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return len(reps)
}

// append appends the next n values of the page, none of which is null.
func (c *columnCursor) append(to *column, n int) {
	if to.nulls > 0 {
		for range n {
			to.valid = append(to.valid, 1)
		}
	}
	at := c.at
	c.at += n
	switch {
	case numeric(to.field.Kind) && c.indexed:
		for _, i := range c.indexes[at:c.at] {
			to.ints = append(to.ints, c.numbers[i])
		}
	case numeric(to.field.Kind):
		to.ints = append(to.ints, c.numbers[at:c.at]...)
	case c.indexed:
		to.openEnds()
		for _, i := range c.indexes[at:c.at] {
			to.data = append(to.data, c.texts.at(int(i))...)
			to.ends = append(to.ends, uint32(len(to.data)))
		}
	default:
		to.openEnds()
		part := c.texts.slice(at, c.at)
		shift := uint32(len(to.data)) - part.ends[0]
		to.data = append(to.data, part.bytes()...)
		for _, end := range part.ends[1:] {
			to.ends = append(to.ends, end+shift)
		}
	}
}

// readCollections appends the next n lists, or maps if the values' column is given.
func readCollections(to *column, keys, values *columnCursor, n int) error {
	to.openEnds()
	for range n {
		if err := keys.load(); err != nil {
			return err
		}
		if values != nil {
			if err := values.load(); err != nil {
				return err
			}
		}
		for first := true; keys.inRow(first); first = false {
			if item, ok := keys.item(); ok {
				to.data = appendItem(to.data, item)
			}
			if values == nil {
				continue
			}
			if item, ok := values.item(); ok {
				to.data = appendItem(to.data, item)
			}
		}
		keys.left--
		if values != nil {
			values.left--
		}
		to.ends = append(to.ends, uint32(len(to.data)))
	}
	return nil
}

// inRow says whether the next item belongs to the row being read.
func (c *columnCursor) inRow(first bool) bool {
	return len(c.reps) > 0 && (first || c.reps[0] != 0)
}

// item returns the next item of a list; an empty list has one that is not there.
func (c *columnCursor) item() (item []byte, ok bool) {
	there := c.defs[0] != 0
	c.defs, c.reps = c.defs[1:], c.reps[1:]
	if !there {
		return nil, false
	}
	i := c.at
	if c.indexed {
		i = int(c.indexes[c.at])
	}
	c.at++
	return c.texts.at(i), true
}

func appendItem(to, item []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(item))), item...)
}
