package warehouse_test

import (
	"testing"

	"winback/pipelines/engine/enginetest"
	"winback/pipelines/warehouse"
)

// TestWake sees that the engine knows the pieces of every table after it: of one that
// was read before, of one that was not, and of one that is awake already.
func TestWake(t *testing.T) {
	library := enginetest.Library(t)
	options := warehouse.Options{Home: t.TempDir(), Purpose: warehouse.ForRun, Engine: warehouse.EngineOptions{Library: &library}}
	open := func() *warehouse.Warehouse {
		t.Helper()
		w, err := warehouse.Open(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	run := func(w *warehouse.Warehouse, statements ...string) {
		t.Helper()
		for _, sql := range statements {
			if err := w.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
	}
	known := func(w *warehouse.Warehouse) (n uint64) {
		t.Helper()
		if err := w.QueryRow(t.Context(), "SELECT uniqExact(table) FROM system.parts WHERE active AND database = 'mart'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	w := open()
	run(w, "CREATE DATABASE mart")
	for _, name := range []string{"read", "unread", "`awake`"} {
		run(w, "CREATE TABLE mart."+name+" ENGINE = MergeTree ORDER BY n AS SELECT 1 AS n")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	options.Asleep = true
	w = open()
	defer w.Close()
	run(w, "SELECT * FROM mart.read FORMAT Null")
	if n := known(w); n == 3 {
		t.Fatal("no table sleeps")
	}
	run(w, "DETACH TABLE mart.`awake`", "ATTACH TABLE mart.`awake`")
	for range 2 {
		if err := w.Wake(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := known(w); n != 3 {
			t.Errorf("the engine knows the pieces of %d tables", n)
		}
	}
}
