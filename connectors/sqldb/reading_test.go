package sqldb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/entity"
	"winback/connectors/sqldb/sqldbtest"
)

const orders = `
datasets:
  shop.orders:
    table: orders
    changed_at: updated_at
    fields: {id: id, ordered_at: made_at, items_total: amount}
`

// makeOrders makes so many orders, one an hour from the beginning of 2024 on, two
// with the same time of change each.
func makeOrders(n int) string {
	return fmt.Sprintf(`
		create table orders (id bigint primary key, made_at timestamptz, updated_at timestamptz not null, amount numeric(10,2));
		insert into orders select i, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 hour', timestamptz '2024-01-01 00:00:00+00' + (i / 2) * interval '2 hours', i / 100.0 from generate_series(0, %d) i;
		create index on orders (updated_at, id)`, n-1)
}

// A first run is read in slices that end with months; each goes on where the one
// before ended, and rows with the same time of change come once.
func TestReading_FirstRunInMonths(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(3000)) // to the beginning of May
	r := openPostgres(t, server.URL("admin", db.Name), orders)
	r.source.slices.rows = 100
	shrinkPages(r, 50)
	m := r.run()
	equal(t, "rows", len(m.Keys("shop.orders")), 3000)
	equal(t, "rows handed over", m.Written("shop.orders"), 3000)
	equal(t, "counts", m.Counts("shop.orders"), connectors.Counts{Read: 3000, Expected: 3000})
	equal(t, "slices", r.slices, 5)
	var places []string
	for _, text := range r.cursors {
		var c cursor
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		places = append(places, fmt.Sprintf("%s%s %v", c.From, c.After, c.Done))
	}
	equal(t, "places", lines(places), `2024-02-01 00:00:00.000000+00[] false
2024-03-01 00:00:00.000000+00[] false
2024-04-01 00:00:00.000000+00[] false
2024-05-01 00:00:00.000000+00[] false
[2024-05-04 22:00:00+00 2999] true`)
	equal(t, "order", m.Row("shop.orders", "2999"), "currency=EUR id=2999 items_total=29.99 ordered_at=2024-05-04T23:00:00Z source_updated_at=2024-05-04T22:00:00Z")
}

// shrinkPages has a rig read pages of so many rows.
func shrinkPages(r *rig, rows int) { r.source.pages = pageSizes{rows, rows} }

// Later runs read what changed since, and nothing when nothing did.
func TestReading_Changes(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(500))
	r := openPostgres(t, server.URL("admin", db.Name), orders)
	shrinkPages(r, 7)
	r.run()
	equal(t, "cursors after nothing new", len(r.cursors), 1)
	m := r.run()
	equal(t, "rows when nothing changed", m.Written("shop.orders"), 0)
	equal(t, "cursors when nothing changed", len(r.cursors), 1)

	db.Exec(t, `update orders set amount = 99, updated_at = '2024-03-01' where id between 10 and 14; insert into orders values (1000, now(), now(), 1)`)
	m = r.run()
	equal(t, "changed", lines(m.Keys("shop.orders")), "10\n1000\n11\n12\n13\n14")
	contains(t, m.Row("shop.orders", "10"), "items_total=99")

	// A transaction that was open then has an earlier time.
	db.Exec(t, `insert into orders values (1001, now(), now() - interval '5 minutes', 1)`)
	m = r.run()
	equal(t, "late", lines(m.Keys("shop.orders")), "1000\n1001")
}

// Everything is read by composite keys of any types, in their order.
func TestReading_WholeByCompositeKey(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, `
		create table lines (shop text, made timestamp, no numeric(10,2), order_id text, price numeric(10,2), primary key (shop, made, no));
		insert into lines select 'shop ' || (i % 7), timestamp '2024-03-31 00:00:00' + (i / 50) * interval '1 minute', i, 'o' || i / 3, i from generate_series(1, 1000) i`)
	r := openPostgres(t, server.URL("admin", db.Name), `
datasets:
  lines:
    entity: shop.order_lines
    fields: {order_id: order_id, line_no: no, price: price, name: shop}
`)
	shrinkPages(r, 13)
	r.source.slices.rows = 400
	m := r.run()
	equal(t, "rows", m.Written("shop.order_lines"), 1000)
	equal(t, "distinct", len(m.Keys("shop.order_lines")), 1000)
	equal(t, "slices", r.slices, 3)
	equal(t, "counts", m.Counts("shop.order_lines"), connectors.Counts{Read: 1000, Expected: 1000})
	equal(t, "rows of the next run", r.run().Written("shop.order_lines"), 1000)
}

