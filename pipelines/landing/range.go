package landing

import (
	"context"

	"winback/connectors"
	"winback/connectors/entity"
)

// outside returns the first field of a row of a batch that is out of its range,
// or nil.
func outside(b *entity.Batch, row int) *entity.Column {
	for i := range b.Columns {
		c := &b.Columns[i]
		low, high, ok := c.Field.Limits()
		if ok && row < len(c.Ints) && (c.Ints[row] < low || c.Ints[row] > high) {
			return c
		}
	}
	return nil
}

// allInside says that no row of a batch is out of range.
func allInside(b *entity.Batch) bool {
	for i := range b.Columns {
		low, high, ok := b.Columns[i].Field.Limits()
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
			Reason: column.Field.OutOfRange(column.Ints[row]),
			Record: recordText(all, uint32(row)),
		}); err != nil {
			return nil, err
		}
	}
	return inside, nil
}
