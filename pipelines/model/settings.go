package model

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// baseSettings apply to every model. A join without a match gives NULL, not 0 or
// 1970-01-01; an insert is never dropped because an earlier one held the same
// rows; seeds and unit tests carry their rows inside the query.
var baseSettings = map[string]string{
	"join_use_nulls":     "1",
	"insert_deduplicate": "0",
	"max_query_size":     "134217728",
}

// newerSettings are for servers that have them; older ones refuse names they do
// not know. The first two override insert_deduplicate since ClickHouse 26.2.
//
// The last ones spare work that does not pay here: a model's query runs a few times a
// day, too seldom to be worth machine code of its own, its joins are written in an
// order that is right, and what they would filter out beforehand is little.
var newerSettings = map[string]string{
	"deduplicate_insert":        "disable",
	"deduplicate_insert_select": "disable",
	materializedSteps:           "1",

	"compile_expressions":                  "0",
	"compile_aggregate_expressions":        "0",
	"compile_sort_description":             "0",
	"query_plan_optimize_join_order_limit": "0",
	"enable_join_runtime_filters":          "0",
}

// materializedSteps allows WITH step AS MATERIALIZED (…): its rows are kept while the
// query runs. A step is otherwise planned and computed again wherever it is read.
const materializedSteps = "enable_materialized_cte"

// onceWord is what {{ once }} stands for under these settings of a server.
func onceWord(settings map[string]string) string {
	if settings[materializedSteps] == "1" {
		return "materialized"
	}
	return ""
}

// readSettings returns the settings of every statement for this server.
func readSettings(ctx context.Context, conn driver.Conn, project map[string]string) (map[string]string, error) {
	settings := maps.Clone(baseSettings)
	rows, err := conn.Query(ctx, "select name from system.settings where name in ("+literals(slices.Sorted(maps.Keys(newerSettings)))+")")
	if err != nil {
		return nil, fmt.Errorf("read the warehouse's settings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("read the warehouse's settings: %w", err)
		}
		settings[name] = newerSettings[name]
	}
	maps.Copy(settings, project)
	return settings, rows.Err()
}

// withSettings returns a context whose statements run with the settings.
func withSettings(ctx context.Context, layers ...map[string]string) context.Context {
	settings := clickhouse.Settings{}
	for _, layer := range layers {
		for name, value := range layer {
			settings[name] = value
		}
	}
	return clickhouse.Context(ctx, clickhouse.WithSettings(settings))
}
