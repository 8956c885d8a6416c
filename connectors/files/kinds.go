package files

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"winback/connectors/entity"
)

// convert reads a text, which is not empty, as a value of the field's kind.
func (m *mapper) convert(f *field, text []byte) (value, *misfit) {
	switch f.kind {
	case entity.Text:
		if m.unsafeText {
			if reason := m.badText(text); reason != "" {
				return value{}, misfitOf(text, reason)
			}
		}
		return value{set: true, text: text}, nil
	case entity.Timestamp, entity.Day:
		return m.time(f, text)
	case entity.Dec:
		return m.decimal(f, text)
	case entity.Int:
		return m.whole(f, text)
	case entity.Enum:
		return m.enum(text)
	case entity.Bool:
		return convertBool(text)
	case entity.TextList:
		return m.list(f, text)
	case entity.JSON:
		return m.jsonText(text)
	}
	return value{}, misfitOf(text, "a "+f.kind.String()+" cannot be made from one column")
}

func misfitOf(text []byte, reason string) *misfit {
	return &misfit{value: string(text), reason: reason}
}

// badText says why bytes are no text, "" if they are.
func (m *mapper) badText(text []byte) string {
	if !m.unsafeText {
		return ""
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return "holds a NUL byte: the file is damaged, or its encoding is utf-16"
	}
	if !utf8.Valid(text) {
		return "is not UTF-8: give the encoding of the file, such as windows-1251 or latin-1"
	}
	return ""
}

func (m *mapper) time(f *field, text []byte) (value, *misfit) {
	for _, read := range f.layouts {
		at, ok := read(text)
		if !ok {
			continue
		}
		var n int64
		var wrong string
		if f.kind == entity.Day {
			n, wrong = at.dayOf(m.zones[f.zone])
		} else {
			n, wrong = at.instantOf(m.zones[f.zone])
		}
		if wrong != "" {
			return value{}, misfitOf(text, wrong)
		}
		return value{set: true, n: n}, nil
	}
	return value{}, misfitOf(text, fmt.Sprintf("is not a %s written as %s", f.kind, f.written))
}

func (m *mapper) decimal(f *field, text []byte) (value, *misfit) {
	original := text
	if !f.numbers.plain() {
		mark := m.arena.mark()
		m.arena.data = f.numbers.normalise(m.arena.data, text)
		text = m.arena.since(mark)
	}
	n, err := entity.ParseScaled(text, f.scale)
	if err == nil && f.numbers.factor != 0 {
		n, err = multiply(n, f.numbers.factor, factorScale)
	}
	if err != nil {
		return value{}, misfitOf(original, numberReason(err, f, original))
	}
	return value{set: true, n: n}, nil
}

func numberReason(err error, f *field, text []byte) string {
	if errors.Is(err, entity.ErrDecimalRange) {
		return "has more than 18 digits"
	}
	if f.numbers.point == 0 && f.numbers.thousands == "" && bytes.IndexByte(text, ',') >= 0 {
		return "is not a number; decimal_comma: true or thousands: \",\" may read it"
	}
	return "is not a number"
}

func (m *mapper) whole(f *field, text []byte) (value, *misfit) {
	if f.numbers.plain() {
		n, ok := parseWhole(text)
		if !ok {
			return value{}, misfitOf(text, "is not a whole number")
		}
		return value{set: true, n: n}, nil
	}
	scaled := field{scale: entity.DecimalScale, numbers: f.numbers}
	v, wrong := m.decimal(&scaled, text)
	if wrong != nil {
		return v, wrong
	}
	unit := int64(pow10(entity.DecimalScale))
	if v.n%unit != 0 {
		return value{}, misfitOf(text, "is not a whole number")
	}
	v.n /= unit
	return v, nil
}

// enum lower-cases a word. Words that the contract does not know are kept.
func (m *mapper) enum(text []byte) (value, *misfit) {
	if reason := m.badText(text); reason != "" {
		return value{}, misfitOf(text, reason)
	}
	for _, c := range text {
		if c >= 0x80 || c >= 'A' && c <= 'Z' {
			return value{set: true, text: m.arena.keep(bytes.ToLower(text))}, nil
		}
	}
	return value{set: true, text: text}, nil
}

func convertBool(text []byte) (value, *misfit) {
	is, ok := parseBool(text)
	if !ok {
		return value{}, misfitOf(text, "is neither true nor false; map can translate it")
	}
	if is {
		return value{set: true, n: 1}, nil
	}
	return value{set: true, n: 0}, nil
}

// list reads the items of a JSON array, or those between separators.
func (m *mapper) list(f *field, text []byte) (value, *misfit) {
	if reason := m.badText(text); reason != "" {
		return value{}, misfitOf(text, reason)
	}
	var items []string
	take := func(item []byte) {
		item = trim(item)
		if len(item) == 0 || f.isNull(item) {
			return
		}
		if item = m.rewrite(f, item); len(item) > 0 {
			items = append(items, string(item))
		}
	}
	switch {
	case text[0] == '[' && fastjson.ValidateBytes(text) == nil:
		array, err := m.json.ParseBytes(text)
		if err != nil {
			return value{}, misfitOf(text, "is not JSON")
		}
		for _, item := range array.GetArray() {
			take(jsonValue(&m.arena, item))
		}
	case f.split != "":
		for item := range strings.SplitSeq(string(text), f.split) {
			take([]byte(item))
		}
	default:
		take(text)
	}
	return value{set: len(items) > 0, list: items}, nil
}

// jsonValue returns a JSON value as the text that a column would hold.
func jsonValue(a *arena, v *fastjson.Value) []byte {
	switch v.Type() {
	case fastjson.TypeNull:
		return nil
	case fastjson.TypeString:
		text, _ := v.StringBytes() // the type was looked at
		return a.keep(text)
	}
	return a.value(v)
}

func (m *mapper) jsonText(text []byte) (value, *misfit) {
	if err := fastjson.ValidateBytes(text); err != nil {
		return value{}, misfitOf(text, "is not JSON")
	}
	return value{set: true, text: text}, nil
}
