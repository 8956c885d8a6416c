package model

import (
	"context"
	"fmt"
	"slices"
	"time"

	"winback/pipelines/check"
)

// Check runs the checks of the selected models over the warehouse as it stands, each
// as of the day that its table describes, as a run would: with its settings, so that a
// join without a match gives NULL.
func (r *Runner) Check(ctx context.Context) ([]check.Result, error) {
	targets, err := r.Targets(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(ctx, r.conn, r.options.Settings)
	if err != nil {
		return nil, err
	}
	return check.Run(ctx, r.conn, targets, check.Options{Moment: r.options.Vars.moment(), Parallel: r.options.Parallel, Settings: settings})
}

// Targets returns what the checks of the selected models judge in the warehouse as
// it stands: the models' tables, each as of the day it describes, and one target for
// each check of its own that is selected or reads one of the models. A check over tables that
// describe different days, or are not all there, is a target that says why it does
// not run.
func (r *Runner) Targets(ctx context.Context) ([]check.Target, error) {
	models, checks, err := r.project.SelectChecks(r.options.Select)
	if err != nil {
		return nil, err
	}
	s, err := readState(ctx, r.conn)
	if err != nil {
		return nil, err
	}
	var targets []check.Target
	for _, m := range models {
		if len(m.Checks) > 0 {
			target := r.project.checkTarget(m, s.holds)
			target.AsOf = s.builds[m.Name].asOf
			compareRows(target.Checks, s.builds[m.Name], target.AsOf)
			targets = append(targets, target)
		}
	}
	for _, c := range checks {
		target, err := r.standing(c, s)
		if err != nil {
			return nil, err
		}
		targets = append(targets, target)
	}
	return targets, nil
}

// standing returns the target of a check of its own for the day that the tables it
// reads describe.
func (r *Runner) standing(c *SingularCheck, s *state) (check.Target, error) {
	vars := r.options.Vars
	var newest, oldest time.Time
	for _, name := range c.Parents {
		asOf := s.builds[name].asOf
		if asOf.IsZero() || !r.project.followsDay(r.project.byName[name], vars) {
			continue
		}
		if newest.IsZero() || asOf.After(newest) {
			newest = asOf
		}
		if oldest.IsZero() || asOf.Before(oldest) {
			oldest = asOf
		}
	}
	if !newest.IsZero() {
		vars.AsOf = newest
	}
	target, err := r.project.singularTarget(c, vars)
	for _, name := range c.Parents {
		if m := r.project.byName[name]; !s.holds(m) {
			target.NotRun = fmt.Sprintf("it reads %s, which is not built", m.FullName())
			return target, err
		}
	}
	if !sameDay(newest, oldest) {
		target.NotRun = fmt.Sprintf("the tables it compares describe different days, %s and %s; a run without --only brings them together",
			oldest.Format(time.DateOnly), newest.Format(time.DateOnly))
	}
	return target, err
}

// followsDay says whether a model, or something that it is built from, depends on
// the day that the warehouse describes.
func (p *Project) followsDay(m *Model, vars Vars) bool {
	if m.sql != nil {
		next := vars
		next.AsOf = vars.AsOf.AddDate(0, 0, 1)
		today, err := m.compile(vars, p.relations())
		tomorrow, nextErr := m.compile(next, p.relations())
		if err != nil || nextErr != nil || today != tomorrow {
			return true
		}
	}
	return slices.ContainsFunc(m.Parents, func(name string) bool { return p.followsDay(p.byName[name], vars) })
}

// checkTarget returns the model's checks. Those that look into a table that is not
// there do not run.
func (p *Project) checkTarget(m *Model, there func(*Model) bool) check.Target {
	private := map[string]bool{}
	for _, column := range m.Columns {
		private[column.Name] = column.Private
	}
	checks := slices.Clone(m.Checks)
	for _, ref := range m.checkRefs {
		if to := p.byName[ref.model]; to != m && !there(to) {
			checks[ref.check].NotRun = fmt.Sprintf("it looks into %s, which is not built; select it too, with +", to.FullName())
		}
	}
	return check.Target{Name: m.Name, Relation: m.Relation(), Columns: m.columnNames(), Private: private, Checks: checks}
}

// longestLeap is how far the day may move between two builds whose rows are
// compared: over more time a table may well grow.
const longestLeap = 31 * 24 * time.Hour

// compareRows tells the checks of growing and shrinking how many rows the last
// good build had. Going back in time there is nothing to compare.
func compareRows(checks []check.Check, last build, asOf time.Time) {
	if last.rows == nil || last.asOf.After(asOf) || asOf.Sub(last.asOf) > longestLeap {
		return
	}
	for i := range checks {
		if checks[i].Kind == check.RowCountChange {
			checks[i].RowsBefore = last.rows
		}
	}
}

func (p *Project) singularTarget(c *SingularCheck, vars Vars) (check.Target, error) {
	query, err := c.compile(vars, p.relations())
	if err != nil {
		return check.Target{}, err
	}
	private := map[string]bool{}
	for _, name := range c.Parents {
		for _, column := range p.byName[name].Columns {
			private[column.Name] = private[column.Name] || column.Private
		}
	}
	return check.Target{
		Name:    c.Name,
		Private: private,
		Checks:  []check.Check{{Name: c.Name, Kind: check.Query, Severity: c.Severity, Query: query, About: c.Summary, Place: c.Path}},
	}, nil
}
