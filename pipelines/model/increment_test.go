package model_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/model"
)

// arrivals are raw orders that come in by runs: it tells the models which.
type arrivals struct {
	conn driver.Conn
	runs int
}

func (a *arrivals) Version(context.Context, string, string) (string, error) {
	return fmt.Sprint(a.runs), nil
}

func (a *arrivals) Since(_ context.Context, _, _, version string) (model.Arrivals, bool, error) {
	var seen int
	if _, err := fmt.Sscan(version, &seen); err != nil {
		return model.Arrivals{}, false, nil
	}
	return model.Arrivals{Condition: fmt.Sprintf("run_no > %d", seen), Rows: int64(a.runs - seen)}, true, nil
}

// order is a version of an order as a run brings it.
type order struct {
	id, customer, region, day string
	total                     int
	deleted                   bool
}

// bring adds orders as one run.
func (a *arrivals) bring(t testing.TB, orders ...order) {
	t.Helper()
	a.runs++
	var rows []string
	for _, o := range orders {
		rows = append(rows, fmt.Sprintf("('%s', '%s', nullIf('%s', ''), '%s 10:00:00', %d, 'a', toDateTime64(%d, 6, 'UTC'), %t, %d)",
			o.id, o.customer, o.region, o.day, o.total, a.runs, o.deleted, a.runs))
	}
	if len(rows) > 0 {
		addOrders(t, a.conn, rows...)
	}
}

func newArrivals(t testing.TB) *arrivals {
	conn := warehouse(t)
	exec(t, conn, "alter table raw.shop_orders add column run_no UInt32")
	exec(t, conn, "truncate table raw.shop_orders")
	return &arrivals{conn: conn}
}

// incrementally are the options of a run in which only what is touched is built.
func incrementally(a *arrivals, asOf string) model.RunnerOptions {
	o := model.RunnerOptions{Versions: a, Vars: model.DefaultVars()}
	o.Vars.AsOf, _ = time.Parse(time.DateOnly, asOf)
	o.WholeAbove = 2 // always
	return o
}

// wantWhole sees that each table holds exactly what its query returns over the
// tables below it, rows as often as there: with those below equal to a whole build,
// it is too.
func wantWhole(t testing.TB, conn driver.Conn, project *model.Project, vars model.Vars) {
	t.Helper()
	for _, m := range project.Models() {
		if m.Materialized != model.Table && m.Materialized != model.Incremental {
			continue
		}
		sql, err := project.Compile(m.Name, vars)
		if err != nil {
			t.Fatal(err)
		}
		differences := lines(t, conn, fmt.Sprintf(`select sum(side) as surplus, row from (
			select formatRowNoNewline('TSV', *) as row, toInt64(1) as side from %s
			union all select formatRowNoNewline('TSV', *), -1 from (%s)) group by row having surplus != 0 order by row limit 10`, m.Relation(), sql))
		if len(differences) > 0 {
			t.Errorf("%s differs from a whole build (1 too much, -1 missing):\n%s", m.Name, strings.Join(differences, "\n"))
		}
	}
}

// wantGood runs the models and sees that none failed.
func wantGood(t testing.TB, conn driver.Conn, fsys fs.FS, options model.RunnerOptions) map[string]model.Result {
	t.Helper()
	summary, _ := runModels(t, conn, fsys, options)
	results := map[string]model.Result{}
	for _, result := range summary.Models {
		if result.Err != nil || result.Kind == model.Skipped {
			t.Fatalf("%s %s: %s %v", result.Model.Name, result.Kind, result.Reason, result.Err)
		}
		results[result.Model.Name] = result
	}
	if len(summary.Warnings) > 0 {
		t.Errorf("warnings %q", summary.Warnings)
	}
	return results
}

