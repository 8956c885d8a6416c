package sqlfiles_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"

	"winback/pipelines/check"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/model"
)

// smallCompany returns statements that fill the raw tables of a small company as
// its files stood at the end of a day: two years of a shop and a CRM with
// contracts, refunds, shared addresses, guests and customers who never buy. What
// happened later is not in the files yet.
func smallCompany(day string) []string {
	const orders = `select number as n, n % 90 as customer, cityHash64('day', n) % if(customer % 3 = 0, 250, 720) as offset,
			toDateTime64('2023-01-05 09:00:00', 6, 'UTC') + interval offset day + interval n minute as at from numbers(1100)`
	read := fmt.Sprintf("toDateTime64('%s 23:59:59', 6, 'UTC') as extracted_at, 'test' as run_id, false as deleted", day)
	until := func(column string) string {
		return fmt.Sprintf("toDate(%s, 'Europe/London') <= toDate('%s')", column, day)
	}
	return append([]string{
		`insert into raw.shop_orders (source, extracted_at, run_id, deleted, id, customer_id, email, ordered_at, status, currency, items_total, promised_at, delivered_at)
		select 'shop', extracted_at, run_id, deleted, toString(n), if(n % 17 = 0, null, toString(customer)),
			concat('p', toString(customer), '@example.com'), at, multiIf(n % 23 = 0, 'cancelled', ` + until("came_at") + `, 'completed', 'shipped'), 'GBP', toDecimal64(10 + cityHash64('money', n) % 90, 4),
			at + interval 5 day, if(` + until("came_at") + `, came_at, null)
		from (select *, at + interval n % 7 day as came_at, ` + read + ` from (` + orders + `)) where ` + until("at"),
		`insert into raw.shop_refunds (source, extracted_at, run_id, deleted, id, order_id, at, amount)
		select 'shop', extracted_at, run_id, deleted, toString(n), toString(n), refunded_at, toDecimal64(5, 4)
		from (select *, at + interval n % 90 day as refunded_at, ` + read + ` from (` + orders + `)) where n % 11 = 0 and ` + until("refunded_at"),
		`insert into raw.shop_customers (source, extracted_at, run_id, deleted, id, email, phone, first_name, registered_at)
		select 'shop', extracted_at, run_id, deleted, toString(number), concat('p', toString(number), '@example.com'), concat('020 7946 1', leftPad(toString(number), 3, '0')), concat('Person ', toString(number)), at
		from (select *, toDateTime64('2022-12-01 00:00:00', 6, 'UTC') + interval number * 7 day as at, ` + read + ` from numbers(100)) where ` + until("at"),
		`insert into raw.crm_customers (source, extracted_at, run_id, deleted, id, name, segment, email, created_at, contract_started_at, contract_terminated_at)
		select 'crm', extracted_at, run_id, deleted, toString(number), concat('Firm ', toString(number)), ['small', 'large'][1 + number % 2],
			[concat('p', toString(number * 2), '@example.com')], at, at, if(number % 4 = 0 and ` + until("ended") + `, ended, null)
		from (select *, toDateTime64('2022-12-15 00:00:00', 6, 'UTC') + interval number * 11 day as at, at + interval 300 day as ended, ` + read + ` from numbers(40)) where ` + until("at"),
		// Some sign again, one of them to end that contract too.
		`insert into raw.crm_customers (source, extracted_at, run_id, deleted, id, name, segment, email, created_at, contract_started_at, contract_terminated_at)
		select 'crm', extracted_at, run_id, deleted, concat(toString(number), '-2'), concat('Firm ', toString(number)), 'small',
			[concat('p', toString(number * 2), '@example.com')], at, at, if(number = 8 and ` + until("ended") + `, ended, null)
		from (select *, toDateTime64('2022-12-15 00:00:00', 6, 'UTC') + interval number * 11 + 340 day as at, at + interval 90 day as ended, ` + read + ` from numbers(0, 40, 8)) where ` + until("at"),
	}, slices.Concat(smallSales(day), winbackCampaigns(day), smallService(day), smallHistory(day))...)
}

