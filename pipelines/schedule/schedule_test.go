package schedule_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"winback/pipelines/schedule"
)

// service is a scheduler of one job under a clock that stands still unless told.
type service struct {
	*testing.T
	clock *clockwork.FakeClock
	ahead atomic.Int64 // by which the clock on the wall is ahead of the timers', in nanoseconds
	store *schedule.Store
	drain time.Duration
	s     *schedule.Scheduler
	did   chan schedule.Slot
	end   func() // asks for the end and waits for it
	gate  chan error
}

var midnight = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func at(hours, minutes int) time.Time {
	return midnight.Add(time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute)
}

func newService(t *testing.T) *service {
	return &service{
		T: t, clock: clockwork.NewFakeClockAt(midnight), store: schedule.NewStore(filepath.Join(t.TempDir(), "jobs.json")),
		did: make(chan schedule.Slot, 100), gate: make(chan error, 100), drain: 50 * time.Millisecond,
	}
}

// start runs the job, which tells its slot and then waits for what to return.
func (v *service) start(job schedule.Job) {
	v.Helper()
	job.Name = "job"
	job.Do = func(ctx context.Context, slot schedule.Slot) error {
		v.did <- slot
		select {
		case err := <-v.gate:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var err error
	if v.s, err = schedule.New([]schedule.Job{job}, schedule.Options{Store: v.store, Clock: &stuck{v.clock, &v.ahead}, Drain: v.drain}); err != nil {
		v.Fatal(err)
	}
	ctx, cancel := context.WithCancel(v.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.s.Run(ctx) }()
	v.end = func() {
		v.Helper()
		cancel()
		if err := <-ended; err != nil {
			v.Error(err)
		}
	}
	v.Cleanup(cancel)
	v.eventually(func() bool { return v.s.Alive() == nil })
	v.waiters(2) // the job and the proof of life
}

// waiters waits until so many wait for the clock.
func (v *service) waiters(n int) {
	v.Helper()
	ctx, cancel := context.WithTimeout(v.Context(), 20*time.Second)
	defer cancel()
	if err := v.clock.BlockUntilContext(ctx, n); err != nil {
		v.Fatalf("nobody waits for the clock: %v", err)
	}
}

func (v *service) eventually(holds func() bool) {
	v.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			v.Fatal("it does not come true")
		}
	}
}

// expect waits for the next slot that is done.
func (v *service) expect(want time.Time) schedule.Slot {
	v.Helper()
	select {
	case slot := <-v.did:
		if !slot.At.Equal(want) {
			v.Errorf("done for %s, want %s", slot.At, want)
		}
		return slot
	case <-time.After(20 * time.Second):
		v.Fatalf("not done for %s", want)
	}
	return schedule.Slot{}
}

func (v *service) nothing() {
	v.Helper()
	select {
	case slot := <-v.did:
		v.Errorf("done for %s", slot.At)
	case <-time.After(20 * time.Millisecond):
	}
}

// state waits until the job has an outcome.
func (v *service) state(want schedule.Outcome) schedule.JobState {
	v.Helper()
	var state schedule.JobState
	v.eventually(func() bool {
		states, err := v.store.Read()
		if err != nil {
			v.Fatal(err)
		}
		state = states["job"]
		return state.Outcome == want
	})
	return state
}

