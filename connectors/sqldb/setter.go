package sqldb

import (
	"bytes"
	"time"
	"unicode/utf8"

	"winback/connectors/entity"
	"winback/connectors/mapping"
)

// fits says why a column cannot make a field, whatever its values; "" if it can.
func fits(f *field, c *column) string {
	if c.kind == unfit {
		return c.hint
	}
	numeric := c.kind == whole || c.kind == decimal || c.kind == float
	timed := c.kind == instant || c.kind == naive || c.kind == calendarDay
	ok := true
	switch f.to.Kind {
	case entity.Int, entity.Dec:
		ok = numeric || c.kind == text || c.kind == truth
	case entity.Bool:
		ok = c.kind == truth || c.kind == whole || c.kind == text || f.texts.Translates()
	case entity.Timestamp, entity.Day:
		ok = timed || c.kind == text || numeric && len(f.config.Layout) > 0
		if numeric && !ok {
			return "holds numbers; say with layout: unix or unix_ms what they count"
		}
	case entity.TextList:
		ok = c.kind == list || c.kind == text || c.kind == document
	case entity.JSON:
		ok = c.kind == document || c.kind == text
	}
	if !ok {
		return "is " + c.kind.String() + " (" + c.typ + "), of which no " + f.to.Kind.String() + " can be made"
	}
	return ""
}

// setter returns how a field is set from a column, as directly as can be.
func (m *maker) setter(f *field, c *column) setter {
	if f.textual() && c.kind != list {
		return m.fromText(f, c)
	}
	at := f.to.Index
	switch f.to.Kind {
	case entity.Text:
		return m.textSetter(at, c)
	case entity.Enum:
		return m.wordSetter(at, c)
	case entity.Int:
		return m.wholeSetter(f, c)
	case entity.Dec:
		return m.decimalSetter(f, c)
	case entity.Bool:
		return m.truthSetter(f, c)
	case entity.Timestamp:
		return m.momentSetter(f, c)
	case entity.Day:
		return m.daySetter(f, c)
	case entity.TextList:
		if c.kind == list {
			return m.listSetter(f, c)
		}
	case entity.JSON:
		if c.kind == document {
			return func(b *entity.Batch, raw []byte) string { return m.setText(b, at, c, raw) }
		}
	}
	return m.fromText(f, c)
}

// setText sets a field to the column's text.
func (m *maker) setText(b *entity.Batch, at int, c *column, raw []byte) string {
	mark := m.arena.Mark()
	m.arena.Data = c.text(m.arena.Data, raw)
	b.SetText(at, m.arena.Since(mark))
	return ""
}

func (m *maker) textSetter(at int, c *column) setter {
	switch {
	case !c.plain:
		return func(b *entity.Batch, raw []byte) string { return m.setText(b, at, c, raw) }
	case c.checked:
		return func(b *entity.Batch, raw []byte) string {
			if !isText(raw) {
				return notText
			}
			b.SetText(at, raw)
			return ""
		}
	}
	return func(b *entity.Batch, raw []byte) string {
		b.SetText(at, raw)
		return ""
	}
}

// isText says that bytes are UTF-8 without NUL.
func isText(raw []byte) bool {
	for _, c := range raw {
		if c == 0 || c >= utf8.RuneSelf {
			return utf8.Valid(raw) && bytes.IndexByte(raw, 0) < 0
		}
	}
	return true
}

// wordSetter sets enumerations, whose words are lower-case.
func (m *maker) wordSetter(at int, c *column) setter {
	return func(b *entity.Batch, raw []byte) string {
		mark := m.arena.Mark()
		m.arena.Data = c.text(m.arena.Data, raw)
		word := mapping.Trim(m.arena.Since(mark))
		if !isText(word) {
			return notText
		}
		if needsLower(word) {
			word = bytes.ToLower(word)
		}
		b.SetText(at, word)
		return ""
	}
}

func needsLower(word []byte) bool {
	for _, c := range word {
		if c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			return true
		}
	}
	return false
}