// smallHistory returns statements for what the company itself did, planned and saw
// left in its baskets until the end of a day.
func smallHistory(day string) []string {
	read := fmt.Sprintf("toDateTime64('%s 23:59:59', 6, 'UTC') as extracted_at, 'test' as run_id, false as deleted", day)
	return []string{
		fmt.Sprintf(`insert into raw.crm_business_events (source, extracted_at, run_id, deleted, id, at, kind, title)
		select 'crm', extracted_at, run_id, deleted, toString(number), at, ['price', 'it'][1 + number], ['Prices up', 'New platform'][1 + number]
		from (select *, toDateTime64('2023-06-15 08:00:00', 6, 'UTC') + interval number * 100 day as at, %s from numbers(2)) where toDate(at) <= '%s'`, read, day),
		fmt.Sprintf(`insert into raw.crm_sales_plans (source, extracted_at, run_id, deleted, customer_id, month, amount, currency)
		select 'crm', extracted_at, run_id, deleted, toString(number %% 40), month, toDecimal64(100 + number, 4), 'GBP'
		from (select *, addMonths(toDate32('2023-01-01'), intDiv(number, 40)) as month, %s from numbers(400)) where month <= '%s'`, read, day),
		fmt.Sprintf(`insert into raw.shop_carts (source, extracted_at, run_id, deleted, id, customer_id, email, created_at, updated_at, value, currency, items)
		select 'shop', extracted_at, run_id, deleted, toString(number), toString(number %% 90), concat('p', toString(number %% 90), '@example.com'), at, at, toDecimal64(20, 4), 'GBP', '[]'
		from (select *, toDateTime64('2023-02-01 10:00:00', 6, 'UTC') + interval number day as at, %s from numbers(720)) where toDate(at) <= '%s'`, read, day),
	}
}

func smallCompanyVars(day string) model.Vars {
	vars := model.DefaultVars()
	vars.AsOf, _ = time.Parse(time.DateOnly, day)
	vars.Timezone, vars.Currency = "Europe/London", "GBP"
	vars.Churn.Segments = []model.Segment{{Name: "large", SleepingAfter: 30, LostAfter: 45}}
	return vars
}

// printed returns each mart as text, its rows in order.
func printed(t *testing.T, conn driver.Conn, p *model.Project) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, m := range p.Models() {
		if m.Database != model.MartDatabase || m.Name == "restatements" { // what was told when, and not how things are
			continue
		}
		var text string
		sql := "select arrayStringConcat(groupArray(line), '\\n') from (select formatRowNoNewline('TSV', *) as line from " + m.Relation() + " order by line)"
		if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if text == "" {
			t.Errorf("%s is empty, and compares nothing", m.Name)
		}
		texts[m.Name] = text
	}
	return texts
}

func wantSame(t *testing.T, want, got map[string]string) {
	t.Helper()
	for name := range want {
		if want[name] != got[name] {
			t.Errorf("%s differs: %s", name, cmp.Diff(strings.Split(want[name], "\n"), strings.Split(got[name], "\n")))
		}
	}
}

