package files

import (
	"bytes"
	"errors"
	"io"
)

const (
	pieceSize  = 512 << 10 // text handed to one worker; some 10,000 rows
	recordSize = 4 << 20   // a longer record is damage
)

// piece is a part of a file's text that ends where a record ends.
type piece struct {
	data []byte
	line int64 // number of its first line, from 1
	// broken says why the file cannot be read further; data is then the part
	// of a record that was left.
	broken string
	// overlong says that data is the begin of a line too long to be a record.
	overlong bool
}

// cutter cuts a text between records.
type cutter struct {
	dialect
	in   io.Reader
	line int64 // number of the next line
	rest []byte
	done bool
	err  error // what ended the input, if not its end
	skip bool  // the remainder of an overlong line follows
	size int   // of pieces
	most int   // longest record
	// growing, if set, says whether the text may go on later. What stands behind
	// the last whole record is then left.
	growing func() bool
	ended   ending
}

// ending is how a text ended.
type ending struct {
	plain   bool   // it is the file's own bytes, in which places can be told
	any     bool   // there was text
	lines   int64  // that ended, from the begin of the file
	open    bool   // a last line without an end was read
	left    []byte // what was not read, as it may go on
	damaged bool   // it cannot be said where a record would begin that is appended
}

func newCutter(in io.Reader, d dialect, line int64) *cutter {
	return &cutter{dialect: d, in: in, line: line, size: pieceSize, most: recordSize}
}

// next returns the next piece in buf, which it may grow. It returns io.EOF after
// the last one, and an error of the input that is no damage of the file.
func (c *cutter) next(buf []byte) (piece, error) {
	buf = append(buf[:0], c.rest...)
	for {
		buf = c.fill(buf, max(c.size, 2*len(buf)))
		if c.skip && !c.skipRest(&buf) {
			if c.done {
				return piece{}, c.ending()
			}
			continue
		}
		if len(buf) == 0 && c.done {
			c.rest = nil
			return c.last(buf)
		}
		if end := c.end(buf); end > 0 {
			return c.cut(buf, end), nil
		}
		if c.done {
			return c.last(buf)
		}
		if len(buf) > c.most {
			return c.overlong(buf), nil
		}
	}
}

// fill reads until the buffer holds want bytes or the input ends.
func (c *cutter) fill(buf []byte, want int) []byte {
	if cap(buf) < want {
		buf = append(make([]byte, 0, want), buf...)
	}
	for len(buf) < want && !c.done {
		n, err := c.in.Read(buf[len(buf):want])
		buf = buf[:len(buf)+n]
		if err != nil {
			c.done = true
			if !errors.Is(err, io.EOF) {
				c.err = err
			}
		}
	}
	return buf
}

// end returns where the last whole record of the buffer ends. A quote left open
// for longer than a record may be is no begin of a field.
func (c *cutter) end(buf []byte) int {
	if c.done && c.err == nil {
		return c.finalEnd(buf)
	}
	end := c.lastRecordEnd(buf, false)
	if end == 0 && len(buf) > c.most {
		end = c.lastRecordEnd(buf, true)
	}
	return end
}

// finalEnd returns where the text is done with: at its end, unless a record that
// may go on stands there.
func (c *cutter) finalEnd(buf []byte) int {
	end := c.lastRecordEnd(buf, false)
	rest := buf[end:]
	if len(rest) > 0 && c.growing != nil && c.growing() {
		c.ended.left = bytes.Clone(rest)
		return end
	}
	c.ended.open = len(rest) > 0
	c.ended.damaged = c.ended.damaged || bytes.IndexByte(rest, '\n') >= 0
	return len(buf)
}

func (c *cutter) cut(buf []byte, end int) piece {
	c.rest, c.ended.any = append(c.rest[:0], buf[end:]...), true
	p := piece{data: buf[:end], line: c.line}
	c.line += int64(bytes.Count(p.data, newline))
	return p
}

// last ends the text: with the part of a record behind which the file broke off,
// if it did.
func (c *cutter) last(buf []byte) (piece, error) {
	c.rest = nil
	if reason := damage(c.err); reason != "" {
		c.err, c.ended.damaged = nil, true
		return piece{data: buf, line: c.line, broken: reason}, nil
	}
	return piece{}, c.ending()
}

func (c *cutter) ending() error {
	c.ended.lines = c.line - 1
	if c.err != nil {
		return c.err
	}
	return io.EOF
}

func (c *cutter) overlong(buf []byte) piece {
	c.rest, c.skip, c.ended.damaged = nil, true, true
	return piece{data: buf, line: c.line, overlong: true}
}

// skipRest drops the remainder of an overlong line. It says whether the line has
// ended.
func (c *cutter) skipRest(buf *[]byte) bool {
	at := bytes.IndexByte(*buf, '\n')
	if at < 0 {
		*buf = (*buf)[:0]
		return false
	}
	*buf = append((*buf)[:0], (*buf)[at+1:]...)
	c.line++
	c.skip = false
	return true
}
