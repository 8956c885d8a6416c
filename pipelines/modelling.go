package pipelines

import (
	"context"
	"fmt"

	"winback/connectors/entity"
	"winback/connectors/spec"
	"winback/pipelines/check"
	"winback/pipelines/ledger"
	"winback/pipelines/model"
	"winback/pipelines/warehouse"
)

// build builds the models whose inputs changed and runs the checks.
func (r *run) build(ctx context.Context) error {
	runner := r.Runner(r.warehouse, r.ledger, model.RunnerOptions{
		Select: r.only.models, Full: r.o.Full, RunID: r.summary.RunID,
		Observer: model.ObserverFunc(r.observeModel), Logger: r.log, Now: r.now,
	})
	selected, err := r.Models.Select(r.only.models)
	if err != nil {
		return err
	}
	r.o.Observer.Building(len(selected))
	built, err := runner.Run(ctx)
	r.countModels(built)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Runner returns the runner of the project's models in its warehouse; what only
// the project knows is filled in.
func (p *Project) Runner(w *warehouse.Warehouse, l *ledger.Ledger, o model.RunnerOptions) *model.Runner {
	o.Vars, o.Sources = p.Vars(), contractColumns{}
	if l != nil {
		o.Versions = &rawVersions{ledger: l}
	}
	o.Parallel = p.Config.Engine.Threads
	return model.NewRunner(w, p.Models, o)
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
	r.o.Observer.ModelDone(result)
}

// countModels brings what became of the models into summary and books.
func (r *run) countModels(built model.Summary) {
	r.summary.Models = ModelSummary{
		Built: built.Count(model.Built), Unchanged: built.Count(model.Unchanged),
		Failed: built.Count(model.Failed), Skipped: built.Count(model.Skipped),
	}
	for _, m := range built.Models {
		step := ledger.Step{Kind: "model", Name: m.Model.Name, State: ledger.Done, Started: r.now().Add(-m.Duration), Duration: m.Duration}
		if m.Rows != nil {
			step.Rows = int64(*m.Rows)
		}
		switch m.Kind {
		case model.Unchanged:
			continue
		case model.Failed:
			step.State, step.Message = ledger.Failed, m.Err.Error()
			r.problem("FAILED model %s: %v", m.Model.Name, m.Err)
		case model.Skipped:
			step.State, step.Message = ledger.Skipped, m.Reason
		}
		r.step(step)
	}
	r.countChecks(built)
	for _, warning := range built.Warnings {
		r.problem("%s", warning)
	}
}

func (r *run) countChecks(built model.Summary) {
	for _, c := range built.AllChecks() {
		switch {
		case c.Status == check.Passed:
			r.summary.Checks.Passed++
		case c.Blocking():
			r.summary.Checks.Failed++
			r.problem("FAILED check %s", c)
		default:
			r.summary.Checks.Warned++
			r.problem("warning: %s", c)
		}
	}
	for _, c := range built.Checks {
		if c.Blocking() {
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
