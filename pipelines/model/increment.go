package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// wholeAbove is the share of a table's rows from which on it is built whole when
// they are touched: simpler, and no dearer.
const wholeAbove = 0.4

// fewKeys: one touched key in so many rows, or fewer, are no reason to count their
// rows, which means to read the keys of the whole table.
const fewKeys = 100

// keysIn returns the condition that the columns are a key of a table aside, or the
// beginning of one.
func (b *builder) keysIn(columns, suffix string) string {
	return b.keysAmong(columns, b.m.aside(suffix))
}

// keysAmong returns the condition that the columns are a key, or the beginning of
// one, among those of a relation, which may have a condition of its own behind it.
// Of several columns the one that tells most is compared alone before all are
// together: that spares most rows the dearer comparison.
func (b *builder) keysAmong(columns, relation string) string {
	expressions := splitColumns(columns)
	key := b.m.Key[:min(len(b.m.Key), len(expressions))]
	together := fmt.Sprintf("(%s) in (select %s from %s)", columns, quote.Names(key), relation)
	if len(key) < 2 {
		return together
	}
	tells := 0
	for i := range key {
		if i < len(b.keyValues) && b.keyValues[i] > b.keyValues[tells] {
			tells = i
		}
	}
	return fmt.Sprintf("%s in (select %s from %s) and %s", expressions[tells], quote.Name(key[tells]), relation, together)
}

// keyFor returns as many columns of the key as the list has expressions.
func (m *Model) keyFor(columns string) string {
	return quote.Names(m.Key[:min(len(m.Key), len(splitColumns(columns)))])
}

// splitColumns returns the expressions of a list.
func splitColumns(list string) (expressions []string) {
	start, depth := 0, 0
	for i, r := range list {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			expressions = append(expressions, strings.TrimSpace(list[start:i]))
			start = i + 1
		}
	}
	return append(expressions, strings.TrimSpace(list[start:]))
}

// countTouched returns how many keys are touched, and notes how many values each of
// their columns has.
func (b *builder) countTouched(ctx context.Context) (touched uint64, err error) {
	parts := make([]string, len(b.m.Key))
	for i, name := range b.m.Key {
		parts[i] = fmt.Sprintf("uniq(%s)", quote.Name(name))
	}
	query := fmt.Sprintf("select count(), [%s] from %s", strings.Join(parts, ", "), b.m.aside(touchedSuffix))
	if err := b.conn.QueryRow(ctx, query).Scan(&touched, &b.keyValues); err != nil {
		return 0, fmt.Errorf("%s: count the touched keys: %w", b.m.Path, check.InWords(err))
	}
	return touched, nil
}

