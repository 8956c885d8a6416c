package engine_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/parquet-go/parquet-go"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

func TestClient_InsertFormat(t *testing.T) {
	type row struct {
		ID   uint64  `parquet:"id"`
		Name *string `parquet:"name,optional"`
	}
	var parquetFile bytes.Buffer
	pw := parquet.NewGenericWriter[row](&parquetFile)
	var csv strings.Builder
	csv.WriteString("id,name\n")
	for i := range 100_000 {
		name := fmt.Sprintf("name, %d", i)
		if _, err := pw.Write([]row{{uint64(i), &name}}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&csv, "%d,\"%s\"\n", i, name)
	}
	if err := pw.Close(); err != nil {
		t.Fatal(err)
	}
	w := enginetest.Start(t)
	db := w.Database(t, "insert_format")
	for _, c := range []struct {
		format, data string
		compression  clickhouse.CompressionMethod
	}{
		{"Parquet", parquetFile.String(), clickhouse.CompressionNone},
		{"CSVWithNames", csv.String(), clickhouse.CompressionNone},
		{"CSVWithNames", csv.String(), clickhouse.CompressionGZIP},
		{"CSVWithNames", csv.String(), clickhouse.CompressionDeflate},
		{"CSVWithNames", csv.String(), clickhouse.CompressionBrotli},
		{"CSVWithNames", csv.String(), clickhouse.CompressionLZ4},
	} {
		t.Run(c.format+"/"+c.compression.String(), func(t *testing.T) {
			conn, ctx := w.ConnWith(t, clickhouse.Options{Compression: &clickhouse.Compression{Method: c.compression, Level: 3}}), bounded(t)
			w.Exec(t, "CREATE OR REPLACE TABLE "+db+".t (id UInt64, name Nullable(String), extra UInt8 DEFAULT 7) ENGINE = MergeTree ORDER BY id")
			f, ok := conn.(interface {
				InsertFormat(ctx context.Context, format, query string, data io.Reader) error
			})
			if !ok {
				t.Fatal("the client has no InsertFormat")
			}
			if err := f.InsertFormat(ctx, c.format, "INSERT INTO "+db+".t (id, name)", strings.NewReader(c.data)); err != nil {
				t.Fatal(err)
			}
			want := "100000\t4999950000\t99999\t7\n"
			if got := w.Exec(t, "SELECT count(), sum(id), max(toUInt64(extract(name, '\\\\d+'))), max(extra) FROM "+db+".t"); got != want {
				t.Errorf("the table holds %q, want %q", got, want)
			}
		})
	}
}

func TestClient_InsertFormat_FailsEarly(t *testing.T) {
	w := enginetest.Start(t)
	w.Database(t, "fails_early")
	w.Exec(t, "CREATE TABLE fails_early.t (n UInt64) ENGINE = MergeTree ORDER BY n")
	many := strings.Repeat("1\n", 20_000_000)
	for _, c := range []struct {
		name, into, data string
		code             int32
	}{
		{"no such table", "fails_early.missing", many, 60},
		{"a bad row before many good ones", "fails_early.t", "x\n" + many, 27},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := w.Conn(t).(interface {
				InsertFormat(ctx context.Context, format, query string, data io.Reader) error
			})
			for range 5 {
				err := f.InsertFormat(bounded(t), "TSV", "INSERT INTO "+c.into, strings.NewReader(c.data))
				var e *clickhouse.Exception
				if !errors.As(err, &e) || e.Code != c.code {
					t.Fatalf("error = %v", err)
				}
			}
		})
	}
}

func TestClient_QueryFormat(t *testing.T) {
	w := enginetest.Start(t)
	for _, method := range []clickhouse.CompressionMethod{clickhouse.CompressionNone, clickhouse.CompressionGZIP, clickhouse.CompressionBrotli} {
		t.Run(method.String(), func(t *testing.T) {
			conn := w.ConnWith(t, clickhouse.Options{Compression: &clickhouse.Compression{Method: method, Level: 1}})
			f := conn.(interface {
				QueryFormat(ctx context.Context, format, query string, args ...any) (io.ReadCloser, error)
			})
			body, err := f.QueryFormat(bounded(t), "ArrowStream", "SELECT number AS n, toString(number) AS s FROM numbers({rows:UInt64})", clickhouse.Named("rows", 1_000_000))
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			r, err := ipc.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Release()
			var rows int64
			var sum uint64
			for r.Next() {
				rows += r.RecordBatch().NumRows()
				for _, v := range r.RecordBatch().Column(0).(*array.Uint64).Uint64Values() {
					sum += v
				}
			}
			if r.Err() != nil || rows != 1_000_000 || sum != 499999500000 {
				t.Errorf("rows, sum = %d, %d, error %v", rows, sum, r.Err())
			}
		})
	}
}

