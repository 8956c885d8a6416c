package model_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"

	"winback/pipelines/check"
	"winback/pipelines/model"
)

// runModels builds a project's models and returns what became of each, in words.
func runModels(t testing.TB, conn driver.Conn, fsys fs.FS, options model.RunnerOptions) (model.Summary, map[string]string) {
	t.Helper()
	if options.Versions == nil {
		options.Versions = versions{"shop.orders": "1"}
	}
	summary, err := model.NewRunner(conn, load(t, fsys), options).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, result := range summary.Models {
		kinds[result.Model.Name] = string(result.Kind)
		if result.Err != nil {
			t.Logf("%s: %v", result.Model.Name, result.Err)
		}
	}
	return summary, kinds
}

func all(kind string) map[string]string {
	return map[string]string{"regions": kind, "stg_shop__orders": kind, "int_orders": kind, "customers": kind, "regions_monthly": kind}
}

func except(kinds map[string]string, pairs ...string) map[string]string {
	for i := 0; i < len(pairs); i += 2 {
		kinds[pairs[i]] = pairs[i+1]
	}
	return kinds
}

func wantKinds(t testing.TB, got, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("models (-want +got)\n%s", diff)
	}
}

func TestRunner_Run(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	summary, kinds := runModels(t, conn, shop, model.RunnerOptions{})
	wantKinds(t, kinds, all("built"))
	if !summary.OK() {
		t.Errorf("the run is not OK: %v", summary.AllChecks())
	}

	t.Run("rows", func(t *testing.T) {
		wantLines(t, conn, "select * from mart.customers order by customer_id",
			"ann 2 30.5 2024-12-05 active", "bob 1 30 2024-01-05 lost")
		wantLines(t, conn, "select * from staging.regions order by region", "N North", "S South, and islands", `U \N`)
	})
	t.Run("a join without a match is null", func(t *testing.T) {
		wantLines(t, conn, "select order_id, region_name from staging.int_orders order by order_id", "1 North", `2 \N`, `3 \N`)
	})
	t.Run("comments", func(t *testing.T) {
		wantLines(t, conn, "select comment from system.tables where database = 'mart' and name = 'customers'",
			"Customers. Grain: one row per customer.")
		wantLines(t, conn, "select comment from system.columns where database = 'mart' and table = 'customers' and name = 'customer_id'",
			`The customer\'s id.`)
		wantLines(t, conn, "select comment from system.columns where database = 'staging' and table = 'stg_shop__orders' and name = 'total'",
			"Amount.")
	})
	t.Run("bookkeeping", func(t *testing.T) {
		wantLines(t, conn, "select model, relation, materialized, rows from ops.models final order by model",
			"customers mart.customers table 2", "int_orders staging.int_orders table 3", "regions staging.regions seed 3",
			"regions_monthly mart.regions_monthly table 3", `stg_shop__orders staging.stg_shop__orders view \N`)
		wantLines(t, conn, "select model, check, status from ops.checks where model in ('customers', 'revenue_balances') order by model, check",
			"customers accepted_values(status) passed", "customers freshness(last_order_on) passed",
			"customers not_null(customer_id) passed", "customers revenue_within_reason passed",
			"customers unique(customer_id) passed", "revenue_balances revenue_balances passed")
	})
	t.Run("nothing is left aside", func(t *testing.T) {
		wantLines(t, conn, "select name from system.tables where name like '%\\_\\_new' or name like '%\\_\\_old'")
	})
}

