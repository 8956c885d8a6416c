package landing

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"winback/connectors"
	"winback/connectors/entity"
)

// Writer writes what a run extracts of one dataset. It is the sink that a
// source fills; Commit makes all of it visible, Abort none. Rows are collected
// by entity, and sorted and written in the background a part at a time.
type Writer struct {
	zone     *Zone
	manifest *Manifest
	dataset  connectors.Dataset
	options  Options
	fixed    constants
	skip     skipped

	ctx    context.Context // of the background
	cancel context.CancelFunc
	feeds  []*feed
	slots  chan struct{} // one for each part in flight

	rejects *quarantine // what the source rejects
	settles func() []Settlement

	landed     func() (map[string][]File, error) // before, by entity
	uncompared error

	background sync.WaitGroup
	mu         sync.Mutex
	err        error            // first error of the background
	inputs     []string         // name of input i+1
	numbers    map[string]int32 // of inputs, by name
	ended      bool
}

var _ connectors.Sink = (*Writer)(nil)

// feed collects the rows of one entity.
type feed struct {
	schema  *entity.Schema
	layout  *layout
	buf     *buffer
	buffers chan *buffer // written and free
	batches []*entity.Batch
	parts   []*part
	paths   []string // of all parts that were begun
	origins []string
	rule    rule
	counts  EntityCounts
	// conflicts are the rows whose key came before with other content. Each entity
	// has a file of them, so that their order does not depend on who is faster.
	conflicts              *quarantine
	duplicates, conflicted int64
	// delivery are the rows to be compared with those that were landed before; nil if
	// none are.
	delivery  *delivery
	unchanged int64
	// lastReject is the record that was rejected last: each bad value of a record
	// is told, the record is counted once.
	lastReject recordID
}

type recordID struct {
	input string
	line  int64
}

func newWriter(ctx context.Context, z *Zone, m *Manifest, dataset connectors.Dataset, o Options) (*Writer, error) {
	w := &Writer{
		zone: z, manifest: m, dataset: dataset, options: o,
		fixed:   constants{source: m.Source, runID: m.RunID, extractedAt: entity.TimeOf(m.ExtractedAt)},
		slots:   make(chan struct{}, o.PartsInFlight),
		numbers: map[string]int32{},
		rejects: &quarantine{zone: z, manifest: m, number: 1},
	}
	w.skip = func(f *entity.Field) bool {
		_, _, fixed := w.fixed.of(f)
		return fixed || o.DropPayload && f.Meta && f.Kind == entity.JSON
	}
	w.landed = sync.OnceValues(func() (map[string][]File, error) { return z.landedOf(m.Source, dataset.Entities) })
	w.ctx, w.cancel = context.WithCancel(ctx)
	for i, s := range dataset.Entities {
		l, err := layoutOf(s)
		if err != nil {
			return nil, err
		}
		rule, err := ruleOf(dataset, s)
		if err != nil {
			return nil, err
		}
		w.feeds = append(w.feeds, &feed{
			schema: s, layout: l, buf: newBuffer(s), rule: rule,
			buffers:   make(chan *buffer, o.PartsInFlight+1),
			conflicts: &quarantine{zone: z, manifest: m, number: i + 2},
			counts:    EntityCounts{Entity: s.FullName()},
		})
	}
	return w, nil
}

func (w *Writer) feed(s *entity.Schema) (*feed, error) {
	for _, f := range w.feeds {
		if f.schema == s {
			return f, nil
		}
	}
	return nil, fmt.Errorf("entity %s is not one of dataset %s", s.FullName(), w.dataset.Name)
}

// NewBatch returns an empty batch for an entity of the dataset.
func (w *Writer) NewBatch(s *entity.Schema) *entity.Batch {
	f, err := w.feed(s)
	if err != nil || len(f.batches) == 0 {
		return entity.NewBatch(s)
	}
	last := len(f.batches) - 1
	b := f.batches[last]
	f.batches = f.batches[:last]
	return b
}

// Write takes over the rows of a batch. It waits while too many parts are on
// the way to the disk. The errors of writing parts, *StorageError among them,
// come with a later call.
func (w *Writer) Write(ctx context.Context, b *entity.Batch) error {
	f, err := w.feed(b.Schema)
	if err != nil {
		return err
	}
	if err := w.failed(ctx); err != nil {
		return err
	}
	b.AbortRow() // a row that was not finished
	if !allInside(b) {
		if b, err = w.refuse(ctx, b); err != nil {
			return err
		}
	}
	if w.options.Eraser != nil {
		var gone int64
		if b, gone, err = w.without(b); err != nil {
			return err
		}
		f.counts.Ignored += gone
	}
	if f.buf.rows > 0 && f.buf.bytes()+b.Bytes() > w.options.PartBytes {
		if err := w.cut(ctx, f); err != nil {
			return err
		}
	}
	f.buf.append(b, w.skip)
	b.Reset()
	f.batches = append(f.batches, b)
	if f.buf.rows >= w.options.PartRows {
		return w.cut(ctx, f)
	}
	return w.keepWithinMemory(ctx)
}

