// Package scaffold writes a first configuration: it looks at the data files in a folder, guesses from their headers
// and first rows what they hold, and turns the guess into a commented winback.yaml.
package scaffold

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"winback/connectors/files"
)

// sampleBytes is how much of a file, unpacked, is looked at for guessing.
const sampleBytes = 1 << 20

// table is a table of a data file as far as it was looked at.
type table struct {
	path      string // from the folder, with slashes; of a member of an archive, behind that of the archive
	file      string // to open
	place     files.Place
	sheets    int    // how many tables the workbook has
	format    string // csv, tsv, ndjson, json, xlsx, parquet
	records   string // path of the records in a JSON document
	whole     bool   // rows are all there are
	broken    string // why no more can be read, "" if all can
	headers   []int  // lines, or rows of a sheet, that may be a header below titles
	encoding  string // as the files connector names it; "" is UTF-8
	delimiter rune
	columns   []string
	rows      [][]string
	lists     map[string]*table // lists of objects in the records, by their path
	byName    bool              // columns count for what they are called, whatever their values
	known     *headers          // see named; nil as long as nobody asked
	fractions *string           // see decimalMark; nil as long as nobody asked
}

// isData tells by its name whether a file may hold a table, compressed or not.
func isData(name string) bool { return formatOf(name) != "" }

func formatOf(name string) string {
	name = strings.ToLower(name)
	switch path.Ext(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")) {
	case ".csv":
		return "csv"
	case ".tsv":
		return "tsv"
	case ".ndjson", ".jsonl":
		return "ndjson"
	case ".json":
		return "json"
	case ".xlsx":
		return "xlsx"
	case ".parquet":
		return "parquet"
	case ".zip":
		return "zip"
	default:
		return ""
	}
}

// readTables looks at the beginning of the tables of a file. problems say of those that cannot be read why.
func readTables(dir, name string) (tables []*table, problems []string) {
	file := filepath.Join(dir, name)
	if filepath.IsAbs(name) {
		file = name
	}
	places, err := files.Places(file)
	if err != nil {
		return nil, []string{err.Error()}
	}
	for _, place := range places {
		t := &table{path: path.Join(filepath.ToSlash(name), place.Member), file: file, place: place}
		t.format = formatOf(t.path)
		if err := t.read(); err != nil && (place.Sheet == "" || len(places) == 1 || !errors.Is(err, errEmpty)) {
			problems = append(problems, fmt.Sprintf("read %s: %v", t.path, err))
		} else if err == nil {
			tables = append(tables, t)
		}
	}
	for _, t := range tables {
		if t.sheets = len(tables); len(t.columns) > 0 && !t.understood() {
			t.lookBelow()
		}
	}
	return tables, problems
}

// errEmpty is why a table without anything in it cannot be read.
var errEmpty = errors.New("it is empty")

// read looks at the beginning of a table; the error says why it is none.
func (t *table) read() error {
	if !t.plain() {
		return t.readSample()
	}
	text, err := t.beginning()
	if err != nil {
		return err
	}
	if t.format == "ndjson" {
		t.readObjects(text)
	} else {
		t.remember(text, 1)
		t.readLines(fromLine(text, t.place.HeaderRow))
	}
	switch {
	case len(t.columns) > 0:
		return nil
	case t.broken != "":
		return errors.New(t.broken)
	case t.format == "ndjson":
		return noRecords(text)
	}
	return errEmpty
}

// beginning is the text at the beginning of a plain file, in UTF-8.
func (t *table) beginning() ([]byte, error) {
	in, err := t.unpacked()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	sample, err := io.ReadAll(io.LimitReader(in, sampleBytes))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		t.broken = "its packed data end too early: the file was cut off"
	case err != nil && len(sample) == 0:
		return nil, err
	case err != nil:
		t.broken = fmt.Sprintf("its packed data are damaged (%v)", err)
	}
	if why := noTable(sample); why != "" {
		return nil, errors.New(why)
	}
	t.encoding = encodingOf(sample)
	text, err := io.ReadAll(decoded(bytes.NewReader(sample), t.encoding))
	if len(sample) == sampleBytes { // the last line may be cut
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	return text, err
}

