package docs

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/books"
)

// Facts are what a warehouse knows of its tables. A warehouse that is new, or
// whose ops may not be read, knows nothing of some.
type Facts struct {
	// Tables by full name, "mart.customers" or "raw.shop_orders".
	Tables map[string]TableFacts
	// Checks by model and check; a check of its own is its own model.
	Checks map[[2]string]CheckFacts
	// Run is the last one, if any.
	Run *RunFacts
}

// TableFacts are what is known of one table.
type TableFacts struct {
	// Rows is nil for a view.
	Rows  *uint64
	Bytes *uint64
	// At is when a model was built, or the last file of a raw table loaded.
	At time.Time
	// AsOf is the last day that a model describes; zero for a raw table.
	AsOf time.Time
	// Took is how long the build took; zero for a raw table.
	Took time.Duration
}

// CheckFacts are how a check ended when it last ran.
type CheckFacts struct {
	Status   string // passed, failed or broken
	Failures uint64
	Message  string
	At       time.Time
}

// RunFacts are how the last run ended.
type RunFacts struct {
	State string
	AsOf  time.Time
	At    time.Time
}

// ReadFacts asks a warehouse. Tables that it lacks are no error.
func ReadFacts(ctx context.Context, conn driver.Conn) (Facts, error) {
	f := Facts{Tables: map[string]TableFacts{}, Checks: map[[2]string]CheckFacts{}}
	for _, part := range []struct {
		what string
		read func(context.Context, driver.Conn) error
	}{{"system.tables", f.readTables}, {"ops.models", f.readModels}, {"ops.loads", f.readLoads}, {"ops.checks", f.readChecks}, {"ops.runs", f.readRun}} {
		if err := part.read(ctx, conn); err != nil && !books.IsMissingOrDenied(err) {
			return f, fmt.Errorf("read %s: %w", part.what, err)
		}
	}
	return f, nil
}

func (f *Facts) readTables(ctx context.Context, conn driver.Conn) error {
	return each(ctx, conn, `select concat(database, '.', name), total_rows, total_bytes, engine in ('View', 'MaterializedView')
		from system.tables where database in ('raw', 'staging', 'mart')`, func(rows driver.Rows) error {
		var name string
		var t TableFacts
		var view uint8
		if err := rows.Scan(&name, &t.Rows, &t.Bytes, &view); err != nil {
			return err
		}
		if view == 1 {
			t.Rows, t.Bytes = nil, nil
		}
		f.Tables[name] = t
		return nil
	})
}

func (f *Facts) readModels(ctx context.Context, conn driver.Conn) error {
	return each(ctx, conn, "select relation, as_of, built_at, duration_ms from ops.models final", func(rows driver.Rows) error {
		var name string
		var asOf, at time.Time
		var milliseconds uint64
		if err := rows.Scan(&name, &asOf, &at, &milliseconds); err != nil {
			return err
		}
		if t, exists := f.Tables[name]; exists {
			t.AsOf, t.At, t.Took = asOf, at, time.Duration(milliseconds)*time.Millisecond
			f.Tables[name] = t
		}
		return nil
	})
}

func (f *Facts) readLoads(ctx context.Context, conn driver.Conn) error {
	return each(ctx, conn, "select concat('raw.', replaceOne(entity, '.', '_')), max(loaded_at) from ops.loads group by entity", func(rows driver.Rows) error {
		var name string
		var at time.Time
		if err := rows.Scan(&name, &at); err != nil {
			return err
		}
		if t, exists := f.Tables[name]; exists {
			t.At = at
			f.Tables[name] = t
		}
		return nil
	})
}

func (f *Facts) readChecks(ctx context.Context, conn driver.Conn) error {
	return each(ctx, conn, `select toString(model), check, toString(argMax(status, checked_at)), argMax(failures, checked_at),
		argMax(message, checked_at), max(checked_at) from ops.checks group by model, check`, func(rows driver.Rows) error {
		var name, check string
		var c CheckFacts
		if err := rows.Scan(&name, &check, &c.Status, &c.Failures, &c.Message, &c.At); err != nil {
			return err
		}
		f.Checks[[2]string{name, check}] = c
		return nil
	})
}

func (f *Facts) readRun(ctx context.Context, conn driver.Conn) error {
	return each(ctx, conn, "select toString(state), as_of, started_at from ops.runs final order by started_at desc limit 1", func(rows driver.Rows) error {
		f.Run = &RunFacts{}
		return rows.Scan(&f.Run.State, &f.Run.AsOf, &f.Run.At)
	})
}

// each calls read for every row of a query.
func each(ctx context.Context, conn driver.Conn, query string, read func(driver.Rows) error) error {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
