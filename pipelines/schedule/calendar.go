package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Calendar tells the times of a cron line in a time zone, as cron does on the two
// days a year on which clocks change. A line that names hours runs once for each
// time of the clock: one that is skipped is made up for, as much later as the
// clocks jumped; one that comes twice counts once. A line for every hour goes by
// real time.
type Calendar struct {
	zone   *time.Location
	real   cron.Schedule // by real time; nil for a line that names hours
	onWall cron.Schedule // in UTC: its times are those of the clock on the wall
}

// ParseCron reads a line of five fields — minute, hour, day of the month, month,
// day of the week — or a word such as @daily.
func ParseCron(line string, zone *time.Location) (*Calendar, error) {
	if strings.Contains(line, "TZ=") {
		return nil, errors.New("the time zone is the project's")
	}
	if strings.HasPrefix(line, "@every") {
		return nil, errors.New("wants times of the clock; for an interval there is the key every")
	}
	onWall, err := cron.ParseStandard("CRON_TZ=UTC " + line)
	if err != nil {
		return nil, fmt.Errorf(`wants minute, hour, day, month and weekday, such as "15 2 * * *" or "0 7 * * MON": %w`, err)
	}
	c := &Calendar{zone: zone, onWall: onWall}
	if fields := strings.Fields(line); line == "@hourly" || len(fields) > 1 && strings.HasPrefix(fields[1], "*") {
		if c.real, err = cron.ParseStandard("CRON_TZ=" + zone.String() + " " + line); err != nil {
			return nil, err
		}
	}
	if c.Next(time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("%q is a day that never comes", line)
	}
	return c, nil
}

// Next is the first time after t, or zero when there is none within years.
func (c *Calendar) Next(t time.Time) time.Time {
	if c.real != nil {
		return c.real.Next(t.In(c.zone))
	}
	for wall := onTheWall(t, c.zone); ; {
		if wall = c.onWall.Next(wall); wall.IsZero() {
			return wall
		}
		if at := c.instant(wall); at.After(t) {
			return at
		}
	}
}

// instant is the first moment at which the clock on the wall shows a time, or
// would if it did not skip it.
func (c *Calendar) instant(wall time.Time) time.Time {
	_, before := wall.Add(-24 * time.Hour).In(c.zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(c.zone).Zone()
	first := wall.Add(-time.Duration(before) * time.Second).In(c.zone)
	second := wall.Add(-time.Duration(after) * time.Second).In(c.zone)
	if !onTheWall(first, c.zone).Equal(wall) && onTheWall(second, c.zone).Equal(wall) {
		return second
	}
	return first
}

// Latest is the last time up to and including now, and after the other; zero when
// there is none.
func (c *Calendar) Latest(after, now time.Time) time.Time {
	var latest time.Time
	// From near to far, so that a line for every minute is not walked for years.
	for _, back := range []time.Duration{time.Hour, 26 * time.Hour, 8 * 24 * time.Hour, 33 * 24 * time.Hour, 367 * 24 * time.Hour, 9 * 366 * 24 * time.Hour} {
		for t := c.Next(now.Add(-back)); !t.IsZero() && !t.After(now); t = c.Next(t) {
			latest = t
		}
		if !latest.IsZero() {
			break
		}
	}
	if !latest.After(after) {
		return time.Time{}
	}
	return latest
}

// onTheWall is the time that the zone's clock shows at an instant, as a time in UTC.
func onTheWall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// IsValid is there for the scheduling library; ParseCron has looked already.
func (c *Calendar) IsValid(string, *time.Location, time.Time) error { return nil }
