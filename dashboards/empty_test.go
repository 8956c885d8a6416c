package dashboards_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/dashboards"
	"winback/dashboards/report"
	"winback/pipelines"
	"winback/pipelines/check"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/ledger"
	"winback/pipelines/model"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// emptyWarehouse makes every table that dashboards may read, with the columns of
// its contract and without a row.
func emptyWarehouse(t *testing.T) driver.Conn {
	t.Helper()
	conn := enginetest.Start(t).Conn(t)
	exec := func(sql string) {
		if err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	for _, database := range []string{"mart", "ops"} {
		exec("create database if not exists " + database)
	}
	for _, create := range []func() error{
		func() error { _, err := ledger.Open(t.Context(), conn); return err }, func() error { return check.CreateTable(t.Context(), conn) }, func() error { return model.CreateTables(t.Context(), conn) },
	} {
		if err := create(); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"runs", "steps", "checks"} {
		exec("truncate table ops." + table) // another test may have been here
	}
	models, err := pipelines.LoadModels()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range models.Models() {
		if m.Database != model.MartDatabase {
			continue
		}
		columns := make([]string, len(m.Columns))
		for i, c := range m.Columns {
			columns[i] = fmt.Sprintf("`%s` %s", c.Name, c.Type)
		}
		exec(fmt.Sprintf("create or replace table %s (%s) engine = Memory", m.Relation(), strings.Join(columns, ", ")))
	}
	return conn
}

// TestEmptyWarehouse draws all dashboards of a company that has no data yet: every
// query names columns that there are, and every panel says that there is nothing.
func TestEmptyWarehouse(t *testing.T) {
	boards, err := dashboards.Load("EUR")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)
	r, err := report.Build(t.Context(), report.Options{
		Querier: emptyWarehouse(t), Dashboards: boards, Project: "empty", AsOf: now.AddDate(0, 0, -1).Truncate(24 * time.Hour), Now: now, Zone: time.UTC,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range r.Boards {
		if b.Error != "" {
			t.Errorf("%s: %s", b.ID, b.Error)
		}
		for _, p := range b.Panels {
			if p.Error != "" {
				t.Errorf("%s, %s: %s", b.ID, p.Title, p.Error)
			}
		}
	}
	if len(r.Warnings) == 0 || !strings.Contains(strings.Join(r.Warnings, " "), "No run has ended yet") {
		t.Errorf("the page does not say that nothing was ever read: %q", r.Warnings)
	}
}
