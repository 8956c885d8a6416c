package pipelines

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"winback/connectors"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
	"winback/pipelines/progress"
	"winback/pipelines/warehouse"
)

// RunOptions say what one pass does.
type RunOptions struct {
	// Only narrows the run: source:NAME extracts that source alone; anything else
	// selects models, and without a source among them nothing is extracted.
	Only []string
	// Full reads everything again and rebuilds every model.
	Full bool
	// Range has a time read again from the sources that can; nothing else is read,
	// and no cursor moves.
	Range *connectors.Range
	// Wait is how long to wait for a run that is under way, and for a query that
	// has the warehouse.
	Wait time.Duration
	// Job and Slot are those of the schedule that the run is made for, if any.
	Job  string
	Slot time.Time
	// Observer is told how the run goes on; nil for nobody.
	Observer Observer
	// Logged has the run told to the project's log, with its id, instead of Observer.
	Logged bool

	as string // how the books call it, if not run
}

// command is how the books call a run with these options.
func (o RunOptions) command() string {
	words := []string{cmp.Or(o.as, "run")}
	if o.Full && o.as == "" {
		words = append(words, "--full")
	}
	if o.Range != nil {
		words = append(words, "--since", o.Range.From.Format(time.DateOnly), "--until", lastDay(o.Range))
	}
	for _, selector := range o.Only {
		words = append(words, "--only", selector)
	}
	return strings.Join(words, " ")
}

// Run makes one pass over the project: extract and land what is new, load it,
// build and check the models. A part that fails stops no other and is told in
// the summary. The error is about the pass as a whole: a selector that names
// nothing (*SelectionError, *model.UnknownSelectorError), somebody else who runs
// (*warehouse.HeldError), a warehouse that cannot be opened, the end of ctx.
func (p *Project) Run(ctx context.Context, o RunOptions) (s Summary, err error) {
	only, err := p.parseSelection(o.Only)
	if err != nil {
		return Summary{}, err
	}
	lock, err := p.lock(ctx, o.Wait)
	if err != nil {
		return Summary{}, err
	}
	defer func() { err = errors.Join(err, lock.unlock()) }()
	r := p.newRun(o, only)
	r.asleep = true // there may be nothing to build
	if err := r.open(ctx); err != nil {
		p.tellUnopened(ctx, err)
		return Summary{}, err
	}
	defer func() { err = errors.Join(err, r.warehouse.Close()) }()

	if err = r.begin(ctx); err == nil {
		defer r.keepBooks(ctx)()
		before := r.wakeLater(ctx)
		err = errors.Join(
			r.stage(ctx, "recover", r.tidy),
			r.stage(ctx, "extract", r.extract),
			r.stage(ctx, "load", r.load),
			before(),
			r.stage(ctx, "models", r.build),
		)
		after := r.wakeLater(ctx)
		err = errors.Join(err, r.stage(ctx, "compact", r.compact), r.pruneHistory(ctx), after())
	}
	s, err = r.finish(err)
	r.tellAlarms(ctx)
	return s, err
}

// run is the state of one pass.
type run struct {
	*Project
	o         RunOptions
	only      selection
	started   time.Time
	present   present // what it is doing, told to o.Observer too
	asleep    bool    // the warehouse is opened with its tables asleep
	warehouse *warehouse.Warehouse
	ledger    *ledger.Ledger

	mu          sync.Mutex // guards what follows; sources are extracted side by side
	summary     Summary
	steps       []ledger.Step
	earlier     map[stepName][]string // errors of tries after which another came
	extractions []ledger.Extraction
	books       written
	loaded      map[string]bool // paths of the files that this run loaded

	aside    map[string]map[string]bool // files of the quarantine in the landing zone, the first of each group, by source
	waiting  int64                      // records of the quarantine of which nothing has become
	landed   bool                       // the landing zone holds rows of some run
	unloaded map[string]bool            // entities of which a file could not be loaded
	diskFull error                      // a *warehouse.DiskFullError that ended the run early, if any
}

func (p *Project) newRun(o RunOptions, only selection) *run {
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	now := p.now()
	id := newRunID(now)
	if o.Logged && p.log != nil {
		o.Observer = p.loggedRun(id, o)
	}
	doing := present{Observer: o.Observer, record: progress.NewRecorder(p.Home, id, time.Now)}
	o.Observer = doing
	return &run{
		Project: p, o: o, present: doing, only: only, started: now, loaded: map[string]bool{}, unloaded: map[string]bool{}, earlier: map[stepName][]string{}, aside: map[string]map[string]bool{},
		summary: Summary{RunID: id, AsOf: p.Config.AsOf.String(), Datasets: []DatasetSummary{}, Problems: []string{}},
	}
}

// newRunID returns an id that sorts by time and is fit for a file name.
func newRunID(now time.Time) string {
	return now.UTC().Format("20060102T150405Z") + "-" + strings.ToLower(rand.Text()[:6])
}

// open opens the warehouse and the books in it.
func (r *run) open(ctx context.Context) error {
	w, err := r.openWarehouse(ctx, warehouse.Options{Purpose: warehouse.ForRun, Asleep: r.asleep, Wait: r.o.Wait})
	if err != nil {
		return r.orDiskFull(err)
	}
	r.warehouse = w
	if lost := w.Mended(); len(lost) > 0 {
		r.o.Observer.Note(fmt.Sprintf("the warehouse had lost %d definitions (%s), as on a full disk: what they stood for is made again", len(lost), strings.Join(lost, ", ")))
	}
	if text := migrated(w.Migrated()); text != "" {
		r.o.Observer.Note(text)
	}
	if r.ledger, err = ledger.Open(ctx, w); err != nil {
		return errors.Join(r.orDiskFull(err), w.Close())
	}
	return nil
}

