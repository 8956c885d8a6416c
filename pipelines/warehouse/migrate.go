package warehouse

import (
	"context"
	"fmt"

	"winback/connectors/entity"
)

// Migrate creates the databases and the raw tables that are missing, adds the
// columns that the contract has gained, and makes tables anew whose column types the
// contract has changed: the next load fills them from the landing zone. It returns
// what it did to a warehouse that was there before, one sentence each. The error is
// a *NewerError if a newer program has had it.
func (w *Warehouse) Migrate(ctx context.Context, schemas []*entity.Schema) ([]string, error) {
	for _, database := range []string{Raw, Staging, Mart, Ops} {
		if err := w.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+database); err != nil {
			return nil, fmt.Errorf("create database %s: %w", database, err)
		}
	}
	layout, err := w.requireLayout(ctx)
	if err != nil {
		return nil, err
	}
	have, err := w.rawColumns(ctx)
	if err != nil {
		return nil, err
	}
	var done []string
	for _, s := range schemas {
		did, err := w.migrateTable(ctx, s, have[s.Table()])
		if err != nil {
			return done, err
		}
		done = append(done, did...)
	}
	if len(have) == 0 {
		done = nil
	}
	w.did = done
	return done, w.raiseLayout(ctx, layout)
}

// rawColumns returns the types of the raw tables' columns, by table and name.
func (w *Warehouse) rawColumns(ctx context.Context) (map[string]map[string]string, error) {
	rows, err := w.Query(ctx, "SELECT table, name, type FROM system.columns WHERE database = '"+Raw+"'")
	if err != nil {
		return nil, fmt.Errorf("look at the raw tables: %w", err)
	}
	defer rows.Close()
	tables := map[string]map[string]string{}
	for rows.Next() {
		var table, name, typ string
		if err := rows.Scan(&table, &name, &typ); err != nil {
			return nil, fmt.Errorf("look at the raw tables: %w", err)
		}
		if tables[table] == nil {
			tables[table] = map[string]string{}
		}
		tables[table][name] = typ
	}
	return tables, rows.Err()
}

func (w *Warehouse) migrateTable(ctx context.Context, s *entity.Schema, have map[string]string) ([]string, error) {
	if have == nil {
		if err := w.Exec(ctx, CreateRawTable(s)); err != nil {
			return nil, fmt.Errorf("create table %s.%s: %w", Raw, s.Table(), err)
		}
		return []string{fmt.Sprintf("created %s.%s", Raw, s.Table())}, nil
	}
	var done []string
	for i := range s.Fields {
		f := &s.Fields[i]
		if typ, ok := have[f.Name]; ok && typ != ColumnType(f) {
			return []string{fmt.Sprintf("made %s.%s anew, where %s was %s and is %s; it is loaded again", Raw, s.Table(), f.Name, typ, ColumnType(f))},
				w.replaceTable(ctx, s)
		}
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		if _, ok := have[f.Name]; !ok {
			if err := w.Exec(ctx, addRawColumn(s, f)); err != nil {
				return done, fmt.Errorf("add column %s to %s.%s: %w", f.Name, Raw, s.Table(), err)
			}
			done = append(done, fmt.Sprintf("added column %s to %s.%s", f.Name, Raw, s.Table()))
		}
	}
	return done, nil
}
