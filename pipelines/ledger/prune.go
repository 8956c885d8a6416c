package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/pipelines/books"
)

// prunable says of a table which rows are old and which of them stay all the same:
// the last of everything, as freshness, the checks that need not run again and the
// docs are read from it.
var prunable = []struct{ table, moment, old, stays string }{
	{"runs", "started_at", "run_id < {run:String}",
		"run_id IN (SELECT max(run_id) FROM ops.runs GROUP BY job, state)"},
	{"steps", "started_at", "run_id < {run:String}",
		"(kind, name, run_id) IN (SELECT kind, name, max(run_id) FROM ops.steps GROUP BY kind, name, state)"},
	{"extractions", "started_at", "run_id < {run:String}",
		"(source, dataset, entity, run_id) IN (SELECT source, dataset, entity, max(run_id) FROM ops.extractions GROUP BY source, dataset, entity)"},
	{"checks", "checked_at", "checked_at < parseDateTime64BestEffort({at:String}, 6, 'UTC')",
		"(model, check, checked_at) IN (SELECT model, check, max(checked_at) FROM ops.checks GROUP BY model, check, status)"},
	{"verifications", "verified_at", "verified_at < parseDateTime64BestEffort({at:String}, 6, 'UTC')",
		"verified_at IN (SELECT max(verified_at) FROM ops.verifications)"},
	{"alarms", "opened_at", "opened_at < parseDateTime64BestEffort({at:String}, 6, 'UTC') AND id IN (SELECT id FROM ops.alarms FINAL WHERE settled)", "0"},
}

// runTime is how the id of a run begins.
const runTime = "20060102T150405Z"

// Prune removes runs, steps, extractions, checks, verifications and alarms that are
// over from before a moment, but the last of each. Loads stay: they say what is in the warehouse. As
// removing rewrites tables, it is done once what is to go reaches back a twentieth
// of the time that is kept.
func (l *Ledger) Prune(ctx context.Context, before time.Time) error {
	slack := max(24*time.Hour, time.Since(before)/20)
	var old uint64
	err := l.conn.QueryRow(ctx, "SELECT count() FROM ops.runs WHERE run_id < {run:String}", clickhouse.Named("run", before.Add(-slack).UTC().Format(runTime))).Scan(&old)
	if err != nil || old == 0 {
		return err
	}
	for _, p := range prunable {
		names := []any{
			clickhouse.Named("run", before.UTC().Format(runTime)), clickhouse.Named("at", books.Time(before)),
			clickhouse.Named("due", books.Time(before.Add(-slack))),
		}
		condition := fmt.Sprintf("%s AND NOT (%s)", p.old, p.stays)
		var due uint64
		err := l.conn.QueryRow(ctx, fmt.Sprintf("SELECT countIf(%s < parseDateTime64BestEffort({due:String}, 6, 'UTC')) FROM ops.%s WHERE %s", p.moment, p.table, condition), names...).Scan(&due)
		if err == nil && due > 0 {
			err = l.conn.Exec(ctx, fmt.Sprintf("ALTER TABLE ops.%s DELETE WHERE %s SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1", p.table, condition), names...)
		}
		if err != nil && !books.IsMissingOrOlder(err) {
			return fmt.Errorf("remove what is old from ops.%s: %w", p.table, err)
		}
	}
	return nil
}
