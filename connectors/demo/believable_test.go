package demo

import (
	"slices"
	"testing"
	"time"
)

// TestDefaultCompany looks at the default company as an analyst would.
func TestDefaultCompany(t *testing.T) {
	c := makeCompany(t, DefaultOptions(t.TempDir(), lastDay))
	v := look(t, c)

	t.Run("records of a customer can be found", func(t *testing.T) { checkRecordsCanBeFound(t, c) })
	t.Run("churn is bad, but not hopeless", func(t *testing.T) {
		pct, ok := c.truth.YearlyChurnPct()
		within(t, "yearly churn", pct, 15, 25)
		if !ok {
			t.Error("no year")
		}
		within(t, "silent of customers, %", share(c.truth.Totals.Silent, c.truth.Totals.Customers), 5, 12)
		within(t, "bought once, %", share(c.truth.Totals.OneTime, c.truth.Totals.Buyers), 4, 15)
		within(t, "returns of losses, %", share(c.truth.Totals.Returns, c.truth.Totals.Losses), 10, 30)
	})
	t.Run("the bad quarter shows", func(t *testing.T) {
		var usual, bad []int
		for _, m := range c.truth.ChurnByMonth {
			if m.Segment != AllSegments || !m.Complete {
				continue
			}
			if carrier(t, c.truth).Day <= m.Month && m.Month <= carrier(t, c.truth).Until {
				bad = append(bad, m.Left)
			} else if m.Month > "2024-06" && !isTroubled(c.truth, m.Month) {
				usual = append(usual, m.Left)
			}
		}
		within(t, "customers leaving a month", mean(bad)/mean(usual), 1.7, 4)
	})
	t.Run("segments differ in pace", func(t *testing.T) {
		within(t, "days between orders of wholesale", v.medianGap("wholesale"), 5, 11)
		within(t, "of small firms", v.medianGap("small_firm"), 14, 26)
		within(t, "of private persons", v.medianGap("private"), 25, 45)
	})
	t.Run("the year has seasons", func(t *testing.T) {
		within(t, "December to a summer day, private", v.perDay("private", 12)/v.perDay("private", 7), 1.6, 3.2)
		within(t, "December to a summer day, small firms", v.perDay("small_firm", 12)/v.perDay("small_firm", 7), 1.1, 2.2)
	})
	t.Run("firms rest at weekends and at night", func(t *testing.T) {
		within(t, "weekend share of firms, %", 100*v.weekend("small_firm"), 0.5, 7)
		within(t, "weekend share of persons, %", 100*v.weekend("private"), 25, 36)
		within(t, "orders of firms outside of 7 to 19, %", 100*v.offHours("small_firm"), 0, 6)
		within(t, "orders of persons outside of 7 to 19, %", 100*v.offHours("private"), 25, 55)
	})
	t.Run("orders go wrong now and then", func(t *testing.T) {
		within(t, "cancelled, %", share(c.truth.Totals.Cancelled, c.truth.Totals.Orders), 1.5, 5)
		within(t, "refunded, %", share(c.truth.Totals.Refunds, c.truth.Totals.Orders), 1.5, 6)
		within(t, "with a coupon, %", 100*v.shareOf(func(o map[string]string) bool { return o["coupon"] != "" }), 5, 20)
		within(t, "without an account, %", 100*v.shareOf(func(o map[string]string) bool { return o["customer_id"] == "" }), 2, 12)
		within(t, "late in the bad quarter against usual", v.late(true)/v.late(false), 3, 7)
	})
	t.Run("money", func(t *testing.T) {
		within(t, "check of a person", v.averageCheck("private"), 20, 120)
		within(t, "check of wholesale to that of a person", v.averageCheck("wholesale")/v.averageCheck("private"), 6, 60)
		within(t, "gross margin, %", v.margin(), 25, 50)
	})
	t.Run("what was planted is there", func(t *testing.T) { checkPlanted(t, c.truth) })
	t.Run("goods come and go", func(t *testing.T) {
		if n := c.truth.Totals.WithdrawnProducts; n < 3 {
			t.Errorf("%d goods withdrawn", n)
		}
		checkWithdrawn(t, c)
	})
}

// checkWithdrawn makes sure that nothing is sold after it was withdrawn.
func checkWithdrawn(t *testing.T, c *company) {
	withdrawn, ordered := map[string]string{}, map[string]string{}
	for _, product := range readTable(t, c.files, "data/products.csv", ',') {
		if (product["withdrawn"] == "") != (product["active"] == "yes") {
			t.Errorf("product %s: active %s, withdrawn %q", product["product_id"], product["active"], product["withdrawn"])
		}
		withdrawn[product["product_id"]] = product["withdrawn"]
	}
	for _, order := range c.orders {
		ordered[order["order_id"]] = order["created"]
	}
	for _, line := range c.lines {
		if until := withdrawn[line["product_id"]]; until != "" && ordered[line["order_id"]] >= until {
			t.Fatalf("order %s of %s: product %s was withdrawn on %s", line["order_id"], ordered[line["order_id"]], line["product_id"], until)
		}
	}
}

// view is what an analyst adds up from the files.
type view struct {
	c        *company
	t        *testing.T
	bySeg    map[string][]map[string]string // orders
	gaps     map[string][]float64
	cost     float64
	proceeds float64
}

func look(t *testing.T, c *company) *view {
	v := &view{c: c, t: t, bySeg: map[string][]map[string]string{}, gaps: map[string][]float64{}}
	for _, order := range c.orders {
		segment := c.of(t, order).segment
		v.bySeg[segment] = append(v.bySeg[segment], order)
	}
	for _, customer := range c.customers {
		for i := 1; i < len(customer.purchases); i++ {
			gap := customer.purchases[i].Sub(customer.purchases[i-1]).Hours() / 24
			v.gaps[customer.segment] = append(v.gaps[customer.segment], gap)
		}
	}
	for _, line := range c.lines {
		var values [4]float64
		for i, column := range []string{"quantity", "price", "discount", "cost"} {
			if line[column] == "1O" || line[column] == "два" || line[column] == "one" || line[column] == "?" {
				continue
			}
			values[i], _ = amount(t, line[column]).Float64()
		}
		v.proceeds += values[0]*values[1] - values[2]
		v.cost += values[0] * values[3]
	}
	return v
}

func (v *view) medianGap(segment string) float64 {
	slices.Sort(v.gaps[segment])
	return v.gaps[segment][len(v.gaps[segment])/2]
}

// perDay is the number of orders per day of a month of the second year.
func (v *view) perDay(segment string, month int) float64 {
	n := 0
	for _, order := range v.bySeg[segment] {
		if at := day(v.t, order["created"]); at.Year() == 2025 && int(at.Month()) == month {
			n++
		}
	}
	return float64(n) / 31
}

func (v *view) weekend(segment string) float64 {
	return shareWhere(v.bySeg[segment], func(order map[string]string) bool {
		weekday := day(v.t, order["created"]).Weekday()
		return weekday == time.Saturday || weekday == time.Sunday
	})
}

func (v *view) offHours(segment string) float64 {
	return shareWhere(v.bySeg[segment], func(order map[string]string) bool {
		hour := order["created"][11:13]
		return hour < "07" || hour >= "19"
	})
}

func (v *view) late(inBadQuarter bool) float64 {
	bad := carrier(v.t, v.c.truth)
	var orders []map[string]string
	for _, order := range v.c.orders {
		at := order["created"][:10]
		if order["delivered"] != "" && (at >= bad.Day && at <= bad.Until) == inBadQuarter {
			orders = append(orders, order)
		}
	}
	return shareWhere(orders, func(order map[string]string) bool { return order["delivered"] > order["promised"] })
}

func (v *view) averageCheck(segment string) float64 {
	sum := 0.0
	for _, order := range v.bySeg[segment] {
		value, _ := amount(v.t, order["items_total"]).Float64()
		sum += value
	}
	return sum / float64(len(v.bySeg[segment]))
}

func (v *view) margin() float64 { return 100 * (v.proceeds - v.cost) / v.proceeds }

func (v *view) shareOf(is func(map[string]string) bool) float64 { return shareWhere(v.c.orders, is) }

func shareWhere(rows []map[string]string, is func(map[string]string) bool) float64 {
	n := 0
	for _, row := range rows {
		if is(row) {
			n++
		}
	}
	return float64(n) / float64(len(rows))
}

func share(part, whole int) float64 { return 100 * float64(part) / float64(whole) }

func mean(values []int) float64 {
	sum := 0
	for _, v := range values {
		sum += v
	}
	return float64(sum) / float64(len(values))
}

func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	t.Logf("%s: %.2f", what, got)
	if !(got >= low && got <= high) {
		t.Errorf("%s: %.2f is not within %.2f to %.2f", what, got, low, high)
	}
}

// Churn stays believable whatever the seed and the size.
func TestCompany_ChurnOfOtherSeeds(t *testing.T) {
	for seed := range uint64(3) {
		o := DefaultOptions(t.TempDir(), time.Date(2025, 9, 30, 0, 0, 0, 0, time.UTC))
		o.Seed, o.Customers, o.Months = 100+seed, 3_000, 24+int(seed)*4
		truth := generate(t, o)
		pct, _ := truth.YearlyChurnPct()
		within(t, "yearly churn", pct, 14, 26)
	}
}

// carrier returns the event that made deliveries late.
func carrier(t *testing.T, truth Truth) PlantedEvent {
	t.Helper()
	for _, e := range truth.Planted {
		if e.Kind == "supplier" {
			return e
		}
	}
	t.Fatal("no carrier was changed")
	return PlantedEvent{}
}

// isTroubled says whether an event drove customers away in a month.
func isTroubled(truth Truth, month string) bool {
	for _, e := range truth.Planted {
		if len(e.HazardFactor) > 0 && e.Day[:7] <= month[:7] && e.Until[:7] >= month[:7] {
			return true
		}
	}
	return false
}
