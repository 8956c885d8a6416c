package pipelines

import (
	"context"
	"log/slog"
	"time"

	"winback/connectors"
	"winback/pipelines/progress"
)

// present is an observer that keeps what a run is doing at the moment, and tells the
// run's own observer everything.
type present struct {
	Observer
	record *progress.Recorder
}

// The kinds of activities beside progress.Stage.
const (
	doesExtract = "extract"
	doesModel   = "model"
)

func (p present) Extracting(source, dataset string, now connectors.Progress) {
	p.record.Update(doesExtract, DatasetSummary{Source: source, Dataset: dataset}.Name(), func(a *progress.Activity) {
		a.Rows, a.Bytes, a.Done, a.Of = now.Rows, now.Bytes, now.Bytes, now.TotalBytes
	})
	p.Observer.Extracting(source, dataset, now)
}

func (p present) Extracted(d DatasetSummary) {
	p.record.End(doesExtract, d.Name())
	p.Observer.Extracted(d)
}

func (p present) Loading(l LoadSummary) {
	p.record.Update(progress.Stage, "load", func(a *progress.Activity) { a.Of = l.Rows })
	p.Observer.Loading(l)
}

func (p present) Loaded(entity string, rows, bytes int64) {
	p.record.Update(progress.Stage, "load", func(a *progress.Activity) {
		a.Rows, a.Bytes, a.Done = a.Rows+rows, a.Bytes+bytes, a.Done+rows
	})
	p.Observer.Loaded(entity, rows, bytes)
}

func (p present) Building(models int) {
	p.record.Update(progress.Stage, "models", func(a *progress.Activity) { a.Done, a.Of = 0, int64(models) })
	p.Observer.Building(models)
}

func (p present) ModelStarted(name string) {
	p.record.Update(doesModel, name, nil)
	p.Observer.ModelStarted(name)
}

func (p present) ModelDone(m ModelResult) {
	p.record.End(doesModel, m.Name)
	p.record.Update(progress.Stage, "models", func(a *progress.Activity) { a.Done++ })
	p.Observer.ModelDone(m)
}

// Present is what a run of the project is doing at the moment; nil where it does not
// tell, as one that has ended.
func (p *Project) Present(run string) (*progress.Snapshot, error) { return progress.Of(p.Home, run) }

// presentEvery is how often those who look learn what a run is doing. Shorter runs tell
// nothing.
const presentEvery = time.Second

// tellPresent writes down what the run is doing until ctx ends. What cannot be written
// keeps nobody from running.
func (r *run) tellPresent(ctx context.Context) {
	tick := time.NewTicker(presentEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := r.present.record.Remove(); err != nil {
				r.log.Debug("what the run was doing stays written", slog.Any("error", err))
			}
			return
		case <-tick.C:
			if err := r.present.record.Write(); err != nil {
				r.log.Debug("what the run is doing is not told", slog.Any("error", err))
			}
		}
	}
}
