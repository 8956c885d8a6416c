package sqldb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
)

// bounds are what slices are cut by: they bound what is committed together. A slice ends with the month after the
// smaller bounds, and anyhow after the larger ones.
type bounds struct {
	rows, mostRows int64
	time, mostTime time.Duration
}

var usualSlices = bounds{rows: 1_000_000, mostRows: 4_000_000, time: time.Minute, mostTime: 5 * time.Minute}

// batchesInFlight are those being filled, waiting and being written.
const batchesInFlight = 3

// extraction is one reading of a slice.
type extraction struct {
	source *source
	bound  *binding
	req    connectors.Request
	sink   connectors.Sink
	reader *reader
	others []*reader // of partitions
	free   chan *entity.Batch
	out    chan *filled
	input  int32
	began  time.Time // by the clock of the machine
	at     time.Time // of the view, by the server's

	parts *parts // read side by side; nil if they are not
	apart bool   // the parts are not of one moment
	next  cursor
	month string // mark that the slice was cut to, "" if it was not
	spans []span // that were read
	rows  int64
	bytes int64
}

// Extract reads what is new in a table, or a slice of it.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	p, err := s.plan(req.Dataset)
	if err != nil {
		return connectors.Extracted{}, err
	}
	x := &extraction{source: s, req: req, sink: sink, began: s.clock.Now()}
	if err := x.open(ctx, p); err != nil {
		return connectors.Extracted{}, s.failure(ctx, p, err)
	}
	defer x.close()
	got, err := x.run(ctx)
	if err != nil {
		return connectors.Extracted{}, s.failure(ctx, p, err)
	}
	return got, nil
}

// failure explains an error, unless it is that the extraction was stopped: then the server
// only says so in its own words, or the connection has gone.
func (s *source) failure(ctx context.Context, p *plan, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("read %s: %w", p.name, context.Cause(ctx))
	}
	return s.explain(p, err)
}

// open logs in, finds the columns and begins the view of one moment.
func (x *extraction) open(ctx context.Context, p *plan) (err error) {
	session, err := x.source.open(ctx)
	if err != nil {
		return err
	}
	x.reader = &reader{session: session}
	if x.bound, err = bind(ctx, p, x.source.server, session); err != nil {
		x.close()
		return err
	}
	if err := x.keysAreThere(ctx); err != nil {
		x.close()
		return err
	}
	if x.at, err = session.snapshot(ctx, x.source.reading.Timeout); err != nil {
		x.close()
		return err
	}
	x.free, x.out, x.input = make(chan *entity.Batch, batchesInFlight-1+p.config.Partitions), make(chan *filled, 1), x.sink.Input(p.from)
	x.reader = x.newReader(session)
	return nil
}

// newReader returns a reader of one session.
func (x *extraction) newReader(on session) *reader {
	s := x.source
	return &reader{
		server: s.server, session: on, bound: x.bound, maker: newMaker(x.bound), clock: s.clock, free: x.free, out: x.out, name: x.bound.plan.from,
		aim: s.reading.Statement, timeout: s.reading.Timeout, size: s.pages.first, largest: s.pages.most, input: x.input,
	}
}

func (x *extraction) close() {
	for _, r := range append(x.others, x.reader) {
		if r.session != nil {
			r.session.close()
		}
	}
}

// keysAreThere refuses rows without a key, where the server does not.
func (x *extraction) keysAreThere(ctx context.Context) error {
	for _, c := range x.bound.key {
		if !c.nullable {
			continue
		}
		if _, err := x.reader.session.snapshot(ctx, countLimit); err != nil {
			return err
		}
		found := false
		err := x.reader.session.rows(ctx, x.bound.withoutKey(c), &arguments{}, nil, func([][]byte) error { found = true; return nil })
		switch {
		case timedOut(err):
			continue // what has no index is not looked through; the counts tell
		case err != nil:
			return err
		case found:
			return x.bound.keyless(c.name)
		}
	}
	return nil
}

// run reads the slice.
func (x *extraction) run(ctx context.Context) (none connectors.Extracted, err error) {
	last, changed, err := x.bound.lastCursor(x.req.Cursors)
	if err != nil {
		return none, err
	}
	if changed {
		x.req.Tell(connectors.Notice{Kind: connectors.NoticeDrift, Inputs: []string{x.bound.plan.from}, Count: 1,
			Text: fmt.Sprintf("the mapping of %s has changed since it was read: all of it is read again", x.bound.plan.from)})
	}
	todo := x.todo(last)
	x.next = cursor{Mapping: x.bound.plan.fingerprint, Order: x.bound.orderName(), At: x.at}
	if todo, err = x.partition(ctx, todo, last); err != nil {
		return none, err
	}
	ended, err := x.readAll(ctx, todo)
	if err != nil {
		return none, err
	}
	x.expected(ctx)
	return x.result(last, ended)
}

