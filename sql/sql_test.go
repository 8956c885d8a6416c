// Package sqlfiles_test holds the SQL project to its word: it loads, its unit
// tests pass on the real engine, and a company's past stays what it was. That real
// data give the numbers of the metrics' definition is tested by cmd/winback.
package sqlfiles_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/connectors/entity"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/model"
	"winback/pipelines/predict"
	"winback/pipelines/warehouse"
	sqlfiles "winback/sql"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// contract tells the columns of the raw tables.
type contract struct{}

func (contract) SourceColumns(domain, name string) ([]model.Column, error) {
	schema := entity.Lookup(domain + "." + name)
	if schema == nil {
		return nil, fmt.Errorf("no entity %s.%s", domain, name)
	}
	columns := make([]model.Column, len(schema.Fields))
	for i := range schema.Fields {
		f := &schema.Fields[i]
		columns[i] = model.Column{Name: f.Name, Type: warehouse.ColumnType(f), Key: f.Key || f.Name == "source"}
	}
	return columns, nil
}

func project(tb testing.TB) *model.Project {
	tb.Helper()
	p, err := model.Load(sqlfiles.Files, model.WithSources(contract{}), model.WithComputations(predict.Computations()))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// TestModels_UnitTests runs the examples written beside the models.
func TestModels_UnitTests(t *testing.T) {
	p := project(t)
	conn := enginetest.Start(t).ConnWith(t, clickhouse.Options{MaxOpenConns: 4})
	results, err := model.TestAll(t.Context(), conn, p, model.RunnerOptions{Sources: contract{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range results {
		t.Run(result.Model+"/"+result.Test, func(t *testing.T) {
			if !result.Passed() {
				t.Error(result)
			}
		})
	}
}

// TestModels_Watched sees that no table is published without a check, and no
// mart without a worked example. Staging views are keyed by their raw tables.
func TestModels_Watched(t *testing.T) {
	for _, m := range project(t).Models() {
		if len(m.Checks) == 0 && m.Materialized != model.View {
			t.Errorf("%s has no checks", m.Path)
		}
		if m.Materialized == model.Table && m.Database == model.MartDatabase && len(m.UnitTests) == 0 {
			t.Errorf("%s has no unit test", m.Path)
		}
	}
}

// build makes the raw tables, fills them by the given statements and builds
// every model.
func build(tb testing.TB, conn driver.Conn, vars model.Vars, fill ...string) model.Summary {
	tb.Helper()
	emptyWarehouse(tb, conn, fill...)
	summary, err := model.NewRunner(conn, project(tb), model.RunnerOptions{Vars: vars, Sources: contract{}}).Run(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	for _, result := range summary.Models {
		if result.Err != nil {
			tb.Errorf("%s: %v", result.Model.Name, result.Err)
		}
	}
	for _, check := range summary.AllChecks() {
		if check.Blocking() {
			tb.Error(check)
		}
	}
	return summary
}

// emptyWarehouse makes the raw tables anew and fills them by the given statements.
func emptyWarehouse(tb testing.TB, conn driver.Conn, fill ...string) {
	tb.Helper()
	run := func(sql string) {
		tb.Helper()
		if err := conn.Exec(tb.Context(), sql); err != nil {
			tb.Fatalf("%s: %v", sql, err)
		}
	}
	for _, database := range []string{"raw", "staging", "mart", "ops"} {
		run("drop database if exists " + database)
		run("create database " + database)
	}
	for _, schema := range entity.All() {
		run(warehouse.CreateRawTable(schema))
	}
	for _, sql := range fill {
		run(sql)
	}
}

// TestModels_EmptyWarehouse builds everything over nothing: the first run of a
// project may find a source that has no rows yet.
func TestModels_EmptyWarehouse(t *testing.T) {
	conn := enginetest.Start(t).ConnWith(t, clickhouse.Options{MaxOpenConns: 4})
	if summary := build(t, conn, model.DefaultVars()); !summary.OK() {
		t.Errorf("the run is not OK: %v", summary.AllChecks())
	}
	checkComments(t, conn)
}

// checkComments sees that a client that looks at the warehouse finds every table,
// view and column explained, in the words of the .yml.
func checkComments(t *testing.T, conn driver.Conn) {
	t.Helper()
	comments := map[string]string{}
	rows, err := conn.Query(t.Context(), `select concat(database, '.', table, '.', name), comment from system.columns where database in ('staging', 'mart')
		union all select concat(database, '.', name), comment from system.tables where database in ('staging', 'mart')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, comment string
		if err := rows.Scan(&name, &comment); err != nil {
			t.Fatal(err)
		}
		comments[name] = comment
	}
	for _, m := range project(t).Models() {
		if !strings.HasPrefix(comments[m.FullName()], m.Description) || m.Description == "" {
			t.Errorf("%s %s is explained as %q", m.Materialized, m.FullName(), comments[m.FullName()])
		}
		for _, column := range m.Columns {
			if name := m.FullName() + "." + column.Name; comments[name] != column.Description || column.Description == "" {
				t.Errorf("%s is explained as %q", name, comments[name])
			}
		}
	}
}
