package history_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/alarm"
	"winback/pipelines/check"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/history"
	"winback/pipelines/ledger"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

var night = time.Date(2026, 11, 22, 2, 15, 0, 0, time.UTC)

// newBooks gives an empty database ops, without tables.
func newBooks(t *testing.T) driver.Conn {
	t.Helper()
	w := enginetest.Start(t)
	w.Database(t, "ops")
	return w.Conn(t)
}

// written are books of three nights: one run was killed, its successor made up for
// it, and the last one failed in part.
func written(t *testing.T, conn driver.Conn) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := check.CreateTable(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(id string, at time.Time, state ledger.State, message string) {
		t.Helper()
		r := ledger.Run{ID: id, Command: "run", AsOf: night.AddDate(0, 0, -1), StartedAt: at, State: state, Message: message, Job: "nightly", Slot: night}
		if state != ledger.Interrupted {
			r.FinishedAt = at.Add(90 * time.Second)
		}
		must(l.WriteRun(t.Context(), r))
	}
	step := func(run, kind, name string, state ledger.State, rows int64, message string) {
		t.Helper()
		must(l.WriteSteps(t.Context(), run, []ledger.Step{{Kind: kind, Name: name, State: state, Rows: rows, Bytes: 10 * rows, Started: night, Duration: 2500 * time.Millisecond, Message: message}}))
	}
	run("20261122T021500Z-aaaaaa", night, ledger.Interrupted, "the process ended before the run did")
	step("20261122T021500Z-aaaaaa", "extract", "shop.orders", ledger.Done, 100, "")
	run("20261122T022000Z-bbbbbb", night.Add(5*time.Minute), ledger.Partly, "FAILED extract of crm: no answer")
	step("20261122T022000Z-bbbbbb", "extract", "crm.deals", ledger.Failed, 0, "no answer")
	step("20261122T022000Z-bbbbbb", "load", "raw", ledger.Done, 120, "")
	must(l.WriteExtractions(t.Context(), "20261122T022000Z-bbbbbb", []ledger.Extraction{{Source: "shop", Dataset: "orders", Entity: "shop.orders", Read: 28, Landed: 20, Unchanged: 7, Quarantined: 1, Started: night}}))
	must(l.RecordLoads(t.Context(), []ledger.Load{
		{Path: "a", Checksum: "a", Source: "shop", Entity: "shop.orders", RunID: "20261122T022000Z-bbbbbb", Rows: 20, Bytes: 200},
		{Path: "b", Checksum: "b", Source: "shop", Entity: "shop.orders", RunID: "20261122T022000Z-bbbbbb.2", Rows: 100, Bytes: 1000},
	}))
	result := func(name string, severity check.Severity, status check.Status, at time.Time) check.Result {
		return check.Result{Model: "customers", Check: name, Severity: severity, Status: status, Failures: 2, Sample: []string{`{"customer_key":"7"}`}, CheckedAt: at}
	}
	must(check.Record(t.Context(), conn, "20261121T021500Z-000000", []check.Result{result("unique customer_key", check.Error, check.Passed, night.AddDate(0, 0, -1))}))
	must(check.Record(t.Context(), conn, "20261122T022000Z-bbbbbb", []check.Result{
		result("unique customer_key", check.Error, check.Failed, night), result("no future orders", check.Warn, check.Failed, night),
		result("not_null segment", check.Error, check.Passed, night),
	}))
	must(conn.Exec(t.Context(), `INSERT INTO ops.quarantine_records (id, run_id, source, dataset, number, entity, input, line, column, value, reason, record, at, state, revision)
		VALUES ('k3f9a2x.1', '20261122T022000Z-bbbbbb.2', 'shop', 'orders', 1, 'shop.orders', 'orders.csv', 17, 'total', 'abc', 'is no number', '{}', now64(6), 'open', 1)`))
	return l
}

func TestBooks_BeforeTheFirstRun(t *testing.T) {
	books := history.Of(newBooks(t))
	runs, err := books.Runs(t.Context(), history.Filter{})
	if err != nil || len(runs) != 0 {
		t.Errorf("runs %v, %v", runs, err)
	}
	if _, err := books.Story(t.Context(), "last"); !errors.As(err, new(*history.UnknownRunError)) {
		t.Errorf("the story of none: %v", err)
	}
	checks, err1 := books.FailingChecks(t.Context())
	aside, err2 := books.OpenQuarantine(t.Context())
	fresh, err3 := books.Freshness(t.Context())
	if err := errors.Join(err1, err2, err3); err != nil || len(checks)+len(aside)+len(fresh) != 0 {
		t.Errorf("%v %v %v: %v", checks, aside, fresh, err)
	}
}

