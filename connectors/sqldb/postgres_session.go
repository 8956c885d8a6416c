package sqldb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"winback/connectors/spec"
)

// pgSession is a connection to PostgreSQL.
type pgSession struct {
	server *postgres
	conn   *pgconn.PgConn
	inside bool // a transaction
}

func (s *pgSession) close() {
	ctx, cancel := context.WithTimeout(context.Background(), cancelTime)
	defer cancel()
	_ = s.conn.Close(ctx) // it was only read from
}

// run runs statements that return nothing.
func (s *pgSession) run(ctx context.Context, statements string) error {
	_, err := s.conn.Exec(ctx, statements).ReadAll()
	return err
}

// texts runs a select and returns its rows as texts.
func (s *pgSession) texts(ctx context.Context, query string, args ...string) ([][]string, error) {
	values := make([][]byte, len(args))
	for i, arg := range args {
		values[i] = []byte(arg)
	}
	result := s.conn.ExecParams(ctx, query, values, nil, nil, nil).Read()
	rows := make([][]string, len(result.Rows))
	for i, row := range result.Rows {
		for _, value := range row {
			rows[i] = append(rows[i], string(value))
		}
	}
	return rows, result.Err
}

func (s *pgSession) about(ctx context.Context) (string, error) {
	rows, err := s.texts(ctx, `select current_setting('server_version'), pg_is_in_recovery()::text, current_user, current_database()`)
	if err != nil {
		return "", err
	}
	version, _, _ := strings.Cut(rows[0][0], " ")
	text := fmt.Sprintf("PostgreSQL %s, database %s, as %s", version, rows[0][3], rows[0][2])
	if rows[0][1] == "true" {
		text += ", a read replica"
	}
	return text, nil
}

const (
	beginView = "begin isolation level repeatable read read only; "
	inView    = "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex'; set local statement_timeout = "
)

// snapshot begins a transaction that sees one moment, and in which the server
// writes values as they are read here.
func (s *pgSession) snapshot(ctx context.Context, limit time.Duration) (time.Time, error) {
	begin := beginView + inView + milliseconds(limit)
	if s.inside {
		begin = "rollback; " + begin
	}
	if err := s.run(ctx, begin); err != nil {
		return time.Time{}, fmt.Errorf("begin to read: %w", err)
	}
	s.inside = true
	rows, err := s.texts(ctx, "select (extract(epoch from now()) * 1000000)::bigint::text")
	if err != nil {
		return time.Time{}, fmt.Errorf("ask for the time: %w", err)
	}
	micros, err := strconv.ParseInt(rows[0][0], 10, 64)
	return time.UnixMicro(micros).UTC(), err
}

func (s *pgSession) share(ctx context.Context) (string, error) {
	rows, err := s.texts(ctx, "select pg_export_snapshot()")
	if err != nil {
		return "", fmt.Errorf("share the view of one moment: %w", err)
	}
	return rows[0][0], nil
}

func (s *pgSession) join(ctx context.Context, view string, limit time.Duration) error {
	if err := s.run(ctx, beginView+"set transaction snapshot '"+view+"'; "+inView+milliseconds(limit)); err != nil {
		return fmt.Errorf("join the view of one moment: %w", err)
	}
	s.inside = true
	return nil
}

func (s *pgSession) rest(ctx context.Context) error {
	s.inside = false
	return s.run(ctx, "rollback")
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }

func (s *pgSession) limit(ctx context.Context, d time.Duration) error {
	return s.run(ctx, "set local statement_timeout = "+milliseconds(d))
}

// rows runs the select as a statement that is planned with its values.
func (s *pgSession) rows(ctx context.Context, query string, args *arguments, columns []column, each func([][]byte) error) error {
	formats := []int16{0}
	if columns != nil {
		formats = make([]int16, len(columns))
		for i := range columns {
			if columns[i].binary {
				formats[i] = 1
			}
		}
	}
	result := s.conn.ExecParams(ctx, query, args.values, args.types, nil, formats)
	for result.NextRow() {
		if err := each(result.Values()); err != nil {
			_, closeErr := result.Close()
			return errors.Join(err, closeErr)
		}
	}
	_, err := result.Close()
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *pgSession) describe(ctx context.Context, query string) ([]column, error) {
	statement, err := s.conn.Prepare(ctx, "", query, nil)
	if err != nil {
		return nil, err
	}
	columns := make([]column, len(statement.Fields))
	for i, f := range statement.Fields {
		columns[i] = pgColumn(f.Name, f.DataTypeOID, s.conn.ParameterStatus("server_encoding"))
	}
	if err := s.typeNames(ctx, columns); err != nil {
		return nil, err
	}
	return columns, nil
}

