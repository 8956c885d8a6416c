package sqldb

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"winback/connectors/spec"
)

// myConn is what is used of the driver's connection, without database/sql between:
// that would make a value of its own of each one.
type myConn interface {
	driver.Conn
	driver.QueryerContext
	driver.ExecerContext
}

func mysqlConnect(ctx context.Context, config *mysql.Config) (myConn, error) {
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	usable, ok := conn.(myConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's connection is a %T, which runs no statements", conn), conn.Close())
	}
	return usable, nil
}

// mySession is a connection to MySQL or MariaDB.
type mySession struct {
	server  *mySQL
	conn    myConn
	id      string // of the connection, to stop its statements
	version string
	mariadb bool

	dest    []driver.Value
	values  [][]byte
	scratch []byte
}

func (s *mySession) close() { _ = s.conn.Close() } // it was only read from

func (s *mySession) run(ctx context.Context, statement string) error {
	_, err := s.conn.ExecContext(ctx, statement, nil)
	return err
}

// begin finds out what kind of server it is, and has it tell times in UTC.
func (s *mySession) begin(ctx context.Context) error {
	rows, err := s.texts(ctx, "select version(), connection_id()")
	if err != nil {
		return fmt.Errorf("ask for the version: %w", err)
	}
	s.version, s.id = rows[0][0], rows[0][1]
	s.mariadb = strings.Contains(s.version, "MariaDB")
	for _, statement := range []string{"set session time_zone = '+00:00'", "set session transaction isolation level repeatable read"} {
		if err := s.run(ctx, statement); err != nil {
			return fmt.Errorf("begin to read: %w", err)
		}
	}
	return nil
}

