package books

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Addition is what a book of an older program may lack: the column, or with none
// the whole table or view. The statement makes it, and is safe to run twice.
type Addition struct{ Table, Column, Statement string }

// Complete runs the statements of what is missing in the database ops. To look is
// one statement; to run one that changes nothing costs as much as one that does.
func Complete(ctx context.Context, conn driver.Conn, additions ...Addition) error {
	have, err := columns(ctx, conn)
	if err != nil {
		return err
	}
	for _, a := range additions {
		if is, there := have[a.Table]; there && (a.Column == "" || slices.Contains(is, a.Column)) {
			continue
		}
		if err := conn.Exec(ctx, a.Statement); err != nil {
			return fmt.Errorf("complete ops.%s: %w", a.Table, err)
		}
	}
	return nil
}

// columns returns the columns of the tables and views of ops.
func columns(ctx context.Context, conn driver.Conn) (map[string][]string, error) {
	rows, err := conn.Query(ctx, "select table, groupArray(name) from system.columns where database = 'ops' group by table")
	if err != nil {
		return nil, fmt.Errorf("look at the tables of ops: %w", err)
	}
	defer rows.Close()
	tables := map[string][]string{}
	for rows.Next() {
		var table string
		var names []string
		if err := rows.Scan(&table, &names); err != nil {
			return nil, fmt.Errorf("look at the tables of ops: %w", err)
		}
		tables[table] = names
	}
	return tables, rows.Err()
}
