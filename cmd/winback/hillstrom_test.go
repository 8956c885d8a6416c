package main

import (
	"path/filepath"
	"testing"
)

// The e-mail test that Hillstrom published gives, through the models of campaigns,
// the counts, uplifts and intervals that others find in it.
func TestHillstrom(t *testing.T) {
	t.Parallel()
	requireTestData(t)
	config := filepath.Join(repository(t), "deploy", "examples", "hillstrom", "winback.yaml")
	home := filepath.Join(t.TempDir(), "home")
	winback(t, exitDone, "run", "-q", "-c", config, "--home", home,
		"--only", "source:shop", "--only", "source:mens", "--only", "source:womens", "--only", "+mart.winback_campaigns", "--only", "mart.winback_by")

	checkFacts(t, config, home, []fact{
		{"customers", "64000", "select count() from staging.int_customers"},
		{"groups", "[(21307,21306),(21387,21306)]", "select groupArray((treated, control)) from mart.winback_campaigns"},
		{"visits", "[3894,3238]", "select groupArray(clicked) from mart.winback_campaigns"},
		{"conversions", "[(267,122),(189,122)]", "select groupArray((returned, control_returned)) from mart.winback_campaigns"},
		{"spend", "[30311.69,23038.11]", "select groupArray(round(revenue, 2)) from mart.winback_campaigns"},
		{"uplift", "[(0.6805,0.5014,0.8641),(0.3111,0.1502,0.4745)]", "select groupArray((round(uplift_pp, 4), round(uplift_lower, 4), round(uplift_upper, 4))) from mart.winback_campaigns"},
		{"incremental revenue", "[16402.71,9076.9]", "select groupArray(round(toFloat64(incremental_revenue), 2)) from mart.winback_campaigns"},
		{"standard error of spend per head", "[0.1452,0.1303]", "select groupArray(round(toFloat64(incremental_revenue_upper - incremental_revenue_lower) / 2 / 1.96 / treated, 4)) from mart.winback_campaigns"},
		{"incremental share", "[54.1,39.4]", "select groupArray(round(incremental_share_pct, 1)) from mart.winback_campaigns"},
		{"the groups are of the size they were drawn in", "1", "select min(sample_ratio_p) > 0.5 from mart.winback_campaigns"},
		{"both work", "works: more returned than without it", "select arrayStringConcat(groupUniqArray(verdict)) from mart.winback_campaigns"},
		{"no return on a cost that nobody knows", "(0,2)", "select (count(romi_pct), count(cost_note)) from mart.winback_campaigns"},
		{"both together", "(42694,456)", "select (treated, returned) from mart.winback_by where dimension = 'channel' and value = 'email'"},
	})
}
