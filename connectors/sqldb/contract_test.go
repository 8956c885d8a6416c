package sqldb

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/sqldb/sqldbtest"
)

func TestPostgres_Contract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Subject{Connector: inSmallPages(Postgres()), Start: startPostgres, Idle: shopCustomers})
}

func TestMySQL_Contract(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Subject{Connector: inSmallPages(MySQL()), Start: startMySQL, Idle: shopCustomers})
}

// inSmallPages has a connector read a few rows at a time, in slices of some hundred.
func inSmallPages(c *connectors.Connector) *connectors.Connector {
	open := c.Open
	c.Open = func(config any, env connectors.Env) (connectors.Source, error) {
		opened, err := open(config, env)
		if s, ok := opened.(*source); ok {
			s.pages, s.slices.rows = pageSizes{20, 20}, 300
		}
		return opened, err
	}
	return c
}

// shop is a database with orders, which have a time of change, and customers, which
// have none and are read whole.
type shop struct {
	t      testing.TB
	clock  connectors.Clock
	exec   func(statements string)
	cut    func() // ends all other connections to the database
	config string
	orders map[int]bool
	added  []string // on their way to the table
	last   int
	taken  int // orders that were touched or removed so far
}

const shopDatasets = `
datasets:
  shop.orders:
    changed_at: updated_at
    table: orders
    fields: {id: id, ordered_at: made_at, items_total: amount}
  shop.customers:
    table: customers
    fields: {id: id, first_name: name}
`

const (
	shopOrders    = 600
	shopCustomers = 90
)

func newShop(t testing.TB, clock connectors.Clock, exec func(string)) *shop {
	s := &shop{t: t, clock: clock, exec: exec, orders: map[int]bool{}}
	exec("create table orders (id bigint primary key, made_at timestamp not null, updated_at timestamp not null, amount numeric(10,2)); create index orders_changed on orders (updated_at, id)")
	exec("create table customers (id int primary key, name varchar(20))")
	for range shopOrders {
		s.add(connectortest.Began.Add(time.Duration(s.last/2-shopOrders) * 6 * time.Hour))
	}
	var customers []string
	for i := range shopCustomers {
		customers = append(customers, fmt.Sprintf("(%d, 'customer %[1]d')", i))
	}
	exec("insert into customers values " + strings.Join(customers, ","))
	s.flush()
	return s
}

// startPostgres makes a shop in a database of its own of the tests' PostgreSQL.
func startPostgres(t testing.TB, clock connectors.Clock) connectortest.Fake {
	server := postgresServer(t)
	db := server.Database(t, nextDatabase())
	s := newShop(t, clock, func(statements string) { db.Exec(t, statements) })
	s.config = fmt.Sprintf("connector: postgres\nhost: 127.0.0.1\nport: %d\ndatabase: %s\nuser: admin\npassword: ${SHOP_PASSWORD}\n", server.Port, db.Name)
	s.cut = func() {
		db.Exec(t, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
	}
	return s
}

// startMySQL makes a shop in a database of its own of the tests' MariaDB.
func startMySQL(t testing.TB, clock connectors.Clock) connectortest.Fake {
	server := mariadbServer(t)
	db := server.Database(t, nextDatabase())
	s := newShop(t, clock, func(statements string) { db.Exec(t, statements) })
	s.config = fmt.Sprintf("connector: mysql\nhost: 127.0.0.1\nport: %d\ndatabase: %s\nuser: admin\npassword: ${SHOP_PASSWORD}\n", server.Port, db.Name)
	s.cut = func() {
		for {
			id := db.Text(t, "select id from information_schema.processlist where db = database() and id <> connection_id() and command <> 'Killed' limit 1")
			if id == "" || db.Try("kill "+id) == nil {
				return // it may have gone by itself
			}
		}
	}
	return s
}

var databases atomic.Int64

// nextDatabase is a name that no other test has.
func nextDatabase() string { return fmt.Sprintf("contract_%d", databases.Add(1)) }

const written = "2006-01-02 15:04:05"

// add makes an order, which flush writes.
func (s *shop) add(at time.Time) (id int) {
	s.last++
	s.orders[s.last] = true
	s.added = append(s.added, fmt.Sprintf("(%d, '%s', '%[2]s', %[1]d.5)", s.last, at.Format(written)))
	return s.last
}

func (s *shop) flush() {
	s.exec("insert into orders values " + strings.Join(s.added, ","))
	s.added = nil
}

func (s *shop) Server() *connectortest.Server { return nil }
func (s *shop) Config() string                { return s.config + "timezone: UTC" + shopDatasets }
func (s *shop) Variables() map[string]string {
	return map[string]string{"SHOP_PASSWORD": sqldbtest.Password}
}
func (s *shop) Wrong() map[string]string {
	return map[string]string{"SHOP_PASSWORD": "wrong-password-9"}
}
func (s *shop) Expire() bool { return false }

func (s *shop) Rows() map[string][]string {
	rows := map[string][]string{"shop.orders": nil, "shop.customers": nil}
	for id := range s.orders {
		rows["shop.orders"] = append(rows["shop.orders"], strconv.Itoa(id))
	}
	for i := range shopCustomers {
		rows["shop.customers"] = append(rows["shop.customers"], strconv.Itoa(i))
	}
	return rows
}

// some are n orders that were not taken before.
func (s *shop) some(n int) (ids []int) {
	for len(ids) < n {
		s.taken++
		if id := s.taken * 7 % shopOrders; s.orders[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *shop) Touch(n int) map[string][]string {
	now := s.clock.Now().Format(written)
	var keys []string
	for _, id := range s.some(n) {
		s.exec(fmt.Sprintf("update orders set amount = -1, updated_at = '%s' where id = %d", now, id))
		keys = append(keys, strconv.Itoa(id))
	}
	keys = append(keys, strconv.Itoa(s.add(s.clock.Now())))
	s.flush()
	return map[string][]string{"shop.orders": keys}
}

func (s *shop) Remove(n int) map[string][]string {
	var keys []string
	for _, id := range s.some(n) {
		s.exec(fmt.Sprintf("delete from orders where id = %d", id))
		delete(s.orders, id)
		keys = append(keys, strconv.Itoa(id))
	}
	return map[string][]string{"shop.orders": keys}
}

func (s *shop) Troubles() map[string]func() {
	return map[string]func(){"lost connections": s.cut}
}

func (s *shop) Down() (string, error) {
	kind, _, _ := strings.Cut(s.config, "\n")
	return kind + "\nhost: 127.0.0.1\nport: 1\ndatabase: shop\nuser: admin\npassword: ${SHOP_PASSWORD}\n" + shopDatasets, connectors.ErrUnreachable
}
