package landing

import (
	"context"
	"fmt"
	"math"

	"winback/connectors"
	"winback/connectors/entity"
)

// rule says which of the rows with the same key stays.
type rule struct {
	keep  string // of connectors.Duplicates
	field int    // that KeepNewest compares
}

// ruleOf makes a dataset's rule for an entity ready for use.
func ruleOf(d connectors.Dataset, s *entity.Schema) (rule, error) {
	given, found := d.Duplicates[s.FullName()]
	if !found || given.Keep == "" {
		return rule{keep: connectors.ReportDuplicates}, nil
	}
	if given.Keep != connectors.KeepNewest {
		return rule{keep: given.Keep}, nil
	}
	f := s.Field(given.Field)
	if f == nil || !numeric(f.Kind) {
		return rule{}, fmt.Errorf("duplicates of %s: %q is no field that can be newest", s.FullName(), given.Field)
	}
	return rule{keep: given.Keep, field: f.Index}, nil
}

// age is what KeepNewest compares of a row; no value is older than any.
func (r rule) age(b *buffer, row int) int64 {
	c := &b.columns[r.field]
	if c.empty() || c.null(row) {
		return math.MinInt64
	}
	return c.number(row)
}

// thin drops the rows of an order by key that are settled by their part alone.
// The rules that let one row win leave one of each key. The others leave one of
// each content, in input order, since which is the first is known only when all
// parts are; repeats says that a key has several.
func (r rule) thin(b *buffer, order []uint32) (kept []uint32, dropped int64, repeats bool) {
	kept = order[:0]
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && compareKeys(b, order[from], order[to]) == 0 {
			to++
		}
		before := len(kept)
		kept = r.thinKey(b, order[from:to], kept)
		repeats = repeats || len(kept)-before > 1
		dropped += int64(to - from - (len(kept) - before))
		from = to
	}
	return kept, dropped, repeats
}

func (r rule) thinKey(b *buffer, rows, kept []uint32) []uint32 {
	switch {
	case len(rows) == 1, r.keep == connectors.KeepFirst:
		return append(kept, rows[0])
	case r.keep == connectors.KeepLast:
		return append(kept, rows[len(rows)-1])
	case r.keep == connectors.KeepNewest:
		newest := rows[0]
		for _, row := range rows[1:] {
			if r.age(b, int(row)) >= r.age(b, int(newest)) {
				newest = row
			}
		}
		return append(kept, newest)
	}
	seen := make(map[uint64]bool, len(rows))
	for _, row := range rows {
		if hash := contentHash(b, int(row)); !seen[hash] {
			seen[hash] = true
			kept = append(kept, row)
		}
	}
	return kept
}

// place is a row of a part.
type place struct {
	part int
	row  int64
}

func (s *keyStream) place() place { return place{part: s.number, row: s.row()} }

// settler decides which rows of an entity stay, key by key, in input order.
type settler struct {
	writer   *Writer
	feed     *feed
	contents *contents

	began bool
	first place // of the key at hand
	last  place
	// winner is the row that stays, as far as the rows were seen.
	winner place
	age    int64             // of the winner
	seen   map[uint64]bool   // contents of the key
	origin entity.Origin     // of the first
	record connectors.Reject // of the first, where it may be put aside
	fallen bool              // it was
}

// pair takes the first row of a key and a later one.
func (s *settler) pair(first, later *keyStream) error {
	if !s.began || s.first != first.place() {
		if err := s.begin(first.place()); err != nil {
			return err
		}
	}
	return s.add(later.place())
}

// row takes any row; again says that it has the key of the row before.
func (s *settler) row(at *keyStream, again bool) error {
	here := at.place()
	defer func() { s.last = here }()
	if !again {
		s.began = false
		return nil
	}
	if !s.began {
		if err := s.begin(s.last); err != nil {
			return err
		}
	}
	return s.add(here)
}

// begin takes the first row of a key that has several.
func (s *settler) begin(at place) error {
	s.began, s.first, s.winner, s.fallen = true, at, at, false
	switch s.feed.rule.keep {
	case connectors.KeepFirst, connectors.KeepLast:
		return nil
	}
	b, row, err := s.contents.row(at.part, at.row)
	if err != nil {
		return err
	}
	if s.feed.rule.keep == connectors.KeepNewest {
		s.age = s.feed.rule.age(b, row)
		return nil
	}
	clear(s.seen)
	s.seen[contentHash(b, row)] = true
	if s.origin, err = s.contents.origin(at.part, at.row); err != nil {
		return err
	}
	if s.feed.rule.keep == connectors.KeepNone {
		s.record = s.writer.conflict(b, uint32(row), s.origin)
	}
	return nil
}

