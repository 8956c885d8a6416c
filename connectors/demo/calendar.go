package demo

import "time"

// A calendar says how busy each day of the history is, 1000 being an average
// day. Customers count their pauses in this busy time, so that more of them end
// before Christmas than in July.
type calendar struct {
	// upTo[d] is the busy time before day d; one longer than the days.
	upTo []int64
}

// rhythm is how a clientele spreads its orders, 100 being average.
type rhythm struct {
	months   [12]int // January first
	weekdays [7]int  // Sunday first
	hours    [24]int
	holidays func(time.Time) int // factor of special days
}

var privateRhythm = rhythm{
	months:   [12]int{82, 88, 101, 97, 95, 88, 78, 76, 99, 104, 124, 168},
	weekdays: [7]int{108, 102, 96, 94, 95, 98, 107},
	hours:    [24]int{1, 0, 0, 0, 0, 0, 1, 3, 5, 6, 7, 7, 8, 7, 6, 6, 7, 8, 10, 12, 13, 12, 8, 4},
	holidays: func(day time.Time) int {
		switch {
		case day.Month() == time.November && day.Weekday() == time.Friday && day.Day() >= 23 && day.Day() <= 29:
			return 240
		case day.Month() == time.December && (day.Day() == 24 || day.Day() == 25 || day.Day() == 31):
			return 35
		case day.Month() == time.January && day.Day() == 1:
			return 20
		}
		return 100
	},
}

var businessRhythm = rhythm{
	months:   [12]int{80, 98, 106, 102, 97, 96, 84, 84, 107, 109, 111, 126},
	weekdays: [7]int{6, 152, 146, 139, 135, 108, 14},
	hours:    [24]int{0, 0, 0, 0, 0, 0, 1, 3, 8, 14, 16, 14, 10, 9, 13, 12, 9, 5, 2, 1, 0, 0, 0, 0},
	holidays: func(day time.Time) int {
		if month, date := day.Month(), day.Day(); month == time.December && date >= 24 || month == time.January && date <= 2 {
			return 12
		}
		return 100
	},
}

// newCalendar lays the rhythm over days days from start on.
func newCalendar(r rhythm, start time.Time, days int) *calendar {
	c := &calendar{upTo: make([]int64, days+1)}
	for d := range days {
		day := start.AddDate(0, 0, d)
		busy := r.months[day.Month()-1] * r.weekdays[day.Weekday()] * r.holidays(day)
		c.upTo[d+1] = c.upTo[d] + int64(busy)/1000
	}
	return c
}

// day returns the day that a busy time falls on, looking from a day on, or the
// number of days if it is after the last one.
func (c *calendar) day(busy int64, from int) int {
	for from+1 < len(c.upTo) && c.upTo[from+1] <= busy {
		from++
	}
	return from
}

// clock draws the second of a day.
type clock struct{ hours *quantiles }

func newClock(r rhythm) clock { return clock{weighted(r.hours[:])} }

func (c clock) second(d *dice) int { return int(d.from(c.hours))*3600 + d.below(3600) }
