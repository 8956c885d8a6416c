package landing

import (
	"context"
	"fmt"

	"winback/connectors"
	"winback/connectors/entity"
)

// What the warehouse holds. One day beyond it, as the 9999-12-31 that stands for
// "never" in many systems, would keep a whole part file from being loaded.
const (
	firstDay, lastDay         = -25_567, 120_530 // 1900-01-01, 2299-12-31
	microsPerDay              = 86_400_000_000
	firstInstant, lastInstant = firstDay * microsPerDay, (lastDay+1)*microsPerDay - 1
	largestDecimal            = 999_999_999_999_999_999
)

// outOfRange says what is wrong with a value beyond its field's limits.
func outOfRange(f *entity.Field) string {
	if f.Kind == entity.Dec {
		return fmt.Sprintf("%s has more than %d digits", f.Name, decimalDigits)
	}
	return f.Name + " is outside 1900-01-01 to 2299-12-31, which is what the warehouse holds"
}

// limits returns the range of a field's values, if it has one.
func limits(f *entity.Field) (low, high int64, ok bool) {
	switch f.Kind {
	case entity.Day:
		return firstDay, lastDay, true
	case entity.Timestamp:
		return firstInstant, lastInstant, true
	case entity.Dec:
		return -largestDecimal, largestDecimal, true
	}
	return 0, 0, false
}

// outside returns the first field of a row of a batch that is out of its range,
// or nil.
func outside(b *entity.Batch, row int) *entity.Column {
	for i := range b.Columns {
		c := &b.Columns[i]
		low, high, ok := limits(c.Field)
		if ok && row < len(c.Ints) && (c.Ints[row] < low || c.Ints[row] > high) {
			return c
		}
	}
	return nil
}

// allInside says that no row of a batch is out of range.
func allInside(b *entity.Batch) bool {
	for i := range b.Columns {
		low, high, ok := limits(b.Columns[i].Field)
		if !ok {
			continue
		}
		for _, v := range b.Columns[i].Ints {
			if v < low || v > high {
				return false
			}
		}
	}
	return true
}

// refuse puts aside the rows of a batch that are out of range and returns the
// others.
func (w *Writer) refuse(ctx context.Context, b *entity.Batch) (*entity.Batch, error) {
	all := newBuffer(b.Schema)
	all.append(b, func(*entity.Field) bool { return false })
	all.align()
	inside := entity.NewBatch(b.Schema)
	for row := range all.rows {
		column := outside(b, row)
		if column == nil {
			if err := copyRow(inside, all, row, all.origins[row]); err != nil {
				return nil, err
			}
			continue
		}
		at := all.origins[row]
		if err := w.Reject(ctx, connectors.Reject{
			Entity: b.Schema, Input: w.inputName(at.Input), Line: at.Line, Column: column.Field.Name,
			Value:  valueText(&all.columns[column.Field.Index], row),
			Reason: outOfRange(column.Field),
			Record: recordText(all, uint32(row)),
		}); err != nil {
			return nil, err
		}
	}
	return inside, nil
}
