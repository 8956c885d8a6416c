package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// ColumnsTest is the name of the test that every model has without writing it:
// that its query returns the columns of the .yml.
const ColumnsTest = "columns"

// TestResult is the outcome of one unit test.
type TestResult struct {
	Model, Test string
	// Place is where the test is written, "file:line".
	Place string
	// Diff shows expected rows that are missing and rows that were not expected;
	// empty when there are none.
	Diff string
	// Err is why the test could not run; Problems for a model whose columns are
	// not those of its .yml.
	Err      error
	Duration time.Duration
}

// Passed says that the model did what the test expects.
func (r TestResult) Passed() bool { return r.Diff == "" && r.Err == nil }

// String returns the result for people: a line, and the diff below it.
func (r TestResult) String() string {
	name := fmt.Sprintf("%s: %s/%s", r.Place, r.Model, r.Test)
	switch {
	case r.Err != nil:
		return name + ": " + r.Err.Error()
	case r.Diff != "":
		return name + " returned other rows (- expected, + returned)\n" + r.Diff
	default:
		return name + " passed"
	}
}

// TestAll runs the unit tests of the models that the selectors fit. Tests need
// a warehouse to compute in and no tables: given rows stand in for everything a
// model reads. The error is about the tests as a whole: a wrong selector, ctx
// ending. A failing test is a result.
func TestAll(ctx context.Context, conn driver.Conn, project *Project, options RunnerOptions) ([]TestResult, error) {
	return NewRunner(conn, project, options).UnitTests(ctx)
}

// UnitTests runs the unit tests of the selected models, as TestAll does.
func (r *Runner) UnitTests(ctx context.Context) ([]TestResult, error) {
	models, err := r.project.Select(r.options.Select)
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(ctx, r.conn, r.options.Settings)
	if err != nil {
		return nil, err
	}
	settings["date_time_input_format"] = "best_effort"
	var tests []*testRun
	for _, m := range models {
		if m.Materialized == Seed {
			continue
		}
		tests = append(tests, &testRun{runner: r, m: m, settings: settings})
		for i := range m.UnitTests {
			tests = append(tests, &testRun{runner: r, m: m, settings: settings, test: &m.UnitTests[i]})
		}
	}
	results := make([]TestResult, len(tests))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Parallel)
	for i, test := range tests {
		group.Go(func() error {
			results[i] = test.run(ctx)
			return ctx.Err()
		})
	}
	return results, group.Wait()
}

// testRun runs one unit test; without a test, the one about columns.
type testRun struct {
	runner   *Runner
	m        *Model
	settings map[string]string
	test     *UnitTest
}

func (t *testRun) run(ctx context.Context) TestResult {
	began := time.Now()
	result := TestResult{Model: t.m.Name, Test: ColumnsTest, Place: fmt.Sprintf("%s:%d", t.m.PropertiesPath, t.m.columnLine)}
	ctx = withSettings(ctx, t.settings, t.m.Settings)
	if t.test == nil {
		result.Err = t.columns(ctx)
	} else {
		result.Test, result.Place = t.test.Name, t.test.Place
		result.Diff, result.Err = t.compare(ctx)
	}
	result.Duration = time.Since(began)
	return result
}

// columns verifies the model's columns over empty inputs.
func (t *testRun) columns(ctx context.Context) error {
	sql, err := t.modelSQL(ctx, DefaultVars(), nil)
	if err != nil {
		return err
	}
	if t.m.computation != nil { // its columns are compared where it is loaded
		return t.m.verifyInput(ctx, t.runner.conn, sql)
	}
	if err := t.m.verifyColumns(ctx, t.runner.conn, sql); err != nil || t.m.Materialized != Incremental {
		return err
	}
	return t.touchedColumns(ctx, sql)
}

// compare runs the model over the given rows and returns the difference from the
// expected ones. One query returns both, each cast to text by the engine from the
// types of the .yml, so that 20 and 20.0000 are the same decimal.
func (t *testRun) compare(ctx context.Context) (string, error) {
	sql, err := t.modelSQL(ctx, t.test.vars(), t.test.given)
	if err == nil && t.m.computation != nil {
		sql, err = t.computedRows(ctx, sql)
	}
	if err != nil {
		return "", err
	}
	diff, err := t.difference(ctx, sql, t.test.expect)
	if diff != "" || err != nil || t.test.then == nil {
		return diff, err
	}
	return t.compareSecond(ctx, sql)
}

// difference runs a query and returns how its rows differ from the expected ones.
func (t *testRun) difference(ctx context.Context, sql string, expect expectation) (string, error) {
	query, columns, err := t.query(sql, expect)
	if err != nil {
		return "", err
	}
	got, want, err := readSides(ctx, t.runner.conn, query)
	if err != nil {
		return "", err
	}
	return diffRows(columns, want, got), nil
}

// query returns the query for both sides, and the compared columns.
func (t *testRun) query(sql string, expect expectation) (string, []Column, error) {
	var columns []Column
	var texts []string
	for _, name := range expect.columns {
		column, _ := t.m.Column(name)
		columns = append(columns, column)
		texts = append(texts, fmt.Sprintf("cast(toString(%s), 'Nullable(String)')", quote.Name(name)))
	}
	expected, err := inline(columns, expect.rows)
	if err != nil {
		line, text := rowPlace(err, expect.line)
		return "", nil, fmt.Errorf("%s:%d: expected row: %s", t.m.PropertiesPath, line, text)
	}
	where := ""
	if t.test.where != "" {
		where = "\nwhere " + t.test.where
	}
	row := "[" + strings.Join(texts, ", ") + "]"
	return fmt.Sprintf("select false as expected, %s as row from (\n%s\n)%s\nunion all\nselect true, %s from %s",
		row, sql, where, row, expected), columns, nil
}