// Rows that are only added are read behind the last one, with some before it again.
func TestReading_AppendOnly(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(300))
	r := openPostgres(t, server.URL("admin", db.Name), `
datasets:
  shop.orders:
    table: orders
    append_only: true
    overlap: 3
    fields: {id: id}
`)
	shrinkPages(r, 20)
	r.source.slices.rows = 100
	equal(t, "rows", r.run().Written("shop.orders"), 300)
	equal(t, "slices", r.slices, 3)
	db.Exec(t, `insert into orders values (300, now(), now(), 1)`)
	equal(t, "behind", lines(r.run().Keys("shop.orders")), "296\n297\n298\n299\n300")
}

// Rows without a time of change are read every time, and told.
func TestReading_WithoutTimeOfChange(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(100)+`; alter table orders alter updated_at drop not null; update orders set updated_at = null where id % 4 = 0`)
	r := openPostgres(t, server.URL("admin", db.Name), orders)
	shrinkPages(r, 7)
	m := r.run()
	equal(t, "rows", m.Written("shop.orders"), 100)
	equal(t, "counts", m.Counts("shop.orders"), connectors.Counts{Read: 100, Expected: 100})
	equal(t, "told", m.Notices()[0].Text, "25 rows of orders have no updated_at and are read every time; an expression such as changed_at: coalesce(updated_at, created_at) spares that")
	equal(t, "rows again", r.run().Written("shop.orders"), 25)

	r = openPostgres(t, server.URL("admin", db.Name), strings.Replace(orders, "updated_at\n", "coalesce(updated_at, made_at)\n", 1))
	equal(t, "rows by an expression", r.run().Written("shop.orders"), 100)
	equal(t, "rows again by an expression", r.run().Written("shop.orders"), 0)
}

// A query may stand for a table.
func TestReading_Query(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(50))
	r := openPostgres(t, server.URL("admin", db.Name), `
datasets:
  shop.orders:
    query: |
      select o.*, o.id % 2 = 0 as even from orders o;
    where: id < 40
    key: id
    fields:
      id: id
      items_total: {sql: amount * 2}
      status: {const: paid, when: [{column: even, equals: "true", value: shipped}]}
    payload: none
`)
	shrinkPages(r, 9)
	m := r.run()
	equal(t, "rows", m.Written("shop.orders"), 40)
	equal(t, "row", m.Row("shop.orders", "38"), "currency=EUR id=38 items_total=0.76 status=shipped")
	equal(t, "row", m.Row("shop.orders", "39"), "currency=EUR id=39 items_total=0.78 status=paid")
}

// The server's mark of deletion becomes ours; what is gone is found by its key.
func TestReading_Deleted(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(20)+`; alter table orders add gone timestamptz; update orders set gone = now() where id = 3`)
	r := openPostgres(t, server.URL("admin", db.Name), orders+"    deleted: gone\n")
	m := r.run()
	contains(t, m.Row("shop.orders", "3"), "deleted=true")
	if strings.Contains(m.Row("shop.orders", "4"), "deleted") {
		t.Error("an order is deleted that is not")
	}
	r = openPostgres(t, server.URL("admin", db.Name), orders+"    deleted: id % 10 = 1\n    sweep: 1d\n")
	m = r.run()
	contains(t, m.Row("shop.orders", "11"), "deleted=true")

	db.Exec(t, `delete from orders where id in (5, 6)`)
	schemas, every := r.source.Sweeps("shop.orders")
	equal(t, "sweeps", fmt.Sprint(len(schemas), " ", schemas[0].FullName(), " ", every), "1 shop.orders 24h0m0s")
	var keys []string
	err := r.source.Sweep(context.Background(), "shop.orders", schemas[0], func(key ...string) { keys = append(keys, strings.Join(key, "/")) })
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "keys", strings.Join(keys, " "), "0 1 2 3 4 7 8 9 10 11 12 13 14 15 16 17 18 19")
}

