package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"winback/connectors"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
)

const (
	orderIDs  = "select toString(count()) || ' ' || toString(uniqExact(run_id)) from raw.shop_orders final"
	stagedIDs = "select toString(count()) from staging.stg_shop__orders"
)

func TestSlices_EachIsACommitOfItsOwn(t *testing.T) {
	b, s := newBench(t), filled(95, 10)
	s.notice = "orders have a new field colour"
	s.orders[3] = order{changed: s.orders[3].changed, status: "weird"}
	s.orders[33] = order{changed: s.orders[33].changed, status: "weird"}
	b.connect(map[string]connectors.Source{"shop": s})
	summary := b.pass(RunOptions{})
	d := summary.Datasets[0]
	if len(summary.Datasets) != 1 || d.Slices != 10 || d.Entities[0].Landed != 95 || d.Entities[0].Read != 95 {
		t.Fatalf("got %+v", summary.Datasets)
	}
	told(t, summary, "orders have a new field colour", `unknown word "weird" in 2 rows`)
	b.expect("rows", orderIDs, "95 10")
	b.expect("models", stagedIDs, "95")
	if got := strings.Count(s.questions(), ";"); got != 9 {
		t.Errorf("it was asked %d times", got+1)
	}
	var versions []string
	for _, m := range b.manifests() {
		versions = append(versions, m.ExtractedAt.String())
	}
	if len(versions) != 10 || !slices.IsSorted(versions) || len(slices.Compact(versions)) != 10 {
		t.Errorf("versions %q", versions)
	}
	s.notice = ""
	if summary = b.pass(RunOptions{}); s.questions() != "orders from 95" || !summary.NothingNew() {
		t.Errorf("the next run found %+v", summary.Datasets)
	}
}

func (b *bench) manifests() []*landing.Manifest {
	b.Helper()
	list, err := b.project.Zone.Manifests("shop")
	if err != nil {
		b.Fatal(err)
	}
	return list
}

