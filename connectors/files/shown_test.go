package files

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"winback/connectors"
)

// TestCheck_ReadAs: a check shows what is made of the first records, and why nothing is.
func TestCheck_ReadAs(t *testing.T) {
	f := newFolder(t, `
datasets:
  crm.customers:
    files: c.csv
    delimiter: ";"
    timezone: Europe/Berlin
    fields: {id: id, email: {column: mail, split: ","}, birthday: {column: born, layout: dmy}, created_at: {column: since, layout: dmy}, is_showcase: show, external_ids: {columns: {shop: id}}, kind: {const: person}}
`, map[string]string{"c.csv": "id;mail;born;since;show\n1;a@x.org,b@x.org;01.02.1990;01.02.2026 10:00;да\n2;;1990-02-01;;maybe\n"})
	found, err := f.source.(connectors.Checker).Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"1", "a@x.org, b@x.org", "1990-02-01", "2026-02-01 10:00:00 +01:00", "true", "shop: 1"},
		{"2", "", "(is not a date written as dmy)", "", "(is neither true nor false; map can translate it)", "shop: 2"},
	}
	if diff := cmp.Diff([]string{"id", "email", "birthday", "created_at", "is_showcase", "external_ids"}, found[1].Fields); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, found[1].Read); diff != "" {
		t.Error(diff)
	}
}
