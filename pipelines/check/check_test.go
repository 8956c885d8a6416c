package check_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/check"
	"winback/pipelines/engine/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

var moment = check.Moment{AsOf: time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC), Timezone: "America/New_York"}

// orders is a table with mistakes in it.
func orders(t *testing.T) (driver.Conn, check.Target) {
	t.Helper()
	conn := enginetest.Start(t).Conn(t)
	for _, statement := range []string{
		"drop database if exists checks",
		"create database checks",
		`create table checks.orders (id String, email Nullable(String), status LowCardinality(Nullable(String)), total Nullable(Int64),
			returns Int64, customer Nullable(String), at DateTime64(6, 'UTC')) engine = MergeTree order by id`,
		`insert into checks.orders values
			('1', 'ann@x.org', 'paid', 10, 1, 'ann', '2024-03-01'),
			('2', null, 'open', 5, 7, 'bob', '2024-03-02'),
			('2', null, 'it''s lost', null, 1, null, '2024-03-03'),
			('3', 'cat@x.org', null, 3, 4, 'cat', '2024-03-29 02:00:00')`,
		"create table checks.customers (name String) engine = MergeTree order by name",
		"insert into checks.customers values ('ann'), ('bob')",
		`create table checks.funnel (month Date, pipeline String, stage_no UInt8, entered Nullable(UInt64), won_pct Nullable(Float64), is_over Bool)
			engine = MergeTree order by (month, pipeline, stage_no)`,
		`insert into checks.funnel values ('2024-01-01', 'narrow', 1, 50, 80, true), ('2024-01-01', 'narrow', 2, 40, 75, true),
			('2024-01-01', 'narrow', 3, 40, null, true), ('2024-01-01', 'wide', 1, 40, null, false), ('2024-01-01', 'wide', 2, null, null, false),
			('2024-01-01', 'wide', 3, 41, null, false), ('2024-02-01', 'narrow', 1, 60, 10, true), ('2024-02-01', 'narrow', 9, 60, 10, true)`,
		"create table checks.empty (at Date) engine = MergeTree order by at",
	} {
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return conn, check.Target{
		Name: "orders", Relation: "checks.orders",
		Columns: []string{"id", "email", "status", "total", "returns", "customer", "at"},
		Private: map[string]bool{"email": true, "customer": true},
	}
}

// funnel has stages that narrow and stages that widen.
var funnel = check.Target{
	Name: "funnel", Relation: "checks.funnel", Columns: []string{"month", "pipeline", "stage_no", "entered", "won_pct", "is_over"},
}

func TestRun(t *testing.T) {
	conn, target := orders(t)
	of := func(kind check.Kind, columns ...string) check.Check {
		return check.Check{Kind: kind, Severity: check.Error, Columns: columns}
	}
	for _, c := range []struct {
		name     string
		check    check.Check
		status   check.Status
		failures uint64
		sample   string // the first one
	}{
		{"not_null passes", of(check.NotNull, "id"), check.Passed, 0, ""},
		{"not_null fails", of(check.NotNull, "total"), check.Failed, 1, `{"id":"2","email":null,"status":"it's lost","total":null,"returns":1,"customer":null,"at":"2024-03-03 00:00:00.000000"}`},
		{"unique leaves out nulls", of(check.Unique, "email"), check.Passed, 0, ""},
		{"unique counts repeated keys", of(check.Unique, "id"), check.Failed, 1, `{"id":"2","times":2}`},
		{"unique over several columns", of(check.Unique, "id", "total"), check.Passed, 0, ""},
		{"unique over several columns, null being a value", of(check.Unique, "id", "email"), check.Failed, 1, `{"id":"2","email":null,"times":2}`},
		{"accepted values, null and apostrophe among them", with(of(check.AcceptedValues, "status"), func(c *check.Check) {
			c.Values = []string{"paid", "open", "it's lost"}
		}), check.Passed, 0, ""},
		{"a value that is not accepted", with(of(check.AcceptedValues, "status"), func(c *check.Check) {
			c.Values = []string{"paid", "it's lost"}
		}), check.Failed, 1, `{"id":"2","email":null,"status":"open","total":5,"returns":7,"customer":"***","at":"2024-03-02 00:00:00.000000"}`},
		{"accepted numbers", with(of(check.AcceptedValues, "returns"), func(c *check.Check) {
			c.Values = []string{"1", "4", "7"}
		}), check.Passed, 0, ""},
		{"relationships leave out nulls", with(of(check.Relationships, "customer"), func(c *check.Check) {
			c.To, c.Field = "checks.customers", "name"
		}), check.Failed, 1, `{"id":"3","email":"***","status":null,"total":3,"returns":4,"customer":"***","at":"2024-03-29 02:00:00.000000"}`},
		{"relationships within the table", with(of(check.Relationships, "id"), func(c *check.Check) { c.Field = "id" }), check.Passed, 0, ""},
		{"an expression that is null passes", with(of(check.Expression), func(c *check.Check) { c.Condition = "total >= 3" }), check.Passed, 0, ""},
		{"an expression that fails", with(of(check.Expression), func(c *check.Check) { c.Condition = "total >= returns" }), check.Failed, 2,
			`{"id":"2","email":null,"status":"open","total":5,"returns":7,"customer":"***","at":"2024-03-02 00:00:00.000000"}`},
		{"where limits the rows", with(of(check.Expression), func(c *check.Check) {
			c.Condition, c.Where = "total >= returns", "id = '1' or id = '3'"
		}), check.Failed, 1, `{"id":"3","email":"***","status":null,"total":3,"returns":4,"customer":"***","at":"2024-03-29 02:00:00.000000"}`},
		{"fresh enough, counted in the zone's days", with(of(check.Freshness, "at"), func(c *check.Check) { c.MaxAgeDays = 3 }), check.Passed, 0, ""},
		{"too old", with(of(check.Freshness, "at"), func(c *check.Check) { c.MaxAgeDays = 2 }), check.Failed, 1, `{"newest":"2024-03-28","age_days":3}`},
		{"enough rows", with(of(check.RowCount), func(c *check.Check) { c.MinRows = 4 }), check.Passed, 0, ""},
		{"too few rows", with(of(check.RowCount), func(c *check.Check) { c.MinRows = 5 }), check.Failed, 1, `{"row_count":4}`},
		{"a query of its own", with(of(check.Query), func(c *check.Check) { c.Query = "select id from checks.orders where total > 5" }), check.Failed, 1, `{"id":"1"}`},
		{"a query of its own that gives personal data", with(of(check.Query), func(c *check.Check) {
			c.Query = "select id, email, 1 as other from checks.orders where id = '1'"
		}), check.Failed, 1, `{"id":"1","email":"***","other":1}`},
		{"a funnel that narrows", with(of(check.NeverWidens, "entered"), func(c *check.Check) {
			c.By, c.Order, c.Where = []string{"month", "pipeline"}, "stage_no", "pipeline != 'wide'"
		}), check.Passed, 0, ""},
		{"a funnel that widens, an unknown stage between", with(of(check.NeverWidens, "entered"), func(c *check.Check) {
			c.By, c.Order = []string{"month", "pipeline"}, "stage_no"
		}), check.Failed, 1, `{"month":"2024-01-01","pipeline":"wide","stage_no":3,"entered":41,"won_pct":null,"is_over":false,"smallest_before":40}`},
		{"one group when none is named", with(of(check.NeverWidens, "entered"), func(c *check.Check) {
			c.Order, c.Where = "stage_no", "pipeline = 'narrow' and (month = '2024-02-01' or stage_no > 1)"
		}), check.Failed, 1, `{"month":"2024-02-01","pipeline":"narrow","stage_no":9,"entered":60,"won_pct":10,"is_over":true,"smallest_before":40}`},
		{"no figure before the window is over", with(of(check.NullUntil, "won_pct", "entered"), func(c *check.Check) {
			c.Condition, c.Where = "is_over", "pipeline = 'narrow'"
		}), check.Passed, 0, ""},
		{"a figure too early, also where nobody knows whether it is over", with(of(check.NullUntil, "won_pct"), func(c *check.Check) {
			c.Condition = "if(stage_no = 9, null, is_over)"
		}), check.Failed, 1, ""},
		{"the rows of the last good build", with(of(check.RowCountChange), func(c *check.Check) {
			c.MaxDropPct, c.MaxGrowthPct, c.RowsBefore = new(20.0), new(20.0), new(uint64(5))
		}), check.Passed, 0, ""},
		{"rows were lost", with(of(check.RowCountChange), func(c *check.Check) {
			c.MaxDropPct, c.RowsBefore = new(19.9), new(uint64(5))
		}), check.Failed, 1, `{"row_count":4,"row_count_before":5,"change_pct":-20}`},
		{"rows have doubled", with(of(check.RowCountChange), func(c *check.Check) {
			c.MaxDropPct, c.MaxGrowthPct, c.RowsBefore = new(10.0), new(99.0), new(uint64(2))
		}), check.Failed, 1, `{"row_count":4,"row_count_before":2,"change_pct":100}`},
		{"no build to compare with", with(of(check.RowCountChange), func(c *check.Check) { c.MaxDropPct = new(0.0) }), check.Passed, 0, ""},
		{"from nothing to anything", with(of(check.RowCountChange), func(c *check.Check) {
			c.MaxGrowthPct, c.RowsBefore = new(1.0), new(uint64(0))
		}), check.Passed, 0, ""},
		{"a condition that is no SQL", with(of(check.Expression), func(c *check.Check) { c.Condition = "total >= nope" }), check.Broken, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.check.Name = c.check.DefaultName()
			alone := target
			switch c.check.Kind {
			case check.NeverWidens, check.NullUntil:
				alone = funnel
			}
			alone.Checks = []check.Check{c.check}
			results, err := check.Run(t.Context(), conn, []check.Target{alone}, check.Options{Moment: moment})
			if err != nil {
				t.Fatal(err)
			}
			r := results[0]
			if r.Status != c.status || r.Failures != c.failures {
				t.Errorf("%s with %d failures (%s), want %s with %d\n%s", r.Status, r.Failures, r.Message, c.status, c.failures, r.Query)
			}
			if c.sample != "" && strings.Join(r.Sample[:min(len(r.Sample), 1)], "") != c.sample {
				t.Errorf("sample %q, want %s", r.Sample, c.sample)
			}
		})
	}
}

