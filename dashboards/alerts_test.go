package dashboards_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/dashboards/grafana"
)

// TestAlerts asks the alert rules' queries of a small warehouse: the last whole
// month is at the alarm level, one source was read today and one never, one of two
// checks is red since it ran last, and one team missed two call-backs of the last
// day.
func TestAlerts(t *testing.T) {
	conn := emptyWarehouse(t)
	if rows := answers(t, conn); len(rows["winback-data-old"])+len(rows["winback-churn-alarm"])+len(rows["winback-callbacks-missed"]) > 0 {
		t.Errorf("an empty warehouse alarms: %v", rows)
	}
	for _, sql := range []string{
		`insert into mart.churn_monthly (month, segment, is_complete, churn_12m_pct, level) values
			('2026-01-01', '(all)', true, 12, 'watch'), ('2026-02-01', '(all)', true, 23.5, 'alarm'), ('2026-03-01', '(all)', false, 5, 'normal'), ('2026-02-01', 'retail', true, 40, 'alarm')`,
		`insert into ops.steps (kind, name, state, started_at) values ('extract', 'shop.orders', 'done', now64(6)), ('extract', 'crm.deals', 'failed', now64(6))`,
		`insert into ops.checks (model, check, status, checked_at) values
			('a', 'unique', 'failed', now64(6) - 60), ('a', 'unique', 'passed', now64(6)), ('b', 'unique', 'passed', now64(6) - 60), ('b', 'unique', 'broken', now64(6))`,
		`insert into ops.runs (run_id, as_of, started_at, state, written_at) values ('1', '2026-03-10', now64(6) - 60, 'done', now64(6)), ('2', '2026-03-11', now64(6), 'partly', now64(6)), ('3', '2026-03-12', now64(6), 'failed', now64(6))`,
		`insert into mart.promises (kind, promise_id, team, status, due_on) values ('callback', '1', 'desk', 'never', '2026-03-11'), ('callback', '2', 'desk', 'never', '2026-03-11'),
			('callback', '3', 'desk', 'never', '2026-03-10'), ('callback', '4', 'sales', 'late', '2026-03-11'), ('refund', '5', 'sales', 'never', '2026-03-11')`,
	} {
		if err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	rows := answers(t, conn)
	for uid, want := range map[string]string{
		"winback-churn-alarm": "23.5", "winback-data-old": "crm 8760, shop 0", "winback-checks-red": "1", "winback-callbacks-missed": "desk 2",
	} {
		if got := strings.Join(rows[uid], ", "); got != want {
			t.Errorf("%s: got %q, want %q", uid, got, want)
		}
	}
}

// answers asks each query and writes its rows: labels, which are texts, and the one
// number that a rule may have.
func answers(t *testing.T, conn driver.Conn) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for uid, sql := range grafana.AlertQueries() {
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Fatalf("%s: %v", uid, err)
		}
		labelled := len(rows.Columns()) == 2
		for rows.Next() {
			var label string
			var number *float64
			if labelled {
				err = rows.Scan(&label, &number)
				label += " "
			} else {
				err = rows.Scan(&number)
			}
			if err != nil || number == nil {
				t.Fatalf("%s: %v, no number", uid, err)
			}
			all[uid] = append(all[uid], fmt.Sprint(label, *number))
		}
		if err := rows.Err(); err != nil {
			t.Fatalf("%s: %v", uid, err)
		}
	}
	return all
}
