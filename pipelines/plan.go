package pipelines

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"winback/connectors"
	"winback/pipelines/ledger"
	"winback/pipelines/load"
	"winback/pipelines/model"
	"winback/pipelines/warehouse"
)

// Plan says what a run would do, and why.
type Plan struct {
	AsOf string `json:"as_of"`
	// Datasets are what the run would ask the sources for.
	Datasets []PlannedDataset `json:"datasets"`
	// Loads are rows that earlier runs landed and the warehouse lacks, by entity.
	Loads []PlannedLoad `json:"loads"`
	// Models are the selected models, parents first.
	Models []PlannedModel `json:"models"`
	// Drops are rows that would leave since they are older than they are kept.
	Drops []PlannedDrop `json:"drops,omitempty"`
	// Problems are what would keep a part of the run from succeeding.
	Problems []string `json:"problems"`
}

// PlannedDataset is what would be read of one dataset.
type PlannedDataset struct {
	Source   string   `json:"source"`
	Dataset  string   `json:"dataset"`
	Entities []string `json:"entities"`
	// AsksSource says that only the source knows what is new, and is asked when
	// it is read.
	AsksSource bool `json:"asks_source"`
	// Since and Until are the days, the last included, that are read again.
	Since  string                    `json:"since,omitempty"`
	Until  string                    `json:"until,omitempty"`
	Inputs []connectors.PlannedInput `json:"inputs"`
	Bytes  int64                     `json:"bytes"` // of the inputs
	// Notices tell of inputs that would be left or are missing.
	Notices []connectors.Notice `json:"notices,omitempty"`
	Error   string              `json:"error,omitempty"`
}

// Name is how messages call the dataset: its source and its own name.
func (d PlannedDataset) Name() string { return datasetName(d.Source, d.Dataset) }

