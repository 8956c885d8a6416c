package files

import (
	"unicode/utf8"

	"winback/connectors/entity"
	"winback/connectors/mapping"
)

// direct sets a field whose text needs nothing but conversion, straight in the
// batch. It says false where it cannot: the value is missing or wrong, or of a
// kind that is seldom; eval then does it, or finds out what is wrong. Rows made of
// such fields are most of what is ever read, so this path is kept short.
func (w *worker) direct(b *entity.Batch, f *field, r *record) bool {
	if f.source == fromConst {
		put(b, f, &f.constant)
		return true
	}
	text := r.column(f.slot)
	if len(text) == 0 || r.kind(f.slot) >= kindError {
		return false
	}
	if first, last := text[0], text[len(text)-1]; first <= ' ' || last <= ' ' || first >= utf8.RuneSelf || last >= utf8.RuneSelf {
		if text = mapping.Trim(text); len(text) == 0 {
			return false
		}
	}
	c := &b.Columns[f.at]
	switch f.kind {
	case entity.Text:
		if w.unsafeText || len(c.Ends) != b.Rows() {
			return false
		}
		c.Data = append(c.Data, text...)
		c.Ends = append(c.Ends, uint32(len(c.Data)))
	case entity.Timestamp:
		n, ok := w.fastTime(f, text)
		if !ok || len(c.Ints) != b.Rows() {
			return false
		}
		c.Ints = append(c.Ints, n)
	case entity.Dec:
		if !f.numbers.Plain() || len(c.Ints) != b.Rows() {
			return false
		}
		n, err := entity.ParseScaled(text, f.scale)
		if err != nil {
			return false
		}
		c.Ints = append(c.Ints, n)
	case entity.Int:
		if !f.numbers.Plain() || len(c.Ints) != b.Rows() {
			return false
		}
		n, ok := mapping.ParseWhole(text)
		if !ok {
			return false
		}
		c.Ints = append(c.Ints, n)
	default:
		return false
	}
	if !c.Field.Required {
		c.Valid = append(c.Valid, true)
	}
	return true
}

// fastTime reads 2011-12-09 08:26:00, with a T or a blank, of the field's zone.
func (w *worker) fastTime(f *field, text []byte) (int64, bool) {
	if !f.iso {
		return 0, false
	}
	day, micros, ok := w.iso.Local(text)
	if !ok {
		return 0, false
	}
	return w.zones[f.zone].Instant(day, micros), true
}