// A range of time is read again, in slices, and leaves no cursor.
func TestReading_Range(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(3000))
	r := openPostgres(t, server.URL("admin", db.Name), orders)
	shrinkPages(r, 50)
	r.source.slices.rows = 100
	equal(t, "backfills", r.source.Backfills("shop.orders"), true)
	m, err := r.try(context.Background(), &connectors.Range{From: day(2024, 1, 20), Until: day(2024, 3, 2)})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rows", m.Written("shop.orders"), 42*24)
	equal(t, "counts", m.Counts("shop.orders"), connectors.Counts{Read: 42 * 24, Expected: 42 * 24})
	equal(t, "slices", r.slices, 3)
	equal(t, "cursors", len(r.cursors), 0)
}

func day(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

// Times without a zone are of the configured one: an hour that comes twice is the
// earlier one, and changes are read from before it.
func TestReading_LocalTimes(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, `
		create table orders (id int primary key, made_at timestamp, updated_at timestamp not null);
		insert into orders values
			(1, '2024-03-31 02:30:00', '2024-03-31 01:59:59'), (2, '2024-10-27 02:30:00', '2024-10-27 02:30:00'),
			(3, '2024-10-27 03:00:00', '2024-10-27 03:00:00')`)
	r := openPostgres(t, server.URL("admin", db.Name), strings.Replace(orders, ", items_total: amount", "", 1)+"timezone: Europe/Berlin\n")
	m := r.run()
	equal(t, "skipped hour", m.Row("shop.orders", "1"), "currency=EUR id=1 ordered_at=2024-03-31T01:30:00Z source_updated_at=2024-03-31T00:59:59Z")
	equal(t, "double hour", m.Row("shop.orders", "2"), "currency=EUR id=2 ordered_at=2024-10-27T00:30:00Z source_updated_at=2024-10-27T00:30:00Z")
	equal(t, "after it", m.Row("shop.orders", "3"), "currency=EUR id=3 ordered_at=2024-10-27T02:00:00Z source_updated_at=2024-10-27T02:00:00Z")
	db.Exec(t, `insert into orders select 4, t, t - interval '1 hour' from (select now() at time zone 'Europe/Berlin' t) x`)
	r.run()
	db.Exec(t, `insert into orders select 5, t, t - interval '65 minutes' from (select now() at time zone 'Europe/Berlin' t) x`)
	equal(t, "late by an hour", lines(r.run().Keys("shop.orders")), "4\n5")
}

// A slice sees one moment: rows that change or vanish meanwhile come as they were,
// and the next run brings them as they are.
func TestReading_OneMoment(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(1000))
	r := openPostgres(t, server.URL("admin", db.Name), orders)
	shrinkPages(r, 100)
	m := connectortest.NewMemory()
	disturbed := false
	m.OnWrite = func(*entity.Batch) {
		if !disturbed {
			db.Exec(t, `update orders set amount = -1, updated_at = now() where id >= 900; delete from orders where id = 890; insert into orders values (5000, now(), '2024-02-01', 1)`)
		}
		disturbed = true
	}
	got, err := r.source.Extract(context.Background(), connectors.Request{Dataset: "shop.orders"}, m)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "counts", m.Counts("shop.orders"), connectors.Counts{Read: 1000, Expected: 1000})
	contains(t, m.Row("shop.orders", "999"), "items_total=9.99")
	r.cursors = append(r.cursors, got.Cursor)
	m = r.run()
	equal(t, "changed", len(m.Keys("shop.orders")), 100)
	contains(t, m.Row("shop.orders", "999"), "items_total=-1")
}

// A connection that is lost in mid-read is opened again, and reading goes on behind
// the last row.
func TestReading_LostConnection(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(1000))
	r := openPostgres(t, server.URL("admin", db.Name), orders)
	shrinkPages(r, 100)
	m := connectortest.NewMemory()
	cut := 0
	m.OnWrite = func(*entity.Batch) {
		if cut++; cut < 4 {
			db.Exec(t, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
		}
	}
	if _, err := r.source.Extract(context.Background(), connectors.Request{Dataset: "shop.orders", Notice: m.Notice}, m); err != nil {
		t.Fatal(err)
	}
	equal(t, "rows", m.Written("shop.orders"), 1000)
	equal(t, "told", m.Notices()[0].Text, "the rows read of orders were not compared with the server's count: the connection was lost in between")
}

