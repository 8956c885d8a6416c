package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/all"
	"winback/connectors/entity"
	"winback/pipelines/config"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
	"winback/pipelines/load"
	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

const madeConfig = `
project: bench
timezone: UTC
currency: EUR
sources:
  shop:
    connector: files
    datasets:
      shop.orders:
        files: %s
        fields: {id: id, ordered_at: at, customer_id: customer, items_total: amount, channel: channel}
`

// The first half of the road: a file's rows parsed, typed, sorted and written
// as Parquet, beside the engine reading the same file and writing Parquet with
// the same columns.
func BenchmarkCSVToLanding(b *testing.B) {
	w := enginetest.Start(b)
	rows := rowsToMake(b)
	csv, size := madeFile(b, rows)
	var s sides
	var fiveColumns []measurement
	for range rounds {
		s.ours = append(s.ours, measure(b, func() { landMade(b, csv, b.TempDir(), rows) }))
		s.engines = append(s.engines, measure(b, func() { w.Exec(b, engineExport(csv, b.TempDir(), allColumns())) }))
		fiveColumns = append(fiveColumns, measure(b, func() { w.Exec(b, engineExport(csv, b.TempDir(), filledColumns())) }))
	}
	s.report(b, rows, size)
	b.ReportMetric(float64(median(fiveColumns).took)/float64(median(s.ours).took), "ratio-to-five-columns")
}

// landMade extracts the made file into a landing zone and returns its manifest.
func landMade(b *testing.B, csv, dir string, rows int) (*landing.Zone, *landing.Manifest) {
	b.Helper()
	ctx := context.Background()
	path := filepath.Join(dir, config.FileName)
	if err := os.WriteFile(path, fmt.Appendf(nil, madeConfig, csv), 0o644); err != nil {
		b.Fatal(err)
	}
	registry, err := all.Registry()
	must(b, err)
	project, err := config.Load(path, registry, config.SystemEnv())
	must(b, err)
	source, err := project.Open(&project.Sources[0], dir)
	must(b, err)
	zone := landing.Open(filepath.Join(dir, "landing"))
	dataset := source.Datasets()[0]
	writer, err := zone.Begin(ctx, landing.RunInfo{RunID: "r1", Source: "shop", ExtractedAt: time.Now()}, dataset,
		landing.Options{PartBytes: int(project.Landing.PartSize)})
	must(b, err)
	extracted, err := source.Extract(ctx, connectors.Request{Dataset: dataset.Name}, writer)
	must(b, err)
	manifest, err := writer.Commit(ctx, extracted.Cursor)
	must(b, err)
	if landed := manifest.Entities[0].Landed; landed != int64(rows) {
		b.Fatalf("%d rows landed of %d", landed, rows)
	}
	return zone, manifest
}

// engineExport has the engine read the made file and write Parquet.
func engineExport(csv, dir string, columns []string) string {
	return fmt.Sprintf(`INSERT INTO FUNCTION file(%s, Parquet) SELECT %s FROM file(%s, CSVWithNames,
		'id String, at DateTime(\'UTC\'), customer String, amount Decimal(18,4), channel String')`,
		quote.Literal(filepath.Join(dir, "engine.parquet")), strings.Join(columns, ", "), quote.Literal(csv))
}

// filledColumns are the five that the made file has, and no more: less work than
// ours, which writes the whole contract with the run and the source in every row.
func filledColumns() []string {
	return []string{"id", "toDateTime64(at, 6, 'UTC') AS ordered_at", "customer AS customer_id", "amount AS items_total", "channel"}
}

// allColumns are those of the landing zone, most of them null.
func allColumns() []string {
	s := entity.Of[entity.Order]()
	filled := map[string]string{
		"id": "id", "ordered_at": "toDateTime64(at, 6, 'UTC')", "customer_id": "customer", "items_total": "amount", "channel": "channel",
		"source": "'shop'", "run_id": "'r1'", "extracted_at": "toDateTime64('2026-01-01', 6, 'UTC')", "deleted": "false",
	}
	columns := make([]string, len(s.Fields))
	for i := range s.Fields {
		f := &s.Fields[i]
		value, ok := filled[f.Name]
		if !ok {
			value = "NULL"
		}
		typ := strings.Replace(warehouse.ColumnType(f), "LowCardinality(Nullable(String))", "Nullable(String)", 1)
		columns[i] = fmt.Sprintf("CAST(%s AS %s) AS %s", value, typ, quote.Always(f.Name))
	}
	return columns
}

// The second half: landing files streamed into the raw table over HTTP, beside
// the engine reading the same files itself.
func BenchmarkLandingToRaw(b *testing.B) {
	w := enginetest.Start(b)
	rows := rowsToMake(b)
	csv, _ := madeFile(b, rows)
	zone, manifest := landMade(b, csv, b.TempDir(), rows)
	conn := w.Conn(b)
	for _, database := range []string{warehouse.Raw, warehouse.Ops} {
		w.Exec(b, "CREATE DATABASE IF NOT EXISTS "+database)
	}
	book, err := ledger.Open(context.Background(), conn)
	must(b, err)
	files, size := landingFiles(zone, manifest)
	loader := load.Loader{Conn: conn, Book: book, Memory: 256 << 20, Parallel: 2}
	freshTable := func() {
		w.Exec(b, "DROP TABLE IF EXISTS raw.shop_orders SYNC")
		w.Exec(b, warehouse.CreateRawTable(entity.Of[entity.Order]()))
	}
	counted := func() {
		if got := strings.TrimSpace(w.Exec(b, "SELECT count() FROM raw.shop_orders")); got != fmt.Sprint(rows) {
			b.Fatalf("%s rows are in the raw table, not %d", got, rows)
		}
	}
	var s sides
	for range rounds {
		freshTable()
		s.ours = append(s.ours, measure(b, func() { must(b, loader.Load(context.Background(), files)) }))
		counted()
		freshTable()
		s.engines = append(s.engines, measure(b, func() {
			w.Exec(b, fmt.Sprintf("INSERT INTO raw.shop_orders SELECT * FROM file(%s, Parquet)",
				quote.Literal(filepath.Join(zone.Root(), "shop", "shop.orders", "run=r1", "*.parquet"))))
		}))
		counted()
	}
	s.report(b, rows, size)
}

func landingFiles(zone *landing.Zone, m *landing.Manifest) (files []load.File, size int64) {
	table, columns, _ := load.Into(entity.Of[entity.Order]())
	for _, f := range m.Files {
		size += f.Bytes
		files = append(files, load.File{
			Load:  ledger.Load{Path: f.Path, Checksum: f.Checksum, Source: m.Source, Entity: f.Entity, RunID: m.RunID, Rows: f.Rows, Bytes: f.Bytes},
			Table: table, Columns: columns,
			Open: func() (io.ReadCloser, error) { return os.Open(zone.Path(f.Path)) },
		})
	}
	return files, size
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
