package files

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"winback/connectors"
)

const duplicateInvoices = `
payload: none
datasets:
  invoices:
    files: "*.csv"
    group_by: id
    duplicates: RULE
    entities:
      shop.orders: {fields: {id: id, ordered_at: at, line_count: {auto: line_count}}}
      shop.order_lines: {fields: {order_id: id, line_no: {auto: line_number}, sku: sku}}
`

// The same document in three files. Rows that were written and then superseded are
// left to the landing zone, which is told so.
func TestDuplicates_Documents(t *testing.T) {
	files := map[string]string{
		"a.csv": "id,at,sku\n1,2024-01-02,a\n1,2024-01-02,b\n", "b.csv": "id,at,sku\n1,2024-01-03,c\n", "c.csv": "id,at,sku\n1,,d\n",
	}
	first := []string{"order_id=1 line_no=1 sku=a", "order_id=1 line_no=2 sku=b"}
	tests := []struct {
		rule       string
		lines      []string
		duplicates int64 // of lines, known to the reader
		rejects    int
		landing    map[string]connectors.Duplicates
	}{
		{"report", first, 0, 2, nil},
		{"first", first, 2, 0, map[string]connectors.Duplicates{"shop.orders": {Keep: "first"}, "shop.order_lines": {Keep: "first"}}},
		{"last", append(first, "order_id=1 line_no=1 sku=c", "order_id=1 line_no=1 sku=d"), 0, 0,
			map[string]connectors.Duplicates{"shop.orders": {Keep: "last"}, "shop.order_lines": {Keep: "last"}}},
		{"{newest: ordered_at}", append(first, "order_id=1 line_no=1 sku=c"), 1, 0,
			map[string]connectors.Duplicates{"shop.orders": {Keep: "last"}, "shop.order_lines": {Keep: "last"}}},
	}
	for _, test := range tests {
		t.Run(strings.Trim(test.rule, "{}"), func(t *testing.T) {
			f := newFolder(t, strings.Replace(duplicateInvoices, "RULE", test.rule, 1), files)
			if diff := cmp.Diff(test.landing, f.source.Datasets()[0].Duplicates); diff != "" {
				t.Errorf("landing: -want +got\n%s", diff)
			}
			m := f.mustExtract()
			if diff := cmp.Diff(test.lines, m.rows["shop.order_lines"]); diff != "" {
				t.Errorf("lines: -want +got\n%s", diff)
			}
			if c := m.counts["shop.order_lines"]; c.Duplicates != test.duplicates || len(m.rejects) != test.rejects {
				t.Errorf("%d duplicates, want %d; rejects %v", c.Duplicates, test.duplicates, m.rejects)
			}
		})
	}
}

func TestDuplicates_Rules(t *testing.T) {
	const head = "datasets:\n  d:\n    files: a.csv\n"
	tests := []struct{ config, want string }{
		{"    entity: shop.orders\n    duplicates: last\n    fields: {id: id}\n", "shop.orders last "},
		{"    entity: shop.orders\n    duplicates: report\n    fields: {id: id}\n", ""},
		{"    entity: shop.orders\n    duplicates: {newest: ordered_at}\n    fields: {id: id, ordered_at: at}\n", "shop.orders newest ordered_at"},
		{"    duplicates: last\n    entities:\n      shop.customers: {duplicates: quarantine, fields: {id: c}}\n", "shop.customers quarantine "},
		{"    entity: shop.orders\n    duplicates: latest\n    fields: {id: id}\n", "wants report, first, last, quarantine or {newest: field} (did you mean \"last\"?)"},
		{"    entity: shop.orders\n    duplicates: {newest: ordered_at}\n    fields: {id: id}\n", `newest wants a mapped field of shop.orders, not "ordered_at"`},
		{"    entity: shop.orders\n    duplicates: {newest: status}\n    fields: {id: id, status: s}\n", "newest wants a time, a day or a number; status is"},
		{"    group_by: id\n    duplicates: quarantine\n    entity: shop.orders\n    fields: {id: id}\n", "say report, first, last or {newest: field}"},
		{"    group_by: id\n    duplicates: {newest: at}\n    entity: shop.orders\n    fields: {id: id}\n", `"at" is no field of an entity with a row per document`},
		{"    group_by: id\n    entities:\n      shop.orders: {duplicates: last, fields: {id: id}}\n", "say duplicates for the dataset"},
	}
	for _, test := range tests {
		c, err := config(t, t.TempDir(), head+test.config)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			for name, rule := range openConfig(t, t.TempDir(), c).Datasets()[0].Duplicates {
				got += name + " " + rule.Keep + " " + rule.Field
			}
		}
		if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
			t.Errorf("%s\ngot  %s\nwant %s", test.config, got, test.want)
		}
	}
}
