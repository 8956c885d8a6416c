package engine_test

import (
	"context"
	"testing"
	"time"

	"winback/pipelines/engine/enginetest"
)

// bounded gives a context that ends before the test binary does.
func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestClient_Ping(t *testing.T) {
	conn := enginetest.Start(t).Conn(t)
	if err := conn.Ping(bounded(t)); err != nil {
		t.Fatal(err)
	}
	v, err := conn.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if v.Version.Major < 26 || v.Revision == 0 {
		t.Errorf("server version = %v revision %d", v.Version, v.Revision)
	}
}

func TestClient_BatchInsert(t *testing.T) {
	w := enginetest.Start(t)
	db := w.Database(t, "batch")
	conn, ctx := w.Conn(t), bounded(t)
	if err := conn.Exec(ctx, "CREATE TABLE "+db+".t (id UInt64, name LowCardinality(String), amount Nullable(Decimal(18, 4)), tags Array(String)) ENGINE = MergeTree ORDER BY id"); err != nil {
		t.Fatal(err)
	}
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+db+".t")
	if err != nil {
		t.Fatal(err)
	}
	const rows = 300_000
	for i := range rows {
		if err := batch.Append(uint64(i), "n", nil, []string{"a", "b"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	var count, sum uint64
	if err := conn.QueryRow(ctx, "SELECT count(), sum(id) FROM "+db+".t").Scan(&count, &sum); err != nil {
		t.Fatal(err)
	}
	if count != rows || sum != rows*(rows-1)/2 {
		t.Errorf("count, sum = %d, %d", count, sum)
	}
	got, err := conn.Query(ctx, "SELECT * FROM "+db+".t ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	n := 0
	for got.Next() {
		n++
	}
	if err := got.Err(); err != nil || n != rows {
		t.Errorf("read %d rows, error %v", n, err)
	}
}
