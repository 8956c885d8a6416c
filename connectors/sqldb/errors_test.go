package sqldb

import (
	"context"
	"strings"
	"testing"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/spec"
	"winback/connectors/sqldb/sqldbtest"
)

func TestConfig_IsDescribed(t *testing.T) {
	t.Setenv("SHOP_DATABASE_PASSWORD", sqldbtest.Password)
	for _, c := range []*connectors.Connector{Postgres(), MySQL()} {
		if err := spec.Check(c.NewConfig()); err != nil {
			t.Error(err)
		}
		r, err := open(t, c, strings.Replace(c.Example, "connector: "+c.Name, "", 1))
		if err != nil {
			t.Errorf("the example of %s: %v", c.Name, err)
			continue
		}
		equal(t, "datasets of the example", len(r.source.Datasets()), 2)
	}
}

// What is wrong with a configuration is told with its place, without a server.
func TestConfig_Mistakes(t *testing.T) {
	tests := []struct{ yaml, want string }{
		{"datasets: {shop.orders: {fields: {id: id}}}", `winback.yaml:1:1: says no server: give url, or host, database, user and password`},
		{"host: h\ndatabase: d\nuser: u\ndatasets:\n  shop.order: {fields: {id: id}}", `winback.yaml:5:3: datasets."shop.order": there is no entity "shop.order" (did you mean "shop.orders"?)`},
		{"url: u\ndatasets:\n  shop.orders: {fields: {number: id}}", `winback.yaml:3:25: datasets."shop.orders".fields: shop.orders lacks its field id (id in the shop)`},
		{"url: u\ndatasets:\n  shop.orders: {fields: {id: id, statsu: s}}", `datasets."shop.orders".fields.statsu: shop.orders has no field "statsu" (did you mean "status"?)`},
		{"url: u\ndatasets:\n  shop.orders: {table: a, query: b, fields: {id: id}}", "give either a table or a query"},
		{"url: u\ndatasets:\n  shop.orders: {append_only: true, changed_at: x, fields: {id: id}}", "give either append_only or changed_at"},
		{"url: u\ndatasets:\n  shop.orders: {fields: {id: {column: a, sql: b}}}", "has both column and sql: a value comes from one place"},
		{"url: u\ndatasets:\n  shop.orders: {fields: {id: id, ordered_at: {column: a, timezone: Berlin}}}", `"Berlin" is no time zone`},
		{"url: u\ndatasets:\n  shop.orders: {fields: {id: id, number: {column: a, factor: 2}}}", "is for fields of kind decimal or int; number is text"},
		{"url: u\nhost: h\ndatasets:\n  shop.orders: {fields: {id: id}}", "the server is told twice"},
	}
	for _, test := range tests {
		_, err := open(t, Postgres(), test.yaml)
		if err == nil {
			t.Errorf("no error for\n%s", test.yaml)
			continue
		}
		contains(t, err.Error(), test.want)
	}
}

// What is wrong on the server is told with the way out, and with the place of what
// is configured.
func TestPostgres_Mistakes(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(10)+`;
		create role reader login password '`+sqldbtest.Password+`';
		create table customers (id int, email text, flags jsonb, born money, unique (id));
		insert into customers values (1, 'a@example.com', '{}', 1), (null, 'b@example.com', '{}', 1);
		create table doubles (id int);
		insert into doubles values (1), (2), (2), (3);
		create schema open; grant usage on schema open to reader; create table open.orders (id int primary key);
		create schema closed; create table closed.orders (id int primary key);
		grant select on doubles to reader;`)
	const fields = "\n    fields: {id: id}\n"
	tests := []struct{ name, login, yaml, want string }{
		{"no privilege", "reader", "orders:\n    entity: shop.orders" + fields, "permission denied for table orders (SQLSTATE 42501); an administrator can allow it: GRANT SELECT ON orders TO the user"},
		{"no privilege in a schema", "reader", "shop.orders:\n    table: open.orders" + fields, "GRANT SELECT ON open.orders TO the user"},
		{"no schema", "reader", "shop.orders:\n    table: closed.orders" + fields, "GRANT USAGE ON SCHEMA closed TO the user"},
		{"no table", "admin", "shop.orders:\n    table: order" + fields, `winback.yaml:4:12: datasets."shop.orders".table: there is no table order (did you mean "orders"?)`},
		{"no column", "admin", "shop.orders:\n    table: orders\n    fields: {id: id, items_total: amuont}\n", `winback.yaml:5:35: datasets."shop.orders".fields.items_total: orders has no column "amuont" (did you mean "amount"?)`},
		{"another type", "admin", "shop.orders:\n    table: orders\n    fields: {id: id, ordered_at: amount}\n", `winback.yaml:5:34: datasets."shop.orders".fields.ordered_at: column amount holds numbers; say with layout: unix or unix_ms what they count`},
		{"another kind", "admin", "shop.orders:\n    table: customers\n    key: id\n    fields: {id: id, items_total: flags}\n", `column flags is JSON (jsonb), of which no decimal can be made`},
		{"money", "admin", "shop.orders:\n    table: customers\n    key: id\n    fields: {id: id, items_total: born}\n", `use sql: born::numeric`},
		{"no key", "admin", "shop.orders:\n    table: doubles" + fields, "doubles has no primary key: name columns that tell its rows apart, key: [id]"},
		{"keys twice", "admin", "shop.orders:\n    table: doubles\n    key: id" + fields, "doubles has several rows with the same key (id 2)"},
		{"no value in the key", "admin", "shop.orders:\n    table: customers\n    key: id" + fields, "customers has rows without a value in id, which is part of the key"},
		{"wrong expression", "admin", "shop.orders:\n    table: orders\n    fields: {id: id, items_total: {sql: amont * 2}}\n", `column "amont" does not exist`},
		{"wrong condition", "admin", "shop.orders:\n    table: orders\n    where: amont > 2" + fields, `column "amont" does not exist`},
		{"change without order", "admin", "shop.orders:\n    table: orders\n    changed_at: amount" + fields, "amount is an exact number (numeric): the order of changes is told by a time or a whole number"},
		{"overlap of another kind", "admin", "shop.orders:\n    table: orders\n    changed_at: updated_at\n    overlap: 50" + fields, "updated_at is a time: wants a duration such as 10m"},
		{"wrong password", "nobody", "shop.orders:\n    table: orders" + fields, `log in to PostgreSQL on 127.0.0.1: FATAL: password authentication failed for user "nobody" (SQLSTATE 28P01); look at user and password`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := openPostgres(t, server.URL(test.login, db.Name), "datasets:\n  "+test.yaml)
			_, err := r.try(context.Background(), nil)
			if err == nil {
				t.Fatal("no error")
			}
			contains(t, err.Error(), test.want)
			for _, secret := range []string{sqldbtest.Password, "a%20secret", "postgres://"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q holds %q", err, secret)
				}
			}
		})
	}
}

