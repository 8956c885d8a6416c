package model_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"winback/pipelines/model"
)

// ranks gives each name its place in the alphabet, and fails for nobody's.
func ranks(version string) map[string]model.Computation {
	input := []model.Column{{Name: "name", Type: "String"}}
	output := []model.Column{{Name: "name", Type: "String"}, {Name: "rank", Type: "Nullable(UInt32)"}}
	return map[string]model.Computation{"ranks": {
		Version: version, Input: input, Output: output,
		Rows: func(_ context.Context, in array.RecordReader, emit func(arrow.RecordBatch) error) error {
			schema, err := model.ArrowSchema(output)
			if err != nil {
				return err
			}
			rows := array.NewRecordBuilder(memory.DefaultAllocator, schema)
			for in.Next() {
				names := in.RecordBatch().Column(0).(*array.String)
				for i := range names.Len() {
					name := names.Value(i)
					if name == "nobody" {
						return errors.New("nobody has no rank")
					}
					rows.Field(0).(*array.StringBuilder).Append(name)
					if name == "" {
						rows.Field(1).AppendNull()
					} else {
						rows.Field(1).(*array.Uint32Builder).Append(uint32(name[0]-'a') + 1)
					}
				}
				if err := emit(rows.NewRecordBatch()); err != nil {
					return err
				}
			}
			return in.Err()
		},
	}}
}

// ranked is a project with a model that is computed from the names of orders.
func ranked() fstest.MapFS {
	return fstest.MapFS{
		"marts/places.sql": {Data: []byte(`-- places: the place of each customer in the alphabet.
-- grain: one row per name
-- materialized: table
-- computed_by: ranks
-- order_by: name
select distinct customer_id as name from {{ source "shop" "orders" }}`)},
		"marts/places.yml": {Data: []byte(`description: Places.
columns:
  - {name: name, type: String, description: Customer., checks: [unique]}
  - {name: rank, type: Nullable(UInt32), description: Place.}
unit_tests:
  - name: a_place
    given: [{source: shop.orders, rows: [{customer_id: cid}, {customer_id: cid}, {customer_id: ""}]}]
    expect: {rows: [{name: cid, rank: 3}, {name: "", rank: null}]}
  - name: wrong
    given: [{source: shop.orders, rows: [{customer_id: dee}]}]
    expect: {rows: [{name: dee, rank: 5}]}
  - name: of_nobody
    expect: {rows: []}
`)},
		"marts/first.sql": {Data: []byte(`-- first: who comes first.
-- grain: one row
-- materialized: view
select min(rank) as rank from {{ ref "places" }}`)},
		"marts/first.yml": {Data: []byte("description: First.\ncolumns: [{name: rank, type: Nullable(UInt32), description: Place.}]\n")},
	}
}

func runRanked(t *testing.T, conn driver.Conn, fsys fstest.MapFS, version, data string) model.Result {
	t.Helper()
	project, err := model.Load(fsys, model.WithComputations(ranks(version)))
	if err != nil {
		t.Fatal(err)
	}
	summary, err := model.NewRunner(conn, project, model.RunnerOptions{Versions: versions{"shop.orders": data}}).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return summary.Models[0]
}

