package files

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"github.com/valyala/fastjson"

	"winback/connectors/entity"
	"winback/connectors/mapping"
)

// record is one record of a file.
type record struct {
	fields [][]byte // by column of the file
	raw    []byte
	line   int64
	number int64 // within its document, from 1
	count  int64 // records of the document
	bound  *binding
	kinds  []valueKind     // by column, of JSON records
	json   *fastjson.Value // of a JSON record, or the element of an array in it
	place  string          // of the element
}

// column returns the text of a slot's column, nil if the file lacks it.
func (r *record) column(slot int) []byte {
	at := r.bound.at[slot]
	if at < 0 || at >= len(r.fields) {
		return nil
	}
	return r.fields[at]
}

// kind says what a column's text was made from.
func (r *record) kind(slot int) valueKind {
	if r.kinds == nil {
		return kindText
	}
	return r.kinds[slot]
}

// name names a column for messages, with its place where that says more than the
// line.
func (r *record) name(slot int) string {
	name := r.bound.name(slot)
	switch {
	case r.bound.letters != nil && r.bound.letters[slot] != "":
		return fmt.Sprintf("%s (%s%d)", name, r.bound.letters[slot], r.line)
	case r.place != "" && r.bound.scopeOf[slot] > 0:
		return r.place + "." + name
	}
	return name
}

// mapper makes values from records. It is for one goroutine.
type mapper struct {
	plan  *plan
	zones []*mapping.Zone
	arena mapping.Arena
	json  fastjson.Parser
	// unsafeText says that texts must be looked at for bytes that are no text.
	unsafeText bool
	// encoding is what the text was decoded from; "" for UTF-8.
	encoding string
	// kind is of the text being converted.
	kind valueKind
	// typed says that it may be a time of the format itself, written as iso.
	typed bool
}

func newMapper(p *plan) *mapper {
	m := &mapper{plan: p}
	for _, location := range p.zones {
		m.zones = append(m.zones, mapping.NewZone(location))
	}
	return m
}

// lookAt tells the mapper the text that the next records are of.
func (m *mapper) lookAt(text []byte, b *binding) {
	m.encoding = b.encoding
	m.unsafeText = b.format == formatNDJSON || bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text) ||
		b.encoding != "" && bytes.Contains(text, undecodable)
}

// met says whether a record meets all of the conditions. One of which that cannot be
// said, as a text is compared that is no number, does not fit.
func (m *mapper) met(list []condition, r *record) (bool, *misfit) {
	for i := range list {
		c := &list[i]
		met, readable := c.judge(r)
		if !readable {
			return false, &misfit{column: r.name(c.slot), value: string(mapping.Trim(r.column(c.slot))), reason: "is no number to compare; decimal_comma and thousands say how numbers are written, nulls which texts are no value"}
		}
		if !met {
			return false, nil
		}
	}
	return true, nil
}

// meets says whether a record meets a condition; one that is compared and is no number
// does not.
func (m *mapper) meets(c *condition, r *record) bool {
	met, readable := c.judge(r)
	return met && readable
}

// judge says whether a record meets the condition; not readable is a text that is compared
// and is no number.
func (c *condition) judge(r *record) (met, readable bool) {
	text := mapping.Trim(r.column(c.slot))
	if c.test.Compares() && c.texts.IsNull(text) {
		text = nil
	}
	return c.test.Judge(text, r.kind(c.slot) == kindNumber)
}

// eval makes the value of a field for a record.
func (m *mapper) eval(f *field, r *record, into *value) *misfit {
	wrong := m.read(f, r, into)
	if wrong != nil || into.set {
		return wrong
	}
	return m.absent(f, r, into)
}

