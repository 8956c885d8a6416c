package predict

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"winback/pipelines/model"
	"winback/pipelines/stats"
)

// outlookInput are the distinct pairs of repeat days and age with the parameters
// of the segment's fit, and how the value of orders to come is discounted.
var outlookInput = []model.Column{
	{Name: "segment", Type: "String"},
	{Name: "repeat_days", Type: "UInt32"},
	{Name: "age_days", Type: "UInt32"},
	{Name: "r", Type: "Float64"},
	{Name: "alpha", Type: "Float64"},
	{Name: "a", Type: "Float64"},
	{Name: "b", Type: "Float64"},
	{Name: "months", Type: "UInt32"},
	{Name: "monthly_rate", Type: "Float64"},
}

var outlookOutput = []model.Column{
	{Name: "segment", Type: "String"},
	{Name: "repeat_days", Type: "UInt32"},
	{Name: "age_days", Type: "UInt32"},
	{Name: "orders_365d_if_alive", Type: "Float64"},
	{Name: "discounted_orders_if_alive", Type: "Float64"},
}

// outlookRows computes what to expect of a customer by MBG/NBD if they are alive:
// neither depends on when they bought last, so that there are few rows however
// many customers there are.
func outlookRows(ctx context.Context, input array.RecordReader, emit func(arrow.RecordBatch) error) error {
	rows, err := newWriter(outlookOutput, emit)
	if err != nil {
		return err
	}
	for input.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := writeOutlook(rows, input.RecordBatch()); err != nil {
			return err
		}
	}
	if err := input.Err(); err != nil {
		return err
	}
	return rows.flush()
}

func writeOutlook(rows *writer, in batch) error {
	segments, repeats, ages := texts(in, 0), counts(in, 1), counts(in, 2)
	months, rate := counts(in, 7), numbers(in, 8)
	for i := range int(in.NumRows()) {
		p := stats.RepeatParameters{
			Model: stats.MBGNBD, R: numbers(in, 3).Value(i), Alpha: numbers(in, 4).Value(i), A: numbers(in, 5).Value(i), B: numbers(in, 6).Value(i),
		}
		if !(p.R > 0 && p.Alpha > 0 && p.A > 0 && p.B > 0 && rate.Value(i) > -1) {
			return fmt.Errorf("parameters above zero are wanted: %v, rate %v", p, rate.Value(i))
		}
		x, age := int(repeats.Value(i)), float64(ages.Value(i))/stats.Week
		// Divided by the chance to be alive it is what the living buy; the last day
		// cancels out, so any will do.
		alive := p.Alive(x, age, age)
		err := rows.add(segments.Value(i), x, int(ages.Value(i)),
			p.Expected(365.0/stats.Week, x, age, age)/alive, p.Discounted(int(months.Value(i)), rate.Value(i), x, age, age)/alive)
		if err != nil {
			return err
		}
	}
	return nil
}
