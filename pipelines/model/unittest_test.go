package model_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"winback/pipelines/engine/enginetest"
	"winback/pipelines/model"
)

func runTests(t testing.TB, fsys fstest.MapFS, selectors ...string) []model.TestResult {
	t.Helper()
	project, err := model.Load(fsys, model.WithSources(entities{}))
	if err != nil {
		t.Fatal(err)
	}
	conn := enginetest.Start(t).Conn(t)
	results, err := model.TestAll(t.Context(), conn, project, model.RunnerOptions{Sources: entities{}, Select: selectors})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestTestAll(t *testing.T) {
	var names []string
	for _, result := range runTests(t, files(t, "shop.txtar")) {
		if !result.Passed() {
			t.Error(result)
		}
		names = append(names, result.Model+"/"+result.Test)
	}
	slices.Sort(names)
	want := "customers/columns int_orders/columns int_orders/region_is_named regions_monthly/columns " +
		"stg_shop__orders/columns stg_shop__orders/last_version_counts"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("ran %s\nwant %s", got, want)
	}
}

// TestTestAll_Fails runs the tests of testdata/failing.txtar, all of which fail,
// and compares what they print.
func TestTestAll_Fails(t *testing.T) {
	var out strings.Builder
	for _, result := range runTests(t, files(t, "failing.txtar")) {
		if result.Passed() && result.Test != model.ColumnsTest {
			t.Errorf("%s passed", result.Test)
		}
		if !result.Passed() {
			fmt.Fprintln(&out, strings.TrimRight(result.String(), "\n"))
		}
	}
	golden(t, "failing.golden", out.String())
}

// TestTestAll_Types holds one test for each form of given and expected values.
func TestTestAll_Types(t *testing.T) {
	for _, result := range runTests(t, files(t, "types.txtar")) {
		if !result.Passed() {
			t.Error(result)
		}
	}
}

// BenchmarkTestAll tells what a unit test costs: metric tests/s.
func BenchmarkTestAll(b *testing.B) {
	const n = 300
	shop := files(b, "shop.txtar")
	var tests strings.Builder
	for i := range n {
		fmt.Fprintf(&tests, `
  - name: n%d
    as_of: 2024-03-31
    given:
      - ref: int_orders
        rows:
          - {order_id: a, customer_id: c, ordered_at: 2024-03-01, total: %d}
          - {order_id: b, customer_id: c, ordered_at: 2024-03-02, total: 1}
    expect:
      rows: [{customer_id: c, orders: 2, revenue: %d, last_order_on: 2024-03-02, status: active}]`, i, i, i+1)
	}
	shop["marts/customers.yml"] = &fstest.MapFile{Data: append(slices.Clone(shop["marts/customers.yml"].Data), "unit_tests:"+tests.String()...)}
	for b.Loop() {
		for _, result := range runTests(b, shop, "customers") {
			if !result.Passed() {
				b.Fatal(result)
			}
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "tests/s")
}
