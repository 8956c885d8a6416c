package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
)

// Payload says what of a record is kept beside the fields of the contract.
const (
	PayloadUnmapped = "unmapped" // what no field took
	PayloadFull     = "full"     // the record as it came
	PayloadNone     = "none"
)

// Options say how records become rows.
type Options struct {
	// Entity is what records are counted for of which no row was made.
	Entity   *entity.Schema
	Location *time.Location // zone of times without one
	Payload  string         // PayloadUnmapped and so on; "" is PayloadUnmapped
	Fields   Fields         // of the configuration
	OnDrift  string         // DriftQuarantine, DriftStop; "" is DriftQuarantine
	// Known are the fields of records that the connector knows and does not read. A
	// name that ends in * stands for all that begin so. Nil: every field is known.
	Known []string
	// Told are the unknown fields that were told earlier, from the cursor.
	Told []string
	// Custom finds a configured field in a record where it is not simply a field of
	// that name: in a list of custom fields. Nil takes Record.Raw.
	Custom func(r *Record, name string) json.RawMessage
	// Whole says that all there is of a small entity is read every time. Rows are
	// held back until CloseWhole finds that they differ from what was read before.
	Whole bool
}

// Rows turns the records of one extraction into rows and hands them to the sink.
type Rows struct {
	req      connectors.Request
	sink     connectors.Sink
	o        Options
	location *time.Location

	input   int32
	line    int64
	page    string
	batches map[*entity.Schema]*entity.Batch
	order   []*entity.Schema
	unknown []string // met in this extraction, and not told before
	count   map[*entity.Schema]*connectors.Counts

	batchRows int // handed on at a time
}

const batchRows = 5_000

// NewRows begins an extraction.
func NewRows(req connectors.Request, sink connectors.Sink, o Options) *Rows {
	rows := &Rows{
		req: req, sink: sink, o: o, location: o.Location,
		batches: map[*entity.Schema]*entity.Batch{}, count: map[*entity.Schema]*connectors.Counts{},
	}
	if rows.location == nil {
		rows.location = time.UTC
	}
	if rows.batchRows = batchRows; req.Sample > 0 {
		rows.batchRows = 1
	}
	return rows
}

// Page names where the records come from that follow, for messages: the method
// and its page, no secrets.
func (rows *Rows) Page(name string) {
	rows.input, rows.line, rows.page = rows.sink.Input(name), 0, name
}

// Record begins to read one record.
func (rows *Rows) Record(raw json.RawMessage) *Record {
	rows.line++
	return parse(rows, raw, "", nil)
}

// addition is a row that waits for the end of its record.
type addition struct {
	schema *entity.Schema
	put    func(b *entity.Batch)
	from   *Record
}

// Add makes a row of what was read of a record, or of a part of one. It becomes
// one when Rows.End finds the whole record in order. Meta's Payload is set there,
// unless it is set already.
func Add[E entity.Entity](r *Record, row *E) {
	r.root.added = append(r.root.added, addition{
		schema: entity.Of[E](), from: r,
		put: func(b *entity.Batch) { entity.Put(b, row) },
	})
}

// Ignore leaves the record out and counts it as left out by a rule.
func (r *Record) Ignore() { r.root.ignored = true }

// End makes the rows of a record, or puts the record aside.
func (rows *Rows) End(ctx context.Context, r *Record) error {
	if r.ignored {
		s := rows.primary(r)
		rows.counts(s).Read++
		rows.counts(s).Ignored++
		return nil
	}
	settings := make([][]setting, len(r.added))
	for i, a := range r.added {
		settings[i] = rows.configured(a)
	}
	rows.meet(r)
	if len(r.misfits) > 0 {
		return rows.reject(ctx, r)
	}
	if len(r.added) == 0 {
		return nil
	}
	took, err := rows.take(r, settings)
	if err != nil {
		for _, t := range slices.Backward(took) {
			t.batch.Cut(t.before)
		}
		r.misfits = append(r.misfits, misfit{reason: err.Error()})
		return rows.reject(ctx, r)
	}
	for _, a := range r.added {
		rows.counts(a.schema).Read++
		if b := rows.batches[a.schema]; b != nil && !rows.o.Whole && (b.Rows() >= rows.batchRows || b.Full()) {
			if err := rows.flush(ctx, a.schema); err != nil {
				return err
			}
		}
	}
	return nil
}

