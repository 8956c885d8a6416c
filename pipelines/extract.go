package pipelines

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"winback/connectors"
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
		if r.only.wants(s.Name) {
			group.Go(func() error { return r.extractSource(ctx, s) })
		}
	}
	err := group.Wait()
	r.tellUnasked()
	names := r.SourceNames()
	slices.SortStableFunc(r.summary.Datasets, func(a, b DatasetSummary) int {
		return cmp.Compare(slices.Index(names, a.Source), slices.Index(names, b.Source))
	})
	r.tellQuarantined()
	return err
}

// extractSource lands what is new in the datasets of a source. When one of them
// says that the source as a whole is down, the others are not tried. Its error is
// only that ctx ended.
func (r *run) extractSource(ctx context.Context, s Source) error {
	f := failures{run: r, source: s.Name}
	defer f.tell()
	datasets := r.asked(s)
	for i, d := range datasets {
		err := r.extractDataset(ctx, s, d, &f)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if connectors.OfWholeSource(err) {
			f.untried = len(datasets) - i - 1
			r.skip(s, datasets[i+1:])
			return nil
		}
	}
	return nil
}

// extractDataset lands what is new in one dataset and tells how it went, but for a
// failure, which is left to f.
func (r *run) extractDataset(ctx context.Context, s Source, d connectors.Dataset, f *failures) error {
	started := r.now()
	e := &extraction{run: r, source: s, dataset: d, summary: DatasetSummary{
		Source: s.Name, Dataset: d.Name, State: ledger.Done, Entities: []EntitySummary{},
	}}
	err := e.all(ctx)
	if err == nil {
		err = e.sweep(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e.summary.Duration = r.now().Sub(started)
	e.tell()
	if err != nil {
		f.add(&e.summary, err)
	}
	r.extracted(e.summary, started)
	return err
}

// extracted adds what became of a dataset to the summary and the books.
func (r *run) extracted(s DatasetSummary, started time.Time) {
	r.mu.Lock()
	r.summary.Datasets = append(r.summary.Datasets, s)
	for _, e := range s.Entities {
		r.extractions = append(r.extractions, ledger.Extraction{
			Source: s.Source, Dataset: s.Dataset, Entity: e.Entity, Read: e.Read, Expected: e.Expected, Landed: e.Landed, Unchanged: e.Unchanged,
			Duplicates: e.Duplicates, Quarantined: e.Quarantined, Ignored: e.Ignored, Deleted: e.Deleted,
			Slices: max(s.Slices, 1), Started: started,
		})
	}
	r.mu.Unlock()
	r.step(extractStep(s, started))
	r.o.Observer.Extracted(s)
}

// skip notes the datasets that were not tried, as their source is down.
func (r *run) skip(s Source, datasets []connectors.Dataset) {
	for _, d := range datasets {
		r.extracted(DatasetSummary{Source: s.Name, Dataset: d.Name, State: ledger.Skipped, Entities: []EntitySummary{}}, r.now())
	}
}

// tell says what a person should know of what was read.
func (e *extraction) tell() {
	d := &e.summary
	for _, n := range d.Notices {
		e.problem("%s: %s", d.Name(), n.Text)
	}
	for _, w := range e.words {
		e.tellUnknownWord(d.Name(), w)
	}
	for _, c := range d.Entities {
		if c.Read < c.Expected {
			e.problem("%s: the source counts %d records of %s and gave %d: %d are missing; read it again (winback run --full --only source:%s), and if they stay away, look what the account may see",
				d.Name(), c.Expected, c.Entity, c.Read, c.Expected-c.Read, d.Source)
		}
	}
}

// tellQuarantined says how many records did not fit and where they are.
func (r *run) tellQuarantined() {
	var total, emptied int64
	var parts, groups []string
	for _, d := range r.summary.Datasets {
		for _, runID := range d.aside {
			g := landing.QuarantineGroup{Source: d.Source, Dataset: d.Dataset, RunID: runID}
			groups = append(groups, g.ID())
		}
		for _, e := range d.Entities {
			emptied += e.Emptied
			if e.Quarantined > 0 {
				total += e.Quarantined
				parts = append(parts, fmt.Sprintf("%d of %d %s of %s", e.Quarantined, e.Read, e.Entity, d.Source))
			}
		}
	}
	look := "list"
	if len(groups) == 1 {
		look = "show " + groups[0]
	}
	if total > 0 {
		are := fmt.Sprintf("%d records are", total)
		if total == 1 {
			are = "1 record is"
		}
		r.problem("%s in quarantine (%s); each with its line and reason: winback quarantine %s", are, strings.Join(parts, ", "), look)
	}
	if emptied > 0 {
		r.problem("%d values could not be read and were left empty, as their fields are lenient: winback quarantine %s", emptied, look)
	}
}

// tellUnknownWord names an enumeration word that the contract does not know: it is
// kept, but no model counts it as anything.
func (r *run) tellUnknownWord(name string, w landing.WordCount) {
	r.problem("%s: %s.%s has the unknown word %q in %d rows; it is kept as it is (map it in the configuration if it means a known one)",
		name, w.Entity, w.Field, w.Word, w.Count)
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
