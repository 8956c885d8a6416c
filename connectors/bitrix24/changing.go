package bitrix24

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/window"
)

// changing describes a dataset that is read by the time of change of its records:
// one list, or several of one form, one after the other.
type changing struct {
	name    string
	entity  *entity.Schema   // what records are counted for
	also    []*entity.Schema // that come of the same records
	swept   []*entity.Schema // entities whose keys are compared
	kinds   []kind
	time    string        // field that windows go by
	overlap time.Duration // that changes come to light late by
	scope   string
	known   []string // fields that are not read
	begin   func(req connectors.Request)
}

// kind is a list with what becomes of its records.
type kind struct {
	list
	filter  params // besides the window
	typeID  int    // entityTypeId, for fields of the account's own; 0 for none
	prepare func(ctx context.Context, records []json.RawMessage) error
	row     func(r *record.Record)
	key     func(id string) string // the key of a row
}

// overlap is how far windows of records of the CRM overlap, and lag how far they
// end before now.
const (
	overlap = 10 * time.Minute
	lag     = 2 * time.Minute
)

// changing makes a dataset of the description.
func (s *source) changing(c changing) dataset {
	var keys []func(string) string
	for _, k := range c.kinds {
		keys = append(keys, k.key)
	}
	return dataset{
		keys: keys,
		name: c.name, entities: append(of(c.entity), c.also...), swept: c.swept, again: true, scope: c.scope,
		extract: func(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
			return s.changed(ctx, c, req, sink)
		},
		lists: func(since time.Time, also ...string) []asked {
			var lists []asked
			for _, k := range c.kinds {
				filter := k.filter.clone()
				if !since.IsZero() {
					filter[">="+c.time] = stamp(since)
				}
				lists = append(lists, asked{list: k.selecting(append(also, k.id)...), filter: filter, after: "0"})
			}
			return lists
		},
	}
}

// place is where a window was left that is read in parts, and how long the windows
// of a first reading are.
type place struct {
	Kind   int    `json:"kind,omitempty"`
	After  string `json:"after,omitempty"`
	Read   int    `json:"read,omitempty"`   // of the window so far
	Months int    `json:"months,omitempty"` // of a window
}

// longest is how many months a window may have.
const longest = 24

// next is how long the next window is: where there is little, longer, so that years
// in which hardly anything happened do not take a request a month.
func (p place) next(enough int) place {
	switch {
	case p.Read > enough:
		return place{Months: max(p.Months/2, 1)}
	case p.Read*4 < enough:
		return place{Months: min(p.Months*2, longest)}
	}
	return place{Months: p.Months}
}

// lastPlace is what the last commit left.
func lastPlace(req connectors.Request) (at place, told []string, err error) {
	last, again, err := window.Last(req)
	if err != nil || !again {
		return place{Months: 1}, nil, err
	}
	if last.Own != nil {
		if err := json.Unmarshal(last.Own, &at); err != nil {
			return at, nil, fmt.Errorf("read the cursor of %s: %w; --full reads everything again", req.Dataset, err)
		}
	}
	at.Months = max(at.Months, 1)
	return at, last.Unknown, nil
}

