package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// table is one table of a file: the file itself, a member of an archive, a sheet
// of a workbook. It is text, of whatever format the file was.
type table struct {
	input   string        // its name in origins
	text    *bufio.Reader // of records, behind the header
	bound   *binding
	found   []string // how the file is written, for people
	problem string   // why nothing of it can be read
	// start is where the records begin in the file's own bytes; -1 where they do
	// not stand there as they are read.
	start int64
}

// content is a run of bytes in which tables are looked for: a file, or a member of
// an archive.
type content struct {
	file    *opened
	name    string // in origins and messages
	members []string
	in      *bufio.Reader
	at      io.ReaderAt // of the same bytes; nil where they can only be read in order
	size    int64       // of at
	plain   bool        // the bytes are the file's own
	found   []string
}

// tables finds the tables of a file and hands each to use, which reads it before
// the next is looked for. An error is use's own or one of reading the file; what
// is wrong with the file itself makes a table with a problem.
func (o *opened) tables(p *plan, c candidate, use func(*table) error) error {
	return eachTable(p, &content{
		file: o, name: c.name, members: c.members, plain: true,
		in: bufio.NewReaderSize(o, int(min(256<<10, o.size+bytes.MinRead))), at: o, size: o.size,
	}, use)
}

// magics of formats that are not read in order.
const (
	magicZip      = "PK\x03\x04"
	magicEmptyZip = "PK\x05\x06"
	magicParquet  = "PAR1"
	magicSealed   = "PARE"
	magicOLE      = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"
)

func eachTable(p *plan, c *content, use func(*table) error) error {
	start, err := c.unpack()
	if err != nil {
		return err
	}
	begins := func(magic string) bool { return bytes.HasPrefix(start, []byte(magic)) }
	switch declared := p.config.Format; {
	case begins(magicZip), begins(magicEmptyZip):
		return c.zipped(p, use)
	case len(c.members) > 0 && c.plain && len(start) > 0:
		return use(c.unusable(p, "the file is no zip archive, as its name in the configuration says"))
	case begins(magicParquet):
		return c.parquetTable(p, use)
	case begins(magicSealed):
		return use(c.unusable(p, "the Parquet file is encrypted: write it without encryption"))
	case begins(magicOLE):
		return use(c.unusable(p, oldOffice))
	case declared == formatXLSX:
		return use(c.unusable(p, "the file is no Excel workbook (.xlsx)"))
	case declared == formatParquet:
		return use(c.unusable(p, "the file is no Parquet file"))
	}
	return c.textTable(p, use)
}

const oldOffice = "the file is an Excel workbook that is protected by a password, or of the old kind (.xls): " +
	"open it in Excel or LibreOffice and save it as .xlsx without a password"

// unusable makes the table of a content that cannot be read.
func (c *content) unusable(p *plan, problem string) *table {
	return &table{
		input: c.name, problem: problem, found: c.found, start: -1,
		text: bufio.NewReader(strings.NewReader("")), bound: bindJSON(p, c.name),
	}
}

// unpack puts readers for compression over the content and returns its first
// bytes.
func (c *content) unpack() ([]byte, error) {
	for {
		start, err := c.in.Peek(8)
		if err != nil && !errors.Is(err, io.EOF) && damage(err) == "" {
			return nil, err
		}
		way := packingOf(start)
		if way == nil || len(c.found) > 2 {
			return start, nil
		}
		c.in = bufio.NewReaderSize(&unpacker{packing: *way, file: c.file, raw: c.in}, headSize)
		c.at, c.plain, c.found = nil, false, append(c.found, way.name)
	}
}

// randomly gives access to the bytes at any place, which may need a copy of them.
// Places outside, to which damage may lead, are the end of the file rather than
// mistakes of reading it.
func (c *content) randomly() (io.ReaderAt, int64, error) {
	if c.at != nil {
		return io.NewSectionReader(c.at, 0, c.size), c.size, nil
	}
	copied, size, err := c.file.spool(c.in)
	if copied == nil {
		return nil, 0, err
	}
	return io.NewSectionReader(copied, 0, size), size, err
}

// textTable hands out the table that a text is.
func (c *content) textTable(p *plan, use func(*table) error) error {
	text, encoding, err := decode(c.in, p.config.Encoding)
	if err != nil {
		return unreadable(c.name, err)
	}
	t := &table{input: c.name, text: text, found: c.found, start: -1}
	if err := t.prepare(p, encoding); err != nil {
		return err
	}
	if c.plain && encoding == utf8Text && t.start >= 0 {
		t.start = c.file.read - int64(c.in.Buffered())
	} else {
		t.start = -1
	}
	return use(t)
}

// describe says how a table is written.
func (t *table) describe() string { return strings.Join(t.found, ", ") }

// resume drops what stands before a place in the file's bytes. Its line has the
// given number. It is only for tables that have a start.
func (t *table) resume(at, line int64) error {
	if t.start < 0 || at < t.start {
		return fmt.Errorf("read %s: it cannot be read on from byte %d", t.input, at)
	}
	for left := at - t.start; left > 0; {
		n, err := t.text.Discard(int(min(left, 1<<30)))
		if left -= int64(n); err != nil {
			return fmt.Errorf("read %s on from byte %d: %w", t.input, at, err)
		}
	}
	t.bound.line = line
	return nil
}