func TestBooks_TellTheStoryOfARun(t *testing.T) {
	conn := newBooks(t)
	written(t, conn)
	books := history.Of(conn)

	runs, err := books.Runs(t.Context(), history.Filter{})
	if err != nil || len(runs) != 2 || runs[0].ID != "20261122T022000Z-bbbbbb" || runs[0].Rows != 120 || runs[0].FailedSteps != 1 || runs[0].Duration() != 90*time.Second {
		t.Errorf("the list: %+v, %v", runs, err)
	}
	if runs, err = books.Runs(t.Context(), history.Filter{State: "interrupted", Job: "nightly", Last: 5}); err != nil || len(runs) != 1 {
		t.Errorf("the interrupted ones: %+v, %v", runs, err)
	}

	killed, err := books.Story(t.Context(), "20261122T0215")
	if err != nil {
		t.Fatal(err)
	}
	if len(killed.StepList) != 1 || killed.StepList[0].Name != "shop.orders" || killed.StepList[0].Seconds != 2.5 {
		t.Errorf("what it did before it was killed: %+v", killed.StepList)
	}
	if len(killed.Next) != 1 || killed.Next[0].ID != "20261122T022000Z-bbbbbb" {
		t.Errorf("what came after the crash: %+v", killed.Next)
	}

	last, err := books.Story(t.Context(), "last")
	if err != nil {
		t.Fatal(err)
	}
	if len(last.Loads) != 1 || last.Loads[0].Rows != 120 || last.Loads[0].Files != 2 {
		t.Errorf("loads, those of slices too: %+v", last.Loads)
	}
	if last.Checked != 3 || len(last.Checks) != 2 || last.Checks[0].Name != "unique customer_key" || last.Checks[0].Sample[0] != `{"customer_key":"7"}` {
		t.Errorf("%d checks, %+v", last.Checked, last.Checks)
	}
	if len(last.Aside) != 1 || last.Aside[0].Place() != "orders.csv:17" || last.Aside[0].Group != "k3f9a2x" || last.Aside[0].Open != 1 {
		t.Errorf("put aside: %+v", last.Aside)
	}
	if len(last.Extractions) != 1 || last.Extractions[0].Landed != 20 {
		t.Errorf("extractions: %+v", last.Extractions)
	}
	if _, err := books.Story(t.Context(), "2026"); err == nil || errors.As(err, new(*history.UnknownRunError)) {
		t.Errorf("an id that is not clear: %v", err)
	}
}

func TestBooks_TellHowThingsStand(t *testing.T) {
	conn := newBooks(t)
	written(t, conn)
	books := history.Of(conn)
	checks, err := books.FailingChecks(t.Context())
	if err != nil || len(checks) != 2 || !checks[0].Blocking() || !checks[0].Since.Equal(night.AddDate(0, 0, -1)) || checks[1].Since.Unix() > 0 {
		t.Errorf("checks %+v, %v", checks, err)
	}
	fresh, err := books.Freshness(t.Context())
	if err != nil || len(fresh) != 2 || fresh[0].Source != "crm" || !fresh[0].ReadAt.IsZero() || fresh[0].Message != "no answer" || !fresh[1].ReadAt.Equal(night) {
		t.Errorf("freshness %+v, %v", fresh, err)
	}
	aside, err := books.OpenQuarantine(t.Context())
	if err != nil || len(aside) != 1 || aside[0].Reason != "is no number" {
		t.Errorf("quarantine %+v, %v", aside, err)
	}
}

// What is old goes, but the last of each: a source that was read long ago is not
// forgotten for it.
func TestLedger_Prune(t *testing.T) {
	conn := newBooks(t)
	l := written(t, conn)
	count := func(table string) (n uint64) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "SELECT count() FROM ops."+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range 3 {
		old := night.AddDate(-3, 0, i)
		id := old.Format("20060102T150405Z") + "-cccccc"
		err := errors.Join(
			l.WriteRun(t.Context(), ledger.Run{ID: id, Command: "run", AsOf: old, StartedAt: old, FinishedAt: old, State: ledger.Done}),
			l.WriteSteps(t.Context(), id, []ledger.Step{
				{Kind: "extract", Name: "shop.orders", State: ledger.Done, Started: old}, {Kind: "extract", Name: "archive.calls", State: ledger.Done, Started: old},
			}),
			check.Record(t.Context(), conn, id, []check.Result{{Model: "customers", Check: "unique customer_key", Severity: check.Error, Status: check.Passed, CheckedAt: old}}),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	alarms := alarm.CreateTable(t.Context(), conn)
	for _, row := range []string{"'old', '2020-01-01', false, 1", "'old', '2020-01-01', true, 2", "'open', '2020-01-01', false, 1", "'new', now(), true, 1"} {
		alarms = errors.Join(alarms, conn.Exec(t.Context(), "INSERT INTO ops.alarms (id, opened_at, settled, written_at) VALUES ("+row+")"))
	}
	if alarms != nil {
		t.Fatal(alarms)
	}
	if err := l.Prune(t.Context(), time.Now().AddDate(-2, 0, 0)); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]uint64{
		"runs":   2 + 1, // the last done without a job
		"steps":  3 + 1, // the last of the archive; orders were read later
		"checks": 4,
		"loads":  2,
		"alarms": 2,
	} {
		if got := count(table); got != want {
			t.Errorf("%d rows in ops.%s, want %d", got, table, want)
		}
	}
}

func TestBooks_Totals(t *testing.T) {
	conn := newBooks(t)
	written(t, conn)
	totals, err := history.Of(conn).Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(totals.Runs) != 2 || totals.Runs[1].State != "partly" || totals.Runs[1].Seconds != 90 || totals.Runs[1].Below[3] != 0 || totals.Runs[1].Below[4] != 1 || totals.Runs[0].Timed != 0 {
		t.Errorf("runs %+v", totals.Runs)
	}
	if len(totals.Loaded) != 1 || totals.Loaded[0].Rows != 120 || totals.Loaded[0].Bytes != 1200 {
		t.Errorf("loads %+v", totals.Loaded)
	}
	if len(totals.Unchanged) != 1 || totals.Unchanged[0].Rows != 7 {
		t.Errorf("unchanged %+v", totals.Unchanged)
	}
	if len(totals.Waiting) != 1 || totals.Waiting[0].Records != 1 {
		t.Errorf("waiting %+v", totals.Waiting)
	}
	if m, err := history.Of(conn).Machine(t.Context()); err != nil || m.Version == "" || m.Memory == 0 {
		t.Errorf("machine %+v, %v", m, err)
	}
}
