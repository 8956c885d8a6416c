package files

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"winback/connectors/mapping"
)

// Limits of spreadsheets.
const (
	mostRows    = 1 << 20
	mostColumns = 1 << 14
)

// cell is a cell of the row being read.
type cell struct {
	text []byte
	kind cellKind
}

type cellKind byte

const (
	cellEmpty cellKind = iota
	cellText
	cellNumeric
	cellBool
	cellFailed // holds an error
)

// merged is a range of cells that show the value of the first.
type merged struct {
	firstRow, lastRow, firstColumn, lastColumn int
	value                                      cell
}

// sheetRows reads the rows of a sheet.
type sheetRows struct {
	book   *workbook
	in     io.ReadCloser
	x      *xmlReader
	merges []*merged // that begin below, by row
	active []*merged // that reach into this row
	row    int       // number of the row, from 1
	own    int       // cells of it that hold something of their own
	cells  []cell
}

// rows begins to read the rows of a sheet, in which ranges are merged.
func (w *workbook) rows(s sheetRef, ranges []merged) (_ *sheetRows, err error) {
	var merges []*merged
	for _, m := range ranges {
		merges = append(merges, &m)
	}
	if w.texts == nil && w.strings != "" {
		if w.texts, err = w.readTexts(); err != nil {
			return nil, err
		}
	}
	in, err := w.open(s.part)
	if err != nil {
		return nil, err
	}
	x, err := newXMLReader(in)
	return &sheetRows{book: w, in: in, x: x, merges: merges}, err
}

// merges finds the merged ranges of a sheet. They stand behind its rows, which are
// passed over.
func (w *workbook) merges(s sheetRef) ([]merged, error) {
	in, err := w.open(s.part)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // only read from
	x, err := newXMLReader(in)
	if err == nil {
		err = skipSheetData(x.in)
	}
	var list []merged
	for err == nil {
		if err = x.next(); err == nil && x.begins("mergeCell") {
			if m, ok := parseRange(x.attr("ref")); ok {
				list = append(list, m)
			}
		}
	}
	if !errors.Is(err, io.EOF) && damage(err) == "" { // damage is met again when the rows are read
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b merged) int { return cmp.Compare(a.firstRow, b.firstRow) })
	return list, nil
}

// skipSheetData moves behind the rows of a sheet.
func skipSheetData(in *bufio.Reader) error {
	var last []byte
	for {
		chunk, err := in.ReadSlice('>')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		last = append(last[:0], chunk[max(0, len(chunk)-80):]...)
		tag := last[bytes.LastIndexByte(last, '<')+1:]
		if bytes.HasSuffix(tag, []byte("sheetData>")) && bytes.HasPrefix(tag, []byte("/")) || bytes.HasSuffix(tag, []byte("sheetData/>")) {
			return nil
		}
	}
}

// parseRange reads A2:B4.
func parseRange(ref []byte) (m merged, ok bool) {
	from, to, _ := bytes.Cut(ref, []byte(":"))
	firstColumn, firstRow := parseRef(from)
	lastColumn, lastRow := parseRef(to)
	if firstColumn < 0 || lastColumn < firstColumn || firstRow < 1 || lastRow < firstRow || lastColumn >= mostColumns {
		return m, false
	}
	return merged{firstRow: firstRow, lastRow: lastRow, firstColumn: firstColumn, lastColumn: lastColumn}, true
}

// parseRef reads the place of a cell, as C5: column from 0, row from 1. The column
// is -1 where there is none.
func parseRef(ref []byte) (column, row int) {
	n := 0
	for n < len(ref) && n < 4 && ref[n]|0x20 >= 'a' && ref[n]|0x20 <= 'z' {
		column = column*26 + int(ref[n]|0x20-'a') + 1
		n++
	}
	for _, c := range ref[n:] {
		if c < '0' || c > '9' || row > mostRows {
			return -1, 0
		}
		row = row*10 + int(c-'0')
	}
	return column - 1, row
}

// columnLetters is how spreadsheets name a column, counted from 0.
func columnLetters(column int) string {
	var text []byte
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		text = append(text, byte('A'+(n-1)%26))
	}
	slices.Reverse(text)
	return string(text)
}

// next reads the next row that is there. At the end it returns io.EOF.
func (r *sheetRows) next() error {
	for {
		if err := r.x.next(); err != nil {
			return cutOff(err)
		}
		switch {
		case r.x.ends("sheetData"):
			return io.EOF
		case r.x.begins("row"):
			return r.readRow()
		}
	}
}

func (r *sheetRows) readRow() error {
	number := r.row + 1
	if text := r.x.attr("r"); text != nil {
		n, err := strconv.Atoi(string(text))
		if err != nil || n > mostRows || n < number {
			return damagef(nil, "the sheet is damaged, row %q follows row %d: what follows cannot be read", text, r.row)
		}
		number = n
	}
	r.row, r.own = number, 0
	for i := range r.cells {
		r.cells[i].kind = cellEmpty
	}
	column := -1
	for {
		if err := r.x.next(); err != nil {
			return cutOff(err)
		}
		switch {
		case r.x.ends("row"):
			r.fillMerged()
			return nil
		case r.x.begins("c"):
			column++
			if ref := r.x.attr("r"); ref != nil {
				column, _ = parseRef(ref)
			}
			if column < 0 || column >= mostColumns {
				return damagef(nil, "the sheet is damaged, row %d has a cell at %q: what follows cannot be read", number, r.x.attr("r"))
			}
			if err := r.readCell(column); err != nil {
				return err
			}
		}
	}
}

