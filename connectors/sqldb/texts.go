package sqldb

import (
	"context"
	"fmt"
	"time"

	"winback/connectors"
	"winback/connectors/spec"
)

// Texts is a connection whose rows are read as texts, for a connector that makes
// its own of them. It reads only, and is for one goroutine.
type Texts struct {
	server  server
	session session
	timeout time.Duration
	clock   connectors.Clock
	torn    bool
}

// Kinds of databases.
const (
	KindPostgres = "postgres"
	KindMySQL    = "mysql"
)

// OpenTexts logs into a database. What it says of errors holds no password; a
// server that does not answer is connectors.ErrUnreachable, one that does not let
// in connectors.ErrRefused.
func OpenTexts(ctx context.Context, kind string, s Server, socket spec.Path, timeout time.Duration, clock connectors.Clock) (*Texts, error) {
	var to server = &postgres{config: s}
	if kind == KindMySQL {
		to = &mySQL{config: s, socket: string(socket)}
	}
	t := &Texts{server: to, timeout: timeout, clock: clock}
	return t, t.open(ctx)
}

// open logs in and begins the view of one moment.
func (t *Texts) open(ctx context.Context) error {
	session, err := t.server.open(ctx)
	if err != nil {
		return err
	}
	if _, err := session.snapshot(ctx, t.timeout); err != nil {
		session.close()
		return err
	}
	t.session = session
	return nil
}

// Torn says that the connection was lost in between, so that not all that was read is
// of one moment.
func (t *Texts) Torn() bool { return t.torn }

// Close ends the connection.
func (t *Texts) Close() { t.session.close() }

// About says what was logged into: MariaDB 11.8.3, database asterisk, as winback.
func (t *Texts) About(ctx context.Context) (string, error) { return t.session.about(ctx) }

// Name writes an identifier, Table one with dots between its parts.
func (t *Texts) Name(text string) string { return t.server.name(text) }

// Table writes the name of a table.
func (t *Texts) Table(text string) string { return t.server.table(text) }

// Text writes an expression as a text.
func (t *Texts) Text(expression string) string {
	if _, isPostgres := t.server.(*postgres); isPostgres {
		return "cast(" + expression + " as text)"
	}
	return "cast(" + expression + " as char)"
}

// Columns are those of a table.
func (t *Texts) Columns(ctx context.Context, table string) ([]string, error) {
	columns, err := t.session.describe(ctx, "select * from "+t.server.table(table))
	if err != nil {
		return nil, t.explain(table, err)
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return names, nil
}

// Select runs a query whose expressions are all texts, and has each look at every
// row; the texts are its own. NULL is "". When the connection is lost the query is run
// again on a new one: its rows are looked at when all have come.
func (t *Texts) Select(ctx context.Context, table, query string, each func(row []string) error) error {
	rows, err := t.rows(ctx, query)
	for tries := 1; err != nil && passing(err) && tries <= loginTries && ctx.Err() == nil; tries++ {
		if sleepErr := t.clock.Sleep(ctx, patience<<(tries-1)); sleepErr != nil {
			return sleepErr
		}
		t.torn = true
		t.session.close()
		if openErr := t.open(ctx); openErr != nil {
			err = openErr
			continue
		}
		rows, err = t.rows(ctx, query)
	}
	if err != nil {
		return t.explain(table, err)
	}
	for _, row := range rows {
		if err := each(row); err != nil {
			return err
		}
	}
	return nil
}

func (t *Texts) rows(ctx context.Context, query string) (rows [][]string, err error) {
	columns, err := t.session.describe(ctx, query)
	if err != nil {
		return nil, err
	}
	err = t.session.rows(ctx, query, nil, columns, func(values [][]byte) error {
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = string(v)
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}

// explain says what a person can do about an error of the server's.
func (t *Texts) explain(table string, err error) error {
	switch {
	case err == nil:
		return nil
	case lost(err):
		return connectors.WholeSource(connectors.ErrUnreachable, connectors.Passing(true, fmt.Errorf("read %s: %w", table, err)))
	case passing(err):
		err = connectors.Passing(true, err)
	}
	if hint := t.server.hint(&plan{name: table, from: table, config: &Dataset{}}, err); hint != "" {
		return fmt.Errorf("read %s: %w; %s", table, err, hint)
	}
	return fmt.Errorf("read %s: %w", table, err)
}
