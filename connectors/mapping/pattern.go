package mapping

import (
	"fmt"
	"strings"

	"winback/connectors/entity"
)

// partKind is what a part of a layout pattern stands for.
type partKind int

const (
	partText partKind = iota
	partYear
	partYear2
	partMonth
	partMonthName
	partDay
	partHour
	partHour12
	partMinute
	partSecond
	partFraction
	partHalf // AM, PM
	partOffset
	partUnix
	partSkipName // a weekday
)

// part is one element of a pattern: a piece of the time, or literal text.
type part struct {
	kind partKind
	text string
}

var strftimeVerbs = map[byte][]part{
	'Y': {{kind: partYear}}, 'y': {{kind: partYear2}},
	'm': {{kind: partMonth}}, 'b': {{kind: partMonthName}}, 'B': {{kind: partMonthName}}, 'h': {{kind: partMonthName}},
	'd': {{kind: partDay}}, 'e': {{kind: partDay}},
	'H': {{kind: partHour}}, 'k': {{kind: partHour}}, 'I': {{kind: partHour12}}, 'l': {{kind: partHour12}},
	'M': {{kind: partMinute}}, 'S': {{kind: partSecond}}, 'f': {{kind: partFraction}},
	'p': {{kind: partHalf}}, 'z': {{kind: partOffset}}, 'Z': {{kind: partOffset}}, 's': {{kind: partUnix}},
	'a': {{kind: partSkipName}}, 'A': {{kind: partSkipName}},
	'F': {{kind: partYear}, {text: "-"}, {kind: partMonth}, {text: "-"}, {kind: partDay}},
	'T': {{kind: partHour}, {text: ":"}, {kind: partMinute}, {text: ":"}, {kind: partSecond}},
	'R': {{kind: partHour}, {text: ":"}, {kind: partMinute}},
	'%': {{text: "%"}},
}

func strftimeParts(pattern string) ([]part, error) {
	var parts []part
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			parts = append(parts, part{text: pattern[i : i+1]})
			continue
		}
		i++
		if i < len(pattern) && pattern[i] == '-' { // %-d: without a leading zero, which is read anyway
			i++
		}
		if i >= len(pattern) {
			return nil, fmt.Errorf("layout %q ends in %%", pattern)
		}
		verb, known := strftimeVerbs[pattern[i]]
		if !known {
			return nil, fmt.Errorf("layout %q: %%%c is not known", pattern, pattern[i])
		}
		parts = append(parts, verb...)
	}
	return parts, nil
}

// goElements are the elements of Go's layouts, longer ones before their prefixes.
var goElements = []struct {
	text string
	kind partKind
}{
	{"January", partMonthName}, {"Jan", partMonthName}, {"Monday", partSkipName}, {"Mon", partSkipName},
	{"2006", partYear}, {"Z07:00", partOffset}, {"Z0700", partOffset}, {"-07:00", partOffset}, {"-0700", partOffset},
	{"-07", partOffset}, {"MST", partOffset}, {"PM", partHalf}, {"pm", partHalf},
	{"01", partMonth}, {"02", partDay}, {"03", partHour12}, {"04", partMinute}, {"05", partSecond}, {"06", partYear2},
	{"15", partHour}, {"_2", partDay}, {"1", partMonth}, {"2", partDay}, {"3", partHour12}, {"4", partMinute}, {"5", partSecond},
}

func goParts(pattern string) ([]part, error) {
	var parts []part
next:
	for rest := pattern; rest != ""; {
		if digits := len(rest) - len(strings.TrimLeft(rest[1:], "09")) - 1; digits > 0 && (rest[0] == '.' || rest[0] == ',') && afterSecond(parts) {
			parts = append(parts, part{kind: partFraction, text: rest[:1]})
			rest = rest[1+digits:]
			continue
		}
		for _, e := range goElements {
			if after, found := strings.CutPrefix(rest, e.text); found {
				parts, rest = append(parts, part{kind: e.kind}), after
				continue next
			}
		}
		parts, rest = append(parts, part{text: rest[:1]}), rest[1:]
	}
	return parts, nil
}

func afterSecond(parts []part) bool {
	return len(parts) > 0 && parts[len(parts)-1].kind == partSecond
}

// readParts reads what a pattern describes. Numbers may lack leading zeros.
func readParts(parts []part) Layout {
	return func(text []byte) (Moment, bool) {
		r := partReader{text: text}
		for _, p := range parts {
			if !r.read(p) {
				return r.m, false
			}
		}
		if r.m.unix {
			return r.m, len(r.text) == 0
		}
		return r.m, len(r.text) == 0 && r.finishClock()
	}
}

