package ask

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// SQL returns the statement that the plugin would send for a panel's query: the
// conditions and variables that the browser replaces, then the macros that the
// plugin expands.
func (s State) SQL(query string) (string, error) {
	return s.expand(s.Interpolate(s.conditionalAll(query)))
}

// macro expands to SQL; args is how many arguments it takes.
type macro struct {
	args   int
	expand func(s State, args []string) (string, error)
}

var macros = map[string]macro{
	"timeFilter": {1, func(s State, a []string) (string, error) {
		return fmt.Sprintf("%s >= toDateTime(%d) AND %[1]s <= toDateTime(%[3]d)", a[0], s.Range.From.Unix(), s.Range.To.Unix()), nil
	}},
	"timeFilter_ms": {1, func(s State, a []string) (string, error) {
		return fmt.Sprintf("%s >= %s AND %[1]s <= %[3]s", a[0], milli(s.Range.From), milli(s.Range.To)), nil
	}},
	"dateFilter":     {1, func(s State, a []string) (string, error) { return s.dates(a[0]), nil }},
	"dateTimeFilter": {2, dateTimeFilter},
	"dt":             {2, dateTimeFilter},
	"fromTime": {0, func(s State, _ []string) (string, error) {
		return fmt.Sprintf("toDateTime(%d)", s.Range.From.Unix()), nil
	}},
	"toTime": {0, func(s State, _ []string) (string, error) {
		return fmt.Sprintf("toDateTime(%d)", s.Range.To.Unix()), nil
	}},
	"fromTime_ms": {0, func(s State, _ []string) (string, error) { return milli(s.Range.From), nil }},
	"toTime_ms":   {0, func(s State, _ []string) (string, error) { return milli(s.Range.To), nil }},
	"timeFrom": {1, func(s State, a []string) (string, error) {
		return fmt.Sprintf("%s >= toDateTime(%d)", a[0], s.Range.From.Unix()), nil
	}},
	"timeTo": {1, func(s State, a []string) (string, error) {
		return fmt.Sprintf("%s <= toDateTime(%d)", a[0], s.Range.To.Unix()), nil
	}},
	"timeInterval": {1, func(s State, a []string) (string, error) {
		return fmt.Sprintf("toStartOfInterval(toDateTime(%s), INTERVAL %d second)", a[0], s.seconds()), nil
	}},
	"timeInterval_ms": {1, func(s State, a []string) (string, error) {
		return fmt.Sprintf("toStartOfInterval(toDateTime64(%s, 3), INTERVAL %d millisecond)", a[0], max(s.Interval.Milliseconds(), 1)), nil
	}},
	"timeGroup": {2, func(_ State, a []string) (string, error) {
		width, err := time.ParseDuration(strings.Trim(a[1], `'"`))
		if err != nil {
			return "", fmt.Errorf("could not apply macros: $__timeGroup wants a width such as 5m, got %s", a[1])
		}
		return fmt.Sprintf("toStartOfInterval(toDateTime(%s), INTERVAL %d second)", a[0], int64(width.Seconds())), nil
	}},
	"interval_s": {0, func(s State, _ []string) (string, error) { return fmt.Sprint(s.seconds()), nil }},
}

func dateTimeFilter(s State, a []string) (string, error) {
	return fmt.Sprintf("(%s) AND (%s >= toDateTime(%d) AND %[2]s <= toDateTime(%[4]d))", s.dates(a[0]), a[1], s.Range.From.Unix(), s.Range.To.Unix()), nil
}

func milli(at time.Time) string { return fmt.Sprintf("fromUnixTimestamp64Milli(%d)", at.UnixMilli()) }

func (s State) seconds() int64 { return max(int64(s.Interval.Seconds()), 1) }

func (s State) dates(column string) string {
	return fmt.Sprintf("%s >= toDate('%s') AND %[1]s <= toDate('%[3]s')", column, s.Range.From.UTC().Format(time.DateOnly), s.Range.To.UTC().Format(time.DateOnly))
}

var macroName = regexp.MustCompile(`\$__([A-Za-z0-9_]+)`)

// expand replaces macros from the last to the first, so that one inside another's
// arguments is done before it. Unknown names stay.
func (s State) expand(sql string) (string, error) {
	if !strings.Contains(sql, "$__") {
		return sql, nil
	}
	sql = blankComments(sql)
	found := macroName.FindAllStringSubmatchIndex(sql, -1)
	slices.Reverse(found)
	for _, at := range found {
		m, known := macros[sql[at[2]:at[3]]]
		if !known {
			continue
		}
		args, length, called := arguments(sql[at[1]:])
		if !called {
			args, length = nil, 0
		}
		if m.args == 0 && len(args) == 0 && called && length > 2 {
			length = 0 // the brackets belong to something else
		}
		if len(args) != m.args {
			return "", fmt.Errorf("could not apply macros: $__%s takes %d arguments, got %d", sql[at[2]:at[3]], m.args, len(args))
		}
		text, err := m.expand(s, args)
		if err != nil {
			return "", err
		}
		sql = sql[:at[0]] + text + sql[at[1]+length:]
	}
	return sql, nil
}

// blankComments puts spaces in the place of comments, as the plugin does.
func blankComments(sql string) string {
	out := []byte(sql)
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '\'' || c == '"' || c == '`':
			i = skipQuoted(out, i)
		case c == '-' && i+1 < len(out) && out[i+1] == '-':
			for ; i < len(out) && out[i] != '\n'; i++ {
				out[i] = ' '
			}
		case c == '/' && i+1 < len(out) && out[i+1] == '*':
			end := strings.Index(string(out[i+2:]), "*/")
			stop := len(out)
			if end >= 0 {
				stop = i + 2 + end + 2
			}
			for ; i < stop; i++ {
				out[i] = ' '
			}
			i--
		}
	}
	return string(out)
}

// skipQuoted returns the place of the quote that ends what begins at i.
func skipQuoted(text []byte, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		if text[i] == '\\' {
			i++
		} else if text[i] == quote {
			return i
		}
	}
	return len(text)
}
