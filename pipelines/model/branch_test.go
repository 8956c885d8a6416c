package model_test

import (
	"testing"
	"testing/fstest"

	"winback/pipelines/model"
)

// A branch that is not taken costs nothing: what it reads may change without the
// model being built again.
func TestRunner_Run_BranchNotTaken(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	project := func(habit string) fstest.MapFS {
		return fstest.MapFS{
			"seeds/limits.csv":  file("name,days\nall,180\n"),
			"seeds/limits.yml":  file("description: Limits.\ncolumns: [{name: name, type: String, description: Name.}, {name: days, type: Int32, description: Days.}]\n"),
			"seeds/habits.csv":  file("name,days\nall," + habit + "\n"),
			"seeds/habits.yml":  file("description: Habits.\ncolumns: [{name: name, type: String, description: Name.}, {name: days, type: Int32, description: Days.}]\n"),
			"marts/clocks.yml":  file("description: Clocks.\ncolumns: [{name: days, type: Int32, description: Days.}]\n"),
			"marts/clocks.sql":  file("-- clocks: the rule.\n-- grain: one row\n-- materialized: table\n-- order_by: days\nselect days from {{ if .Churn.PersonalClock.Enabled }}{{ ref \"habits\" }}{{ else }}{{ ref \"limits\" }}{{ end }}\n"),
			"checks/always.sql": file("-- always: there is a rule.\nselect 1 where (select count() from {{ ref \"clocks\" }}) = 0\n"),
		}
	}
	conn := warehouse(t)
	off, on := model.DefaultVars(), model.DefaultVars()
	on.Churn.PersonalClock.Enabled = true

	_, kinds := runModels(t, conn, project("30"), model.RunnerOptions{Vars: off})
	wantKinds(t, kinds, map[string]string{"limits": "built", "habits": "built", "clocks": "built"})
	_, kinds = runModels(t, conn, project("40"), model.RunnerOptions{Vars: off})
	wantKinds(t, kinds, map[string]string{"limits": "unchanged", "habits": "built", "clocks": "unchanged"})
	wantLines(t, conn, "select days from mart.clocks", "180")
	_, kinds = runModels(t, conn, project("40"), model.RunnerOptions{Vars: on})
	wantKinds(t, kinds, map[string]string{"limits": "unchanged", "habits": "unchanged", "clocks": "built"})
	wantLines(t, conn, "select days from mart.clocks", "40")
	_, kinds = runModels(t, conn, project("50"), model.RunnerOptions{Vars: on})
	wantKinds(t, kinds, map[string]string{"limits": "unchanged", "habits": "built", "clocks": "built"})
}
