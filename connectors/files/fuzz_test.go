package files

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"winback/connectors"
	"winback/connectors/entity"
)

// fuzzConfigs read whatever they are given, in every way that records can go.
var fuzzConfigs = map[string]string{
	"csv": `
datasets:
  d:
    files: in
    format: csv
    entity: shop.orders
    where: {column: a, equals: skip, not: true}
    fields: {id: a, ordered_at: {column: b, layout: [iso, dmy, "%d %b %Y %I:%M %p", unix]}, items_total: {column: c, decimal_comma: true, thousands: " "}, line_count: {column: d, factor: 0.5}}
`,
	"ndjson": `
payload: full
datasets:
  d:
    files: in
    format: ndjson
    entity: crm.customers
    fields: {id: a, email: {column: b, split: ","}, birthday: c.d, is_showcase: e, external_ids: {columns: {x: f}}}
`,
	"json": `
datasets:
  d:
    files: in
    format: json
    records: r
    entities:
      shop.orders: {fields: {id: a, items_total: {column: "b[0].c", decimal_comma: true}}}
      shop.order_lines: {each: "d[].e", fields: {order_id: $.a, line_no: {auto: line_number}, quantity: ^.b, price: {column: [a, .], nulls: ["0"]}}}
`,
	"any": `
datasets:
  d:
    files: in
    entity: crm.customers
    fields: {id: a, name: {column: b, optional: true}}
`,
	"documents": `
datasets:
  d:
    files: in
    format: csv
    group_by: {column: a, clean: integer_id}
    window: 2
    entities:
      shop.orders: {fields: {id: a, items_total: {product: [b, c], fold: sum}, ordered_at: {column: d, fold: min}}}
      shop.order_lines: {fields: {order_id: a, line_no: {auto: line_number}, quantity: b, price: c}}
`,
}

// unwatched makes a source believe that nobody writes to files: looking at all
// processes takes longer than reading a small file.
func unwatched(s connectors.Source) connectors.Source {
	s.(*source).watch.writers = func() map[fileID]bool { return nil }
	return s
}

// FuzzExtract checks that no text stops a reading, and that every record is
// accounted for: as a row, put aside, left out or counted already.
func FuzzExtract(f *testing.F) {
	for _, seed := range []string{
		"a,b,c,d\n1,2024-01-01,\"1 000,5\",2\nskip,,,\n2,x,y,z\n",
		"a;b;c;d\n1;1;2;2024-01-01\n2;1;1;\n3;1;1;\n1;5;5;\n",
		"{\"a\":1,\"b\":\"x,y\",\"c\":{\"d\":\"2024-01-01\"},\"e\":true,\"f\":[1]}\n[]\n{\"a\":\"\\u0000\"}\n",
		"{\"r\":[{\"a\":1,\"b\":[{\"c\":\"1,5\"}],\"d\":[{\"b\":2,\"e\":[{\"a\":1e2},7]}]},2]}", "[{\"a\":\"\xe9\xe8\xe0\"},{]",
		"a\x00,\x00b\x00\n\x001\x00", "\xea\xee\xe4;a\n1;2\n", "PK\x03\x04", "\x28\xb5\x2f\xfd",
		"\x1f\x8b\x08\x00\x00", "\xff\xfea\x00,\x00", "a,b,c,d\n\"1,2\n3\"4,5\n",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	sources := map[string]connectors.Source{}
	for name, yaml := range fuzzConfigs {
		c, err := config(f, filepath.Join(dir, name), yaml)
		if err != nil {
			f.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			f.Fatal(err)
		}
		sources[name] = unwatched(openConfig(f, filepath.Join(dir, name), c))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, s := range sources {
			if err := os.WriteFile(filepath.Join(dir, name, "in"), text, 0o644); err != nil {
				t.Fatal(err)
			}
			rows := map[string]int64{}
			m := newMemory()
			m.each = func(b *entity.Batch) { rows[b.Schema.FullName()] += int64(b.Rows()) }
			if _, err := s.Extract(context.Background(), connectors.Request{Dataset: "d"}, m); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, r := range m.rejects {
				rows[r.Entity.FullName()]++
				if r.Reason == "" {
					t.Errorf("%s: a reject without a reason: %+v", name, r)
				}
			}
			for _, e := range s.Datasets()[0].Entities {
				c := m.counts[e.FullName()]
				if got := rows[e.FullName()] + c.Ignored + c.Duplicates; got != c.Read {
					t.Errorf("%s: %s: %d accounted for of %d read: %+v", name, e.FullName(), got, c.Read, m.rejects)
				}
			}
		}
	})
}
