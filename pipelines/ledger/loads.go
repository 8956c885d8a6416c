package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/cespare/xxhash/v2"
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

// Loaded returns the files that are in the warehouse. Those of a table that has
// lost all its rows since, as when somebody dropped it, do not count.
func (l *Ledger) Loaded(ctx context.Context) (Files, error) {
	rows, err := l.conn.Query(ctx, `SELECT xxHash64(concat(path, '\n', checksum)) FROM ops.loads FINAL
		WHERE rows = 0 OR if(startsWith(entity, 'ops.'), entity, concat('raw.', replaceOne(entity, '.', '_'))) IN (
			SELECT concat(database, '.', name) FROM system.tables WHERE database IN ('raw', 'ops') AND total_rows > 0)`)
	if isMissing(err) {
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
		rows[i] = []any{load.Path, load.Checksum, load.Source, load.Entity, load.RunID, string(kind), load.Rows, load.Bytes, time.Now().UTC()}
	}
	return l.insert(ctx, "loads", "path, checksum, source, entity, run_id, kind, rows, bytes, loaded_at", rows)
}

// Versions tells the state of each raw table's content by entity: it changes
// when a file is loaded, and only then. Putting files together that are loaded
// does not change it.
func (l *Ledger) Versions(ctx context.Context) (map[string]string, error) {
	rows, err := l.conn.Query(ctx, `SELECT entity, concat(toString(count()), '-', hex(groupBitXor(sipHash64(path, checksum)))) AS version
		FROM ops.loads FINAL WHERE kind != 'covered' GROUP BY entity`)
	if isMissing(err) {
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

// isMissing says that the books are not there: no run has opened the warehouse
// yet.
func isMissing(err error) bool {
	const unknownTable, unknownDatabase = 60, 81
	exception, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && (exception.Code == unknownTable || exception.Code == unknownDatabase)
}