func TestRunner_Run_OnlyWhatChanged(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	runModels(t, conn, shop, model.RunnerOptions{})
	uuids := "select name, uuid from system.tables where database in ('staging', 'mart') order by name"
	before := lines(t, conn, uuids)

	t.Run("a second run builds nothing", func(t *testing.T) {
		summary, kinds := runModels(t, conn, shop, model.RunnerOptions{})
		wantKinds(t, kinds, all("unchanged"))
		if len(summary.AllChecks()) > 0 {
			t.Errorf("checks ran: %v", summary.AllChecks())
		}
		if after := lines(t, conn, uuids); !slices.Equal(before, after) {
			t.Errorf("tables were written again:\n%v\n%v", before, after)
		}
	})
	t.Run("changed text builds the model and its descendants", func(t *testing.T) {
		changed := edited(t, shop, "intermediate/int_orders.sql", "left join", "left any join")
		_, kinds := runModels(t, conn, changed, model.RunnerOptions{})
		wantKinds(t, kinds, except(all("built"), "regions", "unchanged", "stg_shop__orders", "unchanged"))
	})
	t.Run("a changed value builds the models that use it", func(t *testing.T) {
		changed := edited(t, shop, "intermediate/int_orders.sql", "left join", "left any join")
		vars := model.DefaultVars()
		vars.Churn.LostAfter = 10
		_, kinds := runModels(t, conn, changed, model.RunnerOptions{Vars: vars})
		wantKinds(t, kinds, except(all("unchanged"), "customers", "built"))
		wantLines(t, conn, "select status from mart.customers", "lost", "lost")
	})
	runModels(t, conn, shop, model.RunnerOptions{})
	t.Run("a changed seed", func(t *testing.T) {
		changed := edited(t, shop, "seeds/regions.csv", "N,North", "N,The North")
		_, kinds := runModels(t, conn, changed, model.RunnerOptions{})
		wantKinds(t, kinds, except(all("built"), "stg_shop__orders", "unchanged"))
		runModels(t, conn, shop, model.RunnerOptions{})
	})
	t.Run("new raw data", func(t *testing.T) {
		addOrders(t, conn, "('4', 'cat', 'S', '2024-12-06 10:00:00', 1, 'a', '2024-12-07', false)")
		_, kinds := runModels(t, conn, shop, model.RunnerOptions{Versions: versions{"shop.orders": "2"}})
		wantKinds(t, kinds, except(all("built"), "regions", "unchanged"))
		wantLines(t, conn, "select count() from mart.customers", "3")
	})
	t.Run("new raw data seen through a view that is not selected", func(t *testing.T) {
		_, kinds := runModels(t, conn, shop, model.RunnerOptions{Versions: versions{"shop.orders": "3"}, Select: []string{"int_orders"}})
		wantKinds(t, kinds, map[string]string{"int_orders": "built"})
	})
	t.Run("a dropped table is built again, its descendants are as good as before", func(t *testing.T) {
		runModels(t, conn, shop, model.RunnerOptions{})
		exec(t, conn, "drop table staging.int_orders sync")
		_, kinds := runModels(t, conn, shop, model.RunnerOptions{})
		wantKinds(t, kinds, except(all("unchanged"), "int_orders", "built"))
	})
	t.Run("everything when a full build is asked for", func(t *testing.T) {
		_, kinds := runModels(t, conn, shop, model.RunnerOptions{Full: true})
		wantKinds(t, kinds, all("built"))
	})
}

