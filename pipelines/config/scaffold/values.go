package scaffold

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	isoDay     = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?$`)
	splitDay   = regexp.MustCompile(`^(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})(?:[T ,].*)?$`)
	unixTime   = regexp.MustCompile(`^\d{10}(\d{3})?$`)
	pointed    = regexp.MustCompile(`^[-+]?\d+(\.\d+)?$`)
	commaed    = regexp.MustCompile(`^[-+]?\d+,\d+$`)
	groups     = regexp.MustCompile(`^[-+]?\d{1,3}([ '\x{a0}\x{202f}.,])\d{3}`)
	trailing0  = regexp.MustCompile(`^\d+\.0$`)
	lettersNum = regexp.MustCompile(`^C\d+$`)
)

// most tells whether at least nine in ten of the values satisfy a rule; none at all do.
func most(values []string, fits func(string) bool) bool {
	good := 0
	for _, value := range values {
		if fits(value) {
			good++
		}
	}
	return good*10 >= len(values)*9
}

// layoutOf tells how a column writes days: iso, dmy, mdy, unix or unix_ms, "" when it holds none. certain is false
// when days and months could be the other way round.
func layoutOf(values []string) (layout string, certain bool) {
	switch {
	case most(values, isoDay.MatchString):
		return "iso", true
	case most(values, unixTime.MatchString):
		if len(values[0]) == 13 {
			return "unix_ms", true
		}
		return "unix", true
	case !most(values, splitDay.MatchString):
		return "", false
	}
	firstOver, secondOver, dotted := false, false, false
	for _, value := range values {
		if parts := splitDay.FindStringSubmatch(value); parts != nil {
			first, _ := strconv.Atoi(parts[1])
			second, _ := strconv.Atoi(parts[2])
			firstOver, secondOver = firstOver || first > 12, secondOver || second > 12
			dotted = dotted || strings.Contains(value[:3], ".")
		}
	}
	switch {
	case firstOver || dotted:
		return "dmy", true
	case secondOver:
		return "mdy", true
	default:
		return "dmy", false
	}
}

// dayOf reads the day of a value in a layout.
func dayOf(value, layout string) (time.Time, bool) {
	var year, month, day string
	switch layout {
	case "iso":
		if p := isoDay.FindStringSubmatch(value); p != nil {
			year, month, day = p[1], p[2], p[3]
		}
	case "dmy", "mdy":
		if p := splitDay.FindStringSubmatch(value); p != nil && len(p[3]) == 4 {
			year, month, day = p[3], p[2], p[1]
			if layout == "mdy" {
				month, day = p[1], p[2]
			}
		}
	case "unix", "unix_ms":
		if unixTime.MatchString(value) {
			seconds, _ := strconv.ParseInt(value[:10], 10, 64)
			return time.Unix(seconds, 0).UTC().Truncate(24 * time.Hour), true
		}
	}
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(day)
	at := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return at, year != "" && at.Day() == d && int(at.Month()) == m
}

// numbers tells how a column writes numbers.
type numbers struct {
	comma     bool   // a decimal comma
	thousands string // what groups digits, "" for nothing
}

// numbersOf finds out how numbers are written; false when the column holds something else.
func numbersOf(values []string) (numbers, bool) {
	var n numbers
	for _, value := range values {
		if p := groups.FindStringSubmatch(value); p != nil && isGrouping(p[1], values) {
			n.thousands = p[1]
			break
		}
	}
	plain := make([]string, len(values))
	for i, value := range values {
		plain[i] = value
		if n.thousands != "" {
			plain[i] = strings.ReplaceAll(value, n.thousands, "")
		}
	}
	if slices.ContainsFunc(plain, commaed.MatchString) {
		n.comma = true
	}
	return n, most(plain, func(value string) bool {
		return pointed.MatchString(value) || n.comma && commaed.MatchString(value)
	})
}

// isGrouping tells a grouping 1,234.56 from a decimal comma 1,234: a point or comma groups only where some value also
// has the other one after it.
func isGrouping(mark string, values []string) bool {
	other := map[string]string{",": ".", ".": ","}[mark]
	if other == "" {
		return true
	}
	return slices.ContainsFunc(values, func(value string) bool {
		return strings.Contains(value, mark) && strings.LastIndex(value, other) > strings.LastIndex(value, mark)
	})
}