func TestRunner_Run_Incremental(t *testing.T) {
	fsys := files(t, "increments.txtar")
	a := newArrivals(t)
	a.bring(t, order{"1", "ann", "N", "2024-01-10", 10, false}, order{"2", "ann", "N", "2024-02-10", 20, false},
		order{"3", "bob", "S", "2024-02-20", 30, false}, order{"4", "cat", "", "2024-03-05", 40, false})
	run := func(asOf string) map[string]model.Result {
		t.Helper()
		results := wantGood(t, a.conn, fsys, incrementally(a, asOf))
		wantWhole(t, a.conn, load(t, fsys), incrementally(a, asOf).Vars)
		return results
	}
	reasons := func(results map[string]model.Result, want map[string]string) {
		t.Helper()
		for name, reason := range want {
			if got := string(results[name].Kind) + ", " + results[name].Reason; got != reason {
				t.Errorf("%s\n got %s\nwant %s", name, got, reason)
			}
		}
	}
	run("2024-03-10")

	a.bring(t, order{"5", "bob", "S", "2024-03-06", 50, false})
	reasons(run("2024-03-10"), map[string]string{
		"int_orders":    "built, new data in shop.orders: 1 of 3 partitions touched by 1 new row in shop.orders",
		"int_purchases": "built, int_orders changed: 1 of 2 partitions touched by 1 changed key",
	})
	// It was bob's all along: three tables by customer, two months.
	a.bring(t, order{"1", "bob", "S", "2024-01-10", 10, false})
	reasons(run("2024-03-10"), map[string]string{
		"int_orders": "built, new data in shop.orders: 1 of 3 partitions touched by 1 new row in shop.orders",
	})
	wantLines(t, a.conn, "select customer_id, purchase_no, spent from staging.int_purchases order by 1, 2",
		"ann 1 20", "bob 1 10", "bob 2 40", "bob 3 90", "cat 1 40")

	// The month is empty then: its partition goes.
	a.bring(t, order{"1", "bob", "S", "2024-01-10", 10, true})
	run("2024-03-10")
	wantLines(t, a.conn, "select month from mart.monthly order by 1", "2024-02-01", "2024-03-01")
	wantLines(t, a.conn, "select distinct partition from system.parts where active and database = 'mart' and table = 'monthly' order by 1", "2024-02-01", "2024-03-01")

	// A new version with the same content changes nothing, nor is it told on.
	a.bring(t, order{"5", "bob", "S", "2024-03-06", 50, false})
	reasons(run("2024-03-10"), map[string]string{
		"int_orders": "unchanged, new data in shop.orders, which changes nothing in it",
	})
	results := run("2024-03-10")
	for name, result := range results {
		if result.Kind != model.Unchanged || !strings.HasPrefix(result.Reason, "unchanged since") {
			t.Errorf("%s %s: %s", name, result.Kind, result.Reason)
		}
	}
}

func TestRunner_Run_IncrementalDays(t *testing.T) {
	fsys := files(t, "increments.txtar")
	a := newArrivals(t)
	a.bring(t, order{"1", "ann", "N", "2024-01-10", 10, false}, order{"2", "bob", "N", "2024-02-10", 20, false},
		order{"3", "bob", "S", "2024-03-20", 30, false}, order{"4", "cat", "", "2024-03-15", 40, false})
	for _, day := range []string{"2024-03-10", "2024-03-11", "2024-03-15", "2024-03-21", "2024-02-09", "2024-01-01", "2024-05-01", "2024-03-10"} {
		options := incrementally(a, day)
		results := wantGood(t, a.conn, fsys, options)
		wantWhole(t, a.conn, load(t, fsys), options.Vars)
		if reason := results["int_orders"].Reason; strings.Contains(reason, "whole") {
			t.Errorf("as of %s: %s", day, reason)
		}
	}
}

