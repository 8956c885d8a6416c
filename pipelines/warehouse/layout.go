package warehouse

import (
	"context"
	"fmt"
	"strings"

	"winback/connectors/entity"
	"winback/pipelines/quote"
)

// Layout is the version of what this program expects of a warehouse beyond the
// columns of its tables. A warehouse remembers the newest program that had it.
//
//	1: no version was kept
//	2: loads have a kind, so that compacted files are no new data
const Layout = 2

// NewerError says that a warehouse was made by a newer program.
type NewerError struct{ Have int }

func (e *NewerError) Error() string {
	return fmt.Sprintf("the warehouse was made by a newer winback (its layout is %d, this program knows %d): "+
		"use that winback, or move the warehouse away and run winback rebuild, which makes one from the landing zone", e.Have, Layout)
}

// createLayout makes the table of the layout's version.
const createLayout = `CREATE TABLE IF NOT EXISTS ops.layout
(
    version UInt32               COMMENT 'Version of the warehouse\'s layout',
    since   DateTime64(6, 'UTC') COMMENT 'When a program of that layout had it first'
)
ENGINE = ReplacingMergeTree ORDER BY version COMMENT 'Which programs may use this warehouse: those that know its newest layout'`

// requireLayout returns a *NewerError if a newer program has had the warehouse.
func (w *Warehouse) requireLayout(ctx context.Context) (have int, err error) {
	if err := w.Exec(ctx, createLayout); err != nil {
		return 0, fmt.Errorf("create table ops.layout: %w", err)
	}
	var version uint32
	if err := w.QueryRow(ctx, "SELECT max(version) FROM ops.layout").Scan(&version); err != nil {
		return 0, fmt.Errorf("read ops.layout: %w", err)
	}
	if version > Layout {
		return 0, &NewerError{Have: int(version)}
	}
	return int(version), nil
}

// raiseLayout writes down that this program has had the warehouse.
func (w *Warehouse) raiseLayout(ctx context.Context, have int) error {
	if have == Layout {
		return nil
	}
	if err := w.Exec(ctx, fmt.Sprintf("INSERT INTO ops.layout (version, since) VALUES (%d, now64(6))", Layout)); err != nil {
		return fmt.Errorf("write ops.layout: %w", err)
	}
	return nil
}

// replacedSuffix marks raw tables that gave way to one with other column types.
const replacedSuffix = "__replaced"

// replaceTable puts an empty table in the place of one whose types are not the
// contract's. It is loaded again from the landing zone; until that has happened the
// old one is kept beside it.
func (w *Warehouse) replaceTable(ctx context.Context, s *entity.Schema) error {
	table := Raw + "." + s.Table()
	if err := w.forgetLoads(ctx, s); err != nil {
		return err
	}
	for _, statement := range []string{
		"DROP TABLE IF EXISTS " + table + replacedSuffix + " SYNC",
		"RENAME TABLE " + table + " TO " + table + replacedSuffix,
		CreateRawTable(s),
	} {
		if err := w.Exec(ctx, statement); err != nil {
			return fmt.Errorf("make %s anew: %w", table, err)
		}
	}
	return nil
}

// Renew puts an empty raw table in the place of an entity's, without a trace of its rows:
// it is loaded again from the landing zone.
func (w *Warehouse) Renew(ctx context.Context, s *entity.Schema) error {
	if err := w.forgetLoads(ctx, s); err != nil {
		return err
	}
	if err := w.Exec(ctx, "TRUNCATE TABLE "+Raw+"."+s.Table()); err != nil {
		return fmt.Errorf("empty %s.%s: %w", Raw, s.Table(), err)
	}
	return nil
}

// forgetLoads has all files of an entity loaded again. It comes first: a load that
// breaks off must not leave files that only seem to be loaded.
func (w *Warehouse) forgetLoads(ctx context.Context, s *entity.Schema) error {
	var exists uint8
	err := w.QueryRow(ctx, "EXISTS TABLE ops.loads").Scan(&exists)
	if err == nil && exists == 1 {
		err = w.Exec(ctx, "ALTER TABLE ops.loads DELETE WHERE entity = "+quote.Literal(s.FullName())+" SETTINGS mutations_sync = 2")
	}
	if err != nil {
		return fmt.Errorf("have %s loaded again: %w", s.FullName(), err)
	}
	return nil
}

// DropReplaced drops the tables that gave way to others, once those are loaded: all
// but the ones of the entities that could not be.
func (w *Warehouse) DropReplaced(ctx context.Context, unloaded func(fullName string) bool) error {
	tables, err := w.rawColumns(ctx)
	if err != nil {
		return err
	}
	for table := range tables {
		name, replaced := strings.CutSuffix(table, replacedSuffix)
		if !replaced || unloaded(strings.Replace(name, "_", ".", 1)) {
			continue
		}
		if err := w.Exec(ctx, "DROP TABLE IF EXISTS "+Raw+"."+quote.Always(table)+" SYNC"); err != nil {
			return fmt.Errorf("drop %s.%s, which is loaded anew: %w", Raw, table, err)
		}
	}
	return nil
}
