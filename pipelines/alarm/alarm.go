// Package alarm tells people when something is wrong with a project: once when it
// begins and once when it is over. A service looks again and again, a run that cron
// began looks once at its end; both go by what ops.alarms says was told.
//
// What was found is written to ops.alarms before anybody is told, and who was told
// right after. So a restart tells nothing twice, but for one case: a process that is
// killed between a delivery and the note of it delivers that message again.
package alarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/jonboulle/clockwork"

	"winback/pipelines/notify"
)

// Kind of an alarm.
type Kind = string

// The kinds.
const (
	RunFailed   Kind = "run_failed"
	RunLate     Kind = "run_late"
	SourceStale Kind = "source_stale"
	CheckFailed Kind = "check_failed"
	Churn       Kind = "churn"
	Quarantine  Kind = "quarantine"
	DiskLow     Kind = "disk_low"
	BackupLate  Kind = "backup_late"
	Certificate Kind = "certificate"
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{RunFailed, RunLate, SourceStale, CheckFailed, Churn, Quarantine, DiskLow, BackupLate, Certificate}
}

// Known says whether there is such a kind.
func Known(kind string) bool { return slices.Contains(Kinds(), kind) }

// Finding is something that is wrong now. Kind and Subject tell it from others.
type Finding struct {
	Kind    Kind
	Subject string
	Text    string
	// Unknown says that it can't be told now whether it is wrong: what was wrong goes
	// on, and nothing begins.
	Unknown bool
}

// Finder looks for what is wrong of one kind. After an error nothing is known: what
// was wrong before counts as wrong.
type Finder struct {
	Kind Kind
	Find func(ctx context.Context, now time.Time) ([]Finding, error)
}

// Options of a Watcher. Warehouse and Finders are needed.
type Options struct {
	Project   string
	Warehouse func() (driver.Conn, error)
	Finders   []Finder
	Channels  []notify.Channel
	// Quiet are hours in which only what is urgent is told; nil for none.
	Quiet  *Hours
	Urgent []Kind
	Every  time.Duration // between two looks; 0 for a minute
	// BlindFor is how long no look succeeds until that is told itself: 0 for five
	// minutes, negative for at once, as where nobody looks again soon.
	BlindFor time.Duration
	// Within bounds a look with its deliveries; 0 for five minutes.
	Within time.Duration
	// Memory is a file that keeps between processes that no look succeeded, and who
	// was told; empty for none.
	Memory string
	Zone   *time.Location
	Clock  clockwork.Clock // nil for that of the machine
	Logger *slog.Logger    // nil for none
}

// Watcher looks again and again. Make one with New.
type Watcher struct {
	o     Options
	ready bool // the table is there
	tries map[string]*patience
	blind *blindness // nil while looks succeed

	unknown error // why some finder does not know

	mu      sync.Mutex
	seen    time.Time // when a look last ended
	problem error     // of it
}

// patience is that with a channel that does not take messages.
type patience struct {
	failures int
	next     time.Time
}

// New prepares a watcher.
func New(o Options) *Watcher {
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Every == 0 {
		o.Every = time.Minute
	}
	if o.BlindFor == 0 {
		o.BlindFor = 5 * time.Minute
	}
	if o.Within == 0 {
		o.Within = lookTime
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Watcher{o: o, tries: map[string]*patience{}, seen: o.Clock.Now()}
	w.recall()
	return w
}

// lookTime bounds a look with its deliveries.
const lookTime = 5 * time.Minute

// Run looks until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	for {
		if err := w.Look(ctx); err != nil && ctx.Err() == nil {
			w.o.Logger.Error("alarms could not be looked after", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.o.Clock.After(w.o.Every):
		}
	}
}

// Alive is nil while the watcher gets to the end of its looks, whatever it finds.
func (w *Watcher) Alive() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if silent := w.o.Clock.Since(w.seen); silent > 3*w.o.Every+2*lookTime {
		return fmt.Errorf("nobody has looked for what is wrong for %s", silent.Round(time.Second))
	}
	return nil
}

// Problem is why the last look failed; nil if it did not.
func (w *Watcher) Problem() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.problem
}

