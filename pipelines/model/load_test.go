package model_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"winback/pipelines/model"
)

// TestLoad_Problems reads each archive under testdata/load: the comment says
// which mistakes its files hold, the golden beside it how they are reported.
func TestLoad_Problems(t *testing.T) {
	archives, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, archive := range archives {
		name := strings.TrimSuffix(filepath.Base(archive), ".txtar")
		t.Run(name, func(t *testing.T) {
			_, err := model.Load(files(t, "load/"+name+".txtar"), model.WithSources(entities{}))
			if err == nil {
				t.Fatal("loaded")
			}
			golden(t, "load/"+name+".golden", err.Error()+"\n")
		})
	}
}

func TestLoad(t *testing.T) {
	project, err := model.Load(files(t, "shop.txtar"), model.WithSources(entities{}))
	if err != nil {
		t.Fatal(err)
	}
	m, ok := project.Model("customers")
	if !ok {
		t.Fatal("no customers")
	}
	if m.FullName() != "mart.customers" || m.Materialized != model.Table || m.Grain != "one row per customer" ||
		m.OrderBy != "customer_id" || m.Summary != "what each customer bought." || m.Settings["max_threads"] != "1" {
		t.Errorf("customers is %+v", m)
	}
	column, _ := m.Column("customer_id")
	if !column.Private || column.Type != "String" {
		t.Errorf("customer_id is %+v", column)
	}
	var checks []string
	for _, c := range m.Checks {
		checks = append(checks, string(c.Severity)+" "+c.Name)
	}
	want := "error not_null(customer_id)\nerror unique(customer_id)\nerror accepted_values(status)\nerror revenue_within_reason\nwarn freshness(last_order_on)"
	if got := strings.Join(checks, "\n"); got != want {
		t.Errorf("checks\n%s\nwant\n%s", got, want)
	}
	if sources := project.Sources(); len(sources) != 1 || sources[0].String() != "shop.orders" {
		t.Errorf("sources %v", sources)
	}
}

func TestLoad_FileSystem(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/shop.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := txtar.Write(archive, dir); err != nil {
		t.Fatal(err)
	}
	project, err := model.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(project.Models()); n != 5 {
		t.Errorf("%d models", n)
	}
}

func TestProject_Compile(t *testing.T) {
	project := load(t, files(t, "shop.txtar"))
	vars := model.DefaultVars()
	vars.Timezone = `Europe/L'viv`
	sql, err := project.Compile("stg_shop__orders", vars)
	if err != nil {
		t.Fatal(err)
	}
	want := `select order_id, customer_id, region, ordered_at, total
from raw.shop_orders as o final
where not o.deleted and toDate(ordered_at, 'Europe/L\'viv') <= toDate('2024-12-31')`
	if sql != want {
		t.Errorf("got\n%s\nwant\n%s", sql, want)
	}
	for name, want := range map[string]string{
		"custmers": `no model "custmers" (did you mean "customers"?)`,
		"regions":  "regions is a seed: its rows are in sql/seeds/regions.csv, it has no SQL",
	} {
		if _, err := project.Compile(name, vars); err == nil || err.Error() != want {
			t.Errorf("Compile(%s): %v, want %s", name, err, want)
		}
	}
}

func TestProject_Compile_Segments(t *testing.T) {
	fsys := edited(t, files(t, "shop.txtar"), "marts/customers.sql", "'lost', 'active'",
		"'lost', 'active{{ range .Churn.Segments }} {{ .SleepingAfter }}:' || {{ .Name }} || '{{ else }} none{{ end }}'")
	project := load(t, fsys)
	vars := model.DefaultVars()
	for _, c := range []struct {
		segments []model.Segment
		want     string
	}{
		{nil, "'active none'"},
		{[]model.Segment{{"wholesale", 30, 45}, {"b'c", 60, 90}}, `'active 30:' || 'wholesale' || ' 60:' || 'b\'c' || ''`},
	} {
		vars.Churn.Segments = c.segments
		sql, err := project.Compile("customers", vars)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(sql, "'lost', "+c.want+")") {
			t.Errorf("want %s in\n%s", c.want, sql)
		}
	}
}

func TestProject_Select(t *testing.T) {
	project := load(t, files(t, "shop.txtar"))
	for selectors, want := range map[string]string{
		"":                   "stg_shop__orders regions int_orders customers regions_monthly",
		"customers":          "customers",
		"mart.customers":     "customers",
		"mart.customers+":    "customers",
		"+mart.customers":    "stg_shop__orders regions int_orders customers",
		"mart.*":             "customers regions_monthly",
		"+customers":         "stg_shop__orders regions int_orders customers",
		"stg_shop__orders+":  "stg_shop__orders int_orders customers regions_monthly",
		"+int_orders+":       "stg_shop__orders regions int_orders customers regions_monthly",
		"tag:churn":          "customers",
		"tag:shop+":          "stg_shop__orders int_orders customers regions_monthly",
		"marts":              "customers regions_monthly",
		"sql/marts":          "customers regions_monthly",
		"source:shop.orders": "stg_shop__orders",
		"customers, seeds":   "regions customers",
		"customers tag:shop": "stg_shop__orders customers",
		"*orders":            "stg_shop__orders int_orders",
		"+marts":             "stg_shop__orders regions int_orders customers regions_monthly",
	} {
		models, err := project.Select([]string{selectors})
		if err != nil {
			t.Errorf("%q: %v", selectors, err)
			continue
		}
		var names []string
		for _, m := range models {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q: %s, want %s", selectors, got, want)
		}
	}
	for selector, want := range map[string]string{
		"custmers":      `no model "custmers" (did you mean "customers"?)`,
		"mart.custmers": `no model "mart.custmers" (did you mean "mart.customers"?)`,
		"tag:chrun":     `no model with tag "chrun" (did you mean "tag:churn"?)`,
		"+zzzzzzzzzz":   `no model "zzzzzzzzzz"`,
	} {
		if _, err := project.Select([]string{selector}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", selector, err, want)
		}
	}
}

func TestProject_Graph(t *testing.T) {
	project := load(t, files(t, "shop.txtar"))
	for _, format := range []model.GraphFormat{model.GraphText, model.GraphMermaid, model.GraphDOT} {
		t.Run(string(format), func(t *testing.T) {
			graph, err := project.Graph(project.Models(), format)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "graph."+string(format)+".golden", graph)
		})
	}
	if _, err := project.Graph(project.Models(), "svg"); err == nil {
		t.Error("svg was drawn")
	}
}
