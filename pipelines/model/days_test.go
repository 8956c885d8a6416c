package model_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"winback/pipelines/model"
)

// at is a run of the selected models that describes a day.
func at(day string, selectors ...string) model.RunnerOptions {
	vars := model.DefaultVars()
	vars.AsOf, _ = time.Parse(time.DateOnly, day)
	return model.RunnerOptions{Vars: vars, Versions: versions{"shop.orders": "1"}, Select: selectors}
}

const lastOrders = "select customer_id, orders, status from mart.customers order by customer_id"

// Asking for one table at another day builds what it is made of for that day, and
// a whole run brings everything back.
func TestRunner_Run_AnotherDay(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	runModels(t, conn, shop, at("2024-12-31"))
	present := lines(t, conn, lastOrders)

	t.Run("the parents come along", func(t *testing.T) {
		_, kinds := runModels(t, conn, shop, at("2024-06-30", "mart.customers+"))
		wantKinds(t, kinds, map[string]string{"stg_shop__orders": "built", "int_orders": "built", "customers": "built"})
		wantLines(t, conn, "select toString(max(toDate(ordered_at)) <= '2024-06-30') from staging.int_orders", "1")
		wantLines(t, conn, "select toString(max(last_order_on) <= '2024-06-30') from mart.customers", "1")
	})
	t.Run("the same again is nothing to do", func(t *testing.T) {
		_, kinds := runModels(t, conn, shop, at("2024-06-30", "customers"))
		wantKinds(t, kinds, map[string]string{"customers": "unchanged"})
	})
	t.Run("who stays behind is told", func(t *testing.T) {
		c, err := model.NewRunner(conn, load(t, shop), at("2024-06-30", "customers")).Company(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Along) > 0 || !slices.Equal(c.Behind, []string{"regions_monthly"}) || c.BehindAsOf.Format(time.DateOnly) != "2024-12-31" {
			t.Errorf("%+v", c)
		}
		c, err = model.NewRunner(conn, load(t, shop), at("2024-12-31", "customers")).Company(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.Along, []string{"stg_shop__orders", "int_orders"}) || len(c.Behind) > 0 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("tables of two days are not compared", func(t *testing.T) {
		summary, _ := runModels(t, conn, shop, func() model.RunnerOptions {
			o := at("2024-06-30", "customers")
			o.Full = true
			return o
		}())
		if len(summary.Checks) > 0 {
			t.Errorf("checks of their own ran: %v", summary.Checks)
		}
	})
	t.Run("a whole run brings all back", func(t *testing.T) {
		summary, kinds := runModels(t, conn, shop, at("2024-12-31"))
		wantKinds(t, kinds, except(all("built"), "regions", "unchanged", "regions_monthly", "unchanged"))
		if back := lines(t, conn, lastOrders); !slices.Equal(back, present) {
			t.Errorf("got %v, want %v", back, present)
		}
		if !summary.OK() {
			t.Error("the run is not OK")
		}
	})
}

// Numbers of two settings do not meet either; a parent whose file alone changed
// waits for a run that selects it.
func TestRunner_Run_OtherSettings(t *testing.T) {
	shop := files(t, "shop.txtar")
	conn := warehouse(t)
	runModels(t, conn, shop, at("2024-12-31"))
	t.Run("a setting", func(t *testing.T) {
		o := at("2024-12-31", "customers")
		o.Vars.Timezone = "Europe/London"
		_, kinds := runModels(t, conn, shop, o)
		wantKinds(t, kinds, map[string]string{"stg_shop__orders": "built", "int_orders": "built", "customers": "built"})
		runModels(t, conn, shop, at("2024-12-31"))
	})
	t.Run("a file", func(t *testing.T) {
		changed := edited(t, shop, "intermediate/int_orders.sql", "left join", "left any join")
		_, kinds := runModels(t, conn, changed, at("2024-12-31", "customers"))
		wantKinds(t, kinds, map[string]string{"customers": "unchanged"})
	})
	t.Run("the plan says the same", func(t *testing.T) {
		items, err := model.NewRunner(conn, load(t, shop), at("2024-06-30", "customers")).Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, item := range items {
			names = append(names, item.Model.Name+" "+string(item.Action))
		}
		if got := strings.Join(names, ", "); got != "stg_shop__orders build, int_orders build, customers build" {
			t.Errorf("got %s", got)
		}
	})
}
