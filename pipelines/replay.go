package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
)

// SettleOptions say what is to be done with which records of the quarantine, and
// who wants it.
type SettleOptions struct {
	// IDs are groups and records. Without any, all open records that Source and
	// Dataset let through are meant.
	IDs []string
	QuarantineFilter
	By       string
	Wait     time.Duration // for a run that is under way
	Observer Observer

	models []string // to be built afterwards; nil for all
}

// SettleSummary tells what became of records of the quarantine.
type SettleSummary struct {
	Summary
	Replayed  int `json:"replayed"`
	Discarded int `json:"discarded"`
	// StillOpen counts the records that were tried and do not fit, Reasons why.
	StillOpen int                `json:"still_open"`
	Reasons   []QuarantineReason `json:"reasons"`
	// Rows are the rows that were landed, of several entities perhaps.
	Rows int64 `json:"rows"`
}

// MarshalJSON adds what a pass over the quarantine tells to what a run does.
func (s SettleSummary) MarshalJSON() ([]byte, error) {
	type plain Summary
	return json.Marshal(struct {
		plain
		Seconds   float64            `json:"seconds"`
		Replayed  int                `json:"replayed"`
		Discarded int                `json:"discarded"`
		StillOpen int                `json:"still_open"`
		Reasons   []QuarantineReason `json:"reasons"`
		Rows      int64              `json:"rows"`
	}{plain(s.Summary), s.Duration.Seconds(), s.Replayed, s.Discarded, s.StillOpen, s.Reasons, s.Rows})
}

// Replay runs records that were put aside through their source's present mapping.
// The rows of those that fit now are landed like those of any run, loaded, and the
// models built; the others stay in quarantine with the new reason. A record is
// replayed once: what has fitted is never taken again, and where a file was read
// again since, that reading counts.
//
// Rows have a version beside that of the run that put the record aside, so that
// they take the place of nothing that was read later.
func (p *Project) Replay(ctx context.Context, o SettleOptions) (SettleSummary, error) {
	return p.settlePass(ctx, o, "quarantine replay", (*settling).replayAll)
}

// Discard marks records as not wanted, for a reason. They stay where they are.
func (p *Project) Discard(ctx context.Context, o SettleOptions, reason string) (SettleSummary, error) {
	return p.settlePass(ctx, o, "quarantine discard", func(s *settling, ctx context.Context) error {
		for _, c := range s.chosen {
			if err := s.discard(ctx, c, reason); err != nil {
				return err
			}
		}
		return nil
	})
}

// settlePass is a pass that settles records instead of extracting.
func (p *Project) settlePass(ctx context.Context, o SettleOptions, as string, do func(*settling, context.Context) error) (out SettleSummary, err error) {
	lock, err := p.lock(ctx, o.Wait)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, lock.unlock()) }()
	s := &settling{run: p.newRun(RunOptions{Wait: o.Wait, Observer: o.Observer, as: as}, selection{models: o.models}), options: o}
	s.out.Reasons = []QuarantineReason{}
	if err := s.choose(ctx); err != nil {
		return out, err
	}
	if len(s.chosen) == 0 {
		s.out.Summary = s.summary
		s.out.State = ledger.Done
		return s.out, nil
	}
	if err := s.open(ctx); err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.warehouse.Close()) }()
	if err = s.begin(ctx); err == nil {
		err = errors.Join(
			s.stage(ctx, "recover", s.recover),
			s.stage(ctx, "quarantine", func(ctx context.Context) error { return do(s, ctx) }),
			s.stage(ctx, "load", s.load),
		)
	}
	if err == nil && s.out.Rows > 0 {
		err = s.stage(ctx, "models", s.build)
	}
	s.out.Summary, err = s.finish(err)
	return s.out, err
}

// settling is the state of a pass that settles records.
type settling struct {
	*run
	options SettleOptions
	chosen  []*chosen
	out     SettleSummary
}

// chosen are the open records of a group that are meant.
type chosen struct {
	group   *landing.QuarantineGroup
	records []landing.QuarantineRecord
}

// choose finds the open records that are meant.
func (s *settling) choose(ctx context.Context) error {
	groups, err := s.quarantineGroups(s.options.QuarantineFilter)
	if err != nil {
		return err
	}
	var list []*picked
	if len(s.options.IDs) > 0 {
		if list, err = pick(groups, s.options.IDs); err != nil {
			return err
		}
	} else {
		for _, g := range groups {
			list = append(list, &picked{group: g})
		}
	}
	for _, p := range list {
		c, err := s.openRecords(ctx, p)
		if err != nil {
			return err
		}
		if len(c.records) > 0 {
			s.chosen = append(s.chosen, c)
		}
	}
	return nil
}

func (s *settling) openRecords(ctx context.Context, p *picked) (*chosen, error) {
	c := &chosen{group: p.group}
	standings, err := p.group.Standings()
	if err != nil || !slices.ContainsFunc(standings, func(s landing.Standing) bool { return s.State == landing.StillOpen }) {
		return c, err
	}
	for r, err := range s.Zone.QuarantineRecords(ctx, p.group) {
		if err != nil {
			return nil, err
		}
		if r.State == landing.StillOpen && p.wants(r.Number) {
			c.records = append(c.records, r)
		}
	}
	return c, nil
}

