// Package ask puts a dashboard's questions to the warehouse as Grafana's
// ClickHouse plugin does: time ranges, variables, macros, and rows made into
// frames.
package ask

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"winback/dashboards/board"
)

// Range is what a panel looks at.
type Range struct{ From, To time.Time }

// ParseRange computes a range written in Grafana's date arithmetic. Whole units
// (now-1M/M) begin and end in the zone.
func ParseRange(r board.TimeRange, now time.Time, zone *time.Location) (Range, error) {
	from, err := parseMoment(r.From, now.In(zone), false)
	if err != nil {
		return Range{}, err
	}
	to, err := parseMoment(r.To, now.In(zone), true)
	return Range{from, to}, err
}

var step = regexp.MustCompile(`^([+-])(\d+)([smhdwMQy])|^(/)([smhdwMQy])`)

// parseMoment reads now, now-7d, now/d, now-1M/M. Rounding goes to the beginning
// of the unit, or to its end.
func parseMoment(text string, now time.Time, end bool) (time.Time, error) {
	if len(text) < 3 || text[:3] != "now" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return time.Time{}, fmt.Errorf("read the moment %q: it is neither now with steps, such as now-12M/M, nor a date", text)
		}
		return at, nil
	}
	at := now
	for rest := text[3:]; rest != ""; {
		found := step.FindStringSubmatch(rest)
		if found == nil {
			return time.Time{}, fmt.Errorf("read the moment %q: %q is no step such as -12M or /M", text, rest)
		}
		if found[4] == "/" {
			at = round(at, found[5], end)
		} else {
			n, _ := strconv.Atoi(found[1] + found[2])
			at = move(at, n, found[3])
		}
		rest = rest[len(found[0]):]
	}
	return at, nil
}

func move(at time.Time, n int, unit string) time.Time {
	switch unit {
	case "s":
		return at.Add(time.Duration(n) * time.Second)
	case "m":
		return at.Add(time.Duration(n) * time.Minute)
	case "h":
		return at.Add(time.Duration(n) * time.Hour)
	case "d":
		return at.AddDate(0, 0, n)
	case "w":
		return at.AddDate(0, 0, 7*n)
	case "Q":
		n *= 3
	case "y":
		n *= 12
	}
	return addMonths(at, n)
}

// addMonths keeps the day, or takes the month's last one.
func addMonths(at time.Time, n int) time.Time {
	moved := at.AddDate(0, n, 0)
	if moved.Day() != at.Day() {
		moved = moved.AddDate(0, 0, -moved.Day())
	}
	return moved
}

func round(at time.Time, unit string, end bool) time.Time {
	y, m, d := at.Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, at.Location())
	start := map[string]time.Time{
		"s": at.Truncate(time.Second), "m": at.Truncate(time.Minute), "h": time.Date(y, m, d, at.Hour(), 0, 0, 0, at.Location()), "d": day,
		"w": day.AddDate(0, 0, -(int(day.Weekday())+6)%7), "M": day.AddDate(0, 0, 1-d), "Q": time.Date(y, m-(m-1)%3, 1, 0, 0, 0, 0, at.Location()),
		"y": time.Date(y, 1, 1, 0, 0, 0, 0, at.Location()),
	}[unit]
	if !end {
		return start
	}
	return move(start, 1, unit).Add(-time.Millisecond)
}

// intervals are the steps that Grafana rounds to: below the limit, the result.
var intervals = []struct{ below, is time.Duration }{
	{10 * time.Millisecond, time.Millisecond}, {15 * time.Millisecond, 10 * time.Millisecond}, {35 * time.Millisecond, 20 * time.Millisecond},
	{75 * time.Millisecond, 50 * time.Millisecond}, {150 * time.Millisecond, 100 * time.Millisecond}, {350 * time.Millisecond, 200 * time.Millisecond},
	{750 * time.Millisecond, 500 * time.Millisecond}, {1500 * time.Millisecond, time.Second}, {3500 * time.Millisecond, 2 * time.Second},
	{7500 * time.Millisecond, 5 * time.Second}, {12500 * time.Millisecond, 10 * time.Second}, {17500 * time.Millisecond, 15 * time.Second},
	{25 * time.Second, 20 * time.Second}, {45 * time.Second, 30 * time.Second}, {90 * time.Second, time.Minute}, {210 * time.Second, 2 * time.Minute},
	{450 * time.Second, 5 * time.Minute}, {750 * time.Second, 10 * time.Minute}, {1050 * time.Second, 15 * time.Minute},
	{25 * time.Minute, 20 * time.Minute}, {45 * time.Minute, 30 * time.Minute}, {90 * time.Minute, time.Hour}, {150 * time.Minute, 2 * time.Hour},
	{270 * time.Minute, 3 * time.Hour}, {9 * time.Hour, 6 * time.Hour}, {24 * time.Hour, 12 * time.Hour}, {7 * 24 * time.Hour, 24 * time.Hour},
	{21 * 24 * time.Hour, 7 * 24 * time.Hour}, {math.MaxInt64, 30 * 24 * time.Hour},
}

// Interval is the step between points when a range is drawn with at most so many
// of them, and not below the least step.
func (r Range) Interval(points int, least time.Duration) time.Duration {
	if points <= 0 {
		points = 1000
	}
	raw := max(r.To.Sub(r.From)/time.Duration(points), least)
	for _, i := range intervals {
		if raw < i.below {
			return max(i.is, least)
		}
	}
	return raw
}

// intervalText writes a step in its largest whole unit, as $__interval has it.
func intervalText(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d >= u.unit {
			return fmt.Sprintf("%d%s", d/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

var least = regexp.MustCompile(`^>?(\d+)(ms|[smhdwMy])$`)

// leastInterval reads a panel's smallest step, such as 1h; 0 for none.
func leastInterval(text string) time.Duration {
	found := least.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1])
	units := map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
		"M": 30 * 24 * time.Hour, "y": 365 * 24 * time.Hour,
	}
	return time.Duration(n) * units[found[2]]
}
