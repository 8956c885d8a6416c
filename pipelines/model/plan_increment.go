package model

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"winback/pipelines/quote"
)

// increment is how touched keys are found: what the block touched may ask for.
type increment struct {
	// seen is the day that the last build describes.
	seen time.Time
	// changed are the changes of what the block follows, as SQL, by name.
	changed map[string]string
	// steps are the steps of the followed models' logs that the SQL reads, by model.
	steps map[string][]step
	// unknown are those of which it is not known what changed.
	unknown []string
}

// inputsThroughViews adds what the model reads, directly or through views: data
// by their versions, views by their SQL. So a change of data can be told from one
// of the way they are read.
func (p *planner) inputsThroughViews(m *Model, inputs map[string]string) error {
	parents, sources, err := m.reads(p.vars)
	if err != nil {
		return err
	}
	for _, name := range parents {
		parent := p.project.byName[name]
		print, err := p.print(parent)
		if err != nil {
			return fmt.Errorf("%s reads %w", m.Name, err)
		}
		if parent.Materialized != View {
			inputs[name] = print
			continue
		}
		if inputs[name], err = p.viewSQL(parent); err != nil {
			return err
		}
		if err := p.inputsThroughViews(parent, inputs); err != nil {
			return err
		}
	}
	for _, source := range sources {
		inputs[sourceKey(source)] = p.versions[source]
	}
	return nil
}

// viewSQL identifies the SQL of a view, as it is in the warehouse when the view
// is not selected: first without the day in it, then with it.
func (p *planner) viewSQL(m *Model) (string, error) {
	if !p.selected[m.Name] {
		has := p.state.builds[m.Name]
		return digest(has.definition, has.undated) + " " + digest(has.definition, has.compiled), nil
	}
	undated, err := m.undated(p.vars, p.project.relations())
	if err != nil {
		return "", err
	}
	sql, err := m.compile(p.vars, p.project.relations())
	return digest(m.definition(), undated) + " " + digest(m.definition(), m.compiledIdentity(sql, p.vars)), err
}

// onlyDayMoved says that an input that differs is a view whose SQL differs by
// nothing but the day in it.
func (p *planner) onlyDayMoved(name, has, want string) bool {
	if parent := p.project.byName[name]; parent == nil || parent.Materialized != View {
		return false
	}
	undated, _, dated := strings.Cut(has, " ")
	return dated && strings.HasPrefix(want, undated+" ")
}

// readsDay says that the model's rows depend on the day, by its own query or by a
// view that it reads.
func (p *planner) readsDay(m *Model) bool {
	return m.sql.readsAsOf || slices.ContainsFunc(m.Parents, func(name string) bool {
		parent := p.project.byName[name]
		return parent.Materialized == View && p.readsDay(parent)
	})
}

// decideIncrement sees whether it is enough to build touched keys anew, and adds
// to the reason what came in, or why it is not enough.
func (p *planner) decideIncrement(ctx context.Context, m *Model, d *decision) error {
	if m.Materialized != Incremental {
		return nil
	}
	has, known := p.state.builds[m.Name]
	if !known || !p.state.relations[m.FullName()] || p.full {
		return nil
	}
	i, whole, err := p.increment(ctx, m, has, d)
	if whole != "" {
		d.reason += "; built whole: " + whole
		return err
	}
	d.increment = i
	return err
}

// increment returns how touched keys are found, or why the table has to be built
// whole.
func (p *planner) increment(ctx context.Context, m *Model, has build, d *decision) (i *increment, whole string, err error) {
	switch {
	case p.spread:
		return nil, "its rows are spread over several servers", nil
	case has.definition != d.want.definition:
		return nil, "its files changed", nil
	case has.undated != d.want.undated:
		return nil, "the project's values changed", nil
	case anyWhole(d.pending):
		return nil, "its last whole build was broken off", nil
	case !sameDay(has.asOf, p.vars.AsOf) && !m.sql.followsAsOf && p.readsDay(m):
		return nil, "it does not say which keys a new day touches", nil
	}
	for _, name := range slices.Sorted(maps.Keys(d.want.inputs)) {
		if has.inputs[name] != d.want.inputs[name] && !slices.Contains(m.sql.changed, name) && !p.onlyDayMoved(name, has.inputs[name], d.want.inputs[name]) {
			return nil, name + " changed, which it does not follow", nil
		}
	}
	i = &increment{seen: has.asOf, changed: map[string]string{}, steps: map[string][]step{}}
	d.arrivals = map[string]Arrivals{}
	for _, name := range m.sql.changed {
		if whole, err = p.follow(ctx, m, name, has, d, i); whole != "" || err != nil {
			return nil, whole, err
		}
	}
	if p.rowsAround(m) < p.small {
		return nil, "it and what it reads are small", nil
	}
	return i, "", nil
}

// rowsAround is how many rows the model has and reads, directly or through views. To
// find what is touched, compute it, compare it and put it in place costs several
// statements, and of few rows more than all of them anew.
func (p *planner) rowsAround(m *Model) uint64 {
	rows, seen := p.state.held[m.FullName()], map[string]bool{}
	var visit func(m *Model)
	visit = func(m *Model) {
		for _, source := range m.Sources {
			if name := rawDatabase + "." + source.Domain + "_" + source.Entity; !seen[name] {
				seen[name] = true
				rows += p.state.held[name]
			}
		}
		for _, name := range m.Parents {
			if seen[name] {
				continue
			}
			seen[name] = true
			if parent := p.project.byName[name]; parent.Materialized == View {
				visit(parent)
			} else {
				rows += p.state.held[parent.FullName()]
			}
		}
	}
	visit(m)
	return rows
}

// follow notes the changes of an entity or a model since the last build, or
// returns why they are not known.
func (p *planner) follow(ctx context.Context, m *Model, name string, has build, d *decision, i *increment) (whole string, err error) {
	if domain, entity, ok := cutSource(name); ok {
		return p.followSource(ctx, Source{domain, entity}, has.inputs[name], d, i)
	}
	parent := p.project.byName[name]
	steps, ok := p.state.chain(name, has.inputs[name], d.want.inputs[name])
	switch {
	case ok:
	case p.changing[name]: // planned and not built yet: its log will tell
	default:
		return "what changed in " + name + " since is not known", nil
	}
	i.steps[name] = steps
	i.changed[name] = "(" + parent.logged(steps) + ")"
	if len(steps) == 0 {
		i.changed[name] = fmt.Sprintf("(select %s from %s where false)", quote.Names(parent.Changes), parent.Relation())
	}
	return "", nil
}

func (p *planner) followSource(ctx context.Context, source Source, since string, d *decision, i *increment) (whole string, err error) {
	name := sourceKey(source)
	a, ok := Arrivals{}, true
	if since != p.versions[source] {
		if p.changes == nil {
			return "which rows of " + name + " are new is not known", nil
		}
		if a, ok, err = p.changes.Since(ctx, source.Domain, source.Entity, since); err != nil {
			return "", fmt.Errorf("read which rows of %s are new: %w", name, err)
		}
		if !ok {
			return "which rows of " + name + " are new is not known", nil
		}
	}
	condition := a.Condition
	if condition == "" {
		condition = "false"
	}
	i.changed[name] = fmt.Sprintf("(select * from %s where %s)", source.Relation(), condition)
	if a.Rows > 0 {
		d.arrivals[name] = a
	}
	return "", nil
}

// newRows says how many rows came in, by entity.
func newRows(arrivals map[string]Arrivals) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(arrivals)) {
		parts = append(parts, counted(arrivals[name].Rows, "new row")+" in "+name)
	}
	return strings.Join(parts, ", ")
}

func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