// discard marks the chosen records of a group.
func (s *settling) discard(ctx context.Context, c *chosen, reason string) error {
	numbers := make([]int, len(c.records))
	for i, r := range c.records {
		numbers[i] = r.Number
	}
	entry := s.entry(c.group, landing.Discarded, numbers)
	entry.Reason = reason
	if err := s.Zone.Settle(ctx, s.runInfo(c.group, ""), c.group.Dataset, []landing.Settlement{entry}); err != nil {
		return err
	}
	s.out.Discarded += len(numbers)
	return nil
}

// runInfo names the pass for what it leaves of a group: a manifest of its own.
func (s *settling) runInfo(g *landing.QuarantineGroup, suffix string) landing.RunInfo {
	return landing.RunInfo{RunID: s.summary.RunID + "." + g.ID() + suffix, Source: g.Source, ExtractedAt: s.started}
}

func (s *settling) entry(g *landing.QuarantineGroup, state landing.QuarantineState, numbers []int) landing.Settlement {
	return landing.Settlement{
		Of: g.RunID, State: state, Records: landing.NumbersOf(numbers), RunID: s.summary.RunID, By: s.options.By, At: s.now().UTC(),
	}
}

// replayAll replays the chosen records, a group at a time. A group that fails
// stops no other.
func (s *settling) replayAll(ctx context.Context) error {
	for _, c := range s.chosen {
		started := s.now()
		err := s.replayGroup(ctx, c)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.failed("replay", c.group.Source+"."+c.group.Dataset, started, err)
		}
	}
	slices.SortStableFunc(s.out.Reasons, func(a, b QuarantineReason) int { return b.Records - a.Records })
	return nil
}

// CannotReplayError says why the records of a group cannot be tried again.
type CannotReplayError struct{ Group, Reason string }

func (e *CannotReplayError) Error() string {
	return fmt.Sprintf("%s cannot be replayed: %s", e.Group, e.Reason)
}

// replayer returns the source and the dataset of a group.
func (s *settling) replayer(g *landing.QuarantineGroup) (source Source, dataset connectors.Dataset, err error) {
	refused := func(reason string) error { return &CannotReplayError{Group: g.ID(), Reason: reason} }
	source, ok := s.Source(g.Source)
	if !ok {
		return source, dataset, refused(fmt.Sprintf("source %s is not configured any more", g.Source))
	}
	at := slices.IndexFunc(source.Datasets(), func(d connectors.Dataset) bool { return d.Name == g.Dataset })
	switch _, can := source.Source.(connectors.Replayer); {
	case at < 0:
		return source, dataset, refused(fmt.Sprintf("source %s has no dataset %s any more", g.Source, g.Dataset))
	case !can:
		return source, dataset, refused(fmt.Sprintf("a source of kind %s is read again instead: winback run --full --only source:%s", source.Connector.Name, g.Source))
	case g.Failure != "":
		return source, dataset, refused("that run took over nothing of the dataset; the next winback run reads all of it again")
	}
	return source, source.Datasets()[at], nil
}