// Who stops a run stops the statement on the server as well.
func TestReading_Cancelled(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(10))
	r := openPostgres(t, server.URL("admin", db.Name), `
datasets:
  shop.orders:
    query: select id, pg_sleep(600)::text as slept from orders
    key: id
    fields: {id: id, number: slept}
`)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := r.source.Extract(ctx, connectors.Request{Dataset: "shop.orders"}, connectortest.NewMemory())
		done <- err
	}()
	const running = `select count(*) from pg_stat_activity where datname = current_database() and query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()`
	until(t, func() bool { return db.Text(t, running) != "0" })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	until(t, func() bool { return db.Text(t, running) == "0" })
}

// Ranges of the key are read side by side, slice by slice, as of one moment.
func TestReading_Partitions(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(3000)+"; analyze orders")
	for name, key := range map[string]string{"times": "changed_at: updated_at", "numbers": "key: id"} {
		t.Run(name, func(t *testing.T) {
			r := openPostgres(t, server.URL("admin", db.Name), strings.Replace(orders, "changed_at: updated_at", key+"\n    partitions: 3", 1))
			shrinkPages(r, 50)
			r.source.slices.rows = 1000
			m := r.run()
			equal(t, "rows", m.Written("shop.orders"), 3000)
			equal(t, "different rows", len(m.Keys("shop.orders")), 3000)
			equal(t, "counts", m.Counts("shop.orders"), connectors.Counts{Read: 3000, Expected: 3000})
			if r.slices < 3 {
				t.Errorf("it was read in %d slices", r.slices)
			}
			if m = r.run(); name == "times" {
				equal(t, "rows when nothing changed", m.Written("shop.orders"), 0)
			}
		})
	}
}

// A server that takes too long for a page is asked for smaller ones.
func TestReading_SmallerPages(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(800)+`; create function slow(n bigint) returns text language sql volatile as $$ select pg_sleep(0.002)::text $$`)
	r := openPostgres(t, server.URL("admin", db.Name), "timeout: 500ms\n"+strings.Replace(orders, "amount}", "amount, number: {sql: slow(id)}}", 1))
	r.source.pages.first = 600
	m := r.run()
	equal(t, "rows", m.Written("shop.orders"), 800)
}

// A server that is restarted in mid-read is waited for.
func TestReading_KilledServer(t *testing.T) {
	t.Parallel()
	server, err := sqldbtest.StartPostgres()
	unless(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	db := server.Database(t, "shop")
	db.Exec(t, makeOrders(2000))
	db.Exec(t, "checkpoint")
	r := openPostgres(t, server.URL("admin", db.Name), orders)
	r.source.clock = connectors.SystemClock{} // the server takes real time to come back
	shrinkPages(r, 100)
	m := connectortest.NewMemory()
	killed := false
	m.OnWrite = func(*entity.Batch) {
		if killed {
			return
		}
		killed = true
		if err := errors.Join(server.Kill(), server.Start()); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.source.Extract(context.Background(), connectors.Request{Dataset: "shop.orders", Notice: m.Notice}, m); err != nil {
		t.Fatal(err)
	}
	equal(t, "rows", m.Written("shop.orders"), 2000)
}

// A hundredth of the rows costs a hundredth of the statements, about.
func TestReading_CostOfChanges(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(20_000))
	r := openPostgres(t, server.URL("admin", db.Name), orders)
	counted := &countingServer{server: r.source.server}
	r.source.server = counted
	shrinkPages(r, 100)
	r.run()
	first := counted.statements.Swap(0)
	db.Exec(t, `update orders set updated_at = now() - interval '1 hour' where id % 100 = 7`)
	equal(t, "rows", r.run().Written("shop.orders"), 200)
	if changes := counted.statements.Load(); changes*100 > first*3 {
		t.Errorf("the first run took %d statements, one of a hundredth %d", first, changes)
	}
}

// countingServer counts the selects of its sessions.
type countingServer struct {
	server
	statements atomic.Int64
}

func (c *countingServer) open(ctx context.Context) (session, error) {
	on, err := c.server.open(ctx)
	return &countingSession{on, c}, err
}

type countingSession struct {
	session
	of *countingServer
}

func (c *countingSession) rows(ctx context.Context, query string, args *arguments, columns []column, each func([][]byte) error) error {
	c.of.statements.Add(1)
	return c.session.rows(ctx, query, args, columns, each)
}
