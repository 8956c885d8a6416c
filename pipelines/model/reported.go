package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/check"
	"winback/pipelines/quote"
)

// Reported says which figures of a model people were told and may have written
// down: when a later build gives others for the same row, that is a restatement.
type Reported struct {
	// By are the columns that name a row, as month and segment.
	By []string
	// Values are the columns with the figures.
	Values []string
	// Over is the condition that a row is final, as that its month is over.
	Over string
}

// reportedDDL is the log of the figures of final rows: one entry whenever a figure
// is another than the last one told.
const reportedDDL = `create table if not exists ops.reported (
	model LowCardinality(String) comment 'Name of the model',
	row String comment 'Which row of it, as JSON: its month and segment',
	figure LowCardinality(String) comment 'Column of the figure',
	value Nullable(String) comment 'The figure as text; null = not known, or the row is gone',
	as_of Date comment 'Day that the warehouse described',
	reason String comment 'Why the table was built',
	run_id String comment 'Run that built it',
	reported_at DateTime64(6, 'UTC') comment 'When readers could see it first'
) engine = MergeTree order by (model, row, figure, reported_at)
comment 'Figures of complete periods as they were first told and whenever they changed since'`

// restatedDDL is the changes alone, each beside what was told before.
const restatedDDL = `create or replace view ops.restated (
	model String comment 'Name of the model',
	month Nullable(Date) comment 'First day of the month that was restated',
	segment Nullable(String) comment 'Customer segment',
	figure String comment 'Column of the figure',
	was Nullable(String) comment 'The figure as it was told before',
	now Nullable(String) comment 'The figure as it is told since; null = not known any more, or the row is gone',
	was_reported_at DateTime64(6, 'UTC') comment 'When it was told before',
	restated_at DateTime64(6, 'UTC') comment 'When the new figure could be seen first',
	was_as_of Date comment 'Day that the warehouse described then',
	as_of Date comment 'Day that it described with the new figure',
	reason String comment 'Why the table was built again',
	run_id String comment 'Run that built it',
	row String comment 'Which row of the model, as JSON',
	kpi Nullable(String) comment 'Id of the metric, in a table that has a row for each',
	cause String comment 'What moved it, as far as the data tell: late refunds, merged customers, a changed configuration, …'
) as
select model, toDateOrNull(JSONExtractString(row, 'month')) as month, nullIf(JSONExtractString(row, 'segment'), '') as segment,
	figure, was, value as now, was_reported_at, reported_at as restated_at, was_as_of, as_of, reason, run_id, row,
	nullIf(JSONExtractString(row, 'kpi'), '') as kpi, cause
from (
	select *,
		row_number() over history as times,
		lagInFrame(value) over history as was,
		lagInFrame(reported_at) over history as was_reported_at,
		lagInFrame(as_of) over history as was_as_of
	from ops.reported
	window history as (partition by model, row, figure order by reported_at rows between unbounded preceding and unbounded following)
)
where times > 1
comment 'Figures of complete periods that changed after they had been told'`

// report notes the figures of a table just built that were not told like that
// before, and returns how many of them were told otherwise. A build that goes back
// in time is an old report made again: it restates nothing.
func (m *Model) report(ctx context.Context, conn driver.Conn, b build, runID, reason string, c causes) (restated uint64, err error) {
	if err := conn.QueryRow(ctx, "select count() from ops.reported where model = ? and as_of > ?", m.Name, b.asOf).Scan(&restated); err != nil {
		return 0, fmt.Errorf("look what %s reported before: %w", m.Name, check.InWords(err))
	}
	if restated > 0 {
		return 0, nil
	}
	cause, join := c.expression()
	statement := fmt.Sprintf(`insert into ops.reported (model, row, figure, value, as_of, reason, cause, run_id, reported_at) %s
		select %s, figures.row, figures.figure, figures.value, %s, %s, if(figures.is_first, '', %s), %s, toDateTime64(%s, 6, 'UTC')
		from (%s) as figures %s`,
		"settings join_use_nulls = 1", quote.Literal(m.Name), quote.Date(b.asOf), quote.Literal(reason), cause, quote.Literal(runID),
		quote.Literal(b.builtAt.UTC().Format("2006-01-02 15:04:05.000000")), m.newFigures(), join)
	if err := conn.Exec(ctx, statement); err != nil {
		return 0, fmt.Errorf("note the figures that %s reports: %w", m.Name, check.InWords(err))
	}
	err = conn.QueryRow(ctx, "select count() from ops.restated where model = ? and run_id = ?", m.Name, runID).Scan(&restated)
	if err != nil {
		return 0, fmt.Errorf("count the restated figures of %s: %w", m.Name, check.InWords(err))
	}
	return restated, nil
}

// newFigures renders the figures of final rows that differ from the last ones told,
// those of rows that are gone among them.
func (m *Model) newFigures() string {
	figures := make([]string, len(m.Reported.Values))
	for i, name := range m.Reported.Values {
		figures[i] = fmt.Sprintf("(%s, toNullable(toString(%s)))", quote.Literal(name), quote.Name(name))
	}
	return fmt.Sprintf(`
		with
		-- A table may have columns called row or value.
		current as (
			select row_of_table as row, tupleElement(figure_of_table, 1) as figure, tupleElement(figure_of_table, 2) as value
			from (select formatRowNoNewline('JSONEachRow', %s) as row_of_table, arrayJoin([%s]) as figure_of_table from %s where %s)
		),
		told as (
			select row, toString(figure) as figure, tupleElement(argMax(tuple(value), reported_at), 1) as value
			from ops.reported where model = %s group by row, figure
		)
		select coalesce(current.row, told.row) as row, coalesce(current.figure, told.figure) as figure, current.value as value, told.row is null as is_first
		from current
		full join told on told.row = current.row and told.figure = current.figure
		where told.row is null or not (current.value is not distinct from told.value)`,
		quote.Names(m.Reported.By), strings.Join(figures, ", "), m.Relation(), m.Reported.Over, quote.Literal(m.Name))
}

// readReported reads "reported: {by: [month, segment], over: is_complete, values:
// [lost, churn_pct]}".
func readReported(y *yamlFile, m *Model, entry yamlEntry) {
	if entry.value == nil {
		return
	}
	fields := y.fields(entry.value, "reported", "by", "over", "values")
	reported := &Reported{
		By: y.texts(fields["by"].value, "by"), Values: y.texts(fields["values"].value, "values"), Over: y.text(fields["over"].value, "over"),
	}
	if len(reported.By) == 0 || len(reported.Values) == 0 || reported.Over == "" {
		y.problem(entry.line, "reported: give by (the columns that name a row), values (the figures) and over (the condition that a row is final)")
		return
	}
	if m.Materialized == View || m.Materialized == Seed {
		y.problem(entry.line, "reported: a %s reports nothing; its readers see what it reads", m.Materialized)
	}
	requireColumns(y, m, entry.line, "reported", slices.Concat(reported.By, reported.Values))
	m.Reported = reported
}
