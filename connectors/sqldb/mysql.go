package sqldb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"winback/connectors"
)

// MySQL returns the connector "mysql".
func MySQL() *connectors.Connector {
	return &connectors.Connector{
		Name:    "mysql",
		Summary: "tables and queries of a MySQL or MariaDB database, mapped to entities column by column",
		Needs: []string{
			"a user who may read the tables: GRANT SELECT ON shop.orders TO 'winback'@'%'; GRANT SELECT ON shop.customers TO 'winback'@'%';",
			"an index that begins with the column changed_at, and better goes on with the key: CREATE INDEX orders_changes ON orders (updated_at, id);",
		},
		Limits: append(limitsOf("MySQL 5.7 or newer, MariaDB 10.3 or newer; a primary or a replica"),
			"tables of engines without transactions, as MyISAM, are not seen as of one moment"),
		Example:   mysqlExample,
		NewConfig: func() any { return &MySQLConfig{} },
		Open: func(config any, env connectors.Env) (connectors.Source, error) {
			c, ok := config.(*MySQLConfig)
			if !ok {
				return nil, fmt.Errorf("open source %s: configuration is a %T, not a *sqldb.MySQLConfig", env.Name, config)
			}
			return newSource(&c.Reading, c.Node, &mySQL{config: c.Server, socket: string(c.Socket)}, env)
		},
	}
}

const mysqlExample = `connector: mysql
host: db.example.com
database: shop
user: winback
password: ${SHOP_DATABASE_PASSWORD}
tls: require
timezone: Europe/Berlin            # of DATETIME columns
datasets:
  shop.customers:
    table: users
    changed_at: updated_at
    deleted: deleted_at
    fields: {id: id, email: email, registered_at: created_at}
    payload: [newsletter]
  shop.orders:
    table: orders
    changed_at: updated_at
    fields:
      id: id
      customer_id: user_id
      ordered_at: created_at
      status: {column: state, map: {P: placed, D: completed, X: cancelled}}
      items_total: {column: total_cents, factor: "0.01"}
`

// mySQL is a MySQL or MariaDB server.
type mySQL struct {
	config Server
	socket string
}

// settings makes the driver's configuration. Its errors hold no address.
func (m *mySQL) settings() (*mysql.Config, error) {
	c := mysql.NewConfig()
	c.Net, c.User, c.Passwd, c.DBName = "tcp", m.config.User, m.config.Password.Reveal(), m.config.Database
	host, port := m.config.Host, strconv.Itoa(m.config.Port)
	if m.config.URL != "" {
		u, err := url.Parse(m.config.URL.Reveal())
		if err != nil || u.Scheme != "mysql" && u.Scheme != "mariadb" || u.Hostname() == "" {
			return nil, errors.New("the address of the MySQL server cannot be read: it is written as mysql://user:password@host:3306/database, with special characters of the password as %XX")
		}
		host, port, c.User, c.DBName = u.Hostname(), u.Port(), u.User.Username(), strings.Trim(u.Path, "/")
		if password, given := u.User.Password(); given {
			c.Passwd = password
		}
	}
	if port == "0" || port == "" {
		port = "3306"
	}
	c.Addr = net.JoinHostPort(host, port)
	if m.socket != "" {
		c.Net, c.Addr = "unix", m.socket
	}
	c.Timeout, c.Logger, c.MaxAllowedPacket = loginTime, &mysql.NopLogger{}, 0
	if err := c.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, err
	}
	return c, m.secure(c, host)
}

// secure sets what is configured of TLS.
func (m *mySQL) secure(c *mysql.Config, host string) error {
	mode := m.config.TLS
	if m.socket != "" {
		mode = "off"
	}
	switch mode {
	case "off":
		c.TLSConfig = "false"
		return nil
	case "prefer", "":
		c.TLSConfig = "preferred"
		return nil
	case "require":
		c.TLSConfig = "skip-verify"
		if m.config.CA == "" {
			return nil
		}
	}
	settings := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if m.config.CA != "" {
		pem, err := os.ReadFile(string(m.config.CA))
		if err != nil {
			return fmt.Errorf("read the certificates in ca: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s holds no certificates", m.config.CA)
		}
	}
	c.TLS, c.TLSConfig = settings, ""
	return nil
}

