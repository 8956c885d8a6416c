package record

import (
	"encoding/json"
	"testing"

	"winback/connectors"
	"winback/connectors/entity"
)

func TestRows_WhatIsReadWholeIsHandedOnWhenItDiffers(t *testing.T) {
	var cursors []json.RawMessage
	read := func(records ...string) int {
		k := &kept{counts: map[string]connectors.Counts{}}
		req := connectors.Request{Dataset: "managers", Cursors: cursors}
		last, err := LastSeen(req)
		if err != nil {
			t.Fatal(err)
		}
		rows := NewRows(req, k, Options{Entity: entity.Of[entity.Manager](), Whole: true, Told: last.Unknown})
		for _, raw := range records {
			r := rows.Record(json.RawMessage(raw))
			Add(r, &entity.Manager{ID: r.ID("ID"), Name: r.Text("NAME")})
			if err := rows.End(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		got, err := rows.CloseWhole(t.Context(), last)
		if err != nil {
			t.Fatal(err)
		}
		if (got.Cursor == nil) != (len(k.rows) == 0) {
			t.Errorf("%d rows with the cursor %s", len(k.rows), got.Cursor)
		}
		if got.Cursor != nil {
			cursors = append(cursors, got.Cursor)
		}
		return len(k.rows)
	}
	for i, c := range []struct {
		records []string
		want    int
	}{
		{[]string{`{"ID": 1, "NAME": "Anna"}`, `{"ID": 2, "NAME": "Boris"}`}, 2},
		{[]string{`{"ID": 2, "NAME": "Boris"}`, `{"NAME": "Anna", "ID": 1}`}, 0},
		{[]string{`{"ID": 2, "NAME": "Boris"}`, `{"NAME": "Anna B", "ID": 1}`}, 2},
		{[]string{`{"ID": 2, "NAME": "Boris"}`}, 1},
	} {
		if got := read(c.records...); got != c.want {
			t.Errorf("reading %d: %d rows, want %d", i, got, c.want)
		}
	}
}