func TestClient_Compression(t *testing.T) {
	w := enginetest.Start(t)
	db := w.Database(t, "compression")
	methods := []clickhouse.CompressionMethod{
		clickhouse.CompressionNone, clickhouse.CompressionLZ4, clickhouse.CompressionZSTD,
		clickhouse.CompressionGZIP, clickhouse.CompressionDeflate, clickhouse.CompressionBrotli,
	}
	for _, method := range methods {
		t.Run(method.String(), func(t *testing.T) {
			conn, ctx := w.ConnWith(t, clickhouse.Options{Compression: &clickhouse.Compression{Method: method, Level: 3}}), bounded(t)
			w.Exec(t, "CREATE OR REPLACE TABLE "+db+".t (n UInt64) ENGINE = MergeTree ORDER BY n")
			batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+db+".t")
			if err != nil {
				t.Fatal(err)
			}
			for i := range 200_000 {
				if err := batch.Append(uint64(i)); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
			if got := readColumn[uint64](t, conn, "SELECT n FROM "+db+".t ORDER BY n"); len(got) != 200_000 || got[199_999] != 199_999 {
				t.Errorf("read %d rows", len(got))
			}
			var exception *clickhouse.Exception
			if err := conn.Exec(ctx, "SELECT * FROM "+db+".missing"); !errors.As(err, &exception) || exception.Code != engine.CodeUnknownTable {
				t.Errorf("error = %v", err)
			}
			rows, err := conn.Query(ctx, "SELECT throwIf(number = 900000, 'stop here') FROM numbers(1000000)")
			for err == nil && rows.Next() {
			}
			if err == nil {
				err = rows.Err()
			}
			if !errors.As(err, &exception) || exception.Code != 395 || !strings.Contains(exception.Message, "stop here") {
				t.Errorf("error in the middle of a result = %v", err)
			}
		})
	}
}