// TestRunner_Run_IncrementalWhole tells when touched keys are not enough.
func TestRunner_Run_IncrementalWhole(t *testing.T) {
	fsys := files(t, "increments.txtar")
	const name = "intermediate/int_purchases.sql"
	many := make([]order, 20)
	for i := range many {
		many[i] = order{fmt.Sprint(i), fmt.Sprint("c", i%10), "N", "2024-01-10", i, false}
	}
	start := func(t *testing.T) *arrivals {
		a := newArrivals(t)
		a.bring(t, many...)
		wantGood(t, a.conn, fsys, incrementally(a, "2024-03-10"))
		return a
	}
	reason := func(t *testing.T, a *arrivals, fsys fs.FS, options model.RunnerOptions) string {
		t.Helper()
		reason := wantGood(t, a.conn, fsys, options)["int_purchases"].Reason
		wantWhole(t, a.conn, load(t, fsys), options.Vars)
		return reason
	}
	t.Run("its files changed", func(t *testing.T) {
		a := start(t)
		got := reason(t, a, edited(t, fsys, name, "ordered_on + 30 <=", "ordered_on + 31 <="), incrementally(a, "2024-03-10"))
		if got != "its files changed; built whole: its files changed" {
			t.Error(got)
		}
	})
	t.Run("a new day of which it does not say what it touches", func(t *testing.T) {
		a := start(t)
		silent := edited(t, fsys, name, "where ordered_on + 30 > {{ .SeenUntil }} and ordered_on + 30 <= {{ .SeenLast }}", "where false")
		wantGood(t, a.conn, silent, incrementally(a, "2024-03-10"))
		got := reason(t, a, silent, incrementally(a, "2024-03-11"))
		if got != "the project's values in its SQL changed; built whole: it does not say which keys a new day touches" {
			t.Error(got)
		}
	})
	t.Run("something it does not follow changed", func(t *testing.T) {
		a := start(t)
		deaf := edited(t, fsys, name, "union all\nselect customer_id from {{ changed \"int_customer_regions\" }}\n", "")
		wantGood(t, a.conn, deaf, incrementally(a, "2024-03-10"))
		a.bring(t, order{"1", "c1", "X", "2024-02-10", 7, false})
		got := reason(t, a, deaf, incrementally(a, "2024-03-10"))
		if !strings.HasSuffix(got, "; built whole: int_customer_regions changed, which it does not follow") {
			t.Error(got)
		}
	})
	t.Run("most rows are touched", func(t *testing.T) {
		a := start(t)
		for i := range many[:8] {
			a.bring(t, order{fmt.Sprint(i), fmt.Sprint("c", i%10), "N", "2024-01-10", 99, false})
		}
		options := model.RunnerOptions{Versions: a, Vars: incrementally(a, "2024-03-10").Vars}
		if got := reason(t, a, fsys, options); !strings.HasSuffix(got, "; built whole: 16 of its 20 rows are touched") {
			t.Error(got)
		}
	})
	t.Run("the log of what it follows was removed", func(t *testing.T) {
		a := start(t)
		options := incrementally(a, "2024-03-10")
		options.Select = []string{"+int_orders", "int_customer_regions"}
		a.bring(t, order{"1", "c1", "N", "2024-01-12", 7, false})
		wantGood(t, a.conn, fsys, options)
		exec(t, a.conn, "truncate table staging.int_orders__changes")
		if got := reason(t, a, fsys, incrementally(a, "2024-03-10")); !strings.HasSuffix(got, "built whole: the log of changes of int_orders lacks rows") {
			t.Error(got)
		}
	})
	t.Run("it and what it reads are small: what changed is told all the same", func(t *testing.T) {
		a := start(t)
		small := incrementally(a, "2024-03-10")
		small.WholeBelow = 1000
		a.bring(t, order{"1", "c1", "N", "2024-02-10", 7, false})
		if got := reason(t, a, fsys, small); !strings.HasSuffix(got, "; built whole: it and what it reads are small") {
			t.Error(got)
		}
		wantLines(t, a.conn, "select distinct customer_id from staging.int_purchases__changes", "c1")
		a.bring(t, order{"1", "c1", "N", "2024-02-10", 7, false})
		if got := wantGood(t, a.conn, fsys, small)["int_orders"]; got.Kind != model.Unchanged {
			t.Errorf("%s: %s", got.Kind, got.Reason)
		}
		a.bring(t, order{"2", "c2", "N", "2024-02-10", 7, false})
		if got := reason(t, a, fsys, incrementally(a, "2024-03-10")); !strings.HasSuffix(got, "touched by 1 changed key") {
			t.Error(got)
		}
	})
	t.Run("a full build", func(t *testing.T) {
		a := start(t)
		options := incrementally(a, "2024-03-10")
		options.Full = true
		if got := reason(t, a, fsys, options); strings.Contains(got, "touched") {
			t.Error(got)
		}
	})
}

