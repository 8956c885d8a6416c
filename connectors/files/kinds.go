package files

import (
	"bytes"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"winback/connectors/entity"
	"winback/connectors/mapping"
)

// convert reads a text, which is not empty, as a value of the field's kind.
func (m *mapper) convert(f *field, text []byte, into *value) *misfit {
	reason := ""
	switch f.kind {
	case entity.Text:
		into.text, reason = text, m.badText(text)
	case entity.Timestamp, entity.Day:
		into.n, reason = m.time(f, text)
	case entity.Dec:
		into.n, reason = m.decimal(f, text)
	case entity.Int:
		into.n, reason = m.whole(f, text)
	case entity.Enum:
		into.text, reason = m.enum(text), m.badText(text)
	case entity.Bool:
		into.n, reason = convertBool(text)
	case entity.TextList:
		into.list, reason = f.texts.List(&m.arena, &m.json, text), m.badText(text)
	case entity.JSON:
		if into.text = text; fastjson.ValidateBytes(text) != nil {
			reason = "is not JSON"
		}
	default:
		reason = "a " + f.kind.String() + " cannot be made from one column"
	}
	if reason != "" {
		return &misfit{value: string(text), reason: reason}
	}
	into.set = f.kind != entity.TextList || len(into.list) > 0
	return nil
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
	if m.encoding != "" && bytes.Contains(text, undecodable) {
		return "holds bytes that " + m.encoding + " does not have: the file is damaged, or its encoding is another"
	}
	return ""
}

// undecodable is what decoders put for bytes that their encoding does not have.
var undecodable = []byte("\uFFFD")

// time reads a time or a date in the first layout that fits.
func (m *mapper) time(f *field, text []byte) (n int64, reason string) {
	layouts := f.layouts
	if m.typed {
		layouts = append(layouts[:len(layouts):len(layouts)], mapping.ReadISO)
	}
	for _, read := range layouts {
		at, ok := read(text)
		switch {
		case !ok:
			continue
		case f.kind == entity.Day:
			return at.DayOf(m.zones[f.zone])
		}
		return at.InstantOf(m.zones[f.zone])
	}
	return 0, fmt.Sprintf("is not a %s written as %s", f.kind, f.written)
}

// number reads a number as it is written, before any factor. One that the file's
// format itself marks as a number is written with a point, whatever is configured
// for texts.
func (m *mapper) number(format *mapping.NumberFormat, text []byte, scale int) (int64, error) {
	if m.kind != kindNumber && (format.Point != 0 || format.Thousands != "") {
		mark := m.arena.Mark()
		m.arena.Data = format.Normalise(m.arena.Data, text)
		text = m.arena.Since(mark)
	}
	n, err := entity.ParseScaled(text, scale)
	if err != nil && bytes.Contains(text, typeset) {
		return entity.ParseScaled(bytes.Replace(text, typeset, []byte("-"), 1), scale)
	}
	return n, err
}

// typeset is the minus of typesetters, U+2212.
var typeset = []byte("\u2212")

func (m *mapper) decimal(f *field, text []byte) (n int64, reason string) {
	n, err := m.number(&f.numbers, text, f.scale)
	if err == nil && f.numbers.Factor != 0 {
		n, err = mapping.Multiply(n, f.numbers.Factor, mapping.FactorScale)
	}
	if err != nil {
		return 0, numberReason(err, f, text)
	}
	return n, ""
}

func numberReason(err error, f *field, text []byte) string {
	comma, point := bytes.IndexByte(text, ',') >= 0, bytes.IndexByte(text, '.') >= 0
	blank := bytes.ContainsAny(text, " \u00a0\u2009\u202f")
	switch {
	case errors.Is(err, entity.ErrDecimalRange):
		return fmt.Sprintf("is too large: there is room for %d digits before the decimal point", 18-f.scale)
	case !bytes.ContainsAny(text, "0123456789"):
		return "is not a number"
	case bytes.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Sc, r) || r == '(' }):
		return "is not a number; clean: money may read it"
	case !f.numbers.Plain() && f.numbers.Point == ',' && point && !comma:
		return "is not a number with a decimal comma; the file may have a decimal point here"
	case f.numbers.Point != 0 || f.numbers.Thousands != "":
		return "is not a number as decimal_comma and thousands describe it"
	case blank && comma:
		return "is not a number; decimal_comma: true and thousands: \" \" may read it"
	case blank:
		return "is not a number; thousands: \" \" may read it"
	case comma && point:
		return "is not a number; thousands: \",\", or decimal_comma: true with thousands: \".\", may read it"
	case comma:
		return "is not a number; decimal_comma: true or thousands: \",\" may read it"
	}
	return "is not a number"
}

func (m *mapper) whole(f *field, text []byte) (n int64, reason string) {
	if f.clock && bytes.IndexByte(text, ':') >= 0 {
		return clockSeconds(text)
	}
	if f.numbers.Plain() {
		n, ok := mapping.ParseWhole(text)
		if !ok {
			return 0, mapping.NotWhole
		}
		return n, ""
	}
	scaled := field{scale: entity.DecimalScale, numbers: f.numbers}
	return mapping.WholeOf(m.decimal(&scaled, text))
}

// clockSeconds reads hours, minutes and seconds, or minutes and seconds.
func clockSeconds(text []byte) (n int64, reason string) {
	parts := bytes.Split(text, []byte(":"))
	if len(parts) > 3 {
		return 0, notClock
	}
	for i, part := range parts {
		unit, ok := mapping.ParseWhole(part)
		if !ok || unit < 0 || i > 0 && unit > 59 || len(part) > 6 {
			return 0, notClock
		}
		n = n*60 + unit
	}
	return n, ""
}

const notClock = "is not a duration such as 1:02:03"

// enum lower-cases a word. Words that the contract does not know are kept.
func (m *mapper) enum(text []byte) []byte {
	for _, c := range text {
		if c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			return m.arena.Keep(bytes.ToLower(text))
		}
	}
	return text
}

func convertBool(text []byte) (n int64, reason string) {
	is, ok := mapping.ParseBool(text)
	switch {
	case !ok:
		return 0, "is neither true nor false; map can translate it"
	case is:
		return 1, ""
	}
	return 0, ""
}
