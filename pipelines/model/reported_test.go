package model_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

// A figure that was told and is another now is noted, with what it was; a month
// that is not over, and an old report made again, restate nothing.
func TestRunner_Run_Restatements(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	project := func(rows string) fstest.MapFS {
		return fstest.MapFS{
			"seeds/months.csv": file("month,segment,lost,pct\n" + rows),
			"seeds/months.yml": file("description: Months.\ncolumns: [{name: month, type: Date, description: Month.}, {name: segment, type: String, description: Segment.}, " +
				"{name: lost, type: UInt64, description: Lost.}, {name: pct, type: Nullable(Float64), description: Share.}]\n"),
			"marts/churn.yml": file("description: Churn.\ncolumns: [{name: month, type: Date, description: Month.}, {name: segment, type: String, description: Segment.}, " +
				"{name: lost, type: UInt64, description: Lost.}, {name: pct, type: Nullable(Float64), description: Share.}, {name: is_over, type: Bool, description: Over.}]\n" +
				"reported: {by: [month, segment], over: is_over, values: [lost, pct]}\n"),
			"marts/churn.sql": file("-- churn: the lost.\n-- grain: one row per month and segment\n-- materialized: table\n-- order_by: month\n" +
				"select month, segment, lost, pct, toBool(toLastDayOfMonth(month) <= {{ .AsOf }}) as is_over from {{ ref \"months\" }} where month <= {{ .AsOf }}\n"),
		}
	}
	conn := warehouse(t)
	exec(t, conn, "drop table if exists ops.reported sync")
	steps := []struct {
		what, asOf, rows string
		want             []string
	}{
		{"the first report restates nothing", "2024-02-15", "2024-01-01,a,10,1.5\n2024-01-01,b,5,\n2024-02-01,a,1,\n", nil},
		{"a month that was not over", "2024-02-29", "2024-01-01,a,10,1.5\n2024-01-01,b,5,\n2024-02-01,a,7,\n", nil},
		{"late rows of January, and a share that was not known", "2024-03-15", "2024-01-01,a,11,1.5\n2024-01-01,b,5,2.5\n2024-02-01,a,7,\n", []string{
			"2024-01-01 a lost 10 11 2024-02-15 2024-03-15 the projects values in its SQL changed, months changed",
			`2024-01-01 b pct \N 2.5 2024-02-15 2024-03-15 the projects values in its SQL changed, months changed`,
		}},
		{"an old report made again", "2024-02-15", "2024-01-01,a,12,1.5\n2024-01-01,b,5,2.5\n2024-02-01,a,7,\n", nil},
		{"back to the present, where it shows", "2024-03-15", "2024-01-01,a,12,1.5\n2024-01-01,b,5,2.5\n2024-02-01,a,7,\n", []string{
			"2024-01-01 a lost 11 12 2024-03-15 2024-03-15 the projects values in its SQL changed",
		}},
		{"a row that is gone", "2024-03-15", "2024-01-01,a,12,1.5\n2024-02-01,a,7,\n", []string{
			`2024-01-01 b lost 5 \N 2024-02-15 2024-03-15 months changed`, `2024-01-01 b pct 2.5 \N 2024-03-15 2024-03-15 months changed`,
		}},
	}
	for i, step := range steps {
		t.Run(step.what, func(t *testing.T) {
			o := at(step.asOf)
			o.RunID = "run " + string(rune('1'+i))
			summary, _ := runModels(t, conn, project(step.rows), o)
			got := lines(t, conn, "select month, segment, figure, was, now, was_as_of, as_of, replaceAll(reason, '\\'', '') from ops.restated where run_id = '"+o.RunID+"' order by all")
			if strings.Join(got, "\n") != strings.Join(step.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(step.want, "\n"))
			}
			if told := strings.Contains(strings.Join(summary.Warnings, "\n"), "mart.churn restates"); told != (len(step.want) > 0) {
				t.Errorf("warnings %q", summary.Warnings)
			}
		})
	}
}
