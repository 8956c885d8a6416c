package sqldb

import (
	"context"
	"time"
)

// server is a database that sessions are opened on, and its way of writing SQL.
type server interface {
	// open logs in.
	open(ctx context.Context) (session, error)
	// name quotes an identifier; table one with dots between its parts.
	name(text string) string
	table(text string) string
	// after says that the columns are beyond the values, in their order; the
	// values are those of arguments or literals made by value.
	after(columns []orderColumn, values []string, args *arguments) string
	// value writes a text as a value of a column's type.
	value(text string, c *column, args *arguments) string
	// ordering writes a column so that its order is that of its comparisons.
	ordering(c orderColumn) string
	// hint says what a person can do about an error, "" if nothing is known.
	hint(p *plan, err error) string
}

// arguments collects the values of a statement that are sent beside it.
type arguments struct {
	values [][]byte
	types  []uint32
}

// session is a connection. It is for one goroutine.
type session interface {
	// about says what was logged into: PostgreSQL 15.8.
	about(ctx context.Context) (string, error)
	// look says what there is of a table or query.
	look(ctx context.Context, p *plan) (*relation, error)
	// describe says of which types the columns of a select are, without running it.
	describe(ctx context.Context, query string) ([]column, error)
	// snapshot begins a read-only view of one moment, and says which by the
	// server's clock. An earlier one ends.
	snapshot(ctx context.Context, limit time.Duration) (time.Time, error)
	// share names the view for other sessions to join; "" where they cannot.
	share(ctx context.Context) (string, error)
	// join begins the view that another session shares, or one of its own.
	join(ctx context.Context, view string, limit time.Duration) error
	// rest ends the view.
	rest(ctx context.Context) error
	// rows runs a select of the columns and has each look at every row, whose
	// values are valid until it returns; nil is NULL.
	rows(ctx context.Context, query string, args *arguments, columns []column, each func(values [][]byte) error) error
	// limit has the server give up statements of the snapshot that take longer.
	limit(ctx context.Context, d time.Duration) error
	close()
}

// relation is a table, view or query as the server knows it.
type relation struct {
	columns  []column
	primary  []string   // columns of the primary key
	unique   [][]string // columns of unique indexes, without NULLs
	leading  []string   // columns that an index begins with
	rows     int64      // estimated, -1 if not known
	readable []bool     // by column, whether the user may read it; nil: all
}

// find returns the column of that name, or nil.
func (r *relation) find(name string) *column {
	for i := range r.columns {
		if r.columns[i].name == name {
			return &r.columns[i]
		}
	}
	return nil
}

// names lists the columns.
func (r *relation) names() []string {
	names := make([]string, len(r.columns))
	for i := range r.columns {
		names[i] = r.columns[i].name
	}
	return names
}
