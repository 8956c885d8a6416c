package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// readProperties reads the .yml beside a model or seed into it.
func readProperties(m *Model, content []byte, problems *Problems) {
	y := &yamlFile{name: m.PropertiesPath, problems: problems}
	root := y.parse(content)
	if root == nil {
		return
	}
	allowed := []string{"description", "columns", "checks", "reported", "unit_tests"}
	if m.Materialized == Seed {
		allowed = []string{"description", "columns", "checks", "tags"}
	}
	fields := y.fields(root, "model", allowed...)
	m.Description = y.text(fields["description"].value, "description")
	if m.Description == "" {
		y.problem(1, "no description; say in a sentence what the table is for")
	}
	if m.Materialized == Seed {
		m.Summary, m.Tags = m.Description, y.texts(fields["tags"].value, "tags")
	}
	m.columnLine = max(1, fields["columns"].line)
	readColumns(y, m, fields["columns"].value)
	for _, item := range y.items(fields["checks"].value, "checks") {
		readCheck(y, m, item, "")
	}
	reportRepeatedChecks(y, m)
	readReported(y, m, fields["reported"])
	for _, item := range y.items(fields["unit_tests"].value, "unit_tests") {
		readUnitTest(y, m, item)
	}
}

func readColumns(y *yamlFile, m *Model, node ast.Node) {
	items := y.items(node, "columns")
	if len(items) == 0 {
		y.problem(m.columnLine, "no columns; list name, type and description of each")
	}
	for _, item := range items {
		fields := y.fields(item, "column", "name", "type", "description", "pii", "checks")
		column := Column{
			Name:        y.text(fields["name"].value, "name"),
			Type:        y.text(fields["type"].value, "type"),
			Description: y.text(fields["description"].value, "description"),
			Private:     y.boolean(fields["pii"], "pii"),
			line:        lineOf(item),
		}
		switch _, twice := m.Column(column.Name); {
		case column.Name == "":
			y.problem(column.line, "a column without a name")
			continue
		case twice:
			y.problem(column.line, "column %q is listed twice", column.Name)
			continue
		case column.Type == "":
			y.problem(column.line, "column %q has no type", column.Name)
		case column.Description == "":
			y.problem(column.line, "column %q has no description", column.Name)
		}
		m.Columns = append(m.Columns, column)
		for _, check := range y.items(fields["checks"].value, "checks") {
			readCheck(y, m, check, column.Name)
		}
	}
}

// reportRepeatedChecks finds checks of one name: results are kept by name.
func reportRepeatedChecks(y *yamlFile, m *Model) {
	seen := map[string]bool{}
	for _, c := range m.Checks {
		if seen[c.Name] {
			var line int
			_, _ = fmt.Sscanf(c.Place[strings.LastIndexByte(c.Place, ':')+1:], "%d", &line)
			y.problem(line, "check %s is there twice; give one of them another name", c.Name)
		}
		seen[c.Name] = true
	}
}

// requireColumns reports names that are not columns of the model.
func requireColumns(y *yamlFile, m *Model, line int, what string, names []string) {
	known := m.columnNames()
	for _, name := range names {
		if !slices.Contains(known, name) {
			y.problem(line, "%s: no column %q%s", what, name, didYouMean(name, known))
		}
	}
}
