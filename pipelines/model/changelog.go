package model

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/books"
	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// The change log of a model tells the incremental models that follow it which of
// its rows changed. A step leads from one version of the model's rows to the next;
// it is written before the first reader can see a changed row. A step from the
// version in ops.models to one that is not there belongs to a build that was
// killed: its rows may or may not be in the table, so the next build takes its
// keys for touched, and tells of them.

// changesDDL is the table of the steps; the rows of a step are in the model's log.
const changesDDL = `create table if not exists ops.changes (
	model String comment 'Name of the model',
	since String comment 'Version of its rows that the step starts from',
	version String comment 'Version that the step leads to',
	whole Bool comment 'The whole table was built anew: the log does not tell what changed',
	rows UInt64 comment 'Rows of the log that belong to the step',
	run_id String comment 'Run that changed it',
	changed_at DateTime64(6, 'UTC') comment 'When it was written: before readers could see the change'
) engine = MergeTree order by (model, changed_at)
comment 'Which versions the rows of a model went through: what incremental models follow'`

// keptSteps is how many steps of a model are kept: a model that follows it and was
// not built for longer is built whole.
const keptSteps = 10

// step is one step of a change log.
type step struct {
	since, version string
	whole          bool
	rows           uint64
}

func (s *state) readSteps(ctx context.Context, conn driver.Conn) error {
	rows, err := conn.Query(ctx, "select model, since, version, whole, rows from ops.changes order by changed_at")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var st step
		if err := rows.Scan(&name, &st.since, &st.version, &st.whole, &st.rows); err != nil {
			return err
		}
		s.steps[name] = append(s.steps[name], st)
	}
	return rows.Err()
}

// chain returns the steps that lead from one version of a model to another; ok is
// false when the log does not tell them.
func (s *state) chain(model, from, to string) (steps []step, ok bool) {
	known := s.steps[model]
	for to != from {
		at := slices.IndexFunc(known, func(st step) bool { return st.version == to && !st.whole })
		if at < 0 || len(steps) > len(known) {
			return nil, false
		}
		steps = append(steps, known[at])
		to = known[at].since
	}
	return steps, true
}

// pending returns the steps of builds that were killed before they were recorded.
func (s *state) pending(model string) []step {
	var steps []step
	for _, st := range s.steps[model] {
		if b, known := s.builds[model]; known && st.since == b.version && st.version != b.version {
			steps = append(steps, st)
		}
	}
	return steps
}

// anyWhole says that one of the steps stands for a whole table.
func anyWhole(steps []step) bool {
	return slices.ContainsFunc(steps, func(st step) bool { return st.whole })
}

// logRelation is the table of the model's change log, beside intermediate models
// whatever the model's own database is: it is nothing to read for analysts.
func (m *Model) logRelation() string { return quote.Table(StagingDatabase, m.logName()) }

func (m *Model) logName() string { return m.Name + logSuffix }

const logSuffix = "__changes"

// Beside returns the name of the model that a table, named without its database, stands beside: it is the log of the
// model's changes, or what a killed build left. Whether there is such a model is not looked at.
func Beside(table string) (model string, ok bool) {
	for _, suffix := range append([]string{logSuffix}, asideSuffixes...) {
		if model, ok = strings.CutSuffix(table, suffix); ok {
			return model, true
		}
	}
	return "", false
}

// createLog returns the statement that makes the log.
func (m *Model) createLog() string {
	columns := []string{"\tlog_step LowCardinality(String)"}
	for _, name := range m.Changes {
		column, _ := m.Column(name)
		columns = append(columns, fmt.Sprintf("\t%s %s", quote.Name(name), column.Type))
	}
	return fmt.Sprintf("create table if not exists %s (\n%s\n) engine = MergeTree\npartition by log_step order by tuple()\ncomment %s",
		m.logRelation(), strings.Join(columns, ",\n"), quote.Literal("What changed in "+m.FullName()+" lately, for the models that follow it"))
}

// logged returns a query for the rows of steps in the model's log.
func (m *Model) logged(steps []step) string {
	versions := make([]string, len(steps))
	for i, st := range steps {
		versions[i] = quote.Literal(st.version)
	}
	condition := "false"
	if len(versions) > 0 {
		condition = "log_step in (" + strings.Join(versions, ", ") + ")"
	}
	return fmt.Sprintf("select distinct %s from %s where %s", quote.Names(m.Changes), m.logRelation(), condition)
}

