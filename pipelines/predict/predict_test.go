package predict_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"winback/pipelines/model"
	"winback/pipelines/predict"
)

// rows are the values of an input, one list of numbers a row; the first column is
// the segment "s".
type rows [][]float64

// batches puts rows into Arrow, so many in each batch.
func (r rows) batches(tb testing.TB, columns []model.Column, size int) array.RecordReader {
	tb.Helper()
	schema, err := model.ArrowSchema(columns)
	if err != nil {
		tb.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	var all []arrow.RecordBatch
	for i, row := range r {
		b.Field(0).(*array.StringBuilder).Append("s")
		for n, value := range row {
			switch column := b.Field(n + 1).(type) {
			case *array.Uint32Builder:
				column.Append(uint32(value))
			case *array.Float64Builder:
				if value < 0 { // stands for null
					column.AppendNull()
				} else {
					column.Append(value)
				}
			}
		}
		if (i+1)%size == 0 || i == len(r)-1 {
			all = append(all, b.NewRecordBatch())
		}
	}
	reader, err := array.NewRecordReader(schema, all)
	if err != nil {
		tb.Fatal(err)
	}
	return reader
}

// compute returns the rows of a computation as JSON.
func compute(tb testing.TB, name string, r rows, size int) string {
	tb.Helper()
	c := predict.Computations()[name]
	var text strings.Builder
	err := c.Rows(context.Background(), r.batches(tb, c.Input, size), func(batch arrow.RecordBatch) error { return array.RecordToJSON(batch, &text) })
	if err != nil {
		tb.Fatal(err)
	}
	return text.String()
}

// buyers are customers who buy at rates of their own for two years and stop.
func buyers(n int) rows {
	random := rand.New(rand.NewPCG(1, 2))
	var all rows
	for range n {
		age := 1 + random.IntN(730)
		every, stop := 10+random.ExpFloat64()*60, 0.05+0.3*random.Float64()
		repeats, last := 0, 0
		for at := 0.0; random.Float64() > stop; {
			if at += 1 + random.ExpFloat64()*every; int(at) > age {
				break
			}
			repeats, last = repeats+1, int(at)
		}
		mean := -1.0
		if repeats > 0 {
			mean = 5 + 50*random.ExpFloat64()
		}
		all = append(all, []float64{float64(repeats), float64(last), float64(age), mean, 1})
	}
	return all
}

// The same customers give the same rows to the byte, in whatever order and batches
// the warehouse's threads send them.
func TestPurchaseFits_OrderAndBatchesDoNotMatter(t *testing.T) {
	customers := buyers(2_000)
	want := compute(t, "purchase_fits", customers, 2_000)
	if !strings.Contains(want, `"parameter":"alpha"`) || strings.Count(want, `"is_converged":true`) < 11 {
		t.Fatalf("nothing was fitted:\n%s", want)
	}
	random := rand.New(rand.NewPCG(3, 4))
	random.Shuffle(len(customers), func(i, j int) { customers[i], customers[j] = customers[j], customers[i] })
	if got := compute(t, "purchase_fits", customers, 77); got != want {
		t.Errorf("in another order\n%s\nwant\n%s", got, want)
	}
}

func TestPurchaseHoldout_OrderDoesNotMatter(t *testing.T) {
	var customers rows
	for _, c := range buyers(2_000) {
		customers = append(customers, []float64{c[0], c[1], c[2], float64(int(c[2]) % 4), 100, 1})
	}
	want := compute(t, "purchase_holdout", customers, 2_000)
	if !strings.Contains(want, `"repeat_purchases":"7+"`) || !strings.Contains(want, `"repeat_purchases":"(all)"`) || strings.Contains(want, `"expected_orders":null`) {
		t.Fatalf("nothing was foretold:\n%s", want)
	}
	random := rand.New(rand.NewPCG(3, 4))
	random.Shuffle(len(customers), func(i, j int) { customers[i], customers[j] = customers[j], customers[i] })
	if got := compute(t, "purchase_holdout", customers, 77); got != want {
		t.Errorf("in another order\n%s\nwant\n%s", got, want)
	}
}

// Where the fit's parameters make no sense something is said, not computed.
func TestPurchaseOutlook_Parameters(t *testing.T) {
	c := predict.Computations()["purchase_outlook"]
	in := rows{{2, 300, 0.5, 6, 0, 1.6, 12, 0.01}}.batches(t, c.Input, 1)
	err := c.Rows(context.Background(), in, func(arrow.RecordBatch) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "parameters above zero are wanted") {
		t.Errorf("got %v", err)
	}
}

// A million customers as rows of their own: the warehouse sends fewer, as many
// share a history.
func BenchmarkPurchaseFits_Million(b *testing.B) {
	customers := buyers(1_000_000)
	c := predict.Computations()["purchase_fits"]
	for b.Loop() {
		in := customers.batches(b, c.Input, 65_536)
		err := c.Rows(context.Background(), in, func(arrow.RecordBatch) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleComputations() {
	for _, column := range predict.Computations()["purchase_outlook"].Output {
		fmt.Println(column.Name, column.Type)
	}
	// Output:
	// segment String
	// repeat_days UInt32
	// age_days UInt32
	// orders_365d_if_alive Float64
	// discounted_orders_if_alive Float64
}
