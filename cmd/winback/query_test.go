package main

import (
	"testing"

	"winback/pipelines/warehouse"
)

// A query that only reads rows opens the warehouse sooner; whatever may ask the engine
// about its tables, or change them, finds them loaded.
func TestPurposeOf(t *testing.T) {
	for sql, want := range map[string]warehouse.Purpose{
		"select * from mart.customers":                                       warehouse.ForGlance,
		"\n WITH x AS (select 1) SELECT * FROM x":                            warehouse.ForGlance,
		"select emerge(1), 'insertion', systematic from mart.x":              warehouse.ForGlance,
		"select name from system.tables":                                     warehouse.ForQuery,
		"select name from `system`.tables":                                   warehouse.ForQuery,
		"select * from information_schema.columns":                           warehouse.ForQuery,
		"select * from merge('mart', '.*')":                                  warehouse.ForQuery,
		"select * from mergeTreeIndex('mart', 'customers')":                  warehouse.ForQuery,
		"with x as (select 1) insert into mart.x select * from x":            warehouse.ForQuery,
		"insert into mart.x select 1":                                        warehouse.ForQuery,
		"show tables from mart":                                              warehouse.ForQuery,
		"-- what is there\nalter table mart.customers delete where orders=0": warehouse.ForQuery,
	} {
		if got := purposeOf(sql); got != want {
			t.Errorf("%s: for a %s, want a %s", sql, got, want)
		}
	}
}
