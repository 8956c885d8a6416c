package sqldb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
)

// Sizes of pages. The first one is small; later ones are as large as the time and
// the bytes allowed.
const (
	smallestPage = 100
	pageBytes    = 4 << 20
	batchBytes   = 4 << 20
	growth       = 4 // a page has at most so many times the rows of the one before
)

// pageSizes are rows of the first page, and of any.
type pageSizes struct{ first, most int }

var usualPages = pageSizes{first: 2_000, most: 200_000}

// filled is a part of a page on its way to the sink.
type filled struct {
	batch   *entity.Batch
	rejects []connectors.Reject
	rows    int64
	bytes   int64
	end     []string // values of the last row's order columns
}

// reader reads spans page by page and hands over batches. It is for one goroutine.
type reader struct {
	server  server
	session session
	bound   *binding
	maker   *maker
	clock   connectors.Clock
	free    chan *entity.Batch
	out     chan *filled
	aim     time.Duration // of a statement
	timeout time.Duration // of a statement, by the server
	name    string        // of what is read, to the sink
	input   int32         // its number

	size    int // rows of the next page
	largest int // rows of any
	rows    int64
	torn    int // times the view of one moment was lost
	page    page
	filled  *filled  // being filled
	last    []string // place of the last row handed over
	onBreak func(error)
}

// page is what is known of the page being read.
type page struct {
	rows    int
	bytes   int64
	last    [][]byte // order values of the last row
	waiting time.Duration
}

// enough is asked at the border of pages whether a slice is large enough, and may
// set the span's end.
type enough func(s *span) bool

// read reads a span to its end, or until it is enough, and moves its beginning
// behind what was read. It returns true at the end.
// A lost connection is opened again and reading goes on behind the last row that
// was handed over.
func (r *reader) read(ctx context.Context, s *span, stop enough) (ended bool, err error) {
	for tries := 0; ; {
		before := r.rows
		ended, err := r.pages(ctx, s, stop)
		if err == nil {
			return ended, nil
		}
		if r.rows > before {
			tries = 0
		}
		if r.tooSlow(err) {
			tries = 0 // pages of half the size, until there is no smaller one
		} else if tries++; !passing(err) || ctx.Err() != nil {
			return false, err
		} else if tries > mostTries {
			return false, fmt.Errorf("read %s, after %d tries: %w", r.name, tries, err)
		} else if sleepErr := r.clock.Sleep(ctx, patience<<(tries-1)); sleepErr != nil {
			return false, errors.Join(err, sleepErr)
		}
		if err := r.resume(ctx, err); err != nil && (!passing(err) || tries > mostTries) {
			return false, err
		}
	}
}

const (
	mostTries = 6
	patience  = 500 * time.Millisecond
)

// tooSlow says that the server gave up a page, and makes the next one smaller.
func (r *reader) tooSlow(err error) bool {
	if !timedOut(err) || r.size <= smallestPage {
		return false
	}
	r.size = max(r.size/growth, smallestPage)
	return true
}

// resume begins a new view after the old one was lost.
func (r *reader) resume(ctx context.Context, cause error) error {
	r.torn++
	if r.onBreak != nil {
		r.onBreak(cause)
	}
	if lost(cause) {
		r.session.close()
		fresh, err := r.server.open(ctx)
		if err != nil {
			return err
		}
		r.session = fresh
	}
	_, err := r.session.snapshot(ctx, r.timeout)
	return err
}

// pages reads pages until the span ends or is enough.
func (r *reader) pages(ctx context.Context, s *span, stop enough) (ended bool, err error) {
	for {
		limit := r.size
		rows, err := r.one(ctx, s, limit)
		if err != nil {
			return false, err
		}
		if rows < limit {
			return true, nil
		}
		if stop != nil && stop(s) {
			return false, nil
		}
	}
}

