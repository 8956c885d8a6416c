package files

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// documentReader reads JSON documents as records, one a line: the elements of an
// array at the top or behind a path, or the documents themselves. It holds one
// record at a time and only looks at how brackets and quotes nest; what is no JSON
// within them is found when the record is read.
type documentReader struct {
	in     *bufio.Reader
	steps  []step
	stack  []jsonFrame
	record []byte // being handed out
	out    []byte // what of it is left
	met    bool   // records were found where they should be
	seen   []string
	err    error
}

// jsonFrame is an array or an object that is open.
type jsonFrame struct {
	object  bool
	records bool // its elements are records
	at      int  // of the steps, for its members
}

// newDocumentReader reads the records that stand at a path, "" for the top.
func newDocumentReader(in *bufio.Reader, at string) *documentReader {
	d := &documentReader{in: in}
	if at != "" {
		d.steps = parsePath(at).steps
	}
	if n := len(d.steps); n > 0 && d.steps[n-1].all {
		d.steps = d.steps[:n-1] // elements are meant in any case
	}
	return d
}

// Read hands the records out.
func (d *documentReader) Read(into []byte) (n int, err error) {
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.record = d.record[:0]
		if d.err = d.next(); d.err == nil {
			d.record = append(d.record, '\n')
		}
		d.out = d.record
	}
	n = copy(into, d.out)
	d.out = d.out[n:]
	return n, nil
}

// next reads up to the end of the next record.
func (d *documentReader) next() error {
	for {
		c, err := d.peek()
		if err != nil {
			return d.atEnd(err)
		}
		if len(d.stack) == 0 {
			if done, err := d.enter(0, false, c); done || err != nil {
				return err
			}
			continue
		}
		top := &d.stack[len(d.stack)-1]
		done := false
		switch {
		case c == '}' && top.object, c == ']' && !top.object:
			d.stack = d.stack[:len(d.stack)-1]
			err = d.drop()
		case c == '}', c == ']':
			return damagef(nil, "the brackets of the JSON do not fit: what follows cannot be read")
		case top.object:
			done, err = d.member(top.at)
		default:
			done, err = d.enter(top.at, top.records, c)
		}
		if done || err != nil {
			return err
		}
	}
}

// atEnd judges the end of the text.
func (d *documentReader) atEnd(err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case len(d.stack) > 0:
		return damagef(io.ErrUnexpectedEOF, "the JSON ends before its array does: the file was cut off here, what followed is missing")
	case len(d.steps) > 0 && !d.met:
		return damagef(nil, "the file has no records at the path that records: says (it has: %s)", strings.Join(d.seen, ", "))
	}
	return io.EOF
}

// peek returns the first byte of what comes next, without blanks and commas.
func (d *documentReader) peek() (byte, error) {
	for {
		c, err := d.in.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ',' || c == ':':
			continue
		}
		return c, d.in.UnreadByte()
	}
}

func (d *documentReader) drop() error {
	_, err := d.in.Discard(1)
	return err
}

// enter begins a value to which the first at steps lead. It says whether it was a
// record, which is then read.
func (d *documentReader) enter(at int, element bool, c byte) (record bool, err error) {
	frame := jsonFrame{at: at}
	switch {
	case at == len(d.steps) && (c != '[' || element):
		d.met = true
		return true, d.value(true)
	case at == len(d.steps):
		d.met = true
		frame.records = true
	case c == '[' && d.steps[at].all:
		frame.at++
	case c == '[': // pages of the same kind
	case c == '{' && !d.steps[at].element:
		frame.object = true
	default:
		return false, d.value(false)
	}
	d.stack = append(d.stack, frame)
	return false, d.drop()
}

// member begins a member of an object.
func (d *documentReader) member(at int) (record bool, err error) {
	d.record = d.record[:0]
	if err := d.value(true); err != nil {
		return false, err
	}
	var name string
	if json.Unmarshal(d.record, &name) != nil {
		return false, damagef(nil, "the JSON has %s where the name of a member should be: what follows cannot be read", firstLine(string(d.record)))
	}
	d.record = d.record[:0]
	if len(d.stack) == 1 && len(d.seen) < 10 && !slices.Contains(d.seen, name) {
		d.seen = append(d.seen, name)
	}
	c, err := d.peek()
	switch {
	case err != nil:
		return false, d.atEnd(err)
	case c == '}' || c == ']':
		return false, nil // a name without a value
	case name == d.steps[at].key:
		return d.enter(at+1, false, c)
	}
	return false, d.value(false)
}

// value reads a value to its end, and keeps it if it is a record.
func (d *documentReader) value(keep bool) error {
	s := valueScanner{}
	for {
		if _, err := d.in.Peek(1); err != nil {
			if errors.Is(err, io.EOF) && s.scalar {
				return nil
			}
			if errors.Is(err, io.EOF) {
				return damagef(io.ErrUnexpectedEOF, "the JSON ends within a record: the file was cut off here, what followed is missing")
			}
			return err
		}
		chunk, _ := d.in.Peek(d.in.Buffered()) // they are there
		n, done := s.scan(chunk)
		if keep && len(d.record) <= recordSize {
			d.record = appendLine(d.record, chunk[:n])
		}
		if s.wrong != 0 {
			return damagef(nil, "the brackets of the JSON do not fit, there is a %q too many or at the wrong place: what follows cannot be read", s.wrong)
		}
		if _, err := d.in.Discard(n); done || err != nil {
			return err
		}
	}
}

// appendLine appends text of JSON on one line.
func appendLine(into, text []byte) []byte {
	from := len(into)
	into = append(into, text...)
	for i := from; i < len(into); i++ {
		if into[i] == '\n' || into[i] == '\r' {
			into[i] = ' '
		}
	}
	return into
}

// deepestJSON bounds how deep values are nested.
const deepestJSON = 1000

// valueScanner finds the end of a JSON value.
type valueScanner struct {
	open    []byte // brackets, as they must be closed
	quoted  bool
	escaped bool
	scalar  bool // it is a number or a word
	wrong   byte // a bracket that does not fit
}

// scan goes through a chunk of text. It returns how much of it belongs to the
// value, and whether the value has ended.
func (s *valueScanner) scan(chunk []byte) (n int, done bool) {
	for i, c := range chunk {
		switch {
		case s.escaped:
			s.escaped = false
		case s.quoted && c == '\\':
			s.escaped = true
		case s.quoted:
			if s.quoted = c != '"'; !s.quoted && len(s.open) == 0 {
				return i + 1, true
			}
		case s.scalar:
			if strings.IndexByte(" \t\r\n,:[]{}\"", c) >= 0 {
				return i, true
			}
		case c == '"':
			s.quoted = true
		case c == '{' || c == '[':
			if s.open = append(s.open, c+2); len(s.open) > deepestJSON { // the closing one stands two behind
				s.wrong = c
				return i, true
			}
		case c == '}' || c == ']':
			if len(s.open) == 0 || s.open[len(s.open)-1] != c {
				s.wrong = c
				return i, true
			}
			if s.open = s.open[:len(s.open)-1]; len(s.open) == 0 {
				return i + 1, true
			}
		case len(s.open) == 0:
			s.scalar = true
		}
	}
	return len(chunk), false
}