// read makes the value of a field from a record alone, without its default.
func (m *mapper) read(f *field, r *record, into *value) *misfit {
	for i := range f.rules {
		if m.meets(&f.rules[i].when, r) {
			*into = f.rules[i].value
			return nil
		}
	}
	into.set = false
	wrong := m.fromSource(f, r, into)
	if wrong == nil && f.lenient && into.set {
		wrong = f.outOfRange(r, into) // else the landing zone would put the whole row aside
	}
	if wrong != nil && wrong.column == "" {
		wrong.column = m.columnName(f, r)
	}
	return wrong
}

// outOfRange says what is wrong with a value that the field does not hold.
func (f *field) outOfRange(r *record, v *value) *misfit {
	reason := f.to.OutOfRange(v.n)
	if reason == "" {
		return nil
	}
	wrong := &misfit{reason: reason}
	if f.source == fromColumn {
		wrong.value = string(mapping.Trim(r.column(f.slot)))
	}
	return wrong
}

// absent makes a field what it is when a record, or all records of a document,
// have no value for it.
func (m *mapper) absent(f *field, r *record, into *value) *misfit {
	if !f.fallback.set && f.required {
		return &misfit{column: m.columnName(f, r), reason: fmt.Sprintf("is empty, but %s needs a value", f.name)}
	}
	*into = f.fallback
	return nil
}

// fromSource makes the value that is not set by a rule.
func (m *mapper) fromSource(f *field, r *record, into *value) *misfit {
	switch f.source {
	case fromColumn:
		return m.fromColumn(f, r, into)
	case fromConst:
		*into = f.constant
	case fromProduct:
		return m.product(f, r, into)
	case fromJoin:
		return m.joined(f, r, into)
	case fromColumns:
		return m.pairs(f, r, into)
	case fromLineNumber:
		into.set, into.n = true, r.number
	case fromLineCount:
		into.set, into.n = true, r.count
	case fromFileName:
		into.set, into.text = true, m.arena.Text(filepath.Base(r.bound.input))
	case fromFileLine:
		mark := m.arena.Mark()
		m.arena.Data = strconv.AppendInt(m.arena.Data, r.line, 10)
		into.set, into.text = true, m.arena.Since(mark)
	case fromRowHash:
		into.set, into.text = true, m.rowHash(r)
	}
	return nil
}

func (m *mapper) fromColumn(f *field, r *record, into *value) *misfit {
	text := mapping.Trim(r.column(f.slot))
	m.typed = r.bound != nil && r.bound.typed
	if m.kind = r.kind(f.slot); m.kind == kindError && !f.texts.IsNull(text) {
		if string(text) == notComputed {
			return &misfit{value: string(text), reason: "the formula has no stored result: open the file in a spreadsheet program and save it"}
		}
		return &misfit{value: string(text), reason: "the cell holds an error"}
	}
	if m.kind > kindError && f.kind != entity.TextList && f.kind != entity.JSON && f.fold != foldCount {
		if string(text) == "[]" { // how PHP writes an object without anything in it
			return nil
		}
		if reason := f.compound(m.kind, text, r.name(f.slot)); reason != "" {
			return &misfit{value: string(text), reason: reason}
		}
	}
	if !f.direct {
		text = m.prepare(f, text)
	}
	if len(text) == 0 {
		return nil
	}
	if f.fold == foldCount {
		into.set = true
		return nil
	}
	return m.convert(f, text, into)
}

// compound says what is wrong with an object or a list for a field that wants one value: an
// id made of a whole customer's JSON would be another one with each change of it.
func (f *field) compound(kind valueKind, text []byte, name string) string {
	switch {
	case kind == kindObject:
		first := "id"
		if parts := bytes.SplitN(text, []byte(`"`), 3); len(parts) == 3 {
			first = string(parts[1])
		}
		return fmt.Sprintf("is an object: name what is in it, such as %s.%s", name, first)
	case f.to.Key || strings.HasSuffix(f.name, "_id"):
		return fmt.Sprintf("is a list: %s[0] is the first of it", name)
	}
	return ""
}

