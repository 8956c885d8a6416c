package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/all"
	"winback/connectors/entity"
	"winback/connectors/sqldb/sqldbtest"
	"winback/pipelines/config"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/landing"
	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

// madeTable is a table of orders, and what the fields are made from: by our
// mapping, and for the engine.
type madeTable struct {
	name    string
	columns string // of create table
	values  string // of the i-th row
	mapping string
	engine  map[string]string // by field
}

// narrowTable has the columns of the made file.
var narrowTable = madeTable{
	name:    "narrow",
	columns: "id bigint primary key, at timestamp(6) not null, customer varchar(40), amount numeric(12,2), channel varchar(40)",
	values:  "i, {time}, concat('customer-', i * 7919 % 400000), (i % 90000) / 100.0, {channel}",
	mapping: "{id: id, ordered_at: at, customer_id: customer, items_total: amount, channel: channel}",
	engine: map[string]string{
		"id": "toString(id)", "ordered_at": "toDateTime64(at, 6, 'UTC')", "customer_id": "customer", "items_total": "amount", "channel": "channel",
	},
}

// wideTable has twenty columns.
var wideTable = madeTable{
	name: "wide",
	columns: narrowTable.columns + `, number varchar(40), email varchar(80), phone varchar(40), status varchar(20), currency char(3), discount numeric(12,2),
		shipping numeric(12,2), tax numeric(12,2), refunded numeric(12,2), net numeric(12,2), coupon varchar(20), promised timestamp(6) null,
		delivered timestamp(6) null, cart varchar(40), line_count int`,
	values: narrowTable.values + `, concat('N-', i), concat('c', i * 7919 % 400000, '@example.com'), concat('+49170', 1000000 + i % 1000000), 'completed', 'EUR', i % 7,
		4.90, i % 19 / 10.0, 0, (i % 90000) / 100.0, case when i % 10 = 0 then 'SPRING' end, {time}, case when i % 3 > 0 then {time} end, concat('cart-', i), i % 9`,
	mapping: strings.TrimSuffix(narrowTable.mapping, "}") + `, number: number, email: email, phone: phone, status: status, currency: currency, discount: discount,
          shipping: shipping, tax: tax, refunded: refunded, net_revenue: net, coupon: coupon, promised_at: promised, delivered_at: delivered, cart_id: cart, line_count: line_count}`,
	engine: map[string]string{
		"id": "toString(id)", "ordered_at": "toDateTime64(at, 6, 'UTC')", "customer_id": "customer", "items_total": "amount", "channel": "channel",
		"number": "number", "email": "email", "phone": "phone", "status": "status", "currency": "currency", "discount": "discount",
		"shipping": "shipping", "tax": "tax", "refunded": "refunded", "net_revenue": "net", "coupon": "coupon",
		"promised_at": "toDateTime64(promised, 6, 'UTC')", "delivered_at": "toDateTime64(delivered, 6, 'UTC')", "cart_id": "cart", "line_count": "line_count",
	},
}

// tables is a server with the made tables.
type tables struct {
	connector, url string
	make           func(b *testing.B, t madeTable)
	function       func(table string) string // the engine's way to the same
}

// A table of a PostgreSQL server on the way to the landing zone, beside the
// engine's own table function on the way to Parquet with the same columns; and what
// reading takes of memory above the process at rest, of few rows and of all.
func BenchmarkPostgresToLanding(b *testing.B) { besideTheEngine(b, postgresTables) }

// The same of a MariaDB server.
func BenchmarkMySQLToLanding(b *testing.B) { besideTheEngine(b, mysqlTables) }

func postgresTables(b *testing.B) tables {
	b.Helper()
	server, err := sqldbtest.StartPostgres("shared_buffers = '512MB'", "max_wal_size = '4GB'", "autovacuum = off")
	must(b, err)
	b.Cleanup(func() { must(b, server.Stop()) })
	db := server.Database(b, "shop")
	make := func(b *testing.B, table madeTable) {
		values := strings.NewReplacer("{time}", "timestamp '2024-01-01' + i * interval '3 seconds'",
			"{channel}", "(array['web', 'phone', 'shop in the centre', 'partner'])[1 + i % 4]").Replace(table.values)
		db.Exec(b, fmt.Sprintf("create unlogged table %s (%s); insert into %[1]s select %[3]s from generate_series(0::bigint, %d) i",
			table.name, table.columns, values, rowsToMake(b)-1))
		db.Exec(b, "vacuum analyze "+table.name)
	}
	return tables{"postgres", server.URL("admin", "shop"), make, func(table string) string {
		return fmt.Sprintf("postgresql('127.0.0.1:%d', 'shop', '%s', 'admin', '%s')", server.Port, table, sqldbtest.Password)
	}}
}