// increment builds the touched keys anew: their rows go into a table aside and are
// compared with those of the table. The partitions with rows that came out
// different are put together aside, checked, and take the place of the old ones,
// one by one. whole says why the table has to be built whole instead.
func (b *builder) increment(ctx context.Context, d decision) (result built, whole string, err error) {
	ctx = withSettings(ctx, b.settings, b.m.Settings)
	if err := b.clearLeftovers(ctx); err != nil {
		return result, "", err
	}
	defer b.drop(ctx, touchedSuffix)
	touched, whole, err := b.findTouched(ctx, d)
	if whole != "" || err != nil {
		return result, whole, err
	}
	var differ difference
	if touched > 0 {
		defer func() {
			for _, suffix := range []string{newSuffix, freshSuffix, differSuffix} {
				b.drop(ctx, suffix)
			}
		}()
		if differ, err = b.compareTouched(ctx); err != nil {
			return result, "", err
		}
	}
	next, err := b.assemble(ctx, differ)
	if err != nil {
		return result, "", err
	}
	if result.checks, err = b.checkIncrement(ctx, differ); err != nil {
		return result, "", err
	}
	result.keys, result.version = differ.keys, b.last.version
	if touched == 0 || differ.keys == 0 && len(d.pending) == 0 {
		result.unchanged, result.rows = true, b.last.rows
		return result, "", nil
	}
	if result.step, err = b.announce(ctx, d); err != nil {
		return result, "", err
	}
	result.version, result.partitions = result.step.version, len(differ.partitions)
	if err := b.replacePartitions(ctx, next); err != nil {
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
	r.once = onceWord(b.settings)
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
	if touched, err = b.countTouched(ctx); touched == 0 || err != nil {
		return 0, "", err
	}
	if b.last.rows != nil && touched*fewKeys < *b.last.rows {
		return touched, "", nil
	}
	var old, rows uint64
	count := fmt.Sprintf("select countIf(%s), count() from %s", b.keysIn(keys, touchedSuffix), b.m.Relation())
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

// compareTouched computes the rows of the touched keys and notes those that came
// out different.
func (b *builder) compareTouched(ctx context.Context) (difference, error) {
	if err := b.computeFresh(ctx); err != nil {
		return difference{}, err
	}
	return b.compare(ctx, b.m.Relation(), b.keysIn(quote.Names(b.m.Key), touchedSuffix), freshSuffix)
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
	r.touched = func(columns string) string { return b.keysIn(columns, touchedSuffix) }
	r.once = onceWord(b.settings)
	sql, err := b.m.compile(b.vars, r)
	if err != nil {
		return err
	}
	// The columns are those of the whole build before: no definition changed since.
	if err := b.exec(ctx, "create the table", b.m.createTable(b.m.aside(freshSuffix))); err != nil {
		return err
	}
	// What the query returns beyond the touched keys may be a part of their rows.
	query := fmt.Sprintf("select %s from (\n%s\n) where %s", quote.Names(b.m.columnNames()), sql, b.keysIn(quote.Names(b.m.Key), touchedSuffix))
	return b.exec(ctx, "compute the touched rows", b.m.insertRows(b.m.aside(freshSuffix), query))
}

// rowHash is a hash of a row that no two different ones share.
func (m *Model) rowHash() string {
	return "reinterpretAsUInt128(sipHash128(tuple(" + quote.Names(m.columnNames()) + ")))"
}

// differences returns a query for rows of two relations, each with its hash and a
// side: 1 for the first relation, -1 for the second.
func (m *Model) differences(columns []string, before, conditionBefore, after, conditionAfter string) string {
	side := func(sign, relation, condition string) string {
		return fmt.Sprintf("select %s, toInt8(%s) as row_side, %s as row_hash from %s where %s",
			quote.Names(columns), sign, m.rowHash(), relation, condition)
	}
	return side("1", before, conditionBefore) + "\nunion all\n" + side("-1", after, conditionAfter)
}

// difference is what a comparison found.
type difference struct {
	// keys have other rows than before; gone of them lack some.
	keys, gone uint64
	// partitions are those with rows that differ.
	partitions []string
	// rows are how many more there are.
	rows int64
}

// compare notes the rows that are not the same in the table and in one aside, by
// their hashes, with what the change log tells of them and the partition they are
// in.
func (b *builder) compare(ctx context.Context, current, condition, suffix string) (d difference, err error) {
	columns := make([]string, len(b.m.Changes))
	for i, name := range b.m.Changes {
		column, _ := b.m.Column(name)
		columns[i] = quote.Name(name) + " " + column.Type
	}
	name := b.m.aside(differSuffix)
	err = b.exec(ctx, "create the table of differences", fmt.Sprintf(
		"create table %s (%s, row_partition LowCardinality(String), row_hash UInt128, olds UInt64, news UInt64) engine = MergeTree order by tuple()",
		name, strings.Join(columns, ", ")))
	if err != nil {
		return d, err
	}
	// Rows of one hash are the same, so any of them tells the rest.
	told := make([]string, len(b.m.Changes))
	for i, column := range b.m.Changes {
		told[i] = "any(" + quote.Name(column) + ")"
	}
	err = b.exec(ctx, "compare with the earlier table", fmt.Sprintf(
		"insert into %s (%s, row_partition, row_hash, olds, news)\nselect %s, any(_partition_id), row_hash, countIf(row_side > 0), countIf(row_side < 0) from (\n%s\n) group by row_hash having sum(row_side) != 0",
		name, quote.Names(b.m.Changes), strings.Join(told, ", "), b.m.differences(append(slices.Clone(b.m.Changes), "_partition_id"), current, condition, b.m.aside(suffix), "true")))
	if err != nil {
		return d, err
	}
	keys := quote.Names(b.m.Key)
	err = b.conn.QueryRow(ctx, fmt.Sprintf(`select uniqExact(%[1]s), uniqExactIf(%[1]s, olds > 0), groupUniqArray(row_partition), sum(toInt64(news)) - sum(toInt64(olds)) from %[2]s`,
		keys, b.m.aside(differSuffix))).Scan(&d.keys, &d.gone, &d.partitions, &d.rows)
	if err != nil {
		return d, fmt.Errorf("%s: compare with the earlier table: %w", b.m.Path, check.InWords(err))
	}
	slices.Sort(d.partitions)
	return d, nil
}

// announce writes into the change log what is going to change: of the rows that
// differ, before and after, what the log tells. What a killed build may have changed
// is told again.
func (b *builder) announce(ctx context.Context, d decision) (step, error) {
	m := b.m
	b.seen = true
	st := step{since: b.last.version, version: digest(d.want.fingerprint, b.last.version, b.runID)}
	if err := b.exec(ctx, "make the log of changes", m.createLog()); err != nil {
		return st, err
	}
	changes := quote.Names(m.Changes)
	query := fmt.Sprintf("select %s from %s", changes, m.aside(differSuffix))
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

// literals returns the texts as a list in SQL.
func literals(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote.Literal(text)
	}
	return strings.Join(quoted, ", ")
}

func (b *builder) count(ctx context.Context, relation string) (rows uint64, err error) {
	if err := b.conn.QueryRow(ctx, "select count() from "+relation).Scan(&rows); err != nil {
		return 0, fmt.Errorf("%s: count the rows: %w", b.m.Path, check.InWords(err))
	}
	return rows, nil
}

// checkIncrement runs the checks as far as the new rows can break them: those of
// single rows on these alone, the others on the table as it will be: the partitions
// that stay and those put together aside.
func (b *builder) checkIncrement(ctx context.Context, d difference) ([]check.Result, error) {
	rows := b.project.checkTarget(b.m, b.there)
	table, checks := rows, rows.Checks
	rows.Built, rows.Few = b.m.aside(freshSuffix), true
	if d.keys > 0 {
		table.Built = fmt.Sprintf("(select * from %s where _partition_id not in (%s) union all select * from %s)",
			b.m.Relation(), literals(d.partitions), b.m.aside(newSuffix))
	}
	rows.Checks, table.Checks = nil, nil
	for _, c := range checks {
		switch {
		case c.Kind == check.Freshness:
			table.Checks = append(table.Checks, c)
		case d.keys == 0:
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