// readCell reads the cell just begun.
func (r *sheetRows) readCell(column int) error {
	for len(r.cells) <= column {
		r.cells = append(r.cells, cell{})
	}
	c := &r.cells[column]
	c.text = c.text[:0]
	typ := string(r.x.attr("t"))
	style, _ := strconv.Atoi(string(r.x.attr("s"))) // none: 0
	formula, result := false, false
	for {
		if err := r.x.next(); err != nil {
			return cutOff(err)
		}
		var err error
		switch {
		case r.x.ends("c") && formula && (typ != "str" || !result) && len(bytes.TrimSpace(c.text)) == 0:
			c.kind, c.text = cellFailed, append(c.text[:0], notComputed...)
			r.own++
			return nil
		case r.x.ends("c"):
			return r.settle(c, typ, style)
		case r.x.begins("v"):
			result = true
			c.text, err = r.x.textOf(c.text[:0], "")
		case r.x.begins("is"):
			c.text, err = r.x.textOf(c.text[:0], "rPh")
		case r.x.kind == xmlBegin: // a formula: what it gave is stored beside it
			formula = formula || r.x.begins("f")
			var discard []byte
			_, err = r.x.textOf(discard, "")
		}
		if err != nil {
			return err
		}
	}
}

// notComputed stands for what a formula would give: programs that write workbooks without
// computing them leave that to who opens them first.
const notComputed = "=?"

// settle makes the cell's value of its raw text.
func (r *sheetRows) settle(c *cell, typ string, style int) error {
	switch typ {
	case "s":
		n, err := strconv.Atoi(string(bytes.TrimSpace(c.text)))
		if err != nil {
			return nil // an empty cell
		}
		if c.text, err = r.book.texts.get(c.text[:0], n); err != nil {
			return err
		}
		c.kind, c.text = cellText, unescapeCell(c.text)
	case "str", "inlineStr", "d":
		c.kind, c.text = cellText, unescapeCell(c.text)
	case "e":
		c.kind = cellFailed
	case "b":
		c.kind, c.text = cellBool, strconv.AppendBool(c.text[:0], isTrue(bytes.TrimSpace(c.text)))
	default:
		r.settleNumber(c, style)
	}
	if len(mapping.Trim(c.text)) == 0 {
		c.kind = cellEmpty
		return nil
	}
	r.own++
	return nil
}

func (r *sheetRows) settleNumber(c *cell, style int) {
	raw := bytes.TrimSpace(c.text)
	text, ok := cellNumber(raw)
	if !ok {
		c.kind = cellText
		return
	}
	if style > 0 && style < len(r.book.kinds) && r.book.kinds[style] != plainNumberCell {
		serial, _ := strconv.ParseFloat(string(raw), 64) // it is a number
		if shown, ok := cellTime(serial, r.book.kinds[style], r.book.date1904); ok {
			c.kind, c.text = cellText, append(c.text[:0], shown...)
			return
		}
	}
	c.kind, c.text = cellNumeric, append(c.text[:0], text...)
}

// fillMerged gives the cells of merged ranges the value of the range.
func (r *sheetRows) fillMerged() {
	r.active = slices.DeleteFunc(r.active, func(m *merged) bool { return m.lastRow < r.row })
	for len(r.merges) > 0 && r.merges[0].firstRow <= r.row {
		m := r.merges[0]
		r.merges = r.merges[1:]
		if m.firstRow == r.row && m.firstColumn < len(r.cells) {
			from := r.cells[m.firstColumn]
			m.value = cell{text: bytes.Clone(from.text), kind: from.kind}
		}
		if m.lastRow >= r.row {
			r.active = append(r.active, m)
		}
	}
	for _, m := range r.active {
		if m.value.kind == cellEmpty {
			continue
		}
		for len(r.cells) <= m.lastColumn {
			r.cells = append(r.cells, cell{})
		}
		for column := m.firstColumn; column <= m.lastColumn; column++ {
			if c := &r.cells[column]; c.kind == cellEmpty {
				c.kind, c.text = m.value.kind, append(c.text[:0], m.value.text...)
			}
		}
	}
}

