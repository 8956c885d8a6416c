package schedule_test

import (
	"strings"
	"testing"
	"time"

	"winback/pipelines/schedule"
)

func TestCalendar_Next(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const layout = "2006-01-02 15:04 MST"
	for _, c := range []struct{ about, line, from, want string }{
		{"a time that the clock skips is made up for", "30 2 * * *", "2026-03-28 12:00 CET", "2026-03-29 03:30 CEST, 2026-03-30 02:30 CEST, 2026-03-31 02:30 CEST"},
		{"a time that comes twice counts once", "30 2 * * *", "2026-10-24 12:00 CEST", "2026-10-25 02:30 CEST, 2026-10-26 02:30 CET, 2026-10-27 02:30 CET"},
		{"also when asked between the two", "30 2 * * *", "2026-10-25 02:10 CET", "2026-10-26 02:30 CET"},
		{"every hour goes by real time in spring", "0 * * * *", "2026-03-29 00:30 CET", "2026-03-29 01:00 CET, 2026-03-29 03:00 CEST, 2026-03-29 04:00 CEST"},
		{"and in autumn", "0 * * * *", "2026-10-25 01:30 CEST", "2026-10-25 02:00 CEST, 2026-10-25 02:00 CET, 2026-10-25 03:00 CET"},
		{"every half hour in autumn", "*/30 * * * *", "2026-10-25 02:10 CEST", "2026-10-25 02:30 CEST, 2026-10-25 02:00 CET, 2026-10-25 02:30 CET, 2026-10-25 03:00 CET"},
		{"a word", "@daily", "2026-06-01 10:00 CEST", "2026-06-02 00:00 CEST, 2026-06-03 00:00 CEST"},
		{"a weekday", "0 7 * * MON", "2026-11-22 12:00 CET", "2026-11-23 07:00 CET, 2026-11-30 07:00 CET"},
		{"a leap day", "0 0 29 2 *", "2026-01-01 00:00 CET", "2028-02-29 00:00 CET"},
	} {
		calendar, err := schedule.ParseCron(c.line, berlin)
		if err != nil {
			t.Fatal(err)
		}
		at := instant(t, c.from)
		var got []string
		for range strings.Split(c.want, ", ") {
			at = calendar.Next(at)
			got = append(got, at.Format(layout))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %q after %s: %s, want %s", c.about, c.line, c.from, text, c.want)
		}
	}
}

// instant reads a time with the zone of Berlin's winter or summer.
func instant(t *testing.T, text string) time.Time {
	t.Helper()
	text = strings.NewReplacer("CEST", "+0200", "CET", "+0100").Replace(text)
	at, err := time.Parse("2006-01-02 15:04 -0700", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestCalendar_Latest(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		line        string
		after, want time.Time
	}{
		{"*/15 * * * *", time.Time{}, now},
		{"0 2 * * *", time.Time{}, time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)},
		{"0 2 * * *", now.Add(-time.Hour), time.Time{}},
		{"0 2 * * MON", time.Time{}, time.Date(2026, 11, 16, 2, 0, 0, 0, time.UTC)},
		{"0 2 31 * *", time.Time{}, time.Date(2026, 10, 31, 2, 0, 0, 0, time.UTC)},
		{"0 2 29 2 *", time.Time{}, time.Date(2024, 2, 29, 2, 0, 0, 0, time.UTC)},
	} {
		calendar, err := schedule.ParseCron(c.line, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if got := calendar.Latest(c.after, now); !got.Equal(c.want) {
			t.Errorf("%q after %s: %s, want %s", c.line, c.after, got, c.want)
		}
	}
}

func TestParseCron_Mistakes(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"15 2 * *", "wants minute, hour, day, month and weekday"},
		{"61 2 * * *", "wants minute, hour, day, month and weekday"},
		{"TZ=UTC 0 0 * * *", "the time zone is the project's"},
		{"@every 5m", "there is the key every"},
		{"0 0 30 2 *", "a day that never comes"},
	} {
		if _, err := schedule.ParseCron(c.line, time.UTC); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.line, err, c.want)
		}
	}
}
