package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Two years of real invoices, in two files that overlap, give the numbers that
// others publish about them, and a second run touches nothing.
func TestOnlineRetail(t *testing.T) {
	t.Parallel()
	requireTestData(t)
	example, err := os.ReadFile(filepath.Join(repository(t), "deploy", "examples", "online-retail", "winback.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "winback.yaml")
	beside := filepath.Join(repository(t), "..", "shared", "data") // the example's own default
	appendTo(t, config, strings.ReplaceAll(string(example), "../../../../shared/data", beside))
	// The others would find nothing: there are orders alone.
	appendTo(t, config, "\nmodels: {only: [base_movement, churn_cohorts, churn_monthly, customer_episodes, customer_months, customers, former_customer_keys, prediction_holdout, rfm_segments, survival]}\n")
	home := filepath.Join(t.TempDir(), "home")
	started := time.Now()
	winback(t, exitDone, "run", "-q", "-c", config, "--home", home)
	t.Logf("the run took %.1f s", time.Since(started).Seconds())

	checkFacts(t, config, home, []fact{
		{"purchases", "36969", "select count() from staging.int_purchases"},
		{"customers", "5878", "select count() from mart.customers"},
		{"losses", "4379", "select count() from mart.customer_episodes where loss_date is not null"},
		{"losses on the cards", "4379", "select sum(losses) from mart.customers"},
		{"losses by month", "4379", "select sum(lost) from mart.churn_monthly where segment = '(all)'"},
		{"returns", "1978", "select count() from mart.customer_episodes where returned_at is not null"},
		{"returns by month", "1978", "select sum(returned) from mart.churn_monthly where segment = '(all)'"},
		{"revenue", "17431533.178", "select sum(revenue) from mart.customers"},
		{"customers at the end", "3477", "select at_end from mart.base_movement where segment = '(all)' and month = '2011-12-01'"},
		{"status", "active 1806, lost 2007, lost_twice 394, new 152, returned 931, sleeping 588",
			"select arrayStringConcat(arraySort(groupArray(concat(toString(status), ' ', toString(n)))), ', ') from (select status, count() as n from mart.customers group by status)"},
		{"never lost twice without a first loss", "0", "select countIf(status = 'lost_twice' and losses < 2) from mart.customers"},
		{"purchases by customer", "36969", "select sum(orders) from mart.customers"},
		{"losses and returns in the movement of the base", "(4379,1978)", "select (sum(lost), sum(returned)) from mart.base_movement where segment = '(all)'"},
		{"revenue by month", "17431533.178", "select sum(revenue) from mart.customer_months"},
		{"customers with a prediction", "5878", "select countIf(p_alive is not null and clv is not null) from mart.customers"},
		{"parameters", "a 0.15, alpha 9.796, b 3.466, gamma 469.841, p 2.174, q 3.538, r 0.733",
			"select arrayStringConcat(groupArray(concat(parameter, ' ', toString(round(estimate, 3)))), ', ') from (select * from mart.prediction_fits where segment = '(all)' and model in ('MBG/NBD', 'Gamma-Gamma') order by parameter)"},
		{"purchases foretold", "7532 7520 in 180 days",
			"select concat(toString(actual_orders), ' ', toString(round(expected_orders)), ' in ', toString(holdout_days), ' days') from mart.prediction_holdout where segment = '(all)' and repeat_purchases = '(all)'"},
		// 1,088 invoices with 22,523 lines stand in both files.
		{"invoices", "(53628,53628)", "select (count(), uniqExact(id)) from raw.shop_orders"},
		{"invoice lines", "(1044847,1044847)", "select (count(), uniqExact(order_id, line_no)) from raw.shop_order_lines"},
		{"lines of each invoice", "0", "select count() from raw.shop_orders o join (select order_id, count() as n from raw.shop_order_lines group by 1) l on l.order_id = o.id where n != line_count"},
	})

	before := storedParts(t, config, home)
	started = time.Now()
	again := winback(t, exitDone, "run", "-c", config, "--home", home)
	t.Logf("the second run took %.1f s", time.Since(started).Seconds())
	if !strings.Contains(again.stdout.String(), "Nothing new") {
		t.Errorf("the second run says\n%s", again.stdout.String())
	}
	if diff := cmp.Diff(before, storedParts(t, config, home)); diff != "" {
		t.Errorf("the second run rewrote tables (-before +after):\n%s", diff)
	}
}

// storedParts tells every table and all that was ever written into it apart; pieces
// that were put together in the background are the same as before.
func storedParts(t *testing.T, config, home string) []string {
	t.Helper()
	return ask(t, config, home, `select database, name, toString(uuid), metadata_modification_time, p.written
		from system.tables left join (select database, table, (sum(rows), arraySort(groupUniqArray((partition_id, newest)))) as written
			from (select *, max(max_block_number) over (partition by database, table, partition_id) as newest from system.parts where active)
			group by 1, 2) p on p.database = tables.database and p.table = tables.name
		where database in ('raw', 'staging', 'mart') order by 1, 2`)
}

// requireTestData skips the test, loudly, or fails it where CI is set, when the
// real data are not there.
func requireTestData(t *testing.T) {
	t.Helper()
	dir := os.Getenv("WINBACK_TESTDATA")
	if dir == "" {
		dir = filepath.Join(repository(t), "..", "shared", "data") // the example's own default
	}
	_, err := os.Stat(filepath.Join(dir, "online_retail"))
	switch {
	case err == nil:
	case os.Getenv("CI") == "":
		t.Skipf("SKIPPED, NOTHING WAS TESTED: the real data are missing, set WINBACK_TESTDATA to their folder: %v", err)
	default:
		t.Fatalf("the real data are missing, set WINBACK_TESTDATA to their folder: %v", err)
	}
}