// PlannedLoad is what would be loaded of one entity, from the landing zone as it
// is.
type PlannedLoad struct {
	Entity string `json:"entity"` // ops.quarantine for records that did not fit
	Files  int    `json:"files"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	Reason string `json:"reason"`
}

// Actions of a PlannedModel.
const (
	ActionBuild = string(model.Build)
	ActionSkip  = string(model.Skip)
	ActionFail  = string(model.Fail)
	// ActionMay is that of a model which is built if a source that only knows
	// when it is asked has something new.
	ActionMay = "may build"
)

// PlannedModel is what would become of one model.
type PlannedModel struct {
	Name   string `json:"name"` // with its database
	Action string `json:"action"`
	Reason string `json:"reason"`
	// InPart says that only what new rows touch would be computed, and the
	// partitions it is in replaced.
	InPart bool `json:"in_part,omitempty"`
	// Keys are touched by rows that are loaded already, in so many Partitions of
	// AllPartitions that the table has. They are left out where that is known only when
	// other models are built, or files read.
	Keys          uint64 `json:"keys,omitempty"`
	Partitions    int    `json:"partitions,omitempty"`
	AllPartitions int    `json:"all_partitions,omitempty"`
	// NewRows is how many raw rows are landed or loaded that the model, or what it
	// is built from, has not seen; Unread that more are to be read before.
	NewRows int64 `json:"new_rows,omitempty"`
	Unread  bool  `json:"unread,omitempty"`
}

// PlanOptions narrow a plan, as RunOptions narrow a run.
type PlanOptions struct {
	Only  []string
	Full  bool
	Range *connectors.Range
}

// Plan looks what a run would do. It touches nothing: no file is made, and a
// warehouse that is not there yet stays away. A run that is under way is looked
// at as it stands. Errors are those of the selection and of a warehouse that
// cannot be looked at; a source that cannot be planned is told in the plan.
func (p *Project) Plan(ctx context.Context, o PlanOptions) (*Plan, error) {
	only, err := p.parseSelection(o.Only)
	if err != nil {
		return nil, err
	}
	planner := &planner{run: p.newRun(RunOptions{Only: o.Only, Full: o.Full, Range: o.Range}, only)}
	planner.plan = &Plan{AsOf: p.Config.AsOf.String(), Datasets: []PlannedDataset{}, Loads: []PlannedLoad{}, Models: []PlannedModel{}}
	if err := planner.reads(ctx); err != nil {
		return nil, err
	}
	if err := planner.inWarehouse(ctx); err != nil {
		return nil, err
	}
	if planner.plan.Drops, err = planner.plannedDrops(ctx); err != nil {
		return nil, err
	}
	planner.plan.Problems = planner.summary.Problems
	return planner.plan, nil
}

// planner collects a plan. The run in it is never begun: it lends its eyes.
type planner struct {
	*run
	plan *Plan
}

// reads asks the selected sources what they would read.
func (p *planner) reads(ctx context.Context) error {
	for _, s := range p.Sources {
		if !p.only.wants(s.Name) {
			continue
		}
		for _, d := range p.asked(s) {
			planned := p.dataset(ctx, s, d)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			p.plan.Datasets = append(p.plan.Datasets, planned)
		}
	}
	p.tellUnasked()
	return nil
}

func (p *planner) dataset(ctx context.Context, s Source, d connectors.Dataset) PlannedDataset {
	planned := PlannedDataset{Source: s.Name, Dataset: d.Name, Inputs: []connectors.PlannedInput{}}
	for _, e := range d.Entities {
		planned.Entities = append(planned.Entities, e.FullName())
	}
	teller, ok := s.Source.(connectors.Planner)
	if !ok || p.o.Range != nil {
		planned.AsksSource = true
		if p.o.Range != nil {
			planned.Since, planned.Until = p.o.Range.From.Format(time.DateOnly), lastDay(p.o.Range)
		}
		return planned
	}
	cursors, err := p.lastCursors(s.Name, d.Name)
	if err == nil {
		var inputs []connectors.PlannedInput
		inputs, err = teller.Plan(ctx, connectors.Request{
			Dataset: d.Name, Cursors: cursors,
			Notice: func(n connectors.Notice) { p.problem("%s: %s", planned.Name(), n.Text) },
		})
		planned.Inputs = append(planned.Inputs, inputs...)
	}
	if err != nil {
		planned.Error = strings.TrimPrefix(err.Error(), d.Name+": ")
		p.problem("%s would fail: %s", planned.Name(), planned.Error)
	}
	for i := range planned.Inputs {
		planned.Bytes += planned.Inputs[i].Bytes
		if p.o.Full {
			planned.Inputs[i].Reason = "everything is read again"
		}
	}
	return planned
}

// inWarehouse finds out what the warehouse lacks and which models would be built.
func (p *planner) inWarehouse(ctx context.Context) (err error) {
	if !p.hasWarehouse() {
		files, err := p.eachLanded(nil)
		if err != nil {
			return err
		}
		p.loads(files, "there is no warehouse yet")
		return p.allModels()
	}
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	books := ledger.Over(w)
	loaded, err := books.Loaded(ctx)
	if err != nil {
		return err
	}
	files, err := p.eachLanded(loaded)
	if err != nil {
		return err
	}
	p.loads(slices.Values(load.Compare(loaded, files).Pending), "landed, and not in the warehouse yet")
	return p.models(ctx, w, books)
}

func (p *planner) loads(files iter.Seq[load.File], reason string) {
	at := map[string]int{}
	for f := range files {
		i, known := at[f.Entity]
		if !known {
			i = len(p.plan.Loads)
			at[f.Entity] = i
			p.plan.Loads = append(p.plan.Loads, PlannedLoad{Entity: f.Entity, Reason: reason})
		}
		l := &p.plan.Loads[i]
		l.Files++
		l.Rows += f.Rows
		l.Bytes += f.Bytes
	}
}

// allModels plans for a warehouse that is not there.
func (p *planner) allModels() error {
	selected, err := p.Models.Select(p.only.models)
	if err != nil {
		return err
	}
	for _, m := range selected {
		p.plan.Models = append(p.plan.Models, PlannedModel{Name: m.FullName(), Action: ActionBuild, Reason: "never built"})
	}
	return nil
}

// models asks the models' own planner three times: with the raw tables as they
// are, with the rows that are known to come, and with those that may.
func (p *planner) models(ctx context.Context, w *warehouse.Warehouse, books *ledger.Ledger) error {
	certain, possible := p.coming()
	now, err := p.planModels(ctx, w, books, nil, false)
	if err != nil {
		return err
	}
	then, err := p.planModels(ctx, w, books, certain, true)
	if err != nil {
		return err
	}
	perhaps := then
	if len(possible) > 0 {
		all := maps.Clone(certain)
		maps.Copy(all, possible)
		if perhaps, err = p.planModels(ctx, w, books, all, false); err != nil {
			return err
		}
	}
	upstream := p.upstream()
	for i, item := range then {
		planned := PlannedModel{Name: item.Model.FullName(), Action: string(item.Action), Reason: item.Reason}
		switch {
		case now[i].Action == model.Build:
			planned.Reason = now[i].Reason
		case item.Action == model.Build:
			planned.Reason = newRows(upstream[item.Model.Name], certain)
		case perhaps[i].Action == model.Build:
			planned.Action, planned.Reason = ActionMay, "if "+newRows(upstream[item.Model.Name], possible)
		}
		if planned.Action == ActionBuild && item.Incremental {
			planned.InPart, planned.NewRows = true, item.NewRows
			planned.AllPartitions = item.Touched.AllPartitions
			if item.Touched.Known {
				planned.Keys, planned.Partitions = item.Touched.Keys, item.Touched.Partitions
			}
			p.tellTouched(&planned, upstream[item.Model.Name])
		}
		p.plan.Models = append(p.plan.Models, planned)
	}
	return nil
}

// tellTouched adds what is known of the rows that a model would be built anew for.
func (p *planner) tellTouched(m *PlannedModel, entities []string) {
	for _, l := range p.plan.Loads {
		if slices.Contains(entities, l.Entity) {
			m.NewRows += l.Rows
		}
	}
	for _, d := range p.plan.Datasets {
		if d.AsksSource || len(d.Inputs) > 0 {
			m.Unread = m.Unread || slices.ContainsFunc(d.Entities, func(e string) bool { return slices.Contains(entities, e) })
		}
	}
}

// coming returns the entities that get rows, and those that only may.
func (p *planner) coming() (certain, possible map[string]bool) {
	certain, possible = map[string]bool{}, map[string]bool{}
	for _, l := range p.plan.Loads {
		certain[l.Entity] = true
	}
	for _, d := range p.plan.Datasets {
		for _, e := range d.Entities {
			switch {
			case d.AsksSource:
				possible[e] = true
			case len(d.Inputs) > 0:
				certain[e] = true
			}
		}
	}
	return certain, possible
}

func (p *planner) planModels(ctx context.Context, w *warehouse.Warehouse, books *ledger.Ledger, coming map[string]bool, foretell bool) ([]model.PlanItem, error) {
	runner := p.Runner(w, nil, model.RunnerOptions{
		Select: p.only.models, Full: p.o.Full, Now: p.now, Foretell: foretell,
		Versions: &comingVersions{rawVersions: rawVersions{ledger: books}, coming: coming},
	})
	return runner.Plan(ctx)
}

// upstream returns for each model the entities that it reads, directly or through
// other models.
func (p *planner) upstream() map[string][]string {
	reads := map[string][]string{}
	for _, m := range p.Models.Models() { // parents first
		for _, s := range m.Sources {
			reads[m.Name] = append(reads[m.Name], s.String())
		}
		for _, parent := range m.Parents {
			reads[m.Name] = append(reads[m.Name], reads[parent]...)
		}
		slices.Sort(reads[m.Name])
		reads[m.Name] = slices.Compact(reads[m.Name])
	}
	return reads
}

// newRows says which of the entities get new rows.
func newRows(entities []string, coming map[string]bool) string {
	const named = 3
	var get []string
	for _, e := range entities {
		if coming[e] {
			get = append(get, e)
		}
	}
	switch {
	case len(get) == 1:
		return get[0] + " gets new rows"
	case len(get) > named:
		return fmt.Sprintf("%s and %d more get new rows", strings.Join(get[:named], ", "), len(get)-named)
	}
	return strings.Join(get, ", ") + " get new rows"
}

// comingVersions are the versions that the raw tables have once the entities
// named have got their new rows.
type comingVersions struct {
	rawVersions
	coming map[string]bool
}

// Version returns the version that the entity's raw rows will have.
func (v *comingVersions) Version(ctx context.Context, domain, name string) (string, error) {
	version, err := v.rawVersions.Version(ctx, domain, name)
	if v.coming[domain+"."+name] {
		version += " and what is new"
	}
	return version, err
}
