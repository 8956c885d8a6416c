package mapping

import (
	"testing"
	"time"

	"winback/connectors/entity"
)

func TestLayouts(t *testing.T) {
	tests := []struct {
		layout, text, want string // want "" where the text is not written so
	}{
		{"iso", "2011-12-09", "2011-12-09T00:00:00Z"},
		{"iso", "2011-12-09 08:26", "2011-12-09T08:26:00Z"},
		{"iso", "2011-12-09T08:26:07", "2011-12-09T08:26:07Z"},
		{"iso", "2011-12-09 8:26:07", "2011-12-09T08:26:07Z"},
		{"iso", "2011-12-09 08:26:07.5", "2011-12-09T08:26:07.5Z"},
		{"iso", "2011-12-09 08:26:07,123456789", "2011-12-09T08:26:07.123456Z"},
		{"iso", "2011-12-09T08:26:07Z", "2011-12-09T08:26:07Z"},
		{"iso", "2011-12-09T08:26:07+05:30", "2011-12-09T02:56:07Z"},
		{"iso", "2011-12-09 08:26:07 -0330", "2011-12-09T11:56:07Z"},
		{"iso", "2011-12-09 08:26:07+03", "2011-12-09T05:26:07Z"},
		{"iso", "2011-12-09 08:26:07 UTC", "2011-12-09T08:26:07Z"},
		{"iso", "2011-12-9", ""}, {"iso", "2011-12-09 08:60:00", ""}, {"iso", "2011-12-09 24:00:00", ""},
		{"iso", "2011-12-09 08:26:07 MSK", ""}, {"iso", "2011-12-09x", ""}, {"iso", "2011/12/09", ""}, {"iso", "2011-12-09 ", ""},
		{"iso", "2011-12-09 08:26:07+05:", ""}, {"iso", "2011-12-09 08:26:", ""},
		{"dmy", "9.12.2011", "2011-12-09T00:00:00Z"}, {"dmy", "09-12-11 8:05", "2011-12-09T08:05:00Z"},
		{"dmy", "09/12/1999, 08:05:06", "1999-12-09T08:05:06Z"}, {"dmy", "2011-12-09", ""}, {"dmy", "9.12", ""}, {"dmy", "9.12.201", ""},
		{"mdy", "12/9/2011 23:59", "2011-12-09T23:59:00Z"},
		{"unix", "1323419167", "2011-12-09T08:26:07Z"}, {"unix", "1323419167.25", "2011-12-09T08:26:07.25Z"}, {"unix", "now", ""},
		{"unix_ms", "1323419167250", "2011-12-09T08:26:07.25Z"},
		{"%d.%m.%Y", "09.12.2011", "2011-12-09T00:00:00Z"}, {"%d.%m.%Y", "9.12.2011", "2011-12-09T00:00:00Z"}, {"%d.%m.%Y", "09.12.2011 ", ""},
		{"%Y%m%d%H%M%S", "20111209082607", "2011-12-09T08:26:07Z"},
		{"%b %e, %Y %I:%M %p", "Dec  9, 2011 08:26 PM", "2011-12-09T20:26:00Z"}, {"%b %e, %Y %I:%M %p", "Dec 9, 2011 12:01 am", "2011-12-09T00:01:00Z"},
		{"%a, %d %b %Y %T %z", "Fri, 09 Dec 2011 08:26:07 +0100", "2011-12-09T07:26:07Z"},
		{"%d %B %Y", "9 декабря 2011", "2011-12-09T00:00:00Z"}, {"%F %T.%f", "2011-12-09 08:26:07.250", "2011-12-09T08:26:07.25Z"},
		{"02.01.2006 15:04", "09.12.2011 08:26", "2011-12-09T08:26:00Z"}, {"1/2/06 3:04PM", "12/9/11 8:26pm", "2011-12-09T20:26:00Z"},
		{"2006-01-02T15:04:05.000Z07:00", "2011-12-09T08:26:07.125+01:00", "2011-12-09T07:26:07.125Z"},
		{"2006-01-02T15:04:05Z", "2011-12-09T08:26:07Z", "2011-12-09T08:26:07Z"},
		{"Jan _2 2006", "Dec  9 2011", "2011-12-09T00:00:00Z"},
	}
	for _, test := range tests {
		read, err := ParseLayout(test.layout)
		if err != nil {
			t.Errorf("layout %q: %v", test.layout, err)
			continue
		}
		got := ""
		if m, ok := read([]byte(test.text)); ok {
			n, wrong := m.InstantOf(NewZone(time.UTC))
			if got = entity.Time(n).String(); wrong != "" {
				got = wrong
			}
		}
		if got != test.want {
			t.Errorf("%s: %q is %q, want %q", test.layout, test.text, got, test.want)
		}
	}
	for _, layout := range []string{"%Y-%m", "day", "%", "%Y-%m-%d %Q", ""} {
		if _, err := ParseLayout(layout); err == nil {
			t.Errorf("layout %q is taken", layout)
		}
	}
}

