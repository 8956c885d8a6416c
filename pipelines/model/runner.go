package model

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime"
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
	// Prepare, if set, is called once, before the first table or view is made, dropped or
	// checked: a run that finds all of them as they are to be never does.
	Prepare func(ctx context.Context) error
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
	if options.Prepare == nil {
		options.Prepare = func(context.Context) error { return nil }
	}
	if options.Again == nil {
		options.Again = func(_ context.Context, _, _ string, do func() error) error { return do() }
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	return &Runner{conn: conn, project: project, options: options}
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
	standing := run.settleGone(ctx)
	summary.Checks, err = run.singularChecks(ctx)
	summary.HeldBack = run.heldBack
	waitFor(&run.beside, lastDrops)
	for _, m := range models {
		summary.Models = append(summary.Models, *run.results[m.Name])
	}
	summary.Standing = without(standing, summary.AllChecks())
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