func (m *maker) wholeSetter(f *field, c *column) setter {
	at, factor := f.to.Index, f.numbers.Factor
	switch {
	case (c.kind == whole || c.kind == truth) && factor == 0:
		return setNumber(at, c.number)
	case c.scaled == nil:
		return m.fromText(f, c)
	}
	return func(b *entity.Batch, raw []byte) string {
		n, err := scaledBy(c, raw, entity.DecimalScale, factor)
		n, reason := mapping.WholeOf(n, numberReason(err))
		if reason == "" {
			b.SetInt(at, n)
		}
		return reason
	}
}

// setNumber sets a field to a column's number as it is.
func setNumber(at int, number func([]byte) (int64, string)) setter {
	return func(b *entity.Batch, raw []byte) string {
		n, reason := number(raw)
		if reason == "" {
			b.SetInt(at, n)
		}
		return reason
	}
}

func scaledBy(c *column, raw []byte, scale int, factor int64) (int64, error) {
	n, err := c.scaled(raw, scale)
	if err == nil && factor != 0 {
		n, err = mapping.Multiply(n, factor, mapping.FactorScale)
	}
	return n, err
}

func (m *maker) decimalSetter(f *field, c *column) setter {
	if c.scaled == nil {
		return m.fromText(f, c)
	}
	at, scale, factor := f.to.Index, f.to.Scale, f.numbers.Factor
	return func(b *entity.Batch, raw []byte) string {
		n, err := scaledBy(c, raw, scale, factor)
		if err != nil {
			return numberReason(err)
		}
		b.SetInt(at, n)
		return ""
	}
}

func (m *maker) truthSetter(f *field, c *column) setter {
	if c.kind != truth && c.kind != whole {
		return m.fromText(f, c)
	}
	at := f.to.Index
	return func(b *entity.Batch, raw []byte) string {
		n, reason := c.number(raw)
		switch {
		case reason != "":
			return reason
		case n != 0 && n != 1:
			return "is neither 0 nor 1; map can translate it"
		}
		b.SetInt(at, n)
		return ""
	}
}

func (m *maker) momentSetter(f *field, c *column) setter {
	at, zone := f.to.Index, m.zone(f.location)
	switch c.kind {
	case instant:
		return setNumber(at, c.number)
	case naive:
		return setNumber(at, func(raw []byte) (int64, string) {
			n, reason := c.number(raw)
			if reason != "" {
				return 0, reason
			}
			return localInstant(zone, n), ""
		})
	case calendarDay:
		return setNumber(at, func(raw []byte) (int64, string) {
			n, reason := c.number(raw)
			if reason != "" {
				return 0, reason
			}
			return zone.Instant(n, 0), ""
		})
	}
	return m.fromText(f, c)
}

func (m *maker) daySetter(f *field, c *column) setter {
	at := f.to.Index
	switch c.kind {
	case calendarDay:
		return setNumber(at, c.number)
	case naive:
		return setNumber(at, func(raw []byte) (int64, string) {
			n, reason := c.number(raw)
			return mapping.FloorDiv(n, microsPerDay), reason
		})
	case instant:
		return setNumber(at, func(raw []byte) (int64, string) {
			n, reason := c.number(raw)
			return mapping.FloorDiv(n+offsetAt(f.location, n), microsPerDay), reason
		})
	}
	return m.fromText(f, c)
}

// offsetAt returns by how many microseconds a place is ahead of UTC at a moment.
func offsetAt(place *time.Location, micros int64) int64 {
	_, seconds := time.UnixMicro(micros).In(place).Zone()
	return int64(seconds) * 1_000_000
}

func (m *maker) listSetter(f *field, c *column) setter {
	return func(b *entity.Batch, raw []byte) string {
		var items []string
		c.items(raw, func(item []byte) {
			if item = mapping.Trim(item); len(item) > 0 && !f.texts.IsNull(item) {
				items = append(items, string(f.texts.Rewrite(&m.arena, item)))
			}
		})
		if len(items) == 0 {
			return noValue
		}
		b.SetList(f.to.Index, items)
		return ""
	}
}
