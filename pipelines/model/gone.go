package model

import (
	"context"
	"fmt"
	"slices"
	"time"

	"winback/pipelines/check"
)

// settleGone notes of checks that failed when they last ran, and that no model has any
// more, that there is nothing to judge: they would count as failing for ever. It returns
// the others.
func (r *run) settleGone(ctx context.Context) (standing []check.Result) {
	if ctx.Err() != nil {
		return nil
	}
	failing, err := r.failingChecks(ctx)
	if err != nil {
		r.warn("ops.checks", err.Error())
		return nil
	}
	type named struct{ model, check string }
	known := map[named]bool{}
	for _, m := range r.runner.project.models {
		for _, c := range m.Checks {
			known[named{m.Name, c.Name}] = true
		}
	}
	for _, c := range r.runner.project.checks {
		known[named{c.Name, c.Name}] = true
	}
	for _, c := range failing {
		if known[named{c.Model, c.Check}] {
			standing = append(standing, c)
		} else {
			c.Status, c.Message, c.CheckedAt = check.NotRun, "there is no such check any more", time.Now().UTC()
			r.unrecorded = append(r.unrecorded, c)
		}
	}
	r.recordChecks(ctx)
	return standing
}

// without leaves out the checks that have a result of this run.
func without(failing, ran []check.Result) []check.Result {
	return slices.DeleteFunc(failing, func(f check.Result) bool {
		return slices.ContainsFunc(ran, func(r check.Result) bool { return r.Model == f.Model && r.Check == f.Check })
	})
}

// failingChecks reads which checks failed when they last ran.
func (r *run) failingChecks(ctx context.Context) (failing []check.Result, err error) {
	rows, err := r.runner.conn.Query(ctx, `select toString(model), check, toString(argMax(kind, checked_at)), toString(argMax(severity, checked_at)) from ops.checks
		group by model, check having argMax(status, checked_at) in ('failed', 'broken') order by model, check`)
	if err != nil {
		return nil, fmt.Errorf("read which checks failed: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c check.Result
		var kind, severity string
		if err := rows.Scan(&c.Model, &c.Check, &kind, &severity); err != nil {
			return nil, fmt.Errorf("read which checks failed: %w", err)
		}
		c.Kind, c.Severity = check.Kind(kind), check.Severity(severity)
		failing = append(failing, c)
	}
	return failing, rows.Err()
}
