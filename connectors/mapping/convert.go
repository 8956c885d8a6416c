package mapping

import (
	"bytes"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"winback/connectors/entity"
)

// FactorScale is the number of digits after the point that a factor may have.
const FactorScale = 8

// NumberFormat says how numbers are written and what they are multiplied with.
type NumberFormat struct {
	Point     byte // 0: the usual "."
	Thousands string
	Factor    int64 // with FactorScale digits; 0 is none
}

// Plain says that numbers are written as ParseScaled reads them.
func (n *NumberFormat) Plain() bool { return n.Point == 0 && n.Thousands == "" && n.Factor == 0 }

// Normalise rewrites a number with "." as its point and without groups. A text that is no
// number in this format stays none: groups have three digits, the first up to three, those
// between may have two as in India.
func (n *NumberFormat) Normalise(into, text []byte) []byte {
	g := grouping{}
	for i := 0; i < len(text); {
		if size := n.separator(text[i:]); size > 0 {
			if g.digits > 0 || g.groups > 0 || g.fraction { // a blank behind the sign divides nothing
				g.divide()
			}
			g.wrong = g.wrong || g.digits == 0 && g.groups == 0 && n.Thousands != " "
			i += size
			continue
		}
		c := text[i]
		switch {
		case n.Point != 0 && c == n.Point, n.Point == 0 && c == '.':
			c = '.'
			g.end()
			g.fraction = true
		case n.Point != 0 && c == '.':
			g.wrong = true // a point that is neither the decimal's nor a group's
		case c >= '0' && c <= '9' && !g.fraction:
			g.digits++
		}
		into = append(into, c)
		i++
	}
	if !g.fraction {
		g.end()
	}
	if g.wrong {
		into = append(into, 'x')
	}
	return into
}

// grouping follows the groups of a number's digits.
type grouping struct {
	digits   int // since the last separator
	groups   int // that ended
	fraction bool
	wrong    bool
}

// divide ends a group that another follows.
func (g *grouping) divide() {
	if g.fraction || g.digits > 3 || g.digits < 2 && g.groups > 0 || g.digits == 0 {
		g.wrong = true
	}
	g.digits = 0
	g.groups++
}

// end ends the last group.
func (g *grouping) end() {
	if g.groups > 0 && g.digits != 3 {
		g.wrong = true
	}
}

// separator returns the length of the group separator that text begins with.
func (n *NumberFormat) separator(text []byte) int {
	if n.Thousands == "" {
		return 0
	}
	if n.Thousands == " " {
		return blankLen(text)
	}
	if bytes.HasPrefix(text, []byte(n.Thousands)) {
		return len(n.Thousands)
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

// Multiply returns n × factor, rounded half away from zero; factor has scale
// digits after the point.
func Multiply(n, factor int64, scale int) (int64, error) {
	negative := (n < 0) != (factor < 0)
	hi, lo := bits.Mul64(magnitude(n), magnitude(factor))
	by := Pow10(scale)
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

// Pow10 returns the n-th power of ten.
func Pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// Add returns a + b, or an error when the sum has too many digits.
func Add(a, b int64) (int64, error) {
	sum := a + b // both are below 10^18: no overflow
	if magnitude(sum) >= 1_000_000_000_000_000_000 {
		return 0, entity.ErrDecimalRange
	}
	return sum, nil
}

// ParseWhole reads a whole number; 5.0 is one.
func ParseWhole(text []byte) (int64, bool) {
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

// ParseBool reads the usual words for true and false, in any case.
func ParseBool(text []byte) (value, ok bool) {
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

// Cleaner rewrites a text. It appends to scratch what it cannot slice.
type Cleaner func(scratch *Arena, text []byte) []byte

// Cleaners are those that can be configured, by name.
var Cleaners = map[string]Cleaner{
	"integer_id": func(_ *Arena, text []byte) []byte { return integerID(text) },
	"lower":      func(a *Arena, text []byte) []byte { return a.Keep(bytes.ToLower(text)) },
	"upper":      func(a *Arena, text []byte) []byte { return a.Keep(bytes.ToUpper(text)) },
	"digits":     onlyDigits,
	"money":      money,
	"spaces":     func(a *Arena, text []byte) []byte { return a.Keep(bytes.Join(bytes.Fields(text), []byte(" "))) },
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

func onlyDigits(a *Arena, text []byte) []byte {
	mark := a.Mark()
	for _, c := range text {
		if c >= '0' && c <= '9' {
			a.Data = append(a.Data, c)
		}
	}
	return a.Since(mark)
}

// Arena holds bytes made while a record is converted.
type Arena struct{ Data []byte }

// Reset empties the arena; what it gave out is no longer valid.
func (a *Arena) Reset() { a.Data = a.Data[:0] }

// Mark remembers where the arena ends now, for Since.
func (a *Arena) Mark() int { return len(a.Data) }

// Since returns what was appended to Data since a mark.
func (a *Arena) Since(mark int) []byte { return a.Data[mark:len(a.Data):len(a.Data)] }

// Keep copies bytes into the arena.
func (a *Arena) Keep(text []byte) []byte {
	m := a.Mark()
	a.Data = append(a.Data, text...)
	return a.Since(m)
}

// Text copies a text into the arena.
func (a *Arena) Text(text string) []byte {
	m := a.Mark()
	a.Data = append(a.Data, text...)
	return a.Since(m)
}

// Value writes a JSON value into the arena.
func (a *Arena) Value(v *fastjson.Value) []byte {
	m := a.Mark()
	a.Data = v.MarshalTo(a.Data)
	return a.Since(m)
}

// Trim drops blanks around a value, the no-break space among them.
func Trim(text []byte) []byte {
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
func (m *Moment) checkDate() string {
	if !isDate(m.year, m.month, m.day) {
		return "there is no such day"
	}
	if m.year < firstYear || m.year > lastYear {
		return fmt.Sprintf("year %d is outside %d to %d; a text that means \"no date\" can be listed under nulls", m.year, firstYear, lastYear)
	}
	return ""
}

// InstantOf returns the microseconds since 1970 UTC, with times that name no
// offset taken as of the zone.
func (m *Moment) InstantOf(z *Zone) (int64, string) {
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
	return z.Instant(day, m.micros), ""
}

// DayOf returns the days since 1970 of the calendar date that a moment shows: as
// written, or in the zone if it is a count of seconds.
func (m *Moment) DayOf(z *Zone) (int64, string) {
	if m.unix {
		local := m.instant/microsPerSecond + z.OffsetAt(m.instant/microsPerSecond)
		return FloorDiv(local, secondsPerDay), ""
	}
	if wrong := m.checkDate(); wrong != "" {
		return 0, wrong
	}
	return daysOf(m.year, m.month, m.day), ""
}

// FloorDiv divides and rounds down, also below zero.
func FloorDiv(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}
