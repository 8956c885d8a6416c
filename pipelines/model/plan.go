package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"winback/pipelines/check"
)

// Action is what a run does with a model.
type Action string

// The actions.
const (
	Build Action = "build"
	Skip  Action = "skip"
	// Fail is that of a model that cannot be built, for the reason given.
	Fail Action = "fail"
)

// PlanItem says what a run would do with a model, and why.
type PlanItem struct {
	Model  *Model
	Action Action
	Reason string
	// Incremental says that only what the new rows touch is built anew.
	Incremental bool
	// NewRows is how many raw rows the model has not seen, as far as it reads
	// entities and that is known.
	NewRows int64
	// Touched is what such a build would touch, where the plan is asked to foretell it.
	Touched Touched
}

// planner decides, parents first, which models have to be built.
type planner struct {
	project  *Project
	vars     Vars
	full     bool
	spread   bool   // as RunnerOptions.Spread
	small    uint64 // as RunnerOptions.WholeBelow
	once     string // what {{ once }} stands for where few rows are read
	state    *state
	selected map[string]bool
	versions map[Source]string
	changes  DataChanges // nil when new rows are not told
	// prints are the versions of the models decided so far, as they are or will be
	// once built.
	prints map[string]string
	// changing are the models with a change log that were decided to be built and
	// are not yet.
	changing map[string]bool
}

// decision is what to do with one model.
type decision struct {
	action Action
	reason string
	sql    string // compiled
	want   build  // identity of the build
	// increment is set when only touched keys are to be built anew; why not, when an
	// incremental model is built whole, stands in the reason.
	increment *increment
	arrivals  map[string]Arrivals // new rows by entity
	told      *increment          // what changed since its figures were told; nil when that is not asked
	steps     []step              // of its own log
	pending   []step              // those of builds that were killed
	// sameShape says that the columns of its query are those of its last build: it and
	// the models it reads are defined as they were.
	sameShape bool
}

// decide decides about one selected model. Its selected parents were decided
// before. An error means that the model cannot be built: it does not compile, or
// a parent outside the selection is not there.
func (p *planner) decide(ctx context.Context, m *Model) (decision, error) {
	d := decision{action: Build}
	if m.sql != nil {
		var err error
		if d.sql, err = m.compile(p.vars, p.project.relations()); err != nil {
			return d, err
		}
	}
	inputs, err := p.inputs(m)
	if err != nil {
		return d, err
	}
	d.want = build{definition: m.definition(), compiled: m.compiledIdentity(d.sql, p.vars), inputs: inputs}
	d.want.fingerprint = identity(d.want.definition, d.want.compiled, inputs)
	d.want.version = d.want.fingerprint
	if d.want.undated, err = m.undated(p.vars, p.project.relations()); err != nil {
		return d, err
	}
	p.prints[m.Name] = d.want.version
	d.steps, d.pending = slices.Clone(p.state.steps[m.Name]), p.state.pending(m.Name)
	has, known := p.state.builds[m.Name]
	d.reason = why(m, has, known, p.state.relations[m.FullName()], d.want)
	d.sameShape = known && has.undated == d.want.undated && len(m.Sources) == 0 && p.definedAsBuilt(m) &&
		!slices.ContainsFunc(m.Parents, func(name string) bool { return !p.definedAsBuilt(p.project.byName[name]) })
	switch {
	case d.reason != "":
	case p.full:
		d.reason = "a full build was asked for"
	case len(d.pending) > 0:
		d.reason = "its last build was broken off"
	default:
		d.action, d.reason = Skip, "unchanged since "+has.builtAt.UTC().Format("2006-01-02 15:04:05")+" UTC"
		p.prints[m.Name] = has.version
	}
	if d.action == Build && m.sql != nil && m.sql.hasBlock(causesBlock) {
		if d.told, err = p.followCauses(ctx, m, &d); err != nil {
			return d, err
		}
	}
	if d.action == Build && len(m.Key) > 0 {
		p.changing[m.Name] = true
		err = p.decideIncrement(ctx, m, &d)
	}
	if err == nil && d.action == Build && p.once != "" && m.sql != nil && m.sql.hasOnce && p.readsFew(m) {
		// It is the same query still: only the way to its rows differs.
		r := p.project.relations()
		r.once = p.once
		d.sql, err = m.compile(p.vars, r)
	}
	return d, err
}

// readsFew says that the rows of the model's steps may be kept while its query runs.
// Of many it is cheaper, and safer for the memory, to compute them again.
func (p *planner) readsFew(m *Model) bool {
	if _, built := p.state.builds[m.Name]; built {
		return p.rowsAround(m) < p.small
	}
	var raw uint64 // what the models it reads will hold is not known
	for name, rows := range p.state.held {
		if strings.HasPrefix(name, rawDatabase+".") {
			raw += rows
		}
	}
	return raw < p.small
}

