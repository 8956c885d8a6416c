package landing

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"winback/connectors/entity"
)

// sorter brings the rows of a buffer into the order of the entity's key without
// moving them: it works on the first eight bytes of the key and a row number,
// and looks at whole keys only where those bytes are the same.
type sorter struct {
	entries, spare []sortEntry
	order          []uint32
}

type sortEntry struct {
	prefix uint64
	row    uint32
}

// sort returns the rows of the buffer in key order, equal keys in input order;
// nil stands for the order the rows have. repeats says that a key occurs twice.
// The result is valid until the next call.
func (s *sorter) sort(b *buffer) (order []uint32, repeats bool) {
	sorted, repeats := inOrder(b)
	if sorted {
		return nil, repeats
	}
	s.fill(b)
	s.radix()
	s.order = slices.Grow(s.order[:0], len(s.entries))
	for _, e := range s.entries {
		s.order = append(s.order, e.row)
	}
	return s.order, s.settleTies(b)
}

// identity returns the rows in the order they have.
func (s *sorter) identity(rows int) []uint32 {
	s.order = slices.Grow(s.order[:0], rows)[:rows]
	for i := range s.order {
		s.order[i] = uint32(i)
	}
	return s.order
}

// inOrder says whether the rows are sorted by key, and if they are, whether a
// key is repeated.
func inOrder(b *buffer) (sorted, repeats bool) {
	for i := 1; i < b.rows; i++ {
		switch c := compareKeys(b, uint32(i-1), uint32(i)); {
		case c > 0:
			return false, false
		case c == 0:
			repeats = true
		}
	}
	return true, repeats
}

// compareKeys orders two rows by their keys.
func compareKeys(b *buffer, i, j uint32) int {
	for _, key := range b.schema.Keys {
		c := &b.columns[key]
		var order int
		if numeric(c.field.Kind) {
			order = cmp.Compare(c.ints[i], c.ints[j])
		} else {
			order = bytes.Compare(c.text(int(i)), c.text(int(j)))
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// fill makes an entry of each row. What all first keys begin with is left out:
// ids like ORD-2024-000017 differ only after it.
func (s *sorter) fill(b *buffer) {
	s.entries = slices.Grow(s.entries[:0], b.rows)[:b.rows]
	c := &b.columns[b.schema.Keys[0]]
	if numeric(c.field.Kind) {
		for i, n := range c.ints {
			s.entries[i] = sortEntry{prefix: numberPrefix(n), row: uint32(i)}
		}
		return
	}
	skip := commonPrefix(c)
	for i := range s.entries {
		s.entries[i] = sortEntry{prefix: textPrefix(c.text(i)[skip:]), row: uint32(i)}
	}
}

// numberPrefix maps numbers to unsigned ones of the same order.
func numberPrefix(n int64) uint64 { return uint64(n) ^ 1<<63 }

// textPrefix packs the first eight bytes of a text so that prefixes compare as
// the texts do. A short text is filled up with zeros.
func textPrefix(text []byte) uint64 {
	if len(text) >= 8 {
		return binary.BigEndian.Uint64(text)
	}
	var packed uint64
	for i, c := range text {
		packed |= uint64(c) << (56 - 8*i)
	}
	return packed
}

// commonPrefix returns how many bytes all texts of a column begin with.
func commonPrefix(c *column) int {
	common := c.text(0)
	for i := 1; i < c.len() && len(common) > 0; i++ {
		text := c.text(i)
		if !bytes.HasPrefix(text, common) {
			common = common[:sharedLength(common, text)]
		}
	}
	return len(common)
}

// sharedLength returns how many bytes two texts begin with together.
func sharedLength(a, b []byte) int {
	n, at := min(len(a), len(b)), 0
	for ; n-at >= 8; at += 8 {
		if differ := binary.LittleEndian.Uint64(a[at:]) ^ binary.LittleEndian.Uint64(b[at:]); differ != 0 {
			return at + bits.TrailingZeros64(differ)/8
		}
	}
	for at < n && a[at] == b[at] {
		at++
	}
	return at
}

// radix sorts the entries by prefix, byte by byte from the last, which keeps
// equal prefixes in input order. Bytes that are the same everywhere are skipped.
func (s *sorter) radix() {
	var counts [8][256]uint32
	for i := range s.entries {
		p := s.entries[i].prefix
		for digit := range counts {
			counts[digit][byte(p>>(8*digit))]++
		}
	}
	s.spare = slices.Grow(s.spare[:0], len(s.entries))[:len(s.entries)]
	from, to := s.entries, s.spare
	for digit := range counts {
		if uniform(&counts[digit], len(from)) {
			continue
		}
		starts, sum := &counts[digit], uint32(0)
		for value, n := range starts {
			starts[value] = sum
			sum += n
		}
		shift := 8 * digit
		for _, e := range from {
			value := byte(e.prefix >> shift)
			to[starts[value]] = e
			starts[value]++
		}
		from, to = to, from
	}
	s.entries, s.spare = from, to
}

// uniform says that one value has all the counts.
func uniform(counts *[256]uint32, total int) bool {
	for _, n := range counts {
		if n != 0 {
			return int(n) == total
		}
	}
	return true
}

// settleTies orders rows of the same prefix by their whole keys and then as
// they came in, and says whether a key is repeated.
func (s *sorter) settleTies(b *buffer) (repeats bool) {
	for i := 0; i < len(s.entries); {
		j := i + 1
		for j < len(s.entries) && s.entries[j].prefix == s.entries[i].prefix {
			j++
		}
		if j-i > 1 && s.settleRun(b, s.order[i:j]) {
			repeats = true
		}
		i = j
	}
	return repeats
}

func (s *sorter) settleRun(b *buffer, run []uint32) (repeats bool) {
	slices.SortFunc(run, func(x, y uint32) int {
		return cmp.Or(compareKeys(b, x, y), cmp.Compare(x, y))
	})
	for i := 1; i < len(run); i++ {
		if compareKeys(b, run[i-1], run[i]) == 0 {
			return true
		}
	}
	return false
}

// keyTexts writes the key of a row as texts, for manifests and messages.
func keyTexts(b *buffer, row uint32) []string {
	texts := make([]string, len(b.schema.Keys))
	for i, key := range b.schema.Keys {
		texts[i] = valueText(&b.columns[key], int(row))
	}
	return texts
}

// valueText writes a value that is not a list or map as the contract writes it.
func valueText(c *column, row int) string {
	if !numeric(c.field.Kind) {
		return string(c.text(row))
	}
	n := c.number(row)
	switch c.field.Kind {
	case entity.Bool:
		if n != 0 {
			return "true"
		}
		return "false"
	case entity.Timestamp:
		return entity.Time(n).String()
	case entity.Day:
		return entity.Date(n).String()
	case entity.Dec:
		if c.field.Scale == entity.RateScale {
			return entity.Rate(n).String()
		}
		return entity.Decimal(n).String()
	}
	return intText(n)
}