// changed reads a window.
func (s *source) changed(ctx context.Context, c changing, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	if err := s.ready(ctx, c); err != nil {
		return connectors.Extracted{}, err
	}
	at, told, err := lastPlace(req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	w, ok, err := s.plan(c, at.Months).Next(ctx, req)
	if err != nil || !ok {
		return connectors.Extracted{}, err
	}
	if w.Own == nil {
		at = place{Months: at.Months} // another window
	}
	if c.begin != nil {
		c.begin(req)
	}
	r := &reading{source: s, changing: c, window: w, req: req}
	r.rows = record.NewRows(req, sink, record.Options{
		Entity: c.entity, Location: s.env.Location, Payload: s.config.Payload, Fields: s.config.Fields, OnDrift: s.config.OnDrift,
		Known: c.known, Told: told, Custom: r.custom,
	})
	left, whole, err := r.from(ctx, at)
	if err == nil {
		err = r.rows.Close(ctx)
	}
	switch {
	case err != nil:
		return connectors.Extracted{}, err
	case !whole:
		left.Read, left.Months = at.Read+r.read, at.Months
		return w.Part(r.rows.Unknown(), left)
	}
	at.Read += r.read
	return w.Done(r.rows.Unknown(), at.next(s.config.SliceRows))
}

func (s *source) plan(c changing, months int) window.Plan {
	overlap := c.overlap
	if s.config.Overlap > overlap || s.config.Overlap > 0 && c.name != callsSet {
		overlap = s.config.Overlap
	}
	return window.Plan{
		Since: s.config.Begin(s.env.Location), Overlap: overlap, Lag: lag, Now: s.now(), Step: window.Months(months),
		Oldest: func(ctx context.Context) (time.Time, bool, error) { return s.oldest(ctx, c) },
	}
}

// reading is one extraction of a dataset that is read by the time of change.
type reading struct {
	*source
	changing
	window window.Window
	req    connectors.Request
	rows   *record.Rows
	kind   *kind // of the record being read
	read   int
}

// filter is what is asked of a list: the window, and what the list wants besides.
func (r *reading) filter(k kind) params {
	filter := k.filter.clone()
	filter[">="+r.time], filter["<"+r.time] = stamp(r.window.From), stamp(r.window.Until)
	return filter
}

// stamp is a time with its offset, without which it would be in a zone that the
// documents do not name.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05-07:00") }

// from reads the window from a place on. whole is false when there was too much of
// it for one commit; left is the place to go on from.
func (r *reading) from(ctx context.Context, at place) (left place, whole bool, err error) {
	var lists []asked
	for i, k := range r.kinds[at.Kind:] {
		after := "0"
		if i == 0 {
			after = cmp.Or(at.After, after)
		}
		lists = append(lists, asked{list: k.list, filter: r.filter(k), after: after})
	}
	heads, err := r.heads(ctx, lists)
	if err != nil {
		return left, false, err
	}
	for i, l := range lists {
		left = place{Kind: at.Kind + i}
		full, err := r.all(ctx, &r.kinds[left.Kind], l, heads[i], &left)
		if err != nil || full {
			return left, false, err
		}
	}
	return left, true, nil
}

// all reads a list behind its first page. full says that it is enough for a commit.
func (r *reading) all(ctx context.Context, k *kind, l asked, h head, left *place) (full bool, err error) {
	r.kind = k
	r.rows.Page(k.method + ", " + k.name)
	before := r.read
	take := func(records []json.RawMessage, last string) (bool, error) {
		left.After = last
		if err := r.page(ctx, k, records); err != nil {
			return false, err
		}
		full = r.read >= r.config.SliceRows
		return !full, nil
	}
	more, err := take(h.records, h.last)
	if err == nil && more {
		err = r.rest(ctx, l, h, take)
	}
	if err != nil {
		return false, err
	}
	got := int64(r.read - before)
	if full && got < h.total {
		r.rows.Expect(r.entity, got)
		return true, nil
	}
	return false, r.expect(ctx, l, h.total, got)
}

// expect compares what came with what was counted. Records that were changed in the
// meantime have left the window: so it is counted again before a loss is told.
func (r *reading) expect(ctx context.Context, l asked, total, got int64) error {
	if got < total && r.req.Sample == 0 {
		l.list = l.selecting(l.id)
		heads, err := r.heads(ctx, []asked{l})
		if err != nil {
			return err
		}
		total = min(total, heads[0].total)
	}
	r.rows.Expect(r.entity, total)
	return nil
}

// page makes rows of a page.
func (r *reading) page(ctx context.Context, k *kind, records []json.RawMessage) error {
	if len(records) == 0 {
		return nil
	}
	if k.prepare != nil {
		if err := k.prepare(ctx, records); err != nil {
			return err
		}
	}
	for _, raw := range records {
		one := r.rows.Record(raw)
		one.Need(k.id, r.time)
		k.row(one)
		if err := r.rows.End(ctx, one); err != nil {
			return err
		}
		r.read++
	}
	if r.req.Progress != nil {
		r.req.Progress(connectors.Progress{Rows: int64(r.read), Input: k.name})
	}
	return nil
}

// oldest finds when the first record of any list was changed.
func (s *source) oldest(ctx context.Context, c changing) (oldest time.Time, ok bool, err error) {
	var commands []command
	for _, k := range c.kinds {
		one := k.selecting(k.id, c.time).page(k.filter, "0", false)
		if k.shout {
			one.params["SORT"] = c.time
		} else {
			one.params["order"] = params{c.time: "ASC"}
		}
		commands = append(commands, one)
	}
	replies, err := s.each(ctx, commands)
	if err != nil {
		return oldest, false, err
	}
	for i, r := range replies {
		if r.err != nil {
			return oldest, false, r.err
		}
		at, found, err := c.kinds[i].earliest(r.result, c.time)
		if err != nil {
			return oldest, false, err
		}
		if found && (!ok || at.Before(oldest)) {
			oldest, ok = at, true
		}
	}
	return oldest, ok, nil
}

// errNoTime says that a record does not tell when it was changed.
var errNoTime = errors.New("a record has no time of change")

// earliest is the time of the first record of a result. Those without one come
// first; they have no place in a window.
func (k kind) earliest(result json.RawMessage, name string) (at time.Time, ok bool, err error) {
	records, err := k.records(result)
	if err != nil {
		return at, false, err
	}
	for _, raw := range records {
		text := field(raw, name)
		if text == "" || text == "null" {
			continue
		}
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return at, false, fmt.Errorf("read the oldest of %s: %w: %q", k.name, errNoTime, text)
		}
		return at, true, nil
	}
	return at, false, nil
}
