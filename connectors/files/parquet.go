package files

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// parquetTable hands out the table of a Parquet file.
func (c *content) parquetTable(p *plan, use func(*table) error) error {
	at, size, err := c.randomly()
	if at == nil {
		return err
	}
	if err != nil {
		return use(c.unusable(p, damage(err)))
	}
	r, err := newParquetReader(at, size)
	if err != nil {
		return c.refused(p, err, use)
	}
	defer r.close()
	b := bindJSON(p, c.name)
	b.document, b.typed = true, true
	b.header = r.root.names()
	b.checkMembers(p, r.root)
	found := append(c.found, "Parquet", fmt.Sprintf("%d rows", r.file.NumRows()))
	return use(&table{input: c.name, bound: b, start: -1, found: found, text: bufio.NewReaderSize(r, headSize)})
}

// checkMembers reports columns that no record of a file can have, as the file
// tells which there are.
func (b *binding) checkMembers(p *plan, root *parquetNode) {
	b.mapped = make([]bool, len(b.header))
	var missing []string
	for slot, ref := range p.columns {
		found := ref.optional || ref.scope > 0
		for i := range b.paths[slot] {
			path := &b.paths[slot][i]
			for at, name := range b.header {
				if name == path.text || len(path.steps) > 0 && path.steps[0].key == name {
					b.mapped[at] = true
					found = found || name == path.text || root.has(path.steps)
				}
			}
		}
		if !found {
			missing = append(missing, ref.names[0])
		}
	}
	for _, each := range b.scopes {
		for at, name := range b.header {
			b.mapped[at] = b.mapped[at] || each.steps[0].key == name
		}
	}
	if len(missing) > 0 {
		b.problem = &misfit{column: missing[0], reason: missingColumns(missing, root.paths("", nil))}
	}
}

// parquetRows is how many rows are taken from the file at a time.
const parquetRows = 64

// parquetReader writes the rows of a Parquet file as JSON, one a line. It holds a
// page of each column.
type parquetReader struct {
	file   *parquet.File
	root   *parquetNode
	groups []parquet.RowGroup
	rows   parquet.Rows // of the group being read
	left   int64        // of them
	buffer [parquetRows]parquet.Row
	leaves [][]parquet.Value
	line   []byte
	out    []byte
	err    error
}

// newParquetReader opens a file. The library panics over some damage: guarded
// makes errors of that.
func newParquetReader(at io.ReaderAt, size int64) (r *parquetReader, err error) {
	err = guarded(func() error {
		if err := checkFooter(at, size); err != nil {
			return err
		}
		file, err := parquet.OpenFile(at, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err != nil {
			return err
		}
		r = &parquetReader{file: file, groups: file.RowGroups()}
		leaves := 0
		r.root = newParquetNode(file.Root(), &leaves)
		r.leaves = make([][]parquet.Value, leaves)
		return nil
	})
	return r, err
}

// checkFooter sees to it that a damaged length does not ask for much memory.
func checkFooter(at io.ReaderAt, size int64) error {
	var end [8]byte
	if size < 12 {
		return errors.New("it is too short")
	}
	if _, err := at.ReadAt(end[:], size-8); err != nil {
		return err
	}
	if !bytes.Equal(end[4:], []byte(magicParquet)) {
		return errors.New("its end is missing")
	}
	if int64(binary.LittleEndian.Uint32(end[:])) > size-12 {
		return errors.New("its footer is longer than the file")
	}
	return nil
}

// guarded calls the library. Its errors and panics are damage of the file, unless
// they are of reading it.
func guarded(call func() error) (err error) {
	defer func() {
		if failed := recover(); failed != nil {
			err = damagef(nil, "the Parquet data are damaged (%s): what follows cannot be read", firstLine(fmt.Sprint(failed)))
		}
	}()
	err = call()
	_, ofFile := errors.AsType[*fs.PathError](err)
	switch {
	case err == nil, ofFile, err == errLastRow:
		return err
	case strings.Contains(err.Error(), "unsupported") || strings.Contains(err.Error(), "not supported"):
		return damagef(err, "the Parquet file uses what is not supported (%s)", firstLine(err.Error()))
	}
	return damagef(err, "the Parquet data are damaged (%s): what follows cannot be read", firstLine(err.Error()))
}

// errLastRow ends the rows. The library's own io.EOF may also be of damage.
var errLastRow = errors.New("no more rows")

func (r *parquetReader) Read(into []byte) (n int, err error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.line = r.line[:0]
		if r.err = guarded(r.fill); r.err == errLastRow {
			r.err = io.EOF
		}
		r.out = r.line
	}
	n = copy(into, r.out)
	r.out = r.out[n:]
	return n, nil
}

// fill writes some more rows. After the last it returns errLastRow.
func (r *parquetReader) fill() error {
	if r.rows == nil {
		if len(r.groups) == 0 {
			return errLastRow
		}
		r.rows, r.left, r.groups = r.groups[0].Rows(), r.groups[0].NumRows(), r.groups[1:]
	}
	n, err := r.rows.ReadRows(r.buffer[:])
	r.write(r.buffer[:n])
	r.left -= int64(n)
	switch {
	case err == io.EOF && r.left == 0:
		err = r.rows.Close()
		r.rows = nil
	case err == io.EOF:
		err = fmt.Errorf("%d rows fewer than there should be", r.left)
	case err == nil && n == 0:
		err = errors.New("a page without rows")
	}
	return err
}

// write writes the rows taken.
func (r *parquetReader) write(rows []parquet.Row) {
	for _, row := range rows {
		for i := range r.leaves {
			r.leaves[i] = nil
		}
		from := 0
		for i := 1; i <= len(row); i++ {
			if i == len(row) || row[i].Column() != row[from].Column() {
				r.leaves[row[from].Column()] = row[from:i]
				from = i
			}
		}
		r.line = append(r.object(r.line, r.root), '\n')
	}
}

func (r *parquetReader) close() {
	if r.rows != nil {
		_ = guarded(r.rows.Close) // only read from
	}
}
