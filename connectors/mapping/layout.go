package mapping

import (
	"fmt"
	"strings"
)

// Moment is a time as written: a local day and time, and the offset if one
// stands with it.
type Moment struct {
	year, month, day int
	micros           int64 // of the day
	offset           int64 // seconds east of UTC
	hasOffset        bool
	unix             bool  // instant holds the time
	instant          int64 // microseconds since 1970 UTC
}

// Layout reads one way of writing times. ok is false when the text is not
// written so; whether there is such a day is judged later.
type Layout func(text []byte) (m Moment, ok bool)

// ParseLayout returns the layout of that name or pattern.
func ParseLayout(text string) (Layout, error) {
	switch text {
	case "iso":
		return ReadISO, nil
	case "dmy":
		return readNumbers(0, 1), nil
	case "mdy":
		return readNumbers(1, 0), nil
	case "unix":
		return readUnix(6), nil
	case "unix_ms":
		return readUnix(3), nil
	}
	var parts []part
	var err error
	if strings.Contains(text, "%") {
		parts, err = strftimeParts(text)
	} else {
		parts, err = goParts(text)
	}
	if err != nil {
		return nil, err
	}
	if !hasDate(parts) {
		return nil, fmt.Errorf("layout %q has no year, month and day; write iso, dmy, mdy, unix, unix_ms, %%d.%%m.%%Y or 02.01.2006", text)
	}
	if last := len(parts) - 1; parts[last] == (part{text: "Z"}) {
		parts[last] = part{kind: partOffset} // T15:04:05Z says UTC, though the pattern means a letter
	}
	return readParts(parts), nil
}

func hasDate(parts []part) bool {
	var year, month, day bool
	for _, p := range parts {
		year = year || p.kind == partYear || p.kind == partYear2 || p.kind == partUnix
		month = month || p.kind == partMonth || p.kind == partMonthName || p.kind == partUnix
		day = day || p.kind == partDay || p.kind == partUnix
	}
	return year && month && day
}

// digits2 reads two digits; the result is negative if they are none.
func digits2(text []byte) int {
	a, b := text[0]-'0', text[1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

// ReadISO reads 2011-12-09, optionally followed by a time after a blank or T,
// seconds, a fraction and an offset: Z, UTC, +0530, +05:30, +05.
func ReadISO(text []byte) (m Moment, ok bool) {
	if len(text) < 10 || text[4] != '-' || text[7] != '-' {
		return m, false
	}
	century, year, month, day := digits2(text), digits2(text[2:]), digits2(text[5:]), digits2(text[8:])
	if century|year|month|day < 0 {
		return m, false
	}
	m.year, m.month, m.day = century*100+year, month, day
	if len(text) == 10 {
		return m, true
	}
	if c := text[10]; c != ' ' && c != 'T' && c != 't' {
		return m, false
	}
	return m, m.readClock(text[11:])
}

// readClock reads 15:04, with optional seconds, fraction and offset.
func (m *Moment) readClock(text []byte) bool {
	if len(text) < 4 {
		return false
	}
	if text[1] == ':' { // 9:05
		text = append(append(make([]byte, 0, len(text)+1), '0'), text...)
	}
	if len(text) < 5 || text[2] != ':' {
		return false
	}
	hour, minute, second := digits2(text), digits2(text[3:]), 0
	rest := text[5:]
	if len(rest) >= 3 && rest[0] == ':' {
		second, rest = digits2(rest[1:]), rest[3:]
	}
	if hour|minute|second < 0 || !m.setClock(hour, minute, second) {
		return false
	}
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		rest = m.readFraction(rest[1:])
	}
	return len(rest) == 0 || m.readOffset(rest)
}

func (m *Moment) setClock(hour, minute, second int) bool {
	if hour > 23 || minute > 59 || second > 59 {
		return false
	}
	m.micros = int64(hour*3600+minute*60+second) * microsPerSecond
	return true
}

// readFraction reads digits as the fraction of a second, cut to microseconds,
// and returns what follows them.
func (m *Moment) readFraction(text []byte) []byte {
	unit := int64(100_000)
	for len(text) > 0 && text[0] >= '0' && text[0] <= '9' {
		m.micros += int64(text[0]-'0') * unit
		unit /= 10
		text = text[1:]
	}
	return text
}

// readOffset reads Z, UTC, GMT, +05, +0530 or +05:30, blanks before it allowed.
func (m *Moment) readOffset(text []byte) bool {
	for len(text) > 0 && text[0] == ' ' {
		text = text[1:]
	}
	switch string(text) {
	case "Z", "z", "UTC", "GMT":
		m.hasOffset = true
		return true
	}
	if len(text) < 3 || (text[0] != '+' && text[0] != '-') {
		return false
	}
	hours, minutes, rest := digits2(text[1:]), 0, text[3:]
	if len(rest) > 0 && rest[0] == ':' {
		rest = rest[1:]
	}
	switch {
	case len(rest) == 2:
		minutes = digits2(rest)
	case len(rest) != 0 || text[len(text)-1] == ':':
		return false
	}
	if hours|minutes < 0 || hours > 15 || minutes > 59 {
		return false
	}
	m.offset, m.hasOffset = int64(hours*3600+minutes*60), true
	if text[0] == '-' {
		m.offset = -m.offset
	}
	return true
}

// readNumbers reads dates of three numbers with . - or / between them,
// such as 9.12.2011, and an optional time. The year comes last; the arguments are
// the places of day and month.
func readNumbers(dayAt, monthAt int) Layout {
	const yearAt = 2
	return func(text []byte) (m Moment, ok bool) {
		var numbers, lengths [3]int
		for i := range numbers {
			if i > 0 {
				if len(text) == 0 || (text[0] != '.' && text[0] != '-' && text[0] != '/') {
					return m, false
				}
				text = text[1:]
			}
			numbers[i], lengths[i], text = leadingNumber(text, 4)
			if lengths[i] == 0 {
				return m, false
			}
		}
		if lengths[dayAt] > 2 || lengths[monthAt] > 2 || (lengths[yearAt] != 4 && lengths[yearAt] != 2) {
			return m, false
		}
		m.year, m.month, m.day = numbers[yearAt], numbers[monthAt], numbers[dayAt]
		if lengths[yearAt] == 2 {
			m.year = fullYear(m.year)
		}
		if len(text) == 0 {
			return m, true
		}
		if text[0] == ',' {
			text = text[1:]
		}
		if len(text) == 0 || (text[0] != ' ' && text[0] != 'T') {
			return m, false
		}
		return m, m.readClock(text[1:])
	}
}

// leadingNumber reads up to most digits.
func leadingNumber(text []byte, most int) (number, length int, rest []byte) {
	for length < len(text) && length < most && text[length] >= '0' && text[length] <= '9' {
		number = number*10 + int(text[length]-'0')
		length++
	}
	return number, length, text[length:]
}

// fullYear gives a year of two digits its century: 69 to 99 are of the last one,
// as POSIX has it.
func fullYear(year int) int {
	if year >= 69 {
		return 1900 + year
	}
	return 2000 + year
}
