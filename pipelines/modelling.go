package pipelines

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"winback/connectors/entity"
	"winback/connectors/spec"
	"winback/pipelines/check"
	"winback/pipelines/ledger"
	"winback/pipelines/model"
	"winback/pipelines/retry"
	"winback/pipelines/warehouse"
)

// build builds the models whose inputs changed and runs the checks.
func (r *run) build(ctx context.Context) error {
	if !r.landed && slices.ContainsFunc(r.steps, func(s ledger.Step) bool { return s.State == ledger.Failed }) {
		r.problem("no model was built: nothing has been read yet")
		return nil
	}
	selected, err := r.Models.Select(r.only.models)
	if err != nil {
		return err
	}
	ready, held := r.partition(selected)
	r.o.Observer.Building(len(selected))
	r.holdBack(held)
	if len(ready) == 0 {
		return nil
	}
	runner := r.Runner(r.warehouse, r.ledger, model.RunnerOptions{
		Select: ready, Full: r.o.Full, RunID: r.summary.RunID, Logger: r.log, Now: r.now, Prepare: r.warehouse.Wake,
		Again: func(ctx context.Context, kind, name string, do func() error) error {
			return r.trying(ctx, stepName{kind, name}, retry.OfWarehouse, do)
		},
		Observer: model.ObserverFunc(func(e model.Event) {
			if !brokenOff(ctx, e.Kind) {
				r.observeModel(e)
			}
		}),
	})
	if err := r.tellCompany(ctx, runner); err != nil {
		return err
	}
	built, err := runner.Run(ctx)
	built.Models = slices.DeleteFunc(built.Models, func(m model.Result) bool { return brokenOff(ctx, m.Kind) })
	if ctx.Err() != nil {
		built.Warnings = nil
		err = ctx.Err()
	}
	r.countModels(built)
	return err
}

// tellCompany says which tables come along with the selected ones, and which stay
// at another day, so that nobody compares the two unawares.
func (r *run) tellCompany(ctx context.Context, runner *model.Runner) error {
	if len(r.only.models) == 0 {
		return nil
	}
	company, err := runner.Company(ctx)
	if err != nil {
		return err
	}
	if n := len(company.Along); n > 0 {
		r.o.Observer.Note(fmt.Sprintf("what the selected models are built from describes another day or other settings: %d more are built as of %s (%s)",
			n, r.Config.AsOf, strings.Join(company.Along, ", ")))
	}
	if n := len(company.Behind); n > 0 {
		r.problem("note: %d tables outside the selection still describe %s or other settings (%s); a run without --only brings all to one day",
			n, company.BehindAsOf.Format(time.DateOnly), strings.Join(company.Behind, ", "))
	}
	return nil
}

// brokenOff says that a model did not get done only because the run was stopped:
// that is nothing to tell of each.
func brokenOff(ctx context.Context, kind model.EventKind) bool {
	return ctx.Err() != nil && (kind == model.Failed || kind == model.Skipped || kind == model.Warned)
}

// partition parts the selected models into those to be built and those that
// read, directly or through others, an entity of which a file could not be
// loaded: built now, they would be computed from a part of the data and look whole.
func (r *run) partition(selected []*model.Model) (ready, held []string) {
	partial := map[string]bool{}
	for _, m := range r.Models.Models() { // parents first
		partial[m.Name] = slices.ContainsFunc(m.Sources, func(s model.Source) bool { return r.unloaded[s.String()] }) ||
			slices.ContainsFunc(m.Parents, func(name string) bool { return partial[name] })
	}
	for _, m := range selected {
		if partial[m.Name] {
			held = append(held, m.Name)
		} else {
			ready = append(ready, m.Name)
		}
	}
	return ready, held
}

// holdBack tells of the models that are not built since a load failed.
func (r *run) holdBack(models []string) {
	if len(models) == 0 {
		return
	}
	reason := "not all files of " + strings.Join(slices.Sorted(maps.Keys(r.unloaded)), ", ") + " are loaded"
	r.problem("%d models keep their last good data: %s", len(models), reason)
	r.summary.Models.Skipped += len(models)
	for _, name := range models {
		r.step(ledger.Step{Kind: "model", Name: name, State: ledger.Skipped, Started: r.now(), Message: reason})
		r.o.Observer.ModelDone(ModelResult{Name: name, State: ledger.Skipped, Message: reason})
	}
}

// Runner returns the runner of the project's models in its warehouse; what only
// the project knows is filled in.
func (p *Project) Runner(w *warehouse.Warehouse, l *ledger.Ledger, o model.RunnerOptions) *model.Runner {
	o.Vars, o.Sources = p.Vars(), contractColumns{}
	if o.Versions == nil && l != nil {
		o.Versions = &rawVersions{ledger: l}
	}
	o.Parallel, o.Settings = p.parallel(), modelSettings
	o.Spread, o.WholeBelow = p.Config.Warehouse.Spread(), uint64(p.Config.Engine.InPart)
	return model.NewRunner(w, p.Models, o)
}