func mysqlTables(b *testing.B) tables {
	b.Helper()
	server, err := sqldbtest.StartMariaDB("--innodb-buffer-pool-size=512M", "--innodb-log-file-size=512M", "--innodb-doublewrite=0")
	must(b, err)
	b.Cleanup(func() { must(b, server.Stop()) })
	db := server.Database(b, "shop")
	make := func(b *testing.B, table madeTable) {
		values := strings.NewReplacer("{time}", "timestamp '2024-01-01 00:00:00' + interval i * 3 second",
			"{channel}", "elt(1 + i % 4, 'web', 'phone', 'shop in the centre', 'partner')").Replace(table.values)
		columns := strings.ReplaceAll(table.columns, "timestamp(6)", "datetime(6)")
		db.Exec(b, fmt.Sprintf("create table %s (%s); insert into %[1]s select %[3]s from (select seq as i from seq_0_to_%d) s; analyze table %[1]s",
			table.name, columns, values, rowsToMake(b)-1))
	}
	return tables{"mysql", server.URL("admin", "shop"), make, func(table string) string {
		return fmt.Sprintf("mysql('127.0.0.1:%d', 'shop', '%s', 'admin', '%s')", server.Port, table, sqldbtest.Password)
	}}
}

// besideTheEngine measures both sides.
func besideTheEngine(b *testing.B, start func(*testing.B) tables) {
	made, w := start(b), enginetest.Start(b)
	for _, table := range []madeTable{narrowTable, wideTable} {
		b.Run(table.name, func(b *testing.B) {
			made.make(b, table)
			all := rowsToMake(b)
			for _, rows := range []int{100_000, 1_000_000} {
				took := aboveRest(b, func() { landTable(b, table, made, min(rows, all)) })
				b.ReportMetric(float64(took.peak)/(1<<20), fmt.Sprintf("%dk-MiB", rows/1000))
			}
			var s sides
			for range roundsToRun(b) {
				s.ours = append(s.ours, aboveRest(b, func() { landTable(b, table, made, all) }))
				s.engines = append(s.engines, aboveRest(b, func() {
					w.Exec(b, fmt.Sprintf("INSERT INTO FUNCTION file(%s, Parquet) SELECT %s FROM %s",
						quote.Literal(filepath.Join(b.TempDir(), "engine.parquet")), strings.Join(orderColumns(table.engine), ", "), made.function(table.name)))
				}))
			}
			s.report(b, all, 0)
		})
	}
}

// aboveRest measures with the memory that is taken above that of the process at rest:
// 150 MiB is the limit, and that few rows and many take the same.
func aboveRest(b *testing.B, do func()) measurement {
	b.Helper()
	debug.FreeOSMemory()
	resetPeak(b)
	rest := peakMemory(b)
	m := measure(b, do)
	m.peak -= rest
	return m
}

// landTable extracts the table slice by slice, each a commit, as a run does.
func landTable(b *testing.B, table madeTable, made tables, rows int) {
	b.Helper()
	ctx, dir := context.Background(), b.TempDir()
	path := filepath.Join(dir, config.FileName)
	text := fmt.Sprintf(`
project: bench
timezone: UTC
currency: EUR
sources:
  shop:
    connector: %s
    url: %s
    datasets:
      shop.orders:
        table: %s
        where: id < %d
        fields: %s
`, made.connector, made.url, table.name, rows, table.mapping)
	must(b, os.WriteFile(path, []byte(text), 0o644))
	registry, err := all.Registry()
	must(b, err)
	project, err := config.Load(path, registry, config.SystemEnv())
	must(b, err)
	source, err := project.Open(&project.Sources[0], dir)
	must(b, err)
	zone := landing.Open(filepath.Join(dir, "landing"))
	dataset := source.Datasets()[0]
	var cursors []json.RawMessage
	var landed int64
	for n := 1; ; n++ {
		writer, err := zone.Begin(ctx, landing.RunInfo{RunID: fmt.Sprintf("r%d", n), Source: "shop", ExtractedAt: time.Now()}, dataset,
			landing.Options{PartBytes: int(project.Landing.PartSize)})
		must(b, err)
		got, err := source.Extract(ctx, connectors.Request{Dataset: dataset.Name, Cursors: cursors}, writer)
		must(b, err)
		manifest, err := writer.Commit(ctx, got.Cursor)
		must(b, err)
		landed += manifest.Entities[0].Landed
		if cursors = append(cursors, got.Cursor); !got.More {
			break
		}
	}
	if landed != int64(rows) {
		b.Fatalf("%d rows landed of %d", landed, rows)
	}
}

// orderColumns are those of the landing zone of orders, filled from the columns of
// a table or null.
func orderColumns(filled map[string]string) []string {
	s := entity.Of[entity.Order]()
	columns := make([]string, len(s.Fields))
	for i := range s.Fields {
		f := &s.Fields[i]
		value, ok := filled[f.Name]
		if made, fixed := map[string]string{"source": "'shop'", "run_id": "'r1'", "extracted_at": "toDateTime64('2026-01-01', 6, 'UTC')", "deleted": "false"}[f.Name]; fixed {
			value, ok = made, true
		}
		if !ok {
			value = "NULL"
		}
		typ := strings.Replace(warehouse.ColumnType(f), "LowCardinality(Nullable(String))", "Nullable(String)", 1)
		columns[i] = fmt.Sprintf("CAST(%s AS %s) AS %s", value, typ, quote.Always(f.Name))
	}
	return columns
}
