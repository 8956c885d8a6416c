package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Deals of a seller of computer hardware give the totals that are known of them,
// in the funnel and out of it, and so do the same deals after a round trip through
// a spreadsheet.
func TestExample_CRMSales(t *testing.T) {
	t.Parallel()
	requireTestData(t)
	example := filepath.Join(repository(t), "deploy", "examples", "crm-sales")
	config, home := filepath.Join(example, "winback.yaml"), filepath.Join(t.TempDir(), "home")
	winback(t, exitDone, "run", "-q", "-c", config, "--home", home)
	checkFacts(t, config, home, []fact{
		{"deals", "8800", "select count() from mart.deals"},
		{"won", "(4238,10005534)", "select (count(), toInt64(sum(amount))) from mart.deals where outcome = 'won'"},
		{"lost", "2473", "select count() from mart.deals where outcome = 'lost'"},
		{"being engaged", "1589", "select count() from mart.deals where outcome = 'open' and last_stage = 'Engaging'"},
		{"being prospected, with no date", "500", "select count() from mart.deals where outcome = 'open' and last_stage = 'Prospecting' and began_on is null"},
		{"without an account", "1425", "select count() from mart.deals where customer_key is null and segment = '(none)'"},
		{"won by month", "(4238,2473,10005534,63.15)", "select (sum(won), sum(lost), toInt64(sum(won_amount)), round(100 * sum(won) / sum(won + lost), 2)) from mart.sales_velocity where pipeline = '(all)'"},
		{"open in the end", "1589", "select open from mart.sales_velocity where pipeline = 'Sales' and month = '2017-12-01'"},
		{"prospecting", "(8300,8300,0,0)", "select (sum(entered), sum(advanced), sum(dropped), sum(open)) from mart.funnel_stages where stage = 'Prospecting'"},
		{"engaging", "(8300,4238,2473,1589)", "select (sum(entered), sum(advanced), sum(dropped), sum(open)) from mart.funnel_stages where stage = 'Engaging'"},
		{"by manager", "(30,4238)", "select (uniqExact(manager_id), sum(won)) from mart.managers_funnel where stage_no = 1"},
		{"by sector", "(11,8300)", "select (uniqExact(value), sum(entered)) from mart.funnel_stages_by where dimension = 'segment' and stage_no = 1"},
		{"reasons, of which nothing is told", "unknown 2473", "select concat(any(reason_category), ' ', toString(sum(deals))) from mart.funnel_dropoff_reasons"},
		{"made in a month", "(8300,4238,2473,1589)", "select (sum(deals), sum(won), sum(lost), sum(open)) from mart.win_rate_cohorts where pipeline = '(all)'"},
	})
	if diff := cmp.Diff(rawDeals(t, config, home), spreadsheetDeals(t, example)); diff != "" {
		t.Errorf("after a round trip through a spreadsheet (-before +after):\n%s", diff)
	}
}

// rawDeals sums up the deals and their moves as they were loaded.
func rawDeals(t *testing.T, config, home string) []string {
	t.Helper()
	return ask(t, config, home, `select * from (select count(), sum(cityHash64(formatRow('TSV', id, customer_id, product, stage_id, status, amount, manager_id, created_at, closed_at))) from raw.crm_deals final
		union all select count(), sum(cityHash64(formatRow('TSV', deal_id, seq, stage_id, entered_at))) from raw.crm_deal_stages final) order by 1`)
}

// spreadsheetDeals loads the variant with other dates and line ends.
func spreadsheetDeals(t *testing.T, example string) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "winback.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	data := os.Getenv("WINBACK_TESTDATA")
	if data == "" {
		data = filepath.Join(example, "..", "..", "..", "..", "shared", "data") // the example's own default
	}
	changed := strings.NewReplacer("${CRM_SALES_FILE:-sales_pipeline.csv.gz}", "variants/sales_pipeline_dmy_crlf.csv.gz",
		"${WINBACK_TESTDATA:-../../../../shared/data}", filepath.ToSlash(data)).Replace(string(text))
	if err := os.WriteFile(config, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	winback(t, exitDone, "run", "-q", "-c", config, "--home", home, "--only", "source:crm")
	return rawDeals(t, config, home)
}

// What customers of a telephone company gave as the reason for leaving is
// understood, every word of it.
func TestExample_Telco(t *testing.T) {
	t.Parallel()
	requireTestData(t)
	config, home := filepath.Join(repository(t), "deploy", "examples", "telco", "winback.yaml"), filepath.Join(t.TempDir(), "home")
	winback(t, exitDone, "run", "-q", "-c", config, "--home", home)
	const stated = "select lost from mart.churn_reasons where segment = '(all)' and basis = 'stated' and reason_category = "
	const verified = "select lost from mart.churn_reasons where segment = '(all)' and basis = 'verified' and reason_category = "
	checkFacts(t, config, home, []fact{
		{"customers and lost", "(7043,1869)", "select (customers_at_start, lost) from mart.churn_monthly where segment = '(all)' and month = '2019-09-01'"},
		{"lost by contract", "Month-to-month 1655, One year 166, Two year 48", "select arrayStringConcat(groupArray(concat(segment, ' ', toString(lost))), ', ') from (select segment, lost from mart.churn_monthly where segment != '(all)' and month = '2019-09-01' order by segment)"},
		{"lost, with the reason of each", "1869", "select sum(lost) from mart.churn_reasons where segment = '(all)' and basis = 'stated'"},
		{"asked on", "1869", "select sum(lost) from mart.churn_reasons where segment = '(all)' and basis = 'verified'"},
		{"words", "(20,20)", "select (uniqExact(reason), uniqExactIf(reason, reason_category != 'unmapped')) from staging.int_reasons where reason in (select reason from staging.int_reason_statements)"},
		{"words that no pattern knows", "0", "select count() from mart.unmapped_reasons"},
		// The source's own categories, of the later edition: Competitor, Attitude, Price.
		{"competitors", "841", verified + "'competitor_offer'"},
		{"attitude", "314", verified + "'staff_conduct'"},
		{"price", "211", verified + "'price'"},
		{"competitors in the first edition", "621", stated + "'competitor_offer'"},
		{"attitude in the first edition", "327", stated + "'staff_conduct'"},
		{"dead", "6", stated + "'deceased'"},
		{"stated otherwise than verified", "(1702,362)", "select (compared, disagreed) from mart.reason_disagreement where segment = '(all)'"},
		{"satisfaction 1 to 5", "[922,518,2665,1789,1149]", "select groupArray(n) from (select count() as n from staging.stg_crm__surveys group by score order by score)"},
	})
}