// modelSettings make large steps go on over the disk: ten times the customers
// must not take ten times the memory.
var modelSettings = map[string]string{
	"max_bytes_before_external_group_by": "134217728",
	"max_bytes_before_external_sort":     "134217728",
	"max_insert_block_size":              "262144",
	"min_insert_block_size_rows":         "262144",
	"min_insert_block_size_bytes":        "67108864",
}

// maxParallel stays well below the client's connections: one more statement would
// wait for one of them, and not for long.
const maxParallel = 16

// parallel is how many models are built, or tables checked, at once.
func (p *Project) parallel() int {
	if p.Config.Engine.Threads > 0 {
		return min(p.Config.Engine.Threads, maxParallel)
	}
	return min(runtime.GOMAXPROCS(0), 4)
}

func (r *run) observeModel(e model.Event) {
	result := ModelResult{Name: e.Model, Duration: e.Duration, Message: e.Reason}
	if e.Rows != nil {
		rows := int64(*e.Rows)
		result.Rows = &rows
	}
	switch e.Kind {
	case model.Started:
		r.o.Observer.ModelStarted(e.Model)
		return
	case model.Warned:
		r.o.Observer.Note(fmt.Sprintf("%s: %s", e.Model, e.Reason))
		return
	case model.Checked:
		return
	case model.Built:
		result.State, result.Built = ledger.Done, true
	case model.Unchanged:
		result.State = ledger.Done
	case model.Skipped:
		result.State = ledger.Skipped
	case model.Failed:
		result.State, result.Message = ledger.Failed, e.Err.Error()
	}
	if e.Kind != model.Unchanged || r.triedAgain(stepName{"model", e.Model}) {
		r.modelStep(result)
	}
	r.o.Observer.ModelDone(result)
}

// modelStep adds to the books what became of a model, as soon as it is known.
func (r *run) modelStep(m ModelResult) {
	step := ledger.Step{Kind: "model", Name: m.Name, State: m.State, Started: r.now().Add(-m.Duration), Duration: m.Duration}
	if m.Rows != nil {
		step.Rows = *m.Rows
	}
	if m.State != ledger.Done { // why something was built is no problem
		step.Message = m.Message
	}
	r.step(step)
}

// countModels brings what became of the models into summary and books.
func (r *run) countModels(built model.Summary) {
	r.summary.Models.Built, r.summary.Models.Unchanged = built.Count(model.Built), built.Count(model.Unchanged)
	r.summary.Models.Failed = built.Count(model.Failed)
	r.summary.Models.Skipped += built.Count(model.Skipped)
	for _, m := range built.Models {
		if m.Kind == model.Failed && !r.foundDiskFull(m.Err) {
			r.problem("FAILED model %s: %v", m.Model.Name, m.Err)
		}
	}
	r.countChecks(built)
	for _, warning := range built.Warnings {
		r.problem("%s", warning)
	}
	if len(built.HeldBack) > 0 {
		r.o.Observer.Note(fmt.Sprintf("checks that read tables outside the selection, not built or not up to date, did not run (%s); a run without --only runs all", strings.Join(built.HeldBack, ", ")))
	}
}

func (r *run) countChecks(built model.Summary) {
	r.summary.Checks.Standing = len(built.Standing)
	for _, c := range built.AllChecks() {
		switch {
		case c.Status == check.Passed:
			r.summary.Checks.Passed++
		case c.Blocking():
			r.summary.Checks.Failed++
		case c.Status == check.NotRun:
			r.problem("note: %s", c)
		default:
			r.summary.Checks.Warned++
			r.problem("warning: %s", c)
		}
	}
	for _, c := range built.Checks { // a model that its own checks keep back has told of them
		switch {
		case !c.Blocking() && r.triedAgain(stepName{"check", c.Check}):
			r.step(ledger.Step{Kind: "check", Name: c.Check, State: ledger.Done, Started: c.CheckedAt, Duration: c.Duration})
		case c.Blocking():
			r.problem("FAILED check %s", c)
			r.step(ledger.Step{Kind: "check", Name: c.Check, State: ledger.Failed, Started: c.CheckedAt, Duration: c.Duration, Message: c.String()})
		}
	}
}

// contractColumns tells the models' engine the columns of the raw tables.
type contractColumns struct{}

// SourceColumns returns the columns of an entity's raw table.
func (contractColumns) SourceColumns(domain, name string) ([]model.Column, error) {
	schema := entity.Lookup(domain + "." + name)
	if schema == nil {
		var known []string
		for _, s := range entity.All() {
			known = append(known, s.FullName())
		}
		return nil, fmt.Errorf("no entity %s.%s in the contract%s", domain, name, spec.Hint(domain+"."+name, known))
	}
	columns := make([]model.Column, len(schema.Fields))
	for i := range schema.Fields {
		f := &schema.Fields[i]
		columns[i] = model.Column{
			Name: f.Name, Type: warehouse.ColumnType(f), Description: f.Doc, Private: f.PII, Key: f.Key || f.Name == "source",
		}
	}
	return columns, nil
}
