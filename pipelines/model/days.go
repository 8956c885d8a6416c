package model

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Company is what a selection brings with it when the project's values, the day
// that the warehouse describes above all, are not those of the tables there.
type Company struct {
	// Along are the models that are built although nobody selected them: the
	// selected ones are built from them, and they stand as other values made them.
	Along []string
	// Behind are the models outside the run that describe another day, and will
	// still do so after it.
	Behind []string
	// BehindAsOf is the latest day that those describe; zero when there are none.
	BehindAsOf time.Time
}

// Company returns what the selection of the runner brings with it. It changes
// nothing in the warehouse.
func (r *Runner) Company(ctx context.Context) (Company, error) {
	selected, err := r.project.Select(r.options.Select)
	if err != nil {
		return Company{}, err
	}
	p, err := r.newPlanner(ctx, selected)
	if err != nil {
		return Company{}, err
	}
	models, err := p.completed(selected)
	if err != nil {
		return Company{}, err
	}
	var c Company
	for _, m := range models {
		if _, err := p.decide(ctx, m); err != nil {
			return Company{}, err
		}
		if !slices.Contains(selected, m) {
			c.Along = append(c.Along, m.Name)
		}
	}
	for _, m := range r.project.models {
		asOf := p.state.builds[m.Name].asOf
		if sameDay(asOf, p.vars.AsOf) || !p.outdated(m) {
			continue
		}
		c.Behind = append(c.Behind, m.Name)
		if asOf.After(c.BehindAsOf) {
			c.BehindAsOf = asOf
		}
	}
	return c, nil
}

// completed adds to the selection what it is built from, or is checked against,
// as far as that stands as other values made it: numbers of two days never meet
// in one table. Nor do they in a view: one that reads what is built for another day
// comes along, with what else it reads.
func (p *planner) completed(models []*Model) ([]*Model, error) {
	behind := map[string]bool{}
	for _, m := range p.project.models { // parents first
		itself, err := p.behindItself(m)
		if err != nil {
			return nil, err
		}
		behind[m.Name] = itself || slices.ContainsFunc(m.Parents, func(name string) bool { return behind[name] })
	}
	var starts []string
	for _, m := range models {
		starts = append(starts, m.Name)
	}
	for len(starts) > 0 {
		needed := reachable(starts, func(name string) []string { return p.project.byName[name].before() })
		starts = nil
		for _, m := range p.project.models {
			if needed[m.Name] && behind[m.Name] {
				p.selected[m.Name] = true
			}
		}
		for _, m := range p.project.models {
			if p.strandedView(m, behind) {
				starts = append(starts, m.Name)
			}
		}
	}
	clear(p.prints) // what is built now gets others
	return slices.DeleteFunc(p.project.Models(), func(m *Model) bool { return !p.selected[m.Name] }), nil
}

// strandedView says that a view stays behind while what it reads does not.
func (p *planner) strandedView(m *Model, behind map[string]bool) bool {
	return m.Materialized == View && !p.selected[m.Name] && behind[m.Name] && p.state.relations[m.FullName()] &&
		slices.ContainsFunc(m.Parents, func(name string) bool { return p.selected[name] && behind[name] })
}

// behindItself says that a model stands in the warehouse as other values of the
// project made it, or as tables of another day did that have moved since. One
// whose files changed while the values stayed is not behind: it is as it was meant
// when it was built.
func (p *planner) behindItself(m *Model) (bool, error) {
	has, known := p.state.builds[m.Name]
	if !known || !p.state.relations[m.FullName()] {
		return false, nil
	}
	moved := !sameDay(has.asOf, p.vars.AsOf)
	if moved && p.inputsMoved(m) {
		return true, nil
	}
	if !moved && has.definition != m.definition() {
		return false, nil
	}
	return p.compiledOtherwise(m)
}

// compiledOtherwise says that the model's SQL is not that of its last build.
func (p *planner) compiledOtherwise(m *Model) (bool, error) {
	sql := ""
	if m.sql != nil {
		var err error
		if sql, err = m.compile(p.vars, p.project.relations()); err != nil {
			return false, fmt.Errorf("look which day %s describes: %w", m.FullName(), err)
		}
	}
	return p.state.builds[m.Name].compiled != m.compiledIdentity(sql, p.vars), nil
}

// inputsMoved says that what a model was built from is not what is there now. A
// parent that is missing has not moved; whoever reads it says so.
func (p *planner) inputsMoved(m *Model) bool {
	inputs, err := p.inputs(m)
	return err == nil && !maps.Equal(inputs, p.state.builds[m.Name].inputs)
}

// outdated says that a model outside the run is not what a run of everything
// would make of it after this one.
func (p *planner) outdated(m *Model) bool {
	if _, known := p.state.builds[m.Name]; p.selected[m.Name] || !known || !p.state.relations[m.FullName()] {
		return false
	}
	otherwise, err := p.compiledOtherwise(m)
	return err != nil || otherwise || p.inputsMoved(m) ||
		slices.ContainsFunc(m.Parents, func(name string) bool { return p.outdated(p.project.byName[name]) })
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }
