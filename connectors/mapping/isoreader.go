package mapping

// ISOReader reads the times that most systems write, 2011-12-09 08:26:00 with a T
// or a blank. It remembers the day it read last, as neighbouring records share
// theirs. The zero value is ready for use, by one goroutine.
type ISOReader struct {
	date [10]byte
	day  int64
}

// Local returns the time as days since 1970 and microseconds of the day, without
// looking at zones. ok is false for what is written differently, be it with a
// fraction or an offset, and for days that the calendar or the warehouse lacks.
func (r *ISOReader) Local(text []byte) (day, micros int64, ok bool) {
	if len(text) != 19 || text[13] != ':' || text[16] != ':' || text[10] != ' ' && text[10] != 'T' {
		return 0, 0, false
	}
	hour, minute, second := digits2(text[11:]), digits2(text[14:]), digits2(text[17:])
	if hour|minute|second < 0 || hour > 23 || minute > 59 || second > 59 {
		return 0, 0, false
	}
	if string(text[:10]) != string(r.date[:]) {
		m, ok := ReadISO(text[:10])
		if !ok || m.checkDate() != "" {
			return 0, 0, false
		}
		copy(r.date[:], text)
		r.day = daysOf(m.year, m.month, m.day)
	}
	return r.day, int64(hour*3600+minute*60+second) * microsPerSecond, true
}
