package window

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"winback/connectors"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

// read runs a plan until it says that there is no more, as a run does.
func read(t *testing.T, p Plan, req connectors.Request) (names []string, cursors []json.RawMessage) {
	t.Helper()
	cursors = req.Cursors
	for {
		w, ok, err := p.Next(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return names, cursors
		}
		names = append(names, w.Name())
		got, err := w.Done(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Cursor != nil {
			cursors = append(cursors, got.Cursor)
			req.Cursors = cursors
		}
		if !got.More {
			return names, cursors
		}
	}
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("window %d: got %q, want %q", i, got[i], want[i])
		}
	}
}

func TestPlan_AFirstRunGoesMonthByMonth_LaterOnesFromWhereItEnded(t *testing.T) {
	p := Plan{Since: at("2026-01-15T00:00"), Now: at("2026-03-10T12:00"), Lag: 5 * time.Minute, Overlap: time.Hour}
	first, cursors := read(t, p, connectors.Request{})
	equal(t, first, "2026-01-15T00:00 to 2026-02-01T00:00", "2026-02-01T00:00 to 2026-03-01T00:00", "2026-03-01T00:00 to 2026-03-10T11:55")
	p.Now = at("2026-03-11T12:00")
	second, _ := read(t, p, connectors.Request{Cursors: cursors})
	equal(t, second, "2026-03-10T10:55 to 2026-03-11T11:55")
}

func TestPlan_ABrokenFirstRunLosesOneWindow(t *testing.T) {
	p := Plan{Since: at("2026-01-15T00:00"), Now: at("2026-03-10T12:00"), Overlap: time.Hour}
	_, cursors := read(t, p, connectors.Request{})
	rest, _ := read(t, p, connectors.Request{Cursors: cursors[:1]})
	equal(t, rest, "2026-02-01T00:00 to 2026-03-01T00:00", "2026-03-01T00:00 to 2026-03-10T12:00")
}

func TestPlan_TheHistoryBeginsWithItsFirstRecord(t *testing.T) {
	p := Plan{Now: at("2026-03-10T12:00"), Oldest: func(context.Context) (time.Time, bool, error) { return at("2026-02-20T08:00"), true, nil }}
	got, _ := read(t, p, connectors.Request{})
	equal(t, got, "2026-02-20T08:00 to 2026-03-01T00:00", "2026-03-01T00:00 to 2026-03-10T12:00")
	p.Oldest = func(context.Context) (time.Time, bool, error) { return time.Time{}, false, nil }
	got, _ = read(t, p, connectors.Request{})
	equal(t, got)
}

func TestPlan_ARangeLeavesNoCursorBehind(t *testing.T) {
	p := Plan{Now: at("2026-03-10T12:00"), Overlap: time.Hour}
	r := &connectors.Range{From: at("2026-01-20T00:00"), Until: at("2026-02-10T00:00")}
	req := connectors.Request{Range: r}
	w, ok, err := p.Next(t.Context(), req)
	if err != nil || !ok || w.Name() != "2026-01-20T00:00 to 2026-02-01T00:00" {
		t.Fatalf("got %v, %v, %v", w.Name(), ok, err)
	}
	got, _ := w.Done(nil, nil)
	req.Cursors = []json.RawMessage{got.Cursor}
	w, _, _ = p.Next(t.Context(), req)
	if w.Name() != "2026-02-01T00:00 to 2026-02-10T00:00" {
		t.Errorf("got %v", w.Name())
	}
	if got, _ = w.Done(nil, nil); got.Cursor != nil || got.More {
		t.Errorf("got %s, %v", got.Cursor, got.More)
	}
}

func TestPlan_ALargeWindowIsReadInParts(t *testing.T) {
	p := Plan{Since: at("2026-02-01T00:00"), Now: at("2026-03-10T12:00"), Overlap: time.Hour}
	for name, span := range map[string]*connectors.Range{"a first run": nil, "a range": {From: at("2026-02-01T00:00"), Until: at("2026-03-05T00:00")}} {
		req := connectors.Request{Range: span}
		w, _, _ := p.Next(t.Context(), req)
		part, err := w.Part([]string{"new"}, 50)
		if err != nil || !part.More {
			t.Fatalf("%s: got %v, %v", name, part, err)
		}
		req.Cursors = []json.RawMessage{part.Cursor}
		again, ok, err := p.Next(t.Context(), req)
		if err != nil || !ok || again.Name() != w.Name() || string(again.Own) != "50" {
			t.Fatalf("%s: got %s with %s, %v, %v", name, again.Name(), again.Own, ok, err)
		}
		done, _ := again.Done(nil, nil)
		if req.Cursors = []json.RawMessage{done.Cursor}; !done.More {
			t.Fatalf("%s: the next window is forgotten", name)
		}
		if next, _, _ := p.Next(t.Context(), req); !next.From.Equal(w.Until) || next.Own != nil {
			t.Errorf("%s: got %s with %s", name, next.Name(), next.Own)
		}
	}
}

func TestMonths_EndWithTheMonth(t *testing.T) {
	for n, want := range map[int]string{1: "2026-02-01T00:00", 2: "2026-03-01T00:00", 13: "2027-02-01T00:00"} {
		if got := Months(n)(at("2026-01-31T15:00")); !got.Equal(at(want)) {
			t.Errorf("%d months: got %v, want %s", n, got, want)
		}
	}
}
