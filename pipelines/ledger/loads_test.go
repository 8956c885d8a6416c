package ledger_test

import (
	"context"
	"slices"
	"testing"

	"winback/pipelines/engine/enginetest"
	"winback/pipelines/ledger"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// TestLedger_Since tells of what was loaded after a version, and when that is not
// known.
func TestLedger_Since(t *testing.T) {
	conn := enginetest.Start(t).Conn(t)
	for _, statement := range []string{"drop database if exists ops sync", "create database ops"} {
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	l, err := ledger.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	loaded := func(path, entity, run string, kind ledger.LoadKind) {
		t.Helper()
		if err := l.RecordLoad(t.Context(), ledger.Load{Path: path, Checksum: "sum of " + path, Source: "shop", Entity: entity, RunID: run, Kind: kind, Rows: 10}); err != nil {
			t.Fatal(err)
		}
	}
	version := func() string {
		t.Helper()
		versions, err := l.Versions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return versions["shop.orders"]
	}
	since := func(version string, want bool, runs ...string) {
		t.Helper()
		a, ok, err := l.Since(context.Background(), "shop.orders", version)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, run := range a.Runs {
			got = append(got, run.RunID)
		}
		if slices.Sort(got); ok != want || ok && (!slices.Equal(got, runs) || a.Rows != int64(10*len(runs))) {
			t.Errorf("since %q: %v %v (%d rows), want %v %v", version, got, ok, a.Rows, runs, want)
		}
	}
	never := version()
	since(never, true)
	loaded("a", "shop.orders", "r1", ledger.Landed)
	loaded("other", "shop.refunds", "r1", ledger.Landed)
	first := version()
	since(first, true)
	since(never, true, "r1")
	loaded("b", "shop.orders", "r2", ledger.Landed)
	loaded("c", "shop.orders", "r3", ledger.Landed)
	loaded("abc", "shop.orders", "compaction", ledger.Covered)
	since(first, true, "r2", "r3")
	since(version(), true)
	since("not a version", false)
	since("1-ABC", false)
	third := version()

	loaded("d", "shop.orders", "compaction", ledger.Merged)
	since(third, false)
	since(version(), true)
	fourth := version()
	loaded("a", "shop.orders", "r1", ledger.Landed) // once more: the order is another
	since(first, false)
	since(fourth, true)
}
