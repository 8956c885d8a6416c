package hubspot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"winback/connectors"
	"winback/connectors/record"
	"winback/connectors/restapi"
	"winback/connectors/window"
)

const (
	// overlap is read again: changes come to light late, under load by minutes.
	overlap = 15 * time.Minute
	// lag is how far the search is behind what is written.
	lag = 2 * time.Minute
	// slicePages is how many pages of a list one commit takes.
	slicePages = 100
	// binPages is how many pages of archived records are read in every run; where
	// there are more, once a day.
	binPages = 5
)

// kept is what a dataset keeps in its cursor.
type kept struct {
	Objects map[string]progress `json:"objects"`
}

// progress is how far one object was read.
type progress struct {
	Listed bool   `json:"listed,omitempty"` // the plain list came to its end
	After  string `json:"after,omitempty"`  // where it goes on
	// Bin is up to when archived records are known, and how many pages of them
	// there were.
	Bin      time.Time `json:"bin,omitzero"`
	BinPages int       `json:"bin_pages,omitempty"`
}

func (x *extraction) objects(ctx context.Context) (connectors.Extracted, error) {
	last, again, err := window.Last(x.req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	state := kept{Objects: map[string]progress{}}
	if len(last.Own) > 0 {
		if err := json.Unmarshal(last.Own, &state); err != nil {
			return connectors.Extracted{}, fmt.Errorf("read the cursor of %s: %w; --full reads everything again", x.req.Dataset, err)
		}
	}
	if err := x.prepare(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	rows := record.NewRows(x.req, x.sink, x.options(x.set.entities[0], last.Unknown))
	if x.req.Range == nil && x.config.Since.IsZero() {
		going, read, err := x.lists(ctx, rows, &state)
		if err != nil {
			return connectors.Extracted{}, err
		}
		if read || !again {
			if !again {
				last.Until = x.now()
			}
			return x.end(ctx, rows, last.Until, state, going)
		}
	}
	return x.searches(ctx, rows, state)
}

// prepare asks for what rows are made with.
func (x *extraction) prepare(ctx context.Context) error {
	x.words = words{labels: map[string]labels{}}
	objects := make([]*object, len(x.set.objects))
	for i, o := range x.set.objects {
		if err := x.catalogue(ctx, o); err != nil {
			return err
		}
		objects[i] = x.with(o)
		var err error
		switch o {
		case calls:
			err = x.outcomes(ctx)
		case deals:
			err = x.tryLines(ctx)
		}
		if err != nil {
			return err
		}
	}
	x.set.objects = objects
	return nil
}

// end commits a slice of lists.
func (x *extraction) end(ctx context.Context, rows *record.Rows, until time.Time, state kept, more bool) (connectors.Extracted, error) {
	x.tellCut()
	if err := rows.Close(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	own, err := json.Marshal(state)
	if err != nil {
		return connectors.Extracted{}, err
	}
	cursor, err := json.Marshal(window.Cursor{Until: until.UTC(), Unknown: rows.Unknown(), Own: own})
	return connectors.Extracted{Cursor: cursor, More: more}, err
}

// portion is a page of one object.
type portion struct {
	object  *object
	records []json.RawMessage
	after   string
	ended   bool
	closed  bool
	total   int64
}

// lists reads on in the plain lists that have not come to their end. going says
// that there is more of them, read that anything was read.
func (x *extraction) lists(ctx context.Context, rows *record.Rows, state *kept) (going, read bool, err error) {
	var jobs []restapi.Job[portion]
	for _, o := range x.set.objects {
		p := state.Objects[o.name]
		if p.Listed {
			continue
		}
		if p.Bin.IsZero() {
			p.Bin = x.now()
			state.Objects[o.name] = p
		}
		jobs = append(jobs, x.listing(o, p.After))
	}
	err = restapi.Together(ctx, 4, jobs, func(p portion) error {
		at := state.Objects[p.object.name]
		if p.closed {
			x.tellClosed(p.object)
			return nil
		}
		read = true
		at.After, at.Listed = p.after, p.ended
		state.Objects[p.object.name] = at
		return x.records(ctx, rows, p)
	})
	for _, o := range x.set.objects {
		at := state.Objects[o.name]
		going = going || !at.Listed && at.After != ""
	}
	return going, read, err
}

// listing reads the next pages of a plain list. While one is dealt with the next is
// on its way.
func (x *extraction) listing(o *object, after string) restapi.Job[portion] {
	return func(ctx context.Context, give func(portion) error) error {
		coming := x.request(ctx, o, after)
		for n := 1; ; n++ {
			got := <-coming
			if closed(got.err) && o.optional {
				return give(portion{object: o, closed: true})
			}
			if got.err != nil {
				return got.err
			}
			after = got.page.after()
			if after != "" && n < x.slicePages && x.req.Sample == 0 {
				coming = x.request(ctx, o, after)
			}
			records, err := x.enrich(ctx, o, got.page.Results, false)
			if err != nil {
				return err
			}
			err = give(portion{object: o, records: records, after: after, ended: after == ""})
			if err != nil || after == "" || n == x.slicePages || x.req.Sample > 0 {
				return err
			}
		}
	}
}

// answer is a page, or why there is none.
type answer struct {
	page page
	err  error
}

// request asks for a page of a plain list without waiting for it.
func (x *extraction) request(ctx context.Context, o *object, after string) <-chan answer {
	c := make(chan answer, 1)
	linked := *o
	linked.links = x.linksOf(o)
	go func() {
		p, err := x.list(ctx, &linked, after, false)
		c <- answer{p, err}
	}()
	return c
}

// searches reads what changed in the next window.
func (x *extraction) searches(ctx context.Context, rows *record.Rows, state kept) (connectors.Extracted, error) {
	p := window.Plan{
		Since: x.config.Begin(x.facts.zone), Now: x.now().Truncate(time.Millisecond), Lag: lag, Overlap: cmp.Or(x.config.Overlap, overlap),
	}
	if x.req.Sample > 0 {
		p.Step = func(time.Time) time.Time { return p.Now }
	}
	w, ok, err := p.Next(ctx, x.req)
	if !ok || err != nil {
		return connectors.Extracted{}, err
	}
	var jobs []restapi.Job[portion]
	for _, o := range x.set.objects {
		if at := state.Objects[o.name]; at.Listed || x.req.Range != nil || !x.config.Since.IsZero() {
			jobs = append(jobs, x.searching(o, w))
		}
	}
	err = restapi.Together(ctx, 4, jobs, func(p portion) error {
		if p.closed {
			x.tellClosed(p.object)
			return nil
		}
		rows.Expect(p.object.entity, p.total)
		return x.records(ctx, rows, p)
	})
	if err == nil && w.Last() && x.req.Range == nil && x.req.Sample == 0 {
		err = x.bins(ctx, rows, state)
	}
	if err != nil {
		return connectors.Extracted{}, err
	}
	x.tellCut()
	if err := rows.Close(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	return w.Done(rows.Unknown(), state)
}

// searching reads what changed of an object.
func (x *extraction) searching(o *object, w window.Window) restapi.Job[portion] {
	from, until := w.From.UnixMilli(), w.Until.Add(-time.Nanosecond).UnixMilli()
	return func(ctx context.Context, give func(portion) error) error {
		var total int64
		err := x.changed(ctx, o, from, until, func(n int64) { total = n }, func(records []json.RawMessage) error {
			found := len(records)
			records, err := x.enrich(ctx, o, records, true)
			if err != nil {
				return err
			}
			p := portion{object: o, records: records, total: total - int64(found-len(records))}
			total = 0
			return give(p)
		})
		if closed(err) && o.optional {
			return give(portion{object: o, closed: true})
		}
		return err
	}
}

// records makes rows of a page.
func (x *extraction) records(ctx context.Context, rows *record.Rows, p portion) error {
	rows.Page(p.object.name)
	for _, raw := range p.records {
		r := rows.Record(raw)
		r.Drop("id", "url", "createdAt", "updatedAt", "archivedAt", "propertiesWithHistory", "associations", lineNames, "objectWriteTraceId")
		r.Need("id", "properties")
		x.current = p.object
		x.add(p.object, r)
		if err := rows.End(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (x *extraction) tellClosed(o *object) {
	x.tellPartial(o.name, o.name+" are not read: the token lacks the scope "+o.scope+"; they come whole in the first run that has it")
}

// tellCut says of how many records a part of the history is missing.
func (x *extraction) tellCut() {
	if x.cut > 0 {
		x.req.Tell(connectors.Notice{
			Kind: connectors.NoticePartial, Inputs: []string{x.set.name}, Count: x.cut,
			Text: fmt.Sprintf("the history of %d records begins after they were made: HubSpot keeps so many earlier values and no more", x.cut),
		})
		x.cut = 0
	}
}
