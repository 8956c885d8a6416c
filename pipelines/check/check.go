// Package check tests the data of tables: a check is one rule about a table,
// rendered as one query that returns the rows breaking it. Checks run on a table
// that was just built, before readers see it, and on the tables of a warehouse at
// any time; results are values and rows of ops.checks.
package check

import (
	"fmt"
	"strings"
	"time"

	"winback/pipelines/quote"
)

// Kind is what a check tests.
type Kind string

// The kinds of checks.
const (
	// NotNull: the column has no NULL.
	NotNull Kind = "not_null"
	// Unique: no two rows have the same values in the columns. Rows with NULL in
	// a single-column key are left out; use NotNull for those.
	Unique Kind = "unique"
	// AcceptedValues: the column holds the listed values or NULL.
	AcceptedValues Kind = "accepted_values"
	// Relationships: every value of the column, NULL apart, is found in a column
	// of another table.
	Relationships Kind = "relationships"
	// Expression: a condition holds in every row; NULL (not known) passes.
	Expression Kind = "expression"
	// Freshness: the newest value of a date or time column is at most so many
	// days older than the day the warehouse describes. An empty table fails.
	Freshness Kind = "freshness"
	// RowCount: the table has at least so many rows.
	RowCount Kind = "row_count_min"
	// RowCountChange: the table did not lose or gain more than a share of the rows
	// of its last good build. Without such a build it passes.
	RowCountChange Kind = "row_count_change"
	// NeverWidens: along an order, within groups, the column never exceeds a value
	// that came before: the stages of a funnel, a survival curve. NULL is left out.
	NeverWidens Kind = "never_widens"
	// NullUntil: the columns are NULL as long as a condition does not hold, as that
	// the window they measure is over.
	NullUntil Kind = "null_until"
	// Query: a query of its own, which returns the failing rows.
	Query Kind = "query"
)

// Severity is what a failed check means.
type Severity string

// The severities.
const (
	// Error keeps a new table from replacing the last good one.
	Error Severity = "error"
	// Warn is reported and stops nothing.
	Warn Severity = "warn"
)

// Check is one rule about a table. Which fields count depends on Kind.
type Check struct {
	// Name identifies the check among those of its table.
	Name     string
	Kind     Kind
	Severity Severity
	// Columns are the tested columns: several for Unique and NullUntil, one for the
	// others.
	Columns []string
	// Values are the accepted values as text.
	Values []string
	// To and Field are the other table, as SQL, and its column (Relationships).
	// An empty To means the tested table itself.
	To, Field string
	// Condition is the SQL that must hold in every row (Expression), or until which
	// the columns are NULL (NullUntil).
	Condition string
	// By are the columns that make a group, Order the one along which its rows
	// follow each other (NeverWidens).
	By    []string `json:",omitempty"`
	Order string   `json:",omitempty"`
	// Query is the SQL that returns the failing rows (Query).
	Query string
	// Where limits the check to some rows; empty means all.
	Where string
	// MaxAgeDays is the limit of Freshness, in whole days.
	MaxAgeDays int
	// MinRows is the limit of RowCount.
	MinRows int
	// MaxDropPct and MaxGrowthPct are the limits of RowCountChange in percent; nil
	// is no limit.
	MaxDropPct, MaxGrowthPct *float64 `json:",omitempty"`
	// RowsBefore are the rows of the last good build (RowCountChange), filled in by
	// whoever runs the check; nil when there is nothing to compare with.
	RowsBefore *uint64 `json:",omitempty"`
	// NotRun says why the check does not run, if it does not: filled in by whoever runs
	// it, as where it looks into a table that is not there.
	NotRun string `json:",omitempty"`
	// About says in a sentence what the check is about, for people; "" where its name says enough.
	About string `json:"-"`
	// Place is where the check is written, "file:line".
	Place string
}

