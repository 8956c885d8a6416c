package scaffold

import (
	"regexp"
	"strconv"
	"time"

	conversions "winback/connectors/mapping"
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
	{regexp.MustCompile(`^(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{6}$`), "%Y%m%d%H%M%S"},
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
		layout = namedLayout(values)
		return layout, layout != ""
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

// dayReader reads the days of values in a layout that layoutOf gave, as the connector does.
func dayReader(layout string) func(value string) (time.Time, bool) {
	read, err := conversions.ParseLayout(layout)
	if err != nil {
		return func(string) (time.Time, bool) { return time.Time{}, false }
	}
	utc := conversions.NewZone(time.UTC)
	return func(value string) (time.Time, bool) {
		moment, ok := read([]byte(value))
		if !ok {
			return time.Time{}, false
		}
		day, wrong := moment.DayOf(utc)
		return time.Unix(day*24*60*60, 0).UTC(), wrong == ""
	}
}

// dayOf is dayReader for one value.
func dayOf(value, layout string) (time.Time, bool) { return dayReader(layout)(value) }
