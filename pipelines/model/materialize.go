package model

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/check"
)

// RedCheckError says that a model was built and thrown away again because its
// rows broke a check of severity error.
type RedCheckError struct {
	// Model is the table's full name.
	Model string
	// Results are the checks that blocked it.
	Results []check.Result
	// Kept is when the table that readers still see was built; zero when there
	// is none.
	Kept time.Time
	// Exists says that readers still see an earlier table.
	Exists bool
}

// Error names the checks and what readers see now.
func (e *RedCheckError) Error() string {
	texts := make([]string, len(e.Results))
	for i, r := range e.Results {
		texts[i] = strings.TrimPrefix(r.String(), r.Model+": ")
	}
	kept := "there is no earlier table"
	switch {
	case e.Exists && !e.Kept.IsZero():
		kept = "the table built at " + e.Kept.UTC().Format("2006-01-02 15:04:05") + " UTC stays"
	case e.Exists:
		kept = "the earlier table stays"
	}
	return fmt.Sprintf("%s not published: %s; %s", e.Model, strings.Join(texts, "; "), kept)
}

// builder makes one model's table or view.
type builder struct {
	conn     driver.Conn
	m        *Model
	settings map[string]string
	moment   check.Moment
	last     build // the last good build, for words about it
	exists   bool  // an earlier table or view is there
	// there says of another model that it is there, or comes with this run.
	there func(*Model) bool
	// leftovers are the names aside that a killed run left behind.
	leftovers map[string]bool
	warn      func(text string)
	log       *slog.Logger
	again     func(ctx context.Context, kind, name string, do func() error) error
	// beside has what goes on while other models are built.
	beside *sync.WaitGroup
	// seen says that readers, or those who follow the changes, may have seen something.
	seen bool

	// For models with a change log.
	project         *Project
	vars            Vars
	runID           string
	wholeAbove      float64
	wholeBelow      uint64
	beforePartition func(model, partition string) error
	// keyValues are how many values each column of the touched keys has.
	keyValues []uint64
}

// built is what a build gave.
type built struct {
	rows   *uint64 // nil for views
	checks []check.Result
	// version identifies the rows; unchanged says that they are the earlier ones.
	version   string
	unchanged bool
	// step is what the change log got, if anything.
	step step
	// keys were different in an incremental build; so many of all partitions were
	// replaced.
	keys                      uint64
	partitions, allPartitions int
}

// run builds the model aside, checks it, and swaps it in. Readers see the earlier
// table until the moment of the swap, and after any error.
func (b *builder) run(ctx context.Context, d decision) (result built, err error) {
	ctx = withSettings(ctx, b.settings, b.m.Settings)
	result.version = d.want.version
	if err := b.clearLeftovers(ctx); err != nil {
		return result, err
	}
	defer func() {
		if err != nil {
			b.drop(ctx, newSuffix)
		}
	}()
	if err := b.create(ctx, d); err != nil {
		return result, err
	}
	target := b.project.checkTarget(b.m, b.there)
	target.Built = b.m.aside(newSuffix)
	if b.m.Materialized != View {
		result.rows = new(uint64)
		target.Rows = result.rows
	}
	if result.checks, err = b.runChecks(ctx, target); err != nil {
		return result, err
	}
	if len(b.m.Key) > 0 {
		if err := b.tellChanges(ctx, d, &result); err != nil || result.unchanged {
			b.drop(ctx, newSuffix)
			return result, err
		}
	}
	return result, b.publish(ctx)
}

// tellChanges writes down, before a whole new table is swapped in, what changes
// with it: for a table, and a small incremental model, as long as it is not too
// much, for a large one that everything may.
func (b *builder) tellChanges(ctx context.Context, d decision, result *built) error {
	result.version = digest(d.want.fingerprint, b.last.version, b.runID)
	if !b.exists || b.last.version == "" {
		return nil
	}
	compared := b.m.Materialized == Table || *result.rows < b.wholeBelow
	if compared && b.last.definition == d.want.definition && !anyWhole(d.pending) {
		defer b.drop(ctx, differSuffix)
		differ, err := b.compare(ctx, b.m.Relation(), "true", newSuffix)
		if err != nil {
			return err
		}
		if differ.keys == 0 && len(d.pending) == 0 {
			result.unchanged, result.version = true, b.last.version
			return nil
		}
		complete, err := logIsWhole(ctx, b.conn, b.m, d.pending)
		if err != nil {
			return err
		}
		if complete && float64(differ.keys) <= b.wholeAbove*float64(*result.rows) {
			result.step, err = b.announce(ctx, d)
			return err
		}
	}
	b.seen = true
	result.step = step{since: b.last.version, version: result.version, whole: true}
	return recordStep(ctx, b.conn, b.m, result.step, b.runID)
}

// clearLeftovers removes what a killed run left behind. After a swap by rename
// was cut short the earlier table is under its other name, and comes back first.
func (b *builder) clearLeftovers(ctx context.Context) error {
	if !b.exists && b.leftovers[oldSuffix] {
		err := b.exec(ctx, "bring back the earlier table", fmt.Sprintf("rename table %s to %s", b.m.aside(oldSuffix), b.m.Relation()))
		if err != nil {
			return err
		}
		b.exists = true
		delete(b.leftovers, oldSuffix)
	}
	for suffix := range b.leftovers {
		err := b.exec(ctx, "drop what a killed run left behind", "drop table if exists "+b.m.aside(suffix)+" sync")
		if err != nil {
			return err
		}
	}
	return nil
}

