package pipelines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"winback/pipelines/alarm"
	"winback/pipelines/check"
	"winback/pipelines/model"
	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

// historyTables are the books that the landing zone does not hold.
var historyTables = []string{"runs", "steps", "extractions", "checks", "reported", "told", "alarms", "queries"}

// oldWarehouse is what a rebuild learns of the warehouse it replaces.
type oldWarehouse struct {
	readable bool
	// columns are those of the history tables that were taken out, by table.
	columns map[string][]string
	// tables are all of its tables and views but those of raw and ops, models
	// those that were once built from a model.
	tables []string
	models map[string]bool
}

// takeHistory copies the books out of the old warehouse into files beside the new
// one: a process has one warehouse open at a time. An old one that cannot be read
// is no error; its books are lost, which is told.
func (b *rebuild) takeHistory(ctx context.Context) (*oldWarehouse, error) {
	old := &oldWarehouse{columns: map[string][]string{}}
	if !holdsFiles(filepath.Join(b.home, warehouse.Folder)) {
		return old, nil
	}
	if err := os.MkdirAll(b.Home, 0o750); err != nil {
		return nil, fmt.Errorf("make a folder for the new warehouse: %w", err)
	}
	p := *b.Project
	p.Home = b.home
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err == nil {
		err = errors.Join(b.copyOut(ctx, w, old), w.Close())
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, new(*warehouse.HeldError)):
		return nil, err
	case err != nil:
		b.problem("the old warehouse cannot be read (%v): its history of runs, checks and restated figures is lost", err)
		return &oldWarehouse{}, nil
	}
	old.readable = true
	return old, nil
}

func (b *rebuild) copyOut(ctx context.Context, w *warehouse.Warehouse, old *oldWarehouse) error {
	columns, err := columnsOf(ctx, w)
	if err != nil {
		return err
	}
	for _, table := range historyTables {
		if len(columns[table]) == 0 {
			continue
		}
		if err := b.copyTable(ctx, w, table, columns[table]); err != nil {
			return err
		}
		old.columns[table] = columns[table]
	}
	if old.tables, err = tablesOf(ctx, w); err != nil || len(columns["models"]) == 0 {
		return err
	}
	old.models, err = relations(ctx, w)
	return err
}

// relations returns the tables that were once built from a model, and those that
// were being built.
func relations(ctx context.Context, w *warehouse.Warehouse) (map[string]bool, error) {
	built, err := names(ctx, w, "SELECT relation FROM ops.models FINAL")
	if err != nil {
		return nil, fmt.Errorf("read ops.models: %w", err)
	}
	all := map[string]bool{}
	for _, name := range built {
		all[name], all[name+"__new"], all[name+"__old"] = true, true, true
	}
	return all, nil
}

func (b *rebuild) historyFile(table string) string { return filepath.Join(b.Home, table+".parquet") }

func (b *rebuild) copyTable(ctx context.Context, w *warehouse.Warehouse, table string, columns []string) (err error) {
	rows, err := w.Stream(ctx, fmt.Sprintf("SELECT %s FROM ops.%s", quote.Names(columns), table), "Parquet")
	if err != nil {
		return fmt.Errorf("read ops.%s: %w", table, err)
	}
	defer rows.Close()
	file, err := os.OpenFile(b.historyFile(table), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, rows)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("copy ops.%s: %w", table, err)
	}
	return nil
}

// bringHistory puts the books that were taken out into the new warehouse, where a
// run that did not tell its end is one that was interrupted.
func (b *rebuild) bringHistory(ctx context.Context, old *oldWarehouse) error {
	if err := errors.Join(check.CreateTable(ctx, b.warehouse), model.CreateTables(ctx, b.warehouse), alarm.CreateTable(ctx, b.warehouse)); err != nil {
		return err
	}
	columns, err := columnsOf(ctx, b.warehouse)
	if err != nil {
		return err
	}
	for _, table := range slices.Sorted(maps.Keys(old.columns)) {
		shared := slices.DeleteFunc(slices.Clone(old.columns[table]), func(c string) bool { return !slices.Contains(columns[table], c) })
		if err := b.bringTable(ctx, table, shared); err != nil {
			return fmt.Errorf("take over ops.%s: %w", table, err)
		}
	}
	return nil
}

func (b *rebuild) bringTable(ctx context.Context, table string, columns []string) error {
	file, err := os.Open(b.historyFile(table))
	if err != nil {
		return err
	}
	defer file.Close()
	insert := fmt.Sprintf("INSERT INTO ops.%s (%s)", table, quote.Names(columns))
	if err := b.warehouse.InsertFormat(ctx, "Parquet", insert, file); err != nil {
		return err
	}
	var rows uint64
	if err := b.warehouse.QueryRow(ctx, "SELECT count() FROM ops."+table).Scan(&rows); err != nil {
		return err
	}
	if table == "runs" {
		rows-- // of this rebuild
	}
	b.out.History[table] = int64(rows)
	return b.ledger.CloseOtherRuns(ctx, b.summary.RunID)
}

// columnsOf returns the columns of the tables of ops, by table.
func columnsOf(ctx context.Context, w *warehouse.Warehouse) (map[string][]string, error) {
	rows, err := w.Query(ctx, "SELECT table, name FROM system.columns WHERE database = 'ops' AND default_kind IN ('', 'DEFAULT') ORDER BY table, position")
	if err != nil {
		return nil, fmt.Errorf("look at the tables of ops: %w", err)
	}
	defer rows.Close()
	columns := map[string][]string{}
	for rows.Next() {
		var table, name string
		if err := rows.Scan(&table, &name); err != nil {
			return nil, fmt.Errorf("look at the tables of ops: %w", err)
		}
		columns[table] = append(columns[table], name)
	}
	return columns, rows.Err()
}

// tablesOf returns the names of all tables and views but those of raw and ops.
func tablesOf(ctx context.Context, w *warehouse.Warehouse) ([]string, error) {
	list, err := names(ctx, w, `SELECT concat(database, '.', name) FROM system.tables
		WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema', 'raw', 'ops') AND NOT is_temporary ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("list the warehouse's tables: %w", err)
	}
	return list, nil
}

// names runs a query for one column of texts.
func names(ctx context.Context, w *warehouse.Warehouse, query string) ([]string, error) {
	rows, err := w.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		list = append(list, name)
	}
	return list, rows.Err()
}
