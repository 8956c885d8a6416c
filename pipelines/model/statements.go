package model

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/pipelines/quote"
)

// The names of a model's table while it is being replaced.
const (
	newSuffix = "__new"
	oldSuffix = "__old"
	// Of an incremental build: the keys that are touched, their rows computed anew,
	// and those keys whose rows came out different.
	touchedSuffix = "__touched"
	freshSuffix   = "__fresh"
	differSuffix  = "__differ"
)

// asideSuffixes are all of them: what a killed run may leave behind.
var asideSuffixes = []string{newSuffix, oldSuffix, touchedSuffix, freshSuffix, differSuffix}

// aside returns the model's table under another name, as SQL.
func (m *Model) aside(suffix string) string { return quote.Table(m.Database, m.Name+suffix) }

// createTable returns the statement that makes the model's empty table. Types
// come from the .yml and never from the query, so that a table is what its page
// says it is.
func (m *Model) createTable(name string) string {
	columns := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		columns[i] = fmt.Sprintf("\t%s %s comment %s", quote.Name(c.Name), c.Type, quote.Literal(c.Description))
	}
	engine := m.Engine
	if engine == "" {
		engine = "MergeTree"
	}
	partition := ""
	if m.PartitionBy != "" {
		partition = "\npartition by " + m.PartitionBy
	}
	return fmt.Sprintf("create table %s (\n%s\n) engine = %s\norder by %s%s\nsettings allow_nullable_key = 1\ncomment %s",
		name, strings.Join(columns, ",\n"), engine, m.OrderBy, partition, quote.Literal(m.comment()))
}

// comment is the table's comment for readers of the warehouse.
func (m *Model) comment() string {
	if m.Materialized == Seed {
		return m.Description
	}
	return m.Description + " Grain: " + m.Grain + "."
}

// createView returns the statement that makes the model's view. A view runs with
// the settings of whoever reads it, so those that change its meaning go into it.
func (m *Model) createView(name, sql string) string {
	columns := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		columns[i] = fmt.Sprintf("\t%s %s comment %s", quote.Name(c.Name), c.Type, quote.Literal(c.Description))
	}
	settings := []string{"join_use_nulls = 1"}
	for _, name := range slices.Sorted(maps.Keys(m.Settings)) {
		settings = append(settings, name+" = "+quote.Literal(m.Settings[name]))
	}
	return fmt.Sprintf("create view %s (\n%s\n) as select * from (\n%s\n) settings %s\ncomment %s",
		name, strings.Join(columns, ",\n"), sql, strings.Join(settings, ", "), quote.Literal(m.comment()))
}

// insertRows returns the statement that fills the table from a query or, for a
// seed, from its rows.
func (m *Model) insertRows(name, query string) string {
	return fmt.Sprintf("insert into %s (%s)\n%s", name, quote.Names(m.columnNames()), query)
}

// insertVerified returns the statement that fills the table from a query, and that
// fails before it reads a row unless the query returns the listed columns and, in
// their order, their types: to ask for these first would take about as long as a
// small table takes to fill. The condition is a constant, so it costs nothing.
func (m *Model) insertVerified(name, query string) string {
	types := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		types[i] = normalType(c.Type)
	}
	columns := quote.Names(m.columnNames())
	return fmt.Sprintf("insert into %s (%s)\nselect %s from (\n%s\n) where cast(replaceAll(toTypeName(tuple(*)), ', ', ',') as Enum8(%s = 1)) = 1",
		name, columns, columns, query, quote.Literal("Tuple("+strings.Join(types, ",")+")"))
}

// isUnverified says that a statement of insertVerified found other types.
func isUnverified(err error) bool {
	const unknownElementOfEnum = 691
	exception, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && exception.Code == unknownElementOfEnum
}

// seedQuery returns the query for a seed's rows.
func (m *Model) seedQuery() (string, error) {
	rows, err := inline(m.Columns, m.seedRows)
	if err != nil {
		line, text := rowPlace(err, 0)
		return "", fmt.Errorf("%s:%d: %s", m.Path, line, text)
	}
	return fmt.Sprintf("select %s from %s", quote.Names(m.columnNames()), rows), nil
}
