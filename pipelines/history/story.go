package history

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/pipelines/books"
	"winback/pipelines/progress"
)

// Story is everything that is known of a run.
type Story struct {
	Run
	Seconds     float64      `json:"seconds,omitempty"`
	StepList    []Step       `json:"step_list"`
	Extractions []Extraction `json:"extractions"`
	Loads       []Load       `json:"loads"`
	// Checks are those that did not pass; Checked counts all that ran.
	Checks  []Check `json:"checks"`
	Checked uint64  `json:"checked"`
	Aside   []Aside `json:"aside"`
	// Next are the runs that made up for this one where it did not get done: those
	// for the same slot, or the next one. The last of them tells how it ended.
	Next []Run `json:"next,omitempty"`
	// Present is what it does at the moment, where it is under way and tells. The books
	// do not know: who asks them fills it in.
	Present *progress.Snapshot `json:"present,omitempty"`
}

// UnknownRunError says that there is no such run.
type UnknownRunError struct{ ID string }

func (e *UnknownRunError) Error() string {
	return fmt.Sprintf("there is no run %s", e.ID)
}

// Hint names the way out.
func (e *UnknownRunError) Hint() string {
	return "winback runs list shows them; the beginning of an id is enough, and last is the last one"
}

// Story tells a run by its id, by the beginning of one, or by the word last.
// Errors: *UnknownRunError.
func (b Books) Story(ctx context.Context, id string) (*Story, error) {
	f := Filter{Prefix: id, Last: 2}
	if id == "last" {
		f = Filter{Last: 1}
	}
	runs, err := b.Runs(ctx, f)
	switch {
	case err != nil:
		return nil, err
	case len(runs) == 0 || id == "":
		return nil, &UnknownRunError{ID: id}
	case len(runs) > 1 && runs[1].ID != id:
		return nil, fmt.Errorf("several runs begin with %s; give more of the id", id)
	}
	run := runs[len(runs)-1]
	if runs[0].ID == id {
		run = runs[0]
	}
	s := &Story{Run: run, Seconds: run.Duration().Seconds()}
	var errs [6]error
	s.StepList, errs[0] = b.Steps(ctx, run.ID)
	s.Extractions, errs[1] = read[Extraction](ctx, b, "what a run read", `SELECT source, dataset, entity, read, landed, unchanged, duplicates, quarantined, ignored, deleted
		FROM ops.extractions WHERE run_id = {run:String} ORDER BY source, dataset, entity`, named(run.ID)...)
	s.Loads, errs[2] = read[Load](ctx, b, "what a run loaded", `SELECT source, entity, count() AS files, sum(rows) AS loaded_rows, sum(bytes) AS loaded_bytes
		FROM ops.loads FINAL WHERE `+ofRun+` GROUP BY source, entity ORDER BY source, entity`, named(run.ID)...)
	s.Checks, errs[3] = read[Check](ctx, b, "the checks of a run", `SELECT `+checkColumns+` FROM ops.checks
		WHERE run_id = {run:String} AND status IN ('failed', 'broken') ORDER BY severity, model, check`, named(run.ID)...)
	s.Aside, errs[4] = read[Aside](ctx, b, "what a run put aside", fmt.Sprintf(asideSQL, ofRun), named(run.ID)...)
	s.Next, errs[5] = b.next(ctx, run)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	err = b.conn.QueryRow(ctx, "SELECT count() FROM ops.checks WHERE run_id = {run:String}", named(run.ID)...).Scan(&s.Checked)
	if books.IsMissingOrOlder(err) {
		err = nil
	}
	return s, err
}

// ofRun finds what carries the id of a run, or of one of its slices.
const ofRun = "(run_id = {run:String} OR startsWith(run_id, concat({run:String}, '.')))"

func named(run string) []any { return []any{clickhouse.Named("run", run)} }

// next finds the runs that came after one that did not get done, the newest first.
func (b Books) next(ctx context.Context, run Run) ([]Run, error) {
	if run.State == "done" || run.State == "running" {
		return nil, nil
	}
	after := func(condition string, most int, parameters ...any) ([]Run, error) {
		sql := fmt.Sprintf(runsSQL, fmt.Sprintf("%s run_id > {run:String} ORDER BY run_id LIMIT %d", condition, most))
		return read[Run](ctx, b, "the runs after a run", sql, append(named(run.ID), parameters...)...)
	}
	if run.Slot != nil {
		const sameSlot = "job = {job:String} AND slot = (SELECT any(slot) FROM ops.runs WHERE run_id = {run:String}) AND"
		list, err := after(sameSlot, 10, clickhouse.Named("job", run.Job))
		if err != nil || len(list) > 0 {
			return list, err
		}
	}
	return after("", 1)
}