// Look looks once: it opens and closes incidents, and tells who is to be told. It
// is not to be called twice at once.
func (w *Watcher) Look(ctx context.Context) error {
	look, cancel := context.WithTimeout(ctx, w.o.Within)
	err := w.look(look)
	cancel()
	problem := errors.Join(err, w.unknown)
	if ctx.Err() == nil {
		telling, cancel := context.WithTimeout(ctx, w.o.Within)
		w.tellOfBlindness(telling, problem)
		cancel()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen, w.problem = w.o.Clock.Now(), problem
	return err
}

func (w *Watcher) look(ctx context.Context) error {
	w.unknown = nil
	conn, err := w.o.Warehouse()
	if err != nil {
		return err
	}
	if !w.ready {
		if err := CreateTable(ctx, conn); err != nil {
			return err
		}
		w.ready = true
	}
	incidents, changed, err := w.compare(ctx, conn)
	if err != nil {
		return err
	}
	if err := write(ctx, conn, changed); err != nil {
		return err
	}
	return w.tell(ctx, conn, incidents)
}

// compare brings what is wrong together with what was.
func (w *Watcher) compare(ctx context.Context, conn driver.Conn) (incidents, changed []*Incident, err error) {
	known, err := Incidents(ctx, conn, false)
	if err != nil {
		return nil, nil, err
	}
	for i := range known {
		incidents = append(incidents, &known[i])
	}
	now := w.o.Clock.Now().UTC()
	for _, n := range incidents {
		if n.Open() && !slices.ContainsFunc(w.o.Finders, func(f Finder) bool { return f.Kind == n.Kind }) {
			n.ClosedAt, n.Settled = &now, true // nobody looks for it any more, and wants to be told of it
			changed = append(changed, n)
		}
	}
	for _, finder := range w.o.Finders {
		found, err := finder.Find(ctx, now)
		if err != nil {
			w.o.Logger.Warn("whether something is wrong is not known", "kind", finder.Kind, "error", err)
			w.unknown = errors.Join(w.unknown, fmt.Errorf("%s: %w", finder.Kind, err))
			continue
		}
		for _, f := range found {
			at := slices.IndexFunc(incidents, func(i *Incident) bool { return i.Open() && i.is(f) })
			if at < 0 && !f.Unknown {
				n := &Incident{
					ID: fmt.Sprintf("%s/%s/%s", f.Kind, f.Subject, now.Format("20060102T150405.000000Z")), Kind: f.Kind, Subject: f.Subject, Text: f.Text,
					Urgent: slices.Contains(w.o.Urgent, f.Kind), OpenedAt: now,
				}
				incidents, changed = append(incidents, n), append(changed, n)
			}
		}
		for _, n := range incidents {
			if n.Kind == finder.Kind && n.Open() && !slices.ContainsFunc(found, n.is) {
				n.ClosedAt = &now
				changed = append(changed, n)
			}
		}
	}
	return incidents, changed, nil
}

// note is what a channel is still to be told of an incident.
type note int

const (
	nothing     note = iota
	began            // it is wrong
	over             // it is not wrong any more
	cameAndWent      // it was wrong while nobody was told
)

// due says what a channel is to be told.
func (w *Watcher) due(n *Incident, channel string, quiet bool) note {
	told, recovered := slices.Contains(n.Told, channel), slices.Contains(n.Recovered, channel)
	switch {
	case n.Settled || quiet && !n.Urgent:
		return nothing
	case n.Open() && !told:
		return began
	case n.Open() || recovered:
		return nothing
	case told:
		return over
	}
	return cameAndWent
}

// tell tells each channel what it lacks, in one message. A channel that fails is
// tried again, less and less often; others are not kept waiting by it.
func (w *Watcher) tell(ctx context.Context, conn driver.Conn, incidents []*Incident) error {
	now := w.o.Clock.Now().UTC()
	quiet := w.o.Quiet.Has(now.In(w.o.Zone))
	var errs []error
	for _, channel := range w.o.Channels {
		var notes []*Incident
		for _, n := range incidents {
			if w.due(n, channel.Name(), quiet) != nothing {
				notes = append(notes, n)
			}
		}
		if len(notes) == 0 || w.waits(channel, now) {
			continue
		}
		problem := w.deliver(ctx, channel, w.message(notes, now), now)
		for _, n := range notes {
			if problem == "" {
				n.toldBy(channel.Name(), now)
			} else {
				n.Problem = channel.Name() + ": " + problem
			}
		}
		errs = append(errs, w.noteTold(ctx, conn, notes))
	}
	errs = append(errs, w.settle(ctx, conn, incidents, now))
	return errors.Join(errs...)
}

// noteTime bounds the note of what was delivered.
const noteTime = 20 * time.Second

// noteTold writes down who was told. What was delivered is noted even if the time for
// the look is over, or it would come again.
func (w *Watcher) noteTold(ctx context.Context, conn driver.Conn, notes []*Incident) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	return write(ctx, conn, notes)
}