// failed returns the error that stops the writing, if any.
func (w *Writer) failed(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && w.ended {
		return fmt.Errorf("write to dataset %s after its end", w.dataset.Name)
	}
	return w.err
}

func (w *Writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
		w.cancel()
	}
}

// keepWithinMemory writes the largest collection early when all together take
// more than their share.
func (w *Writer) keepWithinMemory(ctx context.Context) error {
	if len(w.feeds) == 1 {
		return nil // PartBytes keeps it
	}
	total, largest := 0, w.feeds[0]
	for _, f := range w.feeds {
		total += f.buf.bytes()
		if f.buf.bytes() > largest.buf.bytes() {
			largest = f
		}
	}
	if total <= w.options.MemoryBytes {
		return nil
	}
	return w.cut(ctx, largest)
}

// cut hands the rows collected of an entity to the background.
func (w *Writer) cut(ctx context.Context, f *feed) error {
	if f.buf.rows == 0 {
		return nil
	}
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	p := &part{number: len(f.parts), path: w.zone.nextPart(w.entityDir(f.schema)), words: wordCounts{}}
	p.file.Entity = f.schema.FullName()
	f.parts = append(f.parts, p)
	f.paths = append(f.paths, p.path)
	f.origins = append(f.origins, p.path+originsSuffix)
	w.compares(f)
	job := partJob{feed: f, buf: f.buf, part: p}
	select {
	case f.buf = <-f.buffers:
	default:
		f.buf = newBufferLike(job.buf)
	}
	w.background.Go(func() {
		defer func() { <-w.slots }()
		if err := w.writePart(job); err != nil {
			w.fail(err)
		}
	})
	return nil
}

func (w *Writer) entityDir(s *entity.Schema) string {
	return w.zone.dir(w.manifest.Source, s.FullName(), runPrefix+w.manifest.RunID)
}

// Reject puts aside a record that does not fit, or a value of it. Several
// values of one record in a row count as one record.
func (w *Writer) Reject(ctx context.Context, r connectors.Reject) error {
	f, err := w.feed(r.Entity)
	if err != nil {
		return err
	}
	if err := w.failed(ctx); err != nil {
		return err
	}
	if e := w.options.Eraser; e != nil && e.Quarantined(QuarantineRow{
		Source: w.manifest.Source, Entity: r.Entity.FullName(), Value: r.Value, Record: r.Record, Reason: r.Reason, At: w.manifest.ExtractedAt.UnixMicro(),
	}) {
		r.Value, r.Record, r.Reason = "", "", erasedReason
	}
	if r.Kept {
		f.counts.Emptied++
		return w.rejects.add(r)
	}
	id := recordID{input: r.Input, line: r.Line}
	if r.Line == 0 || id != f.lastReject {
		f.counts.Quarantined++
	}
	f.lastReject = id
	return w.rejects.add(r)
}

// SettleBy has Commit write down what the run did to records that earlier runs put
// aside. list is called when all rows are written.
func (w *Writer) SettleBy(list func() []Settlement) { w.settles = list }

// Count adds to the counts of an entity that only the source knows. Counts of
// entities that the dataset lacks are left out.
func (w *Writer) Count(s *entity.Schema, c connectors.Counts) {
	f, err := w.feed(s)
	if err != nil {
		return
	}
	f.counts.Read += c.Read
	f.counts.Ignored += c.Ignored
	f.counts.Duplicates += c.Duplicates
	f.counts.Expected += c.Expected
}

// Input names an input and returns its number for entity.Origin, from 1.
func (w *Writer) Input(name string) int32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if number, known := w.numbers[name]; known {
		return number
	}
	w.inputs = append(w.inputs, name)
	w.numbers[name] = int32(len(w.inputs))
	return w.numbers[name]
}

// inputName returns the name of an input, or "" if it is not known.
func (w *Writer) inputName(number int32) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if number < 1 || int(number) > len(w.inputs) {
		return ""
	}
	return w.inputs[number-1]
}

// CursorBefore returns the cursor that the last commit of the dataset left, or nil.
func (w *Writer) CursorBefore() json.RawMessage { return w.manifest.CursorBefore }
