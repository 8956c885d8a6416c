package model

import (
	"context"
	"slices"

	"winback/pipelines/check"
)

// singularChecks runs the checks of their own that read a selected model and
// whose data or query changed since they last passed.
func (r *run) singularChecks(ctx context.Context) ([]check.Result, error) {
	var targets []check.Target
	for _, c := range r.runner.project.checks {
		if !c.reads(r.planner.selected) && len(c.Parents) > 0 {
			continue
		}
		target, err := r.runner.project.singularTarget(c, r.runner.options.Vars)
		if err != nil {
			return nil, err
		}
		print, ready := r.planner.singularPrint(c, target)
		if !ready {
			r.heldBack = append(r.heldBack, c.Name)
		}
		if !ready || r.anyFailed(c.Parents) || r.planner.state.checked[c.Name] == print {
			continue
		}
		target.Fingerprint = print
		targets = append(targets, target)
	}
	if len(targets) == 0 {
		return nil, nil
	}
	if err := r.prepare(ctx); err != nil { // they may take their time
		return nil, err
	}
	results, err := check.Run(ctx, r.runner.conn, targets, check.Options{
		Moment: r.runner.options.Vars.moment(), Parallel: r.runner.options.Parallel, Settings: r.settings,
		Again: func(ctx context.Context, target string, ask func() error) error {
			return r.runner.options.Again(ctx, "check", target, ask)
		},
	})
	if err != nil {
		return results, err
	}
	for _, result := range results {
		r.observe(Event{Kind: Checked, Model: result.Model, Duration: result.Duration, Checks: []check.Result{result}})
	}
	return results, check.Record(ctx, r.runner.conn, r.runner.options.RunID, results)
}

// anyFailed says whether one of the models failed or was skipped: its table is
// not the one that the check would be noted for.
func (r *run) anyFailed(models []string) bool {
	return slices.ContainsFunc(models, func(name string) bool {
		result := r.results[name]
		return result != nil && (result.Kind == Failed || result.Kind == Skipped)
	})
}
