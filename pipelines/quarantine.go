package pipelines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"winback/connectors/spec"
	"winback/pipelines/landing"
)

// QuarantineGroup is what one run put aside of one dataset, summed up.
type QuarantineGroup struct {
	ID      string    `json:"id"`
	Source  string    `json:"source"`
	Dataset string    `json:"dataset"`
	RunID   string    `json:"run_id"`
	At      time.Time `json:"at"`
	// Records are counted by what has become of them.
	Records   int `json:"records"`
	Open      int `json:"open"`
	Replayed  int `json:"replayed"`
	Resolved  int `json:"resolved"`
	Discarded int `json:"discarded"`
	// Reasons are those of the open records, or of all when none is open, the most
	// frequent first.
	Reasons []QuarantineReason `json:"reasons"`
	// Failure says why the run took over nothing of the dataset.
	Failure string `json:"failure,omitempty"`

	group *landing.QuarantineGroup
}

// QuarantineReason is a reason for which records were put aside.
type QuarantineReason struct {
	Column  string `json:"column"`
	Reason  string `json:"reason"`
	Records int    `json:"records"`
	Example string `json:"example"` // file:line of the first
}

// QuarantineRecord is one record that was put aside.
type QuarantineRecord struct {
	ID     string                  `json:"id"`
	Entity string                  `json:"entity"`
	Input  string                  `json:"input"`
	Line   int64                   `json:"line"`
	Column string                  `json:"column"`
	Value  string                  `json:"value"`
	Reason string                  `json:"reason"`
	Record string                  `json:"record"`
	Kept   bool                    `json:"kept"`
	State  landing.QuarantineState `json:"state"`
	// What last became of it, when, by whom and in which run.
	StateReason string     `json:"state_reason,omitempty"`
	StateAt     *time.Time `json:"state_at,omitempty"`
	StateBy     string     `json:"state_by,omitempty"`
	StateRun    string     `json:"state_run,omitempty"`
	Tries       int        `json:"tries"`
}

// Place is where the record stands: file:line.
func (r QuarantineRecord) Place() string { return placeOf(r.Input, r.Line) }

func placeOf(input string, line int64) string {
	if line == 0 {
		return input
	}
	return fmt.Sprintf("%s:%d", input, line)
}

// QuarantineFilter narrows a listing; empty fields stand for all.
type QuarantineFilter struct {
	Source, Dataset string
	// Settled also lists groups without open records.
	Settled bool
}

// Quarantine lists what was put aside, the newest first. It reads the landing zone
// alone. Errors are those of the zone, and a *QuarantineError for a source or
// dataset that nothing was put aside of.
func (p *Project) Quarantine(ctx context.Context, f QuarantineFilter) ([]QuarantineGroup, error) {
	groups, err := p.quarantineGroups(f)
	if err != nil {
		return nil, err
	}
	list := []QuarantineGroup{}
	for _, g := range slices.Backward(groups) {
		sum := QuarantineGroup{
			ID: g.ID(), Source: g.Source, Dataset: g.Dataset, RunID: g.RunID, At: g.At, Records: g.Rows,
			Failure: g.Failure, Reasons: []QuarantineReason{}, group: g,
		}
		if err := sum.count(); err != nil {
			return nil, err
		}
		if sum.Open == 0 && !f.Settled {
			continue
		}
		if err := sum.sumUp(ctx, p.Zone); err != nil {
			return nil, err
		}
		list = append(list, sum)
	}
	return list, nil
}

// quarantineGroups returns the groups that a filter lets through, oldest first.
func (p *Project) quarantineGroups(f QuarantineFilter) ([]*landing.QuarantineGroup, error) {
	sources, err := p.Zone.Sources()
	if err != nil {
		return nil, err
	}
	known := append(p.SourceNames(), sources...)
	if f.Source != "" && !slices.Contains(known, f.Source) {
		return nil, &QuarantineError{What: "source " + f.Source, Hint: spec.Hint(f.Source, known)}
	}
	var groups []*landing.QuarantineGroup
	var datasets []string
	for _, source := range sources {
		if f.Source != "" && f.Source != source {
			continue
		}
		all, err := p.Zone.QuarantineGroups(source)
		if err != nil {
			return nil, err
		}
		for _, g := range all {
			datasets = append(datasets, g.Dataset)
			if f.Dataset == "" || f.Dataset == g.Dataset {
				groups = append(groups, g)
			}
		}
	}
	if f.Dataset != "" && len(groups) == 0 {
		return nil, &QuarantineError{What: "dataset " + f.Dataset, Hint: spec.Hint(f.Dataset, datasets)}
	}
	slices.SortStableFunc(groups, func(a, b *landing.QuarantineGroup) int { return a.At.Compare(b.At) })
	return groups, nil
}

// QuarantineError says that there is nothing of a name in the quarantine.
type QuarantineError struct{ What, Hint string }

