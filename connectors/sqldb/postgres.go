package sqldb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"

	"winback/connectors"
)

// Postgres returns the connector "postgres".
func Postgres() *connectors.Connector {
	return &connectors.Connector{
		Name:    "postgres",
		Summary: "tables and queries of a PostgreSQL database, mapped to entities column by column",
		Needs: []string{
			"a user who may log in and read the tables: GRANT CONNECT ON DATABASE shop TO winback; GRANT USAGE ON SCHEMA public TO winback; GRANT SELECT ON public.orders, public.customers TO winback;",
			"an index that begins with the column changed_at, and better goes on with the key: CREATE INDEX CONCURRENTLY ON orders (updated_at, id);",
		},
		Limits:    limitsOf("PostgreSQL 11 or newer, or what speaks its protocol; a primary, a read replica, or a pooler in front of them"),
		Example:   postgresExample,
		NewConfig: func() any { return &PostgresConfig{} },
		Open: func(config any, env connectors.Env) (connectors.Source, error) {
			c, ok := config.(*PostgresConfig)
			if !ok {
				return nil, fmt.Errorf("open source %s: configuration is a %T, not a *sqldb.PostgresConfig", env.Name, config)
			}
			return newSource(&c.Reading, c.Node, &postgres{config: c.Server}, env)
		},
	}
}

// limitsOf are the limits of both kinds of database.
func limitsOf(versions string) []string {
	return []string{
		versions,
		"reads only, in views of one moment (repeatable read), a slice each: rows of one slice fit together, those of different slices may be of different moments",
		"pages are made so large that a statement takes about half a second; what takes the server longer than timeout is asked for in smaller pages",
		"one connection at a time",
		"without changed_at or append_only a table is read whole every time",
		"rows that were deleted are noticed by comparing all keys, once a week unless sweep says otherwise, or by the column that deleted names",
	}
}

const postgresExample = `connector: postgres
host: db.example.com
database: shop
user: winback
password: ${SHOP_DATABASE_PASSWORD}
tls: verify
timezone: Europe/Berlin            # of columns without a zone
datasets:
  shop.customers:
    table: public.users
    changed_at: updated_at
    deleted: deleted_at
    fields: {id: id, email: email, registered_at: created_at}
    payload: [newsletter]
  shop.orders:
    table: public.orders
    changed_at: updated_at
    fields:
      id: id
      customer_id: user_id
      ordered_at: created_at
      status: {column: state, map: {P: placed, D: completed, X: cancelled}}
      items_total: {column: total_cents, factor: "0.01"}
`

// postgres is a PostgreSQL server.
type postgres struct{ config Server }

// settings makes the driver's configuration. Its errors hold no address.
func (p *postgres) settings() (*pgconn.Config, error) {
	config, err := pgconn.ParseConfig(p.address())
	if err != nil {
		return nil, errors.New("the address of the PostgreSQL server cannot be read: it is written as postgres://user:password@host:5432/database, with special characters of the password as %XX")
	}
	if password := p.config.Password.Reveal(); password != "" {
		config.Password = password
	}
	config.ConnectTimeout = loginTime
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		return pgproto3.NewFrontend(bufio.NewReaderSize(r, readAhead), w)
	}
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: cancelTime}
	}
	return config, nil
}

const (
	readAhead  = 256 << 10
	loginTime  = 15 * time.Second
	cancelTime = 3 * time.Second
)

// address is the URL as configured, or one made of the keys, without a password.
func (p *postgres) address() string {
	c := p.config
	if c.URL != "" {
		if c.TLS == "prefer" && c.CA == "" || strings.Contains(c.URL.Reveal(), "sslmode=") {
			return c.URL.Reveal()
		}
		separator := "?"
		if strings.Contains(c.URL.Reveal(), "?") {
			separator = "&"
		}
		return c.URL.Reveal() + separator + p.tls().Encode()
	}
	query := p.tls()
	u := url.URL{Scheme: "postgres", User: url.User(c.User), Path: "/" + c.Database}
	port := strconv.Itoa(c.Port)
	if c.Port == 0 {
		port = "5432"
	}
	if strings.HasPrefix(c.Host, "/") { // the folder of a socket
		query.Set("host", c.Host)
		query.Set("port", port)
	} else {
		u.Host = net.JoinHostPort(c.Host, port)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

func (p *postgres) tls() url.Values {
	query := url.Values{}
	query.Set("sslmode", map[string]string{"off": "disable", "prefer": "prefer", "require": "require", "verify": "verify-full"}[p.config.TLS])
	if p.config.CA != "" {
		query.Set("sslrootcert", string(p.config.CA))
	}
	return query
}

func (p *postgres) open(ctx context.Context) (session, error) {
	config, err := p.settings()
	if err != nil {
		return nil, err
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, loginError(config.Host, err)
	}
	return &pgSession{server: p, conn: conn}, nil
}

// loginError leaves out what the driver says of the address, user and database.
func loginError(host string, err error) error {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return connectors.WholeSource(loginFailure(server), fmt.Errorf("log in to PostgreSQL on %s: %w", host, server))
	}
	if network, ok := errors.AsType[net.Error](err); ok {
		return connectors.WholeSource(connectors.ErrUnreachable, fmt.Errorf("reach PostgreSQL on %s: %w", host, network))
	}
	cause := err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	return connectors.WholeSource(connectors.ErrUnreachable, fmt.Errorf("reach PostgreSQL on %s: %w", host, cause))
}

func (p *postgres) name(text string) string {
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// table quotes the parts of a table's name.
func (p *postgres) table(text string) string {
	parts := splitName(text, '"')
	for i, part := range parts {
		parts[i] = p.name(part)
	}
	return strings.Join(parts, ".")
}

// splitName splits a name at its dots, except those within quotes.
func splitName(text string, quote byte) []string {
	parts, within := []string{""}, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			within = !within
		case c == '.' && !within:
			parts = append(parts, "")
		default:
			parts[len(parts)-1] += string(c)
		}
	}
	return parts
}

// value sends the text beside the statement, as the type of the column.
func (p *postgres) value(text string, c *column, args *arguments) string {
	args.values, args.types = append(args.values, []byte(text)), append(args.types, c.oid)
	return "$" + strconv.Itoa(len(args.values))
}

// after compares rows as a whole, for which an index serves.
func (p *postgres) after(columns []orderColumn, values []string, args *arguments) string {
	left, right := make([]string, len(columns)), make([]string, len(columns))
	for i := range columns {
		left[i], right[i] = p.ordering(columns[i]), p.value(values[i], &columns[i].column, args)
	}
	if len(columns) == 1 {
		return left[0] + " > " + right[0]
	}
	return "(" + strings.Join(left, ", ") + ") > (" + strings.Join(right, ", ") + ")"
}

// ordering uses the order of bytes where texts that differ may be equal.
func (p *postgres) ordering(c orderColumn) string {
	if c.exact {
		return c.sql
	}
	return c.sql + ` collate "C"`
}