// Ten steps of each change log are kept, with their rows: whoever was not built for
// longer is built whole. A whole build makes an end of all before it.
func TestRunner_Run_ForgetsOldChanges(t *testing.T) {
	fsys := files(t, "increments.txtar")
	a := newArrivals(t)
	options := incrementally(a, "2024-03-10")
	options.Select = []string{"+int_orders"}
	change := func(total int) {
		t.Helper()
		a.bring(t, order{"1", "ann", "N", "2024-01-10", total, false})
		wantGood(t, a.conn, fsys, options)
	}
	a.bring(t, order{"2", "bob", "N", "2024-01-11", 5, false})
	for total := range 14 {
		change(total)
	}
	const steps = "select count() from ops.changes where model = 'int_orders'"
	const rows = "select uniqExact(log_step) from staging.int_orders__changes"
	wantLines(t, a.conn, steps, "10")
	wantLines(t, a.conn, rows, "10")

	// One that a run broken off had left goes as well.
	for _, sql := range []string{
		"insert into ops.changes (model, since, version, rows) select model, 'left', 'left', 1 from ops.changes where model = 'int_orders' limit 1",
		"insert into staging.int_orders__changes select * replace ('left' as log_step) from staging.int_orders__changes limit 1",
	} {
		if err := a.conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	change(14)
	wantLines(t, a.conn, steps, "10")
	wantLines(t, a.conn, rows, "10")

	full := options
	full.Full = true
	wantGood(t, a.conn, fsys, full)
	wantLines(t, a.conn, steps, "0")
	wantLines(t, a.conn, "select count() from system.tables where name = 'int_orders__changes'", "0")
	change(99)
	wantLines(t, a.conn, steps, "1")
}

var randomCompanies = flag.Int("random", 1, "how many random companies the tests of incremental models follow")

// TestRunner_Run_IncrementalRandom compares every table with a whole build after
// random days: new, late, changed, moved and deleted orders, days that go on and
// back, selections, full builds, builds broken off between two partitions.
func TestRunner_Run_IncrementalRandom(t *testing.T) {
	fsys := files(t, "increments.txtar")
	project := load(t, fsys)
	for seed := range uint64(*randomCompanies) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			a := newArrivals(t)
			day := 60
			asOf := func() string { return time.Date(2024, 1, day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) }
			for range 6 {
				a.bring(t, randomOrders(random, day)...)
				switch random.IntN(6) {
				case 0:
				case 1:
					day -= random.IntN(20)
				default:
					day += random.IntN(4)
				}
				options := incrementally(a, asOf())
				options.WholeBelow = []uint64{0, 40, 1000}[random.IntN(3)]
				switch random.IntN(8) {
				case 0:
					options.Full = true
				case 1, 2, 3:
					breakOff(t, a, fsys, options, random.IntN(5))
					a.bring(t, randomOrders(random, day)...)
				case 4:
					options.Select = []string{"+int_orders"}
					wantGood(t, a.conn, fsys, options)
					options.Select = nil
					a.bring(t, randomOrders(random, day)...)
				}
				wantGood(t, a.conn, fsys, options)
				if wantWhole(t, a.conn, project, options.Vars); t.Failed() {
					return
				}
			}
		})
	}
}

