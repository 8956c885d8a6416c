package predict

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"winback/pipelines/model"
)

type batch = arrow.RecordBatch

// batchRows is how many rows go out at once.
const batchRows = 65_536

// writer puts rows into batches.
type writer struct {
	rows *array.RecordBuilder
	emit func(arrow.RecordBatch) error
	n    int
}

func newWriter(columns []model.Column, emit func(arrow.RecordBatch) error) (*writer, error) {
	schema, err := model.ArrowSchema(columns)
	if err != nil {
		return nil, err
	}
	return &writer{rows: array.NewRecordBuilder(memory.DefaultAllocator, schema), emit: emit}, nil
}

// add adds a row: strings, booleans, integers and floats in the order of the
// columns. NaN and infinite numbers, and empty texts of columns that may be null,
// are null.
func (w *writer) add(values ...any) error {
	for i, value := range values {
		nullable := w.rows.Schema().Field(i).Nullable
		switch column := w.rows.Field(i).(type) {
		case *array.StringBuilder:
			if text := value.(string); text == "" && nullable {
				column.AppendNull()
			} else {
				column.Append(text)
			}
		case *array.BooleanBuilder:
			column.Append(value.(bool))
		case *array.Uint32Builder:
			column.Append(uint32(value.(int)))
		case *array.Uint64Builder:
			column.Append(uint64(value.(int)))
		case *array.Float64Builder:
			if number := value.(float64); math.IsNaN(number) || math.IsInf(number, 0) {
				column.AppendNull()
			} else {
				column.Append(rounded(number))
			}
		default:
			return fmt.Errorf("no rows with columns of type %T", column)
		}
	}
	if w.n++; w.n == batchRows {
		return w.flush()
	}
	return nil
}

// flush hands over the rows that have not been yet.
func (w *writer) flush() error {
	if w.n == 0 {
		return nil
	}
	w.n = 0
	rows := w.rows.NewRecordBatch()
	defer rows.Release()
	return w.emit(rows)
}