func cronLine(t *testing.T, line string) *schedule.Calendar {
	t.Helper()
	c, err := schedule.ParseCron(line, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestScheduler_DoesAJobWhenItIsDue(t *testing.T) {
	v := newService(t)
	v.start(schedule.Job{Calendar: cronLine(t, "0 2 * * *")})
	v.nothing()
	v.clock.Advance(2 * time.Hour)
	if slot := v.expect(at(2, 0)); slot.Attempt != 1 || slot.Manual {
		t.Errorf("the slot is %+v", slot)
	}
	v.gate <- nil
	if state := v.state(schedule.Done); !state.Slot.Equal(at(2, 0)) || state.Attempts != 1 {
		t.Errorf("the state is %+v", state)
	}
	status, err := v.s.Status()
	if err != nil || !status[0].Next.Equal(at(26, 0)) {
		t.Errorf("next time %s, %v", status[0].Next, err)
	}
	v.end()
	if v.s.Alive() == nil {
		t.Error("it says that it lives after its end")
	}
}

func TestScheduler_MakesUpForWhatWasMissed(t *testing.T) {
	for _, c := range []struct {
		about string
		job   schedule.Job
		was   schedule.JobState
		want  time.Time // zero: nothing
	}{
		{"of several the last", schedule.Job{Calendar: cronLine(t, "0 22 * * *")}, schedule.JobState{Slot: at(-74, 0), Outcome: schedule.Done}, at(-2, 0)},
		{"nothing was missed", schedule.Job{Calendar: cronLine(t, "0 22 * * *")}, schedule.JobState{Slot: at(-2, 0), Outcome: schedule.Done}, time.Time{}},
		{"a failure is not missed", schedule.Job{Calendar: cronLine(t, "0 22 * * *")}, schedule.JobState{Slot: at(-2, 0), Outcome: schedule.Failed}, time.Time{}},
		{"it is not wanted", schedule.Job{Calendar: cronLine(t, "0 22 * * *"), Forget: true}, schedule.JobState{Slot: at(-74, 0), Outcome: schedule.Done}, time.Time{}},
		{"a job that was broken off", schedule.Job{Calendar: cronLine(t, "0 22 * * *"), Forget: true}, schedule.JobState{Slot: at(-26, 0), Outcome: schedule.Running}, at(-26, 0)},
		{"a job that is new waits for its time", schedule.Job{Calendar: cronLine(t, "0 22 * * *")}, schedule.JobState{}, time.Time{}},
		{"an interval that is new begins at once", schedule.Job{Every: time.Hour}, schedule.JobState{}, at(0, 0)},
		{"an interval that is over", schedule.Job{Every: time.Hour}, schedule.JobState{Slot: at(-3, 0), Outcome: schedule.Done}, at(0, 0)},
	} {
		t.Run(c.about, func(t *testing.T) {
			v := newService(t)
			if err := v.store.Update("job", func(s *schedule.JobState) { *s = c.was }); err != nil {
				t.Fatal(err)
			}
			v.start(c.job)
			if c.want.IsZero() {
				v.nothing()
			} else {
				v.expect(c.want)
			}
			v.end()
		})
	}
}

func TestScheduler_AnIntervalGoesOnWhereItWas(t *testing.T) {
	v := newService(t)
	if err := v.store.Update("job", func(s *schedule.JobState) { *s = schedule.JobState{Slot: at(0, -20), Outcome: schedule.Done} }); err != nil {
		t.Fatal(err)
	}
	v.start(schedule.Job{Every: time.Hour})
	v.nothing()
	v.clock.Advance(40 * time.Minute)
	v.expect(at(0, 40))
	v.end()
}

func TestScheduler_TriesAgain(t *testing.T) {
	v := newService(t)
	v.start(schedule.Job{Calendar: cronLine(t, "0 2 * * *"), Retries: 2, RetryAfter: time.Minute})
	v.clock.Advance(2 * time.Hour)
	v.expect(at(2, 0))
	for attempt, wait := range []time.Duration{time.Minute, 2 * time.Minute} {
		v.gate <- errors.New("the shop does not answer")
		v.waiters(3)
		v.clock.Advance(wait - time.Second)
		v.nothing()
		v.clock.Advance(time.Second)
		if slot := v.expect(at(2, 0)); slot.Attempt != attempt+2 {
			t.Errorf("attempt %d, want %d", slot.Attempt, attempt+2)
		}
	}
	v.gate <- errors.New("the shop does not answer")
	if state := v.state(schedule.Failed); state.Attempts != 3 || state.Message != "the shop does not answer" {
		t.Errorf("the state is %+v", state)
	}
	v.end()
}

// A job that came to its end although it was to be broken off is done, and not done twice.
func TestScheduler_DoneInSpiteOfTheEnd(t *testing.T) {
	store := schedule.NewStore(filepath.Join(t.TempDir(), "jobs.json"))
	ctx, end := context.WithCancel(t.Context())
	job := schedule.Job{Name: "job", Every: time.Hour, Do: func(ctx context.Context, _ schedule.Slot) error {
		end()
		<-ctx.Done()
		return nil
	}}
	s, err := schedule.New([]schedule.Job{job}, schedule.Options{Store: store, Drain: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if states, err := store.Read(); err != nil || states["job"].Outcome != schedule.Done {
		t.Errorf("it is %+v, %v", states["job"], err)
	}
}

// A job that only waits for its next try keeps nobody who asks for the end waiting; the
// next process tries it again.
func TestScheduler_EndsBetweenTries(t *testing.T) {
	v := newService(t)
	v.drain = time.Hour
	job := schedule.Job{Calendar: cronLine(t, "0 2 * * *"), Retries: 2, RetryAfter: time.Hour}
	v.start(job)
	v.clock.Advance(2 * time.Hour)
	v.expect(at(2, 0))
	v.gate <- errors.New("the shop does not answer")
	v.waiters(3)
	v.end()
	v.state(schedule.Running)
	v.clock = clockwork.NewFakeClockAt(at(2, 10))
	v.start(job)
	v.expect(at(2, 0))
	v.gate <- nil
	v.state(schedule.Done)
	v.end()
}

// With jitter a job begins later than its time, at most so much, and is done for its
// time all the same.
func TestScheduler_Jitter(t *testing.T) {
	v := newService(t)
	v.start(schedule.Job{Calendar: cronLine(t, "0 2 * * *"), Jitter: 10 * time.Minute})
	v.clock.Advance(2 * time.Hour)
	v.waiters(3) // for the time within the ten minutes
	v.nothing()
	v.clock.Advance(10 * time.Minute)
	v.expect(at(2, 0))
	v.gate <- nil
	v.state(schedule.Done)
	v.end()
}

// Who wants a job done that waits for its time within the jitter need not wait.
// Waits between tries grow up to an hour: a job that waits for days would miss its times.
func TestScheduler_TriesAgainWithinTheHour(t *testing.T) {
	v := newService(t)
	v.start(schedule.Job{Calendar: cronLine(t, "0 0 1 1 *"), Retries: 3, RetryAfter: 40 * time.Minute})
	if err := v.s.Trigger("job"); err != nil {
		t.Fatal(err)
	}
	v.expect(at(0, 0))
	for _, wait := range []time.Duration{40 * time.Minute, time.Hour, time.Hour} {
		v.gate <- errors.New("the shop does not answer")
		v.waiters(3)
		v.clock.Advance(wait)
		v.expect(at(0, 0))
	}
	v.gate <- nil
	v.state(schedule.Done)
	v.end()
}

func TestScheduler_TriggeredWhileItWaits(t *testing.T) {
	v := newService(t)
	v.start(schedule.Job{Calendar: cronLine(t, "0 2 * * *"), Jitter: 10 * time.Hour})
	v.clock.Advance(2 * time.Hour)
	v.waiters(3)
	if err := v.s.Trigger("job"); err != nil {
		t.Fatal(err)
	}
	v.expect(at(2, 0))
	v.gate <- nil
	v.state(schedule.Done)
	v.end()
}

// A machine that slept, or whose clock is put forward, does what came meanwhile: a
// timer that counts the hours would come too late.
func TestScheduler_TheClockIsPutForward(t *testing.T) {
	v := newService(t)
	v.start(schedule.Job{Calendar: cronLine(t, "0 2 * * *")})
	v.ahead.Store(int64(5 * time.Hour))
	v.clock.Advance(10 * time.Second)
	v.expect(at(2, 0))
	v.gate <- nil
	v.state(schedule.Done)
	v.clock.Advance(2 * time.Hour) // the timer comes, seven hours on the wall
	v.nothing()
	v.end()
}

// A clock that is put back has a job done at its time on the wall, once.
func TestScheduler_TheClockIsPutBack(t *testing.T) {
	for _, c := range []struct {
		about string
		back  time.Duration
	}{{"by a little", 2 * time.Second}, {"by hours", 5 * time.Hour}} {
		t.Run(c.about, func(t *testing.T) {
			v := newService(t)
			v.clock.Advance(6 * time.Hour)
			v.start(schedule.Job{Calendar: cronLine(t, "0 8 * * *")})
			v.ahead.Store(-int64(c.back))
			v.clock.Advance(2 * time.Hour) // too early on the wall
			v.nothing()
			v.waiters(2)
			for left := c.back + 2*time.Minute; left > 0; left -= time.Hour {
				v.clock.Advance(min(left, time.Hour))
				v.waiters(2)
			}
			v.expect(at(8, 0))
			v.gate <- nil
			v.state(schedule.Done)
			v.nothing()
			v.end()
		})
	}
}

func TestScheduler_Overlap(t *testing.T) {
	for _, c := range []struct {
		about string
		queue bool
	}{{"the time passes", false}, {"the time waits", true}} {
		t.Run(c.about, func(t *testing.T) {
			v := newService(t)
			v.start(schedule.Job{Calendar: cronLine(t, "0 * * * *"), Queue: c.queue})
			v.clock.Advance(time.Hour)
			v.expect(at(1, 0))
			v.waiters(2)
			v.clock.Advance(time.Hour)
			v.waiters(2)
			v.nothing() // it is still being done for the hour before
			v.gate <- nil
			if c.queue {
				v.expect(at(2, 0))
				v.gate <- nil
			} else {
				v.nothing()
			}
			v.end()
		})
	}
}

func TestScheduler_PausedJobsAreLeftOut(t *testing.T) {
	v := newService(t)
	v.start(schedule.Job{Calendar: cronLine(t, "0 * * * *")})
	if err := v.store.Update("job", func(s *schedule.JobState) { s.Paused = true }); err != nil {
		t.Fatal(err)
	}
	v.clock.Advance(time.Hour)
	v.nothing()
	if err := v.s.Trigger("job"); err != nil {
		t.Fatal(err)
	}
	if slot := v.expect(at(1, 0)); !slot.Manual {
		t.Errorf("the slot is %+v", slot)
	}
	if err := v.s.Trigger("job"); !errors.Is(err, schedule.ErrBusy) {
		t.Errorf("triggered twice: %v", err)
	}
	if err := v.s.Trigger("jop"); !errors.Is(err, schedule.ErrUnknownJob) {
		t.Errorf("an unknown job: %v", err)
	}
	v.gate <- nil
	if state := v.state(schedule.Done); !state.Paused {
		t.Error("it is not paused any more")
	}
	v.end()
}

// A job that is being done when the end is asked for may end; one that does not is
// broken off, and the next process begins with it.
func TestScheduler_Drains(t *testing.T) {
	v := newService(t)
	v.start(schedule.Job{Calendar: cronLine(t, "0 * * * *")})
	v.clock.Advance(time.Hour)
	v.expect(at(1, 0))
	v.end()
	v.state(schedule.Running)
	v.clock = clockwork.NewFakeClockAt(at(1, 20))
	v.start(schedule.Job{Calendar: cronLine(t, "0 * * * *")})
	v.expect(at(1, 0))
	v.gate <- nil
	v.state(schedule.Done)
	v.end()
}

func TestScheduler_AFaultIsAFailure(t *testing.T) {
	store := schedule.NewStore(filepath.Join(t.TempDir(), "jobs.json"))
	s, err := schedule.New([]schedule.Job{{Name: "job", Every: time.Hour, Do: func(context.Context, schedule.Slot) error { panic("oh") }}}, schedule.Options{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	v := &service{T: t, store: store}
	if state := v.state(schedule.Failed); state.Message[:len("the program is at fault: oh")] != "the program is at fault: oh" {
		t.Errorf("it says %s", state.Message)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// stuck is a clock whose hands go on while nothing that waits for it wakes: as when
// the scheduler's loop hangs.
type stuck struct {
	*clockwork.FakeClock
	ahead *atomic.Int64
}

func (c *stuck) Now() time.Time                  { return c.FakeClock.Now().Add(time.Duration(c.ahead.Load())) }
func (c *stuck) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

func TestScheduler_SaysThatItHangs(t *testing.T) {
	clock := &stuck{clockwork.NewFakeClockAt(midnight), &atomic.Int64{}}
	s, err := schedule.New([]schedule.Job{{Name: "job", Calendar: cronLine(t, "0 2 * * *"), Do: func(context.Context, schedule.Slot) error { return nil }}},
		schedule.Options{Store: schedule.NewStore(filepath.Join(t.TempDir(), "jobs.json")), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	v := &service{T: t}
	v.eventually(func() bool { return s.Alive() == nil })
	clock.ahead.Store(int64(50 * time.Second))
	if err := s.Alive(); err != nil {
		t.Errorf("after less than a minute: %v", err)
	}
	clock.ahead.Store(int64(2 * time.Minute))
	if err := s.Alive(); err == nil || err.Error() != "the scheduler has not been heard of for 2m0s" {
		t.Errorf("a loop that hangs: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
