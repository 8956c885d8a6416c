package pipelines

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/files"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/warehouse"
)

// few are the models that these tests build.
var few = []string{"stg_shop__orders"}

// bench is a project over the test process's engine, which is empty at first.
type bench struct {
	*testing.T
	dir     string
	server  string
	now     time.Time
	project *Project
	w       *warehouse.Warehouse
	cluster string // more of the configuration's warehouse
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, dir: t.TempDir(), server: enginetest.Start(t).URL, now: time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)}
	w, err := warehouse.Open(t.Context(), warehouse.Options{Server: &warehouse.Server{URL: b.server + "/default"}})
	if err != nil {
		t.Fatal(err)
	}
	b.w = w
	t.Cleanup(func() { w.Close() })
	for _, database := range []string{"raw", "staging", "mart", "ops"} {
		if err := w.Exec(t.Context(), "DROP DATABASE IF EXISTS "+database+" SYNC"); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bench) write(name, text string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) remove(name string) {
	b.Helper()
	if err := os.Remove(filepath.Join(b.dir, name)); err != nil {
		b.Fatal(err)
	}
}

// configure opens the project with these datasets.
func (b *bench) configure(datasets string) {
	b.Helper()
	b.configureWith("", datasets)
}

// configureWith opens the project with more settings.
func (b *bench) configureWith(settings, datasets string) {
	b.Helper()
	b.write("winback.yaml", fmt.Sprintf("project: acme\ntimezone: UTC\nas_of: 2026-02-28\ncurrency: EUR\nquarantine: {limit: 90%%}\n"+
		"warehouse: {url: %q%s}\n%ssources:\n  shop:\n    connector: files\n    payload: none\n    datasets:\n%s", b.server+"/default", b.cluster, settings, datasets))
	registry, err := connectors.NewRegistry(files.Connector())
	if err != nil {
		b.Fatal(err)
	}
	b.project, err = Open(OpenOptions{
		Config: filepath.Join(b.dir, "winback.yaml"), Registry: registry, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { b.now = b.now.Add(time.Second); return b.now },
	})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) run() Summary {
	b.Helper()
	s, err := b.project.Run(b.Context(), RunOptions{Only: append([]string{"source:shop"}, few...)})
	if err != nil {
		b.Fatal(err, s.Problems)
	}
	return s
}

// replay replays everything and says what became of it.
func (b *bench) replay() string {
	b.Helper()
	s, err := b.project.Replay(b.Context(), SettleOptions{By: "ann", models: few})
	if err != nil {
		b.Fatal(err, s.Problems)
	}
	return fmt.Sprintf("%d replayed, %d rows, %d open", s.Replayed, s.Rows, s.StillOpen)
}

func (b *bench) expect(what, sql string, want ...string) {
	b.Helper()
	got, err := names(b.Context(), b.w, sql)
	if err != nil || !slices.Equal(got, want) {
		b.Errorf("%s: got %q, %v; want %q", what, got, err, want)
	}
}

const (
	strictOrders  = "      orders: {files: 'o*.csv', entity: shop.orders, fields: {id: id, ordered_at: at, items_total: total}}\n"
	lenientOrders = "      orders: {files: 'o*.csv', entity: shop.orders, fields: {id: id, ordered_at: at, items_total: {column: total, mode: lenient}}}\n"
	mendedOrders  = "      orders: {files: 'o*.csv', entity: shop.orders, fields: {id: id, ordered_at: at, items_total: {column: total, decimal_comma: true}}}\n"
	orderRows     = "SELECT concat(id, ' ', ifNull(toString(items_total), '-')) FROM raw.shop_orders FINAL ORDER BY id"
	stateRows     = "SELECT concat(input, ':', toString(line), ' ', state) FROM ops.quarantine ORDER BY at, number"
)

// A record of an old file is no newer than what was read since, whenever it is
// replayed; and it is replayed once.
func TestReplay_ReplacesNothingThatWasReadLater(t *testing.T) {
	b := newBench(t)
	b.configure(strictOrders)
	b.write("o1.csv", "id;at;total\n1;2026-02-01;10\n2;2026-02-02;20,5\n3;2026-02-03;30,5\n4;2026-02-04\n")
	if s := b.run(); s.QuarantineOpen != 3 {
		t.Errorf("%d records are open", s.QuarantineOpen)
	}
	b.write("o2.csv", "id;at;total\n2;2026-02-02;99\n")
	b.run()
	b.remove("o1.csv")
	b.configure(mendedOrders)
	for i, want := range []string{"2 replayed, 2 rows, 1 open", "0 replayed, 0 rows, 1 open"} {
		if got := b.replay(); got != want {
			t.Errorf("replay %d: %s, not %s", i+1, got, want)
		}
		b.expect("orders", orderRows, "1 10", "2 99", "3 30.5")
		b.expect("states", stateRows, "o1.csv:3 replayed", "o1.csv:4 replayed", "o1.csv:5 open")
	}
	b.expect("who did it", "SELECT DISTINCT concat(state_by, ' ', toString(tries)) FROM ops.quarantine WHERE state = 'replayed'", "ann 1")
	b.expect("staging", "SELECT toString(count()) FROM staging.stg_shop__orders", "3")

	// The files that are there are read again, as the mapping is another.
	b.run()
	b.expect("after a run", orderRows, "1 10", "2 99", "3 30.5")
	b.write("o1.csv", "id;at;total\n1;2026-02-01;10\n2;2026-02-02;20,5\n3;2026-02-03;30,5\n4;2026-02-04\n")
	if s := b.run(); s.QuarantineOpen != 1 {
		t.Errorf("after the file came back %d records are open", s.QuarantineOpen)
	}
	b.expect("after the file came back", stateRows,
		"o1.csv:3 replayed", "o1.csv:4 replayed", "o1.csv:5 resolved", "o1.csv:5 open")
	b.expect("orders as read last", orderRows, "1 10", "2 20.5", "3 30.5")

	// All of it again, from the landing zone alone.
	if _, err := b.project.Rebuild(t.Context(), RebuildOptions{models: few}); err != nil {
		t.Fatal(err)
	}
	b.expect("orders rebuilt", orderRows, "1 10", "2 20.5", "3 30.5")
}

