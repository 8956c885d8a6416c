package sqldb

import (
	"context"
	"errors"
	"strings"
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/entity"
	"winback/connectors/sqldb/sqldbtest"
)

// What each type of a column becomes.
func TestMySQL_Types(t *testing.T) {
	t.Parallel()
	server, db := mariadbDatabase(t)
	db.Exec(t, `
		set sql_mode = '';
		create table things (id varchar(20) character set latin1 primary key, n bigint, big bigint unsigned, money decimal(18,4), f double, r float, ok tinyint(1), at timestamp(6) null,
			local datetime null, d date, js json, tags set('red','blue'), st enum('New', 'PAID'), b varbinary(10), bits bit(3), y year, clock time, old varchar(10) character set utf8mb3);
		insert into things values
			('ä', 42, 18446744073709551615, 12345678901234.5678, 0.1, 1.5, 1, '2024-03-31 01:30:00.25', '2024-03-31 02:30:00', '2024-02-29', '{"a": [1, "x"]}', 'red,blue', 'PAID', x'dead', b'101', 2024, '10:11:12', 'ж'),
			('b', -1, 7, -0.0001, 1e10, null, 0, null, '0000-00-00 00:00:00', '0000-00-00', '[]', '', 'New', '', b'0', null, null, ''),
			('c', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)`)
	r := openMySQL(t, server.URL("admin", db.Name), `
datasets:
  shop.carts:
    table: things
    fields:
      id: id
      customer_id: n
      value: money
      created_at: at
      updated_at: local
      items: js
      channel: {column: st, clean: lower}
      order_id: b
      email: old
    payload: full
`)
	equal(t, "rows", lines(r.run().Rows("shop.carts")), `channel=new currency=EUR customer_id=-1 id=b items=[] order_id=\x payload={"id":"b","n":-1,"big":7,"money":-0.0001,"f":10000000000,"ok":0,"local":"0000-00-00 00:00:00","d":"0000-00-00","js":"[]","tags":"","st":"New","b":"\\x","bits":0,"old":""} value=-0.0001
currency=EUR id=c payload={"id":"c"}
channel=paid created_at=2024-03-31T01:30:00.25Z currency=EUR customer_id=42 email=ж id=ä items={"a": [1, "x"]} order_id=\xdead payload={"id":"ä","n":42,"big":18446744073709551615,"money":12345678901234.5678,"f":0.1,"r":1.5,"ok":1,"at":"2024-03-31 01:30:00.250000","local":"2024-03-31 02:30:00","d":"2024-02-29","js":"{\"a\": [1, \"x\"]}","tags":"red,blue","st":"PAID","b":"\\xdead","bits":5,"y":2024,"clock":"10:11:12","old":"ж"} updated_at=2024-03-31T01:30:00Z value=12345678901234.5678`)
}

const myOrders = `
		create table orders (id bigint primary key, made_at datetime, updated_at timestamp(6) not null, amount decimal(10,2), key (updated_at, id));
		insert into orders select seq, timestamp '2024-01-01 00:00:00' + interval seq hour, timestamp '2024-01-01 00:00:00' + interval 2 * (seq div 2) hour, seq / 100.0 from seq_0_to_2999`

// A first run in months, changes, and a range, as of PostgreSQL.
func TestMySQL_Reading(t *testing.T) {
	t.Parallel()
	server, db := mariadbDatabase(t)
	db.Exec(t, myOrders)
	r := openMySQL(t, server.URL("admin", db.Name), orders)
	shrinkPages(r, 50)
	r.source.slices.rows = 100
	m := r.run()
	equal(t, "rows handed over", m.Written("shop.orders"), 3000)
	equal(t, "counts", m.Counts("shop.orders").Expected, 3000)
	equal(t, "slices", r.slices, 5)
	equal(t, "row", m.Row("shop.orders", "2999"), "currency=EUR id=2999 items_total=29.99 ordered_at=2024-05-04T21:00:00Z source_updated_at=2024-05-04T22:00:00Z")
	equal(t, "nothing new", r.run().Written("shop.orders"), 0)
	db.Exec(t, `update orders set amount = 99, updated_at = now(6) where id between 10 and 12`)
	equal(t, "changed", lines(r.run().Keys("shop.orders")), "10\n11\n12")
}

// Keys of texts are compared as the server orders them.
func TestMySQL_TextKeys(t *testing.T) {
	t.Parallel()
	server, db := mariadbDatabase(t)
	db.Exec(t, `
		create table words (id varchar(20) collate utf8mb4_general_ci, no int, loose varchar(20) collate utf8mb4_general_ci, primary key (id, no));
		insert into words select concat(elt(1 + seq % 4, 'a', 'B', 'ä', 'Z'), seq div 4), seq, elt(1 + seq % 2, 'same', 'SAME') from seq_0_to_399`)
	const fields = "\n    entity: shop.carts\n    fields: {id: {sql: \"concat(id, no)\"}}\n"
	r := openMySQL(t, server.URL("admin", db.Name), "datasets:\n  words:"+fields)
	shrinkPages(r, 7)
	equal(t, "rows by the primary key", r.run().Written("shop.carts"), 400)

	r = openMySQL(t, server.URL("admin", db.Name), "datasets:\n  words:\n    key: [loose, no]"+fields)
	shrinkPages(r, 7)
	equal(t, "rows by words that are equal but for their case", r.run().Written("shop.carts"), 400)
	if text := r.source.server.ordering(orderColumn{sql: "loose"}); !strings.Contains(text, "binary") {
		t.Errorf("rows are ordered by %s", text)
	}
}

