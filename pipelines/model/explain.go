package model

import (
	"slices"
	"strings"
	"time"
)

// SQL returns the model's SQL as it is written, with its refs; a seed has none.
func (m *Model) SQL() string { return strings.TrimSpace(m.body) }

// Folder returns the folder of the sql folder that the model stands in, such as
// "marts".
func (m *Model) Folder() string { return m.folder }

// SQL returns the check's SQL as it is written, with its refs.
func (c *SingularCheck) SQL() string { return strings.TrimSpace(c.body) }

// CompileCheck returns the query of a check of its own as it runs.
func (p *Project) CompileCheck(c *SingularCheck, vars Vars) (string, error) {
	return c.compile(vars, p.relations())
}

// Example is what a unit test says, for people to read.
type Example struct {
	// AsOf is the day that the test takes for today.
	AsOf   time.Time
	Given  []ExampleRows
	Expect ExampleRows
}

// ExampleRows are the rows of a table in a unit test. A column that a row does
// not name is empty in it.
type ExampleRows struct {
	// Table is the model or entity that holds the rows.
	Table   string
	Columns []string
	Rows    [][]string
	// SQL is the query that gives the rows, where they are not written out.
	SQL string
}

// Example returns what the test says.
func (t *UnitTest) Example() Example {
	e := Example{AsOf: t.vars().AsOf, Expect: exampleRows("", t.expect.columns, t.expect.rows)}
	for _, g := range t.given {
		name := g.ref
		if name == "" {
			name = g.source.String()
		}
		rows := exampleRows(name, nil, g.rows)
		rows.SQL = g.sql
		e.Given = append(e.Given, rows)
	}
	return e
}

// exampleRows puts the written values of rows under their columns: those given,
// and then those that the rows name, in the order in which they come up.
func exampleRows(table string, columns []string, rows []row) ExampleRows {
	e := ExampleRows{Table: table, Columns: slices.Clone(columns)}
	for _, r := range rows {
		for _, name := range r.columns {
			if !slices.Contains(e.Columns, name) {
				e.Columns = append(e.Columns, name)
			}
		}
	}
	for _, r := range rows {
		texts := make([]string, len(e.Columns))
		for i, name := range r.columns {
			texts[slices.Index(e.Columns, name)] = r.cells[i].words()
		}
		e.Rows = append(e.Rows, texts)
	}
	return e
}

// words returns the value as it was written.
func (c cell) words() string {
	parts := make([]string, len(c.items))
	for i, item := range c.items {
		parts[i] = item.words()
		if c.kind == cellMap {
			parts[i] = c.keys[i] + ": " + parts[i]
		}
	}
	switch c.kind {
	case cellNull:
		return "null"
	case cellList:
		return "[" + strings.Join(parts, ", ") + "]"
	case cellMap:
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return c.text
}