// texts runs a select and returns its rows as texts.
func (s *mySession) texts(ctx context.Context, query string) ([][]string, error) {
	var rows [][]string
	err := s.rows(ctx, query, nil, nil, func(values [][]byte) error {
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = string(v)
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}

func (s *mySession) about(ctx context.Context) (string, error) {
	rows, err := s.texts(ctx, "select database(), current_user(), @@global.read_only")
	if err != nil {
		return "", err
	}
	number, _, _ := strings.Cut(s.version, "-")
	name := "MySQL"
	if s.mariadb {
		name = "MariaDB"
	}
	text := fmt.Sprintf("%s %s, database %s, as %s", name, number, rows[0][0], rows[0][1])
	if rows[0][2] == "1" {
		text += ", read-only"
	}
	return text, nil
}

func (s *mySession) snapshot(ctx context.Context, limit time.Duration) (time.Time, error) {
	if err := s.limit(ctx, limit); err != nil {
		return time.Time{}, err
	}
	if err := s.run(ctx, "start transaction with consistent snapshot, read only"); err != nil {
		return time.Time{}, fmt.Errorf("begin to read: %w", err)
	}
	rows, err := s.texts(ctx, "select utc_timestamp(6)")
	if err != nil {
		return time.Time{}, fmt.Errorf("ask for the time: %w", err)
	}
	return time.Parse("2006-01-02 15:04:05.999999", rows[0][0])
}

// share shares nothing: MySQL has no views that several connections see.
func (s *mySession) share(context.Context) (string, error) { return "", nil }

func (s *mySession) join(ctx context.Context, _ string, limit time.Duration) error {
	_, err := s.snapshot(ctx, limit)
	return err
}

func (s *mySession) rest(ctx context.Context) error { return s.run(ctx, "rollback") }

func (s *mySession) limit(ctx context.Context, d time.Duration) error {
	if s.mariadb {
		return s.run(ctx, "set session max_statement_time = "+strconv.FormatFloat(d.Seconds(), 'f', 3, 64))
	}
	return s.run(ctx, "set session max_execution_time = "+milliseconds(d))
}

// rows runs the select. Who stops waiting for it has it stopped on the server.
func (s *mySession) rows(ctx context.Context, query string, _ *arguments, columns []column, each func([][]byte) error) (err error) {
	stop := s.killWith(ctx)
	defer func() {
		stop()
		if err != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
	rows, err := s.conn.QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	n := len(rows.Columns())
	s.dest, s.values = slices.Grow(s.dest[:0], n)[:n], slices.Grow(s.values[:0], n)[:n]
	for {
		if err := rows.Next(s.dest); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := each(s.raw(columns)); err != nil {
			return err
		}
	}
}

// killWith stops the running statement when ctx ends. The function it returns waits
// until that is done, if it has begun.
func (s *mySession) killWith(ctx context.Context) func() {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), cancelTime)
		defer cancel()
		config, err := s.server.settings()
		if err != nil {
			return
		}
		conn, err := mysqlConnect(ctx, config)
		if err != nil {
			return // the server notices when it next writes to the connection
		}
		_, _ = conn.ExecContext(ctx, "kill query "+s.id, nil) // it may be over
		_ = conn.Close()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// raw turns the driver's values into bytes: numbers into eight, or into text where
// the columns are not known.
func (s *mySession) raw(columns []column) [][]byte {
	s.scratch = s.scratch[:0]
	for i, v := range s.dest {
		from := len(s.scratch)
		switch v := v.(type) {
		case nil:
			s.values[i] = nil
			continue
		case []byte:
			if v == nil {
				v = []byte{}
			}
			s.values[i] = v
			continue
		case int64:
			s.scratch = appendNumber(s.scratch, uint64(v), columns == nil)
		case uint64:
			s.scratch = appendNumber(s.scratch, v, columns == nil)
		case float32:
			s.scratch = binary.LittleEndian.AppendUint32(s.scratch, math.Float32bits(v))
		case float64:
			s.scratch = binary.LittleEndian.AppendUint64(s.scratch, math.Float64bits(v))
		default:
			s.scratch = fmt.Append(s.scratch, v)
		}
		s.values[i] = s.scratch[from:len(s.scratch):len(s.scratch)]
	}
	return s.values
}

func appendNumber(into []byte, n uint64, asText bool) []byte {
	if asText {
		return strconv.AppendInt(into, int64(n), 10)
	}
	return binary.LittleEndian.AppendUint64(into, n)
}

func (s *mySession) describe(ctx context.Context, query string) ([]column, error) {
	rows, err := s.conn.QueryContext(ctx, query+" limit 0", nil)
	if err != nil {
		return nil, err
	}
	names := rows.Columns()
	types, ok := rows.(driver.RowsColumnTypeDatabaseTypeName)
	if !ok {
		return nil, errors.Join(errors.New("the driver does not tell the types of columns"), rows.Close())
	}
	columns := make([]column, len(names))
	for i, name := range names {
		columns[i] = myColumn(name, types.ColumnTypeDatabaseTypeName(i))
	}
	return columns, rows.Close()
}

func (s *mySession) look(ctx context.Context, p *plan) (*relation, error) {
	r := &relation{rows: -1}
	if p.config.Query != "" {
		var err error
		if r.columns, err = s.describe(ctx, "select * from ("+p.config.Query+") q"); err != nil {
			return nil, p.node.Get("query").Errorf("look at %s: %w", p.from, err)
		}
		for i := range r.columns {
			r.columns[i].nullable, r.columns[i].caseless = true, true
		}
		return r, nil
	}
	attributes, err := s.attributes(ctx, p)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(attributes))
	for i, a := range attributes {
		names[i] = s.server.name(a[0])
	}
	if r.columns, err = s.describe(ctx, "select "+strings.Join(names, ", ")+" from "+s.server.table(p.config.Table)); err != nil {
		return nil, err
	}
	for i, a := range attributes {
		c := &r.columns[i]
		c.nullable, c.caseless, c.typ = a[1] == "YES", !strings.HasSuffix(a[2], "_bin") && a[2] != "", a[3]
	}
	return r, s.indexes(ctx, p, r)
}

// where names a table in the catalogue.
func (s *mySession) where(p *plan) string {
	parts := splitName(p.config.Table, '`')
	schema := "database()"
	if len(parts) > 1 {
		schema = s.server.value(parts[0], &column{}, nil)
	}
	return fmt.Sprintf("table_schema = %s and table_name = %s", schema, s.server.value(parts[len(parts)-1], &column{}, nil))
}

// attributes lists the columns that may be read: name, whether they may be without
// a value, collation, type.
func (s *mySession) attributes(ctx context.Context, p *plan) ([][]string, error) {
	rows, err := s.texts(ctx, `select column_name, is_nullable, coalesce(collation_name, ''), column_type, privileges
		from information_schema.columns where `+s.where(p)+` order by ordinal_position`)
	if err != nil {
		return nil, fmt.Errorf("look at the columns of %s: %w", p.from, err)
	}
	readable := slices.DeleteFunc(rows, func(row []string) bool { return !strings.Contains(row[4], "select") })
	if len(readable) > 0 {
		return readable, nil
	}
	if _, err = s.describe(ctx, "select 1 from "+s.server.table(p.config.Table)); err == nil {
		return nil, p.node.Errorf("none of the columns of %s may be read", p.from)
	}
	if server, ok := errors.AsType[*mysql.MySQLError](err); !ok || server.Number != 1146 {
		return nil, err
	}
	rows, err = s.texts(ctx, "select table_name from information_schema.tables where table_schema = database() limit 5000")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, row := range rows {
		names = append(names, row[0])
	}
	return nil, p.node.Get("table").Errorf("there is no table %s%s", p.config.Table, spec.Hint(p.config.Table, names))
}

// indexes finds the primary key, what else tells rows apart, the columns that
// indexes begin with, and how many rows there are, about.
func (s *mySession) indexes(ctx context.Context, p *plan, r *relation) error {
	rows, err := s.texts(ctx, `select index_name, column_name, non_unique, seq_in_index, coalesce(sub_part, ''), coalesce(nullable, '')
		from information_schema.statistics where `+s.where(p)+` order by index_name, seq_in_index`)
	if err != nil {
		return fmt.Errorf("look at the indexes of %s: %w", p.from, err)
	}
	unique, partial := map[string][]string{}, map[string]bool{}
	for _, row := range rows {
		index, name := row[0], row[1]
		if row[3] == "1" {
			r.leading = append(r.leading, name)
		}
		partial[index] = partial[index] || row[4] != "" || name == ""
		switch {
		case index == "PRIMARY":
			r.primary = append(r.primary, name)
		case row[2] == "0":
			unique[index] = append(unique[index], name)
		}
	}
	for index, columns := range unique {
		if !partial[index] {
			r.unique = append(r.unique, columns)
		}
	}
	rows, err = s.texts(ctx, "select coalesce(table_rows, -1) from information_schema.tables where "+s.where(p))
	if err != nil || len(rows) == 0 {
		return err
	}
	r.rows, err = strconv.ParseInt(rows[0][0], 10, 64)
	return err
}