// replayGroup replays the chosen records of a group: those that come instead of
// what was landed of them, and those of which nothing was.
func (s *settling) replayGroup(ctx context.Context, c *chosen) error {
	source, dataset, err := s.replayer(c.group)
	if err != nil {
		return err
	}
	whole := source.Source.(connectors.Replayer).ReplaysWhole(dataset.Name)
	instead, besides := &try{suffix: ".instead"}, &try{}
	for _, r := range c.records {
		if r.SameKey {
			s.stays(r, r.Column, r.Reason)
			continue
		}
		t := besides
		if whole || r.Kept {
			t = instead
		}
		t.records = append(t.records, r)
	}
	for _, t := range []*try{besides, instead} {
		t.group, t.source, t.dataset = c.group, source, dataset
		if err := s.try(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// try is one attempt: records whose rows get one version.
type try struct {
	suffix  string // of the run's id
	group   *landing.QuarantineGroup
	source  Source
	dataset connectors.Dataset
	records []landing.QuarantineRecord
}

// version returns the version of the rows: beside that of the run that put the
// records aside. Those that come instead of rows of that run are newer than it, the
// others older, so that a row which that run did land under the same key stays. No
// two tries of a group have a record, and so a version, in common.
func (t *try) version() time.Time {
	first := t.records[0]
	at := entity.Time(first.At)
	distance := entity.Time(first.Number)
	if t.suffix != "" {
		return (at + distance).Go()
	}
	return (at - distance).Go()
}

func (s *settling) try(ctx context.Context, t *try) error {
	if len(t.records) == 0 {
		return nil
	}
	info := landing.ReplayInfo{RunInfo: s.runInfo(t.group, t.suffix), Of: t.group.RunID, Version: t.version()}
	eraser, err := s.eraser()
	if err != nil {
		return err
	}
	w, caught, err := s.Zone.BeginReplay(ctx, info, t.dataset, landing.Options{PartBytes: int(s.Config.Landing.PartSize), Eraser: eraser})
	if err != nil {
		return err
	}
	cursors, err := s.Zone.Cursors(t.group.Source, t.group.Dataset)
	if err == nil {
		err = t.source.Source.(connectors.Replayer).Replay(ctx, connectors.Request{Dataset: t.dataset.Name, Cursors: cursors}, t.rejects(), w)
	}
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	if o := t.outcome(caught()); len(o.replayed) == 0 { // rows, if there are any, say nothing new
		err := w.Abort()
		if changed := o.changed(); err == nil && len(changed) > 0 {
			err = s.Zone.Settle(ctx, s.runInfo(t.group, t.suffix), t.group.Dataset, s.entries(t, outcome{stays: changed}))
		}
		s.told(o, nil)
		return err
	}
	var last outcome
	w.SettleBy(func() []landing.Settlement {
		last = t.outcome(caught())
		return s.entries(t, outcome{replayed: last.replayed, stays: last.changed()})
	})
	m, err := w.Commit(ctx, nil)
	if err == nil {
		s.told(last, m)
	}
	return err
}

// rejects are the records as they were rejected.
func (t *try) rejects() []connectors.Reject {
	list := make([]connectors.Reject, len(t.records))
	for i, r := range t.records {
		schema := entity.Lookup(r.Entity)
		if !slices.Contains(t.dataset.Entities, schema) {
			schema = t.dataset.Entities[0] // the mapping has another entity by now
		}
		list[i] = connectors.Reject{
			Entity: schema, Input: r.Input, Line: r.Line, Column: r.Column, Value: r.Value,
			Reason: r.Reason, Record: r.Record, Form: r.Form, Kept: r.Kept,
		}
	}
	return list
}

// outcome is what became of the records of a try.
type outcome struct {
	replayed []int
	stays    []stay
}

// stay is a record that still does not fit.
type stay struct {
	landing.QuarantineRecord
	column, reason string // of this try
}

// changed are the records that do not fit for another reason than before.
func (o outcome) changed() []stay {
	return slices.DeleteFunc(slices.Clone(o.stays), func(s stay) bool {
		column, reason := reasonOf(s.QuarantineRecord)
		return column == s.column && reason == s.reason
	})
}

// outcome sets what was rejected this time against the records: one whose value
// was left out fits when that column does.
func (t *try) outcome(rejects []connectors.Reject) outcome {
	type place struct {
		input string
		line  int64
	}
	again := map[place][]connectors.Reject{}
	for _, r := range rejects {
		at := place{r.Input, r.Line}
		again[at] = append(again[at], r)
	}
	var o outcome
	for _, r := range t.records {
		at := slices.IndexFunc(again[place{r.Input, r.Line}], func(j connectors.Reject) bool { return !j.Kept || j.Column == r.Column })
		if at < 0 {
			o.replayed = append(o.replayed, r.Number)
			continue
		}
		reject := again[place{r.Input, r.Line}][at]
		o.stays = append(o.stays, stay{QuarantineRecord: r, column: reject.Column, reason: reject.Reason})
	}
	return o
}

// entries are the entries of the quarantine's log about an outcome.
func (s *settling) entries(t *try, o outcome) []landing.Settlement {
	var list []landing.Settlement
	if len(o.replayed) > 0 {
		list = append(list, s.entry(t.group, landing.Replayed, o.replayed))
	}
	byReason := map[[2]string][]int{}
	for _, r := range o.stays {
		key := [2]string{r.column, r.reason}
		byReason[key] = append(byReason[key], r.Number)
	}
	keys := slices.SortedFunc(maps.Keys(byReason), func(a, b [2]string) int { return byReason[a][0] - byReason[b][0] })
	for _, key := range keys {
		e := s.entry(t.group, landing.StillOpen, byReason[key])
		e.Column, e.Reason = key[0], key[1]
		list = append(list, e)
	}
	return list
}

// told brings an outcome into the summary.
func (s *settling) told(o outcome, m *landing.Manifest) {
	s.out.Replayed += len(o.replayed)
	for _, r := range o.stays {
		s.stays(r.QuarantineRecord, r.column, r.reason)
	}
	if m == nil {
		return
	}
	for _, f := range m.Files {
		s.out.Rows += f.Rows
	}
	for _, w := range m.UnknownWords {
		s.tellUnknownWord(datasetName(m.Source, m.Dataset), w)
	}
}

// stays counts a record that still does not fit.
func (s *settling) stays(r landing.QuarantineRecord, column, reason string) {
	s.out.StillOpen++
	at := slices.IndexFunc(s.out.Reasons, func(q QuarantineReason) bool { return q.Column == column && q.Reason == reason })
	if at < 0 {
		at = len(s.out.Reasons)
		s.out.Reasons = append(s.out.Reasons, QuarantineReason{Column: column, Reason: reason, Example: placeOf(r.Input, r.Line)})
	}
	s.out.Reasons[at].Records++
}
