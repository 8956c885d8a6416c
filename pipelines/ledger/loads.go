package ledger

import (
	"context"
	"fmt"
	"time"
)

// Load is a landing file that the warehouse holds.
type Load struct {
	Path     string // relative to the landing zone
	Checksum string
	Source   string
	Entity   string // full name
	RunID    string // run that landed it
	Rows     int64
	Bytes    int64
	LoadedAt time.Time
}

// Loaded returns the files that are in the warehouse, checksum by path. Those of
// a table that has lost all its rows since, as when somebody dropped it, do not
// count.
func (l *Ledger) Loaded(ctx context.Context) (map[string]string, error) {
	rows, err := l.conn.Query(ctx, `SELECT path, checksum FROM ops.loads FINAL
		WHERE rows = 0 OR if(startsWith(entity, 'ops.'), entity, concat('raw.', replaceOne(entity, '.', '_'))) IN (
			SELECT concat(database, '.', name) FROM system.tables WHERE database IN ('raw', 'ops') AND total_rows > 0)`)
	if err != nil {
		return nil, fmt.Errorf("read ops.loads: %w", err)
	}
	defer rows.Close()
	loaded := map[string]string{}
	for rows.Next() {
		var path, checksum string
		if err := rows.Scan(&path, &checksum); err != nil {
			return nil, fmt.Errorf("read ops.loads: %w", err)
		}
		loaded[path] = checksum
	}
	return loaded, rows.Err()
}

// RecordLoad writes down that a file is in the warehouse. Until it is written
// the file counts as not loaded and is loaded again, which changes nothing.
func (l *Ledger) RecordLoad(ctx context.Context, load Load) error {
	return l.insert(ctx, "loads", "path, checksum, source, entity, run_id, rows, bytes, loaded_at", [][]any{
		{load.Path, load.Checksum, load.Source, load.Entity, load.RunID, load.Rows, load.Bytes, time.Now().UTC()},
	})
}

// Versions tells the state of each raw table's content by entity: it changes
// when a file is loaded, and only then.
func (l *Ledger) Versions(ctx context.Context) (map[string]string, error) {
	rows, err := l.conn.Query(ctx, `SELECT entity, concat(toString(count()), '-', hex(groupBitXor(sipHash64(path, checksum)))) AS version
		FROM ops.loads FINAL GROUP BY entity`)
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
