package shopify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"winback/connectors"
	"winback/connectors/record"
	"winback/connectors/window"
)

// lag is how long before now a window ends: the shop's search follows its changes.
const lag = 2 * time.Minute

// defaultOverlap is how far before the end of the last run to begin.
const defaultOverlap = 10 * time.Minute

// longWindow is what is worth a bulk operation.
const longWindow = 48 * time.Hour

// run is one extraction.
type run struct {
	s      *source
	kind   *kind
	req    connectors.Request
	rows   *record.Rows
	shop   *shop
	window window.Window
	// expecting says that the shop has told how many records come, without their
	// children.
	expecting bool
}

// Extract reads what is new in a dataset.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	k := kindOf(req.Dataset)
	if k == nil {
		return connectors.Extracted{}, fmt.Errorf("there is no dataset %s", req.Dataset)
	}
	shop, err := s.greet(ctx)
	if err != nil {
		return connectors.Extracted{}, err
	}
	last, _, err := window.Last(req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	s.tellLimits(req, k)
	plan := window.Plan{
		Since: s.config.Begin(s.zone), Oldest: func(ctx context.Context) (time.Time, bool, error) { return s.oldest(ctx, k) },
		Overlap: cmp.Or(s.config.Overlap, defaultOverlap) + k.grain, Lag: lag, Now: s.now(),
	}
	w, ok, err := plan.Next(ctx, req)
	if !ok || err != nil {
		return connectors.Extracted{}, err
	}
	r := &run{s: s, kind: k, req: req, shop: shop, window: w, rows: record.NewRows(req, sink, record.Options{
		Entity: k.schemas[0], Location: time.UTC, Payload: s.config.Payload, Fields: s.config.Fields, OnDrift: s.config.OnDrift,
		Known: []string{"id", k.child}, Told: last.Unknown,
	})}
	if err := r.read(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	if err := r.rows.Close(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	return w.Done(r.rows.Unknown(), nil)
}

// read reads the window, and what was deleted in it.
func (r *run) read(ctx context.Context) error {
	long := r.window.Until.Sub(r.window.From) > longWindow
	if long && r.s.config.Bulk != "never" && r.req.Sample == 0 {
		done, err := r.bulk(ctx)
		if err != nil {
			return err
		}
		if !done {
			err = r.pages(ctx)
		}
		if err != nil || r.window.First {
			return err
		}
		return r.deletions(ctx)
	}
	if err := r.pages(ctx); err != nil || r.window.First {
		return err
	}
	return r.deletions(ctx)
}

// filter finds what was changed within the window.
func (r *run) filter() string {
	from, until := r.window.From, r.window.Until
	if r.kind.grain > 0 { // the shop may look at the days alone
		from, until = from.UTC().Truncate(r.kind.grain), until.UTC().Add(r.kind.grain-time.Nanosecond).Truncate(r.kind.grain)
	}
	return between("updated_at", from, until)
}

func between(field string, from, until time.Time) string {
	return fmt.Sprintf("%s:>='%s' AND %s:<'%s'", field, stamp(from), field, stamp(until.Add(time.Second-time.Nanosecond)))
}

func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

// oldest is when the record was changed that has been left alone the longest; one
// that is found by when it was made was changed no earlier.
func (s *source) oldest(ctx context.Context, k *kind) (oldest time.Time, ok bool, err error) {
	var got map[string]struct {
		Nodes []struct {
			Created time.Time `json:"createdAt"`
			Updated time.Time `json:"updatedAt"`
		} `json:"nodes"`
	}
	document := `{ ` + k.root + `(first: 1, sortKey: ` + k.oldest + `) { nodes { id createdAt updatedAt } } }`
	if _, err := s.query(ctx, "oldest of "+k.root, document, nil, &got); err != nil {
		return oldest, false, err
	}
	nodes := got[k.root].Nodes
	if len(nodes) == 0 {
		return oldest, false, nil
	}
	if k.oldest == "CREATED_AT" {
		return nodes[0].Created, true, nil
	}
	return nodes[0].Updated, true, nil
}

// list is a part of a list.
type list struct {
	Info  pageInfo          `json:"pageInfo"`
	Nodes []json.RawMessage `json:"nodes"`
}

type pageInfo struct {
	More bool   `json:"hasNextPage"`
	End  string `json:"endCursor"`
}
