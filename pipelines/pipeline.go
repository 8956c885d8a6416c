package pipelines

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"winback/pipelines/ledger"
	"winback/pipelines/warehouse"
)

// RunOptions say what one pass does.
type RunOptions struct {
	// Only narrows the run: source:NAME extracts that source alone; anything else
	// selects models, and without a source among them nothing is extracted.
	Only []string
	// Full reads everything again and rebuilds every model.
	Full bool
	// Wait is how long to wait for a run that is under way.
	Wait time.Duration
	// Observer is told how the run goes on; nil for nobody.
	Observer Observer
}

// Run makes one pass over the project: extract and land what is new, load it,
// build and check the models. A part that fails stops no other and is told in
// the summary. The error is about the pass as a whole: somebody else is running,
// the warehouse cannot be opened, ctx has ended.
func (p *Project) Run(ctx context.Context, o RunOptions) (s Summary, err error) {
	lock, err := lockRun(ctx, p.Home, o.Wait)
	if err != nil {
		return Summary{}, err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	r, err := p.newRun(o)
	if err != nil {
		return Summary{}, err
	}
	if err := r.open(ctx); err != nil {
		return Summary{}, err
	}
	defer func() { err = errors.Join(err, r.warehouse.Close()) }()

	err = errors.Join(
		r.stage(ctx, "recover", r.recover),
		r.stage(ctx, "extract", r.extract),
		r.stage(ctx, "load", r.load),
		r.stage(ctx, "models", r.build),
	)
	return r.finish(err)
}

// run is the state of one pass.
type run struct {
	*Project
	o         RunOptions
	only      selection
	started   time.Time
	warehouse *warehouse.Warehouse
	ledger    *ledger.Ledger

	mu      sync.Mutex // guards what follows; sources are extracted side by side
	summary Summary
	steps   []ledger.Step
}

func (p *Project) newRun(o RunOptions) (*run, error) {
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	only, err := p.parseSelection(o.Only)
	if err != nil {
		return nil, err
	}
	now := p.now()
	return &run{
		Project: p, o: o, only: only, started: now,
		summary: Summary{RunID: newRunID(now), AsOf: p.Config.AsOf.String(), Problems: []string{}},
	}, nil
}

// newRunID returns an id that sorts by time and is fit for a file name.
func newRunID(now time.Time) string {
	return now.UTC().Format("20060102T150405Z") + "-" + strings.ToLower(rand.Text()[:6])
}

// open opens the warehouse and writes down that the run began.
func (r *run) open(ctx context.Context) error {
	w, err := r.OpenWarehouse(ctx, warehouse.ForRun)
	if err != nil {
		return err
	}
	r.warehouse = w
	if r.ledger, err = ledger.Open(ctx, w); err == nil {
		err = errors.Join(r.ledger.CloseInterrupted(ctx), r.record(ctx, ledger.Running))
	}
	if err != nil {
		return errors.Join(err, w.Close())
	}
	return nil
}

// stage runs one part and notes its time. After ctx has ended nothing starts.
func (r *run) stage(ctx context.Context, name string, do func(context.Context) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	started := r.now()
	err := do(ctx)
	debug.FreeOSMemory() // the next part may need it in the engine
	r.summary.Stages = append(r.summary.Stages, Stage{Name: name, Duration: r.now().Sub(started)})
	return err
}

// recover tidies up what runs before this one left half done.
func (r *run) recover(ctx context.Context) error {
	recovery, err := r.Zone.Recover(ctx)
	if text := recovery.String(); text != "" {
		r.o.Observer.Note(text)
	}
	return err
}

// finish writes the books and closes the summary. The context may have ended,
// so the last words are written with one of their own.
func (r *run) finish(err error) (Summary, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r.summary.State = r.state(err)
	r.summary.Duration = r.now().Sub(r.started)
	if err != nil {
		r.summary.Problems = append(r.summary.Problems, err.Error())
	}
	err = errors.Join(err, r.ledger.WriteSteps(ctx, r.summary.RunID, r.steps), r.record(ctx, r.summary.State))
	return r.summary, err
}

// state judges the run: partly done when something failed and something did not.
func (r *run) state(err error) ledger.State {
	switch {
	case errors.Is(err, context.Canceled):
		return ledger.Interrupted
	case err != nil:
		return ledger.Failed
	}
	failed, done := 0, r.summary.Models.Built+r.summary.Models.Unchanged
	for _, s := range r.steps {
		switch s.State {
		case ledger.Failed:
			failed++
		case ledger.Done:
			done++
		}
	}
	switch {
	case failed == 0:
		return ledger.Done
	case done == 0:
		return ledger.Failed
	}
	return ledger.Partly
}

func (r *run) record(ctx context.Context, state ledger.State) error {
	entry := ledger.Run{
		ID: r.summary.RunID, Command: "run", AsOf: r.AsOf(), StartedAt: r.started,
		State: state, Message: strings.Join(r.summary.Problems, "\n"),
	}
	if state != ledger.Running {
		entry.FinishedAt = r.now()
	}
	return r.ledger.WriteRun(ctx, entry)
}

// problem adds a sentence to the summary.
func (r *run) problem(format string, values ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Problems = append(r.summary.Problems, fmt.Sprintf(format, values...))
}

// step adds a step to the books.
func (r *run) step(s ledger.Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, s)
}
