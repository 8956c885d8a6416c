package scaffold

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// clockLooks is a time of day, perhaps of twelve hours.
var clockLooks = regexp.MustCompile(`^\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?$`)

// dayWords are parts of headers of days, and what stands in their place in those of the times of these days.
var dayWords = strings.NewReplacer("date", "time", "day", "time", "дата", "время", "день", "время")

// takeClocks finds the columns that hold the time of day to the columns of days that are mapped.
func (g *guess) takeClocks() {
	columns := g.mapped()
	for _, m := range columns {
		if m.kind != timestamp || g.clocks[m.column] != "" || inList(m.column) {
			continue
		}
		clock := g.table.clockOf(m.column)
		if clock == "" || slices.Contains(g.used(), clock) {
			continue
		}
		if g.table.hasGaps(clock, m.column) {
			g.doubts = append(g.doubts, fmt.Sprintf("%s has the time of day to %s, but not in every row, so the day alone was taken", oneLine([]string{clock}), oneLine([]string{m.column})))
			continue
		}
		clocks := map[string]string{m.column: clock}
		maps.Copy(clocks, g.clocks)
		if times := g.table.times(m.column, clocks); all(times, daysOf(times).read()) {
			g.clocks = clocks
		}
	}
}

// clockOf is the column with the time of day to a column of days, "" if there is none: it is called as that is, or
// simply the time.
func (t *table) clockOf(day string) string {
	if slices.ContainsFunc(t.values(day), func(value string) bool { return strings.Contains(value, ":") }) {
		return ""
	}
	for _, name := range []string{dayWords.Replace(normal(day)), "time", "timeofday", "время"} {
		column := t.column(name)
		if values := t.values(column); column != "" && column != day && all(values, clockLooks.MatchString) {
			return column
		}
	}
	return ""
}

// hasGaps tells whether a row has no value in one column and one in another.
func (t *table) hasGaps(column, with string) bool {
	at, other := slices.Index(t.columns, column), slices.Index(t.columns, with)
	return slices.ContainsFunc(t.rows, func(row []string) bool {
		has := func(i int) bool {
			return i < len(row) && strings.TrimSpace(row[i]) != "" && !isNull(strings.TrimSpace(row[i]))
		}
		return has(other) && !has(at)
	})
}