// toldBy notes that a channel has everything.
func (n *Incident) toldBy(channel string, at time.Time) {
	n.ToldAt = &at
	if strings.HasPrefix(n.Problem, channel+": ") {
		n.Problem = ""
	}
	if !slices.Contains(n.Told, channel) {
		n.Told = append(n.Told, channel)
	}
	if !n.Open() {
		n.Recovered = append(n.Recovered, channel)
	}
}

// The waits for a channel that fails grow from the first to the longest.
const (
	firstWait   = time.Minute
	longestWait = time.Hour
)

// waits says that it is too early to try a channel again.
func (w *Watcher) waits(channel notify.Channel, now time.Time) bool {
	p := w.tries[channel.Name()]
	return p != nil && now.Before(p.next)
}

// deliver sends one message, and returns why it could not be delivered.
func (w *Watcher) deliver(ctx context.Context, channel notify.Channel, message notify.Message, now time.Time) string {
	err := channel.Send(ctx, message)
	if err == nil {
		delete(w.tries, channel.Name())
		return ""
	}
	p := w.tries[channel.Name()]
	if p == nil {
		p = &patience{}
		w.tries[channel.Name()] = p
	}
	p.next = now.Add(min(longestWait, firstWait<<min(p.failures, 10)))
	p.failures++
	w.o.Logger.Error("an alarm could not be delivered", "channel", channel.Name(), "error", err, "again", p.next)
	return err.Error()
}

// giveUp is how long after its end somebody is still to be told of an incident.
const giveUp = 7 * 24 * time.Hour

// settle closes the books over incidents that nobody is left to be told of.
func (w *Watcher) settle(ctx context.Context, conn driver.Conn, incidents []*Incident, now time.Time) error {
	var settled []*Incident
	for _, n := range incidents {
		if n.Open() || n.Settled {
			continue
		}
		missing := slices.ContainsFunc(w.o.Channels, func(c notify.Channel) bool { return !slices.Contains(n.Recovered, c.Name()) })
		if !missing || now.Sub(*n.ClosedAt) > giveUp {
			n.Settled = true
			settled = append(settled, n)
		}
	}
	return write(ctx, conn, settled)
}

// message puts what is to be told into words.
func (w *Watcher) message(notes []*Incident, now time.Time) notify.Message {
	var text strings.Builder
	wrong, right := 0, 0
	for _, n := range notes {
		at := n.OpenedAt.In(w.o.Zone).Format("2006-01-02 15:04")
		switch {
		case n.Open():
			wrong++
			fmt.Fprintf(&text, "ALARM: %s (since %s)\n", n.Text, at)
		case len(n.Told) == 0:
			right++
			fmt.Fprintf(&text, "OVER: %s (from %s to %s)\n", n.Text, at, n.ClosedAt.In(w.o.Zone).Format("2006-01-02 15:04"))
		default:
			right++
			fmt.Fprintf(&text, "OVER: %s (after %s)\n", n.Text, n.ClosedAt.Sub(n.OpenedAt).Round(time.Second))
		}
	}
	var subject []string
	switch {
	case len(notes) == 1 && wrong == 1:
		subject = []string{notes[0].Text}
	case len(notes) == 1:
		subject = []string{"over: " + notes[0].Text}
	default:
		if wrong > 0 {
			subject = append(subject, plural(wrong, "alarm"))
		}
		if right > 0 {
			subject = append(subject, fmt.Sprintf("%d over", right))
		}
	}
	fmt.Fprintf(&text, "\n%s, %s\n", w.o.Project, now.In(w.o.Zone).Format("2006-01-02 15:04 MST"))
	return notify.Message{Subject: w.o.Project + ": " + strings.Join(subject, ", "), Text: text.String()}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
