package model

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"winback/pipelines/check"
)

// run is one pass over the models.
type run struct {
	runner   *Runner
	planner  *planner
	settings map[string]string
	results  map[string]*Result // of models that ended
	total    int

	unrecorded []check.Result // of models that ended; the loop's own
	heldBack   []string       // checks of their own that cannot run
	prepared   bool           // the warehouse is ready for changes
	outdated   []outdated     // steps of change logs, to be removed

	beside sync.WaitGroup // drops of tables that others took the place of

	mu       sync.Mutex // guards what follows, and the observer
	done     int
	warnings []string
}

// models builds the models, those ready first whose children wait longest. The
// loop alone decides and notes results; only builds run beside it.
func (r *run) models(ctx context.Context, models []*Model) {
	r.total = len(models)
	waiting, children := r.edges(models)
	heights := heights(models, children)
	var ready []*Model
	for _, m := range models {
		if waiting[m.Name] == 0 {
			ready = append(ready, m)
		}
	}
	ended := make(chan *Result)
	large := false // one is being built
	for running := 0; len(ready) > 0 || running > 0; {
		slices.SortStableFunc(ready, func(a, b *Model) int { return cmp.Compare(heights[b.Name], heights[a.Name]) })
		for running < r.runner.options.Parallel {
			at := slices.IndexFunc(ready, func(m *Model) bool { return !m.Large || !large })
			if at < 0 {
				break
			}
			m := ready[at]
			ready = slices.Delete(ready, at, at+1)
			running++
			large = large || m.Large
			r.start(ctx, m, ended)
		}
		result := <-ended
		running--
		large = large && !result.Model.Large
		r.note(result)
		if len(result.outdated.steps) > 0 {
			r.outdated = append(r.outdated, result.outdated)
		}
		if r.unrecorded = append(r.unrecorded, result.Checks...); len(r.unrecorded) >= recordedAtOnce {
			r.recordChecks(ctx)
		}
		for _, child := range children[result.Model.Name] {
			if waiting[child.Name]--; waiting[child.Name] == 0 {
				ready = append(ready, child)
			}
		}
	}
	r.recordChecks(ctx)
	r.forget(ctx)
}

// recordedAtOnce is from how many results of checks on they are written down: an
// insert for each model would cost more than most checks do.
const recordedAtOnce = 100

// recordChecks writes the results of checks down, also when the run was interrupted.
func (r *run) recordChecks(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := check.Record(ctx, r.runner.conn, r.runner.options.RunID, r.unrecorded); err != nil {
		r.warn("ops.checks", err.Error())
	}
	r.unrecorded = nil
}

// edges returns for each model how many selected models it waits for, and which
// wait for it.
func (r *run) edges(models []*Model) (waiting map[string]int, children map[string][]*Model) {
	waiting, children = map[string]int{}, map[string][]*Model{}
	for _, m := range models {
		before := m.before()
		slices.Sort(before)
		for _, name := range slices.Compact(before) {
			if r.planner.selected[name] {
				waiting[m.Name]++
				children[name] = append(children[name], m)
			}
		}
	}
	return waiting, children
}

// heights returns the length of the longest way from each model to one that
// nothing waits for. models come parents first.
func heights(models []*Model, children map[string][]*Model) map[string]int {
	heights := map[string]int{}
	for _, m := range slices.Backward(models) {
		for _, child := range children[m.Name] {
			heights[m.Name] = max(heights[m.Name], heights[child.Name]+1)
		}
	}
	return heights
}

// start decides about a model and, if it has to be built, does so beside the
// loop. The result comes through ended either way.
func (r *run) start(ctx context.Context, m *Model, ended chan<- *Result) {
	result := &Result{Model: m}
	d, build := r.decide(ctx, m, result)
	if build && !r.prepared {
		if err := r.prepare(ctx); err != nil {
			result.Kind, result.Err, build = Failed, err, false
		} else {
			d, build = r.decide(ctx, m, result)
		}
	}
	if build {
		r.observe(Event{Kind: Started, Model: m.Name, Reason: d.reason})
	}
	go func() {
		if build {
			r.build(ctx, d, result)
		}
		ended <- result
	}()
}

// prepare makes the warehouse ready for changes, and looks again what its tables hold:
// that is known by then.
func (r *run) prepare(ctx context.Context) error {
	if r.prepared {
		return nil
	}
	err := r.runner.options.Again(ctx, "loading", "tables", func() error {
		if err := r.runner.options.Prepare(ctx); err != nil {
			return err
		}
		if err := r.planner.state.readRelations(ctx, r.runner.conn); err != nil {
			return fmt.Errorf("read system.tables: %w", err)
		}
		return nil
	})
	r.prepared = err == nil
	return err
}

// decide fills in the result of a model that need not or cannot be built.
func (r *run) decide(ctx context.Context, m *Model, result *Result) (d decision, build bool) {
	if ctx.Err() != nil {
		result.Kind, result.Reason = Skipped, "the run was interrupted"
		return d, false
	}
	for _, name := range m.Parents {
		if parent := r.results[name]; parent != nil && (parent.Kind == Failed || parent.Kind == Skipped) {
			result.Kind, result.Reason = Skipped, fmt.Sprintf("it reads %s, which %s", name, outcomeWords(parent.Kind))
			if r.planner.state.relations[m.FullName()] {
				result.Reason += "; the earlier table stays"
			}
			return d, false
		}
	}
	d, err := r.planner.decide(ctx, m)
	result.Reason = d.reason
	switch {
	case err != nil:
		result.Kind, result.Err = Failed, err
	case d.action == Skip:
		result.Kind, result.Rows = Unchanged, r.planner.state.builds[m.Name].rows
	default:
		return d, true
	}
	return d, false
}

func outcomeWords(kind EventKind) string {
	if kind == Failed {
		return "failed"
	}
	return "was skipped"
}

// note keeps a result and tells the observer and the log.
func (r *run) note(result *Result) {
	name := result.Model.Name
	r.results[name] = result
	if result.version != "" && (result.Kind == Built || result.Kind == Unchanged) {
		r.planner.prints[name] = result.version
		delete(r.planner.changing, name)
		if result.step.version != "" {
			r.planner.state.steps[name] = append(r.planner.state.steps[name], result.step)
		}
	}
	r.observe(Event{
		Kind: result.Kind, Model: result.Model.Name, Reason: result.Reason, Rows: result.Rows,
		Duration: result.Duration, Checks: result.Checks, Err: result.Err,
	})
	log := r.runner.options.Logger.With("run_id", r.runner.options.RunID, "model", result.Model.Name, "duration", result.Duration)
	switch result.Kind {
	case Built:
		log.Info("built a model", "rows", value(result.Rows), "reason", result.Reason)
	case Failed:
		log.Error("a model failed", "error", result.Err)
	case Skipped:
		log.Warn("skipped a model", "reason", result.Reason)
	}
}

func value(rows *uint64) any {
	if rows == nil {
		return nil
	}
	return *rows
}

func (r *run) observe(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Kind {
	case Built, Unchanged, Failed, Skipped:
		r.done++
	}
	e.Done, e.Total = r.done, r.total
	r.runner.options.Observer.Observe(e)
}

func (r *run) warn(model, text string) {
	r.observe(Event{Kind: Warned, Model: model, Reason: text})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warnings = append(r.warnings, text)
	r.runner.options.Logger.Warn(text, "run_id", r.runner.options.RunID, "model", model)
}
