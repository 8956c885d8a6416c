package model

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// build builds a model and records it.
func (r *run) build(ctx context.Context, d decision, result *Result) {
	began := r.runner.options.Now()
	m := result.Model
	b := &builder{
		conn: r.runner.conn, m: m, settings: r.settingsOf(m), moment: r.runner.options.Vars.moment(),
		last: r.planner.state.builds[m.Name], warn: func(text string) { r.warn(m.Name, text) },
		log:       r.runner.options.Logger,
		exists:    r.planner.state.relations[m.FullName()],
		there:     func(other *Model) bool { return r.planner.selected[other.Name] || r.planner.state.holds(other) },
		leftovers: r.planner.state.leftovers(m),
		project:   r.runner.project, vars: r.runner.options.Vars, runID: r.runner.options.RunID,
		wholeAbove: r.runner.options.WholeAbove, wholeBelow: r.runner.options.WholeBelow, beforePartition: r.runner.options.beforePartition,
		again: r.runner.options.Again, beside: &r.beside,
	}
	built, err := b.makeAgain(ctx, &d, result)
	now := r.runner.options.Now()
	result.Rows, result.Checks, result.Duration = built.rows, built.checks, now.Sub(began)
	result.version, result.step = built.version, built.step
	if err == nil {
		d.want.rows, d.want.duration, d.want.builtAt = built.rows, result.Duration, now.UTC().Truncate(time.Microsecond)
		d.want.version = built.version
		err = b.again(ctx, "model", m.Name, func() error {
			return recordBuild(ctx, r.runner.conn, m, d.want, r.runner.options.RunID, r.runner.options.Vars.AsOf)
		})
	}
	if err == nil && m.Reported != nil {
		d.want.asOf = r.runner.options.Vars.AsOf
		r.report(ctx, m, d)
	}
	if err == nil && len(m.Key) > 0 {
		var cleanErr error
		if result.outdated, cleanErr = b.outdated(ctx, built, d.steps); cleanErr != nil {
			r.warn(m.Name, cleanErr.Error())
		}
	}
	result.Kind, result.Err = Built, err
	switch {
	case err != nil:
		result.Kind = Failed
	case built.unchanged:
		result.Kind = Unchanged
		result.Reason += ", which changes nothing in it"
	}
}

// report notes what the model tells people, and says so when it told something else
// before. The table is good either way.
func (r *run) report(ctx context.Context, m *Model, d decision) {
	c, err := r.causes(ctx, m, d)
	if err != nil {
		r.warn(m.Name, err.Error())
	}
	restated, err := m.report(ctx, r.runner.conn, d.want, r.runner.options.RunID, d.reason, c)
	if err == nil {
		err = r.noteTold(ctx, m, c)
	}
	if err != nil {
		r.warn(m.Name, err.Error())
	}
	if restated == 0 {
		return
	}
	text := fmt.Sprintf("%s restates %s of complete periods", m.FullName(), counted(int64(restated), "figure"))
	examples, err := r.examples(ctx, m)
	if err != nil {
		r.warn(m.Name, err.Error())
	}
	if len(examples) > 0 {
		text += ": " + strings.Join(examples, "; ")
	}
	r.warn(m.Name, text+"; ops.restated tells what they were")
}

// makeAgain builds the model, and builds it again from the beginning as long as that
// fails, the runner's options want it, and readers have seen nothing of it.
func (b *builder) makeAgain(ctx context.Context, d *decision, result *Result) (made built, err error) {
	reason, tries := result.Reason, 0
	err = b.again(ctx, "model", b.m.Name, func() (err error) {
		if tries++; tries > 1 { // of what the try before made aside, some may be there
			result.Reason = reason
			for _, suffix := range []string{newSuffix, touchedSuffix, freshSuffix, differSuffix} {
				b.leftovers[suffix] = true
			}
		}
		if made, err = b.make(ctx, d, result); err != nil && b.seen {
			return &seenError{err}
		}
		return err
	})
	return made, err
}

// seenError says that a build failed after it had begun to change what readers see, or
// had told that it will: the next run finds out how far it came and mends it.
type seenError struct{ err error }

func (e *seenError) Error() string { return e.err.Error() }

func (e *seenError) Unwrap() error { return e.err }

// Passing is false: to do the same again is not enough.
func (e *seenError) Passing() bool { return false }

// make builds the model, only what is touched where that is enough, and says in
// the result which way it went.
func (b *builder) make(ctx context.Context, d *decision, result *Result) (built, error) {
	if d.increment == nil {
		return b.run(ctx, *d)
	}
	made, whole, err := b.increment(ctx, *d)
	if whole != "" && err == nil {
		result.Reason += "; built whole: " + whole
		return b.run(ctx, *d)
	}
	result.Incremental, result.Keys = true, made.keys
	if result.Partitions, result.AllPartitions = made.partitions, made.allPartitions; made.partitions > 0 {
		cause := newRows(d.arrivals)
		if cause == "" {
			cause = counted(int64(made.keys), "changed key")
		}
		result.Reason += fmt.Sprintf(": %d of %d partitions touched by %s", made.partitions, made.allPartitions, cause)
	}
	return made, err
}
