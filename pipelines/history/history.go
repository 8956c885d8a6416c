// Package history reads the warehouse's books for people: which runs there were and
// their stories, of when the data are, what the checks find, what was put aside.
// Books that are not there yet, as before the first run, are empty.
package history

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/books"
)

// Books are those of a warehouse.
type Books struct{ conn driver.Conn }

// Of returns the books of a warehouse.
func Of(conn driver.Conn) Books { return Books{conn} }

// Run is one pass of a project, as a line of a list.
type Run struct {
	ID         string     `ch:"run_id" json:"run_id"`
	Command    string     `ch:"command" json:"command"`
	AsOf       string     `ch:"as_of_day" json:"as_of"`
	State      string     `ch:"state" json:"state"`
	Job        string     `ch:"job" json:"job,omitempty"`
	Slot       *time.Time `ch:"slot" json:"slot,omitempty"`
	StartedAt  time.Time  `ch:"started_at" json:"started_at"`
	FinishedAt *time.Time `ch:"finished_at" json:"finished_at,omitempty"`
	Message    string     `ch:"message" json:"message,omitempty"`
	// Steps it did, those of them that failed, and the rows and bytes that it loaded.
	Steps       uint64 `ch:"steps" json:"steps"`
	FailedSteps uint64 `ch:"failed_steps" json:"failed_steps"`
	Rows        int64  `ch:"loaded_rows" json:"rows"`
	Bytes       int64  `ch:"loaded_bytes" json:"bytes"`
}

// Duration is how long the run took, or zero while it is not known.
func (r *Run) Duration() time.Duration {
	if r.FinishedAt == nil {
		return 0
	}
	return r.FinishedAt.Sub(r.StartedAt)
}

// Filter narrows a list of runs; empty fields stand for all.
type Filter struct {
	State, Job string
	// Prefix is how their ids begin.
	Prefix string
	// Last is how many at most, the newest first; 0 for 20.
	Last int
}

// pickRuns chooses the runs of a list.
const pickRuns = `({state:String} = '' OR state = {state:String}) AND ({job:String} = '' OR job = {job:String}) AND startsWith(run_id, {prefix:String})
    ORDER BY started_at DESC, run_id DESC LIMIT {last:UInt32}`

// runsSQL lists runs; it is completed by what chooses them.
const runsSQL = `
WITH picked AS (
    SELECT * FROM ops.runs FINAL
    WHERE %s
),
done AS (
    SELECT run_id, count() AS steps, countIf(state = 'failed') AS failed_steps, sumIf(rows, kind = 'load') AS loaded_rows, sumIf(bytes, kind = 'load') AS loaded_bytes
    FROM ops.steps WHERE run_id IN (SELECT run_id FROM picked) GROUP BY run_id
)
SELECT picked.run_id AS run_id, command, toString(as_of) AS as_of_day, state, job, slot, started_at, finished_at, message, steps, failed_steps, loaded_rows, loaded_bytes
FROM picked LEFT JOIN done ON done.run_id = picked.run_id
ORDER BY started_at DESC, run_id DESC`

// Runs lists runs, the newest first.
func (b Books) Runs(ctx context.Context, f Filter) ([]Run, error) {
	return read[Run](ctx, b, "the runs", fmt.Sprintf(runsSQL, pickRuns),
		clickhouse.Named("state", f.State), clickhouse.Named("job", f.Job), clickhouse.Named("prefix", f.Prefix), clickhouse.Named("last", cmp.Or(f.Last, 20)))
}

// Usual is how long runs like this one took of late, the half of the last five that
// got done; zero where there was none.
func (b Books) Usual(ctx context.Context, r Run) (time.Duration, error) {
	type took struct {
		Seconds float64 `ch:"seconds"`
	}
	list, err := read[took](ctx, b, "how long runs take", `SELECT ifNotFinite(quantileExact(0.5)(seconds), 0) AS seconds FROM (
		SELECT dateDiff('ms', started_at, assumeNotNull(finished_at)) / 1000 AS seconds FROM ops.runs FINAL
		WHERE state = 'done' AND finished_at IS NOT NULL AND command = {command:String} AND job = {job:String} ORDER BY started_at DESC LIMIT 5)`,
		clickhouse.Named("command", r.Command), clickhouse.Named("job", r.Job))
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return time.Duration(list[0].Seconds * float64(time.Second)), nil
}