func (m *mySQL) open(ctx context.Context) (session, error) {
	config, err := m.settings()
	if err != nil {
		return nil, err
	}
	conn, err := mysqlConnect(ctx, config)
	if err != nil {
		return nil, mysqlLoginError(config.Addr, err)
	}
	s := &mySession{server: m, conn: conn}
	if err := s.begin(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// mysqlLoginError leaves out what is not the server's own word.
func mysqlLoginError(address string, err error) error {
	if server, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return connectors.WholeSource(loginFailure(server), fmt.Errorf("log in to MySQL on %s: %w", address, server))
	}
	return connectors.WholeSource(connectors.ErrUnreachable, fmt.Errorf("reach MySQL on %s: %w", address, err))
}

func (m *mySQL) name(text string) string {
	return "`" + strings.ReplaceAll(text, "`", "``") + "`"
}

func (m *mySQL) table(text string) string {
	parts := splitName(text, '`')
	for i, part := range parts {
		parts[i] = m.name(part)
	}
	return strings.Join(parts, ".")
}

// value writes the text as a literal. Texts are written by their bytes, so that no
// setting of the server changes what they mean.
func (m *mySQL) value(text string, c *column, _ *arguments) string {
	switch c.kind {
	case whole, decimal, truth:
		return text
	case instant, naive, calendarDay:
		return "'" + text + "'"
	case binaryBytes:
		return "x'" + strings.TrimPrefix(text, `\x`) + "'"
	}
	return "_utf8mb4 x'" + hex.EncodeToString([]byte(text)) + "'"
}

// after compares column by column: so an index serves, other than for rows as a
// whole.
func (m *mySQL) after(columns []orderColumn, values []string, args *arguments) string {
	last := len(columns) - 1
	var condition string
	for i := last; i >= 0; i-- {
		left, right := m.ordering(columns[i]), m.place(columns[i], values[i], args)
		if i == last {
			condition = left + " > " + right
			continue
		}
		condition = fmt.Sprintf("(%s > %s or (%s = %s and %s))", left, right, left, right, condition)
	}
	if last > 0 {
		condition = fmt.Sprintf("%s >= %s and %s", m.ordering(columns[0]), m.place(columns[0], values[0], args), condition)
	}
	return condition
}

// place writes a value as what ordering makes of the column.
func (m *mySQL) place(c orderColumn, text string, args *arguments) string {
	if c.exact {
		return m.value(text, &c.column, args)
	}
	return "x'" + hex.EncodeToString([]byte(text)) + "'"
}

// ordering uses the order of bytes where texts that differ may be equal.
func (m *mySQL) ordering(c orderColumn) string {
	if c.exact {
		return c.sql
	}
	return "cast(convert(" + c.sql + " using utf8mb4) as binary)"
}

// hint says what a person can do about an error of MySQL.
func (m *mySQL) hint(d *plan, err error) string {
	server, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return dialHint(err)
	}
	user := m.config.User
	if user == "" {
		user = "the user"
	}
	switch server.Number {
	case 1045, 1698:
		return "look at user and password, and from which hosts the server lets the user in"
	case 1044, 1142, 1143, 1370, 1227:
		return fmt.Sprintf("an administrator can allow it: GRANT SELECT ON %s TO %s", d.from, user)
	case 1049:
		return "look at the name of the database"
	case 1054, 1064:
		return "look at the expressions in the configuration of " + d.name
	case mysqlTimeout, mariadbTimeout:
		return fmt.Sprintf("pages of %s take the server too long: an index on %s would make them short, or raise timeout", d.from, indexHint(d))
	}
	return ""
}

// Numbers of errors that a statement took longer than it may.
const (
	mysqlTimeout   = 3024
	mariadbTimeout = 1969
)
