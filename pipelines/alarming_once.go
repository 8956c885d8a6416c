package pipelines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gofrs/flock"

	"winback/pipelines/alarm"
	"winback/pipelines/check"
	"winback/pipelines/warehouse"
)

// Files in a project's home that those who look for what is wrong keep.
const (
	alarmsLock  = "alarms.lock"  // held by the one process that looks
	alarmsBlind = "alarms.blind" // no look succeeds, and who was told
)

// lockAlarms takes the right to look for what is wrong: two processes that look at
// once would tell everything twice. It returns nil where another process has it, as
// winback serve does as long as it lives.
func (p *Project) lockAlarms() (*flock.Flock, error) {
	if err := os.MkdirAll(p.Home, 0o755); err != nil {
		return nil, fmt.Errorf("make the project's home: %w", err)
	}
	lock := flock.New(filepath.Join(p.Home, alarmsLock))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the alarms of %s: %w", p.Home, err)
	}
	if !locked {
		return nil, nil
	}
	return lock, nil
}

// AlarmLook is what one look for what is wrong came to.
type AlarmLook struct {
	// Elsewhere says that another process looks, as winback serve does: this one did
	// not.
	Elsewhere bool `json:"elsewhere"`
	// Open is what is wrong.
	Open []alarm.Incident `json:"open"`
	// Waits counts those of which nobody was told yet: Problem says why they could not
	// be delivered; without one, it is in the quiet hours.
	Waits   int    `json:"waits"`
	Problem string `json:"problem,omitempty"`
}

// oneLook bounds a look at the end of a run, with its deliveries.
const oneLook = time.Minute

// LookForAlarms looks once for what is wrong and tells those of the configuration, as
// winback serve does all the time: for projects that cron runs. The errors are those
// of opening the warehouse, which are told too, and of the look.
func (p *Project) LookForAlarms(ctx context.Context) (look AlarmLook, err error) {
	w, err := p.OpenWarehouse(ctx, warehouse.ForGlance)
	if err != nil {
		p.tellUnopened(ctx, err)
		return look, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return p.lookOnce(ctx, func() (driver.Conn, error) { return w, nil })
}

// lookOnce looks and tells, unless another process does.
func (p *Project) lookOnce(ctx context.Context, conn func() (driver.Conn, error)) (look AlarmLook, err error) {
	look.Open = []alarm.Incident{}
	lock, err := p.lockAlarms()
	if err != nil {
		return look, err
	}
	if lock == nil {
		look.Elsewhere = true
		return look, nil
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	w, err := p.watcher(conn, -1)
	if err != nil {
		return look, err
	}
	if err := w.Look(ctx); err != nil {
		return look, err
	}
	c, err := conn()
	if err != nil {
		return look, err
	}
	ctx, cancel := context.WithTimeout(ctx, oneLook)
	defer cancel()
	known, err := alarm.Incidents(ctx, c, false)
	for _, n := range known {
		if n.Open() {
			look.Open = append(look.Open, n)
		}
		if n.Open() && len(n.Told) == 0 {
			look.Waits++
		}
		look.Problem = cmp.Or(look.Problem, n.Problem)
	}
	return look, err
}

// tellUnopened tells that the warehouse could not be opened, where somebody wants to
// know. Another process that has it is nothing wrong.
func (p *Project) tellUnopened(ctx context.Context, problem error) {
	if !p.Config.Alarms.On() || ctx.Err() != nil || errors.As(problem, new(*warehouse.HeldError)) {
		return
	}
	_, err := p.lookOnce(ctx, func() (driver.Conn, error) { return nil, problem })
	if err != nil && !errors.Is(err, problem) {
		p.log.Warn("alarms could not be looked after", "error", err)
	}
}

// tellAlarms looks for what is wrong at the end of a run, where somebody wants to know
// and winback serve does not look.
func (r *run) tellAlarms(ctx context.Context) {
	if !r.Config.Alarms.On() || ctx.Err() != nil {
		return
	}
	look, err := r.lookOnce(ctx, func() (driver.Conn, error) { return r.warehouse, nil })
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.o.Observer.Note(fmt.Sprintf("what is wrong could not be looked for: %v", err))
	case look.Waits > 0 || look.Problem != "":
		r.o.Observer.Note(look.String())
	}
}

// String tells in a sentence what is wrong, and who knows; empty where nothing is.
func (l AlarmLook) String() string {
	switch {
	case len(l.Open) == 0 && l.Problem == "":
		return ""
	case l.Problem != "":
		return fmt.Sprintf("%s, and not everybody could be told (%s): the next look tries again; winback alarms test tries it now", things(len(l.Open)), l.Problem)
	case l.Waits > 0:
		return fmt.Sprintf("%s, and %d wait for the end of the quiet hours: the first look after them tells (winback run, winback alarms look or winback serve)", things(len(l.Open)), l.Waits)
	}
	return things(len(l.Open)) + ", and those of alarms.mail and alarms.webhook know"
}

func things(n int) string {
	switch n {
	case 0:
		return "nothing is wrong any more"
	case 1:
		return "1 thing is wrong (winback alarms list)"
	}
	return fmt.Sprintf("%d things are wrong (winback alarms list)", n)
}

// tellOfChecks notes what checks found outside of a run and tells of it, where
// somebody wants to know. It says so in the log where that fails: the checks are made
// all the same.
func (p *Project) tellOfChecks(ctx context.Context, w *warehouse.Warehouse, results []check.Result) {
	if !p.Config.Alarms.On() || ctx.Err() != nil {
		return
	}
	err := check.CreateTable(ctx, w)
	if err == nil {
		err = check.Record(ctx, w, "", results)
	}
	if err == nil {
		_, err = p.lookOnce(ctx, func() (driver.Conn, error) { return w, nil })
	}
	if err != nil {
		p.log.Warn("alarms could not be looked after", "error", err)
	}
}
