package sqlfiles_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"winback/pipelines/model"
)

// put loads rows of an entity as a run does, written as SQL values of the columns.
func (c *company) put(name, columns string, isDeleted bool, rows ...string) {
	c.tb.Helper()
	c.loaded[name] = c.run
	for i, row := range rows {
		rows[i] = fmt.Sprintf("('a', '%d', toDateTime64(%d, 6, 'UTC'), %t, %s)", c.run, c.run*1000, isDeleted, row)
	}
	c.exec(fmt.Sprintf("insert into raw.%s (source, run_id, extracted_at, deleted, %s) values %s", strings.ReplaceAll(name, ".", "_"), columns, strings.Join(rows, ", ")))
}

// halfAYear fills in thirty customers who buy for 100 in the middle of every month
// from January to May.
func (c *company) halfAYear() {
	var customers, orders []string
	for n := range 30 {
		customers = append(customers, fmt.Sprintf("'%d', 'p%d@example.com', '2024-01-01 08:00:00'", n, n))
		for month := 1; month <= 5; month++ {
			orders = append(orders, fmt.Sprintf("'%d-%d', '%d', '2024-%02d-15 12:00:00', 'completed', 100", n, month, n, month))
		}
	}
	c.put("shop.customers", "id, email, registered_at", false, customers...)
	c.put("shop.orders", orderColumns, false, orders...)
}

const orderColumns = "id, customer_id, ordered_at, status, items_total"

// TestModels_Restatements makes each cause of a restatement happen and sees that
// mart.restatements, and what the run tells, name it.
func TestModels_Restatements(t *testing.T) {
	p, c := project(t), newCompany(t, 1)
	vars := model.DefaultVars()
	vars.AsOf = time.Date(2024, 6, 30, 0, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		what    string
		happens func()
		want    map[string]string // what became of some figures
	}{
		{"the first report", c.halfAYear, nil},
		{"two late refunds of February, a late order of March, a refund to be paid in July, a cancelled one of April, a changed and a deleted one of May", func() {
			c.put("shop.refunds", "id, order_id, at, amount", false, "'r1', '1-2', '2024-06-20 12:00:00', 10", "'r2', '2-2', '2024-06-21 12:00:00', 20",
				"'r3', '7-3', '2024-07-01 12:00:00', 30")
			c.put("shop.orders", orderColumns, false, "'late', '3', '2024-03-20 12:00:00', 'completed', 50",
				"'4-4', '4', '2024-04-15 12:00:00', 'cancelled', 100", "'5-5', '5', '2024-05-15 12:00:00', 'completed', 80")
			c.put("shop.orders", orderColumns, true, "'6-5', '6', '2024-05-15 12:00:00', 'completed', 100")
		}, map[string]string{
			"net_revenue of 2024-01": "",
			"net_revenue of 2024-02": "3000 → 2970 (2 late refunds)",
			"net_revenue of 2024-03": "3000 → 3050 (2 late refunds, 1 late order)",
			"net_revenue of 2024-04": "3000 → 2900 (2 late refunds, 1 cancelled order, 1 late order)",
			"net_revenue of 2024-05": "3000 → 2880 (2 late refunds, 1 cancelled order, 1 changed order, 1 deleted order, 1 late order)",
		}},
		{"a refund that was announced for the day after, and a day that goes on", func() {
			vars.AsOf = vars.AsOf.AddDate(0, 0, 1)
		}, map[string]string{
			"net_revenue of 2024-02": "",
			"net_revenue of 2024-03": "3050 → 3020 (1 late refund)",
		}},
		{"records of one customer found later, and another limit", func() {
			c.put("shop.customers", "id, email, registered_at", false, "'8', 'p7@example.com', '2024-01-01 08:00:00'")
			vars.Churn.SleepingAfter, vars.Churn.LostAfter = 20, 40
		}, map[string]string{
			"new_customers of 2024-01":    "30 → 29 (changed configuration (churn.lost_after 180 → 40, churn.sleeping_after 90 → 20), 1 merged customer)",
			"customers_at_end of 2024-06": "30 → 0 (changed configuration (churn.lost_after 180 → 40, churn.sleeping_after 90 → 20), 1 merged customer)",
		}},
	} {
		t.Run(step.what, func(t *testing.T) {
			c.run++
			step.happens()
			run := fmt.Sprint("restating ", c.run)
			summary, err := model.NewRunner(c.conn, p, model.RunnerOptions{
				RunID: run, Vars: vars, Sources: contract{}, Versions: c, WholeAbove: 2, Select: []string{"+kpi_monthly", "restatements"},
			}).Run(t.Context())
			if err != nil || !summary.OK() {
				t.Fatal(err, summary.Warnings, summary.AllChecks())
			}
			for figure, want := range step.want {
				if got := c.restated(t, run, figure); got != want {
					t.Errorf("%s: got %q, want %q", figure, got, want)
				}
			}
			if told := strings.Contains(strings.Join(summary.Warnings, "\n"), "mart.kpi_monthly restates"); told != (step.want != nil) {
				t.Errorf("the run says %q", summary.Warnings)
			}
		})
	}
}

// restated returns what a run restated of a figure, such as "lost of 2024-02".
func (c *company) restated(t *testing.T, run, figure string) string {
	t.Helper()
	var texts []string
	err := c.conn.QueryRow(t.Context(), `select groupArray(concat(toString(reported), ' → ', toString(now), ' (', cause, ')')) from mart.restatements
		where run_id = ? and concat(kpi, ' of ', formatDateTime(month, '%Y-%m')) = ?`, run, figure).Scan(&texts)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(texts, "; ")
}
