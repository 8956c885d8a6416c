package ask

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/dashboards/board"
)

func at(text string) time.Time {
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return moment
}

// vectors is the range of the plugin's own tests.
func vectors() State {
	return State{
		Range: Range{at("2014-11-12T11:45:26.123Z"), at("2015-11-12T11:45:26.456Z")}, Interval: time.Minute,
		Values: map[string]Value{
			"none": {Multi: true}, "one": {Multi: true, Values: []string{"a"}, Texts: []string{"A"}},
			"two": {Multi: true, Values: []string{"a", "b'c"}, Texts: []string{"A", "B"}}, "scalar": {Values: []string{"b'c"}, Texts: []string{"BC"}},
			"all":  {Multi: true, All: true, Values: []string{"x", "y"}, Texts: []string{"X", "Y"}},
			"city": {Multi: true, Values: []string{"msk", "spb"}, Texts: []string{"Moscow", "St"}},
		},
	}
}

func TestState_SQL(t *testing.T) {
	for _, c := range []struct{ name, sql, want string }{
		{"time filter", "where $__timeFilter(ts)", "where ts >= toDateTime(1415792726) AND ts <= toDateTime(1447328726)"},
		{"time filter in milliseconds", "$__timeFilter_ms(c)", "c >= fromUnixTimestamp64Milli(1415792726123) AND c <= fromUnixTimestamp64Milli(1447328726456)"},
		{"date filter", "$__dateFilter(d)", "d >= toDate('2014-11-12') AND d <= toDate('2015-11-12')"},
		{"date and time", "$__dt(d, t)", "(d >= toDate('2014-11-12') AND d <= toDate('2015-11-12')) AND (t >= toDateTime(1415792726) AND t <= toDateTime(1447328726))"},
		{"ends", "toDate($__fromTime, 'UTC'), $__toTime", "toDate(toDateTime(1415792726), 'UTC'), toDateTime(1447328726)"},
		{"nested", "$__timeInterval($__fromTime)", "toStartOfInterval(toDateTime(toDateTime(1415792726)), INTERVAL 60 second)"},
		{"group", "$__timeGroup(c, '5m')", "toStartOfInterval(toDateTime(c), INTERVAL 300 second)"},
		{"brackets of another", "$__timeFilter(coalesce(a, b))", "coalesce(a, b) >= toDateTime(1415792726) AND coalesce(a, b) <= toDateTime(1447328726)"},
		{"seconds of the interval", "$__interval_s", "60"},
		{"unknown stays", "$__nothing(a)", "$__nothing(a)"},
		{"comments are blanked", "1 -- $__timeFilter(x\n+ $__interval_s '--'", "1                   \n+ 60 '--'"},
		{"all chosen", "where $__conditionalAll(city in (${all:sqlstring}), $all)", "where 1=1"},
		{"some chosen", "where $__conditionalAll(city in (${city:sqlstring}), $city)", "where city in ('msk','spb')"},
		{"the browser's", "$__interval $__interval_ms ${__from:date:seconds}", "1m 60000 1415792726"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := vectors().SQL(c.sql)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v\nwant %q", got, err, c.want)
			}
		})
	}
	for _, sql := range []string{"$__timeFilter()", "$__timeFilter(a, b)", "$__timeGroup(c, 1d)"} {
		if got, err := vectors().SQL(sql); err == nil {
			t.Errorf("%s became %s; the plugin refuses it", sql, got)
		}
	}
}

// TestState_Formats is the table of outputs that the plugin and Grafana gave.
func TestState_Formats(t *testing.T) {
	for _, c := range []struct{ format, none, one, two, scalar string }{
		{"", "''", "'a'", "'a','b'c'", "b'c"},
		{":raw", "", "a", "a,b'c", "b'c"},
		{":csv", "", "a", "a,b'c", "b'c"},
		{":singlequote", "", "'a'", `'a','b\'c'`, `'b\'c'`},
		{":sqlstring", "", "'a'", "'a','b''c'", "'b''c'"},
		{":doublequote", "", `"a"`, `"a","b'c"`, `"b'c"`},
		{":pipe", "", "a", "a|b'c", "b'c"},
		{":regex", "()", "a", "(a|b'c)", "b'c"},
		{":glob", "", "a", "{a,b'c}", "b'c"},
		{":json", "[]", `["a"]`, `["a","b'c"]`, "b'c"},
		{":percentencode", "%7B%7D", "%7Ba%7D", "%7Ba%2Cb%27c%7D", "b%27c"},
		{":text", "", "A", "A + B", "BC"},
		{":queryparam", "", "var-one=a", "var-two=a&var-two=b%27c", "var-scalar=b%27c"},
	} {
		for name, want := range map[string]string{"none": c.none, "one": c.one, "two": c.two, "scalar": c.scalar} {
			if c.format == ":glob" && name == "none" {
				continue // Grafana's own answer differs by version
			}
			if got := vectors().Interpolate("${" + name + c.format + "}"); got != want {
				t.Errorf("%s%s: got %s, want %s", name, c.format, got, want)
			}
		}
	}
	if got := vectors().Interpolate("$unknown ${all:text} $all [[one:csv]]"); got != "$unknown All 'x','y' a" {
		t.Errorf("got %s", got)
	}
}

func TestParseRange(t *testing.T) {
	now := at("2026-11-21T23:59:59Z")
	for _, c := range []struct{ from, to, wantFrom, wantTo string }{
		{"now-24M/M", "now", "2024-11-01T00:00:00Z", "2026-11-21T23:59:59Z"},
		{"now-1M/M", "now-1M/M", "2026-10-01T00:00:00Z", "2026-10-31T23:59:59.999Z"},
		{"now-7d/d", "now/d", "2026-11-14T00:00:00Z", "2026-11-21T23:59:59.999Z"},
		{"now/w", "now/y", "2026-11-16T00:00:00Z", "2026-12-31T23:59:59.999Z"},
		{"now-90m", "now+1h", "2026-11-21T22:29:59Z", "2026-11-22T00:59:59Z"},
		{"2026-01-01T00:00:00Z", "now", "2026-01-01T00:00:00Z", "2026-11-21T23:59:59Z"},
	} {
		got, err := ParseRange(board.TimeRange{From: c.from, To: c.to}, now, time.UTC)
		if err != nil || cmp.Diff(Range{at(c.wantFrom), at(c.wantTo)}, got) != "" {
			t.Errorf("%s to %s: %v, %v", c.from, c.to, got, err)
		}
	}
	if _, err := ParseRange(board.TimeRange{From: "now-3x", To: "now"}, now, time.UTC); err == nil {
		t.Error("3x is a step nobody knows")
	}
}

func TestRange_Interval(t *testing.T) {
	for _, c := range []struct {
		span   time.Duration
		points int
		want   time.Duration
	}{
		{time.Hour, 1000, 5 * time.Second}, {6 * time.Hour, 1000, 20 * time.Second}, {24 * time.Hour, 1000, time.Minute}, {7 * 24 * time.Hour, 1000, 10 * time.Minute},
		{30 * 24 * time.Hour, 1000, 30 * time.Minute}, {90 * 24 * time.Hour, 1000, 2 * time.Hour}, {365 * 24 * time.Hour, 1000, 6 * time.Hour}, {365 * 24 * time.Hour, 500, 12 * time.Hour},
	} {
		now := at("2026-11-21T00:00:00Z")
		if got := (Range{now.Add(-c.span), now}).Interval(c.points, 0); got != c.want {
			t.Errorf("%v in %d points: %v, want %v", c.span, c.points, got, c.want)
		}
	}
}
