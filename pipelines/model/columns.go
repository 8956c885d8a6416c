package model

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/check"
)

// describe returns the names and types of a query's columns.
func describe(ctx context.Context, conn driver.Conn, query string) ([]Column, error) {
	rows, err := conn.Query(ctx, "describe table (\n"+query+"\n)")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var columns []Column
	for rows.Next() {
		fields := make([]string, len(rows.Columns()))
		targets := make([]any, len(fields))
		for i := range fields {
			targets[i] = &fields[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		columns = append(columns, Column{Name: fields[0], Type: fields[1]})
	}
	return columns, rows.Err()
}

// describeLinesBefore is the number of lines before the query in describe.
const describeLinesBefore = 1

// verifyColumns compares what the query returns with what the .yml lists: names,
// types and order. It returns Problems.
func (m *Model) verifyColumns(ctx context.Context, conn driver.Conn, query string) error {
	got, err := describe(ctx, conn, query)
	if err != nil {
		return fmt.Errorf("%s: %w", m.filePlace(err.Error(), describeLinesBefore), check.InWords(err))
	}
	return m.compareColumns(got)
}

func (m *Model) compareColumns(got []Column) error {
	var problems Problems
	returned := map[string]Column{}
	for _, column := range got {
		returned[column.Name] = column
		if _, listed := m.Column(column.Name); !listed {
			problems.add(m.PropertiesPath, m.columnLine, "the query returns column %q (%s), which is not listed%s",
				column.Name, column.Type, didYouMean(column.Name, m.columnNames()))
		}
	}
	for _, column := range m.Columns {
		switch actual, ok := returned[column.Name]; {
		case !ok:
			problems.add(m.PropertiesPath, column.line, "column %q is not returned by the query", column.Name)
		case normalType(actual.Type) != normalType(column.Type):
			problems.add(m.PropertiesPath, column.line, "column %q is %s here and %s in the query", column.Name, column.Type, actual.Type)
		}
	}
	if len(problems) == 0 {
		m.compareOrder(got, &problems)
	}
	return problems.sorted()
}

// compareOrder reports the first column that stands in another place.
func (m *Model) compareOrder(got []Column, problems *Problems) {
	for i, column := range m.Columns {
		if i >= len(got) || got[i].Name != column.Name {
			problems.add(m.PropertiesPath, column.line, "column %q is number %d here; the query returns %q in that place",
				column.Name, i+1, nameAt(got, i))
			return
		}
	}
	if len(got) > len(m.Columns) {
		problems.add(m.PropertiesPath, m.columnLine, "the query returns column %q twice", got[len(m.Columns)].Name)
	}
}

func nameAt(columns []Column, i int) string {
	if i < len(columns) {
		return columns[i].Name
	}
	return ""
}

// normalType drops the spaces that the engine puts into type names.
func normalType(name string) string { return strings.ReplaceAll(name, ", ", ",") }
