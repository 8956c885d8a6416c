package files

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// numberKind is what a number in a cell means by its format.
type numberKind byte

const (
	plainNumberCell numberKind = iota
	dateCell                   // days since 1900 or 1904
	clockCell                  // a time of the day, or with a day before it
	elapsedCell                // hours that may be more than 24
)

// builtinFormat tells what the formats mean that every spreadsheet has by number.
func builtinFormat(id int) numberKind {
	switch {
	case id >= 14 && id <= 17, id == 22, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
		return dateCell
	case id >= 18 && id <= 21, id == 45, id == 47, id >= 32 && id <= 35, id == 55, id == 56:
		return clockCell
	case id == 46:
		return elapsedCell
	}
	return plainNumberCell
}

// formatKind tells from the code of a format, such as dd.mm.yyyy, what a number
// with it means.
func formatKind(code string) numberKind {
	if strings.EqualFold(code, "General") {
		return plainNumberCell
	}
	var letters strings.Builder
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '\\', '_', '*': // the next character is shown, or as much room left
			i++
		case '"', '[':
			closing := c
			if c == '[' {
				closing = ']'
			}
			end := strings.IndexByte(code[i+1:], closing)
			if end < 0 {
				end = len(code) - i - 1
			}
			inner := strings.ToLower(code[i+1 : i+1+end])
			if c == '[' && inner != "" && strings.Trim(inner, "hms") == "" {
				return elapsedCell
			}
			i += end + 1
		case ';':
			i = len(code) // further sections are for negative numbers and texts
		default:
			letters.WriteByte(c | 0x20)
		}
	}
	text := letters.String()
	switch {
	case strings.ContainsAny(text, "yd"), strings.Contains(text, "mmm"):
		return dateCell
	case strings.ContainsAny(text, "hs"):
		return clockCell
	case strings.Contains(text, "m") && !strings.ContainsAny(text, "0#?"):
		return dateCell
	}
	return plainNumberCell
}

// significant is how many digits of a number a spreadsheet has and shows; those
// behind them are of its binary form: 0.1+0.2 is stored as 0.30000000000000004.
const significant = 15

// cellNumber writes the number that a cell's raw text means, as digits without
// exponent. ok is false when it is no number.
func cellNumber(raw []byte) (text string, ok bool) {
	if isWhole(raw) {
		return string(raw), true
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) || bytes.ContainsAny(raw, "xXpP_") {
		return "", false
	}
	if countDigits(raw) > significant {
		n, _ = strconv.ParseFloat(strconv.FormatFloat(n, 'e', significant-1, 64), 64) // it is a number
	}
	if n == 0 {
		return "0", true // no minus
	}
	return strconv.FormatFloat(n, 'f', -1, 64), true
}

// isWhole says that a text is a whole number as JSON has it. Such numbers keep all
// their digits: they may be ids.
func isWhole(raw []byte) bool {
	digits, _ := bytes.CutPrefix(raw, []byte("-"))
	if len(digits) == 0 || len(digits) > 1 && digits[0] == '0' || len(digits) > 40 {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return string(raw) != "-0"
}

// countDigits counts the significant digits of a number.
func countDigits(raw []byte) int {
	mantissa, _, _ := bytes.Cut(bytes.ToLower(raw), []byte("e"))
	n := 0
	for _, c := range mantissa {
		if c >= '1' && c <= '9' || c == '0' && n > 0 {
			n++
		}
	}
	return n
}

// lastSerial is the last day a spreadsheet knows, in the year 9999.
const lastSerial = 2_958_466

// cellTime writes a count of days as the time that the cell shows, to the
// millisecond. ok is false when the number is no time.
func cellTime(serial float64, kind numberKind, date1904 bool) (text string, ok bool) {
	if serial < 0 || serial >= lastSerial || math.IsNaN(serial) {
		return "", false
	}
	const perDay = 24 * 3600 * 1000
	days := math.Floor(serial)
	millis := int64(math.Round((serial - days) * perDay))
	if millis == perDay {
		days, millis = days+1, 0
	}
	if kind == elapsedCell {
		total := int64(days)*perDay + millis
		return clockText(total/3_600_000, total%3_600_000), true
	}
	clock := clockText(millis/3_600_000, millis%3_600_000)
	if kind == clockCell && days == 0 {
		return clock, true
	}
	day := serialDay(int(days), date1904)
	if millis == 0 {
		return day, true
	}
	return day + " " + clock, true
}

// serialDay writes the day of a serial number. The spreadsheets of 1900 count a
// 29 February that the year did not have.
func serialDay(days int, date1904 bool) string {
	begin := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case date1904:
		begin = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case days == 60:
		return "1900-02-29"
	case days < 60:
		days++
	}
	return begin.AddDate(0, 0, days).Format(time.DateOnly)
}

// clockText writes hours and the milliseconds after them.
func clockText(hours, millis int64) string {
	text := pad(hours) + ":" + pad(millis/60_000) + ":" + pad(millis/1000%60)
	if rest := millis % 1000; rest > 0 {
		text += "." + strings.TrimRight(strconv.FormatInt(1000+rest, 10)[1:], "0")
	}
	return text
}

func pad(n int64) string {
	if n < 10 {
		return "0" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}

// unescapeCell resolves _x000D_ and the like, as which spreadsheets write
// characters that XML does not have.
func unescapeCell(text []byte) []byte {
	at := bytes.Index(text, []byte("_x"))
	if at < 0 {
		return text
	}
	out := append([]byte(nil), text[:at]...)
	for rest := text[at:]; len(rest) > 0; {
		if len(rest) >= 7 && rest[0] == '_' && rest[1] == 'x' && rest[6] == '_' {
			if n, err := strconv.ParseUint(string(rest[2:6]), 16, 16); err == nil && n > 0 {
				out = utf8.AppendRune(out, rune(n))
				rest = rest[7:]
				continue
			}
		}
		out = append(out, rest[0])
		rest = rest[1:]
	}
	return out
}
