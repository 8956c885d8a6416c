package files

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/mapping"
)

// unit is a part of the work that travels from the reader through a worker to
// the sink: a piece of text, or documents.
type unit struct {
	bound     *binding
	piece     piece
	text      []byte // memory of the piece
	documents []*document
	finished  []*document         // whose memory may be used again
	batches   []*entity.Batch     // by entity of the plan
	counts    []connectors.Counts // by entity
	aside     []aside
	emptied   []aside // values that were left out of records that went on
	records   int64   // read for it
	bytes     int64   // of all files, read so far
	done      chan struct{}
}

// aside is a record that does not fit.
type aside struct {
	misfit
	line int64
	raw  string
	kept bool // the record went on without the value
	torn bool // it is only a part of a record
}

// clear makes the unit ready for other work; its batches stay.
func (u *unit) clear() {
	u.bound, u.piece, u.documents, u.aside, u.emptied = nil, piece{}, u.documents[:0], u.aside[:0], u.emptied[:0]
	u.records = 0
	clear(u.counts)
}

// worker converts units. It is for one goroutine.
type worker struct {
	*mapper
	bound   *binding
	records recordReader
	values  [][]value // by entity and field
	matched []bool    // by entity
	folds   []folded  // by entity
	emptied []aside   // of the record at hand
	scratch []byte
	iso     mapping.ISOReader
}

func newWorker(p *plan) *worker {
	w := &worker{mapper: newMapper(p), matched: make([]bool, len(p.entities)), folds: make([]folded, len(p.entities))}
	for i, e := range p.entities {
		w.values = append(w.values, make([]value, len(e.fields)))
		w.folds[i].values = make([]value, len(e.fields))
	}
	return w
}

// convert fills the batches of a unit.
func (w *worker) convert(u *unit) {
	if w.bound != u.bound {
		w.bound, w.records = u.bound, newRecordReader(u.bound)
	}
	if len(u.documents) > 0 {
		for _, d := range u.documents {
			w.document(u, d)
		}
		return
	}
	switch {
	case u.piece.broken != "":
		u.putAside(w.plan, &misfit{reason: u.piece.broken}, u.piece.line, u.piece.data)
		u.aside[len(u.aside)-1].torn = true
	case u.piece.overlong:
		u.putAside(w.plan, &misfit{reason: u.bound.overlong()}, u.piece.line, u.piece.data)
		u.aside[len(u.aside)-1].torn = true
	default:
		w.piece(u)
	}
}

// overlong says what is wrong with a record that is longer than any should be.
func (b *binding) overlong() string {
	if b.document {
		return "the record is longer than 4 MiB; records: says where in the document they stand"
	}
	return "the line is longer than 4 MiB: is this a text file?"
}

// putAside notes a record that does not fit, for the sink to keep.
func (u *unit) putAside(p *plan, wrong *misfit, line int64, raw []byte) {
	u.counts[p.primary].Read++
	u.records++
	u.aside = append(u.aside, newAside(wrong, line, raw))
}

// clipped bounds what is kept of a record; 64 KiB hold any that a person wrote.
const clipped = 64 << 10

func newAside(wrong *misfit, line int64, raw []byte) aside {
	if len(raw) > clipped {
		raw = raw[:clipped]
	}
	return aside{misfit: *wrong, line: line, raw: string(bytes.ToValidUTF8(trimLineEnd(raw), []byte("\uFFFD")))}
}

// asideOf is newAside for the row of an entity.
func asideOf(e *entityPlan, wrong *misfit, r *record) aside {
	out := newAside(wrong, r.line, r.raw)
	out.entity = e.schema
	return out
}

// newEmptied notes a value that is left out of a record that goes on.
func newEmptied(e *entityPlan, f *field, wrong *misfit, r *record) aside {
	out := newAside(wrong, r.line, r.raw)
	out.entity, out.kept = e.schema, true
	out.reason += fmt.Sprintf("; %s was left empty, the record went on", f.name)
	return out
}

// piece converts the records of a piece of text, each on its own.
func (w *worker) piece(u *unit) {
	w.lookAt(u.piece.data, u.bound)
	w.records.begin(u.piece.data, u.piece.line)
	var r record
	for {
		wrong, ok := w.records.next(&r)
		if !ok {
			return
		}
		if wrong != nil {
			u.putAside(w.plan, wrong, r.line, r.raw)
			continue
		}
		u.records++
		w.arena.Reset()
		switch met, wrong := w.met(w.plan.where, &r); {
		case wrong != nil:
			u.putAside(w.plan, wrong, r.line, r.raw)
			continue
		case !met:
			u.ignore(w.plan)
			continue
		}
		for i, e := range w.plan.entities {
			if e.scope == 0 {
				w.row(u, i, e, &r)
				continue
			}
			w.elements(u, i, e, &r)
		}
	}
}