// sheetTable hands out the table of a sheet.
func (c *content) sheetTable(p *plan, w *workbook, s sheetRef, use func(*table) error) error {
	inner := &content{file: c.file, name: c.name + "/" + s.name, found: append(slices.Clone(c.found), "sheet "+s.name)}
	ranges, err := w.merges(s)
	if err != nil {
		return inner.refused(p, err, use)
	}
	header, err := w.header(p, s, ranges)
	if err != nil {
		return inner.refused(p, err, use)
	}
	rows, err := w.rows(s, ranges)
	if err != nil {
		return inner.refused(p, err, use)
	}
	defer func() { _ = rows.in.Close() }() // only read from
	b := bindSheet(p, inner.name, header.names)
	b.sheet = s.name
	t := &table{
		input: inner.name, bound: b, found: inner.found, start: -1,
		text: bufio.NewReaderSize(&sheetReader{rows: rows, header: b.header, below: header.row}, headSize),
	}
	if header.row > 0 && len(p.config.Columns) == 0 {
		t.found = append(t.found, fmt.Sprintf("header in row %d", header.row))
	}
	return use(t)
}

// bindSheet finds the columns of a plan in the header of a sheet, whose rows are
// read as JSON.
func bindSheet(p *plan, input string, header []string) *binding {
	table := bind(p, input, header)
	b := bindJSON(p, input)
	b.header, b.mapped, b.problem, b.names = table.header, table.mapped, table.problem, table.names
	if len(header) == 0 && len(p.scopes) == 0 {
		b.problem = nil // an empty sheet lacks nothing
	}
	b.typed, b.document = true, true
	b.letters, b.keys[0] = make([]string, len(p.columns)), map[string]bool{}
	for slot, at := range table.at {
		b.paths[slot] = nil
		if at >= 0 {
			b.paths[slot] = []jsonPath{{text: table.header[at], steps: []step{{key: table.header[at]}}}}
			b.letters[slot] = columnLetters(at)
			b.keys[0][table.header[at]] = true
		}
	}
	return b
}

// headerRows is how many rows are looked at to find the header.
const headerRows = 50

// sheetHeader are the names of a sheet's columns.
type sheetHeader struct {
	names []string
	row   int // they stand in, or the one above the records
	score int // how well they fit the mapping
}

// header finds the names of a sheet's columns: in the row declared, or that with
// the most mapped columns; failing that, the first with more than one cell.
func (w *workbook) header(p *plan, s sheetRef, ranges []merged) (found sheetHeader, err error) {
	if len(p.config.Columns) > 0 {
		return sheetHeader{names: p.config.Columns, row: p.config.linesAbove()}, nil
	}
	rows, err := w.rows(s, ranges)
	if err != nil {
		return found, err
	}
	defer func() { _ = rows.in.Close() }() // only read from
	declared := p.config.HeaderRow
	found.score = -1
	for looked := 0; looked < headerRows; {
		switch err := rows.next(); {
		case errors.Is(err, io.EOF), damage(err) != "": // what is damaged is put aside when the rows are read
			return found, nil
		case err != nil:
			return found, err
		case rows.own == 0, rows.row <= p.config.linesAbove():
			continue
		}
		looked++
		next := sheetHeader{names: rows.names(), row: rows.row}
		next.score = 2*foundColumns(p, next.names) + min(rows.own-1, 1)
		if next.row == declared {
			return next, nil
		}
		if declared == 0 && next.score > found.score {
			found = next
		}
	}
	return found, nil
}

// names returns the row as the names of columns; those without one are called by
// their letters.
func (r *sheetRows) names() []string {
	var names []string
	last := 0
	for i, c := range r.cells {
		name := columnLetters(i)
		if c.kind != cellEmpty {
			name, last = string(bytes.ToValidUTF8(mapping.Trim(c.text), undecodable)), i+1
		}
		names = append(names, name)
	}
	return names[:last]
}

// sheetReader writes the rows of a sheet as JSON, one a line, so that lines count
// rows. Rows without a value, and those that are no records, are empty lines.
type sheetReader struct {
	rows   *sheetRows
	header []string
	below  int // the row above the first record
	lines  int // written
	line   []byte
	out    []byte
	err    error
}

func (s *sheetReader) Read(into []byte) (n int, err error) {
	for len(s.out) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		if s.err = s.rows.next(); s.err != nil {
			continue
		}
		if s.rows.own == 0 || s.rows.row <= s.below {
			continue
		}
		s.line = s.line[:0]
		for ; s.lines < s.rows.row-1; s.lines++ {
			s.line = append(s.line, '\n')
		}
		s.line = s.rows.appendJSON(s.line, s.header)
		s.lines++
		s.out = s.line
	}
	n = copy(into, s.out)
	s.out = s.out[n:]
	return n, nil
}

// appendJSON appends the row as an object, with a line end.
func (r *sheetRows) appendJSON(into []byte, header []string) []byte {
	lead := byte('{')
	for i := range r.cells {
		c := &r.cells[i]
		if c.kind == cellEmpty {
			continue
		}
		name := ""
		if i < len(header) {
			name = header[i]
		} else {
			name = columnLetters(i)
		}
		into = append(into, lead)
		into = append(mapping.AppendJSONString(into, []byte(name)), ':')
		lead = ','
		switch c.kind {
		case cellNumeric, cellBool:
			into = append(into, c.text...)
		case cellFailed:
			into = append(append(into, `{"`+cellError+`":`...), mapping.AppendJSONString(nil, c.text)...)
			into = append(into, '}')
		default:
			into = mapping.AppendJSONString(into, c.text)
		}
	}
	return append(into, '}', '\n')
}
