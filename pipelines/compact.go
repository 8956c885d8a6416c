package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"winback/connectors/spec"
	"winback/pipelines/landing"
	"winback/pipelines/load"
)

// CompactOptions say what of the landing zone is put together.
type CompactOptions struct {
	// Sources are the sources to compact; all that have landed something if empty.
	Sources []string
	// Whole takes large files in too, so that each key is kept once.
	Whole bool
	// Wait is how long to wait for a run that is under way.
	Wait time.Duration
	// Planned, if set, is told what is going to happen.
	Planned func([]landing.Compaction)
}

// UnknownSourceError says that nothing was landed of a source.
type UnknownSourceError struct{ Name, Hint string }

func (e *UnknownSourceError) Error() string {
	return fmt.Sprintf("the landing zone has nothing of a source %q%s", e.Name, e.Hint)
}

// PlanCompaction returns what Compact would do, and does nothing.
func (p *Project) PlanCompaction(o CompactOptions) ([]landing.Compaction, error) {
	sources, err := p.landedSources(o.Sources)
	if err != nil {
		return nil, err
	}
	var plans []landing.Compaction
	for _, source := range sources {
		found, err := p.Zone.PlanCompaction(source, p.compaction(o))
		if err != nil {
			return nil, err
		}
		plans = append(plans, found...)
	}
	return plans, nil
}

// Compact puts small files of the landing zone together. No run goes on meanwhile.
// The warehouse stays as it is: it is told which files hold rows that it has
// already. A source that fails stops no other; the errors are joined.
func (p *Project) Compact(ctx context.Context, o CompactOptions) (done []landing.Compaction, err error) {
	sources, err := p.landedSources(o.Sources)
	if err != nil {
		return nil, err
	}
	lock, err := p.lock(ctx, o.Wait)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.unlock()) }()
	r := p.newRun(RunOptions{Wait: o.Wait}, selection{})
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.warehouse.Close()) }()
	if _, err := p.Zone.Recover(ctx); err != nil {
		return nil, err
	}
	planned, err := p.PlanCompaction(o)
	if err != nil {
		return nil, err
	}
	if o.Planned != nil {
		o.Planned(planned)
	}
	var errs []error
	for _, source := range sources {
		compacted, err := r.compactSource(ctx, source, p.compaction(o))
		done, errs = append(done, compacted...), append(errs, err)
	}
	return done, errors.Join(errs...)
}

// landedSources returns the sources asked for, or all that the zone has.
func (p *Project) landedSources(wanted []string) ([]string, error) {
	landed, err := p.Zone.Sources()
	if err != nil || len(wanted) == 0 {
		return landed, err
	}
	for _, name := range wanted {
		if !slices.Contains(landed, name) {
			return nil, &UnknownSourceError{Name: name, Hint: spec.Hint(name, landed)}
		}
	}
	return wanted, nil
}

// compactedParts is how many full parts of a run the memory for a compacted one would
// hold. Runs write small ones, to take little memory; those that are full stay.
const compactedParts = 4

func (p *Project) compaction(o CompactOptions) landing.CompactOptions {
	part := int(p.Config.Landing.PartSize)
	return landing.CompactOptions{PartBytes: compactedParts * part, KeepBytes: int64(part / 8), Whole: o.Whole}
}

// compact puts together what has piled up, when a run is done with everything
// else. It can wait: what goes wrong with it is told and fails nothing.
func (r *run) compact(ctx context.Context) error {
	after := r.Config.Landing.CompactAfter
	if after == 0 || len(r.unloaded) > 0 {
		return nil
	}
	sources, err := r.Zone.Sources()
	if err != nil {
		return err
	}
	for _, source := range sources {
		options := r.compaction(CompactOptions{})
		options.AtLeast = after
		done, err := r.compactSource(ctx, source, options)
		for _, c := range done {
			r.o.Observer.Note(fmt.Sprintf("%s: put %d extractions together (%d files to %d), see winback compact",
				c.Name(), c.Manifests, c.Merged.Files, c.Written.Files))
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !errors.As(err, new(*landing.ManifestError)): // that one was told before
			r.problem("the small landing files of %s were not put together: %v", source, err)
		}
	}
	return nil
}

// compactSource compacts a source and tells the warehouse.
func (r *run) compactSource(ctx context.Context, source string, o landing.CompactOptions) ([]landing.Compaction, error) {
	planned, err := r.Zone.PlanCompaction(source, o)
	if err != nil || len(planned) == 0 {
		return nil, err
	}
	// What an earlier compaction put together is written down first, so that this
	// one builds on files that the books know.
	if err := r.adopt(ctx, source); err != nil {
		return nil, err
	}
	done, err := r.Zone.Compact(ctx, source, o)
	if len(done) > 0 {
		err = errors.Join(err, r.adopt(ctx, source))
	}
	return done, err
}

// adopt writes down which files of a source hold rows that are in the warehouse.
func (r *run) adopt(ctx context.Context, source string) error {
	loaded, err := r.ledger.Loaded(ctx)
	if err != nil {
		return err
	}
	var files []load.File
	for f, err := range r.filesOf(source, loaded) {
		if err != nil {
			return err
		}
		if len(f.Covers) > 0 {
			files = append(files, f)
		}
	}
	loader := load.Loader{Conn: r.warehouse, Book: r.ledger}
	return loader.Adopt(ctx, load.Compare(loaded, slices.Values(files)).Covered)
}
