package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/valyala/fastjson"
)

// Formats of files.
const (
	formatCSV     = "csv"
	formatTSV     = "tsv"
	formatNDJSON  = "ndjson"
	formatJSON    = "json"
	formatXLSX    = "xlsx"
	formatParquet = "parquet"
)

// headSize is how much of a text is looked at to find out how it is written.
const headSize = 64 << 10

// prepare finds out how the text is written, reads its header and binds the plan
// to it. The text then stands behind the header.
func (t *table) prepare(p *plan, encoding string) error {
	head, err := t.peek()
	if err != nil {
		return err
	}
	returns := bytes.IndexByte(head, '\n') < 0 && bytes.Count(head, []byte("\r")) > 1
	if returns {
		t.text = bufio.NewReaderSize(&returnsReader{t.text}, headSize)
		if head, err = t.peek(); err != nil {
			return err
		}
	}
	all := head
	skipped, size := skipLines(head, p.config.linesAbove())
	head = head[size:]
	named, length := namedDelimiter(head)
	if length > 0 {
		head, size, skipped = head[length:], size+length, skipped+1
	}
	switch format := formatOf(p.config, t.input, head); format {
	case formatNDJSON:
		t.bound = bindJSON(p, t.input)
		t.bound.line += skipped
		t.found = append(t.found, "NDJSON", encoding)
	case formatJSON:
		t.prepareJSON(p, encoding)
		return nil
	default:
		size += t.prepareCSV(p, head, skipped, named)
		t.found = append(t.found, strings.ToUpper(format), encoding, fmt.Sprintf("delimiter %q", t.bound.delimiter))
		if t.bound.quote != '"' && t.bound.quote != 0 {
			t.found = append(t.found, fmt.Sprintf("quote %q", t.bound.quote))
		}
	}
	if encoding != utf8Text {
		t.bound.encoding = encoding
	}
	t.bound.form = formOf(all[:size], encoding, false)
	if t.start = 0; returns {
		t.start = -1
	}
	_, err = t.text.Discard(size)
	return err
}

// peek looks at the begin of the text.
func (t *table) peek() ([]byte, error) {
	head, err := t.text.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) && damage(err) == "" {
		return nil, unreadable(t.input, err)
	}
	return head, nil
}

// returnsReader reads a text whose lines end with a carriage return alone, as those of old
// programs do, as one whose lines end with a line feed.
type returnsReader struct{ from io.Reader }

func (r *returnsReader) Read(into []byte) (int, error) {
	n, err := r.from.Read(into)
	for i, c := range into[:n] {
		if c == '\r' {
			into[i] = '\n'
		}
	}
	return n, err
}

// prepareJSON puts a reader of documents over the text, which makes lines of their
// records.
func (t *table) prepareJSON(p *plan, encoding string) {
	t.text = bufio.NewReaderSize(newDocumentReader(t.text, p.config.Records), headSize)
	t.bound = bindJSON(p, t.input)
	t.bound.document, t.start = true, -1
	t.bound.form = formOf(nil, encoding, true)
	t.found = append(t.found, "JSON", encoding)
	if encoding != utf8Text {
		t.bound.encoding = encoding
	}
}

// prepareCSV binds the plan to a text with delimited fields and returns how long
// its header is.
func (t *table) prepareCSV(p *plan, head []byte, skipped int64, named byte) (length int) {
	d := dialectOf(p, t.input, head)
	if named != 0 && p.config.Delimiter == "" {
		d.delimiter = named
	}
	if len(p.config.Columns) > 0 {
		t.bound = bind(p, t.input, p.config.Columns)
		t.bound.format, t.bound.dialect, t.bound.line = formatCSV, d, 1+skipped
		return 0
	}
	header, length, lines, reason := readHeader(d, head)
	b := bind(p, t.input, header)
	b.format, b.dialect, b.line = formatCSV, d, 1+skipped+lines
	switch {
	case reason != "":
		b.problem = &misfit{reason: "the header cannot be read: " + reason}
	case len(header) == 0:
		b.problem = nil // an empty file lacks nothing
	}
	t.bound = b
	return length
}

// namedDelimiter reads the line sep=; that Excel writes and reads above a header,
// and how long it is.
func namedDelimiter(head []byte) (delimiter byte, length int) {
	line, _, found := bytes.Cut(head, newline)
	text := trimLineEnd(line)
	if !found || len(text) != 5 || !bytes.HasPrefix(text, []byte("sep=")) {
		return 0, 0
	}
	return text[4], len(line) + 1
}

// linesAbove is how many lines or rows stand above the header, or above the
// records where there is none.
func (d *Dataset) linesAbove() int {
	return max(d.SkipLines, d.HeaderRow-1, 0)
}

// skipLines returns how many lines, and bytes of them, stand above the header.
func skipLines(head []byte, lines int) (skipped int64, size int) {
	for range lines {
		n := bytes.IndexByte(head[size:], '\n')
		if n < 0 {
			return skipped, len(head)
		}
		size += n + 1
		skipped++
	}
	return skipped, size
}

// readHeader reads the first record of a text. reason says why it is none.
func readHeader(d dialect, head []byte) (header []string, length int, lines int64, reason string) {
	s := splitter{dialect: d}
	s.reset(head, 1)
	ok, reason := s.next()
	if !ok || reason != "" {
		return nil, s.pos, s.line - 1, reason
	}
	for _, name := range s.fields {
		header = append(header, strings.ToValidUTF8(string(name), "\uFFFD"))
	}
	return header, s.pos, s.line - 1, ""
}

// formatOf returns the format of a text, by configuration, name or content.
func formatOf(d *Dataset, path string, head []byte) string {
	switch {
	case d.Format == formatCSV, d.Format == formatTSV, d.Format == formatNDJSON, d.Format == formatJSON:
		return d.Format
	case d.Records != "":
		return formatJSON
	}
	switch extension(path) {
	case ".csv":
		return formatCSV
	case ".tsv", ".tab":
		return formatTSV
	case ".ndjson", ".jsonl", ".ldjson":
		return formatNDJSON
	}
	text := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(d.Columns) > 0:
		return formatCSV
	case len(text) > 0 && text[0] == '{' && isLines(text):
		return formatNDJSON
	case extension(path) == ".json", len(text) > 0 && (text[0] == '[' || text[0] == '{'):
		return formatJSON
	}
	return formatCSV
}

// isLines says of a text that begins with an object that it has one a line, so far
// as can be seen.
func isLines(text []byte) bool {
	line, rest, more := bytes.Cut(text, newline)
	if !more {
		return len(text) < headSize/2
	}
	if fastjson.ValidateBytes(line) == nil {
		return true
	}
	// A damaged line stands before whole ones; the first of a document before its parts.
	second, rest, more := bytes.Cut(rest, newline)
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return bytes.HasPrefix(second, []byte("{")) && (!more || fastjson.ValidateBytes(second) == nil && (len(rest) == 0 || rest[0] == '{'))
}

// extension returns a file's extension in lower case, that of compression apart.
func extension(path string) string {
	name := strings.ToLower(filepath.Base(path))
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	return filepath.Ext(name)
}
