package landing

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"winback/connectors"
	"winback/connectors/entity"
)

// settleDuplicates finds the keys that occur more than once in the parts of an
// entity, leaves the rows that the entity's rule leaves and that say something new,
// and writes the parts that lose rows anew. Parts are cut in input order, so the earlier part has the earlier
// row. Only parts whose key ranges overlap are read, and those with such keys.
func (w *Writer) settleDuplicates(ctx context.Context, f *feed) error {
	for _, cluster := range overlapping(f) {
		if err := w.settleCluster(ctx, f, cluster); err != nil {
			return err
		}
	}
	if err := w.dropUnchanged(ctx, f); err != nil {
		return err
	}
	for _, p := range f.parts {
		f.duplicates += p.duplicates
		f.conflicted += p.conflicts
		if p.dropped.count == 0 {
			continue
		}
		if err := w.rewrite(ctx, f, p); err != nil {
			return err
		}
	}
	f.parts = slices.DeleteFunc(f.parts, func(p *part) bool { return p.file.Rows == 0 })
	return nil
}

// overlapping returns the numbers of parts that may share keys, in groups; a part
// that has a key repeatedly may be alone.
func overlapping(f *feed) [][]int {
	byKey := make([]int, len(f.parts))
	for i := range byKey {
		byKey[i] = i
	}
	slices.SortFunc(byKey, func(a, b int) int { return compareBounds(f.parts[a].low, f.parts[b].low) })
	var groups [][]int
	var group []int
	var high *buffer
	for _, i := range byKey {
		p := f.parts[i]
		if len(group) > 0 && compareBounds(p.low, high) > 0 {
			if f.unsettled(group) {
				groups = append(groups, group)
			}
			group = nil
		}
		if len(group) == 0 || compareBounds(p.high, high) > 0 {
			high = p.high
		}
		group = append(group, i)
	}
	if f.unsettled(group) {
		groups = append(groups, group)
	}
	return groups
}

// unsettled says that parts may have a key more than once.
func (f *feed) unsettled(group []int) bool { return len(group) > 1 || f.repeats(group) }

// repeats says that one of the parts has a key more than once itself.
func (f *feed) repeats(group []int) bool {
	return slices.ContainsFunc(group, func(i int) bool { return f.parts[i].repeats })
}

// compareBounds orders the keys of two buffers of one row.
func compareBounds(a, b *buffer) int { return compareKeysAcross(a, 0, b, 0) }

