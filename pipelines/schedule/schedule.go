// Package schedule does jobs when they are due, by the clock on the wall or at an
// interval, as long as a process lives, and makes up afterwards for what was missed
// while none did.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/jonboulle/clockwork"
)

// Job is something to be done again and again.
type Job struct {
	Name string
	// Calendar has the times; without one, it is done at an interval of Every.
	Calendar *Calendar
	Every    time.Duration
	// Jitter is the longest time, chosen at random, that it begins later: so that
	// many who ask one server do not ask at once.
	Jitter time.Duration
	// Queue has a time that comes while the job is still being done for an earlier
	// one wait for its end; otherwise that time passes.
	Queue bool
	// Forget has a time that was missed, as no process lived, stay missed.
	Forget bool
	// Retries is how often it is tried again after a failure, RetryAfter how long
	// after the first; each further wait is twice as long, up to an hour: times that
	// come meanwhile pass.
	Retries    int
	RetryAfter time.Duration
	// Do does it. Do must end soon after ctx does.
	Do func(ctx context.Context, slot Slot) error
}

// Slot is a time for which a job is done.
type Slot struct {
	At      time.Time
	Attempt int // from 1
	Manual  bool
}

// Options of a Scheduler. Store is needed.
type Options struct {
	Store  *Store
	Zone   *time.Location  // nil for UTC
	Clock  clockwork.Clock // nil for that of the machine
	Logger *slog.Logger    // nil for none
	// Drain is how long jobs may go on after the end was asked for.
	Drain time.Duration
}

// Scheduler does jobs. Make one with New.
type Scheduler struct {
	options Options
	jobs    []*entry
	cron    gocron.Scheduler

	mu     sync.Mutex // guards what follows, and the entries' fields
	beat   time.Time
	ending <-chan struct{} // closed once the end was asked for
}

type entry struct {
	Job
	job     gocron.Job
	pending *Slot // a time to make up for, or one asked for by hand
	since   time.Time
	busy    bool          // a time is being dealt with
	dealt   time.Time     // times of the calendar up to here are dealt with
	wait    chan struct{} // closed to end the jitter early; nil while there is none
}

// beatEvery is how often the scheduler proves that it lives; after longest without
// a proof it is taken for dead.
const (
	beatEvery = 10 * time.Second
	longest   = time.Minute
)

// longestRetry is the longest wait between two tries, unless the first one is longer.
const longestRetry = time.Hour

// A timer knows nothing of a clock that is put forward, or of a machine that slept:
// a time of the calendar that is past for so long is seen to without it. A clock that
// is put back by more than setBack begins anew; by less, what was done once is not done
// again.
const (
	overdue = time.Minute
	setBack = time.Hour
)

// New prepares the jobs; Run does them.
func New(jobs []Job, o Options) (*Scheduler, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Scheduler{options: o}
	for _, job := range jobs {
		s.jobs = append(s.jobs, &entry{Job: job})
	}
	return s, nil
}

// Run does the jobs until ctx ends. Those that are being done then have the time
// of Options.Drain to end, and are broken off after it: the next Run begins with
// them. It returns an error when it can't begin.
func (s *Scheduler) Run(ctx context.Context) error {
	states, err := s.options.Store.Read()
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.ending = ctx.Done()
	s.mu.Unlock()
	// Jobs outlive ctx by the time they have to end in.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	s.cron, err = gocron.NewScheduler(gocron.WithLocation(s.options.Zone), gocron.WithClock(s.options.Clock), gocron.WithStopTimeout(s.options.Drain+time.Minute))
	if err != nil {
		return fmt.Errorf("make a scheduler: %w", err)
	}
	for _, e := range s.jobs {
		if err := s.add(work, e, states[e.Name]); err != nil {
			return err
		}
	}
	if _, err := s.cron.NewJob(gocron.DurationJob(beatEvery), gocron.NewTask(s.tend)); err != nil {
		return fmt.Errorf("schedule the proof of life: %w", err)
	}
	s.proveAlive()
	s.cron.Start()
	for _, e := range s.jobs {
		if e.pending != nil {
			if err := e.job.RunNow(); err != nil {
				return fmt.Errorf("make up for %s: %w", e.Name, err)
			}
		}
	}
	<-ctx.Done()
	drained := time.AfterFunc(s.options.Drain, stopWork)
	defer drained.Stop()
	err = s.cron.Shutdown()
	s.mu.Lock()
	s.beat = time.Time{}
	s.mu.Unlock()
	if err != nil && !errors.Is(err, gocron.ErrStopJobsTimedOut) {
		return fmt.Errorf("stop the scheduler: %w", err)
	}
	return nil
}

