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
	var done []string
	for _, c := range changesOf(s, have) {
		var err error
		switch c.Kind {
		case Created:
			err = w.Exec(ctx, CreateRawTable(s))
		case MadeAnew:
			err = w.replaceTable(ctx, s)
		case Widened:
			err = w.Exec(ctx, addRawColumn(s, c.field))
		}
		if err != nil {
			return done, fmt.Errorf("bring %s up to date: %w", c.Table, err)
		}
		done = append(done, c.String())
	}
	return done, nil
}

// ChangeKind is what a migration does to a table.
type ChangeKind string

// The kinds of changes.
const (
	Created  ChangeKind = "created"
	Widened  ChangeKind = "widened"   // has a column more
	MadeAnew ChangeKind = "made anew" // and loaded again
)

// Change is what a migration does to a raw table.
type Change struct {
	Kind   ChangeKind `json:"kind"`
	Table  string     `json:"table"`
	Column string     `json:"column,omitempty"`
	Was    string     `json:"was,omitempty"` // the column's type
	Is     string     `json:"is,omitempty"`
	// Rows is how many have to be loaded again.
	Rows uint64 `json:"rows"`

	field *entity.Field
}

// String says what was done.
func (c Change) String() string {
	switch c.Kind {
	case Created:
		return "created " + c.Table
	case Widened:
		return fmt.Sprintf("added column %s to %s", c.Column, c.Table)
	}
	return fmt.Sprintf("made %s anew, where %s was %s and is %s; it is loaded again", c.Table, c.Column, c.Was, c.Is)
}

// changesOf compares the columns that a table has with those of the contract.
func changesOf(s *entity.Schema, have map[string]string) []Change {
	table := Raw + "." + s.Table()
	if have == nil {
		return []Change{{Kind: Created, Table: table}}
	}
	var changes []Change
	for i := range s.Fields {
		f := &s.Fields[i]
		was, ok := have[f.Name]
		if ok && was != ColumnType(f) {
			return []Change{{Kind: MadeAnew, Table: table, Column: f.Name, Was: was, Is: ColumnType(f), field: f}}
		}
		if !ok {
			changes = append(changes, Change{Kind: Widened, Table: table, Column: f.Name, Is: ColumnType(f), field: f})
		}
	}
	return changes
}

// PlanMigration returns what Migrate would do, and the layout that the warehouse has; 0
// if none was kept. Nothing is changed. The error is a *NewerError if a newer program
// has had the warehouse.
func (w *Warehouse) PlanMigration(ctx context.Context, schemas []*entity.Schema) (changes []Change, layout int, err error) {
	var exists uint8
	if err := w.QueryRow(ctx, "EXISTS TABLE ops.layout").Scan(&exists); err != nil {
		return nil, 0, fmt.Errorf("look for ops.layout: %w", err)
	}
	if exists == 1 {
		var version uint32
		if err := w.QueryRow(ctx, "SELECT max(version) FROM ops.layout").Scan(&version); err != nil {
			return nil, 0, fmt.Errorf("read ops.layout: %w", err)
		}
		if version > Layout {
			return nil, int(version), &NewerError{Have: int(version)}
		}
		layout = int(version)
	}
	have, err := w.rawColumns(ctx)
	if err != nil {
		return nil, layout, err
	}
	for _, s := range schemas {
		for _, c := range changesOf(s, have[s.Table()]) {
			if c.Kind == MadeAnew {
				if err := w.QueryRow(ctx, "SELECT count() FROM "+c.Table).Scan(&c.Rows); err != nil {
					return nil, layout, fmt.Errorf("count %s: %w", c.Table, err)
				}
			}
			changes = append(changes, c)
		}
	}
	return changes, layout, nil
}
