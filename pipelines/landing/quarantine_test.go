package landing

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		list []int
		want Numbers
	}{
		{nil, ""}, {[]int{7}, "7"}, {[]int{3, 1, 2, 2}, "1-3"}, {[]int{1, 2, 4, 6, 7, 8}, "1-2,4,6-8"},
	} {
		got := NumbersOf(c.list)
		if got != c.want {
			t.Errorf("%v: got %q, want %q", c.list, got, c.want)
		}
		var back []int
		if err := got.Each(100, func(n int) { back = append(back, n) }); err != nil {
			t.Fatal(err)
		}
		if want := slices.Compact(slices.Sorted(slices.Values(c.list))); !slices.Equal(back, want) {
			t.Errorf("%q gives %v", got, back)
		}
	}
	for _, text := range []Numbers{"0", "a", "3-1", "1,,2", "-1", "1-"} {
		if err := text.Each(9, func(int) {}); !errors.Is(err, ErrNumbers) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	last := 0
	if err := Numbers("1-99999999").Each(5, func(n int) { last = n }); err != nil || last != 5 {
		t.Errorf("numbers beyond the group: %d, %v", last, err)
	}
}

var managers = connectors.Dataset{Name: "crm.managers", Entities: []*entity.Schema{entity.Of[entity.Manager]()}}

// putAside lands a run that rejects some records.
func putAside(t *testing.T, z *Zone, run string, began time.Time, inputs ...string) *Manifest {
	t.Helper()
	w, err := z.Begin(t.Context(), RunInfo{RunID: run, Source: "crm", ExtractedAt: began}, managers, Options{RejectLimit: entity.Some(1.0)})
	if err != nil {
		t.Fatal(err)
	}
	for i, input := range inputs {
		err := w.Reject(t.Context(), connectors.Reject{
			Entity: managers.Entities[0], Input: input, Line: int64(i + 2), Column: "name", Value: "?", Reason: "is odd",
			Record: fmt.Sprint(i, ",?"), Form: "csv",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	m, err := w.Commit(t.Context(), json.RawMessage(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What became of records is told by the log, whose entries hold for those that
// were open; the rows of a replay have the version that they were given.
func TestQuarantine_ReplayIsWrittenDownWithItsRows(t *testing.T) {
	z := Open(t.TempDir())
	began := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	putAside(t, z, "r1", began, "a.csv", "a.csv", "b.csv")
	putAside(t, z, "r2", began.Add(time.Hour), "c.csv")

	version := began.Add(-time.Microsecond)
	w, caught, err := z.BeginReplay(t.Context(), ReplayInfo{
		RunInfo: RunInfo{RunID: "r3", Source: "crm", ExtractedAt: began.Add(2 * time.Hour)}, Of: "r1", Version: version,
	}, managers, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := w.NewBatch(managers.Entities[0])
	if err := entity.Append(b, &entity.Manager{ID: "1"}, entity.Origin{Input: w.Input("a.csv"), Line: 2}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(t.Context(), b), w.Reject(t.Context(), connectors.Reject{Entity: managers.Entities[0], Input: "b.csv", Line: 4, Reason: "is odd still"})); err != nil {
		t.Fatal(err)
	}
	w.SettleBy(func() []Settlement {
		list := []Settlement{{Of: "r1", State: Replayed, Records: "1", RunID: "r3", By: "ann", At: began.Add(2 * time.Hour)}}
		for _, r := range caught() {
			list = append(list, Settlement{Of: "r1", State: StillOpen, Records: "3", Reason: r.Reason, RunID: "r3", At: began.Add(2 * time.Hour)})
		}
		return append(list, Settlement{Of: "r1", State: Discarded, Records: "1-2", Reason: "not ours", At: began.Add(3 * time.Hour)})
	})
	m, err := w.Commit(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Quarantine) != 0 || len(m.Files) != 1 || !m.ExtractedAt.After(began.Add(time.Hour)) {
		t.Errorf("the replay left %+v", m)
	}
	part, err := z.OpenPart(m.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	for batch, err := range part.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		at := batch.Columns[batch.Schema.Field("extracted_at").Index].Ints[0]
		if entity.Time(at) != entity.TimeOf(version) {
			t.Errorf("the row has version %v, want %v", entity.Time(at).Go(), version)
		}
	}

	id := states(t, z)
	if done, err := z.Compact(t.Context(), "crm", CompactOptions{}); err != nil || len(done) != 1 {
		t.Fatal(done, err)
	}
	if after := states(t, z); after != id {
		t.Errorf("a compaction makes of %s the id %s", id, after)
	}
}

// states looks at the quarantine that the replay left, and returns the id of the
// group that was replayed.
func states(t *testing.T, z *Zone) string {
	t.Helper()
	groups, err := z.QuarantineGroups("crm")
	if err != nil || len(groups) != 2 {
		t.Fatal(groups, err)
	}
	if groups[0].ID() == groups[1].ID() || len(groups[0].ID()) != idLength {
		t.Errorf("ids are %q and %q", groups[0].ID(), groups[1].ID())
	}
	var got []string
	for r, err := range z.QuarantineRecords(t.Context(), groups[0]) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(r.Number, " ", r.Input, ":", r.Line, " ", r.State, " ", r.Tries, " ", r.Last.Reason, " ", r.Form))
	}
	if want := []string{"1 a.csv:2 replayed 1  csv", "2 a.csv:3 discarded 0 not ours csv", "3 b.csv:4 open 1 is odd still csv"}; !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	return groups[0].ID()
}

// Of a run that took nothing over all is read again by the next.
func TestQuarantine_AFailureIsOvertakenByTheNextReading(t *testing.T) {
	z := Open(t.TempDir())
	began := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	w, err := z.Begin(t.Context(), RunInfo{RunID: "r1", Source: "crm", ExtractedAt: began}, managers, Options{RejectLimit: entity.Some(0.0)})
	if err != nil {
		t.Fatal(err)
	}
	for line := range int64(100) {
		if err := w.Reject(t.Context(), connectors.Reject{Entity: managers.Entities[0], Input: "a.csv", Line: line + 2, Reason: "is odd"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Commit(t.Context(), json.RawMessage(`{}`)); !errors.Is(err, ErrTooManyRejects) {
		t.Fatal(err)
	}
	state := func() QuarantineState {
		groups, err := z.QuarantineGroups("crm")
		if err != nil || groups[0].Failure == "" {
			t.Fatal(groups, err)
		}
		standings, err := groups[0].Standings()
		if err != nil {
			t.Fatal(err)
		}
		return standings[0].State
	}
	if got := state(); got != StillOpen {
		t.Errorf("at first its records are %s", got)
	}
	putAside(t, z, "r2", began.Add(time.Hour), "a.csv")
	if got := state(); got != Resolved {
		t.Errorf("after the next run its records are %s", got)
	}
}
