package files

import (
	"context"
	"errors"
	"io"
	"runtime"

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

	free    chan *unit // to be filled
	work    chan *unit // to be converted
	ordered chan *unit // the same, in order

	// of the reader
	read    []fileRead
	readAny bool
	bytes   int64
	window  *window

	// of the writer
	seen    map[uint64]firstSeen
	records int64
	total   int64
}

func newExtraction(p *plan, req connectors.Request, sink connectors.Sink, files []candidate, before *known) *extraction {
	x := &extraction{plan: p, req: req, sink: sink, files: files, known: before, seen: map[uint64]firstSeen{}}
	for _, c := range files {
		x.total += c.size
	}
	if p.group != nil {
		x.window = newWindow(p.config.Window)
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
	for i, c := range x.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if x.known.mayHold(c.size) {
			hash, err := hashFile(c.path)
			if err != nil {
				return err
			}
			if x.known.hashes[hash] {
				x.note(c, hash)
				x.bytes += c.size
				continue
			}
		}
		if err := x.readFile(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// note remembers that a file was read.
func (x *extraction) note(c candidate, hash string) {
	f := fileRead{Path: c.name, Size: c.size, Mtime: c.mtime, Hash: hash}
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
	err = file.tables(x.plan, c, func(t *table) error {
		t.bound.file = int32(i)
		return x.readTable(ctx, file, t)
	})
	hash, closing := file.finish()
	if err = errors.Join(err, closing); err != nil {
		return err
	}
	x.bytes += file.size
	x.note(c, hash)
	return nil
}

// readTable reads one table of a file.
func (x *extraction) readTable(ctx context.Context, file *opened, t *table) error {
	if t.problem != "" {
		return x.refuse(ctx, file, t)
	}
	cut := newCutter(t.text, t.bound.dialect, t.bound.line)
	if t.bound.format == formatNDJSON {
		cut.quote = 0
	}
	if x.plan.group != nil {
		return x.readDocuments(ctx, file, t.bound, cut)
	}
	for {
		u, err := x.take(ctx)
		if err != nil {
			return err
		}
		p, err := cut.next(u.text)
		if errors.Is(err, io.EOF) {
			x.free <- u
			return nil
		}
		if err != nil {
			x.free <- u
			return unreadable(file.file.Name(), err)
		}
		u.bound, u.piece, u.text, u.bytes = t.bound, p, p.data, x.bytes+file.progress()
		x.pass(u)
	}
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
