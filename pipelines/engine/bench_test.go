package engine_test

import (
	"context"
	"io"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// BenchmarkQuery is the shortest round trip to the engine.
func BenchmarkQuery(b *testing.B) {
	ctx := context.Background()
	s, err := enginetest.Start(b).Engine.Session(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		if _, err := s.Query(ctx, engine.Query{SQL: "SELECT 1"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClientQuery is the same by way of HTTP and the Go client.
func BenchmarkClientQuery(b *testing.B) {
	conn := enginetest.Start(b).ConnWith(b, clickhouse.Options{Settings: clickhouse.Settings{"join_use_nulls": 1}})
	for b.Loop() {
		var one uint8
		if err := conn.QueryRow(context.Background(), "SELECT 1").Scan(&one); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClientRows reads a million rows as the Go client does, columns only.
func BenchmarkClientRows(b *testing.B) {
	conn := enginetest.Start(b).Conn(b)
	for b.Loop() {
		rows, err := conn.Query(context.Background(), "SELECT number, toString(number), toLowCardinality(toString(number % 10)) FROM numbers(1000000)")
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
		}
		if rows.Err() != nil {
			b.Fatal(rows.Err())
		}
	}
	b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkClientArrow reads ten million rows as Arrow.
func BenchmarkClientArrow(b *testing.B) {
	conn := enginetest.Start(b).Conn(b)
	f := conn.(interface {
		QueryFormat(ctx context.Context, format, query string, args ...any) (io.ReadCloser, error)
	})
	for b.Loop() {
		body, err := f.QueryFormat(context.Background(), "ArrowStream", "SELECT number, toString(number) FROM numbers(10000000)")
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, body)
		_ = body.Close()
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
	}
}
