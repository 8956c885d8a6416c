package entity

import (
	"errors"
	"testing"
)

func TestBatch_EndRow(t *testing.T) {
	s := Lookup("shop.order_lines")
	b := NewBatch(s)
	at := func(name string) int { return s.Field(name).Index }

	b.SetString(at("order_id"), "A")
	b.SetInt(at("line_no"), 1)
	b.SetInt(at("price"), 12_500)
	if err := b.EndRow(Origin{Line: 2}); err != nil {
		t.Fatal(err)
	}

	b.SetString(at("order_id"), "B")
	b.SetString(at("sku"), "left over")
	var missing *MissingError
	if err := b.EndRow(Origin{Line: 3}); !errors.As(err, &missing) || missing.Field != "line_no" {
		t.Fatalf("a row without its key gives %v", err)
	}

	b.SetString(at("order_id"), "C")
	b.SetInt(at("line_no"), 1)
	b.SetInt(at("line_no"), 2) // the later value counts
	if err := b.EndRow(Origin{Line: 4}); err != nil {
		t.Fatal(err)
	}
	b.Align()

	if b.Rows() != 2 || len(b.Origins) != 2 || b.Origins[1].Line != 4 {
		t.Fatalf("rows %d, origins %v", b.Rows(), b.Origins)
	}
	orders, lines, sku, price := &b.Columns[at("order_id")], &b.Columns[at("line_no")], &b.Columns[at("sku")], &b.Columns[at("price")]
	if string(orders.Value(0)) != "A" || string(orders.Value(1)) != "C" {
		t.Errorf("keys %q %q", orders.Value(0), orders.Value(1))
	}
	if lines.Ints[1] != 2 {
		t.Errorf("line number %d", lines.Ints[1])
	}
	if !sku.IsNull(0) || !sku.IsNull(1) {
		t.Error("a value of a dropped row has stayed")
	}
	if price.IsNull(0) || !price.IsNull(1) || price.Ints[0] != 12_500 {
		t.Error("price is not 1.25 and null")
	}
}

func TestAppend(t *testing.T) {
	b := NewBatch(Of[CRMCustomer]())
	row := CRMCustomer{
		Meta: Meta{SourceUpdatedAt: Some(Time(5)), Deleted: true},
		ID:   "7", Kind: "company", Email: []string{"a@x", "b@x"},
		Birthday: Some(Date(-1)), IsShowcase: Some(false),
		ExternalIDs: map[string]string{"shop": "9", "crm": "1"},
	}
	if err := Append(b, &row, Origin{}); err != nil {
		t.Fatal(err)
	}
	if err := Append(b, &CRMCustomer{}, Origin{}); err == nil {
		t.Fatal("a row without its key was taken")
	}
	b.Align()
	items := func(name string) (got []string) {
		b.Columns[b.Schema.Field(name).Index].Items(0, func(item []byte) { got = append(got, string(item)) })
		return got
	}
	if got := items("email"); len(got) != 2 || got[1] != "b@x" {
		t.Errorf("email %v", got)
	}
	if got := items("external_ids"); len(got) != 4 || got[0] != "crm" || got[3] != "9" {
		t.Errorf("external ids %v, want key and value in order of the keys", got)
	}
	column := func(name string) *Column { return &b.Columns[b.Schema.Field(name).Index] }
	if c := column("birthday"); c.IsNull(0) || c.Ints[0] != -1 {
		t.Error("birthday is lost")
	}
	if c := column("is_showcase"); c.IsNull(0) || c.Ints[0] != 0 {
		t.Error("false is not null")
	}
	if c := column("marketing_consent"); !c.IsNull(0) {
		t.Error("a missing consent is not null")
	}
	if c := column("deleted"); c.Ints[0] != 1 {
		t.Error("deleted is lost")
	}
	if b.Rows() != 1 {
		t.Errorf("%d rows", b.Rows())
	}
}
