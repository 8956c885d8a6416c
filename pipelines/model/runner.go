package model

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/check"
)

// RunnerOptions say what a Runner builds and how. The zero value builds
// everything that changed.
type RunnerOptions struct {
	// Vars are the project's values; zero means DefaultVars.
	Vars Vars
	// Select are selectors as of Project.Select; none means every model.
	Select []string
	// Full builds also what did not change.
	Full bool
	// Parallel is the number of models built, or tests run, at once; below 1
	// means one for each CPU, four at most.
	Parallel int
	// RunID names the run in ops tables; empty means a name made from the time.
	RunID string
	// Versions tells which data the raw tables hold. Without it every model that
	// reads a raw table is built each time.
	Versions DataVersions
	// Sources tells the columns of entities. Unit tests of models that read
	// sources need it.
	Sources SourceColumns
	// Settings are ClickHouse settings of every model's query. Those of a model's
	// header go before.
	Settings map[string]string
	// Observer, if any, is told what happens.
	Observer Observer
	// Logger, if any, gets a line for each model that was built or failed, and for
	// each partition before it is replaced.
	Logger *slog.Logger
	// Again, if set, does a part of a step, and may do it again when it fails: the build of
	// a model, of kind model, or the questions of checks, of kind check. A build that has
	// begun to change what readers see fails with an error that says it does not pass
	// (see connectors.Passing).
	Again func(ctx context.Context, kind, name string, do func() error) error
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	// Spread says that rows of customers lie on several servers, by their key. Models
	// are built whole then: partitions cannot be put together over servers.
	Spread bool
	// Foretell has Plan ask which keys builds in part would touch: that reads the keys of
	// their tables.
	Foretell bool
	// WholeAbove is the share of a table's rows above which, when they are touched,
	// an incremental model is built whole; 0 means 0.4.
	WholeAbove float64
	// WholeBelow is how many rows an incremental model and all it reads may have
	// together to be built whole all the same; 0 means that none is.
	WholeBelow uint64

	// beforePartition is asked before a partition is replaced, by tests.
	beforePartition func(model, partition string) error
}

// Runner builds a project's models in one warehouse.
type Runner struct {
	conn    driver.Conn
	project *Project
	options RunnerOptions
}