// add schedules a job, and finds the time that it has to make up for.
func (s *Scheduler) add(ctx context.Context, e *entry, state JobState) error {
	var mode gocron.LimitMode = gocron.LimitModeReschedule
	if e.Queue {
		mode = gocron.LimitModeWait
	}
	options := []gocron.JobOption{gocron.WithName(e.Name), gocron.WithSingletonMode(mode)}
	definition := gocron.JobDefinition(gocron.DurationJob(e.Every))
	now := s.options.Clock.Now()
	if e.Calendar != nil {
		definition = gocron.CronJob("", false)
		options = append(options, gocron.WithCronImplementation(e.Calendar))
	} else if next := state.Slot.Add(e.Every); next.After(now) && next.Before(now.Add(e.Every)) {
		options = append(options, gocron.WithStartAt(gocron.WithStartDateTime(next)))
	}
	job, err := s.cron.NewJob(definition, gocron.NewTask(func() { s.due(ctx, e) }), options...)
	if err != nil {
		return fmt.Errorf("schedule %s: %w", e.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.job, e.pending, e.dealt = job, e.missed(state, now), now.Round(0)
	return nil
}

// missed is the time that a job has to make up for: one that it was broken off in,
// or the last of those that came while nobody was there.
func (e *entry) missed(state JobState, now time.Time) *Slot {
	switch {
	case state.Outcome == Running:
		return &Slot{At: state.Slot}
	case e.Forget:
		return nil
	case e.Calendar == nil:
		if state.Slot.IsZero() || !state.Slot.Add(e.Every).After(now) {
			return &Slot{At: now}
		}
	case !state.Slot.IsZero():
		if at := e.Calendar.Latest(state.Slot, now); !at.IsZero() {
			return &Slot{At: at}
		}
	}
	return nil
}

// due does a job for the time that has come.
func (s *Scheduler) due(ctx context.Context, e *entry) {
	slot, made, ok := s.take(e)
	if !ok {
		return
	}
	defer s.release(e)
	states, err := s.options.Store.Read()
	if err != nil {
		s.options.Logger.Error("the state of scheduled jobs is not known", "job", e.Name, "error", err)
	}
	if states[e.Name].Paused && !slot.Manual {
		s.options.Logger.Info("a paused job is left out", "job", e.Name, "slot", slot.At)
		return
	}
	if e.Jitter > 0 && !made && !s.jitter(ctx, e) {
		return
	}
	s.do(ctx, e, slot)
}

// take returns the time that a job is to be done for, and whether it is one to
// make up for or asked for by hand. There is none when a clock was put back, or when
// the times that waited are dealt with already: several of them are done as one.
func (s *Scheduler) take(e *entry) (slot Slot, made, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Clock.Now().Round(0) // the clock on the wall alone
	switch {
	case e.pending != nil:
		slot, made, e.pending = *e.pending, true, nil
	case e.Calendar != nil:
		if slot.At = e.Calendar.Latest(e.dealt, now); slot.At.IsZero() {
			return slot, false, false
		}
	case e.Queue && now.Sub(e.dealt).Abs() < e.Every/2:
		return slot, false, false
	default:
		slot.At = now.Truncate(time.Second)
	}
	e.busy, e.dealt = true, now
	return slot, made, true
}

// release ends what take began: the times that came meanwhile have passed, unless they
// are to wait.
func (s *Scheduler) release(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.busy = false
	if !e.Queue {
		e.dealt = s.options.Clock.Now().Round(0)
	}
}

// jitter waits for a time at random, or until somebody wants the job done now. It is
// false when the end was asked for.
func (s *Scheduler) jitter(ctx context.Context, e *entry) bool {
	wait := make(chan struct{})
	s.mu.Lock()
	e.wait = wait
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		e.wait = nil
	}()
	return s.sleep(ctx, rand.N(e.Jitter), wait)
}

// do tries until it succeeds or may not be tried again, and writes down what
// became of it. What is broken off stays written down as running.
func (s *Scheduler) do(ctx context.Context, e *entry, slot Slot) {
	began := s.options.Clock.Now()
	s.note(e, func(state *JobState) {
		*state = JobState{Paused: state.Paused, Slot: slot.At, Outcome: Running, StartedAt: began}
	})
	s.since(e, began)
	defer s.since(e, time.Time{})
	var err error
	wait, waited := e.RetryAfter, true
	for slot.Attempt = 1; ; slot.Attempt++ {
		if err = safely(ctx, e.Do, slot); err == nil || ctx.Err() != nil || slot.Attempt > e.Retries {
			break
		}
		s.options.Logger.Warn("a scheduled job failed and is tried again", "job", e.Name, "slot", slot.At, "attempt", slot.Attempt, "after", wait, "error", err)
		if waited = s.sleep(ctx, wait, nil); !waited {
			break
		}
		wait = max(wait, min(2*wait, longestRetry))
	}
	if err != nil && (ctx.Err() != nil || !waited) {
		s.options.Logger.Info("a job was broken off; it goes on at the next start", "job", e.Name, "slot", slot.At)
		return
	}
	s.note(e, func(state *JobState) {
		state.Outcome, state.Attempts, state.EndedAt = Done, slot.Attempt, s.options.Clock.Now()
		if err != nil {
			state.Outcome, state.Message = Failed, err.Error()
		}
	})
}

// safely does a job; a panic is an error.
func safely(ctx context.Context, do func(context.Context, Slot) error, slot Slot) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("the program is at fault: %v\n%s", fault, debug.Stack())
		}
	}()
	return do(ctx, slot)
}

