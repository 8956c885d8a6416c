package sqlfiles_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/model"
)

// roughCompany returns statements for a company whose five customers have nothing as
// it should be: one called before the company knew her, one has a manager and nothing
// else, one a contract that ended before it began, and runs, one is a guest, one ordered
// before he signed up. One deal has no stage, no funnel and no amount and was lost
// before it was made, the other comes three months later and was in all its stages at
// once; and of four calls one has no time, one was answered before it began.
func roughCompany() []string {
	const read = "toDateTime64('2024-06-30 23:00:00', 6, 'UTC') as extracted_at, 'test' as run_id, false as deleted"
	from := func(into, columns, rows string) string {
		return fmt.Sprintf("insert into raw.%s (source, extracted_at, run_id, deleted, %s) select 'rough', extracted_at, run_id, deleted, row.* from (select %s) array join [%s] as row", into, columns, read, rows)
	}
	at := func(text string) string { return "toNullable(toDateTime64('" + text + "', 6, 'UTC'))" }
	insert := func(into, columns string, rows ...string) string {
		texts := make([]string, len(rows))
		for i, row := range rows {
			texts[i] = "(" + row + ")"
		}
		return from(into, columns, strings.Join(texts, ", "))
	}
	none := "null"
	return []string{
		insert("crm_customers", "id, name, phone, manager_id, created_at, contract_started_at, contract_terminated_at",
			"'ann', 'Ann', ['020 7946 1001'], null, "+at("2024-03-01 09:00:00")+", "+none+", "+none,
			"'bob', 'Bob', [], 'm1', null, null, null",
			"'cid', 'Cid', [], null, "+at("2024-02-01 09:00:00")+", "+at("2024-05-01 09:00:00")+", "+at("2024-01-01 09:00:00")),
		insert("shop_customers", "id, email, phone, registered_at",
			"'1', 'ann@example.com', '020 7946 1001', "+at("2024-03-01 09:00:00"),
			"'9', 'eve@example.com', null, "+at("2024-05-01 09:00:00")),
		insert("shop_orders", "id, customer_id, email, ordered_at, status, currency, items_total",
			"'o1', '1', null, "+at("2024-03-10 09:00:00")+", 'completed', 'GBP', toNullable(toDecimal64(10, 4))",
			"'o2', null, 'dan@example.com', "+at("2024-02-10 09:00:00")+", 'completed', 'GBP', toNullable(toDecimal64(20, 4))",
			"'o3', '9', 'eve@example.com', "+at("2024-01-10 09:00:00")+", 'completed', 'GBP', toNullable(toDecimal64(30, 4))",
			"'o4', '9', 'eve@example.com', "+at("2024-01-20 09:00:00")+", 'completed', 'GBP', toNullable(toDecimal64(0, 4))"),
		insert("crm_pipelines", "id, name", "'p', 'Sales'"),
		insert("crm_stages", "pipeline_id, id, name, sort, kind", "'p', 's0', 'New', 0, 'open'", "'p', 's1', 'Offer', 10, 'open'", "'p', 'w', 'Won', 20, 'won'"),
		insert("crm_deals", "id, customer_id, pipeline_id, stage_id, status, amount, currency, created_at, closed_at",
			"'d1', 'ann', null, null, 'lost', null, null, "+at("2024-01-10 09:00:00")+", "+at("2023-12-20 09:00:00"),
			"'d2', null, 'p', 's1', 'open', toNullable(toDecimal64(5, 4)), 'GBP', "+at("2024-04-10 09:00:00")+", null"),
		insert("crm_deal_stages", "deal_id, seq, stage_id, entered_at",
			"'d2', 0, 's0', "+at("2024-04-10 09:00:00"), "'d2', 1, 's1', "+at("2024-04-10 09:00:00")),
		insert("callcenter_calls", "id, started_at, answered_at, ended_at, direction, disposition, from_number, queue, callback_promised_at",
			"'c1', "+at("2024-01-05 09:00:00")+", null, null, 'inbound', 'abandoned', '020 7946 1001', 'day', "+at("2024-01-06 09:00:00"),
			"'c2', "+at("2024-01-05 10:00:00")+", "+at("2024-01-05 09:00:00")+", "+at("2024-01-05 08:00:00")+", 'inbound', 'answered', null, 'day', null",
			"'c3', "+at("2024-02-02 10:00:00")+", null, null, 'outbound', 'busy', null, 'night', null",
			"'c4', null, null, null, 'inbound', 'answered', null, 'day', null"),
	}
}