// create makes the new table or view aside, with its rows.
func (b *builder) create(ctx context.Context, d decision) error {
	name := b.m.aside(newSuffix)
	if b.m.Materialized == View {
		if !d.sameShape {
			if err := b.m.verifyColumns(ctx, b.conn, d.sql); err != nil {
				return err
			}
		}
		return b.exec(ctx, "create the view", b.m.createView(name, d.sql))
	}
	if b.m.Materialized != Seed {
		return b.createVerified(ctx, name, d.sql)
	}
	query, err := b.m.seedQuery()
	if err != nil {
		return err
	}
	if err := b.exec(ctx, "create the table", b.m.createTable(name)); err != nil {
		return err
	}
	return b.exec(ctx, "fill the table", b.m.insertRows(name, query))
}

// createVerified makes the table and fills it from the query. When that fails it
// says what is wrong with the columns, if that is the reason.
func (b *builder) createVerified(ctx context.Context, name, sql string) error {
	const filling = "fill the table"
	if b.m.computation != nil {
		return b.createComputed(ctx, name, sql)
	}
	failed := b.exec(ctx, "create the table", b.m.createTable(name))
	if failed == nil {
		failed = b.exec(ctx, filling, b.m.insertVerified(name, sql))
	}
	if failed == nil || ctx.Err() != nil {
		return failed
	}
	if err := b.m.verifyColumns(ctx, b.conn, sql); err != nil {
		return err
	}
	if isUnverified(failed) { // the types are the same, only written in another way
		return b.exec(ctx, filling, b.m.insertRows(name, sql))
	}
	return failed
}

func (b *builder) exec(ctx context.Context, what, statement string) error {
	if err := b.conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %s: %w", b.m.Path, what, check.InWords(err))
	}
	return nil
}

// runChecks runs the model's checks on what is to be published. A red one of
// severity error is a RedCheckError.
func (b *builder) runChecks(ctx context.Context, targets ...check.Target) ([]check.Result, error) {
	if b.exists {
		for _, target := range targets {
			compareRows(target.Checks, b.last, b.moment.AsOf)
		}
	}
	results, err := check.Run(ctx, b.conn, targets, check.Options{Moment: b.moment, Settings: b.settings, Again: b.askAgain})
	if err != nil {
		return results, err
	}
	var red []check.Result
	for _, r := range results {
		if r.Blocking() {
			red = append(red, r)
		}
	}
	if len(red) > 0 {
		return results, &RedCheckError{Model: b.m.FullName(), Results: red, Kept: b.last.builtAt, Exists: b.exists}
	}
	return results, nil
}

// askAgain has the questions of checks asked again where they cannot be answered.
func (b *builder) askAgain(ctx context.Context, _ string, ask func() error) error {
	return b.again(ctx, "model", b.m.Name, ask)
}

// publish puts the new table in the place of the earlier one.
func (b *builder) publish(ctx context.Context) error {
	b.seen = true
	if !b.exists {
		return b.exec(ctx, "publish", fmt.Sprintf("rename table %s to %s", b.m.aside(newSuffix), b.m.Relation()))
	}
	err := b.conn.Exec(ctx, fmt.Sprintf("exchange tables %s and %s", b.m.aside(newSuffix), b.m.Relation()))
	switch {
	case err == nil:
		b.dropReplaced(ctx, newSuffix)
		return nil
	case cannotExchange(err):
		b.warn("this warehouse cannot exchange tables; " + b.m.FullName() + " was swapped by renaming, and readers may have missed it for a moment")
		return b.publishByRename(ctx)
	default:
		return fmt.Errorf("%s: publish: %w", b.m.Path, check.InWords(err))
	}
}

// publishByRename swaps in two steps of one statement. Where the database is not
// atomic a reader, or a crash, can fall between them; clearLeftovers mends that.
func (b *builder) publishByRename(ctx context.Context) error {
	err := b.exec(ctx, "publish", fmt.Sprintf("rename table %s to %s, %s to %s",
		b.m.Relation(), b.m.aside(oldSuffix), b.m.aside(newSuffix), b.m.Relation()))
	if err == nil {
		b.dropReplaced(ctx, oldSuffix)
	}
	return err
}

// dropReplaced removes the table that another took the place of, beside the run: the
// engine keeps whoever drops a table waiting until the last query that reads it has
// ended, which may be an analyst's of minutes. What stays is removed by the next build.
func (b *builder) dropReplaced(ctx context.Context, suffix string) {
	b.beside.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := b.conn.Exec(ctx, "drop table if exists "+b.m.aside(suffix)+" sync"); err != nil {
			b.log.Debug("the table that was replaced is dropped later", "model", b.m.Name, "error", err)
		}
	})
}

// drop removes a table aside, also when the run was interrupted. A table that
// stays is removed by the next build.
func (b *builder) drop(ctx context.Context, suffix string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := b.conn.Exec(ctx, "drop table if exists "+b.m.aside(suffix)+" sync"); err != nil {
		b.warn(fmt.Sprintf("%s%s could not be dropped; the next build will: %v", b.m.FullName(), suffix, err))
	}
}

// cannotExchange says that the database engine or the file system under it has no
// exchange of tables.
func cannotExchange(err error) bool {
	const notImplemented, unsupportedMethod = 48, 1
	exception, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && (exception.Code == notImplemented || exception.Code == unsupportedMethod)
}
