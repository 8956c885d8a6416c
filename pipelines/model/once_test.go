package model_test

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"winback/pipelines/model"
)

// draws reads a step of random numbers twice: it holds one number an order when the
// step was computed once.
var draws = fstest.MapFS{
	"intermediate/int_draws.sql": {Data: []byte(`-- int_draws: how many numbers were drawn.
-- grain: one row
-- materialized: table
-- order_by: drawn
with

draws as {{ once }} (
    select rand64() as number from {{ source "shop" "orders" }}
)

select uniqExact(number) as drawn from (select number from draws union all select number from draws)
`)},
	"intermediate/int_draws.yml": {Data: []byte(`description: Numbers.
columns: [{name: drawn, type: UInt64, description: How many numbers.}]
`)},
}

func TestRunner_Run_Once(t *testing.T) {
	for _, c := range []struct {
		name    string
		options model.RunnerOptions
		drawn   string
	}{
		{"few rows", model.RunnerOptions{WholeBelow: 4}, "3"},
		{"many rows would fill the memory", model.RunnerOptions{WholeBelow: 3}, "6"},
		{"rows on several servers", model.RunnerOptions{WholeBelow: 4, Spread: true}, "6"},
		{"a server that does not know how", model.RunnerOptions{WholeBelow: 4, Settings: map[string]string{"enable_materialized_cte": "0"}}, "6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := warehouse(t)
			_, kinds := runModels(t, conn, draws, c.options)
			wantKinds(t, kinds, map[string]string{"int_draws": "built"})
			wantLines(t, conn, "select drawn from staging.int_draws", c.drawn)
			_, kinds = runModels(t, conn, draws, model.RunnerOptions{})
			wantKinds(t, kinds, map[string]string{"int_draws": "unchanged"}) // the way to the rows is no part of what they are
		})
	}
}

func TestLoad_OnceInAView(t *testing.T) {
	view := maps.Clone(draws)
	text := strings.Replace(string(draws["intermediate/int_draws.sql"].Data), "-- materialized: table\n-- order_by: drawn\n", "-- materialized: view\n", 1)
	view["intermediate/int_draws.sql"] = &fstest.MapFile{Data: []byte(text)}
	_, err := model.Load(view)
	if want := "intermediate/int_draws.sql:4: a view has no once: whoever reads it may have a server, or settings, that do not know it"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