// NewRunner returns a Runner. conn must allow as many statements at once as
// RunnerOptions.Parallel.
func NewRunner(conn driver.Conn, project *Project, options RunnerOptions) *Runner {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Vars.AsOf.IsZero() && options.Vars.Timezone == "" {
		options.Vars = DefaultVars()
	}
	if options.Parallel < 1 {
		options.Parallel = min(runtime.GOMAXPROCS(0), 4)
	}
	if options.RunID == "" {
		options.RunID = options.Now().UTC().Format("20060102T150405Z-") + rand.Text()[:6]
	}
	if options.Observer == nil {
		options.Observer = ObserverFunc(func(Event) {})
	}
	if options.WholeAbove == 0 {
		options.WholeAbove = wholeAbove
	}
	if options.Again == nil {
		options.Again = func(_ context.Context, _, _ string, do func() error) error { return do() }
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	return &Runner{conn: conn, project: project, options: options}
}

// Result is what became of one model in a run.
type Result struct {
	Model *Model
	// Kind is Built, Unchanged, Failed or Skipped.
	Kind EventKind
	// Reason says why it was built, left alone or skipped.
	Reason string
	// Rows of the table; nil where that is not known.
	Rows     *uint64
	Duration time.Duration
	// Checks are the results of its checks; none when it was not built.
	Checks []check.Result
	// Err is why it failed; a RedCheckError when a check blocked it.
	Err error
	// Incremental says that only touched keys were built anew: Keys of them came out
	// different, and Partitions of AllPartitions were replaced for them.
	Incremental               bool
	Keys                      uint64
	Partitions, AllPartitions int

	version string // of the rows after the build
	step    step   // what its change log got
}

// Summary is what a run did.
type Summary struct {
	RunID string
	// Models are the selected models and those that came along, parents first.
	Models []Result
	// Checks are the results of the checks of their own that ran.
	Checks []check.Result
	// HeldBack are the checks of their own that read a selected model and did not run,
	// as something else that they read is not built or not of this state.
	HeldBack []string
	// Warnings are things that went otherwise than planned.
	Warnings []string
	Duration time.Duration
}

// Count returns how many models ended in the given way.
func (s Summary) Count(kind EventKind) int {
	n := 0
	for _, result := range s.Models {
		if result.Kind == kind {
			n++
		}
	}
	return n
}

// AllChecks returns the results of all checks of the run.
func (s Summary) AllChecks() []check.Result {
	var results []check.Result
	for _, model := range s.Models {
		results = append(results, model.Checks...)
	}
	return append(results, s.Checks...)
}

// OK says that no model failed or was skipped and no check of severity error is
// red.
func (s Summary) OK() bool {
	return s.Count(Failed)+s.Count(Skipped) == 0 && !slices.ContainsFunc(s.Checks, check.Result.Blocking)
}

// Run builds the selected models that changed, each as soon as what it reads is
// ready, and then runs the checks of their own over the result. A model that fails
// leaves its last good table, the models built from it are skipped, all others go
// on: that is in the Summary. What the selected models are built from is built
// too where it describes another day, or other values of the project, than this
// run: numbers of two days never meet in one table. A run of all models drops what
// it built for models that are gone. The error is about the run as a whole: a wrong
// selector, a warehouse that does not answer, ctx ending. The Summary holds what
// was done until then.
func (r *Runner) Run(ctx context.Context) (Summary, error) {
	began := r.options.Now()
	summary := Summary{RunID: r.options.RunID}
	models, err := r.project.Select(r.options.Select)
	if err != nil {
		return summary, err
	}
	if err := CreateTables(ctx, r.conn); err != nil {
		return summary, err
	}
	if err := check.CreateTable(ctx, r.conn); err != nil {
		return summary, err
	}
	run := &run{runner: r, results: map[string]*Result{}}
	if run.planner, err = r.newPlanner(ctx, models); err != nil {
		return summary, err
	}
	if models, err = run.planner.completed(models); err != nil {
		return summary, err
	}
	if run.settings, err = readSettings(ctx, r.conn, r.options.Settings); err != nil {
		return summary, err
	}
	if !r.options.Spread {
		run.planner.once = onceWord(run.settings)
	}
	run.models(ctx, models)
	if len(models) == len(r.project.models) {
		run.dropDeserted(ctx)
	}
	summary.Checks, err = run.singularChecks(ctx)
	summary.HeldBack = run.heldBack
	waitFor(&run.beside, lastDrops)
	for _, m := range models {
		summary.Models = append(summary.Models, *run.results[m.Name])
	}
	summary.Warnings, summary.Duration = run.warnings, r.options.Now().Sub(began)
	if ctx.Err() != nil {
		return summary, fmt.Errorf("build the models: %w", context.Cause(ctx))
	}
	return summary, err
}

// lastDrops is how long a run waits at its end for tables that were replaced to be
// dropped. Who still reads one keeps nobody waiting for longer.
const lastDrops = 2 * time.Second

func waitFor(others *sync.WaitGroup, most time.Duration) {
	ended := make(chan struct{})
	go func() { others.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(most):
	}
}

// run is one pass over the models.
type run struct {
	runner   *Runner
	planner  *planner
	settings map[string]string
	results  map[string]*Result // of models that ended
	total    int

	unrecorded []check.Result // of models that ended; the loop's own
	heldBack   []string       // checks of their own that cannot run

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

// build builds a model and records it.
func (r *run) build(ctx context.Context, d decision, result *Result) {
	began := r.runner.options.Now()
	m := result.Model
	b := &builder{
		conn: r.runner.conn, m: m, settings: r.settingsOf(m), moment: r.runner.options.Vars.moment(),
		last: r.planner.state.builds[m.Name], warn: func(text string) { r.warn(m.Name, text) },
		log:       r.runner.options.Logger,
		exists:    r.planner.state.relations[m.FullName()],
		there:     func(other *Model) bool { return r.planner.selected[other.Name] || r.planner.state.holds(other) },
		leftovers: r.planner.state.leftovers(m),
		project:   r.runner.project, vars: r.runner.options.Vars, runID: r.runner.options.RunID,
		wholeAbove: r.runner.options.WholeAbove, wholeBelow: r.runner.options.WholeBelow, beforePartition: r.runner.options.beforePartition,
		again: r.runner.options.Again, beside: &r.beside,
	}
	built, err := b.makeAgain(ctx, &d, result)
	now := r.runner.options.Now()
	result.Rows, result.Checks, result.Duration = built.rows, built.checks, now.Sub(began)
	result.version, result.step = built.version, built.step
	if err == nil {
		d.want.rows, d.want.duration, d.want.builtAt = built.rows, result.Duration, now.UTC().Truncate(time.Microsecond)
		d.want.version = built.version
		err = b.again(ctx, "model", m.Name, func() error {
			return recordBuild(ctx, r.runner.conn, m, d.want, r.runner.options.RunID, r.runner.options.Vars.AsOf)
		})
	}
	if err == nil && m.Reported != nil {
		d.want.asOf = r.runner.options.Vars.AsOf
		r.report(ctx, m, d)
	}
	if err == nil && len(m.Key) > 0 {
		if cleanErr := b.cleanLog(ctx, built, d.steps); cleanErr != nil {
			r.warn(m.Name, cleanErr.Error())
		}
	}
	result.Kind, result.Err = Built, err
	switch {
	case err != nil:
		result.Kind = Failed
	case built.unchanged:
		result.Kind = Unchanged
		result.Reason += ", which changes nothing in it"
	}
}

// report notes what the model tells people, and says so when it told something else
// before. The table is good either way.
func (r *run) report(ctx context.Context, m *Model, d decision) {
	c, err := r.causes(ctx, m, d)
	if err != nil {
		r.warn(m.Name, err.Error())
	}
	restated, err := m.report(ctx, r.runner.conn, d.want, r.runner.options.RunID, d.reason, c)
	if err == nil {
		err = r.noteTold(ctx, m, c)
	}
	if err != nil {
		r.warn(m.Name, err.Error())
	}
	if restated == 0 {
		return
	}
	text := fmt.Sprintf("%s restates %s of complete periods", m.FullName(), counted(int64(restated), "figure"))
	examples, err := r.examples(ctx, m)
	if err != nil {
		r.warn(m.Name, err.Error())
	}
	if len(examples) > 0 {
		text += ": " + strings.Join(examples, "; ")
	}
	r.warn(m.Name, text+"; ops.restated tells what they were")
}

// makeAgain builds the model, and builds it again from the beginning as long as that
// fails, the runner's options want it, and readers have seen nothing of it.
func (b *builder) makeAgain(ctx context.Context, d *decision, result *Result) (made built, err error) {
	reason, tries := result.Reason, 0
	err = b.again(ctx, "model", b.m.Name, func() (err error) {
		if tries++; tries > 1 { // of what the try before made aside, some may be there
			result.Reason = reason
			for _, suffix := range []string{newSuffix, touchedSuffix, freshSuffix, differSuffix} {
				b.leftovers[suffix] = true
			}
		}
		if made, err = b.make(ctx, d, result); err != nil && b.seen {
			return &seenError{err}
		}
		return err
	})
	return made, err
}

// seenError says that a build failed after it had begun to change what readers see, or
// had told that it will: the next run finds out how far it came and mends it.
type seenError struct{ err error }

func (e *seenError) Error() string { return e.err.Error() }
func (e *seenError) Unwrap() error { return e.err }

// Passing is false: to do the same again is not enough.
func (e *seenError) Passing() bool { return false }

// make builds the model, only what is touched where that is enough, and says in
// the result which way it went.
func (b *builder) make(ctx context.Context, d *decision, result *Result) (built, error) {
	if d.increment == nil {
		return b.run(ctx, *d)
	}
	made, whole, err := b.increment(ctx, *d)
	if whole != "" && err == nil {
		result.Reason += "; built whole: " + whole
		return b.run(ctx, *d)
	}
	result.Incremental, result.Keys = true, made.keys
	if result.Partitions, result.AllPartitions = made.partitions, made.allPartitions; made.partitions > 0 {
		cause := newRows(d.arrivals)
		if cause == "" {
			cause = counted(int64(made.keys), "changed key")
		}
		result.Reason += fmt.Sprintf(": %d of %d partitions touched by %s", made.partitions, made.allPartitions, cause)
	}
	return made, err
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
