package model

import (
	"cmp"
	"slices"
)

// link checks what needs all models: refs, sources, names in the text, rows given
// for other models, cycles; and puts the models in order.
func (l *loader) link() {
	p := l.project
	for _, m := range p.models {
		if m.sql != nil {
			l.linkSQL(m.Path, m.body, m.bodyLine, m.sql)
		}
		l.linkIncremental(m)
		l.linkComputation(m)
		l.linkChecks(m)
		for _, test := range m.UnitTests {
			l.linkGiven(m, test)
		}
	}
	for _, c := range p.checks {
		if c.sql != nil {
			l.linkSQL(c.Path, c.body, c.bodyLine, c.sql)
		}
	}
	slices.SortFunc(p.checks, func(a, b *SingularCheck) int { return cmp.Compare(a.Name, b.Name) })
	p.sortModels(&l.problems)
}

func (l *loader) linkSQL(file, body string, firstLine int, sql *sqlTemplate) {
	for _, name := range sql.refs {
		l.requireModel(file, sql.refLines[name], name)
	}
	for _, source := range sql.sources {
		l.requireSource(file, sql.sourceLines[source], source)
	}
	if !l.verified[file] {
		l.project.reportDirectNames(file, body, firstLine, &l.problems)
	}
}

// requireModel reports an unknown model.
func (l *loader) requireModel(file string, line int, name string) (*Model, bool) {
	m, ok := l.project.byName[name]
	if !ok {
		l.problems.add(file, line, "no model %q%s", name, didYouMean(name, l.project.names()))
	}
	return m, ok
}

func (l *loader) requireSource(file string, line int, source Source) []Column {
	if l.sources == nil {
		return nil
	}
	columns, err := sourceColumns(l.sources, source)
	if err != nil {
		l.problems.add(file, line, "%v", err)
	}
	return columns
}

// linkChecks completes the relationships checks with the other model's table.
func (l *loader) linkChecks(m *Model) {
	for _, ref := range m.checkRefs {
		to, ok := l.requireModel(m.PropertiesPath, ref.line, ref.model)
		if !ok || ref.check >= len(m.Checks) {
			continue
		}
		if _, ok := to.Column(ref.field); !ok {
			l.problems.add(m.PropertiesPath, ref.line, "%s has no column %q%s", to.Name, ref.field, didYouMean(ref.field, to.columnNames()))
		}
		if to != m {
			m.Checks[ref.check].To = to.Relation()
		}
	}
}

// linkGiven checks the rows a unit test gives: for tables that the model reads,
// with columns those have.
func (l *loader) linkGiven(m *Model, test UnitTest) {
	all := test.given
	if test.then != nil {
		all = slices.Concat(all, test.then.given)
	}
	for _, g := range all {
		var columns []Column
		if g.ref != "" {
			parent, ok := l.requireModel(m.PropertiesPath, g.line, g.ref)
			if !ok {
				continue
			}
			columns = parent.Columns
			if !slices.Contains(m.Parents, g.ref) {
				l.problems.add(m.PropertiesPath, g.line, "given: %s does not read %q", m.Name, g.ref)
			}
		} else if g.source != (Source{}) {
			columns = l.requireSource(m.PropertiesPath, g.line, g.source)
			if !slices.Contains(m.Sources, g.source) {
				l.problems.add(m.PropertiesPath, g.line, "given: %s does not read source %s", m.Name, g.source)
			}
		}
		l.requireGivenColumns(m, g, columns)
	}
}

func (l *loader) requireGivenColumns(m *Model, g given, columns []Column) {
	if len(columns) == 0 {
		return
	}
	names := (&Model{Columns: columns}).columnNames()
	for _, r := range g.rows {
		for _, name := range r.columns {
			if !slices.Contains(names, name) {
				l.problems.add(m.PropertiesPath, r.line, "given: no column %q%s", name, didYouMean(name, names))
			}
		}
	}
}