func (s *Scheduler) since(e *entry, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.since = at
}

func (s *Scheduler) note(e *entry, change func(*JobState)) {
	if err := s.options.Store.Update(e.Name, change); err != nil {
		s.options.Logger.Error("what became of a job is not written down", "job", e.Name, "error", err)
	}
}

// sleep waits, until enough is closed at the longest; it is false when ctx ended first,
// or the end was asked for: what only waits need not be waited for.
func (s *Scheduler) sleep(ctx context.Context, d time.Duration, enough <-chan struct{}) bool {
	s.mu.Lock()
	ending := s.ending
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-ending:
		return false
	case <-enough:
		return true
	case <-s.options.Clock.After(d):
		return true
	}
}

func (s *Scheduler) proveAlive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beat = s.options.Clock.Now()
}

// tend proves that the scheduler lives, and has those jobs done that no timer sees to.
func (s *Scheduler) tend() {
	s.proveAlive()
	for _, e := range s.jobs {
		if !s.forgotten(e) {
			continue
		}
		if err := e.job.RunNow(); err != nil {
			s.options.Logger.Warn("an overdue job could not be begun; that is tried again", "job", e.Name, "error", err)
		}
	}
}

// forgotten tells of a job that nobody does whether it is overdue by the clock on the
// wall, or was asked for.
func (s *Scheduler) forgotten(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Clock.Now().Round(0)
	if e.dealt.Sub(now) > setBack {
		e.dealt = now
	}
	switch {
	case e.busy:
		return false
	case e.pending != nil:
		return true
	case e.Calendar == nil:
		return false
	}
	next := e.Calendar.Next(e.dealt)
	return !next.IsZero() && next.Before(now.Add(-overdue))
}

// Alive is nil while the scheduler does its work, and says what is wrong with it
// otherwise.
func (s *Scheduler) Alive() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.beat.IsZero() {
		return errors.New("the scheduler does not run")
	}
	if silent := s.options.Clock.Since(s.beat); silent > longest {
		return fmt.Errorf("the scheduler has not been heard of for %s", silent.Round(time.Second))
	}
	return nil
}

// Why a job cannot be triggered.
var (
	ErrUnknownJob = errors.New("no such job")
	ErrBusy       = errors.New("is being done already")
	ErrNotRunning = errors.New("the scheduler does not run")
)

// Trigger has a job done now, a paused one too.
func (s *Scheduler) Trigger(name string) error {
	for _, e := range s.jobs {
		if e.Name == name {
			return s.trigger(e)
		}
	}
	return fmt.Errorf("%w: %q", ErrUnknownJob, name)
}

func (s *Scheduler) trigger(e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.job == nil:
		return ErrNotRunning
	case e.wait != nil:
		close(e.wait) // it was about to be done
		e.wait = nil
		return nil
	case e.busy || e.pending != nil:
		return fmt.Errorf("%s %w", e.Name, ErrBusy)
	}
	e.pending = &Slot{At: s.options.Clock.Now().Truncate(time.Second), Manual: true}
	return e.job.RunNow()
}

// Pause has a job left out until it is resumed, or resumes it.
func (s *Scheduler) Pause(name string, paused bool) error {
	for _, e := range s.jobs {
		if e.Name == name {
			return s.options.Store.Pause(name, paused, s.options.Clock.Now())
		}
	}
	return fmt.Errorf("%w: %q", ErrUnknownJob, name)
}

// Status is a job as it stands.
type Status struct {
	Name string
	// Next is when it is done again; zero while the scheduler does not run.
	Next time.Time
	// Since is when it began to be done; zero while it is not.
	Since time.Time
	JobState
}

// Status of the jobs, in their order.
func (s *Scheduler) Status() ([]Status, error) {
	states, err := s.options.Store.Read()
	list := make([]Status, len(s.jobs))
	for i, e := range s.jobs {
		list[i] = Status{Name: e.Name, JobState: states[e.Name]}
		s.mu.Lock()
		list[i].Since = e.since
		if e.job != nil {
			list[i].Next, _ = e.job.NextRun() //nolint:errcheck // zero tells that it is not known
		}
		s.mu.Unlock()
	}
	return list, err
}