func (u *unit) ignore(p *plan) {
	u.counts[p.primary].Read++
	u.counts[p.primary].Ignored++
}

// elements makes rows of one entity from the elements of an array in a record.
func (w *worker) elements(u *unit, i int, e *entityPlan, r *record) {
	reader, ok := w.records.(*jsonReader)
	if !ok {
		return // the binding has a problem that was reported instead of the record
	}
	reader.elements(e.scope, r, func(element *record) {
		w.arena.Reset()
		w.row(u, i, e, element)
	})
}

// row makes the row of one entity from a record.
func (w *worker) row(u *unit, i int, e *entityPlan, r *record) {
	u.counts[i].Read++
	switch met, wrong := w.met(e.where, r); {
	case wrong != nil:
		u.aside = append(u.aside, asideOf(e, wrong, r))
		return
	case !met:
		u.counts[i].Ignored++
		return
	}
	b, before := u.batches[i], len(u.emptied)
	for n := range e.fields {
		f := &e.fields[n]
		if f.direct && !f.lenient && w.direct(b, f, r) {
			continue
		}
		var v value
		if wrong := w.eval(f, r, &v); wrong != nil {
			if f.lenient {
				u.emptied = append(u.emptied, newEmptied(e, f, wrong, r))
				continue
			}
			b.AbortRow()
			u.emptied = u.emptied[:before]
			u.aside = append(u.aside, asideOf(e, wrong, r))
			return
		}
		put(b, f, &v)
	}
	if wrong := w.badRecord(e, r); wrong != nil {
		b.AbortRow()
		u.aside = append(u.aside, asideOf(e, wrong, r))
		return
	}
	w.finish(u, b, e, w.payload(&e.payload, r), r)
}

// finish ends a row.
func (w *worker) finish(u *unit, b *entity.Batch, e *entityPlan, payload []byte, r *record) {
	if len(payload) > 0 {
		b.SetText(e.payload.field, payload)
	}
	if err := b.EndRow(entity.Origin{Line: r.line}); err != nil {
		u.aside = append(u.aside, asideOf(e, &misfit{reason: err.Error()}, r))
	}
}

// folded is the state of a per-document row while the document's records are
// gone through.
type folded struct {
	any     bool
	values  []value
	payload []byte
	line    int64 // of the first record that counts
}

// document converts a document: its records into rows of their own and, folded,
// into rows of the document.
func (w *worker) document(u *unit, d *document) {
	u.records += int64(len(d.lines))
	for i := range w.plan.entities {
		at := u.batches[i].Rows()
		d.rows = append(d.rows, rowRange{at, at})
		d.ignored = append(d.ignored, 0)
		w.folds[i].any, w.folds[i].payload = false, nil
		clear(w.folds[i].values)
	}
	if d.broken != nil {
		return
	}
	w.lookAt(d.text, u.bound)
	w.arena.Reset()
	r := record{count: int64(len(d.lines))}
	for i := range d.lines {
		raw, line := d.record(i)
		w.records.begin(raw, line)
		wrong, _ := w.records.next(&r)
		r.number = int64(i + 1)
		if wrong == nil {
			w.emptied = w.emptied[:0]
			wrong = w.readRecord(&r)
		}
		if wrong != nil {
			d.aside = append(d.aside, newAside(wrong, line, raw))
			d.content += w.badHash(&r, raw)
			continue
		}
		d.emptied = append(d.emptied, w.emptied...)
		d.content += w.contentHash()
		w.take(u, d, &r)
	}
	w.close(u, d, &r)
	for i := range d.rows {
		d.rows[i].to = u.batches[i].Rows()
	}
}

// readRecord reads all values of a record before any is used: a record counts
// whole or not at all.
func (w *worker) readRecord(r *record) *misfit {
	for i, e := range w.plan.entities {
		var wrong *misfit
		if w.matched[i], wrong = w.met(e.where, r); wrong != nil {
			return wrong
		}
		if !w.matched[i] {
			continue
		}
		for n := range e.fields {
			read := w.eval
			if e.perDocument {
				read = w.read // its defaults count for the document
			}
			f := &e.fields[n]
			wrong := read(f, r, &w.values[i][n])
			if wrong != nil && !f.lenient {
				return wrong
			}
			if wrong != nil {
				w.values[i][n] = value{}
				w.emptied = append(w.emptied, newEmptied(e, f, wrong, r))
			}
		}
		if wrong := w.badRecord(e, r); wrong != nil {
			return wrong
		}
	}
	return nil
}

// contentHash hashes the values of the record just read, but for those that say
// where it stands.
func (w *worker) contentHash() uint64 {
	w.scratch = w.scratch[:0]
	for i, e := range w.plan.entities {
		if !w.matched[i] {
			w.scratch = append(w.scratch, 0xFF)
			continue
		}
		for n := range e.fields {
			if f := &e.fields[n]; !f.tellsPlace() {
				w.scratch = appendValue(w.scratch, &w.values[i][n], f.kind)
			}
		}
	}
	return xxhash.Sum64(w.scratch)
}