// partReader is the state of reading one text by a pattern.
type partReader struct {
	text                 []byte
	m                    Moment
	hour, minute, second int
	fraction             Moment
	half                 byte // a, p
	hour12               bool
}

func (r *partReader) read(p part) bool {
	switch p.kind {
	case partText:
		rest, found := cutText(r.text, p.text)
		r.text = rest
		return found
	case partYear:
		return r.number(&r.m.year, 4, 4)
	case partYear2:
		ok := r.number(&r.m.year, 2, 2)
		r.m.year = fullYear(r.m.year)
		return ok
	case partMonth:
		return r.number(&r.m.month, 1, 2)
	case partDay:
		return r.number(&r.m.day, 1, 2)
	case partHour, partHour12:
		r.hour12 = p.kind == partHour12
		return r.number(&r.hour, 1, 2)
	case partMinute:
		return r.number(&r.minute, 1, 2)
	case partSecond:
		return r.number(&r.second, 1, 2)
	}
	return r.readWord(p)
}

// readWord reads the parts that are no plain numbers.
func (r *partReader) readWord(p part) bool {
	switch p.kind {
	case partFraction:
		if p.text != "" && len(r.text) > 0 && (r.text[0] == '.' || r.text[0] == ',') {
			r.text = r.text[1:]
		}
		r.text = r.fraction.readFraction(r.text)
		return true
	case partHalf:
		if len(r.text) < 2 || r.text[1]|0x20 != 'm' || (r.text[0]|0x20 != 'a' && r.text[0]|0x20 != 'p') {
			return false
		}
		r.half, r.text = r.text[0]|0x20, r.text[2:]
		return true
	case partOffset:
		ok := r.m.readOffset(r.text)
		r.text = nil
		return ok
	case partUnix:
		n, err := entity.ParseScaled(r.text, 6)
		r.m.unix, r.m.instant, r.text = true, n, nil
		return err == nil
	case partMonthName:
		return r.readMonthName()
	default: // partSkipName
		word := r.word()
		return len(word) > 0
	}
}

func (r *partReader) number(into *int, least, most int) bool {
	for most == 2 && len(r.text) > 0 && r.text[0] == ' ' { // %e pads with a blank
		r.text = r.text[1:]
	}
	number, length, rest := leadingNumber(r.text, most)
	*into, r.text = number, rest
	return length >= least
}

func (r *partReader) word() []byte {
	n := 0
	for n < len(r.text) && (r.text[n]|0x20 >= 'a' && r.text[n]|0x20 <= 'z' || r.text[n] >= 0x80) {
		n++
	}
	word := r.text[:n]
	r.text = r.text[n:]
	return word
}

// monthStems are the first letters of the months in English and Russian.
var monthStems = [12][]string{
	{"jan", "янв"}, {"feb", "фев"}, {"mar", "мар"}, {"apr", "апр"}, {"may", "мая", "май"}, {"jun", "июн"},
	{"jul", "июл"}, {"aug", "авг"}, {"sep", "сен"}, {"oct", "окт"}, {"nov", "ноя"}, {"dec", "дек"},
}

func (r *partReader) readMonthName() bool {
	word := strings.ToLower(string(r.word()))
	for i, stems := range monthStems {
		for _, stem := range stems {
			if strings.HasPrefix(word, stem) {
				r.m.month = i + 1
				if len(r.text) > 0 && r.text[0] == '.' { // Sept.
					r.text = r.text[1:]
				}
				return true
			}
		}
	}
	return false
}

func (r *partReader) finishClock() bool {
	if r.half != 0 {
		if r.hour < 1 || r.hour > 12 {
			return false
		}
		r.hour %= 12
		if r.half == 'p' {
			r.hour += 12
		}
	}
	ok := r.m.setClock(r.hour, r.minute, r.second)
	r.m.micros += r.fraction.micros
	return ok
}

func cutText(text []byte, prefix string) ([]byte, bool) {
	if len(text) < len(prefix) || string(text[:len(prefix)]) != prefix {
		return text, false
	}
	return text[len(prefix):], true
}

// readUnix reads a count since 1970 UTC: of seconds with scale 6, of
// milliseconds with scale 3. A fraction is read to the microsecond.
func readUnix(scale int) Layout {
	return func(text []byte) (Moment, bool) {
		n, err := entity.ParseScaled(text, scale)
		return Moment{unix: true, instant: n}, err == nil
	}
}