// typeNames asks for the names of types.
func (s *pgSession) typeNames(ctx context.Context, columns []column) error {
	var list []string
	for i := range columns {
		list = append(list, strconv.FormatUint(uint64(columns[i].oid), 10))
	}
	rows, err := s.texts(ctx, "select oid::text, format_type(oid, null), typtype, typcategory from pg_catalog.pg_type where oid = any ($1::oid[])", "{"+strings.Join(list, ",")+"}")
	if err != nil {
		return fmt.Errorf("ask for the types of columns: %w", err)
	}
	for _, row := range rows {
		for i := range columns {
			if strconv.FormatUint(uint64(columns[i].oid), 10) == row[0] {
				columns[i].typ = row[1]
			}
		}
	}
	return nil
}

func (s *pgSession) look(ctx context.Context, p *plan) (*relation, error) {
	r := &relation{rows: -1}
	from := s.server.table(p.config.Table)
	if p.config.Query != "" {
		from = "(" + p.config.Query + ") q"
	}
	var err error
	if r.columns, err = s.describe(ctx, "select * from "+from); err != nil {
		return nil, s.lookError(ctx, p, err)
	}
	for i := range r.columns {
		r.columns[i].nullable = true
	}
	if p.config.Query != "" {
		return r, nil
	}
	return r, errors.Join(s.attributes(ctx, r, from), s.indexes(ctx, r, from))
}

// lookError puts the place in the configuration to an error about a table or query.
func (s *pgSession) lookError(ctx context.Context, p *plan, err error) error {
	if code(err) != "42P01" || p.config.Query != "" {
		at := p.node.Get("table")
		if p.config.Query != "" {
			at = p.node.Get("query")
		}
		return at.Errorf("look at %s: %w", p.from, err)
	}
	rows, listErr := s.texts(ctx, `select case when n.nspname = any (current_schemas(false)) then c.relname else n.nspname || '.' || c.relname end
		from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'v', 'm', 'p', 'f') and n.nspname not in ('pg_catalog', 'information_schema') limit 5000`)
	if listErr != nil {
		return errors.Join(err, listErr)
	}
	var names []string
	for _, row := range rows {
		names = append(names, row[0])
	}
	return p.node.Get("table").Errorf("there is no table %s%s", p.config.Table, spec.Hint(p.config.Table, names))
}

// attributes finds out which columns may be without a value, compare texts loosely,
// or must not be read, and how many rows there are, about.
func (s *pgSession) attributes(ctx context.Context, r *relation, from string) error {
	rows, err := s.texts(ctx, `select a.attname, a.attnotnull::text, has_column_privilege(c.oid, a.attnum, 'select')::text,
			coalesce(not l.collisdeterministic, false)::text, c.reltuples::bigint::text
		from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
			left join pg_catalog.pg_collation l on l.oid = a.attcollation
		where c.oid = $1::regclass`, from)
	if err != nil {
		return fmt.Errorf("look at the columns of %s: %w", from, err)
	}
	r.readable = make([]bool, len(r.columns))
	for _, row := range rows {
		if r.rows, err = strconv.ParseInt(row[4], 10, 64); err != nil {
			return err
		}
		for i := range r.columns {
			if c := &r.columns[i]; c.name == row[0] {
				c.nullable, r.readable[i], c.caseless = row[1] != "true", row[2] == "true", row[3] == "true"
			}
		}
	}
	return nil
}

// indexes finds the primary key, what else tells rows apart, and the columns that
// indexes begin with.
func (s *pgSession) indexes(ctx context.Context, r *relation, from string) error {
	rows, err := s.texts(ctx, `select i.indexrelid::text, i.indisprimary::text,
			(i.indisunique and i.indimmediate and i.indpred is null and i.indexprs is null)::text, a.attname, coalesce(a.attnotnull, false)::text, k.n::text
		from pg_catalog.pg_index i cross join lateral unnest(i.indkey::int2[]) with ordinality k(attnum, n)
			join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
		where i.indrelid = $1::regclass and i.indisvalid and k.n <= i.indnkeyatts order by 1, k.n`, from)
	if err != nil {
		return fmt.Errorf("look at the indexes of %s: %w", from, err)
	}
	byIndex, order := map[string][]string{}, []string{}
	for _, row := range rows {
		id, name := row[0], row[3]
		if row[5] == "1" {
			r.leading = append(r.leading, name)
		}
		switch {
		case row[1] == "true":
			r.primary = append(r.primary, name)
		case row[2] == "true":
			if byIndex[id] == nil {
				order = append(order, id)
			}
			byIndex[id] = append(byIndex[id], name)
		}
	}
	for _, id := range order {
		r.unique = append(r.unique, byIndex[id])
	}
	return nil
}