func TestClient_DatabaseSQL(t *testing.T) {
	w := enginetest.Start(t)
	name := w.Database(t, "database_sql")
	db, err := sql.Open("clickhouse", w.URL+"/"+name+"?max_threads=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := bounded(t)
	if _, err := db.ExecContext(ctx, "CREATE TABLE t (id UInt32, name String) ENGINE = MergeTree ORDER BY id"); err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	stmt, err := tx.PrepareContext(ctx, "INSERT INTO t")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := stmt.ExecContext(ctx, uint32(i), fmt.Sprint("n", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, "INSERT INTO t VALUES (?, ?)", 10, "it's"); err != nil {
		t.Fatal(err)
	}
	var last, threads string
	var rows int
	err = db.QueryRowContext(ctx, "SELECT argMax(name, id), count(), getSetting('max_threads')::String FROM t WHERE id >= ?", 5).Scan(&last, &rows, &threads)
	if err != nil || last != "it's" || rows != 6 || threads != "1" {
		t.Errorf("last, rows, threads = %q, %d, %q, error %v", last, rows, threads, err)
	}
}

func TestClient_Errors(t *testing.T) {
	w := enginetest.Start(t)
	conn := w.Conn(t)
	for _, c := range []struct {
		sql  string
		code int32
		name string
	}{
		{"SELECT * FROM no_such_table", 60, "UNKNOWN_TABLE"},
		{"SELECT no_such_column", 47, "UNKNOWN_IDENTIFIER"},
		{"SELECT no_such_function()", 46, "UNKNOWN_FUNCTION"},
		{"SELEC 1", 62, "SYNTAX_ERROR"},
		{"exit", 62, "SYNTAX_ERROR"},
		{"?? how many customers", 62, "SYNTAX_ERROR"},
		{"SELECT 1; SELECT 2", 62, "SYNTAX_ERROR"},
		{"SELECT 1 INTO OUTFILE '/tmp/x'", 48, "NOT_IMPLEMENTED"},
		{"INSERT INTO t FROM INFILE '/etc/passwd' FORMAT LineAsString", 48, "NOT_IMPLEMENTED"},
		{"DROP TABLE no_such_table", 60, "UNKNOWN_TABLE"},
		{"SELECT 1 FORMAT NoSuchFormat", 73, "UNKNOWN_FORMAT"},
		{"SELECT 1 SETTINGS no_such_setting = 1", 115, "UNKNOWN_SETTING"},
		{"SELECT throwIf(1, 'on purpose (NOT_A_NAME)')", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"},
		{"INSERT INTO no_such_table VALUES (1)", 60, "UNKNOWN_TABLE"},
	} {
		t.Run(c.sql, func(t *testing.T) {
			err := conn.Exec(bounded(t), c.sql)
			var e *clickhouse.Exception
			if !errors.As(err, &e) {
				t.Fatalf("error = %v", err)
			}
			if e.Code != c.code || e.CodeName != c.name {
				t.Errorf("code = %d %s, want %d %s (%v)", e.Code, e.CodeName, c.code, c.name, e)
			}
		})
	}
}

func TestClient_UnknownSetting(t *testing.T) {
	w := enginetest.Start(t)
	conn := w.ConnWith(t, clickhouse.Options{Settings: clickhouse.Settings{"no_such_setting": 1}})
	var e *clickhouse.Exception
	if err := conn.Ping(bounded(t)); !errors.As(err, &e) || e.Code != engine.CodeUnknownSetting {
		t.Errorf("error = %v", err)
	}
}

// endless is a query that only a kill ends.
const endless = "SELECT max(sipHash64(number)) FROM numbers(1000000000000)"

func running(t *testing.T, w *enginetest.Warehouse, text string) string {
	return w.Exec(t, "SELECT count() FROM system.processes WHERE query LIKE '%"+text+"%' AND query NOT LIKE '%system.processes%'")
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Errorf("it never came to be that %s", what)
}

func TestClient_CancelledContextStopsTheQuery(t *testing.T) {
	w := enginetest.Start(t)
	conn := w.Conn(t)
	for name, sql := range map[string]string{
		"before the first row": endless,
		"between rows":         "SELECT number, sipHash64(number) FROM numbers(1000000000000)",
		"an insert":            "INSERT INTO FUNCTION null('n UInt64') SELECT sipHash64(number) FROM numbers(1000000000000)",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			rows, err := conn.Query(ctx, sql)
			for err == nil && rows.Next() {
			}
			if err == nil {
				err = rows.Err()
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error = %v", err)
			}
			eventually(t, "the engine stops", func() bool { return running(t, w, "1000000000000") == "0\n" })
		})
	}
}

func TestClient_ManyAtOnce(t *testing.T) {
	w := enginetest.Start(t)
	db := w.Database(t, "many")
	conn, ctx := w.ConnWith(t, clickhouse.Options{MaxOpenConns: 16}), bounded(t)
	w.Exec(t, "CREATE TABLE "+db+".t (worker UInt8, n UInt32) ENGINE = MergeTree ORDER BY n")
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := range 5 {
				var sum uint64
				err := conn.QueryRow(ctx, "SELECT sum(number) FROM numbers({n:UInt64})", clickhouse.Named("n", 1000*(worker+1))).Scan(&sum)
				if n := uint64(1000 * (worker + 1)); err != nil || sum != n*(n-1)/2 {
					t.Errorf("sum = %d, error %v", sum, err)
				}
				if err := conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s.t VALUES (%d, %d)", db, worker, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := w.Exec(t, "SELECT count(), uniqExact(worker, n) FROM "+db+".t"); got != "80\t80\n" {
		t.Errorf("the table holds %q", got)
	}
}

func TestClient_ExternalTables(t *testing.T) {
	w := enginetest.Start(t)
	table, err := ext.NewTable("customers", ext.Column("id", "UInt64"), ext.Column("name", "String"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := table.Append(uint64(i), fmt.Sprint("c", i)); err != nil {
			t.Fatal(err)
		}
	}
	ctx := clickhouse.Context(bounded(t), clickhouse.WithExternalTable(table))
	var names string
	if err := w.Conn(t).QueryRow(ctx, "SELECT arrayStringConcat(groupArray(name)) FROM customers WHERE id > 6").Scan(&names); err != nil || names != "c7c8c9" {
		t.Errorf("names = %q, error %v", names, err)
	}
}
