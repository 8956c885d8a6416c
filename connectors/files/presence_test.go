package files

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"winback/connectors"
)

const presenceConfig = `
datasets:
  shop.orders:
    files: "*"
    payload: none
    fields: {id: id, ordered_at: at, items_total: totl, email: customer.emial, coupon: {column: code, optional: true}, channel: [source, channel]}
`

// TestExtract_PathsNobodyHas: a mapped path that none of many records has is told, with what may be meant.
func TestExtract_PathsNobodyHas(t *testing.T) {
	var text strings.Builder
	for i := range enoughRecords {
		fmt.Fprintf(&text, `{"id": %d, "at": "2026-01-05", "total": 5, "customer": {"email": "a@x.org"}, "channel": null}`+"\n", i)
	}
	f := newFolder(t, presenceConfig, map[string]string{"a.ndjson": text.String()})
	want := `absent: none of 20 records has "customer.emial" (did you mean "customer.email"?), "totl" (did you mean "total"?): what is made of it stays empty; correct the path, or say optional: true`
	if told := f.took(); told[len(told)-1] != want {
		t.Errorf("told %s", told)
	}
	found, err := f.source.(connectors.Checker).Check(context.Background())
	if err != nil || !strings.Contains(found[1].Text, `none of the first 20 records has "customer.emial" (did you mean "customer.email"?), "totl"`) {
		t.Errorf("%v: %+v", err, found)
	}
	if told := f.took(); len(told) > 0 {
		t.Errorf("with nothing new it tells %s", told)
	}
	few := newFolder(t, presenceConfig, map[string]string{"a.ndjson": `{"id": 1, "at": "2026-01-05"}`})
	if told := few.took(); strings.Contains(strings.Join(told, "\n"), "absent") {
		t.Errorf("of few records it tells %s", told)
	}
}

// TestParquet_PathsItLacks: a file that says itself what it has, and has not what is mapped, does not fit.
func TestParquet_PathsItLacks(t *testing.T) {
	file := parquetOf(t, parquetOrders())
	for path, missing := range map[string]bool{
		"customer.name": false, "customer.phones[0]": false, "lines[].sku": false, "bare[1]": false, "labels.k": false, "customer": false,
		"customer.nmae": true, "customer.name.first": true, "lines[].suk": true, "nothing": true,
	} {
		m := newFolder(t, "\ndatasets:\n  crm.customers:\n    files: \"*\"\n    fields: {id: id, email: \""+path+"\"}\n", map[string]string{"o.parquet": file})
		found, err := m.source.(connectors.Checker).Check(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(found[1].Text, "is missing"); got != missing {
			t.Errorf("%s: %s", path, found[1].Text)
		}
	}
}
