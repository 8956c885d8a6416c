package landing_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/landing"
)

var (
	orders = entity.Of[entity.Order]()
	began  = time.Date(2026, 3, 1, 4, 0, 0, 123456000, time.UTC)
)

func dataset(name string, entities ...*entity.Schema) connectors.Dataset {
	return connectors.Dataset{Name: name, Entities: entities}
}

func begin(t *testing.T, z *landing.Zone, run string, d connectors.Dataset, o landing.Options) *landing.Writer {
	t.Helper()
	w, err := z.Begin(t.Context(), landing.RunInfo{RunID: run, Source: "shop", ExtractedAt: began}, d, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// order is a row as these tests write it.
type order struct {
	id, customer string
	line         int64
}

func writeOrders(t *testing.T, w *landing.Writer, input string, rows ...order) {
	t.Helper()
	number := w.Input(input)
	b := w.NewBatch(orders)
	for _, r := range rows {
		b.SetString(orders.Field("id").Index, r.id)
		b.SetString(orders.Field("customer_id").Index, r.customer)
		if err := b.EndRow(entity.Origin{Input: number, Line: r.line}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, w *landing.Writer, cursor string) *landing.Manifest {
	t.Helper()
	m, err := w.Commit(t.Context(), json.RawMessage(cursor))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// readOrders returns id and customer of all orders of a manifest.
func readOrders(t *testing.T, z *landing.Zone, m *landing.Manifest) []string {
	t.Helper()
	var list []string
	for _, f := range m.Files {
		p, err := z.OpenPart(f)
		if err != nil {
			t.Fatal(err)
		}
		for b, err := range p.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			b.Align()
			for i := range b.Rows() {
				list = append(list, fmt.Sprintf("%s %s", b.Columns[orders.Field("id").Index].Value(i), b.Columns[orders.Field("customer_id").Index].Value(i)))
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func tree(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			relative, _ := filepath.Rel(root, path)
			files = append(files, filepath.ToSlash(relative))
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

func quarantined(t *testing.T, z *landing.Zone, m *landing.Manifest) []landing.QuarantineRow {
	t.Helper()
	var rows []landing.QuarantineRow
	for _, q := range m.Quarantine {
		some, err := parquet.ReadFile[landing.QuarantineRow](z.Path(q.Path))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, some...)
	}
	return rows
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestWriter_Commit(t *testing.T) {
	t.Run("nothing is visible before and everything after", func(t *testing.T) {
		z := landing.Open(t.TempDir())
		w := begin(t, z, "r1", dataset("orders", orders), landing.Options{})
		writeOrders(t, w, "a.csv", order{"2", "Bea", 2}, order{"1", "Ann", 3})
		if ms, err := z.Manifests("shop"); err != nil || len(ms) != 0 {
			t.Fatalf("manifests before the commit: %v, %v", ms, err)
		}
		m := commit(t, w, `{"files":["a.csv"]}`)
		equal(t, "files", tree(t, z.Root()), []string{
			"shop/_manifests/r1.orders.json",
			"shop/shop.orders/run=r1/part-00001.parquet",
		})
		equal(t, "rows", readOrders(t, z, m), []string{"1 Ann", "2 Bea"})
		equal(t, "counts", m.Counts("shop.orders"), landing.EntityCounts{Entity: "shop.orders", Read: 2, Landed: 2})
		equal(t, "min", m.Files[0].MinKey, []string{"1"})
		equal(t, "max", m.Files[0].MaxKey, []string{"2"})
		ms, err := z.Manifests("shop")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "manifests", ms, []*landing.Manifest{m})
		cursors, err := z.Cursors("shop", "orders")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "cursors", cursors, []json.RawMessage{json.RawMessage(`{"files":["a.csv"]}`)})
	})

	t.Run("nothing new leaves nothing", func(t *testing.T) {
		z := landing.Open(t.TempDir())
		w := begin(t, z, "r1", dataset("orders", orders), landing.Options{})
		m, err := w.Commit(t.Context(), nil)
		if m != nil || err != nil {
			t.Fatalf("got %v, %v", m, err)
		}
		equal(t, "files", tree(t, z.Root()), []string(nil))
	})

	t.Run("a cursor without rows is kept", func(t *testing.T) {
		z := landing.Open(t.TempDir())
		commit(t, begin(t, z, "r1", dataset("orders", orders), landing.Options{}), `1`)
		m := commit(t, begin(t, z, "r2", dataset("orders", orders), landing.Options{}), `2`)
		equal(t, "cursor before", m.CursorBefore, json.RawMessage(`1`))
	})

	t.Run("the same run and dataset again is refused", func(t *testing.T) {
		z := landing.Open(t.TempDir())
		commit(t, begin(t, z, "r1", dataset("orders", orders), landing.Options{}), `1`)
		_, err := z.Begin(t.Context(), landing.RunInfo{RunID: "r1", Source: "shop"}, dataset("orders", orders), landing.Options{})
		if !errors.Is(err, landing.ErrCommitted) {
			t.Fatalf("got %v", err)
		}
	})

	t.Run("two datasets of a run feed one entity", func(t *testing.T) {
		z := landing.Open(t.TempDir())
		a := begin(t, z, "r1", dataset("a", orders), landing.Options{})
		b := begin(t, z, "r1", dataset("b", orders), landing.Options{})
		writeOrders(t, a, "a.csv", order{"1", "Ann", 1})
		writeOrders(t, b, "b.csv", order{"2", "Bea", 1})
		equal(t, "a", readOrders(t, z, commit(t, a, `1`)), []string{"1 Ann"})
		equal(t, "b", readOrders(t, z, commit(t, b, `1`)), []string{"2 Bea"})
	})
}

func TestZone_Begin_Version(t *testing.T) {
	z := landing.Open(t.TempDir())
	first := commit(t, begin(t, z, "r1", dataset("a", orders), landing.Options{}), `1`)
	if !first.ExtractedAt.Equal(began) {
		t.Fatalf("extracted at %s", first.ExtractedAt)
	}
	t.Run("is later than that of earlier runs though the clock went back", func(t *testing.T) {
		w, err := z.Begin(t.Context(), landing.RunInfo{RunID: "r2", Source: "shop", ExtractedAt: began.Add(-time.Hour)}, dataset("a", orders), landing.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := commit(t, w, `2`)
		if want := began.Add(time.Microsecond); !m.ExtractedAt.Equal(want) {
			t.Errorf("got %s, want %s", m.ExtractedAt, want)
		}
	})
	t.Run("is the same for the datasets of a run", func(t *testing.T) {
		w, err := z.Begin(t.Context(), landing.RunInfo{RunID: "r2", Source: "shop", ExtractedAt: began.Add(-time.Hour)}, dataset("b", orders), landing.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := commit(t, w, `2`)
		if want := began.Add(time.Microsecond); !m.ExtractedAt.Equal(want) {
			t.Errorf("got %s, want %s", m.ExtractedAt, want)
		}
	})
}

func TestWriter_Abort(t *testing.T) {
	z := landing.Open(t.TempDir())
	w := begin(t, z, "r1", dataset("orders", orders), landing.Options{PartRows: 2})
	for i := range 5 {
		writeOrders(t, w, "a.csv", order{fmt.Sprint(i), "Ann", 1}, order{fmt.Sprint("x", i), "Ann", 1})
	}
	if err := w.Reject(t.Context(), connectors.Reject{Entity: orders, Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	equal(t, "files", tree(t, z.Root()), []string(nil))
	if err := w.Write(t.Context(), entity.NewBatch(orders)); err == nil {
		t.Error("a write after the end is an error")
	}
}

// The same rows in parts of every size: what becomes of them does not depend on
// where the parts end.
func TestWriter_Duplicates(t *testing.T) {
	const (
		again = "the same key with other content comes again, in a.csv line %d; none of them is taken"
		came  = "the same key with other content came before, in a.csv line %d; "
	)
	tests := []struct {
		rule       connectors.Duplicates
		rows       []string
		duplicates int64
		quarantine []string
	}{
		{connectors.Duplicates{}, []string{"5 Bea", "6 Dan", "7 Ann", "8 Fay", "9 Cid"}, 5, []string{
			"a.csv:6 9 " + fmt.Sprintf(came, 3) + "the first stays", "a.csv:8 5 " + fmt.Sprintf(came, 2) + "the first stays",
			"a.csv:9 5 " + fmt.Sprintf(came, 2) + "the first stays",
		}},
		{connectors.Duplicates{Keep: connectors.KeepFirst}, []string{"5 Bea", "6 Dan", "7 Ann", "8 Fay", "9 Cid"}, 8, nil},
		{connectors.Duplicates{Keep: connectors.KeepLast}, []string{"5 Gus", "6 Dan", "7 Ann", "8 Fay", "9 Eve"}, 8, nil},
		{connectors.Duplicates{Keep: connectors.KeepNewest, Field: "ordered_at"}, []string{"5 Hal", "6 Dan", "7 Ann", "8 Fay", "9 Cid"}, 8, nil},
		{connectors.Duplicates{Keep: connectors.KeepNone}, []string{"6 Dan", "7 Ann", "8 Fay"}, 5, []string{
			"a.csv:2 5 " + fmt.Sprintf(again, 8), "a.csv:3 9 " + fmt.Sprintf(again, 6),
			"a.csv:6 9 " + fmt.Sprintf(came, 3) + "none of them is taken", "a.csv:8 5 " + fmt.Sprintf(came, 2) + "none of them is taken",
			"a.csv:9 5 " + fmt.Sprintf(came, 2) + "none of them is taken",
		}},
	}
	for _, test := range tests {
		for _, size := range []int{1, 2, 4, 100} {
			t.Run(fmt.Sprintf("%s in parts of %d", test.rule.Keep, size), func(t *testing.T) {
				t.Parallel()
				z := landing.Open(t.TempDir())
				d := dataset("orders", orders)
				d.Duplicates = map[string]connectors.Duplicates{"shop.orders": test.rule}
				w := begin(t, z, "r1", d, landing.Options{PartRows: size, RejectLimit: entity.Some(1.0)})
				for i, row := range []struct {
					id, name string
					at       int64 // 0: none
				}{
					{"7", "Ann", 0}, {"5", "Bea", 20}, {"9", "Cid", 20}, {"6", "Dan", 0}, {"5", "Bea", 20}, {"9", "Eve", 0}, {"8", "Fay", 0},
					{"5", "Hal", 30}, {"5", "Gus", 10}, {"5", "Bea", 20}, {"5", "Hal", 30}, {"9", "Eve", 0}, {"5", "Gus", 10},
				} {
					o := entity.Order{ID: row.id, CustomerID: row.name}
					if row.at > 0 {
						o.OrderedAt = entity.Some(entity.Time(row.at))
					}
					b := w.NewBatch(orders)
					if err := entity.Append(b, &o, entity.Origin{Input: w.Input("a.csv"), Line: int64(i) + 1}); err != nil {
						t.Fatal(err)
					}
					if err := w.Write(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				}
				m := commit(t, w, `1`)
				equal(t, "rows", sortedStrings(readOrders(t, z, m)), test.rows)
				quarantine := int64(len(test.quarantine))
				equal(t, "counts", m.Counts("shop.orders"), landing.EntityCounts{
					Entity: "shop.orders", Read: 13, Landed: 13 - test.duplicates - quarantine, Duplicates: test.duplicates, Quarantined: quarantine,
				})
				var got []string
				for _, r := range quarantined(t, z, m) {
					got = append(got, fmt.Sprintf("%s:%d %s %s", r.Input, r.Line, r.Value, r.Reason))
				}
				equal(t, "quarantine", sortedStrings(got), test.quarantine)
				for _, f := range tree(t, z.Root()) {
					if strings.HasSuffix(f, ".tmp") {
						t.Errorf("left %s", f)
					}
				}
			})
		}
	}
}

func describe(rows []landing.QuarantineRow) []string {
	var list []string
	for _, r := range rows {
		list = append(list, fmt.Sprintf("%s:%d %s=%s %s %s", r.Input, r.Line, r.Column, r.Value, r.Reason, r.Record))
	}
	return list
}

func TestWriter_TooManyRejects(t *testing.T) {
	z := landing.Open(t.TempDir())
	good := begin(t, z, "r1", dataset("orders", orders), landing.Options{})
	writeOrders(t, good, "a.csv", order{"1", "Ann", 1})
	commit(t, good, `1`)

	w := begin(t, z, "r2", dataset("orders", orders), landing.Options{})
	for i := range 9 {
		writeOrders(t, w, "b.csv", order{fmt.Sprint(i), "Bea", int64(i)})
	}
	reject := connectors.Reject{Entity: orders, Input: "b.csv", Line: 11, Column: "total", Value: "1,2,3", Reason: "not a number", Record: "x;1,2,3"}
	for range 2 { // two bad values of one record
		if err := w.Reject(t.Context(), reject); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.Commit(t.Context(), json.RawMessage(`2`))
	var tooMany *landing.RejectsError
	if !errors.As(err, &tooMany) || !errors.Is(err, landing.ErrTooManyRejects) {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"shop.orders: 1 of 10 records (10.0 %)", "limit of 5 %, such as b.csv:11 total not a number: nothing", "winback quarantine list", "ops.quarantine", "quarantine: {limit"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	equal(t, "files", tree(t, z.Root()), []string{
		"shop/_failed/r2.orders.json",
		"shop/_manifests/r1.orders.json",
		"shop/_quarantine/run=r2/orders-00001.parquet",
		"shop/shop.orders/run=r1/part-00001.parquet",
	})
	failures, err := z.Failures("shop")
	if err != nil || len(failures) != 1 {
		t.Fatalf("failures: %v, %v", failures, err)
	}
	equal(t, "rejects", describe(quarantined(t, z, failures[0])), []string{
		"b.csv:11 total=1,2,3 not a number x;1,2,3", "b.csv:11 total=1,2,3 not a number x;1,2,3",
	})
	if r, err := z.Recover(t.Context()); err != nil || len(r.Files) != 0 {
		t.Errorf("recovery removed %v, %v", r.Files, err)
	}
}

func TestWriter_OutOfRange(t *testing.T) {
	z := landing.Open(t.TempDir())
	rates := entity.Of[entity.ExchangeRate]()
	w := begin(t, z, "r1", dataset("rates", rates), landing.Options{RejectLimit: entity.Some(0.9)})
	input, b := w.Input("rates.csv"), w.NewBatch(rates)
	for line, day := range []string{"2299-12-31", "9999-12-31", "1900-01-01", "1899-12-31"} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		row := entity.ExchangeRate{Currency: "EUR", Date: entity.DateOf(at), Rate: entity.Some(entity.Rate(1))}
		if err := entity.Append(b, &row, entity.Origin{Input: input, Line: int64(line) + 2}); err != nil {
			t.Fatal(err)
		}
	}
	large := entity.ExchangeRate{Currency: "USD", Date: 1, Rate: entity.Some(entity.Rate(1e18))}
	if err := entity.Append(b, &large, entity.Origin{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	m := commit(t, w, `1`)
	equal(t, "counts", m.Counts("shop.exchange_rates"), landing.EntityCounts{Entity: "shop.exchange_rates", Read: 5, Landed: 2, Quarantined: 3})
	const reason = " date is outside 1900-01-01 to 2299-12-31, which is what the warehouse holds "
	equal(t, "quarantine", describe(quarantined(t, z, m)), []string{
		"rates.csv:3 date=9999-12-31" + reason + `{"currency":"EUR","date":"9999-12-31","rate":0.00000001}`,
		"rates.csv:5 date=1899-12-31" + reason + `{"currency":"EUR","date":"1899-12-31","rate":0.00000001}`,
		`:0 rate=10000000000 rate has more than 18 digits {"currency":"USD","date":"1970-01-02","rate":10000000000}`,
	})
}

func sortedStrings(list []string) []string {
	slices.Sort(list)
	return list
}
