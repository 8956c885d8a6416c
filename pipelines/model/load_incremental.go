package model

import "slices"

// linkIncremental checks what makes a model incremental, or lets incremental
// models follow it: its key, its change log, its block touched.
func (l *loader) linkIncremental(m *Model) {
	l.requireKey(m)
	if m.sql == nil {
		return
	}
	defines := m.sql.hasBlock(touchedBlock)
	switch {
	case m.Materialized == View && m.sql.hasOnce:
		l.problems.add(m.Path, m.bodyLine, "a view has no once: whoever reads it may have a server, or settings, that do not know it")
	case m.Materialized != Incremental && (defines || m.sql.restricted || m.sql.hasPart):
		l.problems.add(m.Path, m.bodyLine, "only incremental models have touched; the header says materialized: %s", m.Materialized)
	case m.Materialized != Incremental:
	case len(m.Key) == 0:
		l.problems.add(m.Path, 1, `header: an incremental model needs a line such as "-- key: source, order_id"`)
	case !defines:
		l.problems.add(m.Path, m.bodyLine, `an incremental model says which keys new rows touch: {{ define "touched" }} select … {{ end }}`)
	case !m.sql.restricted:
		l.problems.add(m.Path, m.bodyLine, `an incremental model restricts its query to touched keys: where {{ touched "source, order_id" }}`)
	case len(m.sql.changed) == 0:
		l.problems.add(m.Path, m.bodyLine, `the block touched follows nothing; name what it follows with {{ changed "…" }}`)
	case m.Engine != "" && m.Engine != "MergeTree":
		l.problems.add(m.Path, 1, "header: an incremental model has the engine MergeTree, not %s", m.Engine)
	}
	for _, name := range m.sql.changed {
		l.requireFollowed(m, name)
	}
	if m.sql.hasBlock(causesBlock) && (m.Materialized != Table || m.Reported == nil || !slices.Contains(m.Reported.By, "month")) {
		l.problems.add(m.Path, m.bodyLine, "the block causes is for a table that reports figures by month; see reported in its .yml")
	}
}

// requireKey checks that the columns of key and changes are there, and that a key
// is never NULL: no condition finds such a key.
func (l *loader) requireKey(m *Model) {
	for _, name := range m.Changes {
		if _, ok := m.Column(name); !ok && len(m.Columns) > 0 && !slices.Contains(m.Key, name) {
			l.problems.add(m.Path, 1, "header: changes: no column %q%s", name, didYouMean(name, m.columnNames()))
		}
	}
	for _, name := range m.Key {
		column, ok := m.Column(name)
		switch {
		case !ok && len(m.Columns) > 0:
			l.problems.add(m.Path, 1, "header: key: no column %q%s", name, didYouMean(name, m.columnNames()))
		case ok && isNullable(column.Type):
			l.problems.add(m.Path, 1, "header: key: %s is %s; the columns of a key are never null", name, column.Type)
		}
	}
}

// requireFollowed checks that a model named in changed keeps a log of its changes.
func (l *loader) requireFollowed(m *Model, name string) {
	parent := l.project.byName[name]
	if parent == nil || len(parent.Key) > 0 { // an entity, or a model that is missing, which is told elsewhere
		return
	}
	advice := "give it a key in its header"
	if parent.Materialized == View {
		advice = "a view has none: name the entities and models it reads"
	}
	l.problems.add(m.Path, m.sql.changedLines[name], "changed: %s keeps no log of its changes; %s", name, advice)
}
