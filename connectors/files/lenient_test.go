package files

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"winback/connectors"
)

const lenientConfig = `
payload: none
datasets:
  shop.orders:
    files: a.csv
    fields:
      id: id
      ordered_at: {column: at, mode: lenient}
      items_total: {column: total, mode: lenient, default: "7"}
      tax: tax
`

// The same bad values in a field of either mode.
func TestMode(t *testing.T) {
	f := newFolder(t, lenientConfig, map[string]string{"a.csv": "id,at,total,tax\n" +
		"1,2024-01-01,10,1\n" + // good
		"2,yesterday,much,2\n" + // two bad values of lenient fields
		"3,9999-12-31,30,3\n" + // beyond what a field holds
		"4,yesterday,40,x\n" + // of a strict one as well: the record is put aside, and nothing is said of it twice
		"5,,,5\n"}) // no value is not a bad one
	m := f.mustExtract()
	want := []string{
		"id=1 ordered_at=2024-01-01T00:00:00Z currency=GBP items_total=10 tax=1",
		"id=2 currency=GBP tax=2", "id=3 currency=GBP items_total=30 tax=3", "id=5 currency=GBP items_total=7 tax=5",
	}
	if diff := cmp.Diff(want, m.rows["shop.orders"]); diff != "" {
		t.Errorf("rows: -want +got\n%s", diff)
	}
	type told struct {
		Line          int64
		Column, Value string
		Kept          bool
	}
	var got []told
	for _, r := range m.rejects {
		got = append(got, told{r.Line, r.Column, r.Value, r.Kept})
		if r.Kept != strings.HasSuffix(r.Reason, " was left empty, the record went on") {
			t.Errorf("line %d: reason %q", r.Line, r.Reason)
		}
	}
	wantTold := []told{{5, "tax", "x", false}, {3, "at", "yesterday", true}, {3, "total", "much", true}, {4, "at", "9999-12-31", true}}
	if diff := cmp.Diff(wantTold, got); diff != "" {
		t.Errorf("rejects: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(connectors.Counts{Read: 5}, m.counts["shop.orders"]); diff != "" {
		t.Error(diff)
	}
}

func TestMode_InDocuments(t *testing.T) {
	f := newFolder(t, `
payload: none
datasets:
  invoices:
    files: "*.csv"
    group_by: id
    entities:
      shop.orders: {fields: {id: id, ordered_at: {column: at, fold: min, mode: lenient}}}
      shop.order_lines: {fields: {order_id: id, line_no: {auto: line_number}, quantity: {column: n, mode: lenient}, price: price}}
`, map[string]string{"a.csv": "id,at,n,price\n1,x,2,1\n1,2024-01-02,two,1\n1,2024-01-03,3,free\n", "b.csv": "id,at,n,price\n1,x,2,1\n1,2024-01-02,two,1\n1,2024-01-03,3,free\n\n"})
	f.wants("the document counts once, and so do its bad values",
		"order_id=1 line_no=1 quantity=2 price=1", "order_id=1 line_no=2 price=1",
		`payload={"quarantined_lines":1} id=1 ordered_at=2024-01-02T00:00:00Z line_count=3`,
		"reject line 4: is not a number",
		"reject line 2: is not a timestamp written as iso; ordered_at was left empty, the record went on",
		"reject line 3: is not a number; quantity was left empty, the record went on")
}

func TestMode_NotWhereAValueMustBe(t *testing.T) {
	for _, field := range []string{"id: {column: id, mode: lenient}", "id: id\n      email: {column: e, mode: lenient, required: true}"} {
		_, err := config(t, t.TempDir(), "datasets:\n  shop.customers:\n    files: a.csv\n    fields:\n      "+field+"\n")
		if err == nil || !strings.Contains(err.Error(), "which cannot be without") {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
