package pipelines

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"winback/pipelines/backup"
	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

// ownDatabases is the condition for the databases that are backed up: all but the
// engine's own.
const ownDatabases = "database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema') AND NOT is_temporary"

// snapshotWarehouse puts the embedded warehouse into a snapshot: the engine freezes
// the data of each table, which makes hard links of its files, and the definitions are
// copied. It is no matter who has the warehouse open.
func (p *Project) snapshotWarehouse(ctx context.Context, snapshot string, m *backup.Manifest) (err error) {
	live := filepath.Join(p.Home, warehouse.Folder)
	if !holdsFiles(live) {
		m.LeftOut = append(m.LeftOut, "warehouse: there is none yet")
		return nil
	}
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := w.QueryRow(ctx, "SELECT version()").Scan(&m.Engine); err != nil {
		return fmt.Errorf("ask for the engine's version: %w", err)
	}
	if m.Tables, err = tableHashes(ctx, w); err != nil {
		return err
	}
	frozen := filepath.Join(live, "shadow", frozenName(m))
	if err := removeFrozen(filepath.Dir(frozen)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(frozen)) }()
	if err := freeze(ctx, w, m); err != nil {
		return err
	}
	there := filepath.Join(snapshot, warehouse.Folder)
	if err := os.MkdirAll(there, 0o700); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(frozen, "store"), filepath.Join(there, "store")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("take over the frozen tables: %w", err)
	}
	return linkDefinitions(live, there)
}

// frozenPrefix begins the names of the folders that backups freeze tables into.
const frozenPrefix = "backup"

// removeFrozen removes what backups left that were killed: links to files that the
// engine dropped keep their room on the disk.
func removeFrozen(shadow string) error {
	left, err := filepath.Glob(filepath.Join(shadow, frozenPrefix+"*"))
	for _, folder := range left {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	if err != nil {
		return fmt.Errorf("remove what an interrupted backup froze: %w", err)
	}
	return nil
}

// frozenName is the name of the folder that the engine freezes tables into: of
// letters and digits alone, since it writes others differently.
func frozenName(m *backup.Manifest) string { return frozenPrefix + strings.ReplaceAll(m.ID, "-", "") }

// freeze has the engine freeze all tables that keep data in files of their own.
func freeze(ctx context.Context, w *warehouse.Warehouse, m *backup.Manifest) error {
	tables, err := kindsOfTables(ctx, w, ownDatabases)
	if err != nil {
		return err
	}
	for _, t := range tables {
		switch {
		case strings.HasSuffix(t.engine, "MergeTree"):
			if err := w.Exec(ctx, "ALTER TABLE "+t.quoted()+" FREEZE WITH NAME "+quote.Literal(frozenName(m))); err != nil {
				return fmt.Errorf("freeze %s.%s: %w", t.database, t.name, err)
			}
		case !strings.HasSuffix(t.engine, "View") && t.engine != "Dictionary":
			m.LeftOut = append(m.LeftOut, fmt.Sprintf("rows of %s.%s: its engine, %s, cannot be backed up while it is open", t.database, t.name, t.engine))
		}
	}
	return nil
}

// kindOfTable is a table with its engine.
type kindOfTable struct{ database, name, engine string }

func (t kindOfTable) quoted() string {
	return quote.Table(t.database, t.name)
}

// kindsOfTables lists the tables and views for which a condition holds.
func kindsOfTables(ctx context.Context, w *warehouse.Warehouse, condition string) ([]kindOfTable, error) {
	rows, err := w.Query(ctx, "SELECT database, name, engine FROM system.tables WHERE "+condition+" ORDER BY database, name")
	if err != nil {
		return nil, fmt.Errorf("list the warehouse's tables: %w", err)
	}
	defer rows.Close()
	var list []kindOfTable
	for rows.Next() {
		var t kindOfTable
		if err := rows.Scan(&t.database, &t.name, &t.engine); err != nil {
			return nil, fmt.Errorf("list the warehouse's tables: %w", err)
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// linkDefinitions puts the definitions of databases and tables into a snapshot, which
// are small and replaced as a whole when they change.
func linkDefinitions(live, there string) error {
	for _, folder := range []string{"metadata", "store"} {
		root := filepath.Join(live, folder)
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // dropped meanwhile
			}
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(live, path)
			if err != nil {
				return err
			}
			target := filepath.Join(there, relative)
			switch {
			case e.Type()&fs.ModeSymlink != 0:
				link, err := os.Readlink(path)
				return errors.Join(err, os.MkdirAll(filepath.Dir(target), 0o700), os.Symlink(link, target))
			case e.IsDir() && folder == "store" && strings.Count(relative, string(filepath.Separator)) >= 3:
				return fs.SkipDir // pieces of data
			case e.IsDir():
				return nil
			case strings.HasSuffix(path, ".sql") || e.Name() == "format_version.txt":
				return errors.Join(os.MkdirAll(filepath.Dir(target), 0o700), linkFile(path, target))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("take a snapshot of the warehouse's definitions: %w", err)
		}
	}
	return nil
}

// tableHashes counts the rows of all marts that are tables, and makes hashes of them
// that do not depend on the rows' order.
func tableHashes(ctx context.Context, w *warehouse.Warehouse) ([]backup.Table, error) {
	list, err := kindsOfTables(ctx, w, "database = 'mart' AND engine LIKE '%MergeTree'")
	if err != nil {
		return nil, err
	}
	tables := make([]backup.Table, 0, len(list))
	for _, kind := range list {
		t := backup.Table{Name: kind.database + "." + kind.name}
		from := kind.quoted()
		if strings.Contains(kind.engine, "Replacing") {
			from += " FINAL"
		}
		if err := w.QueryRow(ctx, "SELECT count(), ifNull(toString(sum(cityHash64(formatRowNoNewline('TSV', *)))), '') FROM "+from).Scan(&t.Rows, &t.Hash); err != nil {
			return nil, fmt.Errorf("count %s: %w", t.Name, err)
		}
		tables = append(tables, t)
	}
	return tables, nil
}