func TestSlices_ABreakLosesASliceAndTheNextRunGoesOn(t *testing.T) {
	b, s := newReader(t), filled(95, 10)
	b.connect(map[string]connectors.Source{"shop": s})
	s.fails[60] = errors.New("connection reset by peer")
	summary := b.read(RunOptions{})
	if summary.State != ledger.Failed || summary.Datasets[0].Slices != 6 || summary.Datasets[0].Entities[0].Landed != 60 {
		t.Errorf("got %s, %+v", summary.State, summary.Datasets)
	}
	told(t, summary, "FAILED shop: orders: connection reset by peer; the 6 slices before it are kept, and the next run goes on from there; what is there of it was read at 2026-03-01 06:")
	b.live(60)
	s.questions()
	clear(s.fails)

	ctx, stop := context.WithCancel(t.Context())
	s.halfway = func() {
		if len(s.asked) == 2 {
			stop()
		}
	}
	if _, err := b.tryRead(ctx, RunOptions{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("a stopped run ends with %v", err)
	}
	if got := s.questions(); got != "orders from 60; orders from 70" {
		t.Errorf("after the break it was asked %q", got)
	}
	s.halfway = nil
	told(t, b.read(RunOptions{}))
	if got := s.questions(); got != "orders from 70; orders from 80; orders from 90" {
		t.Errorf("after the stop it was asked %q", got)
	}
	b.live(95)
}

func TestSlices_ASourceThatNeverEndsIsStopped(t *testing.T) {
	b, s := newReader(t), filled(5, 10)
	s.stuck = true
	b.connect(map[string]connectors.Source{"shop": s})
	told(t, b.read(RunOptions{}), "comes to the same place again")
	if got := s.questions(); got != "orders from 0; orders from 0" {
		t.Errorf("it was asked %q", got)
	}
	b.live(5)
}

func TestSlices_FullBeginsAtTheBeginning(t *testing.T) {
	b, s := newReader(t), filled(25, 10)
	b.connect(map[string]connectors.Source{"shop": s})
	b.read(RunOptions{})
	s.questions()
	b.read(RunOptions{Full: true})
	if got := s.questions(); got != "orders from 0; orders from 10; orders from 20" {
		t.Errorf("it was asked %q", got)
	}
	b.live(25)
}

// What is put aside, compacted and rebuilt is so with slices as with whole runs.
func TestSlices_QuarantineAndCompaction(t *testing.T) {
	b, s := newBench(t), filled(95, 10)
	s.orders[15] = order{changed: s.orders[15].changed, status: "broken"}
	s.orders[44] = order{changed: s.orders[44].changed, status: "broken"}
	b.connect(map[string]connectors.Source{"shop": s})
	summary := b.pass(RunOptions{})
	told(t, summary, "2 records are in quarantine (2 of 95 shop.orders of shop); each with its line and reason: winback quarantine list")
	run := summary.RunID
	b.expect("quarantine", "select run_id || ' ' || toString(line) from ops.quarantine order by line", run+".002 15", run+".005 44")
	if _, err := b.project.Zone.Compact(t.Context(), "shop", landing.CompactOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := len(b.manifests()); n != 1 {
		t.Fatalf("%d manifests", n)
	}
	s.questions()
	told(t, b.pass(RunOptions{}))
	if got := s.questions(); got != "orders from 95" {
		t.Errorf("after the compaction it was asked %q", got)
	}
	b.expect("rows", orderIDs, "93 10")
	if err := b.w.Exec(t.Context(), "truncate table raw.shop_orders"); err != nil {
		t.Fatal(err)
	}
	b.pass(RunOptions{})
	b.expect("rows loaded again", orderIDs, "93 10")
	b.expect("quarantine", "select toString(count()) from ops.quarantine", "2")
}

// A source that is asked for everything again has given what it gave before a second
// chance: what fits now is settled, what does not is put aside once, not twice.
func TestSlices_FullSettlesTheQuarantine(t *testing.T) {
	b, s := newBench(t), filled(95, 10)
	s.orders[15] = order{changed: s.orders[15].changed, status: "broken"}
	s.orders[44] = order{changed: s.orders[44].changed, status: "broken"}
	b.connect(map[string]connectors.Source{"shop": s})
	b.pass(RunOptions{})
	const states = "select toString(line) || ' ' || toString(state) || ' ' || state_reason from ops.quarantine order by line, at"
	s.orders[15] = order{changed: s.orders[15].changed, status: "completed"}
	b.pass(RunOptions{Full: true})
	b.expect("rows", orderIDs, "94 11")
	b.expect("quarantine", states, "15 resolved everything was read again", "44 resolved everything was read again", "44 open ")
}

func TestCounts_WhatTheSourceHasMoreIsTold(t *testing.T) {
	b, s := newBench(t), filled(25, 10)
	s.counts = 4
	b.connect(map[string]connectors.Source{"shop": s})
	summary := b.pass(RunOptions{})
	told(t, summary, "shop: orders: the source counts 37 records of shop.orders and gave 25: 12 are missing")
	if got := summary.Datasets[0].Entities[0]; got.Expected != 37 || summary.State != ledger.Done {
		t.Errorf("%s: %+v", summary.State, got)
	}
	b.expect("the books", "select concat(dataset, ' ', entity, ' ', toString(read), ' of ', toString(expected)) from ops.extractions", "orders shop.orders 25 of 37")
}

func TestExtract_ASourceThatIsDownIsToldOnce(t *testing.T) {
	b, shop, crm := newBench(t), filled(5, 10), filled(5, 10)
	crm.names = []string{"orders", "old_orders", "new_orders"}
	b.connect(map[string]connectors.Source{"shop": shop, "crm": crm})
	told(t, b.pass(RunOptions{}))
	crm.questions()
	crm.down = errors.New("the token is refused (401): make a new one in Settings, API")
	shop.orders[9] = order{changed: shop.orders[0].changed, status: "completed"}
	summary := b.pass(RunOptions{})
	told(t, summary, "FAILED crm: the token is refused (401): make a new one in Settings, API; its other datasets (2) were not tried; what is there of the source was read at 2026-03-01 06:")
	if got := crm.questions(); got != "orders from 5" || summary.State != ledger.Partly {
		t.Errorf("%s, it was asked %q", summary.State, got)
	}
	b.expect("freshness", "select concat(source, ' ', dataset, ' ', state, ' ', if(read_at > '2026-02-01', 'read', 'never read'), ' ', left(message, 20)) from ops.freshness order by 1",
		"crm new_orders skipped read ", "crm old_orders skipped read ", "crm orders failed read the token is refused", "shop orders done read ")
	var states []string
	for _, d := range summary.Datasets {
		states = append(states, fmt.Sprintf("%s %s", d.Name(), d.State))
	}
	if want := []string{"shop: orders done", "crm: orders failed", "crm: old_orders skipped", "crm: new_orders skipped"}; !slices.Equal(states, want) {
		t.Errorf("got %q", states)
	}
}

func TestBackfill_ReadsDaysAgainAndMovesNothing(t *testing.T) {
	b, s, other := newBench(t), filled(96, 20), asked{}
	b.connect(map[string]connectors.Source{"shop": s, "calls": other})
	b.pass(RunOptions{})
	s.questions()
	for id, o := range s.orders {
		s.orders[id] = order{changed: o.changed, status: "cancelled"}
	}
	days, err := b.project.ParseRange("2026-01-02", "2026-01-03")
	if err != nil {
		t.Fatal(err)
	}
	summary := b.pass(RunOptions{Range: days})
	told(t, summary, "not read again, as a time cannot be asked for there: calls; winback run --full --only source:calls reads all of it")
	if got := s.questions(); !strings.HasPrefix(got, "orders from 0, 2026-01-02 to 2026-01-04; orders from 20, 2026-01-02 to 2026-01-04; ") {
		t.Errorf("it was asked %q", got)
	}
	b.expect("orders of those days", "select status || ' ' || toString(count()) from staging.stg_shop__orders group by status order by status", "cancelled 48", "completed 48")
	b.expect("the books", "select command from ops.runs final order by started_at desc limit 1", "run --since 2026-01-02 --until 2026-01-03 --only source:shop --only source:calls --only stg_shop__orders")
	b.pass(RunOptions{})
	if got := s.questions(); got != "orders from 96" {
		t.Errorf("the next run asked %q", got)
	}
	plan, err := b.project.Plan(t.Context(), PlanOptions{Only: []string{"source:shop"}, Range: days})
	if err != nil || len(plan.Datasets) != 1 || plan.Datasets[0].Since != "2026-01-02" || plan.Datasets[0].Until != "2026-01-03" {
		t.Errorf("planned %+v, %v", plan, err)
	}
}

func TestParseRange(t *testing.T) {
	b := newReader(t)
	b.connect(map[string]connectors.Source{"shop": filled(1, 1)})
	for _, c := range []struct{ since, until, want string }{
		{"2026-01-02", "", "2026-01-02 to 2026-03-01"},
		{"2026-01-02", "2026-01-02", "2026-01-02 to 2026-01-02"},
		{"", "2026-01-02", "--until wants --since before it: the first day to read again"},
		{"2026-01-03", "2026-01-02", "there is no day from 2026-01-03 to 2026-01-02"},
		{"yesterday", "", "--since yesterday: "},
	} {
		got := ""
		r, err := b.project.ParseRange(c.since, c.until)
		if err != nil {
			got = err.Error()
		} else {
			got = r.From.Format("2006-01-02") + " to " + lastDay(r)
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s to %s: got %q, want %q", c.since, c.until, got, c.want)
		}
	}
}

func TestExtract_OneCauseIsToldOnce(t *testing.T) {
	b, s := newReader(t), filled(5, 10)
	s.names = []string{"orders", "old_orders", "new_orders"}
	s.fails[0] = errors.New("the plan has no API")
	b.connect(map[string]connectors.Source{"shop": s})
	told(t, b.read(RunOptions{}), "FAILED shop: orders, old_orders, new_orders: the plan has no API")
}