func randomOrders(random *rand.Rand, day int) []order {
	orders := make([]order, random.IntN(6))
	for i := range orders {
		orders[i] = order{
			id: fmt.Sprint(random.IntN(30)), customer: string(rune('a' + random.IntN(8))), region: []string{"N", "S", ""}[random.IntN(3)],
			day:   time.Date(2024, 1, day-random.IntN(70)+3, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
			total: random.IntN(50), deleted: random.IntN(5) == 0,
		}
	}
	return orders
}

// breakOff runs the models and breaks off before some partition.
func breakOff(t testing.TB, a *arrivals, fsys fs.FS, options model.RunnerOptions, after int) {
	t.Helper()
	off := errors.New("off")
	options.Parallel = 1
	options.BeforePartition(func(string, string) error {
		if after--; after < 0 {
			return off
		}
		return nil
	})
	summary, _ := runModels(t, a.conn, fsys, options)
	for _, result := range summary.Models {
		if result.Err != nil && !errors.Is(result.Err, off) {
			t.Fatalf("%s: %v", result.Model.Name, result.Err)
		}
	}
}

func TestTestAll_SecondRun(t *testing.T) {
	fsys := files(t, "increments.txtar")
	for _, c := range []struct{ name, file, old, replacement, want string }{
		{"as written", "marts/totals.yml", "Totals.", "Totals.", ""},
		{"the old owner is forgotten", "intermediate/int_purchases.sql", `{{ changed "int_orders" }}`,
			`{{ changed "int_orders" }} where customer_id not in (select customer_id from {{ this }} where customer_id = 'bob')`, "after the second run:\n"},
		{"another expectation", "intermediate/int_purchases.yml", "purchase_no: 2, spent: 15", "purchase_no: 2, spent: 16", "after the second run:\n"},
		{"touched returns something else", "intermediate/int_orders.sql", `select source, order_id from {{ changed "shop.orders" }}`,
			`select source, order_id as id from {{ changed "shop.orders" }}`, "touched returns the columns source, id, the key is source, order_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var said []string
			for _, result := range runTests(t, edited(t, fsys, c.file, c.old, c.replacement)) {
				if !result.Passed() {
					said = append(said, result.String())
				}
			}
			if got := strings.Join(said, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestRunner_Run_Deserted(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	runModels(t, conn, shop, model.RunnerOptions{})
	exec(t, conn, "create table mart.own (x String) engine = MergeTree order by x")
	gone := maps.Clone(shop)
	for _, file := range []string{"marts/regions_monthly.sql", "marts/regions_monthly.yml", "checks/revenue_balances.sql"} {
		if _, ok := gone[file]; !ok {
			t.Fatalf("no %s", file)
		}
		delete(gone, file)
	}
	tables := "select name from system.tables where database = 'mart' order by 1"
	runModels(t, conn, gone, model.RunnerOptions{Select: []string{"customers"}})
	wantLines(t, conn, tables, "customers", "own", "regions_monthly")

	summary, _ := runModels(t, conn, gone, model.RunnerOptions{})
	wantLines(t, conn, tables, "customers", "own")
	if want := []string{"mart.regions_monthly was dropped: no model makes it any more"}; !slices.Equal(summary.Warnings, want) {
		t.Errorf("warnings %q, want %q", summary.Warnings, want)
	}
	summary, _ = runModels(t, conn, gone, model.RunnerOptions{})
	if len(summary.Warnings) > 0 {
		t.Errorf("again %q", summary.Warnings)
	}
	_, kinds := runModels(t, conn, shop, model.RunnerOptions{})
	if kinds["regions_monthly"] != "built" {
		t.Errorf("it came back and is %s", kinds["regions_monthly"])
	}
}
