package ledger

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/cespare/xxhash/v2"

	"winback/pipelines/books"
)

// LoadKind says how a landing file's rows came into the warehouse.
type LoadKind string

// The kinds of loads. Whoever looks for new rows by ops.loads reads it so:
//
//   - Landed: the rows are those of one run, and carry its id in run_id.
//   - Merged: a compaction put the rows of many runs together and they were
//     loaded from that file, as into a new warehouse. They carry the ids of their
//     own runs, not that of the load, so a reader that has not seen such a load
//     takes everything of the entity as new.
//   - Covered: a compaction put together files whose rows are in the warehouse
//     already. Nothing was loaded and nothing is new; the loads of the files that
//     were put together stay in the books.
const (
	Landed  LoadKind = "landed"
	Merged  LoadKind = "merged"
	Covered LoadKind = "covered"
)

// Load is a landing file that the warehouse holds.
type Load struct {
	Path     string // relative to the landing zone
	Checksum string
	Source   string
	Entity   string // full name
	RunID    string // run that landed it, or compaction that wrote it
	Kind     LoadKind
	Rows     int64
	Bytes    int64
	LoadedAt time.Time
}

// FileID identifies a landing file by its path and checksum.
func FileID(path, checksum string) uint64 { return xxhash.Sum64String(path + "\n" + checksum) }

// Files is a set of landing files. It takes some 20 bytes for each, so that a
// hundred thousand of them cost little.
type Files map[uint64]struct{}

// Has says whether the file is in the set.
func (f Files) Has(path, checksum string) bool { return f.HasID(FileID(path, checksum)) }

// HasID says whether the file of that FileID is in the set.
func (f Files) HasID(id uint64) bool {
	_, ok := f[id]
	return ok
}

// filled is the condition on system.tables that a table has rows. Of one that stands
// for the rows of several servers that is not known here: it counts as filled.
const filled = "(total_rows > 0 OR engine = 'Distributed')"

// Loaded returns the files that are in the warehouse. Those of a table that has
// lost all its rows since, as when somebody dropped it, do not count.
func (l *Ledger) Loaded(ctx context.Context) (Files, error) {
	rows, err := l.conn.Query(ctx, `SELECT xxHash64(concat(path, '\n', checksum)) FROM ops.loads FINAL
		WHERE rows = 0 OR if(startsWith(entity, 'ops.'), entity, concat('raw.', replaceOne(entity, '.', '_'))) IN (
			SELECT concat(database, '.', name) FROM system.tables WHERE database IN ('raw', 'ops') AND `+filled+`)`)
	if books.IsMissingOrOlder(err) {
		return Files{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ops.loads: %w", err)
	}
	defer rows.Close()
	loaded := Files{}
	for rows.Next() {
		var id uint64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read ops.loads: %w", err)
		}
		loaded[id] = struct{}{}
	}
	return loaded, rows.Err()
}

// ForgetLost strikes out the loads of raw tables that have lost all their rows. It
// comes before they are loaded again: once a table has the rows of one file, those of
// the others would count as there too.
func (l *Ledger) ForgetLost(ctx context.Context) error {
	const lost = `entity NOT LIKE 'ops.%' AND rows > 0 AND concat('raw.', replaceOne(entity, '.', '_')) NOT IN (
		SELECT concat(database, '.', name) FROM system.tables WHERE database = 'raw' AND ` + filled + `)`
	var n uint64
	err := l.conn.QueryRow(ctx, "SELECT count() FROM ops.loads WHERE "+lost).Scan(&n)
	if err == nil && n > 0 {
		err = l.conn.Exec(ctx, "ALTER TABLE ops.loads DELETE WHERE "+lost+" SETTINGS mutations_sync = 2")
	}
	if err != nil {
		return fmt.Errorf("strike out the loads of lost tables in ops.loads: %w", err)
	}
	return nil
}

// QuarantineLoads returns the loads of records that did not fit: of each its path,
// source and run.
func (l *Ledger) QuarantineLoads(ctx context.Context) ([]Load, error) {
	rows, err := l.conn.Query(ctx, "SELECT DISTINCT path, source, run_id FROM ops.loads WHERE entity = 'ops.quarantine_records'")
	if err != nil {
		return nil, fmt.Errorf("read ops.loads: %w", err)
	}
	defer rows.Close()
	var loads []Load
	for rows.Next() {
		var load Load
		if err := rows.Scan(&load.Path, &load.Source, &load.RunID); err != nil {
			return nil, fmt.Errorf("read ops.loads: %w", err)
		}
		loads = append(loads, load)
	}
	return loads, rows.Err()
}

