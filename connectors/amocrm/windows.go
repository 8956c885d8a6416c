package amocrm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/window"
)

const (
	// overlap is read again: an integration's writes may be stamped a little late.
	overlap = 10 * time.Minute
	// lag is how long a change may take to be in lists, eventLag to be in events.
	lag      = 10 * time.Second
	eventLag = 5 * time.Minute
)

// window finds the time to read next of some lists.
func (x *extraction) window(ctx context.Context, lists []*list, late time.Duration) (window.Window, bool, error) {
	p := window.Plan{
		Since: x.config.Begin(x.account.zone), Now: x.now(), Lag: late,
		Overlap: cmp.Or(x.config.Overlap, overlap),
		Oldest:  func(ctx context.Context) (time.Time, bool, error) { return x.oldest(ctx, lists) },
	}
	if x.req.Sample > 0 || !x.account.filters {
		p.Step = func(time.Time) time.Time { return p.Now }
	}
	return p.Next(ctx, x.req)
}

// oldest finds the first change that is still to be seen in any of the lists.
func (x *extraction) oldest(ctx context.Context, lists []*list) (oldest time.Time, ok bool, err error) {
	for _, l := range lists {
		records, _, err := x.patient(ctx, l, url.Values{"limit": {"1"}, "page": {"1"}, l.order(): {"asc"}})
		if err != nil {
			return oldest, false, err
		}
		if len(records) == 0 {
			continue
		}
		st := stampOf(records[0])
		at := time.Unix(st.UpdatedAt, 0)
		if !l.sorted {
			at = time.Unix(min(st.UpdatedAt, st.CreatedAt), 0)
		}
		if !ok || at.Before(oldest) {
			oldest, ok = at, true
		}
	}
	return oldest, ok, nil
}

// reading is a dataset that is read by time of change.
type reading struct {
	entity *entity.Schema
	lists  []*list
	parts  int // into which a long time is cut, for each list
	known  []string
	add    func(l *list, r *record.Record)
	// after, if set, reads what else belongs to the slice, and returns what is to be
	// kept in the cursor.
	after func(ctx context.Context, rows *record.Rows, w window.Window) (own any, err error)
}

// byChange reads the next slice of a dataset by time of change, or all of it where
// the account does not filter.
func (x *extraction) byChange(ctx context.Context, d reading) (connectors.Extracted, error) {
	if !x.account.filters {
		return x.whole(ctx, d)
	}
	w, ok, err := x.window(ctx, d.lists, lag)
	if !ok || err != nil {
		return connectors.Extracted{}, err
	}
	from, until := seconds(w.From, w.Until)
	var jobs []job
	for _, l := range d.lists {
		jobs = append(jobs, x.parts(l, from, until, max(d.parts, 1))...)
	}
	return x.slice(ctx, d, w, jobs)
}

// whole reads everything there is.
func (x *extraction) whole(ctx context.Context, d reading) (connectors.Extracted, error) {
	x.req.Tell(connectors.Notice{
		Kind: connectors.NoticePartial, Inputs: []string{d.entity.FullName()}, Count: 1,
		Text: "filters are switched off on this account, so all records are read in every run; another plan of amoCRM switches them on",
	})
	var jobs []job
	for _, l := range d.lists {
		jobs = append(jobs, job{l, func(ctx context.Context, give take) error { return x.paged(ctx, l, url.Values{}, give) }})
	}
	return x.slice(ctx, d, window.Window{From: time.Unix(0, 0), Until: x.now().Add(-lag), First: len(x.req.Cursors) == 0}, jobs)
}

// slice makes rows of the jobs' pages.
func (x *extraction) slice(ctx context.Context, d reading, w window.Window, jobs []job) (connectors.Extracted, error) {
	last, _, err := window.Last(x.req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	rows := x.rows(d.entity, d.known, last.Unknown)
	err = together(ctx, jobs, func(l *list, records []json.RawMessage) error {
		return x.records(ctx, rows, l.path+", "+w.Name(), records, func(r *record.Record) { d.add(l, r) })
	})
	if err != nil {
		return connectors.Extracted{}, err
	}
	var own any
	if d.after != nil {
		if own, err = d.after(ctx, rows, w); err != nil {
			return connectors.Extracted{}, err
		}
	}
	if err := rows.Close(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	if x.req.Range != nil && !x.account.filters {
		return connectors.Extracted{}, nil
	}
	return w.Done(rows.Unknown(), own)
}

// records makes rows of one page.
func (x *extraction) records(ctx context.Context, rows *record.Rows, page string, records []json.RawMessage, add func(r *record.Record)) error {
	rows.Page(page)
	for _, raw := range records {
		r := rows.Record(raw)
		r.Drop("_links", "account_id")
		add(r)
		if err := rows.End(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// own reads what the last extraction kept in the cursor.
func own[T any](req connectors.Request) (kept T, err error) {
	last, _, err := window.Last(req)
	if err != nil || len(last.Own) == 0 {
		return kept, err
	}
	if err := json.Unmarshal(last.Own, &kept); err != nil {
		return kept, fmt.Errorf("read the cursor of %s: %w; --full reads everything again", req.Dataset, err)
	}
	return kept, nil
}
