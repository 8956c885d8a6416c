package sqldb

import (
	"testing"
)

// What each type of a column becomes in each kind of field.
func TestPostgres_Types(t *testing.T) {
	t.Parallel()
	server, db := postgresDatabase(t)
	db.Exec(t, `
		create type state as enum ('New', 'PAID');
		create domain amount as numeric(18,4);
		create table things (id uuid primary key, n bigint, money amount, f double precision, r real, ok boolean, at timestamptz, local timestamp, d date, js jsonb, tags text[], st state, b bytea, ch char(5), iv interval, ip inet, nums int[]);
		insert into things values
			('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 42, 12345678901234.5678, 0.1, 1.5, true, '2024-03-31 01:30:00+00', '2024-03-31 02:30:00', '2024-02-29', '{"a": [1, "x"]}', '{red,"light blue",NULL}', 'PAID', '\xdead', 'ab', '1 day 02:03:04', '10.0.0.1', '{1,2}'),
			('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', -1, -0.00005, 1e10, null, false, '1999-12-31 23:59:59.123456-05', '2024-10-27 02:30:00', '1900-01-01', '[]', '{}', 'New', '', 'x', null, null, null),
			('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)`)
	r := openPostgres(t, server.URL("admin", db.Name), `
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
      email: ch
    payload: full
`)
	equal(t, "rows", lines(r.run().Rows("shop.carts")), `channel=paid created_at=2024-03-31T01:30:00Z currency=EUR customer_id=42 email=ab id=a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 items={"a": [1, "x"]} order_id=\xdead payload={"id":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","n":42,"money":12345678901234.5678,"f":0.1,"r":1.5,"ok":true,"at":"2024-03-31 01:30:00+00","local":"2024-03-31 02:30:00","d":"2024-02-29","js":{"a": [1, "x"]},"tags":["red","light blue",null],"st":"PAID","b":"\\xdead","ch":"ab","iv":"1 day 02:03:04","ip":"10.0.0.1","nums":[1,2]} updated_at=2024-03-31T01:30:00Z value=12345678901234.5678
channel=new created_at=2000-01-01T04:59:59.123456Z currency=EUR customer_id=-1 email=x id=a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12 items=[] order_id=\x payload={"id":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12","n":-1,"money":-0.0001,"f":10000000000,"ok":false,"at":"2000-01-01 04:59:59.123456+00","local":"2024-10-27 02:30:00","d":"1900-01-01","js":[],"tags":[],"st":"New","b":"\\x","ch":"x"} updated_at=2024-10-27T00:30:00Z value=-0.0001
currency=EUR id=a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13 payload={"id":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13"}`)
}
