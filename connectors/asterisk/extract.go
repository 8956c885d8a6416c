package asterisk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
)

// extraction puts the pieces of calls together.
type extraction struct {
	s     *source
	req   connectors.Request
	sink  connectors.Sink
	feeds []feed
	heads []*piece // the next piece of each feed

	from, until time.Time // calls that began outside are not wanted
	calls       map[string]*call
	alias       map[string]string // uniqueid of a leg: id of its call
	agents      map[string]bool
	now         time.Time      // that the logs have reached
	swept       time.Time      // when calls that are over were last looked for
	second      time.Time      // of the events in same
	same        map[string]int // how many events there were with the same content

	batches map[*entity.Schema]*entity.Batch
	counts  map[*entity.Schema]*connectors.Counts
	inputs  map[string]int32
}

func newExtraction(s *source, req connectors.Request, sink connectors.Sink, last cursor, feeds []feed) *extraction {
	x := &extraction{
		s: s, req: req, sink: sink, feeds: feeds, heads: make([]*piece, len(feeds)), from: last.From,
		calls: map[string]*call{}, alias: map[string]string{}, agents: map[string]bool{}, same: map[string]int{},
		batches: map[*entity.Schema]*entity.Batch{}, counts: map[*entity.Schema]*connectors.Counts{}, inputs: map[string]int32{},
	}
	for _, name := range last.Agents {
		x.agents[name] = true
	}
	if since := s.config.Since; !since.IsZero() {
		year, month, day := since.Time().Date()
		if begin := time.Date(year, month, day, 0, 0, 0, 0, s.env.Location); begin.After(x.from) {
			x.from = begin
		}
	}
	if req.Range != nil {
		x.from, x.until = req.Range.From, req.Range.Until
	}
	return x
}

// run reads until the logs end, or until a slice is full: then there is more.
func (x *extraction) run(ctx context.Context) (more bool, err error) {
	for i, f := range x.feeds {
		if x.heads[i], err = f.next(ctx); err != nil {
			return false, err
		}
	}
	for fresh := 0; ; {
		first := x.first()
		if first < 0 {
			break
		}
		p := x.heads[first]
		p.queue = first == 1
		if !p.again {
			fresh++
		}
		if x.heads[first], err = x.feeds[first].next(ctx); err != nil {
			return false, err
		}
		if err := x.take(ctx, p); err != nil {
			return false, err
		}
		if fresh >= x.s.config.Slice && x.req.Range == nil && x.first() >= 0 {
			return true, x.close(ctx)
		}
	}
	if err := x.emit(ctx, time.Time{}); err != nil {
		return false, err
	}
	return false, x.close(ctx)
}

// first is the feed whose next piece is the oldest; -1 at the end of all. What is
// no piece of a call goes first, as it tells no time.
func (x *extraction) first() int {
	best := -1
	for i, p := range x.heads {
		if p != nil && (best < 0 || p.at.Before(x.heads[best].at)) {
			best = i
		}
	}
	return best
}

// take adds a piece to its call.
func (x *extraction) take(ctx context.Context, p *piece) error {
	if p.wrong != "" {
		return x.reject(ctx, p)
	}
	if p.at.After(x.now) {
		x.now = p.at
	}
	if p.leg != nil {
		if err := x.leg(ctx, p); err != nil {
			return err
		}
	} else if err := x.event(ctx, p); err != nil {
		return err
	}
	if x.now.Sub(x.swept) < time.Hour {
		return nil
	}
	x.swept = x.now
	return x.emit(ctx, x.now.Add(-x.s.config.Lag))
}

// leg adds a leg to its call. It may show that what the queue log told of a channel
// is a part of another channel's call.
func (x *extraction) leg(ctx context.Context, p *piece) error {
	c := x.call(p.leg.call(), p.leg.start)
	c.legs = append(c.legs, p.leg)
	c.touch(p.at)
	c.touch(p.leg.end)
	id := p.leg.uniqueid
	if id == c.id || id == "" {
		return nil
	}
	x.alias[id] = c.id
	other := x.calls[id]
	if other == nil {
		return nil
	}
	c.legs, c.events = append(c.legs, other.legs...), append(c.events, other.events...)
	c.touch(other.last)
	if other.first.Before(c.first) {
		c.first = other.first
	}
	delete(x.calls, id)
	if !other.again {
		return nil
	}
	// An earlier extraction may have taken it for a call of its own.
	return add(ctx, x, calls, &entity.Call{Meta: entity.Meta{Deleted: true}, ID: id}, x.origin(p))
}

func (x *extraction) call(id string, at time.Time) *call {
	c := x.calls[id]
	if c == nil {
		c = &call{id: id, first: at, last: at}
		x.calls[id] = c
	}
	if at.Before(c.first) {
		c.first = at
	}
	return c
}

func (c *call) touch(at time.Time) {
	if at.After(c.last) {
		c.last = at
	}
}