// logIsWhole says whether the log still holds all rows of the steps.
func logIsWhole(ctx context.Context, conn driver.Conn, m *Model, steps []step) (bool, error) {
	var want, got uint64
	var versions []string
	for _, st := range steps {
		want, versions = want+st.rows, append(versions, quote.Literal(st.version))
	}
	if want == 0 {
		return true, nil
	}
	query := fmt.Sprintf("select count() from %s where log_step in (%s)", m.logRelation(), strings.Join(versions, ", "))
	err := conn.QueryRow(ctx, query).Scan(&got)
	if books.IsMissing(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the changes of %s: %w", m.FullName(), check.InWords(err))
	}
	return got == want, nil
}

// recordStep writes a step down. From now on a killed build is known as one.
func recordStep(ctx context.Context, conn driver.Conn, m *Model, st step, runID string) error {
	statement := fmt.Sprintf("insert into ops.changes values (%s, %s, %s, %t, %d, %s, %s)",
		quote.Literal(m.Name), quote.Literal(st.since), quote.Literal(st.version), st.whole, st.rows, quote.Literal(runID),
		quote.Literal(time.Now().UTC().Format("2006-01-02 15:04:05.000000")))
	if err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("record what changes in %s: %w", m.FullName(), check.InWords(err))
	}
	return nil
}

// outdated are the steps of a log that no model follows any more.
type outdated struct {
	model *Model
	steps []step
}

// outdated returns what no model follows any more: all steps before a whole build, the
// log of which goes at once, broken-off ones, and those beyond the kept number.
func (b *builder) outdated(ctx context.Context, made built, before []step) (outdated, error) {
	o := outdated{model: b.m}
	if b.last.version != "" && made.step.version == "" && made.version != b.last.version || made.step.whole {
		if o.steps = slices.Clone(before); made.step.whole {
			o.steps = append(o.steps, made.step)
		}
		if len(o.steps) == 0 {
			return o, nil
		}
		for i := range o.steps {
			o.steps[i].rows = 0 // they go with the table
		}
		return o, b.exec(ctx, "drop the log of changes", "drop table if exists "+b.m.logRelation()+" sync")
	}
	steps := append(slices.Clone(before), made.step)
	var kept []step
	for version := made.version; len(kept) < keptSteps; {
		at := slices.IndexFunc(steps, func(st step) bool { return st.version == version })
		if at < 0 {
			break
		}
		kept, version = append(kept, steps[at]), steps[at].since
	}
	for _, st := range before {
		if !slices.Contains(kept, st) {
			o.steps = append(o.steps, st)
		}
	}
	return o, nil
}

// forgottenAtOnce is how many steps one statement removes from ops.changes: each rewrites
// it, but one that fills more than a block of the disk, 4 KiB, could be cut when that is
// full, and the engine could not read it again.
const forgottenAtOnce = 50

// forget removes the outdated steps of all logs: their rows, and then their mention. What
// stays, as when the run is broken off, goes when its model is built again.
func (r *run) forget(ctx context.Context) {
	var mentions, statements []string
	for _, o := range r.outdated {
		for _, st := range o.steps {
			mentions = append(mentions, fmt.Sprintf("(%s, %s)", quote.Literal(o.model.Name), quote.Literal(st.version)))
			if st.rows > 0 {
				statements = append(statements, fmt.Sprintf("alter table %s drop partition %s", o.model.logRelation(), quote.Literal(st.version)))
			}
		}
	}
	for some := range slices.Chunk(mentions, forgottenAtOnce) {
		statements = append(statements, "delete from ops.changes where (model, version) in ("+strings.Join(some, ", ")+")")
	}
	for _, statement := range statements {
		if ctx.Err() != nil {
			return
		}
		if err := r.runner.conn.Exec(ctx, statement); err != nil && !books.IsMissing(err) {
			r.warn("ops.changes", fmt.Sprintf("remove old changes: %v", check.InWords(err)))
			return
		}
	}
}