// ForgetQuarantine removes the records that a run put aside of a dataset, and then
// the entry of their load.
func (l *Ledger) ForgetQuarantine(ctx context.Context, load Load, dataset string) error {
	err := l.conn.Exec(ctx, `ALTER TABLE ops.quarantine_records DELETE
		WHERE source = {source:String} AND dataset = {dataset:String} AND run_id = {run:String} SETTINGS mutations_sync = 2`,
		clickhouse.Named("source", load.Source), clickhouse.Named("dataset", dataset), clickhouse.Named("run", load.RunID))
	if err == nil {
		err = l.conn.Exec(ctx, "ALTER TABLE ops.loads DELETE WHERE path = {path:String} SETTINGS mutations_sync = 2", clickhouse.Named("path", load.Path))
	}
	if err != nil {
		return fmt.Errorf("remove the quarantine of run %s, which is gone: %w", load.RunID, err)
	}
	return nil
}

// RecordLoad writes down that a file is in the warehouse. Until it is written
// the file counts as not loaded and is loaded again, which changes nothing.
func (l *Ledger) RecordLoad(ctx context.Context, load Load) error {
	return l.RecordLoads(ctx, []Load{load})
}

// RecordLoads writes down several loads at once, all or none.
func (l *Ledger) RecordLoads(ctx context.Context, loads []Load) error {
	rows := make([][]any, len(loads))
	for i, load := range loads {
		kind := load.Kind
		if kind == "" {
			kind = Landed
		}
		rows[i] = []any{load.Path, load.Checksum, load.Source, load.Entity, load.RunID, kind, load.Rows, load.Bytes, books.Time(time.Now())}
	}
	return l.insert(ctx, "loads", "path, checksum, source, entity, run_id, kind, rows, bytes, loaded_at", rows)
}

// Versions tells the state of each raw table's content by entity: it changes
// when a file is loaded, and only then. Putting files together that are loaded
// does not change it.
func (l *Ledger) Versions(ctx context.Context) (map[string]string, error) {
	rows, err := l.conn.Query(ctx, `SELECT entity, concat(toString(count()), '-', hex(groupBitXor(sipHash64(path, checksum)))) AS version
		FROM ops.loads FINAL WHERE kind != 'covered' GROUP BY entity`)
	if books.IsMissingOrOlder(err) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ops.loads: %w", err)
	}
	defer rows.Close()
	versions := map[string]string{}
	for rows.Next() {
		var entity, version string
		if err := rows.Scan(&entity, &version); err != nil {
			return nil, fmt.Errorf("read ops.loads: %w", err)
		}
		versions[entity] = version
	}
	return versions, rows.Err()
}

// Arrivals are the rows of an entity that were loaded since its raw table had a
// version.
type Arrivals struct {
	// Runs are the runs that landed them, by source.
	Runs []SourceRun
	Rows int64
}

// SourceRun is a run of a source.
type SourceRun struct{ Source, RunID string }

// mostRuns is how many runs Since tells apart; after more, everything counts as new.
const mostRuns = 1000

// Since tells what was loaded of an entity after its raw table had a version, as
// Versions tells it. ok is false when the books do not say: when the loads in their
// order did not pass through that version, as after a table was loaded again, or
// when rows of many runs came together. A run's rows are all told as new, also when
// some were there before.
func (l *Ledger) Since(ctx context.Context, entity, version string) (a Arrivals, ok bool, err error) {
	var count, hash uint64
	if version != "" {
		if _, err := fmt.Sscanf(version, "%d-%X", &count, &hash); err != nil {
			return Arrivals{}, false, nil
		}
	}
	var was, merged uint64
	var runs [][]string
	err = l.conn.QueryRow(ctx, `SELECT groupBitXorIf(file, position <= {count:UInt64}), countIf(kind = 'merged' AND position > {count:UInt64}),
			groupUniqArrayIf(1001)([toString(source), run_id], position > {count:UInt64}), sumIf(rows, position > {count:UInt64})
		FROM (SELECT *, sipHash64(path, checksum) AS file, row_number() OVER (ORDER BY loaded_at, path) AS position
			FROM ops.loads FINAL WHERE entity = {entity:String} AND kind != 'covered')`,
		clickhouse.Named("count", strconv.FormatUint(count, 10)), clickhouse.Named("entity", entity)).Scan(&was, &merged, &runs, &a.Rows)
	if err != nil {
		return Arrivals{}, false, fmt.Errorf("read ops.loads: %w", err)
	}
	for _, run := range runs {
		a.Runs = append(a.Runs, SourceRun{run[0], run[1]})
	}
	return a, was == hash && merged == 0 && len(runs) <= mostRuns, nil
}