// A zone agrees with Go's wherever a local time is one instant.
func TestZone_AgreesWithGo(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		z := NewZone(loc)
		for at := time.Date(1969, 12, 30, 0, 0, 0, 0, time.UTC); at.Year() < 2040; at = at.Add(5*time.Hour + 7*time.Minute + 13*time.Second) {
			local := at.In(loc)
			if ambiguous(loc, at) {
				continue
			}
			day := daysOf(local.Year(), int(local.Month()), local.Day())
			micros := int64(local.Hour()*3600+local.Minute()*60+local.Second()) * microsPerSecond
			if got := z.Instant(day, micros); got != at.UnixMicro() {
				t.Fatalf("%s: %s is %s, want %s", name, local, time.UnixMicro(got).UTC(), at)
			}
		}
	}
}

// ambiguous says that another instant of the day shows the same local time.
func ambiguous(loc *time.Location, at time.Time) bool {
	_, here := at.In(loc).Zone()
	for _, near := range []time.Duration{-26 * time.Hour, 26 * time.Hour} {
		_, there := at.Add(near).In(loc).Zone()
		other := at.Add(time.Duration(here-there) * time.Second)
		if _, offset := other.In(loc).Zone(); there != here && offset == there {
			return true
		}
	}
	return false
}

func TestZone_ChangesOfClocks(t *testing.T) {
	tests := []struct {
		zone, local, want string
	}{
		{"Europe/London", "2011-03-27 00:59:59", "2011-03-27T00:59:59Z"},
		{"Europe/London", "2011-03-27 01:00:00", "2011-03-27T01:00:00Z"}, // skipped: an hour later
		{"Europe/London", "2011-03-27 01:59:59", "2011-03-27T01:59:59Z"},
		{"Europe/London", "2011-03-27 02:00:00", "2011-03-27T01:00:00Z"},
		{"Europe/London", "2011-10-30 00:59:59", "2011-10-29T23:59:59Z"},
		{"Europe/London", "2011-10-30 01:00:00", "2011-10-30T00:00:00Z"}, // twice: the earlier
		{"Europe/London", "2011-10-30 01:59:59", "2011-10-30T00:59:59Z"},
		{"Europe/London", "2011-10-30 02:00:00", "2011-10-30T02:00:00Z"},
		{"America/New_York", "2024-03-10 02:30:00", "2024-03-10T07:30:00Z"},
		{"America/New_York", "2024-11-03 01:30:00", "2024-11-03T05:30:00Z"},
		{"Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30T22:00:00Z"}, // a day that was left out
	}
	for _, test := range tests {
		loc, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := ReadISO([]byte(test.local))
		n, _ := m.InstantOf(NewZone(loc))
		if got := entity.Time(n).String(); got != test.want {
			t.Errorf("%s %s is %s, want %s", test.zone, test.local, got, test.want)
		}
	}
}

func TestDaysOf(t *testing.T) {
	for at := time.Date(1899, 12, 25, 0, 0, 0, 0, time.UTC); at.Year() < 2301; at = at.AddDate(0, 0, 1) {
		if got := daysOf(at.Year(), int(at.Month()), at.Day()); got != int64(entity.DateOf(at)) && at.Year() >= 1970 {
			t.Fatalf("%s is day %d", at, got)
		}
		if !isDate(at.Year(), int(at.Month()), at.Day()) {
			t.Fatalf("%s is no date", at)
		}
	}
	for _, no := range [][3]int{{2011, 2, 29}, {1900, 2, 29}, {2011, 4, 31}, {2011, 13, 1}, {2011, 0, 1}, {2011, 1, 0}, {2011, 1, 32}} {
		if isDate(no[0], no[1], no[2]) {
			t.Errorf("%v is a date", no)
		}
	}
}
