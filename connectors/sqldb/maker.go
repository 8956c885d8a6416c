package sqldb

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"winback/connectors/entity"
	"winback/connectors/mapping"
)

// maker makes rows of an entity from rows of the server. It is for one goroutine.
type maker struct {
	bound   *binding
	arena   mapping.Arena
	json    fastjson.Parser
	zones   map[*time.Location]*mapping.Zone
	setters []setter // by field
	emptied []misfit // of the row at hand: values left out
}

// setter sets a field from a value that is there, or says why it cannot. A value
// may mean that there is none.
type setter func(b *entity.Batch, raw []byte) (reason string)

func newMaker(b *binding) *maker {
	m := &maker{bound: b, zones: map[*time.Location]*mapping.Zone{}}
	if b == nil {
		return m
	}
	m.setters = make([]setter, len(b.fields))
	for i := range b.fields {
		if f := &b.fields[i]; f.slot >= 0 {
			m.setters[i] = m.setter(f.field, &b.columns[f.slot])
		}
	}
	return m
}

// row appends a row to the batch, or says why it does not fit. Values that were
// left out of it are in emptied.
func (m *maker) row(b *entity.Batch, values [][]byte, at entity.Origin) *misfit {
	m.arena.Reset()
	m.emptied = m.emptied[:0]
	for i := range m.bound.fields {
		if wrong := m.field(b, &m.bound.fields[i], m.setters[i], values); wrong != nil {
			b.AbortRow()
			return wrong
		}
	}
	m.meta(b, values)
	if err := b.EndRow(at); err != nil {
		return &misfit{reason: err.Error()}
	}
	return nil
}

// field sets one field of the row.
func (m *maker) field(b *entity.Batch, f *boundField, set setter, values [][]byte) *misfit {
	for i := range f.rules {
		r := &f.rules[i]
		if r.rule.test.Met(mapping.Trim(m.text(r.slot, values))) {
			r.rule.value.put(b, f.to)
			return nil
		}
	}
	reason := noValue
	switch {
	case f.origin == fromConst:
		f.constant.put(b, f.to)
		return nil
	case f.slots != nil:
		reason = m.pairs(b, f, values)
	case set != nil && values[f.slot] != nil:
		reason = set(b, values[f.slot])
		if reason == "" && f.lenient {
			reason = m.outOfRange(b, f.to)
		}
	}
	switch {
	case reason == "":
		return nil
	case reason != noValue && f.lenient:
		b.SetNull(f.to.Index)
		m.emptied = append(m.emptied, m.misfit(f, values, reason))
		return nil
	case reason != noValue:
		wrong := m.misfit(f, values, reason)
		return &wrong
	case f.fallback.set || len(f.fallback.list) > 0:
		f.fallback.put(b, f.to)
	case f.required:
		wrong := m.misfit(f, values, fmt.Sprintf("is empty, but %s needs a value", f.to.Name))
		return &wrong
	default:
		b.SetNull(f.to.Index)
	}
	return nil
}

// outOfRange says what is wrong with the number just set.
func (m *maker) outOfRange(b *entity.Batch, f *entity.Field) string {
	if c := &b.Columns[f.Index]; len(c.Ints) > b.Rows() {
		return f.OutOfRange(c.Ints[b.Rows()])
	}
	return ""
}

func (m *maker) misfit(f *boundField, values [][]byte, reason string) misfit {
	wrong := misfit{column: f.to.Name, reason: reason}
	if f.slot >= 0 {
		wrong.column = m.bound.columns[f.slot].name
		wrong.value = string(m.text(f.slot, values))
	}
	return wrong
}

// text returns the text of a column's value.
func (m *maker) text(slot int, values [][]byte) []byte {
	if values[slot] == nil {
		return nil
	}
	mark := m.arena.Mark()
	m.arena.Data = m.bound.columns[slot].text(m.arena.Data, values[slot])
	return m.arena.Since(mark)
}

// pairs makes a map from columns; those without a value are left out.
func (m *maker) pairs(b *entity.Batch, f *boundField, values [][]byte) string {
	var list []string
	for i, slot := range f.slots {
		text := mapping.Trim(m.text(slot, values))
		if len(text) == 0 || f.texts.IsNull(text) {
			continue
		}
		list = append(list, f.keys[i], string(f.texts.Rewrite(&m.arena, text)))
	}
	if len(list) == 0 {
		return noValue
	}
	(&value{list: list}).put(b, f.to)
	return ""
}

// meta sets what the row says of itself.
func (m *maker) meta(b *entity.Batch, values [][]byte) {
	n := m.bound
	if n.deleted >= 0 && values[n.deleted] != nil {
		b.SetBool(n.deletedAt, n.marksDeleted(values[n.deleted]))
	}
	if n.updatedAt >= 0 && values[n.mark] != nil {
		if at, reason := n.columns[n.mark].number(values[n.mark]); reason == "" {
			b.SetInt(n.updatedAt, m.toInstant(&n.columns[n.mark], at))
		}
	}
	if payload := m.payload(values); len(payload) > 0 {
		b.SetText(n.payloadAt, payload)
	}
}

