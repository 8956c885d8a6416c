package sqldb

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
)

// parts are ranges of a slice that are read side by side.
type parts struct {
	spans  []span
	names  []string // of the inputs that they are to the sink
	inputs []int32
	next   string // where the next slice begins; "" at the end
}

// partition cuts the next slice of a first or whole reading into ranges, as many
// as configured. What is left to be read in order is returned.
func (x *extraction) partition(ctx context.Context, todo []span, last *cursor) ([]span, error) {
	n := x.bound
	many := n.plan.config.Partitions
	first := &n.order()[0].column
	countable := first.kind == whole || first.kind == instant || first.kind == naive || first.kind == calendarDay
	changesOnly := !x.whole() && last != nil && last.Done
	if many < 2 || n.plan.sweeping || !countable || changesOnly || len(todo) != 1 || todo[0].after != nil {
		return todo, nil
	}
	low, high, found, err := x.bounds(ctx, todo[0])
	if err != nil || !found {
		return todo, err
	}
	p := &parts{}
	// The slice is so wide that it holds about as many rows as one should.
	end := high + 1
	if rows := n.relation.rows; rows > x.source.slices.rows {
		end = min(end, low+max((high-low)/(rows/x.source.slices.rows+1), int64(many)))
	}
	if end <= high {
		p.next = first.mark(end)
	}
	step := (end-low)/int64(many) + 1
	for from := low; from < end; from += step {
		s := todo[0]
		s.from = first.mark(from)
		if until := from + step; until < end {
			s.until = first.mark(until)
		} else if p.next != "" {
			s.until = p.next
		}
		name := n.plan.from
		if len(p.spans) > 0 {
			name = fmt.Sprintf("%s, range %d", name, len(p.spans)+1)
		}
		p.spans, p.names, p.inputs = append(p.spans, s), append(p.names, name), append(p.inputs, x.sink.Input(name))
	}
	x.parts = p
	return nil, nil
}

// bounds returns the smallest and the largest value of the first column of a span's
// order.
func (x *extraction) bounds(ctx context.Context, s span) (low, high int64, found bool, err error) {
	first := x.bound.order()[0]
	args := &arguments{}
	where := x.bound.conditions(&s, args)
	var values [2]string
	for i, function := range []string{"min", "max"} {
		query := fmt.Sprintf("select %s(%s) from %s%s", function, first.sql, x.bound.source, where)
		err := x.reader.session.rows(ctx, query, args, nil, func(row [][]byte) error {
			values[i] = string(row[0])
			return nil
		})
		if err != nil {
			return 0, 0, false, err
		}
	}
	low, lowFound := parseMark(&first.column, strings.TrimSpace(values[0]))
	high, highFound := parseMark(&first.column, strings.TrimSpace(values[1]))
	return low, high, lowFound && highFound, nil
}

// readParts reads the ranges side by side, each on a connection of its own.
func (x *extraction) readParts(ctx context.Context) (ended bool, err error) {
	view, err := x.reader.session.share(ctx)
	if err != nil {
		return false, err
	}
	readers := []*reader{x.reader}
	for range len(x.parts.spans) - 1 {
		on, err := x.source.open(ctx)
		if err != nil {
			return false, err
		}
		r := x.newReader(on)
		r.name, r.input = x.parts.names[len(readers)], x.parts.inputs[len(readers)]
		x.others, readers = append(x.others, r), append(readers, r)
		if err := on.join(ctx, view, x.source.reading.Timeout); err != nil {
			return false, err
		}
		x.apart = x.apart || view == ""
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range x.parts.spans {
		x.spans = append(x.spans, s)
		group.Go(func() error {
			_, err := readers[i].read(ctx, &s, nil)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	x.partsRead(readers)
	return x.parts.next == "", nil
}

// partsRead notes the place that the ranges reached together.
func (x *extraction) partsRead(readers []*reader) {
	x.next.Unmarked, x.next.After, x.next.From = false, nil, x.parts.next
	if x.parts.next != "" {
		return
	}
	for _, r := range readers { // the last one that read anything
		if r.last != nil {
			x.next.After = r.last
		}
	}
}
