package demo

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"

	"winback/connectors/entity"
)

// dataDir is the folder of the company's files within the demo's folder.
const dataDir = "data"

// fileSet makes the files of one demo company.
type fileSet struct {
	dir      string
	open     []*table
	finished []File
}

func (s *fileSet) path(name string) string { return filepath.Join(s.dir, name) }

// create begins a file; name is relative to the demo's folder, with slashes. A
// name that ends in .gz is compressed.
func (s *fileSet) create(name string, f tableFormat) (*table, error) {
	file, err := os.Create(s.path(filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	t := &table{name: name, tableFormat: f, file: file, sum: sha256.New(), row: make([]byte, 0, flushBytes+8<<10)}
	t.disk = bufio.NewWriterSize(countingFile{t}, 4*flushBytes)
	t.to = t.disk
	if strings.HasSuffix(name, ".gz") {
		// No name and no time in the header: the same rows give the same bytes.
		if t.gzip, err = gzip.NewWriterLevel(t.to, gzip.BestSpeed); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		t.to = t.gzip
	}
	s.open = append(s.open, t)
	t.row = append(t.row, f.mark...)
	t.row = append(t.row, strings.Join(f.header, string(f.delimiter))...)
	t.endLine()
	return t, nil
}

// finish completes a file.
func (s *fileSet) finish(t *table) error {
	info, err := t.close()
	if err != nil {
		return fmt.Errorf("write %s: %w", t.name, err)
	}
	for i := range s.open {
		if s.open[i] == t {
			s.open = append(s.open[:i], s.open[i+1:]...)
			break
		}
	}
	s.finished = append(s.finished, info)
	return nil
}

// abandon closes files that were not finished.
func (s *fileSet) abandon() error {
	var failed error
	for _, t := range s.open {
		failed = errors.Join(failed, t.file.Close())
	}
	s.open = nil
	return failed
}

// tableFormat is the manner in which a system writes its tables.
type tableFormat struct {
	header    []string
	delimiter byte
	comma     bool   // decimal comma
	newline   string //
	mark      string // at the very beginning: a byte order mark
}

// shopFormat is how the shop writes: what most programs call CSV.
func shopFormat(header ...string) tableFormat {
	return tableFormat{header: header, delimiter: ',', newline: "\n"}
}

// officeFormat is how spreadsheets write in countries with a decimal comma.
func officeFormat(header ...string) tableFormat {
	return tableFormat{header: header, delimiter: ';', comma: true, newline: "\r\n", mark: "\ufeff"}
}

const flushBytes = 64 << 10

// table writes the rows of one file. Fields are appended in the order of the
// columns and endRow closes the row; the first write error is kept for close.
type table struct {
	name string
	tableFormat
	file  *os.File
	disk  *bufio.Writer // gzip writes in small pieces
	gzip  *gzip.Writer
	to    io.Writer
	sum   hash.Hash
	bytes int64
	rows  int64
	row   []byte // rows not written yet, the one being made at the end
	begin int    // where the row being made begins
	err   error
}

// countingFile counts and sums up what reaches the file.
type countingFile struct{ t *table }

func (f countingFile) Write(b []byte) (int, error) {
	n, err := f.t.file.Write(b)
	f.t.bytes += int64(n)
	f.t.sum.Write(b[:n])
	return n, err
}

// field begins the next field. An empty first field would hide its separator, so
// every row begins with something.
func (t *table) field() {
	if len(t.row) > t.begin {
		t.row = append(t.row, t.delimiter)
	}
}

// null leaves the next field empty. It cannot be the first of a row.
func (t *table) null() { t.row = append(t.row, t.delimiter) }

func (t *table) integer(n int) {
	t.field()
	t.row = appendInt(t.row, n)
}

func (t *table) text(s string) {
	t.field()
	t.row = t.quoted(t.row, s)
}

// plain writes text that needs no quotes.
func (t *table) plain(s string) {
	t.field()
	t.row = append(t.row, s...)
}

// money writes an amount with two digits after the point.
func (t *table) money(amount entity.Decimal) {
	t.field()
	point := byte('.')
	if t.comma {
		point = ','
	}
	t.row = appendCents(t.row, amount, point)
}

func (t *table) yes(is bool) {
	if is {
		t.plain("yes")
	} else {
		t.plain("no")
	}
}

// clock writes a day and a second of it as 2006-01-02 15:04:05.
func (t *table) clock(dayText string, second int) {
	t.field()
	t.row = append(append(t.row, dayText...), ' ')
	t.row = appendClock(t.row, second)
}

// quoted appends a field, in quotes where its characters ask for them.
func (t *table) quoted(b []byte, s string) []byte {
	if !strings.ContainsAny(s, "\"\r\n") && strings.IndexByte(s, t.delimiter) < 0 {
		return append(b, s...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(s, `"`, `""`)...)
	return append(b, '"')
}

func (t *table) endRow() {
	t.rows++
	t.endLine()
}

// endLine ends a line that is no row: a header, a footer, dirt.
func (t *table) endLine() {
	t.row = append(t.row, t.newline...)
	t.begin = len(t.row)
	if t.begin >= flushBytes {
		t.flush()
	}
}

func (t *table) flush() {
	if t.err == nil {
		_, t.err = t.to.Write(t.row[:t.begin])
	}
	t.row = append(t.row[:0], t.row[t.begin:]...)
	t.begin = 0
}

func (t *table) close() (File, error) {
	t.flush()
	if t.gzip != nil {
		t.err = errors.Join(t.err, t.gzip.Close())
	}
	t.err = errors.Join(t.err, t.disk.Flush())
	err := errors.Join(t.err, t.file.Close())
	return File{Name: t.name, Rows: t.rows, Bytes: t.bytes, SHA256: hex.EncodeToString(t.sum.Sum(nil))}, err
}

func appendInt(b []byte, n int) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	var digits [20]byte
	at := len(digits)
	for {
		at--
		digits[at] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return append(b, digits[at:]...)
		}
	}
}

func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

func appendClock(b []byte, second int) []byte {
	b = append(appendTwo(b, second/3600), ':')
	b = append(appendTwo(b, second/60%60), ':')
	return appendTwo(b, second%60)
}

// cent is a hundredth of the currency.
const cent entity.Decimal = 100

func appendCents(b []byte, amount entity.Decimal, point byte) []byte {
	if amount < 0 {
		b, amount = append(b, '-'), -amount
	}
	cents := int(amount / cent)
	b = append(appendInt(b, cents/100), point)
	return appendTwo(b, cents%100)
}