// add takes a further row of the key.
func (s *settler) add(at place) error {
	switch s.feed.rule.keep {
	case connectors.KeepFirst:
		s.drop(at)
		return nil
	case connectors.KeepLast:
		s.drop(s.winner)
		s.winner = at
		return nil
	}
	b, row, err := s.contents.row(at.part, at.row)
	if err != nil {
		return err
	}
	if s.feed.rule.keep == connectors.KeepNewest {
		s.newer(at, s.feed.rule.age(b, row))
		return nil
	}
	hash := contentHash(b, row)
	if s.seen[hash] {
		s.drop(at)
		return nil
	}
	s.seen[hash] = true
	origin, err := s.contents.origin(at.part, at.row)
	if err != nil {
		return err
	}
	record := s.writer.conflict(b, uint32(row), origin)
	return s.putAside(at, record, origin)
}

func (s *settler) newer(at place, age int64) {
	if age < s.age {
		s.drop(at)
		return
	}
	s.drop(s.winner)
	s.winner, s.age = at, age
}

// drop leaves a row out that is counted as a duplicate.
func (s *settler) drop(at place) {
	p := s.feed.parts[at.part]
	p.dropped.add(at.row)
	p.duplicates++
}

// putAside leaves a row out that has other content than the first, and with it the
// first where the rule leaves none.
func (s *settler) putAside(at place, record connectors.Reject, origin entity.Origin) error {
	if s.feed.rule.keep == connectors.KeepNone && !s.fallen {
		s.fallen = true
		s.record.Reason = s.writer.named("the same key with other content comes again%s; none of them is taken", origin)
		if err := s.aside(s.first, s.record); err != nil {
			return err
		}
	}
	text := "the same key with other content came before%s; the first stays"
	if s.fallen {
		text = "the same key with other content came before%s; none of them is taken"
	}
	record.Reason = s.writer.named(text, s.origin)
	return s.aside(at, record)
}

func (s *settler) aside(at place, record connectors.Reject) error {
	p := s.feed.parts[at.part]
	p.dropped.add(at.row)
	p.conflicts++
	return s.feed.conflicts.add(record)
}

// conflict is the reject of a row of a buffer, without a reason yet.
func (w *Writer) conflict(b *buffer, row uint32, at entity.Origin) connectors.Reject {
	return connectors.Reject{
		Entity: b.schema, Input: w.inputName(at.Input), Line: at.Line,
		Column: keyNames(b.schema), Value: keyText(b, row), Record: recordText(b, row),
	}
}

// named puts the place of a row into a sentence.
func (w *Writer) named(sentence string, at entity.Origin) string {
	name, where := w.inputName(at.Input), ""
	switch {
	case name != "" && at.Line > 0:
		where = fmt.Sprintf(", in %s line %d", name, at.Line)
	case name != "":
		where = ", in " + name
	case at.Line > 0:
		where = fmt.Sprintf(", in line %d", at.Line)
	}
	return fmt.Sprintf(sentence, where)
}

// groups calls each for every row of the streams, by key and within a key in input
// order. again says that a row has the key of the one before.
func (m *keyMerge) groups(ctx context.Context, each func(s *keyStream, again bool) error) error {
	m.heap.order()
	again := false
	for step := 0; len(m.heap) > 0; step++ {
		if step%readRows == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		s := m.heap[0]
		if err := each(s, again); err != nil {
			return err
		}
		again = len(m.heap) > 1 && s.compare(m.heap[m.heap.second()]) == 0
		var key *buffer
		switch {
		case again:
		case s.at+1 < s.buf.rows:
			again = compareKeysAcross(s.buf, s.at, s.buf, s.at+1) == 0
		default: // the next row comes with the next buffer
			key = keyOf(s.buf, s.at)
		}
		if err := m.heap.advance(0); err != nil {
			return err
		}
		if key != nil && len(m.heap) > 0 {
			again = compareKeysAcross(key, 0, m.heap[0].buf, m.heap[0].at) == 0
		}
	}
	return nil
}
