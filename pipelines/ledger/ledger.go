// Package ledger keeps the books of a project in the warehouse's ops database:
// which runs there were, what each step took, which landing files are loaded.
// The books describe; the landing zone's manifests decide. A warehouse that was
// thrown away loses its books and nothing else.
package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/books"
)

// State of a run or step.
type State string

// The states of runs and steps.
const (
	Running     State = "running"
	Done        State = "done"
	Partly      State = "partly"
	Failed      State = "failed"
	Skipped     State = "skipped"
	Interrupted State = "interrupted" // stopped by a signal, or killed before it could say so
)

// Ledger writes and reads the books.
type Ledger struct{ conn driver.Conn }

// Open returns the ledger of a warehouse and makes its tables where they are
// missing, and adds the columns that they lack.
func Open(ctx context.Context, conn driver.Conn) (*Ledger, error) {
	if err := dropOldQuarantine(ctx, conn); err != nil {
		return nil, err
	}
	for _, ddl := range tables {
		if err := conn.Exec(ctx, ddl); err != nil {
			return nil, fmt.Errorf("create the tables of ops: %w", err)
		}
	}
	if err := books.Complete(ctx, conn, additions...); err != nil {
		return nil, err
	}
	return &Ledger{conn: conn}, nil
}

// dropOldQuarantine drops ops.quarantine where it is a table, as it was once. Its
// rows are loaded again from the landing zone.
func dropOldQuarantine(ctx context.Context, conn driver.Conn) error {
	var tables uint64
	err := conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = 'ops' AND name = 'quarantine' AND engine != 'View'").Scan(&tables)
	if err == nil && tables > 0 {
		err = conn.Exec(ctx, "DROP TABLE ops.quarantine")
	}
	if err != nil {
		return fmt.Errorf("look at ops.quarantine: %w", err)
	}
	return nil
}

// Over returns the ledger of a warehouse for reading, as it is: no table is made.
func Over(conn driver.Conn) *Ledger { return &Ledger{conn: conn} }

// Run is one pass of a project.
type Run struct {
	ID         string
	Command    string
	AsOf       time.Time // the day the marts describe
	StartedAt  time.Time
	FinishedAt time.Time
	State      State
	Message    string
	// Job and Slot are those of the schedule that it is made for; empty where
	// somebody asked for it.
	Job  string
	Slot time.Time
}

// WriteRun writes a run as it stands; a later write of the same run replaces it.
func (l *Ledger) WriteRun(ctx context.Context, r Run) error {
	return l.insert(ctx, "runs", "run_id, command, as_of, started_at, finished_at, state, message, written_at, job, slot", [][]any{
		{r.ID, r.Command, r.AsOf.Format(time.DateOnly), books.Time(r.StartedAt), timeOrNull(r.FinishedAt), r.State, r.Message, books.Time(time.Now()), r.Job, timeOrNull(r.Slot)},
	})
}

// timeOrNull is a time as the books have it; the zero time is null.
func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return books.Time(t)
}

// closeRuns writes a newer version of the rows of runs that never told their end,
// but for one run. The condition stands apart: beside the new state it would be
// about that.
const closeRuns = `INSERT INTO ops.runs
	SELECT * REPLACE ('interrupted' AS state, 'the process ended before the run did' AS message, now64(6) AS written_at)
	FROM (SELECT * FROM ops.runs FINAL WHERE state = 'running' AND run_id != {run:String})`

// CloseInterrupted marks the runs that never told their end. Only the holder of
// the run lock may call it.
func (l *Ledger) CloseInterrupted(ctx context.Context) error {
	err := l.conn.Exec(ctx, closeRuns, clickhouse.Named("run", ""))
	if err != nil {
		return fmt.Errorf("mark interrupted runs in ops.runs: %w", err)
	}
	return nil
}

// CloseOtherRuns does the same in a warehouse in which this run is under way.
func (l *Ledger) CloseOtherRuns(ctx context.Context, runID string) error {
	err := l.conn.Exec(ctx, closeRuns, clickhouse.Named("run", runID))
	if err != nil {
		return fmt.Errorf("mark interrupted runs in ops.runs: %w", err)
	}
	return nil
}

// Step is one part of a run: the extraction of a dataset, the load of an
// entity, the build of a model.
type Step struct {
	Kind     string // extract, load, model, check
	Name     string
	State    State
	Rows     int64
	Bytes    int64
	Started  time.Time
	Duration time.Duration
	Message  string
	// Earlier are the errors of tries that failed for a reason that may pass, the first
	// one first; the step was tried once more than there are of them.
	Earlier []string
}

// WriteSteps writes the steps of a run.
func (l *Ledger) WriteSteps(ctx context.Context, runID string, steps []Step) error {
	rows := make([][]any, len(steps))
	for i, s := range steps {
		rows[i] = []any{runID, s.Kind, s.Name, s.State, s.Rows, s.Bytes, books.Time(s.Started), s.Duration.Milliseconds(), s.Message, len(s.Earlier) + 1, append([]string{}, s.Earlier...)}
	}
	return l.insert(ctx, "steps", "run_id, kind, name, state, rows, bytes, started_at, duration_ms, message, attempts, earlier", rows)
}

// Extraction is what a run read of one entity of a dataset.
type Extraction struct {
	Source, Dataset, Entity string

	Read, Expected, Landed, Unchanged, Duplicates, Quarantined, Ignored, Deleted int64

	Slices  int
	Started time.Time
}

// WriteExtractions writes what a run read.
func (l *Ledger) WriteExtractions(ctx context.Context, runID string, list []Extraction) error {
	rows := make([][]any, len(list))
	for i, e := range list {
		rows[i] = []any{
			runID, e.Source, e.Dataset, e.Entity, e.Read, e.Expected, e.Landed, e.Unchanged, e.Duplicates, e.Quarantined, e.Ignored, e.Deleted,
			int64(e.Slices), e.Started.UTC(),
		}
	}
	return l.insert(ctx, "extractions",
		"run_id, source, dataset, entity, read, expected, landed, unchanged, duplicates, quarantined, ignored, deleted, slices, started_at", rows)
}

// insert writes rows to a table of ops in one block, so all or none of them.
func (l *Ledger) insert(ctx context.Context, table, columns string, rows [][]any) error {
	objects := make([]map[string]any, len(rows))
	for i, row := range rows {
		objects[i] = map[string]any{}
		for n, name := range strings.Split(columns, ", ") {
			objects[i][name] = row[n]
		}
	}
	return books.Add(ctx, l.conn, "ops."+table, objects...)
}