// What is wrong on the server is told with the way out.
func TestMySQL_Mistakes(t *testing.T) {
	t.Parallel()
	server, db := mariadbDatabase(t)
	db.Exec(t, myOrders+`; create user if not exists reader@'%' identified by '`+sqldbtest.Password+`';
		create table doubles (id int); insert into doubles values (1), (2), (2); grant select on doubles to reader@'%'; grant select (id) on orders to reader@'%'`)
	const fields = "\n    fields: {id: id}\n"
	tests := []struct{ name, login, yaml, want string }{
		{"wrong password", "nobody", "orders:\n    entity: shop.orders" + fields, "Access denied for user 'nobody'@'127.0.0.1' (using password: YES); look at user and password"},
		{"no privilege for a column", "reader", "orders:\n    entity: shop.orders\n    fields: {id: id, items_total: amount}\n", `orders has no column "amount"`},
		{"no table", "admin", "shop.orders:\n    table: order" + fields, `winback.yaml:4:12: datasets."shop.orders".table: there is no table order (did you mean "orders"?)`},
		{"no column", "admin", "shop.orders:\n    table: orders\n    fields: {id: id, items_total: amuont}\n", `winback.yaml:5:35: datasets."shop.orders".fields.items_total: orders has no column "amuont" (did you mean "amount"?)`},
		{"wrong expression", "admin", "shop.orders:\n    table: orders\n    where: amont > 2" + fields, "Unknown column 'amont' in 'WHERE'"},
		{"no key", "admin", "shop.orders:\n    table: doubles" + fields, "doubles has no primary key"},
		{"keys twice", "admin", "shop.orders:\n    table: doubles\n    key: id" + fields, "doubles has several rows with the same key (id 2)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := openMySQL(t, server.URL(test.login, db.Name), "datasets:\n  "+test.yaml)
			_, err := r.try(context.Background(), nil)
			if err == nil {
				t.Fatal("no error")
			}
			contains(t, err.Error(), test.want)
			if strings.Contains(err.Error(), sqldbtest.Password) || strings.Contains(err.Error(), "mysql://") {
				t.Errorf("%q holds the address", err)
			}
		})
	}
	r := openMySQL(t, server.URL("reader", db.Name), "datasets:\n  shop.orders:\n    table: orders"+fields)
	equal(t, "rows of a column that may be read", r.run().Written("shop.orders"), 3000)
}

// A check tells what was logged into.
func TestMySQL_Check(t *testing.T) {
	t.Parallel()
	server, db := mariadbDatabase(t)
	db.Exec(t, myOrders)
	found, err := openMySQL(t, server.URL("admin", db.Name), orders).source.Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	contains(t, found[0].Text, "MariaDB 1", ", database mysql_check, as admin@%")
	equal(t, "rows shown", len(found[1].Rows), 3)
	equal(t, "a row", strings.Join(found[1].Rows[1], " | "), "1 | 2024-01-01T00:00:00Z | 0.01")
	equal(t, "findings", len(found), 3)
}

// A connection that is lost in mid-read is opened again; who stops a run stops the
// statement on the server.
func TestMySQL_LostAndCancelled(t *testing.T) {
	t.Parallel()
	server, db := mariadbDatabase(t)
	db.Exec(t, myOrders)
	r := openMySQL(t, server.URL("admin", db.Name), orders)
	shrinkPages(r, 100)
	m, cut := connectortest.NewMemory(), 0
	m.OnWrite = func(*entity.Batch) {
		if cut++; cut < 4 {
			if id := db.Text(t, "select id from information_schema.processlist where db = 'mysql_lostandcancelled' and id <> connection_id() limit 1"); id != "" {
				_ = db.Try("kill " + id) // it may have gone by itself
			}
		}
	}
	if _, err := r.source.Extract(context.Background(), connectors.Request{Dataset: "shop.orders", Notice: m.Notice}, m); err != nil {
		t.Fatal(err)
	}
	equal(t, "rows", m.Written("shop.orders"), 3000)

	r = openMySQL(t, server.URL("admin", db.Name), "datasets:\n  shop.orders:\n    query: select id, sleep(600) as slept from orders\n    key: id\n    fields: {id: id, number: slept}\n")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { _, err := r.try(ctx, nil); done <- err }()
	const running = "select count(*) from information_schema.processlist where db = 'mysql_lostandcancelled' and info like '%sleep(600)%' and id <> connection_id()"
	until(t, func() bool { return db.Text(t, running) != "0" })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	until(t, func() bool { return db.Text(t, running) == "0" })
}