// TestModels_RoughCompany holds the marts to sensible rows where records are late,
// empty or wrong: nothing is left out, nothing is no number, all checks are green.
func TestModels_RoughCompany(t *testing.T) {
	conn := conn(t)
	vars := model.DefaultVars()
	vars.AsOf, vars.Timezone, vars.Currency = time.Date(2024, 6, 30, 0, 0, 0, 0, time.UTC), "Europe/London", "GBP"
	build(t, conn, vars, roughCompany()...)
	for _, c := range []struct{ name, sql, want string }{
		{"no dropped customers", "select arraySort(groupArray(concat(coalesce(name, emails[1]), ' ', coalesce(status, 'never bought')))) from mart.customers", "['Ann sleeping','Bob never bought','Cid never bought','dan@example.com sleeping','eve@example.com sleeping']"},
		{"customers of every month are all who had come", "select groupArray((month, customers)) from (select month, count() as customers from mart.customer_months group by month order by month)", "[('2024-01-01',1),('2024-02-01',2),('2024-03-01',3),('2024-04-01',3),('2024-05-01',3),('2024-06-01',3)]"},
		{"calls before the customer exists", "select (customer_key is not null, started_on < (select min(ordered_on) from staging.int_purchases where customer_key = int_calls.customer_key)) from staging.int_calls where call_id = 'c1'", "(1,1)"},
		{"a promise to somebody who was no customer yet", "select (status, customer_key is not null) from mart.promises", "('never',1)"},
		{"clocks that disagree", "select (wait_seconds, talk_seconds) from staging.int_calls where call_id = 'c2'", "(NULL,NULL)"},
		{"a deal lost before it was made", "select (outcome, days) from mart.deals where deal_id = 'd1'", "('lost',0)"},
		{"a deal without a stage", "select (pipeline, furthest_stage, is_unplaced) from mart.deals where deal_id = 'd1'", "('(none)','(none)',true)"},
		{"a deal of nobody, in all stages at once", "select (customer_key, furthest_stage, outcome) from mart.deals where deal_id = 'd2'", "(NULL,'Offer','open')"},
		{"a month without deals", "select groupArray((month, made, open, win_rate_pct)) from (select * from mart.sales_velocity where pipeline = '(all)' order by month)", "[('2024-01-01',1,0,0),('2024-02-01',0,0,NULL),('2024-03-01',0,0,NULL),('2024-04-01',1,1,NULL),('2024-05-01',0,1,NULL),('2024-06-01',0,1,NULL)]"},
		{"a customer without a manager", "select groupArray((month, manager_id, portfolio)) from (select * from mart.managers_monthly where month = '2024-06-01' order by manager_id)", "[('2024-06-01','(all)',3),('2024-06-01','(none)',3)]"},
		{"days are never below zero", "select countIf(days_silent < 0) from mart.silent_customers", "0"},
		{"division by zero", "select groupArray((day, queue, offered, service_level_pct)) from (select * from mart.callcenter_daily where queue != '(all)' order by day)", "[('2024-01-05','day',2,0)]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got string
			if err := conn.QueryRow(t.Context(), "select toString(("+c.sql+"))").Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	t.Run("every number is one", func(t *testing.T) { wantNumbers(t, conn) })
}

// wantNumbers looks for what a division by zero leaves in every float of the marts.
func wantNumbers(t *testing.T, conn driver.Conn) {
	var queries []string
	rows, err := conn.Query(t.Context(), "select table, name from system.columns where database = 'mart' and type like '%Float%' and type not like '%(%(%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, name string
		if err := rows.Scan(&table, &name); err != nil {
			t.Fatal(err)
		}
		queries = append(queries, fmt.Sprintf("select '%s.%s' as number, countIf(not isFinite(%[2]s)) as odd from mart.%[1]s", table, name))
	}
	if len(queries) < 200 {
		t.Fatalf("the marts have %d floats", len(queries))
	}
	var odd []string
	if err := conn.QueryRow(t.Context(), "select groupArray(number) from ("+strings.Join(queries, " union all ")+") where odd > 0").Scan(&odd); err != nil {
		t.Fatal(err)
	}
	if len(odd) > 0 {
		t.Errorf("no numbers in %v", odd)
	}
}
