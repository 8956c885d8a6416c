package files

import (
	"bytes"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"winback/connectors/entity"
)

// factorScale is the number of digits after the point that a factor may have.
const factorScale = 8

// numberFormat says how numbers are written and what they are multiplied with.
type numberFormat struct {
	point     byte // 0: the usual "."
	thousands string
	factor    int64 // with factorScale digits; 0 is none
}

// plain says that numbers are written as ParseScaled reads them.
func (n *numberFormat) plain() bool { return n.point == 0 && n.thousands == "" && n.factor == 0 }

// normalise rewrites a number with "." as its point and without groups.
func (n *numberFormat) normalise(into, text []byte) []byte {
	for i := 0; i < len(text); {
		if size := n.separator(text[i:]); size > 0 {
			i += size
			continue
		}
		c := text[i]
		switch {
		case n.point != 0 && c == n.point:
			c = '.'
		case n.point != 0 && c == '.':
			c = 'x' // a point that is neither the decimal's nor a group's: no number
		}
		into = append(into, c)
		i++
	}
	return into
}

// separator returns the length of the group separator that text begins with.
func (n *numberFormat) separator(text []byte) int {
	if n.thousands == "" {
		return 0
	}
	if n.thousands == " " {
		return blankLen(text)
	}
	if bytes.HasPrefix(text, []byte(n.thousands)) {
		return len(n.thousands)
	}
	return 0
}

// blankLen returns the length of the blank that text begins with: space, no-break
// space, thin space and the narrow no-break space.
func blankLen(text []byte) int {
	if text[0] == ' ' {
		return 1
	}
	if text[0] < 0xC2 {
		return 0
	}
	switch r, size := utf8.DecodeRune(text); r {
	case '\u00a0', '\u2009', '\u202f':
		return size
	}
	return 0
}

