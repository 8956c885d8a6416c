package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"winback/pipelines/check"
)

// checkKinds are the checks a .yml may name.
var checkKinds = []string{
	string(check.NotNull), string(check.Unique), string(check.AcceptedValues), string(check.Relationships),
	string(check.Expression), string(check.Freshness), string(check.RowCount), string(check.RowCountChange),
	string(check.NeverWidens), string(check.NullUntil),
}

// checkOptions are the keys every check may have, beside its kind or inside it.
var checkOptions = []string{"severity", "name", "where"}

// readCheck reads one item of a "checks:" list. column is the column the list
// belongs to, or "" for the table's own.
func readCheck(y *yamlFile, m *Model, node ast.Node, column string) {
	c := check.Check{Place: fmt.Sprintf("%s:%d", y.name, lineOf(node))}
	if column != "" {
		c.Columns = []string{column}
	}
	r := checkReader{y: y, m: m, c: &c, line: lineOf(node)}
	if _, kind := scalarText(node); kind == cellText {
		if r.kind(y.text(node, "check"), r.line) {
			r.parameters(yamlEntry{line: r.line})
		}
	} else if !r.mapping(node) {
		return
	}
	if c.Kind == "" {
		return
	}
	if c.Name == "" {
		c.Name = c.DefaultName()
	}
	if c.Severity == "" {
		c.Severity = check.Error
		if c.Kind == check.RowCountChange { // growing and shrinking is a question, not a mistake
			c.Severity = check.Warn
		}
	}
	m.Checks = append(m.Checks, c)
}

// checkReader reads one check.
type checkReader struct {
	y    *yamlFile
	m    *Model
	c    *check.Check
	line int
}

// mapping reads a check written as a mapping: the kind with its parameters, and
// options beside it.
func (r *checkReader) mapping(node ast.Node) bool {
	var kindEntry yamlEntry
	for _, entry := range r.y.entries(node, "check") {
		switch {
		case slices.Contains(checkOptions, entry.key):
			r.option(entry)
		case kindEntry.key != "":
			r.y.problem(entry.line, "check: %q beside %q; write one check an item", entry.key, kindEntry.key)
		default:
			kindEntry = entry
		}
	}
	if kindEntry.key == "" {
		r.y.problem(r.line, "check: say which, one of %v", checkKinds)
		return false
	}
	if !r.kind(kindEntry.key, kindEntry.line) {
		return false
	}
	r.parameters(kindEntry)
	return true
}

func (r *checkReader) kind(name string, line int) bool {
	if !slices.Contains(checkKinds, name) {
		r.y.problem(line, "no check %q%s", name, didYouMean(name, checkKinds))
		return false
	}
	r.c.Kind = check.Kind(name)
	return true
}

func (r *checkReader) option(entry yamlEntry) {
	text := r.y.text(entry.value, entry.key)
	switch entry.key {
	case "name":
		r.c.Name = text
	case "where":
		r.c.Where = text
	default:
		r.c.Severity = check.Severity(text)
		if r.c.Severity != check.Error && r.c.Severity != check.Warn {
			r.y.problem(entry.line, `severity has to be "error" or "warn", not %q`, text)
		}
	}
}

// parameters reads the value of the kind's key: the parameters in short form
// (a scalar or list) or a mapping of them, options among them.
func (r *checkReader) parameters(entry yamlEntry) {
	short, fields := entry.value, yamlFields{}
	switch entry.value.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		short = nil
		fields = r.y.fields(entry.value, string(r.c.Kind), append(r.parameterNames(), checkOptions...)...)
		for _, name := range checkOptions {
			if option, ok := fields[name]; ok {
				r.option(option)
			}
		}
	}
	switch r.c.Kind {
	case check.NotNull, check.Unique:
		r.columns(short, fields)
	case check.AcceptedValues:
		r.acceptedValues(short, fields)
	case check.Relationships:
		r.relationships(fields)
	case check.Expression:
		r.c.Condition = r.required(short, fields["condition"], "a condition that holds in every row")
	case check.Freshness:
		r.freshness(short, fields)
	case check.RowCount:
		r.c.MinRows = r.number(short, fields["min"])
	case check.RowCountChange:
		r.rowCountChange(fields)
	case check.NeverWidens:
		r.neverWidens(fields)
	case check.NullUntil:
		r.columns(nil, fields)
		r.c.Condition = r.required(nil, fields["over"], "the condition that holds once the window is over (over:)")
	}
	if r.c.Kind != check.Unique && r.c.Kind != check.NullUntil && len(r.c.Columns) > 1 {
		r.y.problem(r.line, "%s looks at one column, not %d; write one check a column", r.c.Kind, len(r.c.Columns))
	}
}

