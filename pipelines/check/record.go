package check

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/books"
)

// tableDDL is the table of check results: one row for every time a check ran.
const tableDDL = `create table if not exists ops.checks (
	run_id String comment 'Run that the check belonged to',
	model LowCardinality(String) comment 'Model that was checked, or the name of a check of its own under sql/checks',
	check String comment 'Name of the check within the model',
	kind LowCardinality(String) comment 'not_null, unique, accepted_values, relationships, expression, freshness, row_count_min, row_count_change, never_widens, null_until or query',
	severity LowCardinality(String) comment 'error keeps a new table from being published, warn is only reported',
	status LowCardinality(String) comment 'passed, failed (rows break the rule), broken (the check could not run) or not run (there was nothing to judge)',
	failures UInt64 comment 'Failing rows; repeated keys for unique',
	sample Array(String) comment 'Up to three failing rows as JSON, personal data masked',
	query String comment 'Query that returns the failing rows',
	message String comment 'What was found when it is more than rows, such as the error of a broken check',
	fingerprint String comment 'Identity of the data and the rule that were judged',
	checked_at DateTime64(6, 'UTC') comment 'When the check ran',
	duration_ms UInt64 comment 'Time the check took, in milliseconds'
) engine = MergeTree order by (model, check, checked_at) partition by toYYYYMM(checked_at)
comment 'Results of the data checks: one row per check and time it ran'`

// CreateTable creates ops.checks when it is not there yet.
func CreateTable(ctx context.Context, conn driver.Conn) error {
	for _, statement := range []string{"create database if not exists ops", tableDDL} {
		if err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("create ops.checks: %w", err)
		}
	}
	return nil
}

// record is a row of ops.checks.
type record struct {
	RunID       string   `json:"run_id"`
	Model       string   `json:"model"`
	Check       string   `json:"check"`
	Kind        Kind     `json:"kind"`
	Severity    Severity `json:"severity"`
	Status      Status   `json:"status"`
	Failures    uint64   `json:"failures"`
	Sample      []string `json:"sample"`
	Query       string   `json:"query"`
	Message     string   `json:"message"`
	Fingerprint string   `json:"fingerprint"`
	CheckedAt   string   `json:"checked_at"`
	DurationMS  int64    `json:"duration_ms"`
}

// Record adds the results to ops.checks under the run's id.
func Record(ctx context.Context, conn driver.Conn, runID string, results []Result) error {
	records := make([]record, len(results))
	for i, r := range results {
		records[i] = record{
			RunID: runID, Model: r.Model, Check: r.Check, Kind: r.Kind, Severity: r.Severity, Status: r.Status,
			Failures: r.Failures, Sample: r.Sample, Query: r.Query, Message: r.Message, Fingerprint: r.Fingerprint,
			CheckedAt: books.Time(r.CheckedAt), DurationMS: r.Duration.Milliseconds(),
		}
	}
	if err := books.Add(ctx, conn, "ops.checks", records...); err != nil {
		return fmt.Errorf("record check results: %w", err)
	}
	return nil
}