func with(c check.Check, change func(*check.Check)) check.Check {
	change(&c)
	return c
}

func TestRun_EmptyTableIsNotFresh(t *testing.T) {
	conn, _ := orders(t)
	target := check.Target{Name: "empty", Relation: "checks.empty", Columns: []string{"at"}, Checks: []check.Check{
		{Name: "fresh", Kind: check.Freshness, Severity: check.Warn, Columns: []string{"at"}, MaxAgeDays: 100000},
	}}
	results, err := check.Run(t.Context(), conn, []check.Target{target}, check.Options{Moment: moment})
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Status != check.Failed || results[0].Blocking() {
		t.Errorf("%+v", results[0])
	}
}

// Checks of single rows share one scan; one of them being wrong must not hide
// what the others find.
func TestRun_OneBrokenAmongMany(t *testing.T) {
	conn, target := orders(t)
	target.Built, target.Relation = "checks.orders", "checks.orders_of_tomorrow"
	for _, condition := range []string{"total >= returns", "nope", "total < 100"} {
		target.Checks = append(target.Checks, check.Check{Name: condition, Kind: check.Expression, Severity: check.Warn, Condition: condition})
	}
	results, err := check.Run(t.Context(), conn, []check.Target{target, target}, check.Options{Moment: moment, Parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		got = append(got, string(r.Status))
	}
	want := []string{"failed", "broken", "passed", "failed", "broken", "passed"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if query := "select * from checks.orders_of_tomorrow where not (total >= returns)"; results[0].Query != query {
		t.Errorf("query %q, want %q", results[0].Query, query)
	}
	if !strings.Contains(results[1].Message, "nope") {
		t.Errorf("message %q does not say what is wrong", results[1].Message)
	}
}

func TestRecord(t *testing.T) {
	conn, target := orders(t)
	if err := conn.Exec(t.Context(), "drop table if exists ops.checks sync"); err != nil && !strings.Contains(err.Error(), "ops") {
		t.Fatal(err)
	}
	for range 2 { // once more is harmless
		if err := check.CreateTable(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
	}
	target.Checks = []check.Check{{Name: "id is there once", Kind: check.Unique, Severity: check.Warn, Columns: []string{"id"}}}
	target.Fingerprint = "abc"
	results, err := check.Run(t.Context(), conn, []check.Target{target}, check.Options{Moment: moment})
	if err != nil {
		t.Fatal(err)
	}
	if err := check.Record(t.Context(), conn, "run-1", results); err != nil {
		t.Fatal(err)
	}
	var got string
	err = conn.QueryRow(t.Context(), `select formatRowNoNewline('CSV', run_id, model, check, kind, severity, status, failures,
		sample, query, message, fingerprint) from ops.checks`).Scan(&got)
	if err != nil {
		t.Fatal(err)
	}
	want := `"run-1","orders","id is there once","unique","warn","failed",1,"['{""id"":""2"",""times"":2}']",` +
		`"select id, count() as times from checks.orders where id is not null group by id having times > 1","","abc"`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestResult_String(t *testing.T) {
	for _, c := range []struct {
		result check.Result
		want   string
	}{
		{check.Result{Status: check.Passed}, "m: c passed"},
		{check.Result{Status: check.Failed, Failures: 1}, "m: c failed in 1 row"},
		{check.Result{Status: check.Failed, Failures: 12, Sample: []string{`{"a":1}`, `{"a":2}`}}, `m: c failed in 12 rows, such as {"a":1}`},
		{check.Result{Status: check.Failed, Failures: 1, Kind: check.Unique}, "m: c failed: 1 repeated key"},
		{check.Result{Status: check.Failed, Failures: 2, About: "Sums agree."}, "m: c: Sums agree; failed in 2 rows"},
		{check.Result{Status: check.Passed, About: "Sums agree."}, "m: c passed"},
		{check.Result{Status: check.Broken, Message: "Unknown column"}, "m: c broken: Unknown column"},
	} {
		c.result.Model, c.result.Check = "m", "c"
		if got := c.result.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestRun_Few sees that a few new rows are judged as all of them would be.
func TestRun_Few(t *testing.T) {
	conn, target := orders(t)
	target.Built, target.Few = "(select * from checks.orders where id != '1')", true
	target.Checks = []check.Check{
		{Name: "known", Kind: check.Relationships, Severity: check.Error, Columns: []string{"customer"}, To: "checks.customers", Field: "name"},
		{Name: "known within", Kind: check.Relationships, Severity: check.Error, Columns: []string{"id"}, Field: "id"},
	}
	results, err := check.Run(t.Context(), conn, []check.Target{target}, check.Options{Moment: moment})
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Status != check.Failed || results[0].Failures != 1 || results[1].Status != check.Passed {
		t.Errorf("cat alone is unknown; got %v", results)
	}
	if strings.Contains(results[0].Query, "where name in") {
		t.Errorf("the query that people are shown looks among all: %s", results[0].Query)
	}
}
