package mapping

import "time"

const (
	microsPerSecond = 1_000_000
	secondsPerDay   = 86_400
	microsPerDay    = secondsPerDay * microsPerSecond
)

// Zone turns local times into instants. It remembers the offset of days, so that
// most times cost an addition. It is not for use by several goroutines.
type Zone struct {
	loc  *time.Location
	days [512]zoneDay
}

// zoneDay is what is known of a local day.
type zoneDay struct {
	day     int64 // + 1, so that the zero value is no day
	offset  int64 // seconds east of UTC
	uniform bool  // all day long
}

// NewZone returns the zone of a location.
func NewZone(loc *time.Location) *Zone { return &Zone{loc: loc} }

// Instant returns the microseconds since 1970 UTC of a local time, given as days
// since 1970 and microseconds of the day.
func (z *Zone) Instant(day, micros int64) int64 {
	d := &z.days[uint64(day)%uint64(len(z.days))]
	if d.day != day+1 {
		z.learn(d, day)
	}
	if d.uniform {
		return day*microsPerDay + micros - d.offset*microsPerSecond
	}
	return z.onChangingDay(day, micros)
}

func (z *Zone) learn(d *zoneDay, day int64) {
	d.day, d.offset = day+1, z.OffsetAt(day*secondsPerDay-secondsPerDay/2)
	d.uniform = d.offset == z.OffsetAt(day*secondsPerDay+secondsPerDay+secondsPerDay/2)
}

// OffsetAt returns the zone's offset at an instant in seconds since 1970 UTC.
func (z *Zone) OffsetAt(unix int64) int64 {
	_, offset := time.Unix(unix, 0).In(z.loc).Zone()
	return int64(offset)
}

// onChangingDay converts a local time near a change of the clocks. One that
// comes twice is taken as the earlier instant; one that was skipped counts with
// the offset before the change, which makes it as much later as was skipped.
func (z *Zone) onChangingDay(day, micros int64) int64 {
	local := day*secondsPerDay + micros/microsPerSecond
	before, after := z.OffsetAt(local-secondsPerDay), z.OffsetAt(local+secondsPerDay)
	offset := before
	if z.OffsetAt(local-before) != before && z.OffsetAt(local-after) == after {
		offset = after
	}
	return (local-offset)*microsPerSecond + micros%microsPerSecond
}

// daysOf returns the days since 1970 of a date of the proleptic Gregorian
// calendar (Howard Hinnant's days_from_civil).
func daysOf(year, month, day int) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	ofEra := year - era*400
	shifted := month - 3
	if month <= 2 {
		shifted = month + 9
	}
	ofYear := (153*shifted+2)/5 + day - 1
	return int64(era*146_097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719_468)
}

var monthDays = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// isDate says whether the calendar has such a day.
func isDate(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return day <= 29
	}
	return day <= monthDays[month]
}
