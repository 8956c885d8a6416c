package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// Computation makes the rows of models in Go, where SQL has no words for it. A
// model names it in its header (computed_by); the model's SQL is its input, and
// what it returns are the model's rows. In all else, from the graph to its checks
// and unit tests, such a model is a table like any other.
type Computation struct {
	// Version changes whenever other rows come of the same input: the tables are
	// built again then.
	Version string
	// Input are the columns that the SQL has to return, Output those of the rows:
	// names and ClickHouse types, in order.
	Input, Output []Column
	// Rows reads the input and hands rows to emit, which must not be kept after emit
	// returns, in batches of any size. The same input has to give the same rows,
	// whatever the order and the batches it comes in.
	Rows func(ctx context.Context, input array.RecordReader, emit func(arrow.RecordBatch) error) error
}

// WithComputations tells Load the computations that models may name.
func WithComputations(computations map[string]Computation) LoadOption {
	return func(l *loader) { l.computations = computations }
}

// linkComputation finds the computation that a model names, and holds the
// columns of its .yml against those it returns.
func (l *loader) linkComputation(m *Model) {
	if m.ComputedBy == "" {
		return
	}
	computation, ok := l.computations[m.ComputedBy]
	if !ok {
		l.problems.add(m.Path, 1, "header: computed_by: no computation %q%s", m.ComputedBy,
			didYouMean(m.ComputedBy, slices.Collect(maps.Keys(l.computations))))
		return
	}
	m.computation = &computation
	if err := m.compareColumns(computation.Output); err != nil {
		l.problems = append(l.problems, err.(Problems)...)
	}
}

// verifyInput compares what the query returns with what the computation reads.
func (m *Model) verifyInput(ctx context.Context, conn driver.Conn, query string) error {
	got, err := describe(ctx, conn, query)
	if err != nil {
		return fmt.Errorf("%s: %w", m.filePlace(err.Error(), describeLinesBefore), check.InWords(err))
	}
	var words [2][]string
	for i, columns := range [2][]Column{got, m.computation.Input} {
		for _, column := range columns {
			words[i] = append(words[i], column.Name+" "+normalType(column.Type))
		}
	}
	if !slices.Equal(words[0], words[1]) {
		return fmt.Errorf("%s: %s reads the columns (%s), the query returns (%s)", m.Path, m.ComputedBy,
			strings.Join(words[1], ", "), strings.Join(words[0], ", "))
	}
	return nil
}

// compute runs the query and hands the rows that come of it to emit.
func (m *Model) compute(ctx context.Context, conn driver.Conn, query string, emit func(arrow.RecordBatch) error) error {
	stream, err := conn.QueryFormat(ctx, "ArrowStream", query)
	if err != nil {
		return fmt.Errorf("%s: read its input: %w", m.Path, check.InWords(err))
	}
	defer stream.Close()
	input, err := ipc.NewReader(stream)
	if err != nil {
		return fmt.Errorf("%s: read its input: %w", m.Path, check.InWords(err))
	}
	defer input.Release()
	if err := m.computation.Rows(ctx, input, emit); err != nil {
		return fmt.Errorf("%s: %s: %w", m.Path, m.ComputedBy, err)
	}
	// A computation that stopped at the end of the rows may not have met the error
	// that ended them.
	if err := input.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: read its input: %w", m.Path, check.InWords(err))
	}
	return nil
}

// createComputed makes the table and fills it with the rows that are computed,
// batch by batch.
func (b *builder) createComputed(ctx context.Context, name, sql string) error {
	if err := b.m.verifyInput(ctx, b.conn, sql); err != nil {
		return err
	}
	if err := b.exec(ctx, "create the table", b.m.createTable(name)); err != nil {
		return err
	}
	read, write := io.Pipe()
	computed := make(chan error, 1)
	go func() {
		err := b.sendComputed(ctx, sql, write)
		write.CloseWithError(err) // nil is the end of the rows
		computed <- err
	}()
	insert := fmt.Sprintf("insert into %s (%s)", name, quote.Names(b.m.columnNames()))
	err := b.conn.InsertFormat(ctx, "ArrowStream", insert, read)
	read.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // whoever still writes stops
	switch failed := <-computed; {
	case failed != nil && !errors.Is(failed, io.ErrClosedPipe):
		return failed
	case err != nil:
		return fmt.Errorf("%s: fill the table: %w", b.m.Path, check.InWords(err))
	}
	return nil
}

// sendComputed writes the computed rows as one Arrow stream, which has a schema
// also when there are none.
func (b *builder) sendComputed(ctx context.Context, sql string, to io.Writer) error {
	schema, err := ArrowSchema(b.m.computation.Output)
	if err != nil {
		return fmt.Errorf("%s: %w", b.m.Path, err)
	}
	writer := ipc.NewWriter(to, ipc.WithSchema(schema))
	err = b.m.compute(ctx, b.conn, sql, writer.Write)
	return errors.Join(err, writer.Close())
}

// computedRows returns the rows that are computed from a query, as a query.
func (t *testRun) computedRows(ctx context.Context, sql string) (string, error) {
	if err := t.m.verifyInput(ctx, t.runner.conn, sql); err != nil {
		return "", err
	}
	var lines bytes.Buffer
	err := t.m.compute(ctx, t.runner.conn, sql, func(rows arrow.RecordBatch) error { return array.RecordToJSON(rows, &lines) })
	if err != nil {
		return "", err
	}
	rows, err := inline(t.m.Columns, nil)
	if lines.Len() > 0 {
		rows = inlineLines(t.m.Columns, lines.String())
	}
	return "select * from " + rows, err
}

// ArrowSchema returns the schema of rows with the columns: those of computations
// are of the types String, Bool, UInt32, UInt64 and Float64, and may be Nullable.
func ArrowSchema(columns []Column) (*arrow.Schema, error) {
	fields := make([]arrow.Field, len(columns))
	for i, column := range columns {
		kind, ok := map[string]arrow.DataType{
			"String": arrow.BinaryTypes.String, "Bool": arrow.FixedWidthTypes.Boolean, "UInt32": arrow.PrimitiveTypes.Uint32,
			"UInt64": arrow.PrimitiveTypes.Uint64, "Float64": arrow.PrimitiveTypes.Float64,
		}[plainType(column.Type)]
		if !ok {
			return nil, fmt.Errorf("column %q: computations have no columns of type %s", column.Name, column.Type)
		}
		fields[i] = arrow.Field{Name: column.Name, Type: kind, Nullable: isNullable(column.Type)}
	}
	return arrow.NewSchema(fields, nil), nil
}
