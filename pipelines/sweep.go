package pipelines

import (
	"context"
	"errors"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
	"winback/pipelines/retry"
)

// sweep compares the keys that were landed of a dataset with those that its source
// has now, where that is due, and marks as deleted what is there no more. A source
// whose list of keys cannot be had marks nothing; what was read stays.
func (e *extraction) sweep(ctx context.Context) error {
	sweeper, ok := e.source.Source.(connectors.Sweeper)
	if !ok || e.o.Range != nil {
		return nil
	}
	started := e.now()
	due, err := e.due(sweeper, started)
	if err == nil && len(due) == 0 {
		return nil
	}
	var deleted int64
	if err == nil {
		err = e.trying(ctx, stepName{"sweep", e.stepName()}, retry.OfSource, func() (err error) {
			deleted, err = e.compareKeys(ctx, sweeper, due)
			return err
		})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	step := ledger.Step{
		Kind: "sweep", Name: e.stepName(), State: ledger.Done, Rows: deleted, Started: started, Duration: e.now().Sub(started),
	}
	if err != nil {
		step.State, step.Message = ledger.Failed, err.Error()
		if !e.foundDiskFull(err) {
			e.problem("%s: the keys that the source has could not be compared with those that were landed, and nothing was marked as deleted: %v", e.summary.Name(), err)
		}
	}
	e.step(step)
	return nil
}

// due returns the entities of which the last comparison is older than it is good
// for. The first reading of all counts as one.
func (e *extraction) due(sweeper connectors.Sweeper, now time.Time) ([]*entity.Schema, error) {
	entities, every := sweeper.Sweeps(e.dataset.Name)
	if every <= 0 || len(entities) == 0 {
		return nil, nil
	}
	last, first, err := e.Zone.Swept(e.source.Name, e.dataset.Name)
	if err != nil || first.IsZero() {
		return nil, err
	}
	var due []*entity.Schema
	for _, s := range entities {
		at, swept := last[s.FullName()]
		if !swept {
			at = first
		}
		if now.Sub(at) >= every {
			due = append(due, s)
		}
	}
	return due, nil
}

// compareKeys compares the keys of entities and commits what came of it.
func (e *extraction) compareKeys(ctx context.Context, sweeper connectors.Sweeper, due []*entity.Schema) (deleted int64, err error) {
	info := landing.RunInfo{RunID: e.run.summary.RunID + ".sweep", Source: e.source.Name, ExtractedAt: e.now()}
	writer, err := e.Zone.BeginSweep(ctx, info, e.dataset, landing.Options{PartBytes: int(e.Config.Landing.PartSize), DropPayload: true})
	if err != nil {
		return 0, err
	}
	swept := 0
	for _, s := range due {
		result, err := e.compareEntity(ctx, sweeper, s, writer)
		if err != nil {
			return 0, errors.Join(err, writer.Abort())
		}
		if result != nil {
			writer.Swept(*result)
			swept++
			deleted += result.Deleted
		}
	}
	if swept == 0 {
		return 0, writer.Abort()
	}
	m, err := writer.Commit(ctx, nil)
	if err != nil {
		return 0, err
	}
	for _, s := range m.Swept {
		e.summary.addDeleted(s.Entity, s.Deleted)
	}
	return deleted, nil
}

// compareEntity writes the rows of an entity that the source has no more. It returns
// nil if they are too many to be believed.
func (e *extraction) compareEntity(ctx context.Context, sweeper connectors.Sweeper, s *entity.Schema, sink connectors.Sink) (*landing.Sweep, error) {
	at := e.now()
	keys, err := e.Zone.LandedKeys(ctx, e.source.Name, e.dataset.Name, s)
	if err != nil {
		return nil, err
	}
	if keys.Live() > 0 {
		if err := sweeper.Sweep(ctx, e.dataset.Name, s, keys.Has); err != nil {
			return nil, err
		}
	}
	missing := keys.Missing()
	if p, ok := sweeper.(connectors.Partial); !ok || !p.LeavesOut() {
		e.tellUnknownKeys(s, keys)
	}
	if limit := e.source.Deletions; missing >= int64(limit.From) && float64(missing) > float64(limit.Limit)/100*float64(keys.Live()) {
		e.problem("%s: the source has %d of the %d records of %s no more (%.0f %%), more than the limit of %v: none was marked as deleted; look whether the account may still see all of them, and if they are gone indeed, say deletions: {limit: 100%%} for source %s",
			e.summary.Name(), missing, keys.Live(), s.FullName(), 100*float64(missing)/float64(keys.Live()), limit.Limit, e.source.Name)
		return nil, nil
	}
	result := &landing.Sweep{Entity: s.FullName(), At: at, Keys: keys.Live(), Deleted: missing}
	return result, keys.WriteDeleted(ctx, sink)
}

// Keys that the source has and that were never landed are told from some number on:
// a few are always made between the reading and the comparing.
const (
	unknownKeysFrom  = 20
	unknownKeysShare = 0.01
)

func (e *extraction) tellUnknownKeys(s *entity.Schema, keys *landing.LandedKeys) {
	unknown := keys.Unknown()
	if unknown >= unknownKeysFrom && float64(unknown) > unknownKeysShare*float64(keys.Live()) {
		e.problem("%s: the source has %d records of %s that were never landed or count as deleted: winback run --full --only source:%s reads them",
			e.summary.Name(), unknown, s.FullName(), e.source.Name)
	}
}

// addDeleted counts records that the source has no more.
func (d *DatasetSummary) addDeleted(name string, n int64) {
	if n == 0 {
		return
	}
	for i := range d.Entities {
		if d.Entities[i].Entity == name {
			d.Entities[i].Deleted += n
			return
		}
	}
	d.Entities = append(d.Entities, EntitySummary{Entity: name, Deleted: n})
}