func compareKeysAcross(a *buffer, i int, b *buffer, j int) int {
	for _, key := range a.schema.Keys {
		x, y := &a.columns[key], &b.columns[key]
		var order int
		if numeric(x.field.Kind) {
			order = cmp.Compare(x.ints[i], y.ints[j])
		} else {
			order = bytes.Compare(x.text(i), y.text(j))
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// keyOf returns a buffer with nothing but the key of one row.
func keyOf(b *buffer, row int) *buffer {
	key := newBuffer(b.schema)
	for _, at := range b.schema.Keys {
		from, to := &b.columns[at], &key.columns[at]
		if numeric(from.field.Kind) {
			to.ints = append(to.ints, from.ints[row])
		} else {
			to.data = append(to.data, from.text(row)...)
			to.ends = append(to.ends, 0, uint32(len(to.data)))
		}
	}
	key.rows = 1
	return key
}

// rowSet is a set of rows of a part.
type rowSet struct {
	bits  []uint64
	count int64
}

func (s *rowSet) add(row int64) {
	for int(row/64) >= len(s.bits) {
		s.bits = append(s.bits, 0)
	}
	s.bits[row/64] |= 1 << (row % 64)
	s.count++
}

func (s *rowSet) has(row int64) bool {
	return int(row/64) < len(s.bits) && s.bits[row/64]&(1<<(row%64)) != 0
}

// settleCluster merges the keys of parts that overlap.
func (w *Writer) settleCluster(ctx context.Context, f *feed, cluster []int) (err error) {
	c := &contents{parts: f.parts, schema: f.schema, rule: f.rule, readers: map[int]*contentReader{}}
	parts := make([]*part, len(cluster))
	for i, number := range cluster {
		parts[i] = f.parts[number]
	}
	m := &keyMerge{prefix: sharedPrefix(f.schema, parts)}
	defer func() { err = errors.Join(err, m.close(), c.close()) }()
	for _, number := range cluster {
		if err := m.open(f, number); err != nil {
			return err
		}
	}
	settle := &settler{writer: w, feed: f, contents: c, seen: map[uint64]bool{}}
	if f.repeats(cluster) {
		return m.groups(ctx, settle.row)
	}
	return m.run(ctx, settle.pair)
}

// sharedPrefix returns how many bytes all first keys of the parts begin with:
// as many as the smallest and the largest of them share.
func sharedPrefix(s *entity.Schema, parts []*part) int {
	key := s.Keys[0]
	if len(parts) == 0 || numeric(s.Fields[key].Kind) {
		return 0
	}
	low, high := parts[0].low, parts[0].high
	for _, p := range parts[1:] {
		if compareBounds(p.low, low) < 0 {
			low = p.low
		}
		if compareBounds(p.high, high) > 0 {
			high = p.high
		}
	}
	return sharedLength(low.columns[key].text(0), high.columns[key].text(0))
}

// contents reads whole rows of an entity's parts, of each part in order.
type contents struct {
	parts   []*part
	schema  *entity.Schema
	rule    rule
	readers map[int]*contentReader
}

type contentReader struct {
	part    *Part
	cursor  *cursor
	buf     *buffer
	base    int64 // row of the part that buf begins with
	origins *originReader
}

// contentRows is how many rows are unpacked to look at one.
const contentRows = 1 << 10

func (c *contents) reader(number int) (*contentReader, error) {
	if r := c.readers[number]; r != nil {
		return r, nil
	}
	p, err := c.parts[number].open(c.schema)
	if err != nil {
		return nil, err
	}
	cursor, err := p.cursor(c.looksAt)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	r := &contentReader{part: p, cursor: cursor, buf: newBuffer(c.schema)}
	c.readers[number] = r
	r.origins, err = openOrigins(c.parts[number])
	return r, err
}

// looksAt says whether a field matters for which row stays.
func (c *contents) looksAt(f *entity.Field) bool {
	return content(f) || c.rule.keep == connectors.KeepNewest && f.Index == c.rule.field
}

// row returns a row of a part as a row of a buffer, valid until another row of
// the part is asked for. Rows of a part are asked for in ascending order.
func (c *contents) row(number int, row int64) (*buffer, int, error) {
	r, err := c.reader(number)
	if err != nil {
		return nil, 0, err
	}
	if next := r.base + int64(r.buf.rows); row >= next {
		if err := r.cursor.skip(int(row - next)); err != nil {
			return nil, 0, err
		}
		r.base = row
		r.buf.reset()
		if err := r.cursor.read(r.buf, int(min(r.part.Rows()-row, contentRows))); err != nil {
			return nil, 0, err
		}
	}
	return r.buf, int(row - r.base), nil
}

// origin returns where a row of a part came from, as row does.
func (c *contents) origin(number int, row int64) (entity.Origin, error) {
	r, err := c.reader(number)
	if err != nil {
		return entity.Origin{}, err
	}
	return r.origins.at(row)
}

func (c *contents) close() (err error) {
	for _, r := range c.readers {
		r.cursor.close()
		err = errors.Join(err, r.part.Close())
		if r.origins != nil {
			err = errors.Join(err, r.origins.close())
		}
	}
	return err
}

// rewrite writes a part anew without the rows it lost. No manifest names it yet.
func (w *Writer) rewrite(ctx context.Context, f *feed, p *part) error {
	if p.dropped.count == p.file.Rows {
		p.file.Rows = 0
		return w.zone.removeFile(p.path)
	}
	old, err := p.open(f.schema)
	if err != nil {
		return err
	}
	defer old.Close()
	e, err := takeEncoder()
	if err != nil {
		return err
	}
	defer encoders.Put(e)
	p.words = wordCounts{}
	return w.zone.writePartFile(ctx, f.layout, p, e, func(out *fileWriter) error {
		return w.copyKept(ctx, out, e, old, p)
	})
}

// copyKept copies the rows of a part that stay, a row group at a time.
func (w *Writer) copyKept(ctx context.Context, out *fileWriter, e *encoder, old *Part, p *part) error {
	c, err := old.cursor(func(f *entity.Field) bool { return !w.skip(f) })
	if err != nil {
		return err
	}
	defer c.close()
	b, base := newBuffer(old.schema), int64(0)
	p.low = nil
	for _, group := range old.data.RowGroups() {
		b.reset()
		if err := errors.Join(ctx.Err(), c.read(b, int(group.NumRows()))); err != nil {
			return err
		}
		kept := e.sorter.order[:0]
		for row := range b.rows {
			if !p.dropped.has(base + int64(row)) {
				kept = append(kept, uint32(row))
			}
		}
		e.sorter.order = kept
		base += int64(b.rows)
		if len(kept) == 0 {
			continue
		}
		if p.low == nil {
			p.low = keyOf(b, int(kept[0]))
		}
		p.high = keyOf(b, int(kept[len(kept)-1]))
		if err := e.group(out, b, rowRange{order: kept, hi: len(kept)}, w.fixed, p.words); err != nil {
			return err
		}
	}
	return nil
}
