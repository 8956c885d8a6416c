package pipelines

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/connectors/all"
	"winback/pipelines/alarm"
	"winback/pipelines/check"
	"winback/pipelines/config"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/ledger"
	"winback/pipelines/schedule"
)

const watchedProject = `project: acme
timezone: UTC
currency: GBP
schedule:
  nightly: {cron: "15 2 * * *"}
  shop: {every: 30m, only: [source:shop]}
alarms:
  webhook: https://chat.example/x
  quarantine: 1
  disk_free: 1024TiB
sources:
  shop:
    connector: files
    datasets:
      orders: {files: "*.csv", entity: shop.orders, fields: {id: id, customer_id: c, ordered_at: d, status: {const: completed}}}
`

// TestFinders has everything go wrong that can, and then all be well.
func TestFinders(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "winback.yaml")
	if err := os.WriteFile(file, []byte(watchedProject), 0o600); err != nil {
		t.Fatal(err)
	}
	registry, err := all.Registry()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p, err := Open(OpenOptions{Config: file, Registry: registry, Now: func() time.Time { return now }, WithoutModels: true})
	if err != nil {
		t.Fatal(err)
	}
	w := enginetest.Start(t)
	w.Database(t, "ops")
	w.Database(t, "mart")
	conn := w.Conn(t)
	f := finders{p: p, c: &p.Config.Alarms, warehouse: func() (driver.Conn, error) { return conn, nil }, began: now.Add(-time.Hour)}
	find := func(kind alarm.Kind) string {
		t.Helper()
		var found []alarm.Finding
		var err error
		switch kind {
		case alarm.RunFailed:
			found, err = f.runsFailed(t.Context(), now)
		case alarm.RunLate:
			found, err = f.runsLate(t.Context(), now)
		case alarm.SourceStale:
			found, err = f.sourcesStale(t.Context(), now)
		case alarm.CheckFailed:
			found, err = f.checksFailed(t.Context(), now)
		case alarm.Churn:
			found, err = f.churn(t.Context(), now)
		case alarm.Quarantine:
			found, err = f.quarantine(t.Context(), now)
		case alarm.DiskLow:
			found, err = f.diskLow(t.Context(), now)
		case alarm.BackupLate:
			found, err = f.backupLate(t.Context(), now)
		case alarm.Certificate:
			found, err = f.certificateEnds(t.Context(), now)
		}
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, one := range found {
			if one.Kind != kind || one.Subject == "" {
				t.Errorf("%s: %+v", kind, one)
			}
			if !one.Unknown {
				texts = append(texts, one.Text)
			}
		}
		return strings.Join(texts, "; ")
	}
	expect := func(about string, want map[alarm.Kind]string) {
		t.Helper()
		for _, kind := range alarm.Kinds() {
			if got := find(kind); got != want[kind] {
				t.Errorf("%s: %s: %q, want %q", about, kind, got, want[kind])
			}
		}
	}
	f.c.DiskFree = 0
	expect("before the first run", nil)
	f.c.DiskFree = 1 << 60
	if got := find(alarm.DiskLow); !strings.Contains(got, "GiB are free on the disk of "+p.Home) {
		t.Errorf("the disk: %s", got)
	}
	f.c.DiskFree = 0

	l, err := ledger.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	extract := func(source string, at time.Time, state ledger.State, message string) ledger.Step {
		return ledger.Step{Kind: "extract", Name: source, State: state, Started: at, Message: message}
	}
	failing := check.Result{Model: "customers", Check: "unique customer_key", Severity: check.Error, Status: check.Failed, Failures: 2, CheckedAt: now}
	warning := check.Result{Model: "customers", Check: "odd", Severity: check.Warn, Status: check.Failed, Failures: 2, CheckedAt: now}
	must(
		p.JobStore().Update("nightly", func(s *schedule.JobState) {
			s.Slot, s.Outcome, s.Message = now.AddDate(0, 0, -2), schedule.Failed, "the shop does not answer\nmore"
		}),
		p.JobStore().Update("shop", func(s *schedule.JobState) { s.Slot, s.Outcome = now.Add(-100*time.Minute), schedule.Running }),
		l.WriteRun(t.Context(), ledger.Run{ID: "20261122T110000Z-aaaaaa", Command: "run", AsOf: now, StartedAt: now, FinishedAt: now, State: ledger.Partly, Message: "FAILED model x"}),
		l.WriteSteps(t.Context(), "20261119T110000Z-aaaaaa", []ledger.Step{extract("shop.orders", now.Add(-72*time.Hour), ledger.Done, ""), extract("gone.deals", now.Add(-72*time.Hour), ledger.Done, ""), extract("shop.gone", now.Add(-72*time.Hour), ledger.Done, "")}),
		l.WriteSteps(t.Context(), "20261122T110000Z-aaaaaa", []ledger.Step{extract("shop.orders", now, ledger.Failed, "no file fits")}),
		check.CreateTable(t.Context(), conn),
		check.Record(t.Context(), conn, "20261122T110000Z-aaaaaa", []check.Result{failing, warning}),
		conn.Exec(t.Context(), `INSERT INTO ops.quarantine_records (id, run_id, source, dataset, number, at, state, revision)
			SELECT concat('k.', toString(number)), 'r', 'shop', 'orders', number, now64(6), 'open', 1 FROM numbers(3)`),
		conn.Exec(t.Context(), `CREATE TABLE mart.churn_monthly ENGINE = MergeTree ORDER BY month AS
			SELECT toDate('2026-10-01') AS month, '(all)' AS segment, toNullable(23.456) AS churn_12m_pct, toLowCardinality(toNullable('alarm')) AS level, true AS is_complete
			UNION ALL SELECT toDate('2026-11-01'), '(all)', toNullable(5.), toLowCardinality(toNullable('normal')), false`),
	)
	expect("everything is wrong", map[alarm.Kind]string{
		alarm.RunFailed:   "job nightly failed: the shop does not answer; the run 20261122T110000Z-aaaaaa (run) ended partly: FAILED model x",
		alarm.RunLate:     "job nightly was due at 2026-11-22 02:15 and has not begun; job shop was due at 2026-11-22 10:50 and has not begun: it is still being done for 2026-11-22 10:20",
		alarm.SourceStale: "shop.orders was last read 2026-11-19 12:00: no file fits",
		alarm.CheckFailed: "check unique customer_key of customers fails in 2 rows",
		alarm.Churn:       "yearly churn was 23.5 % in October 2026, on the level of an alarm (20% and more)",
		alarm.Quarantine:  "3 records of shop.orders wait in quarantine, more than 1",
	})

	failing.Status, failing.CheckedAt = check.Passed, now.Add(time.Minute)
	must(
		p.JobStore().Update("nightly", func(s *schedule.JobState) { s.Slot, s.Outcome = now.Add(-9*time.Hour-45*time.Minute), schedule.Done }),
		p.JobStore().Update("shop", func(s *schedule.JobState) { s.Paused, s.Outcome = true, schedule.Done }),
		l.WriteRun(t.Context(), ledger.Run{ID: "20261122T113000Z-bbbbbb", Command: "run", AsOf: now, StartedAt: now.Add(time.Minute), FinishedAt: now, State: ledger.Done}),
		l.WriteSteps(t.Context(), "20261122T113000Z-bbbbbb", []ledger.Step{extract("shop.orders", now.Add(time.Minute), ledger.Done, "")}),
		check.Record(t.Context(), conn, "20261122T113000Z-bbbbbb", []check.Result{failing}),
		conn.Exec(t.Context(), "TRUNCATE TABLE ops.quarantine_records"),
		conn.Exec(t.Context(), "TRUNCATE TABLE mart.churn_monthly"),
	)
	expect("all is well", nil)
}

