package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"winback/connectors"
)

// extraction is one run over the files of a dataset: a reader makes units,
// workers convert them, and the goroutine of run hands them to the sink in the
// order in which they were read.
type extraction struct {
	plan  *plan
	req   connectors.Request
	sink  connectors.Sink
	files []candidate
	known *known
	again func(c candidate) (candidate, error) // looks at a file anew
	grows func(o *opened) bool                 // says that a file is being written

	free    chan *unit // to be filled
	work    chan *unit // to be converted
	ordered chan *unit // the same, in order

	// wanted are the lines to be read, by input; nil for all.
	wanted map[string]map[int64]bool

	// of the reader
	read    []fileRead
	readAny bool
	left    []string // names of files that are still being written
	unfit   []unfit
	has     *presence
	bytes   int64
	window  *window

	// of the writer
	seen    map[uint64]firstSeen
	ages    map[uint64]int64 // of documents, where the newest counts
	records int64
	total   int64
}

func newExtraction(s *source, a *arrivals, req connectors.Request, sink connectors.Sink) *extraction {
	x := &extraction{
		plan: a.plan, req: req, sink: sink, files: a.todo, known: a.known, seen: map[uint64]firstSeen{}, ages: map[uint64]int64{},
		again: func(c candidate) (candidate, error) { return s.candidate(c.path) }, grows: s.watch.grows, has: newPresence(a.plan),
	}
	for _, c := range x.files {
		x.total += c.size
	}
	for _, c := range a.same {
		x.note(c)
	}
	if x.plan.group != nil {
		x.window = newWindow(x.plan.config.Window)
	}
	return x
}

// run reads all files. It returns those that were read, with their hashes.
func (x *extraction) run(ctx context.Context) ([]fileRead, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := min(runtime.GOMAXPROCS(0), 4)
	units := workers + 3
	x.free, x.work, x.ordered = make(chan *unit, units), make(chan *unit, units), make(chan *unit, units)
	for range units {
		x.free <- x.newUnit()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(x.work)
		defer close(x.ordered)
		return x.readFiles(ctx)
	})
	for range workers {
		group.Go(func() error {
			w := newWorker(x.plan)
			for u := range x.work {
				w.convert(u)
				u.done <- struct{}{}
			}
			return nil
		})
	}
	err := x.writeAll(ctx)
	if err != nil {
		cancel()
	}
	// When the reader fails, the writer only learns that it was cancelled.
	if failed := group.Wait(); failed != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = failed
	}
	return x.read, err
}

func (x *extraction) newUnit() *unit {
	u := &unit{done: make(chan struct{}, 1), counts: make([]connectors.Counts, len(x.plan.entities))}
	for _, e := range x.plan.entities {
		u.batches = append(u.batches, x.sink.NewBatch(e.schema))
	}
	return u
}