// Step is one part of a run.
type Step struct {
	Kind      string    `ch:"kind" json:"kind"`
	Name      string    `ch:"name" json:"name"`
	State     string    `ch:"state" json:"state"`
	Rows      int64     `ch:"rows" json:"rows"`
	Bytes     int64     `ch:"bytes" json:"bytes"`
	StartedAt time.Time `ch:"started_at" json:"started_at"`
	Seconds   float64   `ch:"seconds" json:"seconds"`
	Message   string    `ch:"message" json:"message,omitempty"`
	// Attempts is how often it was tried, Earlier what the tries before the last one
	// failed of.
	Attempts uint16   `ch:"attempts" json:"attempts"`
	Earlier  []string `ch:"earlier" json:"earlier,omitempty"`
}

// Steps are those of a run so far, in the order in which they began.
func (b Books) Steps(ctx context.Context, run string) ([]Step, error) {
	return read[Step](ctx, b, "the steps of a run", `SELECT kind, name, state, rows, bytes, started_at, duration_ms / 1000 AS seconds, message, attempts, earlier
		FROM ops.steps WHERE run_id = {run:String} ORDER BY started_at, kind, name`, clickhouse.Named("run", run))
}

// Extraction is what a run read of an entity.
type Extraction struct {
	Source      string `ch:"source" json:"source"`
	Dataset     string `ch:"dataset" json:"dataset"`
	Entity      string `ch:"entity" json:"entity"`
	Read        int64  `ch:"read" json:"read"`
	Landed      int64  `ch:"landed" json:"landed"`
	Unchanged   int64  `ch:"unchanged" json:"unchanged"`
	Duplicates  int64  `ch:"duplicates" json:"duplicates"`
	Quarantined int64  `ch:"quarantined" json:"quarantined"`
	Ignored     int64  `ch:"ignored" json:"ignored"`
	Deleted     int64  `ch:"deleted" json:"deleted"`
}

// Load is what came into a raw table.
type Load struct {
	Source string `ch:"source" json:"source"`
	Entity string `ch:"entity" json:"entity"`
	Files  uint64 `ch:"files" json:"files"`
	Rows   int64  `ch:"loaded_rows" json:"rows"`
	Bytes  int64  `ch:"loaded_bytes" json:"bytes"`
}

// Check is one that does not pass.
type Check struct {
	Model     string    `ch:"model" json:"model"`
	Name      string    `ch:"check" json:"check"`
	Severity  string    `ch:"severity" json:"severity"`
	Status    string    `ch:"status" json:"status"`
	Failures  uint64    `ch:"failures" json:"failures"`
	Message   string    `ch:"message" json:"message,omitempty"`
	Sample    []string  `ch:"sample" json:"sample,omitempty"` // rows as JSON, personal data masked
	Query     string    `ch:"query" json:"query,omitempty"`
	CheckedAt time.Time `ch:"checked_at" json:"checked_at"`
	Run       string    `ch:"run_id" json:"run_id"`
	// Since is when it last passed, or was first made; zero where that is not known.
	Since time.Time `ch:"since" json:"since,omitzero"`
}

// Blocking says that the check keeps a table from being published.
func (c *Check) Blocking() bool { return c.Severity == "error" }

// Aside is what was put aside, summed up by reason.
type Aside struct {
	Source  string    `ch:"source" json:"source"`
	Dataset string    `ch:"dataset" json:"dataset"`
	Group   string    `ch:"group" json:"group"`
	Column  string    `ch:"column" json:"column,omitempty"`
	Reason  string    `ch:"reason" json:"reason"`
	Records uint64    `ch:"records" json:"records"`
	Open    uint64    `ch:"open" json:"open"`
	Input   string    `ch:"input" json:"input"` // of the first
	Line    int64     `ch:"line" json:"line,omitempty"`
	At      time.Time `ch:"first_at" json:"at"`
}