// Rows that do not fit are put aside one by one, with what is wrong.
func TestReading_Misfits(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, `
		create table orders (id int primary key, at timestamptz, total numeric, word text, bought text);
		insert into orders values (1, 'infinity', 1, 'x', '12.03.2024'), (2, now(), 'NaN', 'x', ''), (3, now(), 1e30, 'x', null), (4, '2024-01-01Z', 12.34565, 'x', '31.12.23'), (5, null, null, 'y', 'soon')`)
	r := openPostgres(t, server.URL("admin", db.Name), `
datasets:
  shop.orders:
    table: orders
    fields:
      id: id
      ordered_at: at
      items_total: total
      status: {column: word, map: {x: paid}, default: placed, nulls: "y"}
      delivered_at: {column: bought, layout: dmy, timezone: UTC, mode: lenient}
    payload: none
`)
	m := r.run()
	equal(t, "rows", lines(m.Rows("shop.orders")), "currency=EUR delivered_at=2023-12-31T00:00:00Z id=4 items_total=12.3457 ordered_at=2024-01-01T00:00:00Z status=paid\ncurrency=EUR id=5 status=placed")
	var told []string
	for _, reject := range m.Rejects() {
		told = append(told, strings.Join([]string{reject.Input, reject.Column, reject.Value, reject.Reason, reject.Record}, " | "))
	}
	equal(t, "rejects", lines(told), `orders | at | infinity | is infinity, which is no time; nulls: [infinity, -infinity] takes it for none | {"id":1,"at":"infinity","total":1,"word":"x","bought":"12.03.2024"}
orders | total | NaN | is not a number | `+told2(m, 1)+`
orders | total | 1000000000000000000000000000000 | has more than 18 digits | `+told2(m, 2)+`
orders | bought | soon | is not a timestamp written as dmy | {"id":5,"word":"y","bought":"soon"}`)
}

func told2(m *connectortest.Memory, i int) string { return m.Rejects()[i].Record }

// A check tells what was logged into, the columns, how a dataset is read, and
// shows rows.
func TestPostgres_Check(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, makeOrders(10)+`; analyze orders; create table plain (id int primary key, price float); insert into plain values (1, 2.5);
		create table noindex (id int primary key, changed timestamptz);`)
	r := openPostgres(t, server.URL("admin", db.Name), orders+`
  plain: {entity: shop.orders, fields: {id: id, items_total: price}}
  noindex: {entity: shop.orders, changed_at: changed, fields: {id: id}}
  gone: {entity: shop.orders, fields: {id: id}}
`)
	found, err := r.source.Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, f := range found {
		mark := "✗"
		switch {
		case f.Warning:
			mark = "!"
		case f.OK:
			mark = "✓"
		}
		told = append(told, strings.TrimSpace(mark+" "+f.Dataset+": "+f.Text))
		for _, row := range f.Rows {
			told = append(told, "    "+strings.Join(row, " | "))
		}
	}
	text := lines(told)
	contains(t, text, "✓ : PostgreSQL 1", ", database postgres_check, as admin")
	text = text[strings.Index(text, "\n")+1:]
	equal(t, "findings", text, `✓ shop.orders: orders: about 10 rows, 4 columns, all mapped columns are there
    0 | 2024-01-01T00:00:00Z | 0
    1 | 2024-01-01T01:00:00Z | 0.01
    2 | 2024-01-01T02:00:00Z | 0.02
✓ shop.orders: rows are read that changed since, by updated_at
✓ plain: plain: 2 columns, all mapped columns are there
    1 | 2.5
! plain: all of plain is read every time: name a column with the time of a row's last change, changed_at: updated_at, or say append_only: true if rows never change
! plain: items_total is made from price, a floating number, of which the shortest digits are taken: amounts are exact only in an exact type such as numeric
✓ noindex: noindex: 2 columns, all mapped columns are there
✓ noindex: rows are read that changed since, by changed
! noindex: no index of noindex begins with changed, so that every page looks through the whole table: create one on (changed, id)
✗ gone: winback.yaml:11:3: datasets.gone.table: there is no table gone (one of: orders, plain, noindex)`)
}