// DefaultName returns the name of a check that was given none, such as
// "unique(month, segment)".
func (c Check) DefaultName() string {
	switch c.Kind {
	case Expression:
		return "expression(" + strings.Join(strings.Fields(c.Condition), " ") + ")"
	case RowCount:
		return fmt.Sprintf("%s(%d)", c.Kind, c.MinRows)
	case NullUntil:
		return fmt.Sprintf("%s(%s: %s)", c.Kind, strings.Join(strings.Fields(c.Condition), " "), strings.Join(c.Columns, ", "))
	case NeverWidens:
		return fmt.Sprintf("%s(%s by %s)", c.Kind, c.Columns[0], c.Order)
	case RowCountChange:
		return string(c.Kind)
	default:
		return fmt.Sprintf("%s(%s)", c.Kind, strings.Join(c.Columns, ", "))
	}
}

// Target is a table and the checks to run on it.
type Target struct {
	// Name is what the results call the table: the model's name.
	Name string
	// Relation is the table's final name as SQL; the queries in results use it.
	Relation string
	// Built is where the rows are now, as SQL, when that is not Relation: a
	// table that waits to be swapped in.
	Built string
	// Few says that Built holds a small part of the table's rows: what they refer to
	// is then looked up among their own values, and not among all there are.
	Few bool
	// Columns are the table's columns in order.
	Columns []string
	// Private marks columns with personal data; samples mask them. For a Query they
	// are names that its result may have.
	Private map[string]bool
	// AsOf is the day that the table describes; zero means that of Options.
	AsOf time.Time
	// NotRun says why the checks do not run, if they do not.
	NotRun string
	// Fingerprint tells which data and rules were judged; kept with the results.
	Fingerprint string
	// Rows, if not nil, is given the number of the table's rows, which costs nothing
	// beside the checks.
	Rows   *uint64
	Checks []Check
}

// scanned returns the relation to read.
func (t Target) scanned() string {
	if t.Built != "" {
		return t.Built
	}
	return t.Relation
}

// lookingUp returns the check with what it looks into narrowed to the values that a
// few rows have: every value of another table would make a set of all its rows.
func (t Target) lookingUp(c Check) Check {
	if t.Few && c.Kind == Relationships && c.To != "" {
		c.To = fmt.Sprintf("%s where %s in (select %s from %s)", c.To, quote.Name(c.Field), quote.Name(c.Columns[0]), t.scanned())
	}
	return c
}

// Status is how a check ended.
type Status string

// The statuses.
const (
	Passed Status = "passed"
	// Failed: rows break the rule.
	Failed Status = "failed"
	// Broken: the check itself could not run.
	Broken Status = "broken"
	// NotRun: the check had nothing to judge.
	NotRun Status = "not run"
)

// Result is the outcome of one check.
type Result struct {
	Model    string
	Check    string
	Kind     Kind
	Severity Severity
	Status   Status
	// Failures is the number of failing rows; for Unique, of repeated keys; for
	// Freshness, RowCount and RowCountChange 1.
	Failures uint64
	// Sample holds up to three failing rows as JSON, personal data masked.
	Sample []string
	// Query returns the failing rows from the table under its final name.
	Query string
	// Message says what was found when that is more than rows: an engine's
	// error, an age. Empty otherwise.
	Message     string
	About       string `json:"about,omitempty"` // of the check
	Place       string
	Fingerprint string
	CheckedAt   time.Time
	Duration    time.Duration
}

// Blocking says that the result keeps a table from being published.
func (r Result) Blocking() bool {
	return (r.Status == Failed || r.Status == Broken) && r.Severity == Error
}

// String returns the result in one line for people.
func (r Result) String() string {
	head := fmt.Sprintf("%s: %s", r.Model, r.Check)
	if r.Model == r.Check {
		head = r.Model
	}
	switch {
	case r.Status == Passed:
		return head + " passed"
	case r.About != "" && r.Message == "":
		return fmt.Sprintf("%s: %s; failed in %s%s", head, strings.TrimSuffix(r.About, "."), counted(r.Failures, "row"), r.example())
	case r.Message != "":
		return head + " " + string(r.Status) + ": " + r.Message
	case r.Kind == Unique:
		return head + " failed: " + counted(r.Failures, "repeated key") + r.example()
	default:
		return head + " failed in " + counted(r.Failures, "row") + r.example()
	}
}

func counted(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (r Result) example() string {
	if len(r.Sample) == 0 {
		return ""
	}
	return ", such as " + r.Sample[0]
}
