package pipelines

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
)

// parallelSources bounds how many sources are extracted at once: each holds
// parts in memory.
const parallelSources = 2

// extract reads what is new in every selected source. Sources go side by side,
// the datasets of one after another.
func (r *run) extract(ctx context.Context) error {
	if err := os.MkdirAll(r.Zone.Root(), 0o750); err != nil { // what others may not read
		return fmt.Errorf("make the landing zone: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelSources)
	for _, s := range r.Sources {
		if !r.only.wants(s.Name) {
			continue
		}
		group.Go(func() error {
			for _, d := range s.Datasets() {
				if err := r.extractDataset(ctx, s, d); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	names := r.SourceNames()
	slices.SortStableFunc(r.summary.Datasets, func(a, b DatasetSummary) int {
		return cmp.Compare(slices.Index(names, a.Source), slices.Index(names, b.Source))
	})
	r.tellQuarantined()
	return err
}

// extractDataset lands what is new in one dataset and tells how it went. Its
// error is only that ctx ended; everything else is the dataset's own failure.
func (r *run) extractDataset(ctx context.Context, s Source, d connectors.Dataset) error {
	started := r.now()
	var notices []connectors.Notice
	manifest, err := r.land(ctx, s, d, func(n connectors.Notice) { notices = append(notices, n) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	summary := DatasetSummary{
		Source: s.Name, Dataset: d.Name, State: ledger.Done, Entities: []EntitySummary{}, Notices: notices, Duration: r.now().Sub(started),
	}
	for _, n := range notices {
		r.problem("%s: %s", summary.Name(), n.Text)
	}
	if manifest != nil && !onlyCursor(manifest) {
		summary.Entities = entitySummaries(manifest)
		r.tellUnknownWords(s.Name, manifest)
	}
	if err != nil {
		// Many errors name the dataset first, as this message does already.
		summary.State, summary.Error = ledger.Failed, strings.TrimPrefix(err.Error(), d.Name+": ")
		if !r.foundDiskFull(err) {
			r.problem("FAILED %s: %s", summary.Name(), summary.Error)
		}
	}
	r.mu.Lock()
	r.summary.Datasets = append(r.summary.Datasets, summary)
	r.mu.Unlock()
	r.step(extractStep(summary, started))
	r.o.Observer.Extracted(summary)
	return nil
}

// land writes what is new in a dataset to the landing zone. A nil manifest says
// that nothing was new.
func (r *run) land(ctx context.Context, s Source, d connectors.Dataset, notice func(connectors.Notice)) (*landing.Manifest, error) {
	cursors, err := r.cursors(s.Name, d.Name)
	if err != nil {
		return nil, err
	}
	info := landing.RunInfo{RunID: r.summary.RunID, Source: s.Name, ExtractedAt: r.started}
	writer, err := r.Zone.Begin(ctx, info, d, landing.Options{
		PartBytes: int(r.Config.Landing.PartSize), RejectLimit: entity.Some(s.QuarantineLimit), RejectFrom: int64(s.QuarantineFrom),
	})
	if err != nil {
		return nil, err
	}
	got, err := s.Extract(ctx, connectors.Request{
		Dataset: d.Name, Cursors: cursors,
		Progress: func(p connectors.Progress) { r.o.Observer.Extracting(s.Name, d.Name, p) }, Notice: notice,
	}, writer)
	if err != nil || got.Cursor == nil {
		return nil, errors.Join(err, writer.Abort())
	}
	again, err := r.readAgain(ctx, s, d.Name, got.Cursor)
	if err != nil {
		return nil, errors.Join(err, writer.Abort())
	}
	writer.SettleBy(func() []landing.Settlement { return again })
	return writer.Commit(ctx, got.Cursor)
}

// cursors are what the source left at earlier runs; none when everything is to
// be read again.
func (r *run) cursors(source, dataset string) ([]json.RawMessage, error) {
	if r.o.Full {
		return nil, nil
	}
	return r.Zone.Cursors(source, dataset)
}

// onlyCursor says that a commit holds no records, only what the source wants to
// remember.
func onlyCursor(m *landing.Manifest) bool {
	for _, c := range m.Entities {
		if c.Read > 0 {
			return false
		}
	}
	return len(m.Files)+len(m.Quarantine) == 0
}

func entitySummaries(m *landing.Manifest) []EntitySummary {
	list := make([]EntitySummary, len(m.Entities))
	for i, c := range m.Entities {
		list[i] = EntitySummary{
			Entity: c.Entity, Read: c.Read, Landed: c.Landed,
			Duplicates: c.Duplicates, Quarantined: c.Quarantined, Ignored: c.Ignored, Emptied: c.Emptied,
		}
		for _, f := range m.Files {
			if f.Entity == c.Entity {
				list[i].Bytes += f.Bytes
			}
		}
	}
	return list
}

// tellQuarantined says how many records did not fit and where they are.
func (r *run) tellQuarantined() {
	var total, emptied int64
	var parts []string
	look, groups := "list", 0
	for _, d := range r.summary.Datasets {
		if slices.ContainsFunc(d.Entities, func(e EntitySummary) bool { return e.Quarantined+e.Emptied > 0 }) {
			g := landing.QuarantineGroup{Source: d.Source, Dataset: d.Dataset, RunID: r.summary.RunID}
			look, groups = "show "+g.ID(), groups+1
		}
		for _, e := range d.Entities {
			emptied += e.Emptied
			if e.Quarantined > 0 {
				total += e.Quarantined
				parts = append(parts, fmt.Sprintf("%d of %d %s of %s", e.Quarantined, e.Read, e.Entity, d.Source))
			}
		}
	}
	if groups > 1 {
		look = "list"
	}
	if total > 0 {
		r.problem("%d records are in quarantine (%s); each with its line and reason: winback quarantine %s", total, strings.Join(parts, ", "), look)
	}
	if emptied > 0 {
		r.problem("%d values could not be read and were left empty, as their fields are lenient: winback quarantine %s", emptied, look)
	}
}

// tellUnknownWords names enumeration words that the contract does not know: they
// are kept, but no model counts them as anything.
func (r *run) tellUnknownWords(source string, m *landing.Manifest) {
	for _, w := range m.UnknownWords {
		r.problem("%s: %s.%s has the unknown word %q in %d rows; it is kept as it is (map it in the configuration if it means a known one)",
			datasetName(source, m.Dataset), w.Entity, w.Field, w.Word, w.Count)
	}
}

func extractStep(s DatasetSummary, started time.Time) ledger.Step {
	step := ledger.Step{
		Kind: "extract", Name: fmt.Sprintf("%s.%s", s.Source, s.Dataset), State: s.State,
		Started: started, Duration: s.Duration, Message: s.message(),
	}
	for _, e := range s.Entities {
		step.Rows += e.Landed
		step.Bytes += e.Bytes
	}
	return step
}