// Place is where the first of the records stands.
func (a *Aside) Place() string {
	if a.Line == 0 {
		return a.Input
	}
	return fmt.Sprintf("%s:%d", a.Input, a.Line)
}

const checkColumns = "model, check, severity, status, failures, message, sample, query, checked_at, run_id"

// FailingChecks are those that did not pass when they last ran, those that block first.
func (b Books) FailingChecks(ctx context.Context) ([]Check, error) {
	return read[Check](ctx, b, "the checks", `SELECT `+checkColumns+`, since FROM (
			SELECT *, maxIf(checked_at, status = 'passed') OVER (PARTITION BY model, check) AS since
			FROM ops.checks ORDER BY checked_at DESC LIMIT 1 BY model, check)
		WHERE status IN ('failed', 'broken') ORDER BY severity, model, check`)
}

// asideSQL sums up; it is completed by a condition.
const asideSQL = `SELECT source, dataset, splitByChar('.', argMin(id, (at, number)))[1] AS group, column, reason, count() AS records, countIf(state = 'open') AS open,
	argMin(q.input, (q.at, q.number)) AS input, argMin(q.line, (q.at, q.number)) AS line, min(q.at) AS first_at
	FROM ops.quarantine AS q WHERE %s GROUP BY source, dataset, column, reason ORDER BY open DESC, records DESC, source, dataset, column, reason LIMIT 100`

// OpenQuarantine are the reasons for which records wait, the most frequent first.
func (b Books) OpenQuarantine(ctx context.Context) ([]Aside, error) {
	return read[Aside](ctx, b, "the quarantine", fmt.Sprintf(asideSQL, "state = 'open'"))
}

// Line is a record that was put aside, with what is in it: personal data.
type Line struct {
	ID      string    `ch:"id" json:"id"`
	Source  string    `ch:"source" json:"source"`
	Dataset string    `ch:"dataset" json:"dataset"`
	Input   string    `ch:"input" json:"input"`
	Line    int64     `ch:"line" json:"line,omitempty"`
	Column  string    `ch:"column" json:"column,omitempty"`
	Value   string    `ch:"value" json:"value"`
	Reason  string    `ch:"reason" json:"reason"`
	Record  string    `ch:"record" json:"record"`
	At      time.Time `ch:"at" json:"at"`
}

// OpenLines are records that wait, the newest first; of each reason some.
func (b Books) OpenLines(ctx context.Context) ([]Line, error) {
	return read[Line](ctx, b, "the quarantine", `SELECT id, source, dataset, input, line, column, substring(value, 1, 500) AS value, reason, substring(record, 1, 2000) AS record, at
		FROM ops.quarantine WHERE state = 'open' ORDER BY at DESC, id LIMIT 10 BY source, dataset, column, reason LIMIT 200`)
}

// Freshness says of when the data of a dataset are.
type Freshness struct {
	Source  string    `ch:"source" json:"source"`
	Dataset string    `ch:"dataset" json:"dataset"`
	ReadAt  time.Time `ch:"read_at" json:"read_at,omitzero"` // zero for never
	State   string    `ch:"state" json:"state"`
	Message string    `ch:"message" json:"message,omitempty"`
}

// Freshness lists the datasets, the oldest data first.
func (b Books) Freshness(ctx context.Context) ([]Freshness, error) {
	list, err := read[Freshness](ctx, b, "how fresh the data are", "SELECT source, dataset, read_at, state, message FROM ops.freshness ORDER BY read_at, source, dataset")
	for i := range list {
		if list[i].ReadAt.Unix() <= 0 {
			list[i].ReadAt = time.Time{}
		}
	}
	return list, err
}

// read reads rows; books that are not there have none.
func read[T any](ctx context.Context, b Books, what, sql string, parameters ...any) ([]T, error) {
	list := []T{}
	if err := b.conn.Select(ctx, &list, sql, parameters...); err != nil && !books.IsMissingOrOlder(err) {
		return nil, fmt.Errorf("read %s from ops: %w", what, err)
	}
	return list, nil
}