func (m *mapper) rowHash(r *record) []byte {
	mark := m.arena.Mark()
	hash := xxhash.New()
	_, _ = hash.Write(r.raw) // never fails
	_, _ = hash.WriteString(r.place)
	m.arena.Data = fmt.Appendf(m.arena.Data, "%016x", hash.Sum64())
	return m.arena.Since(mark)
}

// prepare applies what is configured for a text before it is converted: nulls,
// cleaning, words. The items of a list are prepared one by one instead.
func (m *mapper) prepare(f *field, text []byte) []byte {
	if f.texts.IsNull(text) {
		return nil
	}
	if f.kind == entity.TextList {
		return text
	}
	return f.texts.Rewrite(&m.arena, text)
}

// product multiplies columns. Without a value in one of them there is none.
func (m *mapper) product(f *field, r *record, into *value) *misfit {
	var total int64
	for i, slot := range f.slots {
		text := mapping.Trim(r.column(slot))
		if len(text) == 0 || f.texts.IsNull(text) {
			return nil
		}
		m.kind = r.kind(slot)
		n, err := m.number(&f.numbers, text, f.scale)
		if err != nil {
			return &misfit{column: r.name(slot), value: string(text), reason: numberReason(err, f, text)}
		}
		if i == 0 {
			total = n
		} else if total, err = mapping.Multiply(total, n, f.scale); err != nil {
			return &misfit{reason: productReason}
		}
	}
	if f.numbers.Factor != 0 {
		var err error
		if total, err = mapping.Multiply(total, f.numbers.Factor, mapping.FactorScale); err != nil {
			return &misfit{reason: productReason}
		}
	}
	into.set, into.n = true, total
	return nil
}

const productReason = "the product has more than 18 digits"

// joined puts the texts of columns together. Without a value in one of them there
// is none: a time without its day is no moment.
func (m *mapper) joined(f *field, r *record, into *value) *misfit {
	mark := m.arena.Mark()
	for i, slot := range f.slots {
		text := mapping.Trim(r.column(slot))
		if len(text) == 0 || f.texts.IsNull(text) {
			return nil
		}
		if i > 0 {
			m.arena.Data = append(m.arena.Data, ' ')
		}
		m.arena.Data = append(m.arena.Data, text...)
	}
	m.typed, m.kind = false, kindText
	return m.convert(f, f.texts.Rewrite(&m.arena, m.arena.Since(mark)), into)
}

// pairs makes a map from columns; those without a value are left out.
func (m *mapper) pairs(f *field, r *record, into *value) *misfit {
	var list []string
	for i, slot := range f.slots {
		text := mapping.Trim(r.column(slot))
		if len(text) == 0 || f.texts.IsNull(text) {
			continue
		}
		text = f.texts.Rewrite(&m.arena, text)
		if reason := m.badText(text); reason != "" {
			return &misfit{column: r.name(slot), value: string(text), reason: reason}
		}
		list = append(list, f.keys[i], string(text))
	}
	into.set, into.list = len(list) > 0, list
	return nil
}

// columnName names the column of a field for messages, or the field itself.
func (m *mapper) columnName(f *field, r *record) string {
	if f.source == fromColumn {
		return r.name(f.slot)
	}
	return f.name
}

// put sets a value in the row being written.
func put(b *entity.Batch, f *field, v *value) {
	if !v.set {
		return
	}
	switch f.kind {
	case entity.Text, entity.Enum, entity.JSON:
		b.SetText(f.at, v.text)
	case entity.TextList:
		b.SetList(f.at, v.list)
	case entity.TextMap:
		pairs := make([][2]string, 0, len(v.list)/2)
		for i := 0; i+1 < len(v.list); i += 2 {
			pairs = append(pairs, [2]string{v.list[i], v.list[i+1]})
		}
		b.SetMap(f.at, pairs)
	default:
		b.SetInt(f.at, v.n)
	}
}
