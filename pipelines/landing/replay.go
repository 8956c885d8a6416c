package landing

import (
	"context"
	"fmt"
	"sync"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
)

// ReplayInfo says what a replay is of.
type ReplayInfo struct {
	RunInfo
	// Of is the run that put the records aside.
	Of string
	// Version is what the rows carry as their extraction time.
	Version time.Time
}

// BeginReplay starts to write what records that were put aside have become. What
// still does not fit is not put aside again: the function returned gives it when
// the writer calls the list of SettleBy. Ends and errors are those of Begin.
func (z *Zone) BeginReplay(ctx context.Context, info ReplayInfo, dataset connectors.Dataset, options Options) (*Writer, func() []connectors.Reject, error) {
	options.RejectLimit = entity.Some(1.0)
	w, err := z.Begin(ctx, info.RunInfo, dataset, options)
	if err != nil {
		return nil, nil, fmt.Errorf("replay %s: %w", info.Of, err)
	}
	w.manifest.Replays = info.Of
	w.fixed.extractedAt = entity.TimeOf(info.Version)
	var (
		mu     sync.Mutex
		caught []connectors.Reject
	)
	for _, q := range w.quarantines() {
		q.catch = func(r connectors.Reject) {
			mu.Lock()
			defer mu.Unlock()
			caught = append(caught, r)
		}
	}
	return w, func() []connectors.Reject {
		mu.Lock()
		defer mu.Unlock()
		return caught
	}, nil
}

// Settle writes down what became of records without any rows, as when they are
// discarded. Errors are those of Begin and Commit.
func (z *Zone) Settle(ctx context.Context, run RunInfo, dataset string, list []Settlement) error {
	w, err := z.Begin(ctx, run, connectors.Dataset{Name: dataset}, Options{})
	if err != nil {
		return err
	}
	w.SettleBy(func() []Settlement { return list })
	_, err = w.Commit(ctx, nil)
	return err
}
