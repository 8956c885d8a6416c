package files

import (
	"fmt"

	"winback/connectors/mapping"
)

// recordReader reads the records of pieces of text.
type recordReader interface {
	// begin starts with a piece whose first line has that number.
	begin(data []byte, line int64)
	// next reads a record. misfit says why it is none; its raw text and line are
	// set all the same. At the end of the piece ok is false.
	next(r *record) (wrong *misfit, ok bool)
}

// newRecordReader returns a reader for the format of a file.
func newRecordReader(b *binding) recordReader {
	if b.format == formatNDJSON {
		return &jsonReader{bound: b}
	}
	return &csvReader{bound: b, splitter: splitter{dialect: b.dialect}}
}

// csvReader reads lines with delimited fields.
type csvReader struct {
	splitter
	bound *binding
}

func (c *csvReader) begin(data []byte, line int64) { c.reset(data, line) }

func (c *csvReader) next(r *record) (*misfit, bool) {
	ok, reason := c.splitter.next()
	if !ok {
		return nil, false
	}
	r.bound, r.fields, r.kinds, r.line = c.bound, c.fields, nil, c.startLine
	r.raw = c.raw()
	switch width := len(c.bound.header); {
	case reason != "":
		return &misfit{reason: reason}, true
	case c.bound.problem != nil:
		return c.bound.problem, true
	case len(c.fields) < width:
		return &misfit{reason: fmt.Sprintf("the line is short: it has %s, not %d", countFields(len(c.fields)), width)}, true
	case len(c.fields) > width && anyText(c.fields[width:]):
		return &misfit{reason: fmt.Sprintf("the line is long: it has %s, not %d", countFields(len(c.fields)), width)}, true
	}
	return nil, true
}

func countFields(n int) string {
	if n == 1 {
		return "1 field"
	}
	return fmt.Sprintf("%d fields", n)
}

func anyText(fields [][]byte) bool {
	for _, field := range fields {
		if len(mapping.Trim(field)) > 0 {
			return true
		}
	}
	return false
}