func TestRunner_Run_Computed(t *testing.T) {
	conn := warehouse(t)
	for _, step := range []struct{ what, version, data, want string }{
		{"its rows come from Go", "1", "1", "built never built"},
		{"nothing changed", "1", "1", "unchanged"},
		{"another program", "2", "1", "built its files changed"},
		{"new data", "2", "2", "built new data in shop.orders"},
	} {
		result := runRanked(t, conn, ranked(), step.version, step.data)
		if got := strings.TrimSpace(string(result.Kind) + " " + result.Reason); !strings.HasPrefix(got, step.want) || result.Err != nil {
			t.Errorf("%s: %s, want %s (%v)", step.what, got, step.want, result.Err)
		}
	}
	wantLines(t, conn, "select * from mart.places order by name", "ann 1", "bob 2")
	wantLines(t, conn, "select * from mart.first", "1")

	t.Run("a computation that fails leaves the earlier table", func(t *testing.T) {
		addOrders(t, conn, "('4', 'nobody', 'N', '2024-11-05 10:00:00', 10, 'a', '2024-12-01', false)")
		result := runRanked(t, conn, ranked(), "2", "3")
		if result.Err == nil || !strings.Contains(result.Err.Error(), "sql/marts/places.sql: ranks: nobody has no rank") {
			t.Errorf("got %v", result.Err)
		}
		wantLines(t, conn, "select * from mart.places order by name", "ann 1", "bob 2")
		wantLines(t, conn, "select name from system.tables where name like '%\\_\\_new'")
	})
	t.Run("an input with other columns", func(t *testing.T) {
		result := runRanked(t, conn, edited(t, ranked(), "marts/places.sql", "customer_id as name", "order_id as id"), "2", "3")
		want := "sql/marts/places.sql: ranks reads the columns (name String), the query returns (id String)"
		if result.Err == nil || result.Err.Error() != want {
			t.Errorf("got %v, want %s", result.Err, want)
		}
	})
}

func TestTestAll_Computed(t *testing.T) {
	project, err := model.Load(ranked(), model.WithComputations(ranks("1")))
	if err != nil {
		t.Fatal(err)
	}
	results, err := model.TestAll(t.Context(), warehouse(t), project, model.RunnerOptions{Sources: entities{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range results {
		if result.Passed() == (result.Test == "wrong") {
			t.Error(result)
		}
		if result.Test == "wrong" && !strings.Contains(result.Diff, "dee") {
			t.Errorf("the diff shows no row: %s", result.Diff)
		}
	}
}

func TestLoad_Computed_Mistakes(t *testing.T) {
	for _, c := range []struct{ file, old, new, want string }{
		{"marts/places.sql", "computed_by: ranks", "computed_by: rank", `sql/marts/places.sql:1: header: computed_by: no computation "rank" (did you mean "ranks"?)`},
		{"marts/places.sql", "materialized: table", "materialized: view", "sql/marts/places.sql:4: header: computed_by is for tables, not for materialized: view"},
		{"marts/places.yml", "type: Nullable(UInt32)", "type: UInt32", `sql/marts/places.yml:4: column "rank" is UInt32 here and Nullable(UInt32) in the query`},
	} {
		_, err := model.Load(edited(t, ranked(), c.file, c.old, c.new), model.WithComputations(ranks("1")))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestRunner_Try(t *testing.T) {
	project, err := model.Load(ranked(), model.WithComputations(ranks("1")))
	if err != nil {
		t.Fatal(err)
	}
	runner := model.NewRunner(warehouse(t), project, model.RunnerOptions{Sources: entities{}})
	places, err := runner.Try(t.Context(), "places", model.DefaultVars(), map[string]string{"shop.orders": "select arrayJoin(['ann', 'cid', 'cid']) as customer_id"})
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := places.Numbers(t.Context(), "count()", "sum(rank)", "nullIf(min(rank), 1)")
	if err != nil || numbers[0] != 2 || numbers[1] != 4 || numbers[2] == numbers[2] {
		t.Errorf("got %v, %v", numbers, err)
	}
	first, err := runner.Try(t.Context(), "first", model.DefaultVars(), map[string]string{"places": places.SQL})
	if err != nil {
		t.Fatal(err)
	}
	if numbers, err := first.Numbers(t.Context(), "any(rank)"); err != nil || numbers[0] != 1 {
		t.Errorf("got %v, %v", numbers, err)
	}
	if _, err := runner.Try(t.Context(), "place", model.DefaultVars(), nil); err == nil || !strings.Contains(err.Error(), `did you mean "places"?`) {
		t.Errorf("got %v", err)
	}
}