// taken is a row in a batch, and how many there were before it.
type taken struct {
	batch  *entity.Batch
	before int
}

// take makes the rows of a record. After an error those that it returns are to go: a
// record is taken whole or not at all.
func (rows *Rows) take(r *Record, settings [][]setting) (took []taken, err error) {
	for i, a := range r.added {
		b := rows.batch(a.schema)
		a.put(b)
		for _, set := range settings[i] {
			set(b)
		}
		rows.payload(b, a)
		if err := b.EndRow(entity.Origin{Input: rows.input, Line: rows.line}); err != nil {
			return took, err
		}
		took = append(took, taken{b, b.Rows() - 1})
	}
	return took, nil
}

// primary is the entity that a record is counted for.
func (rows *Rows) primary(r *Record) *entity.Schema {
	if len(r.added) > 0 {
		return r.added[0].schema
	}
	return rows.o.Entity
}

func (rows *Rows) counts(s *entity.Schema) *connectors.Counts {
	c, ok := rows.count[s]
	if !ok {
		c = &connectors.Counts{}
		rows.count[s] = c
	}
	return c
}

// Expect adds to what the source itself says there is of an entity in what is
// read.
func (rows *Rows) Expect(s *entity.Schema, n int64) { rows.counts(s).Expected += n }

func (rows *Rows) batch(s *entity.Schema) *entity.Batch {
	b, ok := rows.batches[s]
	if !ok {
		b = rows.sink.NewBatch(s)
		rows.batches[s] = b
		rows.order = append(rows.order, s)
	}
	return b
}

func (rows *Rows) flush(ctx context.Context, s *entity.Schema) error {
	b, ok := rows.batches[s]
	if !ok || b.Rows() == 0 {
		return nil
	}
	delete(rows.batches, s)
	rows.order = slices.DeleteFunc(rows.order, func(other *entity.Schema) bool { return other == s })
	return rows.sink.Write(ctx, b)
}

// payload keeps what the fields of the contract did not take.
func (rows *Rows) payload(b *entity.Batch, a addition) {
	field := a.schema.Field("payload").Index
	switch {
	case rows.o.Payload == PayloadNone, a.from.aside:
		b.SetNull(field)
	case rows.o.Payload == PayloadFull:
		b.SetText(field, a.from.whole())
	default:
		b.SetString(field, a.from.rest())
	}
}

// reject puts a record aside, once, with the first thing that is wrong with it.
func (rows *Rows) reject(ctx context.Context, r *Record) error {
	wrong := r.misfits[0]
	if rows.o.OnDrift == DriftStop {
		return fmt.Errorf("%s, record %d: %s %s; on_drift: quarantine puts such records aside and goes on", rows.page, rows.line, wrong.field, wrong.reason)
	}
	s := rows.primary(r)
	reasons := []string{wrong.reason}
	for _, more := range r.misfits[1:min(len(r.misfits), 5)] {
		reasons = append(reasons, more.field+" "+more.reason)
	}
	rows.counts(s).Read++
	return rows.sink.Reject(ctx, connectors.Reject{
		Entity: s, Input: rows.page, Line: rows.line, Column: wrong.field, Value: wrong.value,
		Reason: strings.Join(reasons, "; "), Record: string(r.whole()),
	})
}

// Close hands on what is left, and tells what was found out on the way.
func (rows *Rows) Close(ctx context.Context) error {
	for _, s := range slices.Clone(rows.order) {
		if err := rows.flush(ctx, s); err != nil {
			return err
		}
	}
	for s, c := range rows.count {
		rows.sink.Count(s, *c)
	}
	rows.tellUnknown()
	return nil
}
