package pipelines

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"winback/pipelines/ledger"
)

// booksEvery is how often what a run did is written to the books while it goes on:
// so much of the story is lost when it is killed.
const booksEvery = 3 * time.Second

// written says how much of a run's steps and extractions the books have.
type written struct {
	sync.Mutex
	steps, extractions int
}

// keepBooks writes to the books while the run goes on, so that those who look see
// how far it is, and what it did if it is killed. What it returns ends that.
func (r *run) keepBooks(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { r.tellPresent(ctx) })
	ended.Go(func() {
		tick := time.NewTicker(booksEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.noteSteps(ctx)
			}
		}
	})
	return sync.OnceFunc(func() { cancel(); ended.Wait() })
}

// noteSteps writes what is not in the books yet. What cannot be written now is
// written at the end, and only then its failure is one of the run.
func (r *run) noteSteps(ctx context.Context) {
	if err := r.writeBooks(ctx); err != nil && r.log != nil {
		r.log.Debug("the steps of the run are written down later", slog.Any("error", err))
	}
}

// writeBooks writes the steps and extractions that the books lack.
func (r *run) writeBooks(ctx context.Context) error {
	r.books.Lock()
	defer r.books.Unlock()
	r.mu.Lock()
	steps, extractions := r.steps[r.books.steps:], r.extractions[r.books.extractions:]
	r.mu.Unlock()
	var errs []error
	if len(steps) > 0 {
		err := r.ledger.WriteSteps(ctx, r.summary.RunID, steps)
		if err == nil {
			r.books.steps += len(steps)
		}
		errs = append(errs, err)
	}
	if len(extractions) > 0 {
		err := r.ledger.WriteExtractions(ctx, r.summary.RunID, extractions)
		if err == nil {
			r.books.extractions += len(extractions)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// pruneHistory takes out of the books what is older than the configuration wants
// kept.
func (r *run) pruneHistory(ctx context.Context) error {
	keep := r.Config.History.KeepDays
	if keep == 0 || ctx.Err() != nil || r.diskFull != nil {
		return ctx.Err()
	}
	started := r.now()
	err := r.ledger.Prune(ctx, started.AddDate(0, 0, -keep))
	if err != nil && ctx.Err() == nil {
		r.step(ledger.Step{Kind: "history", Name: "prune", State: ledger.Failed, Started: started, Duration: r.now().Sub(started), Message: err.Error()})
		r.problem("the history of runs was not made shorter: %v", err)
		return nil
	}
	return err
}
