package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"winback/pipelines/check"
	"winback/pipelines/model/quote"
)

// wholeAbove is the share of a table's rows from which on it is built whole when
// they are touched: simpler, and no dearer.
const wholeAbove = 0.4

// keysIn returns the condition that the columns are a key of a table aside.
func (m *Model) keysIn(columns, suffix string) string {
	return fmt.Sprintf("(%s) in (select %s from %s)", columns, quote.Names(m.Key), m.aside(suffix))
}

// increment builds the touched keys anew: their rows go into a table aside and are
// compared with those of the table. Those of the keys that came out different are
// checked and take the place of the old ones, partition by partition. whole says
// why the table has to be built whole instead.
func (b *builder) increment(ctx context.Context, d decision) (result built, whole string, err error) {
	ctx = withSettings(ctx, b.settings, b.m.Settings)
	if err := b.clearLeftovers(ctx); err != nil {
		return result, "", err
	}
	defer func() {
		for _, suffix := range []string{newSuffix, touchedSuffix, freshSuffix, differSuffix} {
			b.drop(ctx, suffix)
		}
	}()
	touched, whole, err := b.findTouched(ctx, d)
	if whole != "" || err != nil {
		return result, whole, err
	}
	var differ uint64
	if touched > 0 {
		if differ, err = b.compareTouched(ctx); err != nil {
			return result, "", err
		}
	}
	if result.checks, err = b.checkIncrement(ctx, differ); err != nil {
		return result, "", err
	}
	result.keys, result.version = differ, b.last.version
	if touched == 0 || differ == 0 && len(d.pending) == 0 {
		result.unchanged, result.rows = true, b.last.rows
		return result, "", nil
	}
	if result.step, err = b.announce(ctx, d, freshSuffix); err != nil {
		return result, "", err
	}
	result.version = result.step.version
	if result.partitions, err = b.replacePartitions(ctx); err != nil {
		return result, "", err
	}
	result.allPartitions, result.rows, err = b.measure(ctx)
	return result, "", err
}

// findTouched notes the touched keys in a table aside. Many of them, or changes
// that the logs no longer hold, are a reason to build the table whole.
func (b *builder) findTouched(ctx context.Context, d decision) (touched uint64, whole string, err error) {
	if whole, err := b.logsLack(ctx, d); whole != "" || err != nil {
		return 0, whole, err
	}
	r := b.project.relations()
	r.changed = func(name string) string { return d.increment.changed[name] }
	r.this = b.m.Relation
	query, err := b.m.compileTouched(b.vars, d.increment.seen, r)
	if err != nil {
		return 0, "", err
	}
	keys := quote.Names(b.m.Key)
	query = fmt.Sprintf("select %s from (\n%s\n)", keys, query)
	if len(d.pending) > 0 {
		query += fmt.Sprintf("\nunion all select %s from (%s)", keys, b.m.logged(d.pending))
	}
	if err := b.createKeys(ctx, touchedSuffix); err != nil {
		return 0, "", err
	}
	err = b.exec(ctx, "find the touched keys", fmt.Sprintf("insert into %s (%s)\nselect distinct %s from (\n%s\n)", b.m.aside(touchedSuffix), keys, keys, query))
	if err != nil {
		return 0, "", err
	}
	if touched, err = b.count(ctx, b.m.aside(touchedSuffix)); touched == 0 || err != nil {
		return 0, "", err
	}
	var old, rows uint64
	count := fmt.Sprintf("select countIf(%s), count() from %s", b.m.keysIn(keys, touchedSuffix), b.m.Relation())
	if err := b.conn.QueryRow(ctx, count).Scan(&old, &rows); err != nil {
		return 0, "", fmt.Errorf("%s: count the touched rows: %w", b.m.Path, check.InWords(err))
	}
	if float64(old) > b.wholeAbove*float64(rows) {
		return 0, fmt.Sprintf("%d of its %d rows are touched", old, rows), nil
	}
	return touched, "", nil
}

// logsLack says which change log that the build needs is not whole.
func (b *builder) logsLack(ctx context.Context, d decision) (whole string, err error) {
	for name, steps := range d.increment.steps {
		ok, err := logIsWhole(ctx, b.conn, b.project.byName[name], steps)
		if err != nil {
			return "", err
		}
		if !ok {
			return "the log of changes of " + name + " lacks rows", nil
		}
	}
	if ok, err := logIsWhole(ctx, b.conn, b.m, d.pending); !ok || err != nil {
		return "what the broken-off build changed is not known", err
	}
	return "", nil
}

// compareTouched computes the rows of the touched keys and notes the keys whose
// rows came out different; it returns how many there are.
func (b *builder) compareTouched(ctx context.Context) (uint64, error) {
	if err := b.computeFresh(ctx); err != nil {
		return 0, err
	}
	return b.compare(ctx, b.m.Relation(), b.m.keysIn(quote.Names(b.m.Key), touchedSuffix), freshSuffix)
}

// createKeys makes an empty table aside for keys.
func (b *builder) createKeys(ctx context.Context, suffix string) error {
	columns := make([]string, len(b.m.Key))
	for i, name := range b.m.Key {
		column, _ := b.m.Column(name)
		columns[i] = quote.Name(name) + " " + column.Type
	}
	return b.exec(ctx, "create the table of keys", fmt.Sprintf("create table %s (%s) engine = MergeTree order by (%s)",
		b.m.aside(suffix), strings.Join(columns, ", "), quote.Names(b.m.Key)))
}