func TestRunner_Run_RedCheck(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	runModels(t, conn, shop, model.RunnerOptions{})
	addOrders(t, conn, "('5', 'cat', 'S', '2024-12-06 10:00:00', 5000, 'a', '2024-12-07', false)")
	next := model.RunnerOptions{Versions: versions{"shop.orders": "2"}, RunID: "red"}
	summary, kinds := runModels(t, conn, shop, next)

	wantKinds(t, kinds, except(all("built"), "regions", "unchanged", "customers", "failed"))
	t.Run("the last good table stays", func(t *testing.T) {
		wantLines(t, conn, "select customer_id from mart.customers order by 1", "ann", "bob")
		wantLines(t, conn, "select name from system.tables where name like '%\\_\\_new'")
	})
	t.Run("the error says so", func(t *testing.T) {
		var red *model.RedCheckError
		i := slices.IndexFunc(summary.Models, func(r model.Result) bool { return r.Model.Name == "customers" })
		if !errors.As(summary.Models[i].Err, &red) {
			t.Fatalf("error is %v", summary.Models[i].Err)
		}
		got, _, _ := strings.Cut(red.Error(), "; the table built at")
		want := `mart.customers not published: revenue_within_reason failed in 1 row, such as {"customer_id":"***","orders":1,"revenue":5000,"last_order_on":"2024-12-06","status":"active"}`
		if got != want || !red.Exists {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	})
	t.Run("the result is recorded", func(t *testing.T) {
		wantLines(t, conn, "select check, status, failures, length(sample), query from ops.checks where run_id = 'red' and model = 'customers' and status != 'passed'",
			`revenue_within_reason failed 1 1 select * from mart.customers where not (revenue < 1000)`)
	})
	t.Run("checks over tables of different builds do not run", func(t *testing.T) {
		if len(summary.Checks) > 0 {
			t.Errorf("ran %v", summary.Checks)
		}
	})
	t.Run("it is tried again", func(t *testing.T) {
		_, kinds := runModels(t, conn, shop, next)
		wantKinds(t, kinds, except(all("unchanged"), "customers", "failed"))
		lenient := edited(t, shop, "marts/customers.yml", "    name: revenue_within_reason", "    severity: warn")
		summary, kinds := runModels(t, conn, lenient, next)
		wantKinds(t, kinds, except(all("unchanged"), "customers", "built"))
		if !summary.OK() || len(summary.Checks) != 1 {
			t.Errorf("a warning stopped the run: %v", summary.AllChecks())
		}
	})
}

func TestRunner_Run_RedCheckOnTheFirstBuild(t *testing.T) {
	conn := warehouse(t)
	addOrders(t, conn, "('5', 'cat', 'S', '2024-12-06 10:00:00', 5000, 'a', '2024-12-07', false)")
	summary, kinds := runModels(t, conn, files(t, "shop.txtar"), model.RunnerOptions{})
	wantKinds(t, kinds, except(all("built"), "customers", "failed"))
	for _, result := range summary.Models {
		if result.Err != nil && !strings.HasSuffix(result.Err.Error(), "; there is no earlier table") {
			t.Errorf("error %v", result.Err)
		}
	}
	wantLines(t, conn, "select name from system.tables where database = 'mart'", "regions_monthly")
}

// A view runs with the settings of its reader, who knows nothing of
// join_use_nulls; a table may become a view and a view a table.
func TestRunner_Run_ViewInThePlaceOfATable(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	runModels(t, conn, shop, model.RunnerOptions{})
	view := edited(t, shop, "intermediate/int_orders.sql", "-- materialized: table\n-- order_by: (customer_id, ordered_at)", "-- materialized: view")
	_, kinds := runModels(t, conn, view, model.RunnerOptions{})
	wantKinds(t, kinds, except(all("built"), "regions", "unchanged", "stg_shop__orders", "unchanged"))
	wantLines(t, conn, "select engine from system.tables where name = 'int_orders'", "View")
	wantLines(t, conn, "select order_id, region_name from staging.int_orders order by order_id", "1 North", `2 \N`, `3 \N`)
	runModels(t, conn, shop, model.RunnerOptions{})
	wantLines(t, conn, "select engine from system.tables where name = 'int_orders'", "MergeTree")
	wantLines(t, conn, "select order_id, region_name from staging.int_orders order by order_id", "1 North", `2 \N`, `3 \N`)
}

func TestRunner_Run_FailureIsolates(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	runModels(t, conn, shop, model.RunnerOptions{})
	broken := edited(t, shop, "intermediate/int_orders.sql", "total\n", "totl as total\n")
	broken = edited(t, broken, "seeds/regions.csv", "U,", "U,Unknown")
	summary, kinds := runModels(t, conn, broken, model.RunnerOptions{})
	wantKinds(t, kinds, map[string]string{
		"regions": "built", "stg_shop__orders": "unchanged", "int_orders": "failed", "customers": "skipped", "regions_monthly": "skipped",
	})
	reasons := map[string]string{}
	for _, result := range summary.Models {
		reasons[result.Model.Name] = result.Reason
	}
	if want := "it reads int_orders, which failed; the earlier table stays"; reasons["customers"] != want {
		t.Errorf("reason %q, want %q", reasons["customers"], want)
	}
	wantLines(t, conn, "select count() from mart.customers", "2")
	if summary.OK() {
		t.Error("the run is OK")
	}
}

func TestRunner_Run_ColumnsDiffer(t *testing.T) {
	shop := files(t, "shop.txtar")
	for _, c := range []struct{ name, file, old, replacement, want string }{
		{"another type", "marts/customers.yml", "orders, type: UInt64", "orders, type: Int64",
			`sql/marts/customers.yml:4: column "orders" is Int64 here and UInt64 in the query`},
		{"no type at all", "marts/customers.yml", "orders, type: UInt64", "orders, type: UInt46",
			`sql/marts/customers.yml:4: column "orders" is UInt46 here and UInt64 in the query`},
		{"not listed", "marts/customers.sql", "count() as orders", "count() as orders, 1 as last_order",
			`sql/marts/customers.yml:2: the query returns column "last_order" (UInt8), which is not listed (did you mean "last_order_on"?)`},
		{"not returned", "marts/customers.sql", "count() as orders,", "",
			`sql/marts/customers.yml:4: column "orders" is not returned by the query`},
		{"another place", "marts/customers.sql", "    customer_id,\n    count() as orders,", "    count() as orders,\n    customer_id,",
			`sql/marts/customers.yml:3: column "customer_id" is number 1 here; the query returns "orders" in that place`},
		{"a syntax error", "marts/customers.sql", "count() as orders", "count() orders as",
			"sql/marts/customers.sql:9: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := warehouse(t)
			summary, _ := runModels(t, conn, edited(t, shop, c.file, c.old, c.replacement), model.RunnerOptions{Select: []string{"+customers"}})
			last := summary.Models[len(summary.Models)-1]
			if last.Err == nil || !strings.HasPrefix(last.Err.Error(), c.want) {
				t.Errorf("\n got %v\nwant %s", last.Err, c.want)
			}
			wantLines(t, conn, "select name from system.tables where database = 'mart'")
		})
	}
}