// multiply returns n × factor, rounded half away from zero; factor has scale
// digits after the point.
func multiply(n, factor int64, scale int) (int64, error) {
	negative := (n < 0) != (factor < 0)
	hi, lo := bits.Mul64(magnitude(n), magnitude(factor))
	by := pow10(scale)
	lo, carry := bits.Add64(lo, by/2, 0)
	hi += carry
	if hi >= by {
		return 0, entity.ErrDecimalRange
	}
	quotient, _ := bits.Div64(hi, lo, by)
	if quotient >= 1_000_000_000_000_000_000 {
		return 0, entity.ErrDecimalRange
	}
	if negative {
		return -int64(quotient), nil
	}
	return int64(quotient), nil
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// add returns a + b, or an error when the sum has too many digits.
func add(a, b int64) (int64, error) {
	sum := a + b // both are below 10^18: no overflow
	if magnitude(sum) >= 1_000_000_000_000_000_000 {
		return 0, entity.ErrDecimalRange
	}
	return sum, nil
}

// parseWhole reads a whole number; 5.0 is one.
func parseWhole(text []byte) (int64, bool) {
	if at := bytes.IndexByte(text, '.'); at > 0 {
		if len(bytes.Trim(text[at+1:], "0")) > 0 {
			return 0, false
		}
		text = text[:at]
	}
	if len(text) <= 18 {
		return parseShort(text)
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil
}

// parseShort reads a whole number of up to 18 characters.
func parseShort(text []byte) (int64, bool) {
	digits := text
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		digits = text[1:]
	}
	if len(digits) == 0 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if text[0] == '-' {
		n = -n
	}
	return n, true
}

var trueWords = []string{"true", "1", "yes", "y", "t", "on", "да"}
var falseWords = []string{"false", "0", "no", "n", "f", "off", "нет"}

// parseBool reads the usual words for true and false, in any case.
func parseBool(text []byte) (value, ok bool) {
	for _, word := range trueWords {
		if bytes.EqualFold(text, []byte(word)) {
			return true, true
		}
	}
	for _, word := range falseWords {
		if bytes.EqualFold(text, []byte(word)) {
			return false, true
		}
	}
	return false, false
}

// cleaner rewrites a text. It appends to scratch what it cannot slice.
type cleaner func(scratch *arena, text []byte) []byte

var cleaners = map[string]cleaner{
	"integer_id": func(_ *arena, text []byte) []byte { return integerID(text) },
	"lower":      func(a *arena, text []byte) []byte { return a.keep(bytes.ToLower(text)) },
	"upper":      func(a *arena, text []byte) []byte { return a.keep(bytes.ToUpper(text)) },
	"digits":     onlyDigits,
	"spaces":     func(a *arena, text []byte) []byte { return a.keep(bytes.Join(bytes.Fields(text), []byte(" "))) },
}

// integerID drops the .0 that programs with floating numbers put behind ids.
func integerID(text []byte) []byte {
	at := bytes.IndexByte(text, '.')
	if at <= 0 || at == len(text)-1 || len(bytes.Trim(text[at+1:], "0")) > 0 {
		return text
	}
	if _, whole := parseShort(text[:at]); !whole {
		return text
	}
	return text[:at]
}

func onlyDigits(a *arena, text []byte) []byte {
	mark := a.mark()
	for _, c := range text {
		if c >= '0' && c <= '9' {
			a.data = append(a.data, c)
		}
	}
	return a.since(mark)
}

// arena holds bytes made while a record is converted.
type arena struct{ data []byte }

func (a *arena) reset()                { a.data = a.data[:0] }
func (a *arena) mark() int             { return len(a.data) }
func (a *arena) since(mark int) []byte { return a.data[mark:len(a.data):len(a.data)] }
func (a *arena) keep(text []byte) []byte {
	m := a.mark()
	a.data = append(a.data, text...)
	return a.since(m)
}
func (a *arena) text(text string) []byte {
	m := a.mark()
	a.data = append(a.data, text...)
	return a.since(m)
}
func (a *arena) value(v *fastjson.Value) []byte {
	m := a.mark()
	a.data = v.MarshalTo(a.data)
	return a.since(m)
}

// trim drops blanks around a value, the no-break space among them.
func trim(text []byte) []byte {
	for len(text) > 0 && (text[0] <= ' ' || text[0] >= 0xC2) {
		if text[0] <= ' ' {
			text = text[1:]
			continue
		}
		size := blankLen(text)
		if size == 0 {
			break
		}
		text = text[size:]
	}
	for len(text) > 0 {
		last := text[len(text)-1]
		if last <= ' ' {
			text = text[:len(text)-1]
			continue
		}
		if last < 0x80 {
			break
		}
		_, size := utf8.DecodeLastRune(text)
		if blankLen(text[len(text)-size:]) == 0 {
			break
		}
		text = text[:len(text)-size]
	}
	return text
}

// years that the warehouse's types hold.
const (
	firstYear = 1900
	lastYear  = 2299
)

// checkDate says what is wrong with the day of a moment, "" if nothing.
func (m *moment) checkDate() string {
	if !isDate(m.year, m.month, m.day) {
		return "there is no such day"
	}
	if m.year < firstYear || m.year > lastYear {
		return fmt.Sprintf("year %d is outside %d to %d; a text that means \"no date\" can be listed under nulls", m.year, firstYear, lastYear)
	}
	return ""
}

// instantOf returns the microseconds since 1970 UTC, with times that name no
// offset taken as of the zone.
func (m *moment) instantOf(z *zone) (int64, string) {
	if m.unix {
		return m.instant, ""
	}
	if wrong := m.checkDate(); wrong != "" {
		return 0, wrong
	}
	day := daysOf(m.year, m.month, m.day)
	if m.hasOffset {
		return day*microsPerDay + m.micros - m.offset*microsPerSecond, ""
	}
	return z.instant(day, m.micros), ""
}

// dayOf returns the days since 1970 of the calendar date that a moment shows: as
// written, or in the zone if it is a count of seconds.
func (m *moment) dayOf(z *zone) (int64, string) {
	if m.unix {
		local := m.instant/microsPerSecond + z.offsetAt(m.instant/microsPerSecond)
		return floorDiv(local, secondsPerDay), ""
	}
	if wrong := m.checkDate(); wrong != "" {
		return 0, wrong
	}
	return daysOf(m.year, m.month, m.day), ""
}

func floorDiv(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}