// event hands over an event, and remembers it for its call.
func (x *extraction) event(ctx context.Context, p *piece) error {
	e := p.event
	if !x.second.Equal(e.at) {
		x.second = e.at
		clear(x.same)
	}
	plain := e.key()
	e.repeat = x.same[plain]
	x.same[plain]++
	if e.call != "" {
		id := cmp.Or(x.alias[e.call], e.call)
		c := x.call(id, e.at)
		c.events, c.again = append(c.events, e), c.again || p.again
		c.touch(e.at)
	}
	if !x.wanted(e.at) {
		return nil
	}
	if err := x.agent(ctx, e.agent, p); err != nil {
		return err
	}
	row := entity.QueueEvent{ID: e.key(), At: entity.Some(entity.TimeOf(e.at)), CallID: e.call, Queue: e.queue, AgentID: e.agent, Event: e.kind, Data: e.values()}
	return add(ctx, x, events, &row, x.origin(p))
}

func (x *extraction) wanted(at time.Time) bool {
	return !at.Before(x.from) && (x.until.IsZero() || at.Before(x.until))
}

// agent hands over a member of a queue, once.
func (x *extraction) agent(ctx context.Context, name string, p *piece) error {
	if name == "" || x.agents[name] {
		return nil
	}
	x.agents[name] = true
	return add(ctx, x, agents, &entity.Agent{ID: name, Name: name}, x.origin(p))
}

// emit makes rows of the calls of which nothing was written down since a time, or
// of all.
func (x *extraction) emit(ctx context.Context, quiet time.Time) error {
	var over []*call
	for _, c := range x.calls {
		if quiet.IsZero() || c.last.Before(quiet) {
			over = append(over, c)
		}
	}
	slices.SortFunc(over, func(a, b *call) int { return cmp.Or(a.first.Compare(b.first), cmp.Compare(a.id, b.id)) })
	for _, c := range over {
		delete(x.calls, c.id)
		if !x.wanted(c.began()) {
			continue
		}
		row := x.s.maker.row(c)
		if err := add(ctx, x, calls, &row, entity.Origin{}); err != nil {
			return err
		}
	}
	if quiet.IsZero() || len(x.alias) > 1_000_000 {
		clear(x.alias)
	}
	return nil
}

// restart is from when calls are to be made anew. No call lasts longer than the
// lag. At the end of the logs, those that may go on began within it; where there is
// more to read, those held back may have been quiet for as long besides.
func (x *extraction) restart(more bool) time.Time {
	back := x.s.config.Lag
	if more {
		back *= 2
	}
	if at := x.now.Add(-back); at.After(x.from) {
		return at.UTC()
	}
	return x.from.UTC()
}

// reached is how far the logs were read: where there is more to read, perhaps not
// all of the last instant.
func (x *extraction) reached(more bool) time.Time {
	if more {
		return x.now.Add(-time.Microsecond)
	}
	return x.now
}

// reject puts a line aside, unless an earlier extraction has done so.
func (x *extraction) reject(ctx context.Context, p *piece) error {
	if p.again {
		return nil
	}
	s := calls
	if p.queue {
		s = events
	}
	x.count(s).Read++
	return x.sink.Reject(ctx, connectors.Reject{Entity: s, Input: p.place.name, Line: p.place.Line, Reason: p.wrong, Value: clip(p.text), Record: p.text})
}

func clip(text string) string {
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return text
}

func (x *extraction) origin(p *piece) entity.Origin {
	input, known := x.inputs[p.place.name]
	if !known {
		input = x.sink.Input(p.place.name)
		x.inputs[p.place.name] = input
	}
	return entity.Origin{Input: input, Line: p.place.Line}
}

func (x *extraction) count(s *entity.Schema) *connectors.Counts {
	if x.counts[s] == nil {
		x.counts[s] = &connectors.Counts{}
	}
	return x.counts[s]
}

// batchRows is how many rows are handed on at a time.
const batchRows = 5_000

// add makes a row, and hands rows on when there are enough.
func add[E entity.Entity](ctx context.Context, x *extraction, s *entity.Schema, row *E, at entity.Origin) error {
	b := x.batches[s]
	if b == nil {
		b = x.sink.NewBatch(s)
		x.batches[s] = b
	}
	x.count(s).Read++
	if err := entity.Append(b, row, at); err != nil {
		return err
	}
	if b.Rows() < batchRows && x.req.Sample == 0 {
		return nil
	}
	delete(x.batches, s)
	return x.sink.Write(ctx, b)
}

// close hands on what is left.
func (x *extraction) close(ctx context.Context) error {
	for _, s := range []*entity.Schema{calls, events, agents} {
		if b := x.batches[s]; b != nil && b.Rows() > 0 {
			delete(x.batches, s)
			if err := x.sink.Write(ctx, b); err != nil {
				return err
			}
		}
		if c := x.counts[s]; c != nil {
			x.sink.Count(s, *c)
		}
	}
	return nil
}