func TestRunner_Run_AfterKill(t *testing.T) {
	shop := files(t, "shop.txtar")
	options := model.RunnerOptions{Full: true}
	t.Run("before the swap", func(t *testing.T) {
		conn := warehouse(t)
		runModels(t, conn, shop, options)
		exec(t, conn, "create table mart.customers__new (half String) engine = MergeTree order by half")
		exec(t, conn, "create view staging.stg_shop__orders__new as select 1 as half")
		runModels(t, conn, shop, options)
		wantLines(t, conn, "select count() from mart.customers", "2")
		wantLines(t, conn, "select name from system.tables where name like '%\\_\\_new'")
	})
	t.Run("after the swap, before it was recorded", func(t *testing.T) {
		conn := warehouse(t)
		runModels(t, conn, shop, model.RunnerOptions{})
		exec(t, conn, "create table mart.customers__new as mart.customers")
		exec(t, conn, "truncate table ops.models")
		_, kinds := runModels(t, conn, shop, model.RunnerOptions{})
		wantKinds(t, kinds, all("built"))
		wantLines(t, conn, "select name from system.tables where name like '%\\_\\_new'")
	})
	t.Run("between the steps of a swap by rename", func(t *testing.T) {
		conn := warehouse(t)
		runModels(t, conn, shop, model.RunnerOptions{})
		exec(t, conn, "rename table mart.customers to mart.customers__old")
		addOrders(t, conn, "('5', 'cat', 'S', '2024-12-06 10:00:00', 5000, 'a', '2024-12-07', false)")
		_, kinds := runModels(t, conn, shop, model.RunnerOptions{Versions: versions{"shop.orders": "2"}})
		if kinds["customers"] != "failed" {
			t.Errorf("customers %s", kinds["customers"])
		}
		wantLines(t, conn, "select customer_id from mart.customers order by 1", "ann", "bob")
	})
}

