package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"winback/connectors"
	"winback/pipelines"
	"winback/pipelines/ledger"
)

// progress is an observer that can be closed.
type progress interface {
	pipelines.Observer
	Close()
}

// newProgress shows a run as bars on a terminal and as plain lines elsewhere.
func (a *app) newProgress(now func() time.Time) progress {
	switch {
	case a.quiet:
		return &lines{out: io.Discard, now: now}
	case a.onTerminal():
		return newBars(a.stderr)
	}
	return &lines{out: a.stderr, now: now}
}

// lines tells of a run in plain lines, one for each thing that has ended.
type lines struct {
	out io.Writer
	now func() time.Time
	mu  sync.Mutex // keeps lines of several goroutines apart
}

func (l *lines) print(format string, values ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "%s  %s\n", l.now().Format(time.TimeOnly), fmt.Sprintf(format, values...))
}

func (l *lines) Note(text string) { l.print("%s", text) }

func (l *lines) Extracting(string, string, connectors.Progress) {}

func (l *lines) Slice(d pipelines.DatasetSummary) {
	var rows int64
	for _, e := range d.Entities {
		rows += e.Landed
	}
	l.print("extract %s: %s rows so far, %s kept", d.Name(), count(rows), plural(d.Slices, "slice"))
}

func (l *lines) Extracted(d pipelines.DatasetSummary) {
	if d.State == ledger.Skipped {
		return // its source has failed, which was said
	}
	if d.Error != "" {
		l.print("extract %s failed: %s", d.Name(), d.Error)
		return
	}
	if len(d.Entities) == 0 {
		l.print("extract %s: nothing new", d.Name())
		return
	}
	for _, e := range d.Entities {
		l.print("extract %s: %s of %s%s%s", d.Name(), plural(e.Landed, "row"), e.Entity, ifAny(", %s unchanged", e.Unchanged), ifAny(", %s quarantined", e.Quarantined))
	}
}

func (l *lines) Loading(s pipelines.LoadSummary) {
	if s.Files > 0 {
		l.print("load %s rows in %s files", count(s.Rows), count(s.Files))
	}
}

func (l *lines) Loaded(string, int64, int64) {}

func (l *lines) Building(int) {}

func (l *lines) ModelStarted(string) {}

func (l *lines) ModelDone(m pipelines.ModelResult) {
	switch {
	case m.State == ledger.Failed:
		l.print("model %s failed: %s", m.Name, m.Message)
	case m.State == ledger.Skipped:
		l.print("model %s skipped: %s", m.Name, m.Message)
	case m.Built && m.Rows == nil:
		l.print("model %s: view", m.Name)
	case m.Built:
		l.print("model %s: %s rows in %s", m.Name, count(*m.Rows), seconds(m.Duration))
	}
}

func (l *lines) Close() {}

// bars shows a run on a terminal: a bar a dataset, one for the load, one for
// the models.
type bars struct {
	pool *mpb.Progress

	mu       sync.Mutex
	all      []*mpb.Bar
	datasets map[string]*datasetBar
	load     *mpb.Bar
	models   *mpb.Bar
	building string
}

type datasetBar struct {
	bar   *mpb.Bar
	rows  int64
	ended time.Time // zero while it goes on
}

func newBars(out io.Writer) *bars {
	return &bars{
		pool:     mpb.New(mpb.WithOutput(out), mpb.WithWidth(40), mpb.WithRefreshRate(150*time.Millisecond)),
		datasets: map[string]*datasetBar{},
	}
}

func (b *bars) Note(text string) { fmt.Fprintln(b.pool, text) }

func (b *bars) Extracting(source, dataset string, p connectors.Progress) {
	d := b.dataset(pipelines.DatasetSummary{Source: source, Dataset: dataset}.Name())
	b.mu.Lock()
	d.rows = p.Rows
	b.mu.Unlock()
	if p.TotalBytes > 0 {
		d.bar.SetTotal(p.TotalBytes, false)
	}
	d.bar.SetCurrent(p.Bytes)
}

