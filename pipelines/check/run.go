package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"
)

// sampleRows is the number of failing rows kept as an example.
const sampleRows = 3

// Options says how checks run.
type Options struct {
	Moment Moment
	// Parallel is the number of tables checked at once; below 1 means 1.
	Parallel int
	// Settings are ClickHouse settings of every query.
	Settings map[string]string
	// Again, if set, asks about the table of that name, and may ask again when that fails.
	Again func(ctx context.Context, target string, ask func() error) error
}

// Run runs the checks of every target and returns the results in the order of
// the targets and their checks. A check that cannot run is a result too
// (Broken); the error is ctx's when it ended before the last check.
func Run(ctx context.Context, conn driver.Conn, targets []Target, o Options) ([]Result, error) {
	perTarget := make([][]Result, len(targets))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(o.Parallel, 1))
	for i, target := range targets {
		group.Go(func() (err error) {
			perTarget[i], err = RunTarget(ctx, conn, target, o)
			return err
		})
	}
	err := group.Wait()
	var results []Result
	for _, some := range perTarget {
		results = append(results, some...)
	}
	return results, err
}

// RunTarget runs the checks of one table, all in one query, and fetches samples for
// the failing ones. The error is about the table as a whole: ctx ended, or its rows
// were wanted and cannot be counted.
func RunTarget(ctx context.Context, conn driver.Conn, t Target, o Options) ([]Result, error) {
	if !t.AsOf.IsZero() {
		o.Moment.AsOf = t.AsOf
	}
	s := session{conn: conn, target: t, options: o}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(settings(o.Settings)))
	results := make([]Result, len(t.Checks))
	for i, c := range t.Checks {
		results[i] = s.blank(c)
	}
	if t.NotRun != "" {
		return notRun(results, t.NotRun), nil
	}
	if slices.ContainsFunc(t.Checks, func(c Check) bool { return c.NotRun != "" }) {
		return runRest(ctx, conn, t, o, results)
	}
	if err := s.count(ctx, results); err != nil {
		return nil, err
	}
	for i, c := range t.Checks {
		if results[i].Status == Failed {
			s.sample(ctx, c, &results[i])
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("check %s: %w", t.Name, context.Cause(ctx))
	}
	return results, nil
}

// runRest runs the checks that have no reason not to run.
func runRest(ctx context.Context, conn driver.Conn, t Target, o Options, results []Result) ([]Result, error) {
	var places []int
	rest := t
	rest.Checks = nil
	for i, c := range t.Checks {
		if results[i].Status, results[i].Message = NotRun, c.NotRun; c.NotRun == "" {
			places, rest.Checks = append(places, i), append(rest.Checks, c)
		}
	}
	ran, err := RunTarget(ctx, conn, rest, o)
	for n, result := range ran {
		results[places[n]] = result
	}
	return results, err
}

func notRun(results []Result, why string) []Result {
	for i := range results {
		results[i].Status, results[i].Message = NotRun, why
	}
	return results
}

// session runs the checks of one target.
type session struct {
	conn    driver.Conn
	target  Target
	options Options
}

