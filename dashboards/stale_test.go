package dashboards_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/dashboards"
	"winback/dashboards/report"
)

// Who reads a page knows before the first number that it is old, partly read or red.
func TestPages_SayThatTheyAreOld(t *testing.T) {
	conn := emptyWarehouse(t)
	boards, err := dashboards.Load("EUR")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		ops  []string
		want []string
	}{
		{"all is well", []string{
			`insert into ops.runs (run_id, as_of, started_at, state, written_at) values ('1', '2026-03-11', '2026-03-12 05:00:00', 'done', now64(6))`,
			`insert into ops.steps (kind, name, state, started_at) values ('extract', 'shop.orders', 'done', '2026-03-12 05:00:00')`,
			`insert into ops.checks (model, check, status, severity, checked_at) values ('churn_monthly', 'unique', 'passed', 'error', '2026-03-12 05:02:00')`,
		}, nil},
		{"nothing was read for days", []string{
			`insert into ops.runs (run_id, as_of, started_at, state, written_at) values ('1', '2026-03-11', '2026-03-09 05:00:00', 'done', now64(6))`,
			`insert into ops.steps (kind, name, state, started_at) values ('extract', 'shop.orders', 'done', '2026-03-09 05:00:00'), ('extract', 'shop.gone', 'done', '2026-03-01 05:00:00')`,
		}, []string{"Nothing new was read since 9 March 2026, 05:00.", "Not read lately: shop.orders (last with success on 9 March 2026, 05:00)."}},
		{"the last run failed, and a check is red", []string{
			`insert into ops.runs (run_id, as_of, started_at, state, message, written_at) values ('1', '2026-03-11', '2026-03-12 05:00:00', 'failed', 'the disk is full', now64(6))`,
			`insert into ops.steps (kind, name, state, started_at) values ('extract', 'shop.orders', 'done', '2026-03-12 05:00:00')`,
			`insert into ops.checks (model, check, status, severity, checked_at) values ('churn_monthly', 'unique', 'failed', 'error', '2026-03-12 05:02:00')`,
		}, []string{
			"The last run, of 12 March 2026, 05:00, failed; what is shown is from before it: the disk is full.",
			"Checks of churn_monthly failed; the tables keep what was right before.",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, sql := range append([]string{"truncate table ops.runs", "truncate table ops.steps", "truncate table ops.checks"}, c.ops...) {
				if err := conn.Exec(t.Context(), sql); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}
			r, err := report.Build(t.Context(), report.Options{
				Querier: conn, Dashboards: boards[:1], Project: "acme", AsOf: lookedAt.AddDate(0, 0, -1).Truncate(24 * time.Hour), Now: lookedAt, Zone: time.UTC,
				Reads: func(_, dataset string) bool { return dataset != "gone" },
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, r.Warnings); diff != "" {
				t.Error(diff)
			}
			var page strings.Builder
			if err := r.WriteHTML(&page); err != nil {
				t.Fatal(err)
			}
			top, _, _ := strings.Cut(page.String(), "<main>")
			for _, said := range c.want {
				if !strings.Contains(top, said) {
					t.Errorf("%q does not stand above the numbers", said)
				}
			}
		})
	}
}