// fresh says that reading begins at the beginning after a cursor.
func (c *cursor) fresh() bool { return c == nil || c.Done }

// whole says that everything is read every time.
func (x *extraction) whole() bool { return x.bound.mark < 0 }

// todo lists the spans to read: rows without a mark first, as they are read every
// time.
func (x *extraction) todo(last *cursor) []span {
	n := x.bound
	if x.req.Range != nil {
		return x.ranged(last)
	}
	if x.whole() {
		s := span{}
		if !last.fresh() {
			s.after, s.from = last.After, last.From
		}
		return []span{s}
	}
	var all []span
	marked := span{}
	if last != nil && !last.Unmarked {
		marked.after, marked.from = last.behind()
	}
	if n.columns[n.mark].nullable && !n.plan.config.AppendOnly && (last.fresh() || last.Unmarked) {
		unmarked := span{unmarked: true}
		if last != nil && last.Unmarked {
			unmarked.after = last.After
		}
		all = append(all, unmarked)
	}
	return append(all, marked)
}

// ranged is the span of a range of time.
func (x *extraction) ranged(last *cursor) []span {
	s := span{from: x.bound.markOf(x.req.Range.From), until: x.bound.markOf(x.req.Range.Until)}
	if last != nil && !last.Done {
		s.after, s.from = last.After, last.From
	}
	return []span{s}
}

// readAll reads spans one after the other, until all have ended or the slice is
// large enough, and writes what comes to the sink meanwhile.
func (x *extraction) readAll(ctx context.Context, todo []span) (ended bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range cap(x.free) {
		x.free <- x.sink.NewBatch(x.bound.plan.schema)
	}
	done := make(chan error, 1)
	go func() {
		defer close(x.out)
		var err error
		if ended, err = x.readSpans(ctx, todo); err == nil && x.parts != nil {
			ended, err = x.readParts(ctx)
		}
		done <- err
	}()
	var wrong error
	for f := range x.out {
		if wrong == nil {
			if wrong = x.write(ctx, f); wrong != nil {
				cancel()
			}
		}
	}
	if err := <-done; wrong == nil {
		wrong = err
	}
	return ended, wrong
}

// readSpans is the reader's side of readAll.
func (x *extraction) readSpans(ctx context.Context, todo []span) (ended bool, err error) {
	for _, s := range todo {
		before, until := x.reader.rows, s.until
		covered := s
		ended, err = x.reader.read(ctx, &s, func(s *span) bool { return x.enough(ctx, s) })
		if err != nil {
			return false, err
		}
		x.next.Unmarked, x.next.After, x.next.From = s.unmarked, s.after, s.from
		switch {
		case !ended:
			covered.through = x.next.After
		case x.month != "" && x.month != until: // a month has ended, and not the span
			ended, covered.until = false, x.month
			x.next.After, x.next.From = nil, x.month
		}
		x.spans = append(x.spans, covered)
		if s.unmarked {
			x.tellUnmarked(x.reader.rows - before)
		}
		if !ended {
			return false, nil
		}
	}
	x.next.Unmarked = false
	return true, nil
}

// enough says whether the slice ends at the border of a page. After the smaller
// bounds it ends with the month, which the rest of the span is cut to.
func (x *extraction) enough(ctx context.Context, s *span) bool {
	took, rows := x.source.clock.Now().Sub(x.began), x.reader.rows
	limits := x.source.slices
	small := rows >= limits.rows || took >= limits.time
	large := rows >= limits.mostRows || took >= limits.mostTime
	if x.whole() || s.unmarked {
		return small && !x.bound.plan.sweeping
	}
	if large {
		return x.beforeHead(ctx, s)
	}
	if month := x.bound.monthAfter(s.after[0]); small && x.month == "" && month != "" && (s.until == "" || month < s.until) {
		x.month, s.until = month, month
	}
	return small && x.bound.columns[x.bound.mark].kind == whole && x.beforeHead(ctx, s)
}

// beforeHead says that there are numbers beyond the place that are further away
// than the overlap, so that none will be found before the place later.
func (x *extraction) beforeHead(ctx context.Context, s *span) bool {
	column := &x.bound.columns[x.bound.mark]
	if column.kind != whole {
		return true
	}
	at, ok := parseMark(column, s.after[0])
	if !ok {
		return true
	}
	far := span{from: column.mark(at + x.bound.plan.overlap.Number)}
	query, args := x.bound.page(&far, 1)
	found := false
	err := x.reader.session.rows(ctx, query, args, x.bound.columns, func([][]byte) error { found = true; return nil })
	return err == nil && found
}