func TestRunner_Run_WithoutExchange(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	ordinary := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"allow_deprecated_database_ordinary": 1}))
	if err := conn.Exec(ordinary, "create database mart engine = Ordinary"); err != nil {
		t.Fatal(err)
	}
	runModels(t, conn, shop, model.RunnerOptions{})
	summary, kinds := runModels(t, conn, shop, model.RunnerOptions{Full: true})
	wantKinds(t, kinds, all("built"))
	if len(summary.Warnings) != 2 || !strings.Contains(summary.Warnings[0], "cannot exchange tables") {
		t.Errorf("warnings %q", summary.Warnings)
	}
	wantLines(t, conn, "select count() from mart.customers", "2")
	wantLines(t, conn, "select name from system.tables where database = 'mart' order by 1", "customers", "regions_monthly")
}

func TestRunner_Run_Order(t *testing.T) {
	conn := warehouse(t)
	var events []string
	observer := model.ObserverFunc(func(e model.Event) {
		if e.Kind == model.Started || e.Kind == model.Built {
			events = append(events, string(e.Kind)+" "+e.Model)
		}
	})
	runModels(t, conn, files(t, "shop.txtar"), model.RunnerOptions{Observer: observer, Parallel: 4})
	at := func(event string) int { return slices.Index(events, event) }
	for _, edge := range [][2]string{
		{"stg_shop__orders", "int_orders"}, {"regions", "int_orders"}, {"int_orders", "customers"}, {"int_orders", "regions_monthly"},
	} {
		if at("built "+edge[0]) > at("started "+edge[1]) {
			t.Errorf("%s started before %s was built: %v", edge[1], edge[0], events)
		}
	}
	if at("started regions") > at("built stg_shop__orders") || at("started stg_shop__orders") > at("built regions") {
		t.Errorf("what does not wait for each other did not run at once: %v", events)
	}
}

// TestRunner_Run_Large sees that two models that take much memory are not built at
// the same time.
func TestRunner_Run_Large(t *testing.T) {
	fsys := files(t, "shop.txtar")
	for _, name := range []string{"marts/customers.sql", "marts/regions_monthly.sql"} {
		fsys = edited(t, fsys, name, "-- materialized: table", "-- memory: large\n-- materialized: table")
	}
	building := map[string]bool{}
	observer := model.ObserverFunc(func(e model.Event) {
		if e.Model != "customers" && e.Model != "regions_monthly" {
			return
		}
		if building[e.Model] = e.Kind == model.Started; building["customers"] && building["regions_monthly"] {
			t.Error("both large models are built at once")
		}
	})
	if _, kinds := runModels(t, warehouse(t), fsys, model.RunnerOptions{Observer: observer, Parallel: 4}); kinds["customers"] != "built" || kinds["regions_monthly"] != "built" {
		t.Error(kinds)
	}
}

func TestRunner_Run_Interrupted(t *testing.T) {
	conn := warehouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	observer := model.ObserverFunc(func(e model.Event) {
		if e.Kind == model.Started && e.Model == "int_orders" {
			cancel()
		}
	})
	summary, err := model.NewRunner(conn, load(t, files(t, "shop.txtar")), model.RunnerOptions{Observer: observer}).Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if summary.Count(model.Built) != 2 || summary.Count(model.Skipped) != 2 {
		t.Errorf("%d built, %d skipped", summary.Count(model.Built), summary.Count(model.Skipped))
	}
	wantLines(t, conn, "select name from system.tables where database in ('staging', 'mart') order by 1", "regions", "stg_shop__orders")
}