// TestModels_SmallCompany builds a company as it was on a past day and again when
// the files had gone on. Asked for the past day then, every mart is to the byte
// what it was; and in between each check has to notice what it watches.
func TestModels_SmallCompany(t *testing.T) {
	const past, present = "2024-03-31", "2024-12-20"
	conn, p := conn(t), project(t)
	build(t, conn, smallCompanyVars(past), smallCompany(past)...)
	then := printed(t, conn, p)

	run := func(vars model.Vars, selected ...string) {
		t.Helper()
		summary, err := model.NewRunner(conn, p, model.RunnerOptions{Vars: vars, Sources: contract{}, Select: selected}).Run(t.Context())
		if err != nil || !summary.OK() {
			t.Fatalf("%v: %v", err, summary)
		}
	}
	for _, sql := range smallCompany(present) {
		if err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	run(smallCompanyVars(present))
	if now := printed(t, conn, p); now["churn_monthly"] == then["churn_monthly"] {
		t.Error("nothing happened since")
	}
	t.Run("checks turn red", func(t *testing.T) { turnRed(t, conn, p, smallCompanyVars(present)) })
	t.Run("a look at the warehouse finds nothing wrong", func(t *testing.T) { looksRight(t, conn, p, smallCompanyVars(present)) })
	t.Run("every count of customers is reconciled", func(t *testing.T) { reconciles(t, conn, p, smallCompanyVars(present)) })
	t.Run("a past day is what it was when it was the present", func(t *testing.T) {
		run(smallCompanyVars(past))
		wantSame(t, then, printed(t, conn, p))
	})
	t.Run("each clock is the other one's comparison", func(t *testing.T) {
		fixed, personal := clockCounts(t, conn, "winback"), clockCounts(t, conn, "personal_clock")
		if fixed == personal {
			t.Fatal("the two clocks agree, and show nothing")
		}
		vars := smallCompanyVars(past)
		vars.Churn.PersonalClock.Enabled = true
		run(vars, "+churn_reconciliation")
		if got := clockCounts(t, conn, "winback"); got != personal {
			t.Errorf("by the personal clock as the rule\n%s\nas it was shown beside it\n%s", got, personal)
		}
		if got := clockCounts(t, conn, "fixed_clock"); got != fixed {
			t.Errorf("by the fixed clock as it is shown\n%s\nas it was as the rule\n%s", got, fixed)
		}
	})
}

// looksRight runs every check apart from a run.
func looksRight(t *testing.T, conn driver.Conn, p *model.Project, vars model.Vars) {
	results, err := model.NewRunner(conn, p, model.RunnerOptions{Vars: vars}).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range results {
		if result.Status != check.Passed && result.Severity == check.Error {
			t.Error(result)
		}
	}
}

// clockCounts returns the customers and the lost of each month by one definition.
func clockCounts(t *testing.T, conn driver.Conn, definition string) (text string) {
	t.Helper()
	sql := "select toString(groupArray((month, customers_at_start, lost))) from (select * from mart.churn_reconciliation where definition = ? order by month)"
	if err := conn.QueryRow(t.Context(), sql, definition).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// conn is a connection to the engine that several statements may use at once.
func conn(t *testing.T) driver.Conn {
	t.Helper()
	return enginetest.Start(t).ConnWith(t, clickhouse.Options{MaxOpenConns: 4})
}

// turnRed spoils one number after another and sees that the check which watches it
// notices.
func turnRed(t *testing.T, conn driver.Conn, p *model.Project, vars model.Vars) {
	for _, c := range []struct{ model, spoil, check string }{
		{"churn_cohorts", "update kept = kept + 1 where month_no = 3", "members_are_conserved"},
		{"churn_cohorts", "update lost_cum = lost_cum + 1, kept = kept - 1 where month_no = 3 and kept > 0", "cohorts_conserve_their_members"},
		{"churn_cohorts", "update lost_cum = 0, kept = size where month_no = 14", "cohorts_keep_their_members"},
		{"churn_cohorts", "update retention_pct = 5 where not is_complete and month_no > 0", "no_retention_before_the_month_is_over"},
		{"churn_cohorts", "update survival_pct = 5 where not is_complete and month_no > 0", "no_survival_before_the_month_is_over"},
		{"churn_cohorts", "update active_or_later = size + 1 where month_no = 3", "unbounded_retention_never_grows"},
		{"churn_cohorts", "update survival_pct = 101 where month_no = 3", "survival_never_grows"},
		{"churn_monthly", "update churn_12m_pct = 5 where not is_complete", "no_figure_before_its_window_is_over"},
		{"churn_monthly", "update lost = lost + 1 where month = '2024-06-01' and segment = 'small'", "segments_add_up"},
		{"base_movement", "update is_complete = true where not is_complete", "months_end_when_they_end"},
		{"base_movement", "update lost = lost + 1 where month = '2024-06-01'", "customers_balance"},
		{"base_movement", "update revenue_lost = revenue_lost + 1 where month = '2024-06-01'", "money_balances"},
		{"base_movement", "update at_start = at_start + 1, at_end = at_end + 1 where month = '2024-06-01'", "months_follow_each_other"},
		{"base_movement", "update new = new + 1, at_end = at_end + 1 where month = '2023-06-01' and segment = '(all)'", "customers_reconcile"},
		{"survival", "update survival = 1 where day > 100", "the_curve_never_rises"},
		{"int_episodes", "update revenue = revenue + 1 where episode_no = 1", "revenue_reconciles"},
		{"rfm_migration", "update customers = customers + 1 where month = '2024-06-01' and segment = '(all)' and to_segment != '(out)'", "rfm_migration_balances"},
		{"rfm_migration", "update share_pct = 50 where not is_complete", "no_share_before_the_month_is_over"},
		{"churn_reconciliation", "update lost = lost + 1 where month = '2024-06-01'", "churn_reconciliation_balances"},
		{"churn_reconciliation", "update churn_pct = 1 where not is_complete", "no_rate_before_the_month_is_over"},
		{"churn_reconciliation_customers", "delete where lost = 1 and month = '2024-06-01' and definition = 'personal_clock'", "churn_reconciliation_balances"},
		{"churn_reasons", "update lost = lost + 1 where month = '2024-06-01'", "churn_reasons_add_up"},
		{"churn_reasons", "update share_pct = 101 where month = '2024-06-01'", "a_share_lies_in_its_interval"},
		{"int_funnel", "update dropped = dropped + 1, open = open - 1 where open > 0", "funnel_reasons_add_up"},
		{"int_funnel", "update entered = entered + 1 where stage_no = 3", "the_funnel_balances"},
		{"int_funnel", "update entered = 1000 where stage_no = 3", "the_funnel_never_widens"},
		{"int_reasons", "update reason_category = 'price' where reason = 'rude manager'", "reasons_find_their_examples"},
		{"complaint_outcomes", "update customers = customers + 1 where outcome = 'no_complaint'", "service_reconciles"},
		{"loss_antecedents", "update losses_without = losses_without + 1 where fact = 'refund'", "service_reconciles"},
		{"promises_monthly", "update kept = kept + 1 where month = '2024-06-01'", "every_promise_has_an_outcome"},
		{"int_customer_cards", "delete where cityHash64(customer_key) % 4 = 0", "row_count_change"},
	} {
		t.Run(c.check, func(t *testing.T) {
			m, ok := p.Model(c.model)
			if !ok {
				t.Fatalf("no model %s", c.model)
			}
			table := m.FullName()
			run := func(sql string) {
				if err := conn.Exec(t.Context(), sql); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}
			run("create table ops.kept engine = MergeTree order by tuple() as select * from " + table)
			run("alter table " + table + " " + c.spoil + " settings mutations_sync = 1")
			defer func() {
				run("truncate table " + table)
				run("insert into " + table + " select * from ops.kept")
				run("drop table ops.kept sync")
			}()
			targets, err := model.NewRunner(conn, p, model.RunnerOptions{Vars: vars, Select: []string{c.model + "+"}}).Targets(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			results, err := check.Run(t.Context(), conn, only(targets, c.check), check.Options{Moment: check.Moment{AsOf: vars.AsOf, Timezone: vars.Timezone}})
			if err != nil {
				t.Fatal(err)
			}
			if len(results) != 1 || results[0].Status != check.Failed || len(results[0].Sample) == 0 {
				t.Errorf("got %v", results)
			}
		})
	}
}

// only keeps the check of that name, be it of a table or of its own.
func only(targets []check.Target, name string) (kept []check.Target) {
	for _, target := range targets {
		for _, c := range target.Checks {
			if c.Name == name {
				target.Checks = []check.Check{c}
				kept = append(kept, target)
			}
		}
	}
	return kept
}
