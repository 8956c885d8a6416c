package scaffold

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// written is a way of writing days whose text leaves no doubt, by the name the files connector has for it.
var written = []struct {
	looks  *regexp.Regexp
	layout string
}{
	{regexp.MustCompile(`^\d{4}-\d\d-\d\d(?:[T ].*)?$`), "iso"},
	{regexp.MustCompile(`^1\d{9}$`), "unix"},
	{regexp.MustCompile(`^1\d{12}$`), "unix_ms"},
	{regexp.MustCompile(`^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$`), "%Y%m%d"},
	{regexp.MustCompile(`^\d{4}/\d\d?/\d\d?$`), "%Y/%m/%d"},
	{regexp.MustCompile(`^\d{4}/\d\d?/\d\d? \d\d?:\d\d$`), "%Y/%m/%d %H:%M"},
	{regexp.MustCompile(`^\d{4}/\d\d?/\d\d? \d\d?:\d\d:\d\d$`), "%Y/%m/%d %H:%M:%S"},
	{regexp.MustCompile(`^\d{4}\.\d\d?\.\d\d?$`), "%Y.%m.%d"},
	{regexp.MustCompile(`^\d{4}\.\d\d?\.\d\d? \d\d?:\d\d$`), "%Y.%m.%d %H:%M"},
	{regexp.MustCompile(`^\d{4}\.\d\d?\.\d\d? \d\d?:\d\d:\d\d$`), "%Y.%m.%d %H:%M:%S"},
}

// yearLast is a day or month, the other one, and a year, perhaps with a time of twenty-four or of twelve hours.
var (
	yearLast    = regexp.MustCompile(`^(\d{1,2})([./-])(\d{1,2})[./-](\d{4}|\d{2})(?:,? \d{1,2}:\d\d(?::\d\d)?.*)?$`)
	twelveHours = regexp.MustCompile(`^\d{1,2}([./-])\d{1,2}[./-](\d{4}|\d{2})(,?) \d{1,2}:\d\d(:\d\d)? [AaPp][Mm]$`)
)

// layoutOf tells how a column writes days, "" when it holds none. certain is false when days and months could be the
// other way round.
func layoutOf(values []string) (layout string, certain bool) {
	for _, way := range written {
		if most(values, way.looks.MatchString) {
			return way.layout, true
		}
	}
	if !most(values, yearLast.MatchString) {
		return "", false
	}
	layout, certain = dayOrMonthFirst(values)
	if most(values, twelveHours.MatchString) {
		layout = twelveHourLayout(values, layout)
	}
	return layout, certain
}

// dayOrMonthFirst decides by a number that can be no month, else by the points that stand between them in the
// countries that write the day first.
func dayOrMonthFirst(values []string) (layout string, certain bool) {
	firstOver, secondOver, dotted := false, false, false
	for _, value := range values {
		parts := yearLast.FindStringSubmatch(value)
		if parts == nil {
			continue
		}
		first, _ := strconv.Atoi(parts[1])
		second, _ := strconv.Atoi(parts[3])
		firstOver, secondOver = firstOver || first > 12, secondOver || second > 12
		dotted = dotted || parts[2] == "."
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

func twelveHourLayout(values []string, order string) string {
	for _, value := range values {
		parts := twelveHours.FindStringSubmatch(value)
		if parts == nil {
			continue
		}
		mark, year, comma, seconds := parts[1], "%Y", parts[3], ""
		if len(parts[2]) == 2 {
			year = "%y"
		}
		if parts[4] != "" {
			seconds = ":%S"
		}
		day := "%d" + mark + "%m"
		if order == "mdy" {
			day = "%m" + mark + "%d"
		}
		return day + mark + year + comma + " %I:%M" + seconds + " %p"
	}
	return order
}

// dayOf reads the day of a value in a layout that layoutOf gave.
func dayOf(value, layout string) (time.Time, bool) {
	switch layout {
	case "unix", "unix_ms":
		if len(value) < 10 {
			return time.Time{}, false
		}
		seconds, err := strconv.ParseInt(value[:10], 10, 64)
		return time.Unix(seconds, 0).UTC().Truncate(24 * time.Hour), err == nil
	case "iso":
		if len(value) < 10 {
			return time.Time{}, false
		}
		at, err := time.Parse(time.DateOnly, value[:10])
		return at, err == nil
	case "dmy", "mdy":
		return dayOfNumbers(value, layout)
	}
	date, _, _ := strings.Cut(value, " ")
	pattern, _, _ := strings.Cut(layout, " ")
	names := strings.NewReplacer("%Y", "2006", "%y", "06", "%m", "1", "%d", "2", ",", "")
	if layout == "%Y%m%d" {
		pattern = "20060102"
	}
	at, err := time.Parse(names.Replace(pattern), strings.TrimSuffix(date, ","))
	return at, err == nil
}

func dayOfNumbers(value, layout string) (time.Time, bool) {
	parts := yearLast.FindStringSubmatch(value)
	if parts == nil || len(parts[4]) != 4 {
		return time.Time{}, false
	}
	day, month := parts[1], parts[3]
	if layout == "mdy" {
		day, month = month, day
	}
	at, err := time.Parse("2006-1-2", parts[4]+"-"+month+"-"+day)
	return at, err == nil
}
