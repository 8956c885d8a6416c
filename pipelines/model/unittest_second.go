package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// compareSecond runs the model again over what the test gives then, once as the
// incremental build does and once whole: both have to return the expected rows.
// first is the query of the first run.
func (t *testRun) compareSecond(ctx context.Context, first string) (string, error) {
	vars := t.test.vars()
	for _, apply := range t.test.then.overrides {
		apply(&vars)
	}
	touched, err := t.touchedSQL(ctx, vars, first, t.test.given, t.test.then.given)
	if err != nil {
		return "", err
	}
	rows := t.givenThen()
	p := t.standIns(ctx, rows)
	keys := quote.Names(t.m.Key)
	p.touched = func(columns string) string {
		return fmt.Sprintf("(%s) in (select %s from (\n%s\n))", columns, t.m.keyFor(columns), touched)
	}
	text, err := t.m.compile(vars, p.resolver)
	fresh, err := p.put(text, err)
	if err != nil {
		return "", err
	}
	columns := quote.Names(t.m.columnNames())
	second := fmt.Sprintf("select %s from (\n%s\n) where (%s) not in (select %s from (\n%s\n))\nunion all\nselect %s from (\n%s\n) where (%s) in (select %s from (\n%s\n))",
		columns, first, keys, keys, touched, columns, fresh, keys, keys, touched)
	diff, err := t.difference(ctx, second, t.test.then.expect)
	if diff != "" || err != nil {
		return "after the second run:\n" + diff, err
	}
	whole, err := t.modelSQL(ctx, vars, rows)
	if err != nil {
		return "", err
	}
	if diff, err = t.difference(ctx, whole, t.test.then.expect); diff != "" {
		diff = "built whole instead of by a second run:\n" + diff
	}
	return diff, err
}

// givenThen are the tables of the second run: entities have further rows, models
// those given instead, what is not mentioned again is as it was.
func (t *testRun) givenThen() []given {
	rows := slices.Clone(t.test.given)
	for _, g := range t.test.then.given {
		at := slices.IndexFunc(rows, func(other given) bool { return other.ref == g.ref && other.source == g.source })
		switch {
		case at < 0:
			rows = append(rows, g)
		case g.ref != "":
			rows[at] = g
		default:
			rows[at].rows = slices.Concat(rows[at].rows, g.rows)
		}
	}
	return rows
}

// touchedSQL compiles the query for the touched keys over stand-ins: before and
// after are the rows of the two runs, first the query of the table so far.
func (t *testRun) touchedSQL(ctx context.Context, vars Vars, first string, before, after []given) (string, error) {
	all := before
	if t.test != nil {
		all = t.givenThen()
	}
	p := t.standIns(ctx, all)
	p.this = func() string { return p.place(standIn{name: t.m.Name, columns: t.m.Columns, query: first + "\n"}, nil) }
	p.changed = func(name string) string {
		if domain, entity, ok := cutSource(name); ok {
			return p.place(t.standInForSource(ctx, Source{domain, entity}, after))
		}
		return p.place(t.changedModel(ctx, t.runner.project.byName[name], before, all))
	}
	seen := vars.AsOf
	if t.test != nil {
		seen = t.test.vars().AsOf
	}
	text, err := t.m.compileTouched(vars, seen, p.resolver)
	return p.put(text, err)
}

// changedModel stands in for the change log of a model: what differs between its
// rows of the two runs.
func (t *testRun) changedModel(ctx context.Context, m *Model, before, after []given) (standIn, error) {
	was, err := t.standInForModel(ctx, m, before)
	if err != nil {
		return standIn{}, err
	}
	is, err := t.standInForModel(ctx, m, after)
	columns := quote.Names(m.Changes)
	return standIn{name: m.Name, query: fmt.Sprintf("select %s from (\n%s\n) group by %s, row_hash having sum(row_side) != 0",
		columns, m.differences(m.Changes, "("+was.query+")", "true", "("+is.query+")", "true"), columns)}, err
}

// touchedColumns verifies, over empty inputs, that the block touched runs and
// returns the columns of the key.
func (t *testRun) touchedColumns(ctx context.Context, sql string) error {
	query, err := t.touchedSQL(ctx, DefaultVars(), sql, nil, nil)
	if err != nil {
		return err
	}
	got, err := describe(ctx, t.runner.conn, query)
	if err != nil {
		return fmt.Errorf("%s: touched: %w", t.m.Path, check.InWords(err))
	}
	names := (&Model{Columns: got}).columnNames()
	if !slices.Equal(names, t.m.Key) {
		return fmt.Errorf("%s: touched returns the columns %s, the key is %s", t.m.Path, strings.Join(names, ", "), strings.Join(t.m.Key, ", "))
	}
	return nil
}