// computeFresh computes the rows of the touched keys.
func (b *builder) computeFresh(ctx context.Context) error {
	r := b.project.relations()
	r.touched = func(columns string) string { return b.m.keysIn(columns, touchedSuffix) }
	sql, err := b.m.compile(b.vars, r)
	if err != nil {
		return err
	}
	// The columns are those of the whole build before: no definition changed since.
	if err := b.exec(ctx, "create the table", b.m.createTable(b.m.aside(freshSuffix))); err != nil {
		return err
	}
	// What the query returns beyond the touched keys may be a part of their rows.
	query := fmt.Sprintf("select %s from (\n%s\n) where %s", quote.Names(b.m.columnNames()), sql, b.m.keysIn(quote.Names(b.m.Key), touchedSuffix))
	return b.exec(ctx, "compute the touched rows", b.m.insertRows(b.m.aside(freshSuffix), query))
}

// differences returns a query for rows of two relations, each with two hashes of
// it and a side: 1 for the first relation, -1 for the second.
func (m *Model) differences(columns []string, before, conditionBefore, after, conditionAfter string) string {
	row := "tuple(" + quote.Names(m.columnNames()) + ")"
	side := func(sign, relation, condition string) string {
		return fmt.Sprintf("select %s, toInt64(%s) as row_side, reinterpretAsInt64(sipHash64(%s)) as row_hash, reinterpretAsInt64(cityHash64(%s)) as row_other_hash from %s where %s",
			quote.Names(columns), sign, row, row, relation, condition)
	}
	return side("1", before, conditionBefore) + "\nunion all\n" + side("-1", after, conditionAfter)
}

// differing is the condition on groups of differences that their rows are not the
// same on both sides, however often each is there.
const differing = "(sum(row_side), sum(row_side * row_hash), sum(row_side * row_other_hash)) != (0, 0, 0)"

// compare notes the keys whose rows are not the same in the table and in one
// aside, and returns how many there are.
func (b *builder) compare(ctx context.Context, current, condition, suffix string) (uint64, error) {
	if err := b.createKeys(ctx, differSuffix); err != nil {
		return 0, err
	}
	keys := quote.Names(b.m.Key)
	err := b.exec(ctx, "compare with the earlier table", fmt.Sprintf("insert into %s (%s)\nselect %s from (\n%s\n) group by %s having %s",
		b.m.aside(differSuffix), keys, keys, b.m.differences(b.m.Key, current, condition, b.m.aside(suffix), "true"), keys, differing))
	if err != nil {
		return 0, err
	}
	return b.count(ctx, b.m.aside(differSuffix))
}

// announce writes into the change log what is going to change: the keys that
// differ, with the values of their rows that do, before and after. What a killed
// build may have changed is told again.
func (b *builder) announce(ctx context.Context, d decision, suffix string) (step, error) {
	m := b.m
	st := step{since: b.last.version, version: digest(d.want.fingerprint, b.last.version, b.runID)}
	if err := b.exec(ctx, "make the log of changes", m.createLog()); err != nil {
		return st, err
	}
	changes, condition := quote.Names(m.Changes), m.keysIn(quote.Names(m.Key), differSuffix)
	query := fmt.Sprintf("select %s from (\n%s\n) group by %s, row_hash, row_other_hash having %s",
		changes, m.differences(m.Changes, m.Relation(), condition, m.aside(suffix), condition), changes, differing)
	if len(d.pending) > 0 {
		query += "\nunion all " + m.logged(d.pending)
	}
	err := b.exec(ctx, "log what changes", fmt.Sprintf("insert into %s (log_step, %s)\nselect distinct %s, %s from (\n%s\n)",
		m.logRelation(), changes, quote.Literal(st.version), changes, query))
	if err != nil {
		return st, err
	}
	if st.rows, err = b.count(ctx, m.logRelation()+" where log_step = "+quote.Literal(st.version)); err != nil {
		return st, err
	}
	return st, recordStep(ctx, b.conn, m, st, b.runID)
}

func (b *builder) count(ctx context.Context, relation string) (rows uint64, err error) {
	if err := b.conn.QueryRow(ctx, "select count() from "+relation).Scan(&rows); err != nil {
		return 0, fmt.Errorf("%s: count the rows: %w", b.m.Path, check.InWords(err))
	}
	return rows, nil
}

// checkIncrement runs the checks as far as the new rows can break them: those of
// single rows on these alone, the others on the table as it will be.
func (b *builder) checkIncrement(ctx context.Context, differ uint64) ([]check.Result, error) {
	keys := quote.Names(b.m.Key)
	rows, table := b.m.checkTarget(), b.m.checkTarget()
	rows.Built = b.m.aside(freshSuffix)
	if differ > 0 {
		table.Built = fmt.Sprintf("(select * from %s where not %s union all select * from %s where %s)",
			b.m.Relation(), b.m.keysIn(keys, differSuffix), b.m.aside(freshSuffix), b.m.keysIn(keys, differSuffix))
	}
	rows.Checks, table.Checks = nil, nil
	for _, c := range b.m.Checks {
		switch {
		case c.Kind == check.Freshness:
			table.Checks = append(table.Checks, c)
		case differ == 0:
		case b.m.isLocal(c):
			rows.Checks = append(rows.Checks, c)
		default:
			table.Checks = append(table.Checks, c)
		}
	}
	return b.runChecks(ctx, rows, table)
}

// isLocal says whether only the rows of a key can break the check together.
func (m *Model) isLocal(c check.Check) bool {
	switch c.Kind {
	case check.NotNull, check.AcceptedValues, check.Expression, check.NullUntil:
		return true
	case check.Relationships:
		return c.To != ""
	case check.Unique:
		return !slices.ContainsFunc(m.Key, func(name string) bool { return !slices.Contains(c.Columns, name) })
	default:
		return false
	}
}