// definedAsBuilt says that a model was built before the run, by the files there are
// now.
func (p *planner) definedAsBuilt(m *Model) bool {
	has, known := p.state.builds[m.Name]
	return known && has.definition == m.definition()
}

// inputs returns what the model is built from, by name. Those of an incremental
// model are what it reads through views too.
func (p *planner) inputs(m *Model) (map[string]string, error) {
	inputs := map[string]string{}
	if m.Materialized == Incremental {
		return inputs, p.inputsThroughViews(m, inputs)
	}
	parents, sources, err := m.reads(p.vars)
	if err != nil {
		return nil, err
	}
	for _, name := range parents {
		print, err := p.print(p.project.byName[name])
		if err != nil {
			return nil, fmt.Errorf("%s reads %w", m.Name, err)
		}
		inputs[name] = print
	}
	for _, source := range sources {
		inputs[sourceKey(source)] = p.versions[source]
	}
	return inputs, nil
}

// print returns the fingerprint of a parent. One outside the selection counts as
// it is in the warehouse; a view there reads the data of now.
func (p *planner) print(m *Model) (string, error) {
	if print, ok := p.prints[m.Name]; ok {
		return print, nil
	}
	has, known := p.state.builds[m.Name]
	if !known || !p.state.relations[m.FullName()] {
		return "", fmt.Errorf("%s, which is not built; select it too, with +", m.FullName())
	}
	print := has.version
	if m.Materialized == View {
		inputs, err := p.inputs(m)
		if err != nil {
			return "", err
		}
		print = identity(has.definition, has.compiled, inputs)
	}
	p.prints[m.Name] = print
	return print, nil
}

// singularPrint identifies the data and the query of a check of its own. ok is
// false when something it reads is not there, or is of another state than the
// rest.
func (p *planner) singularPrint(c *SingularCheck, target check.Target) (print string, ok bool) {
	inputs := map[string]string{}
	for _, name := range c.Parents {
		parent, err := p.print(p.project.byName[name])
		if err != nil {
			return "", false
		}
		if p.outdated(p.project.byName[name]) {
			return "", false // tables of two states need not agree
		}
		inputs[name] = parent
	}
	for _, source := range c.Sources {
		inputs[sourceKey(source)] = p.versions[source]
	}
	return identity(string(c.Severity), target.Checks[0].Query, inputs), true
}

// Plan says for each selected model whether a run would build it, and why,
// parents first. What stands as other values made it comes along, as in Run. It
// changes nothing in the warehouse.
func (r *Runner) Plan(ctx context.Context) ([]PlanItem, error) {
	models, err := r.project.Select(r.options.Select)
	if err != nil {
		return nil, err
	}
	p, err := r.newPlanner(ctx, models)
	if err != nil {
		return nil, err
	}
	if models, err = p.completed(models); err != nil {
		return nil, err
	}
	var items []PlanItem
	var f *foreteller
	for _, m := range models {
		d, err := p.decide(ctx, m)
		if err != nil {
			items = append(items, PlanItem{Model: m, Action: Fail, Reason: err.Error()})
			continue
		}
		item := PlanItem{Model: m, Action: d.action, Reason: d.reason, Incremental: d.increment != nil}
		for _, a := range d.arrivals {
			item.NewRows += a.Rows
		}
		if d.increment != nil && r.options.Foretell {
			if f == nil {
				if f, err = r.newForeteller(ctx); err != nil {
					return nil, err
				}
			}
			if item.Touched, err = f.touched(ctx, m, d, p.changing); err != nil {
				return nil, err
			}
		}
		items = append(items, item)
	}
	return items, nil
}

func (r *Runner) newPlanner(ctx context.Context, models []*Model) (*planner, error) {
	p := &planner{
		project: r.project, vars: r.options.Vars, full: r.options.Full, spread: r.options.Spread, small: r.options.WholeBelow,
		selected: map[string]bool{}, prints: map[string]string{}, changing: map[string]bool{},
	}
	p.changes, _ = r.options.Versions.(DataChanges)
	for _, m := range models {
		p.selected[m.Name] = true
	}
	var err error
	if p.versions, err = r.readVersions(ctx); err != nil {
		return nil, err
	}
	p.state, err = readState(ctx, r.conn)
	return p, err
}

// readVersions reads the versions of all raw data before anything is built, so
// that data which comes in meanwhile is new to the next run.
func (r *Runner) readVersions(ctx context.Context) (map[Source]string, error) {
	versions := map[Source]string{}
	sources := r.project.Sources()
	for _, c := range r.project.checks {
		sources = append(sources, c.Sources...)
	}
	for _, source := range sources {
		if _, known := versions[source]; known {
			continue
		}
		if r.options.Versions == nil {
			versions[source] = "not known at " + r.options.Now().Format("20060102T150405.000000000")
			continue
		}
		version, err := r.options.Versions.Version(ctx, source.Domain, source.Entity)
		if err != nil {
			return nil, fmt.Errorf("read which data %s holds: %w", source, err)
		}
		versions[source] = version
	}
	return versions, nil
}
