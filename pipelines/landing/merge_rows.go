package landing

import (
	"context"
	"errors"
	"slices"

	"winback/connectors/entity"
)

// rowMerge brings the rows of sorted parts together in key order and leaves the
// newest version of each key.
type rowMerge struct {
	version int // number of the field that tells which row is newer
	streams []*keyStream
	heap    keyHeap
	newest  pick    // of the key at hand
	held    *buffer // newest, when the rows it came with have given way
	picks   []pick  // rows that stay and are not copied yet
	out     *buffer
	limits  CompactOptions
	emit    func(*buffer) error // is given the rows a buffer at a time
}

// pick is a row of a buffer.
type pick struct {
	buf *buffer
	row int
}

const picksAtOnce = 4 << 10

// versionField returns the number of the field that says how new a row is.
func versionField(s *entity.Schema) int { return s.Field("extracted_at").Index }

func newRowMerge(s *entity.Schema, o CompactOptions, out *buffer, emit func(*buffer) error) *rowMerge {
	return &rowMerge{version: versionField(s), held: newBuffer(s), out: out, limits: o, emit: emit}
}

// open adds a part; of rows with the same version that of the part added last
// stays.
func (m *rowMerge) open(s *entity.Schema, p *part, skip int) error {
	opened, err := p.open(s)
	if err != nil {
		return err
	}
	cursor, err := opened.cursor(func(*entity.Field) bool { return true })
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	stream := &keyStream{number: len(m.streams), part: opened, buf: newBuffer(s), at: -1, skip: skip, refill: m.keep, cursor: cursor}
	m.streams = append(m.streams, stream)
	more, err := stream.next()
	if more {
		m.heap = append(m.heap, stream)
	}
	return err
}

func (m *rowMerge) close() (err error) {
	for _, s := range m.streams {
		s.cursor.close()
		err = errors.Join(err, s.part.Close())
	}
	return err
}

// run hands all rows that stay to emit.
func (m *rowMerge) run(ctx context.Context) error {
	m.heap.order()
	for step := 0; len(m.heap) > 0; step++ {
		if step%readRows == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		next := pick{m.heap[0].buf, m.heap[0].at}
		switch {
		case m.newest.buf == nil:
			m.newest = next
		case compareKeysAcross(m.newest.buf, m.newest.row, next.buf, next.row) != 0:
			if err := m.take(); err != nil {
				return err
			}
			m.newest = next
		case m.versionOf(next) >= m.versionOf(m.newest):
			m.newest = next
		}
		if err := m.heap.advance(0); err != nil {
			return err
		}
	}
	if m.newest.buf != nil {
		m.picks = append(m.picks, m.newest)
	}
	if err := m.copy(); err != nil || m.out.rows == 0 {
		return err
	}
	return m.hand()
}

func (m *rowMerge) versionOf(p pick) int64 { return p.buf.columns[m.version].number(p.row) }

// take decides that the newest row of its key stays.
func (m *rowMerge) take() error {
	m.picks = append(m.picks, m.newest)
	if len(m.picks) < picksAtOnce {
		return nil
	}
	return m.copy()
}

// keep saves what is still wanted of a stream's rows before they give way.
func (m *rowMerge) keep(s *keyStream) error {
	if err := m.copy(); err != nil {
		return err
	}
	if m.newest.buf == s.buf {
		m.held.reset()
		m.held.appendPicks([]pick{m.newest})
		m.newest = pick{m.held, 0}
	}
	return nil
}

// copy copies the rows that stay, and hands them on when there are enough.
func (m *rowMerge) copy() error {
	if len(m.picks) == 0 {
		return nil
	}
	m.out.appendPicks(m.picks)
	m.picks = m.picks[:0]
	if m.out.bytes() < m.limits.PartBytes && m.out.rows < m.limits.PartRows {
		return nil
	}
	return m.hand()
}

func (m *rowMerge) hand() error {
	m.out.align()
	if err := m.emit(m.out); err != nil {
		return err
	}
	m.out.reset()
	return nil
}

// appendPicks copies rows of other buffers, a column at a time.
func (b *buffer) appendPicks(picks []pick) {
	for i := range b.columns {
		to := &b.columns[i]
		for n, p := range picks {
			to.appendValue(&p.buf.columns[i], p.row, b.rows+n)
		}
	}
	b.rows += len(picks)
}

// appendValue copies a value to be that of a row. Nulls are left to pad.
func (c *column) appendValue(from *column, row, to int) {
	if from.empty() || from.null(row) {
		return
	}
	c.pad(to)
	if c.nulls > 0 {
		c.valid = append(c.valid, 1)
	}
	if numeric(c.field.Kind) {
		c.ints = append(c.ints, from.ints[row])
		return
	}
	c.openEnds()
	c.data = append(c.data, from.text(row)...)
	c.ends = append(c.ends, uint32(len(c.data)))
}

// newestOfEach leaves the newest row of each key in an order by key; of the same
// version, the last.
func newestOfEach(b *buffer, order []uint32) []uint32 {
	version := &b.columns[versionField(b.schema)]
	kept := order[:1]
	for _, row := range order[1:] {
		last := len(kept) - 1
		switch {
		case compareKeys(b, kept[last], row) != 0:
			kept = append(kept, row)
		case version.number(int(row)) >= version.number(int(kept[last])):
			kept[last] = row
		}
	}
	return slices.Clip(kept)
}