// one reads a page and moves the span's beginning behind it.
func (r *reader) one(ctx context.Context, s *span, limit int) (rows int, err error) {
	query, args := r.bound.page(s, limit)
	r.page = page{}
	order := r.bound.orderOf(s)
	if err := r.take(ctx); err != nil {
		return 0, err
	}
	started := time.Now()
	err = r.session.rows(ctx, query, args, r.bound.columns, func(values [][]byte) error {
		if err := r.row(order, values); err != nil {
			return err
		}
		if r.page.rows%256 == 0 && r.filled.batch.Bytes() > batchBytes {
			return errors.Join(r.hand(ctx, s, order), r.take(ctx))
		}
		return nil
	})
	if err != nil {
		r.giveBack()
		return 0, err
	}
	r.adapt(limit, time.Since(started)-r.page.waiting)
	return r.page.rows, r.hand(ctx, s, order)
}

// take gets an empty batch, if there is none at hand.
func (r *reader) take(ctx context.Context) error {
	if r.filled != nil {
		return nil
	}
	started := time.Now()
	select {
	case b := <-r.free:
		r.filled = &filled{batch: b}
		r.page.waiting += time.Since(started)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// giveBack empties the batch of a page that broke off; its rows are read again.
func (r *reader) giveBack() {
	if r.filled != nil {
		r.rows -= r.filled.rows
		r.filled.batch.Reset()
		r.filled = &filled{batch: r.filled.batch}
	}
}

// row makes a row of the entity, or a record for quarantine.
func (r *reader) row(order []orderColumn, values [][]byte) error {
	f := r.filled
	r.page.rows++
	r.rows++
	f.rows++
	for _, v := range values {
		f.bytes += int64(len(v)) + 1
		r.page.bytes += int64(len(v)) + 1
	}
	if err := r.remember(order, values); err != nil {
		return err
	}
	wrong := r.maker.row(f.batch, values, entity.Origin{Input: r.input, Line: r.rows})
	for i := range r.maker.emptied {
		f.rejects = append(f.rejects, r.reject(r.maker.emptied[i], values, true))
	}
	if wrong != nil {
		f.rejects = append(f.rejects, r.reject(*wrong, values, false))
	}
	return nil
}

// remember keeps the place of the last row. Two rows at one place would mean that
// rows are lost at the border of pages.
func (r *reader) remember(order []orderColumn, values [][]byte) error {
	if len(r.page.last) == 0 {
		r.page.last = make([][]byte, len(order))
	}
	same := r.page.rows > 1
	for i, c := range order {
		v := values[c.slot]
		if v == nil {
			return r.bound.keyless(c.name)
		}
		same = same && bytes.Equal(v, r.page.last[i])
		r.page.last[i] = append(r.page.last[i][:0], v...)
	}
	if same {
		return r.bound.plan.node.Get("key").Errorf("%s has several rows with the same key (%s): name columns that tell its rows apart", r.bound.plan.from, r.place(order))
	}
	return nil
}

// place writes the place of the last row for messages.
func (r *reader) place(order []orderColumn) string {
	var text []byte
	for i, c := range order {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = append(append(text, c.name...), ' ')
		text = c.text(text, r.page.last[i])
	}
	return string(text)
}

func (r *reader) reject(wrong misfit, values [][]byte, kept bool) connectors.Reject {
	return connectors.Reject{
		Entity: r.bound.plan.schema, Input: r.name, Line: r.rows, Column: wrong.column, Value: wrong.value,
		Reason: wrong.reason, Record: string(r.maker.object(r.bound.record, values)), Kept: kept,
	}
}

// hand hands over what was read of a page so far, and moves the span's beginning
// behind it.
func (r *reader) hand(ctx context.Context, s *span, order []orderColumn) error {
	f := r.filled
	if f.rows == 0 {
		return nil
	}
	f.end = make([]string, len(order))
	for i, c := range order {
		f.end[i] = string(c.text(nil, r.page.last[i]))
	}
	started := time.Now()
	select {
	case r.out <- f:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.page.waiting += time.Since(started)
	s.after, s.from, r.last = f.end, "", f.end
	r.filled = nil
	return nil
}

// adapt chooses the size of the next page by how long this one took and how wide
// its rows are.
func (r *reader) adapt(limit int, took time.Duration) {
	if r.page.rows < limit {
		return
	}
	next := growth * float64(limit)
	if took > 0 {
		next = min(next, float64(limit)*float64(r.aim)/2/float64(took))
	}
	width := float64(r.page.bytes) / float64(r.page.rows)
	r.size = min(max(int(min(next, pageBytes/max(width, 1))), smallestPage), r.largest)
}