func TestRunner_Run_SingularChecks(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	wrong := edited(t, shop, "checks/revenue_balances.sql", "where c != r", "where c = r")
	for _, c := range []struct {
		name   string
		fsys   fs.FS
		status string
		ok     bool
	}{
		{"a red one makes the run red", wrong, "failed", false},
		{"it stays red while nothing changes", wrong, "failed", false},
		{"a warning does not", edited(t, wrong, "checks/revenue_balances.sql", "same revenue.\n", "same revenue.\n-- severity: warn\n"), "failed", true},
		{"it is not repeated while nothing changes", edited(t, wrong, "checks/revenue_balances.sql", "same revenue.\n", "same revenue.\n-- severity: warn\n"), "", true},
		{"a mended one passes", shop, "passed", true},
		{"and does not run again", shop, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			summary, _ := runModels(t, conn, c.fsys, model.RunnerOptions{})
			status := ""
			for _, result := range summary.Checks {
				status += string(result.Status)
			}
			if status != c.status || summary.OK() != c.ok {
				t.Errorf("status %q, OK %v; want %q, %v", status, summary.OK(), c.status, c.ok)
			}
		})
	}
}

func TestRunner_Plan(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	plan := func(fsys fs.FS, options model.RunnerOptions) map[string]string {
		items, err := model.NewRunner(conn, load(t, fsys), options).Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		reasons := map[string]string{}
		for _, item := range items {
			reasons[item.Model.Name] = string(item.Action) + ": " + strings.TrimRight(item.Reason, "0123456789-: UTC")
		}
		return reasons
	}
	one := model.RunnerOptions{Versions: versions{"shop.orders": "1"}}
	wantKinds(t, plan(shop, one), all("build: never built"))
	runModels(t, conn, shop, one)
	wantKinds(t, plan(shop, one), all("skip: unchanged since"))

	two := model.RunnerOptions{Versions: versions{"shop.orders": "2"}}
	wantKinds(t, plan(shop, two), map[string]string{
		"regions": "skip: unchanged since", "stg_shop__orders": "build: new data in shop.orders", "int_orders": "build: stg_shop__orders changed",
		"customers": "build: int_orders changed", "regions_monthly": "build: int_orders changed",
	})
	later := one
	later.Vars = model.DefaultVars()
	later.Vars.AsOf = later.Vars.AsOf.AddDate(0, 0, 1)
	if got, want := plan(shop, later)["customers"], "build: the project's values in its SQL changed, int_orders changed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	changed := edited(t, shop, "marts/customers.yml", "Customers.", "Clients.")
	if got, want := plan(changed, one)["customers"], "build: its files changed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	exec(t, conn, "drop table mart.customers sync")
	if got, want := plan(shop, one)["customers"], "build: mart.customers is missing from the warehouse"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	t.Run("a parent that was never built", func(t *testing.T) {
		items, err := model.NewRunner(warehouse(t), load(t, shop), model.RunnerOptions{Select: []string{"customers"}}).Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := "customers reads staging.int_orders, which is not built; select it too, with +"
		if len(items) != 1 || items[0].Action != model.Fail || items[0].Reason != want {
			t.Errorf("got %+v, want it to fail as %s", items, want)
		}
	})
}

func TestRunner_Targets(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	runModels(t, conn, shop, model.RunnerOptions{})
	exec(t, conn, "insert into mart.customers select * from mart.customers where customer_id = 'ann'")
	targets, err := model.NewRunner(conn, load(t, shop), model.RunnerOptions{}).Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	results, err := check.Run(t.Context(), conn, targets, check.Options{Parallel: 2, Moment: check.Moment{AsOf: model.DefaultVars().AsOf, Timezone: "UTC"}})
	if err != nil {
		t.Fatal(err)
	}
	var red []string
	for _, result := range results {
		if result.Status != check.Passed {
			red = append(red, result.String())
		}
	}
	want := []string{
		`customers: unique(customer_id) failed: 1 repeated key, such as {"customer_id":"***","times":2}`,
		`revenue_balances: customers and regions sum up to the same revenue; failed in 1 row, such as {"c":91,"r":60.5}`,
	}
	if !slices.Equal(red, want) {
		t.Errorf("\n got %q\nwant %q", red, want)
	}
}
