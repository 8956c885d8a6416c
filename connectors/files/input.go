package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Formats of files.
const (
	formatCSV    = "csv"
	formatTSV    = "tsv"
	formatNDJSON = "ndjson"
)

// headSize is how much of a text is looked at to find out how it is written.
const headSize = 64 << 10

// opened is a file being read: its bytes are hashed and counted on the way.
type opened struct {
	file *os.File
	hash *xxhash.Digest
	read int64
	text *bufio.Reader // unpacked, decoded, without byte-order mark
}

// open begins to read a file. The error names the file.
func open(path, encodingName string) (*opened, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	o := &opened{file: file, hash: xxhash.New()}
	if o.text, err = o.unpack(encodingName); err != nil {
		return nil, errors.Join(unreadable(path, err), file.Close())
	}
	return o, nil
}

// unreadable says in a sentence why a file cannot be read.
func unreadable(path string, err error) error {
	reason := err
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		reason = inner.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read %s: the file has vanished: %w", path, reason)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("read %s: winback may not read the file, give it the right to: %w", path, reason)
	}
	return fmt.Errorf("read %s: %w", path, reason)
}

// Read reads the file's own bytes.
func (o *opened) Read(into []byte) (int, error) {
	n, err := o.file.Read(into)
	_, _ = o.hash.Write(into[:n]) // never fails
	o.read += int64(n)
	return n, err
}

// unpack puts the readers for compression and encoding over the file.
func (o *opened) unpack(encodingName string) (*bufio.Reader, error) {
	raw := bufio.NewReaderSize(o, 256<<10)
	start, err := raw.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	text := raw
	if bytes.Equal(start, []byte{0x1f, 0x8b}) {
		text = bufio.NewReaderSize(&gunzipper{raw: raw}, headSize)
	}
	return decode(text, encodingName)
}

// gunzipper unpacks gzip. It opens the stream when first read, so that a damaged
// head of the stream is damage of the file like any other.
type gunzipper struct {
	raw *bufio.Reader
	in  *gzip.Reader
	err error // stays: a second try would find the stream at its end
}

func (g *gunzipper) Read(into []byte) (n int, err error) {
	if g.err != nil {
		return 0, g.err
	}
	if g.in == nil {
		g.in, g.err = gzip.NewReader(g.raw)
		if g.err != nil {
			if errors.Is(g.err, io.EOF) {
				g.err = io.ErrUnexpectedEOF
			}
			g.err = damaged{g.err}
			return 0, g.err
		}
	}
	n, g.err = g.in.Read(into)
	if g.err != nil && damage(g.err) != "" {
		g.err = damaged{g.err}
	}
	return n, g.err
}

// damaged marks an error as the file's own, not of reading it.
type damaged struct{ error }

func (d damaged) Unwrap() error { return d.error }

// damage says in words how a file is damaged, "" if the error is no damage.
func damage(err error) string {
	if err == nil {
		return ""
	}
	corrupt, isCorrupt := errors.AsType[flate.CorruptInputError](err)
	marked, isMarked := errors.AsType[damaged](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the gzip data end too early: the file was cut off here, what followed is missing"
	case errors.Is(err, gzip.ErrChecksum):
		return "the gzip checksum does not fit: the file is damaged somewhere above"
	case errors.Is(err, gzip.ErrHeader):
		return "the gzip data are followed by bytes that are no gzip"
	case isCorrupt:
		return fmt.Sprintf("the gzip data are damaged (%v): what follows cannot be read", corrupt)
	case isMarked:
		return fmt.Sprintf("the gzip data are damaged (%v): what follows cannot be read", marked.error)
	}
	return ""
}

var encodings = map[string]encoding.Encoding{
	"utf-16":       unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"windows-1251": charmap.Windows1251,
	"windows-1252": charmap.Windows1252,
	"latin-1":      charmap.ISO8859_1,
}

// decode returns the text in UTF-8. A byte-order mark is dropped, and one of
// UTF-16 is believed whatever the configuration says.
func decode(text *bufio.Reader, name string) (*bufio.Reader, error) {
	start, err := text.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) && damage(err) == "" {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte{0xEF, 0xBB, 0xBF}):
		_, err := text.Discard(3)
		return text, err
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}), bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		name = "utf-16"
	}
	if chosen, found := encodings[name]; found {
		return bufio.NewReaderSize(chosen.NewDecoder().Reader(text), headSize), nil
	}
	return bufio.NewReaderSize(text, headSize), nil
}

// finish reads what is left of the file's bytes, so that the hash is of all of
// them, and closes it.
func (o *opened) finish() (hash string, err error) {
	_, err = io.Copy(io.Discard, o)
	if err = errors.Join(err, o.file.Close()); err != nil {
		return "", unreadable(o.file.Name(), err)
	}
	return fmt.Sprintf("%016x", o.hash.Sum64()), nil
}

// hashFile returns the hash of a file's bytes.
func hashFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", unreadable(path, err)
	}
	o := &opened{file: file, hash: xxhash.New()}
	return o.finish()
}

// prepare finds out how the file is written, reads its header and binds the plan
// to it. The text then stands behind the header.
func (o *opened) prepare(p *plan, c candidate) (*binding, error) {
	head, err := o.text.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) && damage(err) == "" {
		return nil, unreadable(c.path, err)
	}
	skipped, size := skipLines(head, p.config.SkipLines)
	head = head[size:]
	if formatOf(p.config, c.path, head) == formatNDJSON {
		_, err := o.text.Discard(size)
		b := bindJSON(p, c.name)
		b.line += skipped
		return b, err
	}
	d := dialectOf(p, c.path, head)
	if len(p.config.Columns) > 0 {
		b := bind(p, c.name, p.config.Columns)
		b.format, b.dialect, b.line = formatCSV, d, 1+skipped
		_, err := o.text.Discard(size)
		return b, err
	}
	header, length, lines, reason := readHeader(d, head)
	b := bind(p, c.name, header)
	b.format, b.dialect, b.line = formatCSV, d, 1+skipped+lines
	switch {
	case reason != "":
		b.problem = &misfit{reason: "the header cannot be read: " + reason}
	case len(header) == 0:
		b.problem = nil // an empty file lacks nothing
	}
	_, err = o.text.Discard(size + length)
	return b, err
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

// formatOf returns the format of a file, by configuration, name or content.
func formatOf(d *Dataset, path string, head []byte) string {
	if d.Format != "" {
		return d.Format
	}
	switch extension(path) {
	case ".csv":
		return formatCSV
	case ".tsv", ".tab":
		return formatTSV
	case ".ndjson", ".jsonl", ".ldjson":
		return formatNDJSON
	}
	if text := bytes.TrimLeft(head, " \t\r\n"); len(text) > 0 && text[0] == '{' && len(d.Columns) == 0 {
		return formatNDJSON
	}
	return formatCSV
}

// extension returns a file's extension in lower case, that of compression apart.
func extension(path string) string {
	name := strings.ToLower(filepath.Base(path))
	return filepath.Ext(strings.TrimSuffix(name, ".gz"))
}