// What a job is not to be done for is not late: times that came while it was paused, or
// that it missed where what is missed stays missed.
func TestFinders_NotLate(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := &Project{Config: &config.Config{Location: time.UTC}}
	f := finders{p: p, c: &config.Alarms{LateAfter: 15 * time.Minute}, began: now.Add(-time.Hour)}
	old := now.AddDate(0, 0, -14)
	for _, c := range []struct {
		about string
		job   config.Job
		state schedule.JobState
		late  bool
	}{
		{"nobody was there", config.Job{Cron: "15 2 * * *"}, schedule.JobState{Slot: old}, true},
		{"nobody was there, and it need not be made up for", config.Job{Cron: "15 2 * * *", Missed: "skip"}, schedule.JobState{Slot: old}, false},
		{"it was due since", config.Job{Cron: "15 11 * * *", Missed: "skip"}, schedule.JobState{Slot: old}, true},
		{"it was resumed this morning", config.Job{Cron: "15 2 * * *"}, schedule.JobState{Slot: old, ResumedAt: now.Add(-4 * time.Hour)}, false},
		{"it was due since it was resumed", config.Job{Cron: "15 9 * * *"}, schedule.JobState{Slot: old, ResumedAt: now.Add(-4 * time.Hour)}, true},
		{"an interval that goes on", config.Job{Every: 6 * time.Hour}, schedule.JobState{Slot: old, ResumedAt: now.Add(-4 * time.Hour)}, false},
	} {
		due, err := f.missed(c.job, c.state, now)
		if err != nil || due.IsZero() == c.late {
			t.Errorf("%s: due %s %v", c.about, due, err)
		}
	}
}
