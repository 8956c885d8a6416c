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

// A restated figure has its cause: what the block causes finds in the changes that
// came since, by month; another value of the project; another definition. The
// table's columns may be called as those of the log.
func TestRunner_Run_Causes(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	project := func(rows, definition string) fstest.MapFS {
		return fstest.MapFS{
			"seeds/sold.csv":            file("id,month,amount\n" + rows),
			"seeds/sold.yml":            file("description: Sold.\ncolumns: [{name: id, type: String, description: Id.}, {name: month, type: Date, description: Month.}, {name: amount, type: Int64, description: Amount.}]\n"),
			"intermediate/int_sold.yml": file("description: Sold.\ncolumns: [{name: id, type: String, description: Id.}, {name: month, type: Date, description: Month.}, {name: amount, type: Int64, description: Amount.}]\n"),
			"intermediate/int_sold.sql": file("-- int_sold: sold.\n-- grain: one row per id\n-- materialized: table\n-- key: id\n-- order_by: id\n" +
				"select id, month, amount from {{ ref \"sold\" }}\n"),
			"marts/kpis.yml": file("description: Figures.\ncolumns: [{name: month, type: Date, description: Month.}, {name: kpi, type: String, description: Figure.}, {name: value, type: Int64, description: Value.}, {name: row, type: UInt8, description: Trap.}]\n" +
				"reported: {by: [month, kpi], over: 'true', values: [value]}\n"),
			"marts/kpis.sql": file("-- kpis: figures.\n-- grain: one row per month and kpi\n-- materialized: table\n-- order_by: month\n" +
				"select months.month as month, arrayJoin(['sold', 'spared']) as kpi, toInt64(sum(sold.amount) * 180 / {{ .Churn.LostAfter }})" + definition + " as value, 1 as row from (select distinct month from {{ ref \"int_sold\" }}) as months " +
				"cross join {{ ref \"int_sold\" }} as sold where sold.month <= months.month group by month, kpi\n" +
				"{{ define \"causes\" }}select min(sold.month) as since, 'late sale' as cause, count() as n, ['spared'] as spares from {{ ref \"int_sold\" }} as sold where sold.id in (select id from {{ changed \"int_sold\" }}) having n > 0{{ end }}\n"),
		}
	}
	const before = "a,2024-01-01,10\nb,2024-02-01,20\nc,2024-03-01,30\n"
	const late = before + "d,2024-02-01,5\ne,2024-02-01,7\n"
	conn := warehouse(t)
	for _, book := range []string{"reported", "told"} {
		exec(t, conn, "drop table if exists ops."+book+" sync")
	}
	for i, step := range []struct {
		what, rows, definition string
		lostAfter              int
		want                   []string
	}{
		{"the first time", before, "", 180, nil},
		{"two late sales of February", late, "", 180, []string{"2024-02-01 30 42 changed table sold, 2 late sales", "2024-03-01 60 72 changed table sold, 2 late sales"}},
		{"nothing new", late, "", 180, nil},
		{"another limit", late, "", 90, []string{
			"2024-01-01 10 20 changed configuration (churn.lost_after 180 → 90)", "2024-02-01 42 84 changed configuration (churn.lost_after 180 → 90)",
			"2024-03-01 72 144 changed configuration (churn.lost_after 180 → 90)",
		}},
		{"another definition, and a late sale", late + "f,2024-03-01,1\n", " + 1", 90, []string{
			"2024-01-01 20 21 changed table sold, changed definition", "2024-02-01 84 85 changed table sold, changed definition", "2024-03-01 144 147 changed table sold, changed definition, 1 late sale",
		}},
	} {
		t.Run(step.what, func(t *testing.T) {
			o := at("2024-04-15")
			o.RunID, o.WholeAbove = "causes "+string(rune('1'+i)), 2
			o.Vars.Churn.LostAfter = step.lostAfter
			summary, _ := runModels(t, conn, project(step.rows, step.definition), o)
			got := lines(t, conn, "select month, was, now, cause from ops.restated where model = 'kpis' and kpi = 'sold' and run_id = '"+o.RunID+"' order by all")
			if strings.Join(got, "\n") != strings.Join(step.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s\nwarnings %q", strings.Join(got, "\n"), strings.Join(step.want, "\n"), summary.Warnings)
			}
			spared := lines(t, conn, "select distinct cause from ops.restated where model = 'kpis' and kpi = 'spared' and run_id = '"+o.RunID+"'")
			if i == 1 && strings.Join(spared, "\n") != "changed table sold" {
				t.Errorf("a figure that the cause does not move is told to have moved by %q", spared)
			}
			if told := strings.Join(summary.Warnings, "\n"); i == 1 && !strings.Contains(told, "sold of 2024-03: 60 → 72 (changed table sold, 2 late sales)") {
				t.Errorf("warnings %q", told)
			}
		})
	}
}
