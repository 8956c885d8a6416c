package model

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/check"
)

// Trial is a model over given rows instead of the tables that it reads.
type Trial struct {
	// SQL returns the model's rows; those of a computed model stand in it.
	SQL string

	conn     driver.Conn
	m        *Model
	settings map[string]string
}

// Try puts queries in the place of the models and entities ("shop.orders") that a
// model reads: what it would hold if they were all there is. Columns that a query
// leaves out are NULL or the default of their type, tables that are not given are
// empty; nothing is built. An error names the model.
func (r *Runner) Try(ctx context.Context, name string, vars Vars, rows map[string]string) (*Trial, error) {
	m, ok := r.project.byName[name]
	if !ok || m.sql == nil {
		return nil, fmt.Errorf("try %s: %w", name, &UnknownSelectorError{Selector: name, Suggestion: nearest(name, r.project.names())})
	}
	settings, err := readSettings(ctx, r.conn, r.options.Settings)
	if err != nil {
		return nil, err
	}
	var places []given
	for table, query := range rows {
		g := given{ref: table, sql: query}
		if domain, entity, ok := cutSource(table); ok {
			g.ref, g.source = "", Source{domain, entity}
		}
		places = append(places, g)
	}
	t := &testRun{runner: r, m: m, settings: settings}
	ctx = withSettings(ctx, settings, m.Settings)
	trial := &Trial{conn: r.conn, m: m, settings: settings}
	trial.SQL, err = t.modelSQL(ctx, vars, places)
	if err == nil && m.computation != nil {
		trial.SQL, err = t.computedRows(ctx, trial.SQL)
	}
	if err != nil {
		return nil, fmt.Errorf("try %s: %w", name, err)
	}
	return trial, nil
}

// Numbers returns what SQL expressions say of all rows together, such as
// sum(lost); NaN for NULL.
func (t *Trial) Numbers(ctx context.Context, expressions ...string) ([]float64, error) {
	values := make([]string, len(expressions))
	for i, e := range expressions {
		values[i] = "toFloat64(coalesce(" + e + ", nan))"
	}
	var numbers []float64
	query := fmt.Sprintf("select [%s] from (\n%s\n)", strings.Join(values, ", "), t.SQL)
	if err := t.conn.QueryRow(withSettings(ctx, t.settings, t.m.Settings), query).Scan(&numbers); err != nil {
		return nil, fmt.Errorf("try %s: %w", t.m.Name, check.InWords(err))
	}
	if len(numbers) != len(expressions) {
		return nil, fmt.Errorf("try %s: %d numbers of %d", t.m.Name, len(numbers), len(expressions))
	}
	for i, n := range numbers {
		if math.IsInf(n, 0) {
			numbers[i] = math.NaN()
		}
	}
	return numbers, nil
}