func (b *bars) dataset(name string) *datasetBar {
	b.mu.Lock()
	d := b.datasets[name]
	b.mu.Unlock()
	if d != nil {
		return d
	}
	// The pool is never called with the lock held: it calls the decorators,
	// which take it. One goroutine extracts a dataset, so none makes it twice.
	d = &datasetBar{}
	started := time.Now()
	d.bar = b.pool.New(0, barStyle(),
		mpb.PrependDecorators(decor.Name("extract "+name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(
			decor.Any(func(decor.Statistics) string { return b.rowsAndRate(d, started) }, decor.WCSyncSpace),
			decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace),
			decor.Any(remaining(started), decor.WCSyncSpace),
		))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.datasets[name], b.all = d, append(b.all, d.bar)
	return d
}

func (b *bars) rowsAndRate(d *datasetBar, started time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ended := d.ended
	if ended.IsZero() {
		ended = time.Now()
	}
	rate := float64(d.rows) / max(ended.Sub(started).Seconds(), 0.001)
	return fmt.Sprintf("%s rows, %s/s", count(d.rows), count(int64(rate)))
}

// remaining says how long a bar still takes at its pace so far, or that it is
// done.
func remaining(started time.Time) func(decor.Statistics) string {
	return func(s decor.Statistics) string {
		switch {
		case s.Completed:
			return "done"
		case s.Current <= 0 || s.Total <= s.Current:
			return ""
		}
		left := time.Duration(float64(time.Since(started)) * float64(s.Total-s.Current) / float64(s.Current))
		return left.Round(time.Second).String() + " left"
	}
}

func (b *bars) Slice(pipelines.DatasetSummary) {}

func (b *bars) Extracted(s pipelines.DatasetSummary) {
	name := s.Name()
	b.mu.Lock()
	d := b.datasets[name]
	if d != nil {
		d.ended = time.Now()
	}
	b.mu.Unlock()
	if s.Error != "" {
		b.Note(fmt.Sprintf("extract %s failed: %s", name, s.Error))
		if d != nil {
			d.bar.Abort(false)
		}
		return
	}
	if d != nil {
		d.bar.SetTotal(-1, true)
	}
}

func (b *bars) Loading(s pipelines.LoadSummary) {
	if s.Files == 0 {
		return
	}
	bar := b.pool.New(s.Rows, barStyle(),
		mpb.PrependDecorators(decor.Name("load", decor.WCSyncSpaceR)),
		mpb.AppendDecorators(
			decor.Any(func(s decor.Statistics) string { return count(s.Current) + " rows" }, decor.WCSyncSpace),
			decor.Any(remaining(time.Now()), decor.WCSyncSpace),
		))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.load, b.all = bar, append(b.all, bar)
}

func (b *bars) Loaded(_ string, rows, _ int64) {
	b.mu.Lock()
	bar := b.load
	b.mu.Unlock()
	if bar != nil {
		bar.IncrInt64(rows)
	}
}

func (b *bars) Building(models int) {
	bar := b.pool.New(int64(models), barStyle(),
		mpb.PrependDecorators(decor.Name("models", decor.WCSyncSpaceR)),
		mpb.AppendDecorators(
			decor.CountersNoUnit("%d / %d", decor.WCSyncSpace),
			decor.Any(func(decor.Statistics) string { return b.current() }, decor.WCSyncSpace),
		))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.models, b.all = bar, append(b.all, bar)
}

func (b *bars) current() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.building
}

func (b *bars) ModelStarted(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.building = name
}

func (b *bars) ModelDone(m pipelines.ModelResult) {
	b.mu.Lock()
	bar := b.models
	b.mu.Unlock()
	bar.Increment()
	if m.State == ledger.Failed {
		b.Note(fmt.Sprintf("model %s failed: %s", m.Name, m.Message))
	}
}

// Close ends the bars where they stand, those too that another one took the place of:
// an erasure loads and builds before the rest of a run does.
func (b *bars) Close() {
	b.mu.Lock()
	all := b.all
	b.mu.Unlock()
	for _, bar := range all {
		if !bar.Completed() {
			bar.Abort(false)
		}
	}
	b.pool.Wait()
}

func barStyle() mpb.BarFillerBuilder {
	return mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─")
}
