package scaffold

import (
	"bytes"
	"strings"
)

// mostTitles is how many lines above a header are looked past.
const mostTitles = 20

// understood tells whether the columns of a table say what it holds.
func (t *table) understood() bool { return surest(guessOf(t), recognise(t)).role != unknown }

// lookBelow takes the first row below that is a header which says what the table holds: titles may stand above it.
func (t *table) lookBelow() {
	if t.format != "csv" && t.format != "tsv" && t.format != "xlsx" || t.place.HeaderRow > 0 {
		return
	}
	for _, row := range t.headers {
		below := &table{path: t.path, file: t.file, place: t.place, sheets: t.sheets, format: t.format}
		below.place.HeaderRow = row
		if below.read() == nil && below.understood() {
			*t = *below
			return
		}
	}
}

// remember keeps where the first lines of the table stand that may be a header; first is the number of the first line.
func (t *table) remember(text []byte, first int64) {
	row := int(first)
	for line := range bytes.Lines(text) {
		if row > mostTitles {
			return
		}
		if cells := strings.Trim(string(line), ",;|\t \r\n"); row > 1 && strings.ContainsAny(cells, ",;|\t") {
			t.headers = append(t.headers, row)
		}
		row++
	}
}

// fromLine is the text from a line on.
func fromLine(text []byte, number int) []byte {
	for ; number > 1; number-- {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text
}

// headerRow is the line of a text that holds the names of the columns, 0 where that is the first; in sheets it is found
// by the columns that are mapped.
func (t *table) headerRow() int {
	if t.format == "xlsx" {
		return 0
	}
	return t.place.HeaderRow
}