// tellsPlace says that a field depends on where a record stands, so that it is no
// part of the content.
func (f *field) tellsPlace() bool {
	switch f.source {
	case fromLineNumber, fromLineCount, fromFileName, fromRowHash, fromConst:
		return true
	}
	return false
}

// badHash stands in for contentHash where a record does not fit: it hashes the
// texts of the values that cannot be read and the others' values.
func (w *worker) badHash(r *record, raw []byte) uint64 {
	if r.fields == nil || r.bound == nil {
		return xxhash.Sum64(raw)
	}
	var content []byte
	for _, e := range w.plan.entities {
		for n := range e.fields {
			f := &e.fields[n]
			if f.tellsPlace() {
				continue
			}
			var v value
			switch wrong := w.read(f, r, &v); {
			case wrong != nil:
				content = append(append(content, 2), wrong.value...)
			default:
				content = appendValue(content, &v, f.kind)
			}
		}
	}
	return xxhash.Sum64(content)
}

func appendValue(into []byte, v *value, kind entity.Kind) []byte {
	if !v.set {
		return append(into, 0)
	}
	into = append(into, 1)
	switch kind {
	case entity.Text, entity.Enum, entity.JSON:
		return append(binary.AppendUvarint(into, uint64(len(v.text))), v.text...)
	case entity.TextList, entity.TextMap:
		into = binary.AppendUvarint(into, uint64(len(v.list)))
		for _, item := range v.list {
			into = append(binary.AppendUvarint(into, uint64(len(item))), item...)
		}
		return into
	}
	return binary.LittleEndian.AppendUint64(into, uint64(v.n))
}

// take uses the values of a record: as a row, or folded into the document's.
func (w *worker) take(u *unit, d *document, r *record) {
	for i, e := range w.plan.entities {
		switch {
		case !w.matched[i]:
			if !e.perDocument {
				d.ignored[i]++
			}
		case e.perDocument:
			w.fold(i, e, d, r)
		default:
			for n := range e.fields {
				put(u.batches[i], &e.fields[n], &w.values[i][n])
			}
			w.finish(u, u.batches[i], e, w.payload(&e.payload, r), r)
		}
	}
}

// fold adds the values of a record to those of the document.
func (w *worker) fold(i int, e *entityPlan, d *document, r *record) {
	state := &w.folds[i]
	if !state.any {
		state.any, state.line = true, r.line
		state.payload = w.payload(&e.payload, r)
	}
	for n := range e.fields {
		into, v := &state.values[n], &w.values[i][n]
		if !v.set {
			continue
		}
		if err := w.foldValue(e.fields[n].fold, into, v); err != nil && d.broken == nil {
			d.broken = &misfit{entity: e.schema, column: e.fields[n].name, reason: "the sum over the document " + err.Error()}
		}
	}
}

// foldValue folds a value that is set into the document's, which outlives the
// record.
func (w *worker) foldValue(kind foldKind, into, v *value) error {
	if kind == foldCount {
		into.set = true
		into.n++
		return nil
	}
	switch {
	case !into.set || kind == foldLast,
		kind == foldMin && less(v, into),
		kind == foldMax && less(into, v):
		*into = *v
		into.text = w.arena.Keep(v.text)
	case kind == foldSum:
		sum, err := mapping.Add(into.n, v.n)
		into.n = sum
		return err
	}
	return nil
}

func less(a, b *value) bool {
	if a.n != b.n {
		return a.n < b.n
	}
	return bytes.Compare(a.text, b.text) < 0
}

// close makes the rows of the document as such.
func (w *worker) close(u *unit, d *document, r *record) {
	if len(d.aside) > 0 && w.plan.config.BadLines == "document" && d.broken == nil {
		first := d.aside[0]
		d.broken = &misfit{reason: fmt.Sprintf("line %d of the same document does not fit: %s", first.line, strings.TrimSpace(first.column+" "+first.reason))}
	}
	for i, e := range w.plan.entities {
		if !e.perDocument || d.broken != nil || len(d.aside) == len(d.lines) {
			continue
		}
		state := &w.folds[i]
		if !state.any {
			d.ignored[i]++
			continue
		}
		for n := range e.fields {
			v := &state.values[n]
			if !v.set {
				if d.broken = w.absent(&e.fields[n], r, v); d.broken != nil {
					u.batches[i].AbortRow()
					return
				}
			}
			put(u.batches[i], &e.fields[n], v)
		}
		payload := state.payload
		if len(d.aside) > 0 {
			payload = withQuarantined(payload, len(d.aside))
		}
		r.line = state.line
		w.finish(u, u.batches[i], e, payload, r)
	}
}