// take returns a unit to fill.
func (x *extraction) take(ctx context.Context) (*unit, error) {
	select {
	case u := <-x.free:
		u.clear()
		return u, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pass sends a filled unit on. There is room for all units in the channels.
func (x *extraction) pass(u *unit) {
	x.ordered <- u
	x.work <- u
}

// readFiles is the reader: it makes units of all files.
func (x *extraction) readFiles(ctx context.Context) error {
	for i := range x.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if settled, err := x.settled(i); err != nil {
			return err
		} else if !settled {
			continue
		}
		if err := x.readFile(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// settled says that a file is to be read: that it is as it was when it was listed,
// and that its content was not read under another name meanwhile.
func (x *extraction) settled(i int) (bool, error) {
	c := &x.files[i]
	now, err := x.again(*c)
	if err != nil {
		return false, err
	}
	if c.after != nil && now.size >= c.size {
		return true, nil
	}
	if now.size != c.size || now.mtime != c.mtime {
		x.left = append(x.left, c.name)
		x.bytes += c.size
		return false, nil
	}
	if !x.known.mayHold(c.size) {
		return true, nil
	}
	if c.hash == "" {
		if c.hash, err = hashFile(c.path); err != nil {
			return false, err
		}
	}
	if x.known.holds(c.hash) {
		x.note(*c)
		x.bytes += c.size
		return false, nil
	}
	return true, nil
}

// note remembers that a file holds what was read before.
func (x *extraction) note(c candidate) {
	f := x.known.hashes[c.hash]
	f.Path, f.Mtime, f.Whole = c.name, c.mtime, false
	x.remember(f)
}

func (x *extraction) remember(f fileRead) {
	x.known.add(f)
	x.read = append(x.read, f)
}

func (x *extraction) readFile(ctx context.Context, i int) error {
	c := x.files[i]
	file, err := open(c.path)
	if err != nil {
		return err
	}
	x.readAny = true
	var end ending
	var empty []unfit
	err = file.tables(x.plan, c, func(t *table) (err error) {
		t.bound.file = int32(i)
		if t.bound.ownNames() {
			t.bound.has = x.has
		}
		if end, err = x.readTable(ctx, file, t, c.after); !end.any && t.bound.problem != nil && t.problem == "" {
			empty = append(empty, unfit{t.input, t.bound.problem.reason})
		}
		return err
	})
	hash, closing := file.finish(end)
	if err = errors.Join(err, closing); err != nil {
		return err
	}
	x.bytes += file.size
	before := len(x.left)
	x.finished(c, file, end, hash)
	if len(x.left) == before { // it is as long as it will be
		x.unfit = append(x.unfit, empty...)
	}
	return nil
}

// readTable reads one table of a file, where after is given what was appended to
// it.
func (x *extraction) readTable(ctx context.Context, file *opened, t *table, after *fileRead) (ending, error) {
	if t.problem != "" {
		return ending{}, x.refuse(ctx, file, t)
	}
	plain := t.start >= 0 && t.bound.problem == nil && x.plan.group == nil
	if after != nil && plain {
		if err := t.goOn(after); err != nil {
			return ending{}, err
		}
	}
	cut := newCutter(t.text, t.bound.dialect, t.bound.line)
	cut.ended.plain = plain
	if t.start >= 0 {
		cut.growing = func() bool { return x.grows(file) }
	}
	if t.bound.format == formatNDJSON {
		cut.quote = 0
	}
	if x.plan.group != nil {
		err := x.readDocuments(ctx, file, t.bound, cut)
		return ending{plain: t.start >= 0, any: cut.ended.any}, err
	}
	for {
		u, err := x.take(ctx)
		if err != nil {
			return ending{}, err
		}
		p, err := cut.next(u.text)
		if errors.Is(err, io.EOF) {
			x.free <- u
			return cut.ended, nil
		}
		if err != nil {
			x.free <- u
			return ending{}, unreadable(file.file.Name(), err)
		}
		u.bound, u.piece, u.text, u.bytes = t.bound, p, p.data, x.bytes+file.progress()
		x.pass(u)
	}
}

// unfit is a table without records whose header does not fit: nothing of it can be
// put aside, and it is wrong all the same.
type unfit struct{ input, reason string }

// tellUnfit passes on which tables are wrong and have nothing that shows it.
func tellUnfit(req *connectors.Request, list []unfit) {
	if len(list) == 0 {
		return
	}
	names := make([]string, len(list))
	for i, u := range list {
		names[i] = u.input
	}
	slices.Sort(names)
	n := notice(connectors.NoticeUnfit, names, "%s no records, and a header that does not fit: %s", "has", "have")
	n.Text += fmt.Sprintf(" (%s: %s)", list[0].input, list[0].reason)
	if len(list) == 1 {
		n.Text = fmt.Sprintf("%s has no records, and a header that does not fit: %s", list[0].input, list[0].reason)
	}
	req.Tell(n)
}

// refuse puts a table aside that cannot be read at all.
func (x *extraction) refuse(ctx context.Context, file *opened, t *table) error {
	u, err := x.take(ctx)
	if err != nil {
		return err
	}
	u.bound, u.piece, u.bytes = t.bound, piece{broken: t.problem}, x.bytes+file.progress()
	x.pass(u)
	return nil
}
