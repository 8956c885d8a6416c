package main

import (
	"path/filepath"
	"testing"
)

// A real export of an inbound line gives the totals that its description names.
func TestCallCentre(t *testing.T) {
	t.Parallel()
	requireTestData(t)
	config := filepath.Join(repository(t), "deploy", "examples", "call-centre", "winback.yaml")
	home := filepath.Join(t.TempDir(), "home")
	winback(t, exitDone, "run", "-q", "-c", config, "--home", home)
	const months = "from mart.callcenter_by where dimension = "
	checkFacts(t, config, home, []fact{
		{"calls", "(5000,4054,946)", "select (sum(offered), sum(answered), sum(abandoned)) " + months + "'(all)'"},
		{"days", "(90,5000)", "select (count(), sum(offered)) from mart.callcenter_daily where queue = '(all)'"},
		{"half hours", "(5000,946)", "select (sum(offered), sum(abandoned)) from mart.callcenter_half_hours"},
		{"waiting", "(273729,67.52)", "select (sum(wait_seconds_sum), round(sum(wait_seconds_sum) / sum(waits), 2)) from staging.int_call_days"},
		{"talk", "911837", "select sum(talk_seconds) " + months + "'(all)'"},
		{"shortest and longest talk", "(30,420)", "select (min(talk_seconds), max(talk_seconds)) from staging.int_calls"},
		{"marks", "(13798,3.4036)", "select (sum(marks_sum), round(toFloat64(sum(marks_sum)) / sum(marks), 4)) from staging.int_call_days"},
		{"mark of a month", "0", "select count() from mart.callcenter_by where satisfaction not between 1 and 5"},
		{"resolved", "(3646,408)", "select (countIf(outcome = 'resolved'), countIf(outcome = 'unresolved' and disposition = 'answered')) from staging.int_calls"},
		{"agents", "Jim 666, Martha 638, Dan 633, Diane 633, Becky 631, Greg 624, Joe 593, Stewart 582",
			"select arrayStringConcat(groupArray(concat(value, ' ', toString(calls))), ', ') from (select value, sum(offered) as calls " + months + "'agent' group by value order by calls desc, value)"},
		{"topics", "Streaming 1022, Technical Support 1019, Payment related 1007, Admin Support 976, Contract related 976",
			"select arrayStringConcat(groupArray(concat(value, ' ', toString(calls))), ', ') from (select value, sum(offered) as calls " + months + "'topic' group by value order by calls desc, value)"},
		{"nobody's number is known", "0", "select countIf(first_contact_resolution_pct is not null) from mart.callcenter_by"},
	})
}