// A value that was left out comes into the row that was landed without it.
func TestReplay_FillsInWhatWasLeftOut(t *testing.T) {
	b := newBench(t)
	b.configure(lenientOrders)
	b.write("o1.csv", "id;at;total\n1;2026-02-01;10\n2;2026-02-02;20,5\n3;2026-02-03;x\n")
	b.run()
	b.expect("without", orderRows, "1 10", "2 -", "3 -")
	b.remove("o1.csv")
	b.configure(mendedOrders)
	if got := b.replay(); got != "1 replayed, 1 rows, 1 open" {
		t.Error(got)
	}
	b.expect("with", orderRows, "1 10", "2 20.5", "3 -")
}

const (
	strictInvoices = "      invoices:\n        files: 'i*.csv'\n        group_by: no\n        entities:\n" +
		"          shop.orders: {fields: {id: no, ordered_at: at, items_total: {column: sum, fold: sum}, line_count: {auto: line_count}}}\n" +
		"          shop.order_lines: {fields: {order_id: no, line_no: {auto: line_number}, quantity: sum}}\n"
	mendedInvoices = "      invoices:\n        files: 'i*.csv'\n        group_by: no\n        entities:\n" +
		"          shop.orders: {fields: {id: no, ordered_at: at, items_total: {column: sum, fold: sum, decimal_comma: true}, line_count: {auto: line_count}}}\n" +
		"          shop.order_lines: {fields: {order_id: no, line_no: {auto: line_number}, quantity: {column: sum, decimal_comma: true}}}\n"
)

// The line of an invoice comes back with the whole invoice, which takes the place
// of the one that lacked it, and not of a later one.
func TestReplay_InvoicesWhole(t *testing.T) {
	b := newBench(t)
	b.configure(strictInvoices)
	b.write("i1.csv", "no;at;sum\nA;2026-02-01;1\nA;2026-02-01;2,5\nB;2026-02-02;4\nB;2026-02-02;5,5\n")
	b.run()
	b.write("i2.csv", "no;at;sum\nB;2026-02-02;7\n")
	b.run()
	b.expect("before", orderRows, "A 1", "B 7")
	b.configure(mendedInvoices)
	if got := b.replay(); got != "2 replayed, 6 rows, 0 open" {
		t.Error(got)
	}
	b.expect("orders", orderRows, "A 3.5", "B 7")
	b.expect("lines of A", "SELECT toString(quantity) FROM raw.shop_order_lines FINAL WHERE order_id = 'A' ORDER BY line_no", "1", "2.5")
	if got := b.replay(); got != "0 replayed, 0 rows, 0 open" {
		t.Error(got)
	}
}

// When the file is there, a run that reads it again settles what it put aside.
func TestRun_ReadingAgainResolvesTheQuarantine(t *testing.T) {
	b := newBench(t)
	b.configure(strictOrders)
	b.write("o1.csv", "id;at;total\n1;2026-02-01;10\n2;2026-02-02;20,5\n")
	b.write("o2.csv", "id;at;total\n3;2026-02-01;30,5\n")
	b.run()
	b.write("o1.csv", "id;at;total\n1;2026-02-01;10\n2;2026-02-02;20,5\n4;2026-02-02;40,5\n") // grown: its begin is not read again
	b.run()
	b.expect("of a file that grew", stateRows, "o1.csv:3 open", "o2.csv:2 open", "o1.csv:4 open")
	b.configure(mendedOrders)
	if s := b.run(); s.QuarantineOpen != 0 {
		t.Errorf("%d records are open", s.QuarantineOpen)
	}
	b.expect("after the mapping was mended", stateRows, "o1.csv:3 resolved", "o2.csv:2 resolved", "o1.csv:4 resolved")
	b.expect("orders", orderRows, "1 10", "2 20.5", "3 30.5", "4 40.5")
	if got := b.replay(); got != "0 replayed, 0 rows, 0 open" {
		t.Error(got)
	}
	groups, err := b.project.Quarantine(t.Context(), QuarantineFilter{Settled: true})
	if err != nil || len(groups) != 2 {
		t.Fatal(groups, err)
	}
	ids := map[string]bool{groups[0].ID: true, groups[1].ID: true}
	if got := slices.Sorted(maps.Keys(ids)); len(got) != 2 || groups[0].Resolved+groups[1].Resolved != 3 {
		t.Errorf("groups %v: %+v", got, groups)
	}
}
