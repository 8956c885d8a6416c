package model_test

import (
	"testing"
	"time"

	"winback/pipelines/check"
	"winback/pipelines/model"
)

// A check that failed when it last ran, and then was renamed or removed, is not told for ever.
func TestRunner_Run_ChecksThatAreGone(t *testing.T) {
	shop, conn := files(t, "shop.txtar"), warehouse(t)
	runModels(t, conn, shop, model.RunnerOptions{})
	var failed []check.Result
	for _, name := range [][2]string{
		{"customers", "accepted_values(status)"}, {"customers", "of another name"}, {"no_more", "unique id"},
		{"revenue_balances", "revenue_balances"}, {"balances_no_more", "balances_no_more"},
	} {
		kind := check.Kind("")
		if name[0] == name[1] {
			kind = check.Query
		}
		failed = append(failed, check.Result{
			Model: name[0], Check: name[1], Kind: kind, Severity: check.Error, Status: check.Failed, Failures: 1, Fingerprint: "?", CheckedAt: time.Now().UTC(),
		})
	}
	if err := check.Record(t.Context(), conn, "run-1", failed); err != nil {
		t.Fatal(err)
	}
	const red = "select concat(model, ': ', check) from ops.checks group by model, check having argMax(status, checked_at) in ('failed', 'broken') order by 1"
	runModels(t, conn, shop, model.RunnerOptions{Select: []string{"regions"}})
	wantLines(t, conn, red, "customers: accepted_values(status)", "revenue_balances: revenue_balances")
	notes := "select count() from ops.checks where status = 'not run' and message = 'there is no such check any more' and severity = 'error'"
	wantLines(t, conn, notes, "3")
	summary, _ := runModels(t, conn, shop, model.RunnerOptions{Select: []string{"regions"}})
	wantLines(t, conn, notes, "3")

	// What stands is told by runs that have no reason to check it again.
	if n := len(summary.Standing); n != 2 {
		t.Errorf("%d checks stand, not 2: %v", n, summary.Standing)
	}
	summary, _ = runModels(t, conn, shop, model.RunnerOptions{Full: true})
	for _, c := range summary.Standing {
		t.Errorf("%s stands, though it passed", c.Check)
	}
}