// plain tells texts, perhaps packed by gzip, from what the connector reads for us.
func (t *table) plain() bool {
	text := t.format == "csv" || t.format == "tsv" || t.format == "ndjson"
	return text && t.place.Member == "" && t.place.Sheet == "" && !strings.HasSuffix(strings.ToLower(t.path), ".zst")
}

// readSample looks at the beginning of a table as the connector does.
func (t *table) readSample() error {
	found, err := files.Sample(t.file, t.place, sampleBytes)
	if err != nil {
		return err
	}
	if t.records, t.whole = found.Records, found.Whole; t.format == "" || t.format == "zip" {
		t.format = found.Format
	}
	if !found.Whole { // the last line may be cut
		found.Text = found.Text[:bytes.LastIndexByte(found.Text, '\n')+1]
	}
	t.remember(found.Text, found.Line)
	if !found.JSON {
		if why := firstOf(t.foreign(), noTable([]byte(strings.Join(found.Columns, "")+string(found.Text)))); why != "" {
			return errors.New(why)
		}
		t.delimiter, t.columns = rune(found.Delimiter), trimmed(found.Columns)
		t.readLines(found.Text)
	} else if t.readObjects(found.Text); len(found.Columns) > 0 {
		t.arrange(found.Columns)
	}
	switch {
	case len(t.columns) > 0:
		return nil
	case found.JSON && found.Format != "xlsx" && found.Format != "parquet":
		return noRecords(found.Text)
	}
	return errEmpty
}

// foreign says of a file that is read as a text what its first bytes say it is instead, "" if nothing.
func (t *table) foreign() string {
	if t.place.Member != "" {
		return ""
	}
	in, err := t.unpacked()
	if err != nil {
		return ""
	}
	defer in.Close()
	start := make([]byte, 16)
	n, _ := io.ReadFull(in, start) // a shorter file has fewer
	return foreignKind(start[:n])
}

// arrange puts the columns into the order that the file has them in; those that
// are found inside others stay where they were, at the end.
func (t *table) arrange(order []string) {
	place := func(column string) int {
		if at := slices.Index(order, column); at >= 0 {
			return at
		}
		return len(order)
	}
	from := slices.Clone(t.columns)
	slices.SortStableFunc(t.columns, func(a, b string) int { return place(a) - place(b) })
	for i, row := range t.rows {
		moved := make([]string, len(row))
		for at, column := range t.columns {
			if was := slices.Index(from, column); was < len(row) { // those of lists have no cell
				moved[at] = row[was]
			}
		}
		t.rows[i] = moved
	}
}

// unpacked opens the file; one that begins as gzip does is unpacked, whatever its name.
func (t *table) unpacked() (io.ReadCloser, error) {
	file, err := os.Open(t.file)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReader(file)
	if magic, _ := buffered.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return struct {
			io.Reader
			io.Closer
		}{buffered, file}, nil
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("its packed data cannot be read (%w): it is damaged or was cut off", err), file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{unzipped, file}, nil
}

// encodingOf tells by its beginning how a text is encoded, as the connector will when it reads the file; "" is UTF-8.
func encodingOf(sample []byte) string {
	switch name := files.GuessEncoding(sample); name {
	case "utf-8":
		return ""
	case "utf-16le", "utf-16be":
		if bytes.HasPrefix(sample, []byte{0xff, 0xfe}) || bytes.HasPrefix(sample, []byte{0xfe, 0xff}) {
			return "utf-16" // its mark tells the order of bytes
		}
		return name
	default:
		return name
	}
}

