package model_test

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rogpeppe/go-internal/txtar"

	"winback/pipelines/engine/enginetest"
	"winback/pipelines/model"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { enginetest.Main(m) }

// files reads a txtar archive of testdata as a file system.
func files(t testing.TB, archive string) fstest.MapFS {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", archive))
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for _, file := range a.Files {
		fsys[file.Name] = &fstest.MapFile{Data: file.Data}
	}
	return fsys
}

// edited returns the files with one text replaced in one of them.
func edited(t testing.TB, fsys fstest.MapFS, file, old, replacement string) fstest.MapFS {
	t.Helper()
	copied := maps.Clone(fsys)
	before, ok := copied[file]
	if !ok || !strings.Contains(string(before.Data), old) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	copied[file] = &fstest.MapFile{Data: []byte(strings.Replace(string(before.Data), old, replacement, 1))}
	return copied
}

func load(t testing.TB, fsys fs.FS) *model.Project {
	t.Helper()
	project, err := model.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// entities are the columns of the sources in tests.
type entities struct{}

func (entities) SourceColumns(domain, entity string) ([]model.Column, error) {
	if domain+"."+entity != "shop.orders" {
		return nil, fmt.Errorf("no entity %q (did you mean \"shop.orders\"?)", domain+"."+entity)
	}
	return []model.Column{
		{Name: "order_id", Type: "String", Key: true},
		{Name: "customer_id", Type: "String"},
		{Name: "region", Type: "Nullable(String)"},
		{Name: "ordered_at", Type: "DateTime64(6, 'UTC')"},
		{Name: "total", Type: "Decimal(18, 4)"},
		{Name: "source", Type: "String", Key: true},
		{Name: "extracted_at", Type: "DateTime64(6, 'UTC')"},
		{Name: "deleted", Type: "Bool"},
	}, nil
}

// versions are the versions of the raw data in tests.
type versions map[string]string

func (v versions) Version(_ context.Context, domain, entity string) (string, error) {
	return v[domain+"."+entity], nil
}

// warehouse gives a warehouse with two customers' orders in its raw table and
// nothing built.
func warehouse(t testing.TB) driver.Conn {
	t.Helper()
	conn := enginetest.Start(t).Conn(t)
	for _, database := range []string{"raw", "staging", "mart", "ops"} {
		exec(t, conn, "drop database if exists "+database+" sync")
	}
	exec(t, conn, "create database raw")
	exec(t, conn, `create table raw.shop_orders (order_id String, customer_id String, region Nullable(String),
		ordered_at DateTime64(6, 'UTC'), total Decimal(18, 4), source String, extracted_at DateTime64(6, 'UTC'),
		deleted Bool) engine = ReplacingMergeTree(extracted_at) order by (source, order_id)`)
	addOrders(t, conn, "('1', 'ann', 'N', '2024-11-05 10:00:00', 10, 'a', '2024-12-01', false)",
		"('2', 'ann', 'X', '2024-12-05 10:00:00', 20.5, 'a', '2024-12-01', false)",
		"('3', 'bob', null, '2024-01-05 10:00:00', 30, 'a', '2024-12-01', false)")
	return conn
}

func addOrders(t testing.TB, conn driver.Conn, rows ...string) {
	t.Helper()
	exec(t, conn, "insert into raw.shop_orders values "+strings.Join(rows, ", "))
}

func exec(t testing.TB, conn driver.Conn, statement string) {
	t.Helper()
	if err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// lines returns the rows of a query as text, values separated by spaces.
func lines(t testing.TB, conn driver.Conn, query string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "select formatRowNoNewline('TSV', *) from ("+query+")")
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	texts := []string{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, strings.ReplaceAll(text, "\t", " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return texts
}

func wantLines(t testing.TB, conn driver.Conn, query string, want ...string) {
	t.Helper()
	if got := lines(t, conn, query); !slices.Equal(got, want) {
		t.Errorf("%s\n got %q\nwant %q", query, got, want)
	}
}

// golden compares text with a file of testdata, or rewrites the file.
func golden(t testing.TB, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update rewrites it\n got:\n%s\nwant:\n%s", file, got, want)
	}
}
