package files

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/valyala/fastjson"
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
	r.bound, r.fields, r.line = c.bound, c.fields, c.startLine
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
		if len(trim(field)) > 0 {
			return true
		}
	}
	return false
}

// jsonReader reads lines that are one JSON object each. Its records have a field
// per slot of the plan.
type jsonReader struct {
	bound  *binding
	data   []byte
	line   int64
	parser fastjson.Parser
	arena  arena
	fields [][]byte
}

func (j *jsonReader) begin(data []byte, line int64) { j.data, j.line = data, line }

func (j *jsonReader) next(r *record) (*misfit, bool) {
	var text []byte
	for len(bytes.TrimSpace(text)) == 0 {
		if len(j.data) == 0 {
			return nil, false
		}
		end := len(j.data)
		if n := bytes.IndexByte(j.data, '\n'); n >= 0 {
			end = n + 1
		}
		text, j.data = j.data[:end], j.data[end:]
		r.line = j.line
		j.line++
	}
	r.bound, r.raw, r.fields, r.json = j.bound, trimLineEnd(text), nil, nil
	v, err := j.parser.ParseBytes(r.raw)
	if err != nil {
		return &misfit{reason: "the line is not JSON: " + firstLine(err.Error())}, true
	}
	if v.Type() != fastjson.TypeObject {
		return &misfit{reason: fmt.Sprintf("the line is a JSON %s; NDJSON has one object a line", v.Type())}, true
	}
	j.arena.reset()
	j.fields = j.fields[:0]
	for _, paths := range j.bound.paths {
		j.fields = append(j.fields, j.find(v, paths))
	}
	r.fields, r.json = j.fields, v
	return nil, true
}

// find returns the text of the first of the paths that leads to a value.
func (j *jsonReader) find(v *fastjson.Value, paths []string) []byte {
	for _, path := range paths {
		found := v.Get(path)
		if found == nil && strings.Contains(path, ".") {
			found = v.Get(strings.Split(path, ".")...)
		}
		if found != nil {
			return jsonValue(&j.arena, found)
		}
	}
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if len(line) > 200 {
		line = line[:200] + "…"
	}
	return line
}