// tellUnmarked says that rows without a mark are read every time.
func (x *extraction) tellUnmarked(rows int64) {
	if rows == 0 {
		return
	}
	name := x.bound.columns[x.bound.mark].name
	x.req.Tell(connectors.Notice{Kind: connectors.NoticeDrift, Inputs: []string{x.bound.plan.from}, Count: 1,
		Text: fmt.Sprintf("%d rows of %s have no %s and are read every time; an expression such as changed_at: coalesce(%s, created_at) spares that", rows, x.bound.plan.from, name, name)})
}

// write hands a part of a page to the sink.
func (x *extraction) write(ctx context.Context, f *filled) error {
	schema := x.bound.plan.schema
	x.sink.Count(schema, connectors.Counts{Read: f.rows})
	for _, r := range f.rejects {
		if err := x.sink.Reject(ctx, r); err != nil {
			return err
		}
	}
	if err := x.sink.Write(ctx, f.batch); err != nil {
		return err
	}
	x.free <- x.sink.NewBatch(schema)
	x.rows += f.rows
	x.bytes += f.bytes
	if x.req.Progress != nil {
		x.req.Progress(connectors.Progress{Rows: x.rows, Bytes: x.bytes, Input: x.bound.plan.from})
	}
	return nil
}

// countLimit is how long counting what was read may take.
const countLimit = 2 * time.Second

// expected has the server count what was read, in the same view. It is left out
// where that takes long, or the view was lost.
func (x *extraction) expected(ctx context.Context) {
	if why := x.torn(); why != "" {
		x.uncounted(why)
		return
	}
	var total int64
	for i := range x.spans {
		if err := x.reader.session.limit(ctx, countLimit); err != nil {
			x.uncounted(err.Error())
			return
		}
		query, args := x.bound.count(&x.spans[i])
		err := x.reader.session.rows(ctx, query, args, nil, func(values [][]byte) error {
			n, err := strconv.ParseInt(string(values[0]), 10, 64)
			total += n
			return err
		})
		if timedOut(err) {
			x.uncounted(fmt.Sprintf("counting takes the server more than %s", countLimit))
			return
		}
		if err != nil {
			x.uncounted(err.Error())
			return
		}
	}
	x.sink.Count(x.bound.plan.schema, connectors.Counts{Expected: total})
}

// torn says why what was read is not of one moment, "" if it is.
func (x *extraction) torn() string {
	for _, r := range append(x.others, x.reader) {
		if r.torn > 0 {
			return "the connection was lost in between"
		}
	}
	if x.apart {
		return "its ranges were read by several connections, each with a view of its own"
	}
	return ""
}

func (x *extraction) uncounted(why string) {
	x.req.Tell(connectors.Notice{Kind: NoticeUncounted, Inputs: []string{x.bound.plan.from}, Count: 1,
		Text: fmt.Sprintf("the rows read of %s were not compared with the server's count: %s", x.bound.plan.from, why)})
}

// NoticeUncounted says that what was read was not compared with the source's count.
const NoticeUncounted = "uncounted"

// result makes the cursor, and finds out whether there was anything new.
func (x *extraction) result(last *cursor, ended bool) (connectors.Extracted, error) {
	none := connectors.Extracted{}
	x.next.Done = ended
	switch {
	case x.rows == 0 && ended && last != nil && last.Done, x.req.Range != nil && ended:
		return none, nil
	case x.whole() && ended:
		x.next.After, x.next.From = nil, ""
	case !x.whole() && !x.next.Unmarked:
		x.settle(last)
	}
	text, err := json.Marshal(x.next)
	if err != nil {
		return none, fmt.Errorf("write the cursor of %s: %w", x.bound.plan.name, err)
	}
	return connectors.Extracted{Cursor: text, More: !ended}, nil
}

// settle notes from where the next run reads again. Slices that belong together
// keep the earliest place.
func (x *extraction) settle(last *cursor) {
	place := x.next.From
	if x.next.After != nil {
		place = x.next.After[0]
	}
	number := x.bound.columns[x.bound.mark].kind == whole
	switch {
	case number && !x.next.Done:
	case !number && last != nil && !last.Done && last.Settled != "":
		x.next.Settled = last.Settled
	default:
		x.next.Settled = x.bound.settled(place, x.at)
	}
}