func (s session) blank(c Check) Result {
	return Result{
		Model: s.target.Name, Check: c.Name, Kind: c.Kind, Severity: c.Severity, Status: Passed,
		Query: c.FailingRows(s.target.Relation, s.options.Moment), About: c.About, Place: c.Place,
		Fingerprint: s.target.Fingerprint, CheckedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
}

// count runs all checks of the table, again where the options say so. What cannot be
// asked after all is Broken; the error is that the rows cannot be counted.
func (s session) count(ctx context.Context, results []Result) (rowsErr error) {
	ask := func() error {
		if s.countTogether(ctx, results) {
			return nil
		}
		var broken error
		broken, rowsErr = s.countApart(ctx, results)
		return errors.Join(broken, rowsErr)
	}
	if s.options.Again == nil {
		_ = ask() // the results tell
		return rowsErr
	}
	_ = s.options.Again(ctx, s.target.Name, func() error { rowsErr = nil; return ask() }) // the results tell
	return rowsErr
}

// countTogether runs all checks of a table in one query. It says whether that went
// well: one wrong check breaks it for all.
func (s session) countTogether(ctx context.Context, results []Result) bool {
	if s.target.scanned() == "" || len(results) == 0 {
		return false
	}
	began := time.Now()
	query, place := s.target.countsQuery(s.options.Moment)
	var counts []uint64
	var rows uint64
	if err := s.conn.QueryRow(ctx, query).Scan(&counts, &rows); err != nil || len(counts) != len(results) {
		return false
	}
	for n, i := range place {
		results[i].Duration = time.Since(began) / time.Duration(len(results))
		results[i].judge(counts[n])
	}
	if s.target.Rows != nil {
		*s.target.Rows = rows
	}
	return true
}

// countApart runs each check in a query of its own, so that only the wrong one is
// Broken, and says what they are broken by.
func (s session) countApart(ctx context.Context, results []Result) (broken, rowsErr error) {
	for i, c := range s.target.Checks {
		broken = errors.Join(broken, s.countOne(ctx, c, &results[i]))
	}
	if s.target.Rows == nil {
		return broken, nil
	}
	if err := s.conn.QueryRow(ctx, "select count() from "+s.target.scanned()).Scan(s.target.Rows); err != nil {
		rowsErr = fmt.Errorf("count the rows of %s: %w", s.target.Name, InWords(err))
	}
	return broken, rowsErr
}

func (s session) countOne(ctx context.Context, c Check, r *Result) error {
	began := time.Now()
	var failures uint64
	err := s.conn.QueryRow(ctx, s.target.lookingUp(c).countQuery(s.target.scanned(), s.options.Moment)).Scan(&failures)
	r.Duration = time.Since(began)
	if err != nil {
		r.Status, r.Message = Broken, InWords(err).Error()
		return fmt.Errorf("check %s: %w", c.Name, InWords(err))
	}
	r.judge(failures)
	return nil
}

func (r *Result) judge(failures uint64) {
	r.Failures, r.Status, r.Message = failures, Passed, ""
	if failures > 0 {
		r.Status = Failed
	}
}

// sample fetches examples of failing rows. An error here does not matter to the
// verdict: the result goes without an example.
func (s session) sample(ctx context.Context, c Check, r *Result) {
	began := time.Now()
	columns, err := s.columns(ctx, c)
	if err != nil {
		return
	}
	rows, err := s.conn.Query(ctx, c.sampleQuery(s.target, columns, s.options.Moment))
	if err != nil {
		return
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if rows.Scan(&line) != nil {
			return
		}
		r.Sample = append(r.Sample, line)
	}
	r.Duration += time.Since(began)
}

// columns returns those of the check's failing rows: the table's own where they
// are its rows, else what the engine says.
func (s session) columns(ctx context.Context, c Check) ([]string, error) {
	switch c.Kind {
	case NotNull, AcceptedValues, Expression, NullUntil, Relationships:
		return s.target.Columns, nil
	}
	rows, err := s.conn.Query(ctx, "select * from (\n"+c.FailingRows(s.target.scanned(), s.options.Moment)+"\n) limit 1")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return rows.Columns(), rows.Err()
}

func settings(values map[string]string) clickhouse.Settings {
	s := clickhouse.Settings{}
	for name, value := range values {
		s[name] = value
	}
	return s
}

// EngineError is an error of the warehouse in its own words, without what the
// client puts around them.
type EngineError struct{ err error }

// InWords returns the error as an EngineError, or as it is when it does not come
// from the warehouse.
func InWords(err error) error {
	if exception, ok := errors.AsType[*clickhouse.Exception](err); ok && exception.Message != "" {
		return &EngineError{err}
	}
	return err
}

// Error returns what the warehouse says.
func (e *EngineError) Error() string {
	exception, _ := errors.AsType[*clickhouse.Exception](e.err)
	return exception.Message
}

// Unwrap returns the client's error.
func (e *EngineError) Unwrap() error { return e.err }