// shortSleep is how long a run that may have nothing to build keeps others out.
const shortSleep = time.Second

// wakeLater wakes the warehouse if the run goes on for longer than a short while: others
// wait to look into it. The function that it returns settles that before tables of models
// are read.
func (r *run) wakeLater(ctx context.Context) (settle func() error) {
	later := time.AfterFunc(shortSleep, func() {
		_ = r.warehouse.Wake(ctx) // tried again where it is needed
	})
	return func() error {
		if later.Stop() {
			return nil
		}
		return r.warehouse.Wake(ctx)
	}
}

// migrated says in one line what was done to an older warehouse.
func migrated(did []string) string {
	const shown = 3
	if n := len(did); n > shown {
		did = append(did[:shown:shown], fmt.Sprintf("and %d more", n-shown))
	}
	if len(did) == 0 {
		return ""
	}
	return "the warehouse is of another version of winback and was brought up to date: " + strings.Join(did, ", ")
}

// begin writes down that the run began.
func (r *run) begin(ctx context.Context) error {
	if l, ok := r.present.Observer.(logged); ok {
		l.began(r.o.command())
	}
	return errors.Join(r.ledger.CloseInterrupted(ctx), r.record(ctx, ledger.Running, nil))
}

// stage runs one part and notes its time. After ctx has ended, or the disk was
// full, nothing starts.
func (r *run) stage(ctx context.Context, name string, do func(context.Context) error) error {
	if ctx.Err() != nil || r.diskFull != nil {
		return ctx.Err()
	}
	started := r.now()
	r.present.record.Update(progress.Stage, name, nil)
	err := do(ctx)
	for _, kind := range []string{progress.Stage, doesExtract, doesModel} {
		r.present.record.End(kind, "")
	}
	debug.FreeOSMemory() // the next part may need it in the engine
	r.noteSteps(ctx)
	r.summary.Stages = append(r.summary.Stages, Stage{Name: name, Duration: r.now().Sub(started)})
	return err
}

// recover tidies up what runs before this one left half done. What cannot be
// removed is in nobody's way: no manifest names it.
func (r *run) recover(ctx context.Context) error {
	started := r.now()
	r.sweepRebuild()
	recovery, err := r.Zone.Recover(ctx)
	if text := recovery.String(); text != "" {
		r.o.Observer.Note(text)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// A damaged manifest is told where it matters: extraction and load of its
	// source cannot go on.
	if err != nil && !errors.As(err, new(*landing.ManifestError)) {
		r.failed("recover", "landing", started, err)
	}
	return nil
}

// tidy recovers, and finishes erasing what is not to be there: who asked to be
// forgotten, and what is older than it is kept.
func (r *run) tidy(ctx context.Context) error {
	if err := r.recover(ctx); err != nil {
		return err
	}
	if err := r.finishErasures(ctx); err != nil {
		return err
	}
	return r.retain(ctx)
}

// finish writes the books and closes the summary. The context may have ended,
// so the last words are written with one of their own.
func (r *run) finish(err error) (Summary, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err = r.orDiskFull(err); r.diskFull != nil {
		err = r.diskFull
	}
	r.summary.State = r.state(err)
	r.summary.Duration = r.now().Sub(r.started)
	err = errors.Join(err, r.writeBooks(ctx), r.record(ctx, r.summary.State, err))
	if err = r.orDiskFull(err); r.diskFull != nil {
		err = r.diskFull // whatever else went wrong comes from it
	}
	if l, ok := r.present.Observer.(logged); ok {
		l.ended(r.summary, err)
	}
	return r.summary, err
}

// orDiskFull turns an error that comes from a full disk into the sentence that
// says so, which ends the run; others stay as they are.
func (r *run) orDiskFull(err error) error {
	if r.foundDiskFull(err) {
		return r.diskFull
	}
	return err
}

// foundDiskFull says whether an error comes from a full disk. That ends the run,
// which tells of it once.
func (r *run) foundDiskFull(err error) bool {
	if !warehouse.IsDiskFull(err) {
		return false
	}
	full := &warehouse.DiskFullError{Cause: err}
	if r.Config.Warehouse.Embedded() || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		full.Home = r.Home
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.diskFull = full
	return true
}

// state judges the run: partly done when something failed and something did not.
// A source that has nothing new was read in vain but well; a model that needed no
// build says nothing.
func (r *run) state(err error) ledger.State {
	switch {
	case errors.Is(err, context.Canceled):
		return ledger.Interrupted
	case err != nil:
		return ledger.Failed
	}
	failed, done := 0, 0
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

// record writes the run into the books as it stands; err is what ended it early.
func (r *run) record(ctx context.Context, state ledger.State, err error) error {
	message := slices.Clone(r.summary.Problems)
	switch {
	case state == ledger.Interrupted:
		message = append(message, "stopped before the end")
	case err != nil:
		message = append(message, err.Error())
	}
	entry := ledger.Run{
		ID: r.summary.RunID, Command: r.o.command(), AsOf: r.AsOf(), StartedAt: r.started,
		State: state, Message: strings.Join(message, "\n"), Job: r.o.Job, Slot: r.o.Slot,
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
	s.Earlier = r.earlier[stepName{s.Kind, s.Name}]
	r.steps = append(r.steps, s)
}

// failed tells that a part of the run failed, in summary and books.
func (r *run) failed(kind, name string, started time.Time, err error) {
	if err = r.orDiskFull(err); r.diskFull == nil {
		r.problem("FAILED %s of %s: %v", kind, name, err)
	}
	r.step(ledger.Step{Kind: kind, Name: name, State: ledger.Failed, Started: started, Duration: r.now().Sub(started), Message: err.Error()})
}
