package export

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
)

// CSVOptions say how a CSV file is written.
type CSVOptions struct {
	// Delimiter stands between values; 0 for a comma.
	Delimiter rune
	// BOM begins the file with the mark by which Excel knows UTF-8.
	BOM bool
	// KeepFormulas writes texts that a spreadsheet would run as a formula as they
	// are, for programs that read the file.
	KeepFormulas bool
}

// Validate returns what is wrong with the options.
func (o CSVOptions) Validate() error {
	if strings.ContainsRune("\"'\r\n", o.Delimiter) && o.Delimiter != 0 || o.Delimiter == utf8.RuneError ||
		o.Delimiter >= '0' && o.Delimiter <= '9' || strings.ContainsRune("+-.", o.Delimiter) && o.Delimiter != 0 {
		return fmt.Errorf("%q cannot stand between values; use a comma, a semicolon or a tab", string(o.Delimiter))
	}
	return nil
}

// csvFile writes RFC 4180 in UTF-8: a line of names, then a line a row. A null
// is empty, as is an empty text.
type csvFile struct {
	out     *bufio.Writer
	options CSVOptions
	special string // a value with one of these goes into quotes
	comma   []byte
	value   []byte
	guarded int64 // texts that were kept from being formulas
}

func newCSV(out io.Writer, t Target) (*csvFile, error) {
	if err := t.CSV.Validate(); err != nil {
		return nil, err
	}
	f := &csvFile{out: bufio.NewWriterSize(out, 256<<10), options: t.CSV}
	if f.options.Delimiter == 0 {
		f.options.Delimiter = ','
	}
	f.comma = utf8.AppendRune(nil, f.options.Delimiter)
	f.special = "\"\r\n" + string(f.options.Delimiter)
	if f.options.BOM {
		f.out.WriteRune('\ufeff') //nolint:errcheck // the writer remembers it until flushed
	}
	for i, column := range t.Columns {
		f.field(i, []byte(column.Name))
	}
	return f, f.endLine(false)
}

func (f *csvFile) write(rows arrow.RecordBatch) error {
	columns := make([]appender, rows.NumCols())
	guard := make([]bool, len(columns))
	for at := range columns {
		columns[at] = texts(rows.Column(at))
		guard[at] = !f.options.KeepFormulas && holdsText(rows.Column(at).DataType())
	}
	for i := range int(rows.NumRows()) {
		for at, appendText := range columns {
			value := appendText(f.value[:0], i)
			if guard[at] && isFormula(value) {
				value = append(value, 0)
				copy(value[1:], value)
				value[0] = '\''
				f.guarded++
			}
			f.value = value
			f.field(at, value)
		}
		if err := f.endLine(len(columns) == 1 && len(f.value) == 0); err != nil {
			return err
		}
	}
	return nil
}

// field writes one value, in quotes where it has to be.
func (f *csvFile) field(at int, value []byte) {
	if at > 0 {
		f.out.Write(f.comma) //nolint:errcheck // the writer remembers it
	}
	if !utf8.Valid(value) {
		value = bytes.ToValidUTF8(value, []byte("\ufffd"))
	}
	if !bytes.ContainsAny(value, f.special) && !hasOuterSpace(value) {
		f.out.Write(value) //nolint:errcheck // the writer remembers it
		return
	}
	f.out.WriteByte('"')                                            //nolint:errcheck // the writer remembers it
	f.out.Write(bytes.ReplaceAll(value, []byte(`"`), []byte(`""`))) //nolint:errcheck // the writer remembers it
	f.out.WriteByte('"')                                            //nolint:errcheck // the writer remembers it
}

func hasOuterSpace(value []byte) bool {
	return len(value) > 0 && (value[0] == ' ' || value[len(value)-1] == ' ')
}

// endLine ends a line. One empty value alone would be an empty line, which
// readers leave out, so that is written in quotes.
func (f *csvFile) endLine(empty bool) error {
	if empty {
		f.out.WriteString(`""`) //nolint:errcheck // the writer remembers it
	}
	_, err := f.out.WriteString("\r\n")
	return err
}

func (f *csvFile) finish() error  { return f.out.Flush() }
func (f *csvFile) discard() error { return nil }

func (f *csvFile) tell(r *Result) {
	if f.guarded > 0 {
		r.Notes = append(r.Notes, several(f.guarded, "text that begins", "texts that begin")+
			" like a formula got an apostrophe in front, so that no spreadsheet runs it")
	}
}

// holdsText says whether somebody else's words can be in a column.
func holdsText(kind arrow.DataType) bool {
	switch kind.ID() {
	case arrow.STRING, arrow.LIST, arrow.MAP:
		return true
	}
	return false
}

// isFormula says whether a spreadsheet would take a text for a formula that does
// something. A sign before digits and what numbers are written with, as in a
// telephone number, does nothing.
func isFormula(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	first, _ := utf8.DecodeRune(text)
	switch first {
	case '=', '@', '\t', '\r', '\n', '＝', '＠', '＋', '－':
		return true
	case '+', '-':
		return len(bytes.Trim(text[1:], "0123456789 .,()/-+")) > 0
	}
	return false
}

// several writes a number with the words for one or for several.
func several(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
