package landing

import (
	"cmp"
	"context"
	"errors"
	"os"

	"winback/connectors/entity"
)

// keyMerge walks the keys of several parts in order and finds those that occur
// in more than one.
type keyMerge struct {
	prefix  int // bytes that all first keys begin with
	streams []*keyStream
	heap    keyHeap
}

// keyStream reads the keys of a part in order. It stands on one of them.
type keyStream struct {
	number int // of the part within the entity
	part   *Part
	cursor *cursor
	buf    *buffer
	at     int   // row within buf
	base   int64 // row of the part that buf begins with
	skip   int   // bytes left out of prefix
	// refill, if set, is called before the rows in buf give way to the next.
	refill func(*keyStream) error
	prefix uint64 // first bytes of the key at hand
}

func (m *keyMerge) open(f *feed, number int) error {
	p, err := f.parts[number].open(f.schema)
	if err != nil {
		return err
	}
	cursor, err := p.cursor(func(f *entity.Field) bool { return f.Key })
	if err != nil {
		return errors.Join(err, p.Close())
	}
	s := &keyStream{number: number, part: p, buf: newBuffer(f.schema), at: -1, skip: m.prefix, cursor: cursor}
	m.streams = append(m.streams, s)
	if more, err := s.next(); err != nil || !more {
		return err
	}
	m.heap = append(m.heap, s)
	return nil
}

func (m *keyMerge) close() (err error) {
	for _, s := range m.streams {
		s.cursor.close()
		err = errors.Join(err, s.part.Close())
	}
	return err
}

// run calls settle for each row whose key an earlier part has too, with the
// first part that has it.
func (m *keyMerge) run(ctx context.Context, settle func(first, later *keyStream) error) error {
	m.heap.order()
	for step := 0; len(m.heap) > 1; step++ {
		if step%readRows == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		first := m.heap[0]
		second := m.heap.second()
		if first.compare(m.heap[second]) < 0 {
			if err := m.pass(first, m.heap[second]); err != nil {
				return err
			}
			continue
		}
		for len(m.heap) > 1 {
			second = m.heap.second()
			if first.compare(m.heap[second]) != 0 {
				break
			}
			if err := settle(first, m.heap[second]); err != nil {
				return err
			}
			if err := m.heap.advance(second); err != nil {
				return err
			}
		}
		if err := m.heap.advance(0); err != nil {
			return err
		}
	}
	return nil
}

// pass moves the first stream past all keys smaller than the second's.
func (m *keyMerge) pass(first, second *keyStream) error {
	for {
		more, err := first.next()
		if err != nil {
			return err
		}
		if !more {
			m.heap.remove(0)
			return nil
		}
		if first.compare(second) >= 0 {
			m.heap.sink(0)
			return nil
		}
	}
}

func (p *part) open(s *entity.Schema) (*Part, error) {
	file, err := os.Open(p.path)
	if err != nil {
		return nil, storageError("read", p.path, err)
	}
	return readPart(s, p.path, file)
}

// next moves to the next key; false says that there is none.
func (s *keyStream) next() (bool, error) {
	if s.at++; s.at >= s.buf.rows {
		s.base += int64(s.buf.rows)
		left := s.part.Rows() - s.base
		if s.refill != nil && s.buf.rows > 0 {
			if err := s.refill(s); err != nil {
				return false, err
			}
		}
		if left == 0 {
			return false, nil
		}
		s.buf.reset()
		s.at = 0
		if err := s.cursor.read(s.buf, int(min(left, readRows))); err != nil {
			return false, err
		}
	}
	first := &s.buf.columns[s.buf.schema.Keys[0]]
	if numeric(first.field.Kind) {
		s.prefix = numberPrefix(first.ints[s.at])
	} else {
		s.prefix = textPrefix(first.text(s.at)[s.skip:])
	}
	return true, nil
}

func (s *keyStream) row() int64 { return s.base + int64(s.at) }

func (s *keyStream) compare(o *keyStream) int {
	if s.prefix != o.prefix {
		return cmp.Compare(s.prefix, o.prefix)
	}
	return compareKeysAcross(s.buf, s.at, o.buf, o.at)
}

// keyHeap has the stream with the smallest key first, of equal ones that of the
// earliest part.
type keyHeap []*keyStream

func (h keyHeap) less(i, j int) bool {
	return cmp.Or(h[i].compare(h[j]), cmp.Compare(h[i].number, h[j].number)) < 0
}

func (h keyHeap) order() {
	for i := len(h)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
}

// sink brings a stream that has moved on to its place.
func (h keyHeap) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// second returns the place of the stream that comes after the first.
func (h keyHeap) second() int {
	if len(h) > 2 && h.less(2, 1) {
		return 2
	}
	return 1
}

// advance moves the stream at a place next to the top to its next key.
func (h *keyHeap) advance(i int) error {
	more, err := (*h)[i].next()
	if err != nil {
		return err
	}
	if !more {
		h.remove(i)
		return nil
	}
	h.sink(i)
	return nil
}

// remove takes the first stream or one next to it out; the last one, which is
// not smaller than the first, takes the place.
func (h *keyHeap) remove(i int) {
	last := len(*h) - 1
	(*h)[i] = (*h)[last]
	*h = (*h)[:last]
	if i < last {
		h.sink(i)
	}
}