func (r *checkReader) parameterNames() []string {
	switch r.c.Kind {
	case check.NotNull, check.Unique:
		return []string{"column", "columns"}
	case check.AcceptedValues:
		return []string{"column", "values"}
	case check.Relationships:
		return []string{"column", "to", "field"}
	case check.Expression:
		return []string{"condition"}
	case check.Freshness:
		return []string{"column", "max_age_days"}
	case check.RowCountChange:
		return []string{"max_drop_pct", "max_growth_pct"}
	case check.NeverWidens:
		return []string{"by", "order", "value"}
	case check.NullUntil:
		return []string{"column", "columns", "over"}
	default:
		return []string{"min"}
	}
}

// columns reads the tested columns and reports unknown ones.
func (r *checkReader) columns(short ast.Node, fields yamlFields) {
	for _, node := range []ast.Node{short, fields["column"].value, fields["columns"].value} {
		if node != nil {
			r.c.Columns = append(slices.Clip(r.c.Columns), r.y.texts(node, "columns")...)
		}
	}
	if len(r.c.Columns) == 0 {
		r.y.problem(r.line, "%s: say which column", r.c.Kind)
	}
	requireColumns(r.y, r.m, r.line, string(r.c.Kind), r.c.Columns)
}

func (r *checkReader) acceptedValues(short ast.Node, fields yamlFields) {
	r.columns(nil, fields)
	values := short
	if values == nil {
		values = fields["values"].value
	}
	r.c.Values = r.y.texts(values, "accepted_values")
	if len(r.c.Values) == 0 {
		r.y.problem(r.line, "accepted_values: list the values")
	}
}

func (r *checkReader) relationships(fields yamlFields) {
	r.columns(nil, fields)
	to := r.required(nil, fields["to"], "the other model (to:)")
	r.c.Field = r.required(nil, fields["field"], "the other model's column (field:)")
	if r.c.Name == "" {
		r.c.Name = fmt.Sprintf("%s(%s in %s.%s)", r.c.Kind, strings.Join(r.c.Columns, ", "), to, r.c.Field)
	}
	r.m.checkRefs = append(r.m.checkRefs, checkRef{model: to, field: r.c.Field, check: len(r.m.Checks), line: r.line})
}

func (r *checkReader) freshness(short ast.Node, fields yamlFields) {
	r.columns(nil, fields)
	r.c.MaxAgeDays = r.number(short, fields["max_age_days"])
}

func (r *checkReader) rowCountChange(fields yamlFields) {
	for name, limit := range map[string]**float64{"max_drop_pct": &r.c.MaxDropPct, "max_growth_pct": &r.c.MaxGrowthPct} {
		if entry, ok := fields[name]; ok {
			percent := readNumber(r.y, entry)
			*limit = &percent
		}
	}
	if r.c.MaxDropPct == nil && r.c.MaxGrowthPct == nil {
		r.y.problem(r.line, "row_count_change: give max_drop_pct, max_growth_pct or both")
	}
}

func (r *checkReader) neverWidens(fields yamlFields) {
	if node := fields["by"].value; node != nil {
		r.c.By = r.y.texts(node, "by")
	}
	r.c.Order = r.required(nil, fields["order"], "the column along which the stages follow each other (order:)")
	r.c.Columns = append(r.c.Columns, r.required(nil, fields["value"], "the column that never grows (value:)"))
	named := append(slices.Concat(r.c.By, r.c.Columns), r.c.Order)
	named = slices.DeleteFunc(named, func(name string) bool { return name == "" }) // reported as missing
	requireColumns(r.y, r.m, r.line, string(r.c.Kind), named)
}

func (r *checkReader) required(short ast.Node, field yamlEntry, what string) string {
	if short == nil {
		short = field.value
	}
	text := r.y.text(short, string(r.c.Kind))
	if text == "" {
		r.y.problem(r.line, "%s: needs %s", r.c.Kind, what)
	}
	return text
}

func (r *checkReader) number(short ast.Node, field yamlEntry) int {
	if short != nil {
		field = yamlEntry{line: r.line, value: short}
	}
	if field.value == nil {
		r.y.problem(r.line, "%s: needs a number", r.c.Kind)
		return 0
	}
	return r.y.integer(field, string(r.c.Kind))
}