// decoded gives the text in UTF-8 and without a mark at its beginning.
func decoded(in io.Reader, encoding string) io.Reader {
	switch encoding {
	case "utf-16", "utf-16le":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(in)
	case "utf-16be":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Reader(in)
	case "windows-1251":
		return charmap.Windows1251.NewDecoder().Reader(in)
	case "windows-1252":
		return charmap.Windows1252.NewDecoder().Reader(in)
	default:
		return transform.NewReader(in, unicode.BOMOverride(unicode.UTF8.NewDecoder()))
	}
}

func (t *table) readLines(text []byte) {
	header, below, _ := bytes.Cut(text, []byte("\n"))
	if named, is := strings.CutPrefix(strings.TrimRight(string(header), "\r"), "sep="); t.columns == nil && is && len(named) == 1 {
		t.delimiter, text = rune(named[0]), below // so Excel writes and reads it
	} else if t.columns == nil {
		t.delimiter = delimiterOf(string(header), t.format)
	}
	lines := newLines(bytes.NewReader(text), t.delimiter)
	for {
		record, err := lines.Read()
		if err != nil {
			return // a line that cannot be read ends the sample; the run will say what is wrong with it
		}
		if t.columns == nil {
			t.columns = trimmed(record)
			continue
		}
		t.rows = append(t.rows, record)
	}
}

func newLines(in io.Reader, delimiter rune) *csv.Reader {
	lines := csv.NewReader(in)
	lines.Comma, lines.LazyQuotes, lines.FieldsPerRecord = delimiter, true, -1
	return lines
}

func delimiterOf(header, format string) rune {
	if format == "tsv" {
		return '\t'
	}
	best, most := ',', 0
	for _, candidate := range ",;\t|" {
		if count := strings.Count(header, string(candidate)); count > most {
			best, most = candidate, count
		}
	}
	return best
}

func trimmed(record []string) []string {
	out := make([]string, len(record))
	for i, text := range record {
		out[i] = strings.TrimSpace(text)
	}
	return out
}

// values are the texts of a column in the sample, without empty ones.
func (t *table) values(column string) []string {
	if list, inner, found := strings.Cut(column, eachElement); found && t.lists[list] != nil {
		return t.lists[list].values(inner)
	}
	at := -1
	for i, name := range t.columns {
		if name == column {
			at = i
		}
	}
	var values []string
	for _, row := range t.rows {
		if at < 0 || at >= len(row) {
			continue
		}
		if text := strings.TrimSpace(row[at]); text != "" && !isNull(text) {
			values = append(values, text)
		}
	}
	return values
}

// times are the values of a column of days, with the time of day where that stands in a column of its own.
func (t *table) times(column string, clocks map[string]string) []string {
	clock := slices.Index(t.columns, clocks[column])
	at := slices.Index(t.columns, column)
	if clocks[column] == "" || clock < 0 || at < 0 {
		return t.values(column)
	}
	var values []string
	for _, row := range t.rows {
		if len(row) > max(at, clock) && strings.TrimSpace(row[at]) != "" && !isNull(strings.TrimSpace(row[at])) {
			values = append(values, strings.TrimSpace(row[at])+" "+strings.TrimSpace(row[clock]))
		}
	}
	return values
}

// label is what people call the table.
func (t *table) label() string {
	if t.oneOfSheets() {
		return t.path + "/" + t.place.Sheet
	}
	return t.path
}

// shortLabel is the label without the folders.
func (t *table) shortLabel() string {
	file, _ := t.parts()
	return strings.TrimPrefix(t.label(), strings.TrimSuffix(file, path.Base(file)))
}

func (t *table) oneOfSheets() bool { return t.sheets > 1 && t.place.Sheet != "" }

// names are what the table may be called by somebody who says what it holds, the nearest first.
func (t *table) names() []string {
	if t.oneOfSheets() {
		return []string{normal(t.place.Sheet), normal(path.Base(t.path))}
	}
	return []string{normal(path.Base(t.path))}
}