// readSides returns the rows of the model and the expected rows. They come as
// JSON: the embedded engine would have to describe the query once more to send
// them in the client's own format, and most of a test's time is in that.
func readSides(ctx context.Context, conn driver.Conn, query string) (got, want [][]*string, err error) {
	stream, err := conn.QueryFormat(ctx, "JSONCompactEachRow", query)
	if err != nil {
		return nil, nil, check.InWords(err)
	}
	defer stream.Close()
	for lines := json.NewDecoder(stream); ; {
		var expected bool
		var row []*string
		err := lines.Decode(&[]any{&expected, &row})
		switch {
		case err == io.EOF:
			return got, want, nil
		case err != nil:
			return nil, nil, check.InWords(err)
		case expected:
			want = append(want, row)
		default:
			got = append(got, row)
		}
	}
}

// modelSQL compiles the model with the given rows in the place of what it reads.
// What no rows are given for is empty; seeds hold their rows.
func (t *testRun) modelSQL(ctx context.Context, vars Vars, rows []given) (string, error) {
	p := t.standIns(ctx, rows)
	text, err := t.m.compile(vars, p.resolver)
	return p.put(text, err)
}

// places collects the stand-ins of a text while it is compiled.
type places struct {
	resolver
	tables []standIn
	errs   []error
}

// place notes a stand-in and returns its mark in the text.
func (p *places) place(s standIn, err error) string {
	p.tables, p.errs = append(p.tables, s), append(p.errs, err)
	return fmt.Sprintf("\x00%d\x00", len(p.tables)-1)
}

// put puts the stand-ins in the place of their marks.
func (p *places) put(text string, err error) (string, error) {
	if err := errors.Join(append(p.errs, err)...); err != nil {
		return "", err
	}
	return putStandIns(text, p.tables), nil
}

// standIns returns a resolver with the given rows for everything the model reads.
func (t *testRun) standIns(ctx context.Context, rows []given) *places {
	p := &places{}
	p.ref = func(name string) string {
		return p.place(t.standInForModel(ctx, t.runner.project.byName[name], rows))
	}
	p.source = func(source Source) string { return p.place(t.standInForSource(ctx, source, rows)) }
	p.once = onceWord(t.settings)
	return p
}

func (t *testRun) standInForModel(ctx context.Context, m *Model, rows []given) (standIn, error) {
	at := slices.IndexFunc(rows, func(g given) bool { return g.ref == m.Name })
	switch {
	case at >= 0:
		return t.standIn(ctx, m.Name, m.Columns, rows[at])
	case m.Materialized == Seed:
		return t.standIn(ctx, m.Name, m.Columns, given{rows: m.seedRows})
	default:
		return t.standIn(ctx, m.Name, m.Columns, given{})
	}
}

func (t *testRun) standInForSource(ctx context.Context, source Source, rows []given) (standIn, error) {
	if t.runner.options.Sources == nil {
		return standIn{}, fmt.Errorf("the columns of source %s are not known here", source)
	}
	columns, err := sourceColumns(t.runner.options.Sources, source)
	if err != nil {
		return standIn{}, err
	}
	var g given
	if at := slices.IndexFunc(rows, func(g given) bool { return g.source == source }); at >= 0 {
		g = rows[at]
	}
	return t.standIn(ctx, source.Domain+"_"+source.Entity, columns, g)
}

// standIn returns the rows given for a table under the table's name.
func (t *testRun) standIn(ctx context.Context, name string, columns []Column, g given) (standIn, error) {
	s := standIn{name: name, columns: columns}
	if g.sql != "" {
		query, err := t.completed(ctx, columns, g)
		s.query = query
		return s, err
	}
	rows, err := inline(columns, g.rows)
	if err != nil {
		line, text := rowPlace(err, g.line)
		return s, fmt.Errorf("%s:%d: given %s: %s", t.m.PropertiesPath, line, name, text)
	}
	s.query = "select * from " + rows
	return s, nil
}

// completed returns the query of a given "sql:" with all columns of the table in
// their types; those the query leaves out are NULL or the default of their type.
func (t *testRun) completed(ctx context.Context, columns []Column, g given) (string, error) {
	returned, err := describe(ctx, t.runner.conn, g.sql)
	if err != nil {
		return "", fmt.Errorf("%s:%d: given sql: %w", t.m.PropertiesPath, g.line, check.InWords(err))
	}
	names := (&Model{Columns: columns}).columnNames()
	has := map[string]bool{}
	for _, column := range returned {
		if has[column.Name] = true; !slices.Contains(names, column.Name) {
			return "", fmt.Errorf("%s:%d: given sql: no column %q%s", t.m.PropertiesPath, g.line, column.Name, didYouMean(column.Name, names))
		}
	}
	parts := make([]string, len(columns))
	for i, column := range columns {
		name := quote.Name(column.Name)
		value := "defaultValueOfTypeName(" + quote.Literal(column.Type) + ")"
		if has[column.Name] {
			value = "cast(given." + name + ", " + quote.Literal(column.Type) + ")"
		}
		parts[i] = value + " as " + name
	}
	return "select " + strings.Join(parts, ", ") + " from (\n" + g.sql + "\n) as given", nil
}
