package files

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// dialect says how fields are written. A zero quote means that none is special.
type dialect struct {
	delimiter byte
	quote     byte
}

// quoteEnd is what became of a quoted field.
type quoteEnd int

const (
	quoteClosed    quoteEnd = iota
	quoteBroken             // text follows the closing quote
	quoteUncertain          // the data end before the field does
)

// closing finds the quote that closes the field whose opening quote is at open.
// It is the one place that knows quoting: the cutter and the splitter must agree
// on where records end. final says that nothing follows the data.
func (d dialect) closing(data []byte, open int, final bool) (at int, end quoteEnd) {
	at = open + 1
	for {
		n := bytes.IndexByte(data[at:], d.quote)
		if n < 0 {
			return 0, quoteUncertain
		}
		at += n
		if at+1 == len(data) {
			if final {
				return at, quoteClosed
			}
			return 0, quoteUncertain
		}
		switch next := data[at+1]; {
		case next == d.quote:
			at += 2
		case next == d.delimiter || next == '\n':
			return at, quoteClosed
		case next == '\r':
			return at, afterReturn(data, at+2, final)
		default:
			return at, quoteBroken
		}
	}
}

// afterReturn judges a carriage return behind a closing quote: it must be part
// of a line end.
func afterReturn(data []byte, at int, final bool) quoteEnd {
	switch {
	case at < len(data) && data[at] == '\n', at == len(data) && final:
		return quoteClosed
	case at == len(data):
		return quoteUncertain
	}
	return quoteBroken
}

// lastRecordEnd returns where the last whole record of data ends, 0 if none
// does. final says that nothing follows the data, so that an open quote cannot
// be closed any more.
func (d dialect) lastRecordEnd(data []byte, final bool) int {
	if d.quote == 0 {
		return bytes.LastIndexByte(data, '\n') + 1
	}
	start, pos := 0, 0 // of the record, of the search
	for {
		n := bytes.IndexByte(data[pos:], d.quote)
		if n < 0 {
			if line := bytes.LastIndexByte(data[pos:], '\n'); line >= 0 {
				start = pos + line + 1
			}
			return start
		}
		quote := pos + n
		if line := bytes.LastIndexByte(data[pos:quote], '\n'); line >= 0 {
			start = pos + line + 1
		}
		if quote > start && data[quote-1] != d.delimiter {
			pos = quote + 1 // an inch mark, not the begin of a field
			continue
		}
		end, status := d.closing(data, quote, final)
		if status == quoteClosed {
			pos = end + 1
			continue
		}
		if status == quoteUncertain && !final {
			return start
		}
		line := bytes.IndexByte(data[start:], '\n')
		if line < 0 {
			return start
		}
		start += line + 1
		pos = start
	}
}

// splitter takes the records of a piece of text apart. The piece ends where a
// record ends. Fields are slices of the piece, or of the scratch where a quote
// had to be undoubled; they are valid until the next record.
type splitter struct {
	dialect
	data    []byte
	pos     int
	line    int64 // of the next record, from 1
	fields  [][]byte
	scratch []byte

	start     int   // of the record last read
	startLine int64 // its line
}

// reset begins with a new piece whose first line has that number.
func (s *splitter) reset(data []byte, line int64) {
	s.data, s.pos, s.line = data, 0, line
}

// raw returns the record last read as it is written, without its line end.
func (s *splitter) raw() []byte { return trimLineEnd(s.data[s.start:s.pos]) }

func trimLineEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}

// next reads a record into fields. It skips empty lines. reason says why the
// record cannot be read: then it is the physical line where it begins, and
// reading goes on with the next line.
func (s *splitter) next() (ok bool, reason string) {
	for s.pos < len(s.data) && s.emptyLine() {
	}
	if s.pos >= len(s.data) {
		return false, ""
	}
	s.start, s.startLine = s.pos, s.line
	s.fields, s.scratch = s.fields[:0], s.scratch[:0]
	data, delimiter, quote := s.data, s.delimiter, s.quote
	delimiters := uint64(delimiter) * everyByte
	pos := s.pos
	for {
		if pos < len(data) && data[pos] == quote && quote != 0 {
			end, status := s.closing(data, pos, true)
			if status != quoteClosed {
				return true, s.skipLine(status)
			}
			s.fields = append(s.fields, s.unquote(data[pos+1:end]))
			pos = end + 1
			if pos < len(data) && data[pos] == delimiter {
				pos++
				continue
			}
			break
		}
		from := pos
		pos = fieldEnd(data, pos, delimiters)
		if pos < len(data) && data[pos] == delimiter {
			s.fields = append(s.fields, data[from:pos:pos])
			pos++
			continue
		}
		field := data[from:pos:pos]
		if n := len(field); n > 0 && field[n-1] == '\r' {
			field = field[:n-1]
		}
		s.fields = append(s.fields, field)
		break
	}
	s.endLine(pos)
	return true, ""
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x8080808080808080
	newlines  = '\n' * everyByte
)

// fieldEnd returns where the field at pos ends: at a delimiter, a newline, or the
// end of the data. It looks at eight bytes at a time, since this is where reading
// spends its time; delimiters holds the delimiter in every byte.
func fieldEnd(data []byte, pos int, delimiters uint64) int {
	for ; pos+8 <= len(data); pos += 8 {
		word := binary.LittleEndian.Uint64(data[pos:])
		d, n := word^delimiters, word^newlines // a zero byte is a hit
		if hits := ((d - everyByte) &^ d & highBits) | ((n - everyByte) &^ n & highBits); hits != 0 {
			return pos + bits.TrailingZeros64(hits)>>3
		}
	}
	for pos < len(data) && data[pos] != byte(delimiters) && data[pos] != '\n' {
		pos++
	}
	return pos
}

// endLine moves past the line end at pos.
func (s *splitter) endLine(pos int) {
	if pos < len(s.data) && s.data[pos] == '\r' {
		pos++
	}
	if pos < len(s.data) {
		pos++
	}
	s.pos = pos
	s.line++
}

// emptyLine moves past an empty line, if the next one is.
func (s *splitter) emptyLine() bool {
	switch rest := s.data[s.pos:]; {
	case rest[0] == '\n':
		s.pos++
	case rest[0] == '\r' && len(rest) == 1:
		s.pos++
	case rest[0] == '\r' && rest[1] == '\n':
		s.pos += 2
	default:
		return false
	}
	s.line++
	return true
}

// skipLine gives the record up: what follows its first line may be whole.
func (s *splitter) skipLine(status quoteEnd) string {
	end := len(s.data)
	if n := bytes.IndexByte(s.data[s.start:], '\n'); n >= 0 {
		end = s.start + n + 1
	}
	s.pos, s.line = end, s.startLine+1
	if status == quoteBroken {
		return "a quoted field is followed by text; a quote inside a field is written twice"
	}
	return "a quoted field is not closed"
}

// unquote undoubles quotes, and counts the lines in the field.
func (s *splitter) unquote(field []byte) []byte {
	s.line += int64(bytes.Count(field, newline))
	at := bytes.IndexByte(field, s.quote)
	if at < 0 {
		return field[:len(field):len(field)]
	}
	from := len(s.scratch)
	for at >= 0 {
		s.scratch = append(s.scratch, field[:at+1]...)
		field = field[at+2:]
		at = bytes.IndexByte(field, s.quote)
	}
	s.scratch = append(s.scratch, field...)
	return s.scratch[from:len(s.scratch):len(s.scratch)]
}

var newline = []byte{'\n'}