func (e *QuarantineError) Error() string {
	return fmt.Sprintf("nothing of %s is in quarantine%s; winback quarantine list --all shows what is", e.What, e.Hint)
}

// count counts the records of the group by state.
func (g *QuarantineGroup) count() error {
	standings, err := g.group.Standings()
	for _, s := range standings {
		switch s.State {
		case landing.StillOpen:
			g.Open++
		case landing.Replayed:
			g.Replayed++
		case landing.Resolved:
			g.Resolved++
		case landing.Discarded:
			g.Discarded++
		}
	}
	return err
}

// sumUp counts the reasons.
func (g *QuarantineGroup) sumUp(ctx context.Context, zone *landing.Zone) error {
	at := map[[2]string]int{}
	for r, err := range zone.QuarantineRecords(ctx, g.group) {
		if err != nil {
			return err
		}
		if g.Open > 0 && r.State != landing.StillOpen {
			continue
		}
		column, reason := reasonOf(r)
		key := [2]string{column, reason}
		i, known := at[key]
		if !known {
			i = len(g.Reasons)
			at[key] = i
			g.Reasons = append(g.Reasons, QuarantineReason{Column: column, Reason: reason, Example: placeOf(r.Input, r.Line)})
		}
		g.Reasons[i].Records++
	}
	slices.SortStableFunc(g.Reasons, func(a, b QuarantineReason) int { return cmp.Compare(b.Records, a.Records) })
	return nil
}

// reasonOf returns why a record does not fit, as of its last try.
func reasonOf(r landing.QuarantineRecord) (column, reason string) {
	if r.State == landing.StillOpen && r.Last.Reason != "" {
		return r.Last.Column, r.Last.Reason
	}
	return r.Column, r.Reason
}

// QuarantineRecords finds a group, or some records of it, by id, and returns the
// records. Errors: *QuarantineError for an id that names nothing.
func (p *Project) QuarantineRecords(ctx context.Context, id string) (QuarantineGroup, iter.Seq2[QuarantineRecord, error], error) {
	groups, err := p.quarantineGroups(QuarantineFilter{})
	if err != nil {
		return QuarantineGroup{}, nil, err
	}
	picked, err := pick(groups, []string{id})
	if err != nil {
		return QuarantineGroup{}, nil, err
	}
	g := picked[0].group
	sum := QuarantineGroup{
		ID: g.ID(), Source: g.Source, Dataset: g.Dataset, RunID: g.RunID, At: g.At, Records: g.Rows, Failure: g.Failure, group: g,
	}
	if err := sum.count(); err != nil {
		return sum, nil, err
	}
	return sum, func(yield func(QuarantineRecord, error) bool) {
		for r, err := range p.Zone.QuarantineRecords(ctx, g) {
			if err == nil && !picked[0].wants(r.Number) {
				continue
			}
			if !yield(publicRecord(sum.ID, r), err) || err != nil {
				return
			}
		}
	}, nil
}

func publicRecord(group string, r landing.QuarantineRecord) QuarantineRecord {
	out := QuarantineRecord{
		ID: recordID(group, r.Number), Entity: r.Entity, Input: r.Input, Line: r.Line, Column: r.Column, Value: r.Value,
		Reason: r.Reason, Record: r.Record, Kept: r.Kept, State: r.State,
		StateReason: r.Last.Reason, StateBy: r.Last.By, StateRun: r.Last.RunID, Tries: r.Tries,
	}
	if !r.Last.At.IsZero() {
		out.StateAt = &r.Last.At
	}
	return out
}

// picked are records of one group.
type picked struct {
	group   *landing.QuarantineGroup
	numbers map[int]bool // nil for all
}

func (p *picked) wants(number int) bool { return p.numbers == nil || p.numbers[number] }

// pick finds groups and records by their ids: k3f9a2x is a group, k3f9a2x.3 a
// record, k3f9a2x.3-9,12 several.
func pick(groups []*landing.QuarantineGroup, ids []string) ([]*picked, error) {
	var list []*picked
	var errs []error
	for _, id := range ids {
		name, numbers, some := strings.Cut(id, ".")
		at := slices.IndexFunc(groups, func(g *landing.QuarantineGroup) bool { return g.ID() == name })
		if at < 0 {
			errs = append(errs, &QuarantineError{What: "id " + id})
			continue
		}
		i := slices.IndexFunc(list, func(p *picked) bool { return p.group == groups[at] })
		if i < 0 {
			i = len(list)
			list = append(list, &picked{group: groups[at], numbers: map[int]bool{}})
		}
		if !some {
			list[i].numbers = nil
			continue
		}
		met := false
		err := landing.Numbers(numbers).Each(groups[at].Rows, func(n int) {
			met = true
			if list[i].numbers != nil {
				list[i].numbers[n] = true
			}
		})
		if err != nil || !met {
			errs = append(errs, errors.Join(err, &QuarantineError{What: "id " + id}))
		}
	}
	return list, errors.Join(errs...)
}
