// Package books adds rows to the tables in which the warehouse keeps its books,
// those of the database ops.
package books

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Add inserts rows into a table in one statement and one block, so all or none of
// them. A row is what encoding/json makes an object of: a field for each column,
// times as Time.
func Add[R any](ctx context.Context, conn driver.Conn, table string, rows ...R) error {
	if len(rows) == 0 {
		return nil
	}
	var lines bytes.Buffer
	for _, row := range rows {
		if err := json.NewEncoder(&lines).Encode(row); err != nil {
			return fmt.Errorf("write to %s: %w", table, err)
		}
	}
	// A batch of the client would first ask for the table's columns.
	if err := conn.InsertFormat(ctx, "JSONEachRow", "insert into "+table, &lines); err != nil {
		return fmt.Errorf("write to %s: %w", table, err)
	}
	return nil
}

// Time returns a moment as a column of the type DateTime64(6, 'UTC') reads it.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }
