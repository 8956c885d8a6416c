package predict

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"winback/pipelines/model"
	"winback/pipelines/stats"
)

// holdoutInput are customers by their history until the hold-out period began, and
// on how many days they bought in it.
var holdoutInput = []model.Column{
	{Name: "segment", Type: "String"},
	{Name: "repeat_days", Type: "UInt32"},
	{Name: "last_days", Type: "UInt32"},
	{Name: "age_days", Type: "UInt32"},
	{Name: "actual_days", Type: "UInt32"},
	{Name: "holdout_days", Type: "UInt32"},
	{Name: "customers", Type: "UInt32"},
}

var holdoutOutput = []model.Column{
	{Name: "segment", Type: "String"},
	{Name: "repeat_purchases", Type: "String"},
	{Name: "customers", Type: "UInt64"},
	{Name: "actual_orders", Type: "Float64"},
	{Name: "expected_orders", Type: "Nullable(Float64)"},
	{Name: "actual_per_customer", Type: "Nullable(Float64)"},
	{Name: "expected_per_customer", Type: "Nullable(Float64)"},
	{Name: "error_pct", Type: "Nullable(Float64)"},
	{Name: "holdout_days", Type: "UInt32"},
	{Name: "not_fitted_because", Type: "Nullable(String)"},
}

// manyRepeats is from how many repeat purchases on customers are put together.
const manyRepeats = 7

// observed is a history and what came after it.
type observed struct {
	stats.History
	actual float64 // of all its customers together
}

// tested are the customers of a segment, and how long the hold-out period was.
type tested struct {
	customers []observed
	days      int
	fitted    bool
	expect    func(observed) float64
	reason    string // why nothing was fitted
}

// holdoutRows fits MBG/NBD to the time before and compares what it expects of the
// hold-out period with what was bought in it.
func holdoutRows(ctx context.Context, input array.RecordReader, emit func(arrow.RecordBatch) error) error {
	groups := map[string]*tested{Everybody: {}}
	for input.Next() {
		readObserved(groups, input.RecordBatch())
	}
	if err := input.Err(); err != nil {
		return err
	}
	rows, err := newWriter(holdoutOutput, emit)
	if err != nil {
		return err
	}
	for _, segment := range slices.Sorted(maps.Keys(groups)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		own := groups[segment]
		if len(own.customers) == len(groups[Everybody].customers) {
			own = groups[Everybody] // the only segment, and fitted once
		}
		if err := own.write(rows, segment); err != nil {
			return err
		}
	}
	return rows.flush()
}

func readObserved(groups map[string]*tested, rows batch) {
	segments, repeats, lasts, ages := texts(rows, 0), counts(rows, 1), counts(rows, 2), counts(rows, 3)
	actual, days, customers := counts(rows, 4), counts(rows, 5), counts(rows, 6)
	for i := range int(rows.NumRows()) {
		o := observed{History: stats.History{
			Repeats: int(repeats.Value(i)), Last: int(lasts.Value(i)), Age: int(ages.Value(i)), Customers: float64(customers.Value(i)),
		}}
		o.actual = o.Customers * float64(actual.Value(i))
		if groups[segments.Value(i)] == nil {
			groups[segments.Value(i)] = &tested{}
		}
		for _, g := range [2]*tested{groups[Everybody], groups[segments.Value(i)]} {
			g.customers, g.days = append(g.customers, o), int(days.Value(i))
		}
	}
}

// fit fits MBG/NBD to the time before, once.
func (t *tested) fit() {
	if t.fitted {
		return
	}
	slices.SortFunc(t.customers, compareObserved) // sums are added in one order
	histories := make([]stats.History, len(t.customers))
	for i, o := range t.customers {
		histories[i] = o.History
	}
	p := stats.NewPurchases(histories)
	t.fitted, t.reason = true, notFitted(p)
	t.expect = func(observed) float64 { return math.NaN() }
	if t.reason != "" {
		return
	}
	fit := stats.FitRepeat(stats.MBGNBD, p)
	if t.reason = fit.Reason; fit.Converged {
		t.expect = expectation(fit.RepeatParameters, t.days)
	}
}

// sums are the customers with as many repeat purchases before the hold-out period.
type sums struct{ customers, actual, expected float64 }

// write writes a row for everybody of the segment and one for each number of
// repeat purchases.
func (t *tested) write(rows *writer, segment string) error {
	t.fit()
	reason := t.reason
	var all sums
	var by [manyRepeats + 1]sums
	for _, o := range t.customers {
		expected := o.Customers * t.expect(o)
		for _, s := range []*sums{&all, &by[min(o.Repeats, manyRepeats)]} {
			s.customers, s.actual, s.expected = s.customers+o.Customers, s.actual+o.actual, s.expected+expected
		}
	}
	if err := all.write(rows, segment, Everybody, t.days, reason); err != nil {
		return err
	}
	for repeats, s := range by {
		label := strconv.Itoa(repeats)
		if repeats == manyRepeats {
			label += "+"
		}
		if s.customers == 0 {
			continue
		}
		if err := s.write(rows, segment, label, t.days, reason); err != nil {
			return err
		}
	}
	return nil
}

func (s sums) write(rows *writer, segment, repeats string, days int, reason string) error {
	if reason != "" {
		s.expected = math.NaN()
	}
	difference := math.NaN()
	if s.actual > 0 {
		difference = 100 * (s.expected - s.actual) / s.actual
	}
	return rows.add(segment, repeats, int(s.customers), s.actual, s.expected, s.actual/s.customers, s.expected/s.customers, difference, days, reason)
}

// expectation returns a function for what to expect in so many days; what the
// living buy depends on repeats and age alone and is computed once for each pair.
func expectation(p stats.RepeatParameters, days int) func(observed) float64 {
	type pair struct{ repeats, age int }
	living := map[pair]float64{}
	return func(o observed) float64 {
		last, age := float64(o.Last)/stats.Week, float64(o.Age)/stats.Week
		at := pair{o.Repeats, o.Age}
		if _, known := living[at]; !known {
			living[at] = p.Expected(float64(days)/stats.Week, o.Repeats, age, age) / p.Alive(o.Repeats, age, age)
		}
		return living[at] * p.Alive(o.Repeats, last, age)
	}
}

func compareObserved(a, b observed) int {
	for _, d := range []int{a.Repeats - b.Repeats, a.Last - b.Last, a.Age - b.Age} {
		if d != 0 {
			return d
		}
	}
	switch {
	case a.actual < b.actual:
		return -1
	case a.actual > b.actual:
		return 1
	}
	return 0
}