// toInstant turns a mark into a moment.
func (m *maker) toInstant(c *column, n int64) int64 {
	zone := m.zone(m.bound.plan.location)
	switch c.kind {
	case naive:
		return localInstant(zone, n)
	case calendarDay:
		return zone.Instant(n, 0)
	}
	return n
}

const microsPerDay = 86_400_000_000

// localInstant returns the moment of a local time in microseconds since 1970.
func localInstant(zone *mapping.Zone, local int64) int64 {
	day := mapping.FloorDiv(local, microsPerDay)
	return zone.Instant(day, local-day*microsPerDay)
}

// fromText returns the setter of a field that is made from a column's text.
func (m *maker) fromText(f *field, c *column) setter {
	return func(b *entity.Batch, raw []byte) string {
		mark := m.arena.Mark()
		m.arena.Data = c.text(m.arena.Data, raw)
		text := mapping.Trim(m.arena.Since(mark))
		if f.texts.IsNull(text) {
			return noValue
		}
		if f.to.Kind != entity.TextList {
			text = f.texts.Rewrite(&m.arena, text)
		}
		if len(text) == 0 {
			return noValue
		}
		var v value
		if reason := m.convert(f, text, &v); reason != "" {
			return reason
		}
		if !v.set {
			return noValue
		}
		v.put(b, f.to)
		return ""
	}
}

// convert reads a text, which is not empty, as a value of the field's kind.
func (m *maker) convert(f *field, text []byte, into *value) (reason string) {
	switch f.to.Kind {
	case entity.Text:
		into.text = text
	case entity.Enum:
		into.text = bytes.ToLower(text)
	case entity.Timestamp, entity.Day:
		into.n, reason = m.time(f, text)
	case entity.Dec:
		into.n, reason = m.decimal(f, text, f.to.Scale)
	case entity.Int:
		into.n, reason = m.whole(f, text)
	case entity.Bool:
		is, ok := mapping.ParseBool(text)
		if into.n = 0; is {
			into.n = 1
		}
		if !ok {
			reason = "is neither true nor false; map can translate it"
		}
	case entity.TextList:
		into.list = f.texts.List(&m.arena, &m.json, text)
	case entity.JSON:
		if into.text = text; fastjson.ValidateBytes(text) != nil {
			reason = "is not JSON"
		}
	default:
		reason = "a " + f.to.Kind.String() + " cannot be made from one column"
	}
	if reason == "" && into.text != nil && (!utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0) {
		reason = notText
	}
	into.set = f.to.Kind != entity.TextList || len(into.list) > 0
	return reason
}

const notText = "holds bytes that are no text"

// time reads a time or a day in the first layout that fits.
func (m *maker) time(f *field, text []byte) (n int64, reason string) {
	zone := m.zone(f.location)
	for _, read := range f.layouts {
		at, ok := read(text)
		switch {
		case !ok:
			continue
		case f.to.Kind == entity.Day:
			return at.DayOf(zone)
		}
		return at.InstantOf(zone)
	}
	return 0, fmt.Sprintf("is not a %s written as %s", f.to.Kind, f.written)
}

// zone returns what turns local times of a place into moments.
func (m *maker) zone(place *time.Location) *mapping.Zone {
	zone := m.zones[place]
	if zone == nil {
		zone = mapping.NewZone(place)
		m.zones[place] = zone
	}
	return zone
}

func (m *maker) decimal(f *field, text []byte, scale int) (n int64, reason string) {
	if f.numbers.Point != 0 || f.numbers.Thousands != "" {
		mark := m.arena.Mark()
		m.arena.Data = f.numbers.Normalise(m.arena.Data, text)
		text = m.arena.Since(mark)
	}
	n, err := entity.ParseScaled(text, scale)
	if err == nil && f.numbers.Factor != 0 {
		n, err = mapping.Multiply(n, f.numbers.Factor, mapping.FactorScale)
	}
	return n, numberReason(err)
}

func numberReason(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, entity.ErrDecimalRange):
		return "has more than 18 digits"
	}
	return "is not a number"
}

func (m *maker) whole(f *field, text []byte) (n int64, reason string) {
	if f.numbers.Plain() {
		n, ok := mapping.ParseWhole(text)
		if !ok {
			return 0, mapping.NotWhole
		}
		return n, ""
	}
	n, reason = m.decimal(f, text, entity.DecimalScale)
	return mapping.WholeOf(n, reason)
}

func formatWhole(n int64) string { return strconv.FormatInt(n, 10) }
