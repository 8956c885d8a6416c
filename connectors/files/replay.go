package files

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"winback/connectors"
)

// A record that was rejected is read again from the text that was kept of it,
// behind the head of its file: so the file need not be there any more. Where that
// does not do, the file is read again, if it is still as it was: for records that
// make documents, for formats whose records are no text, and for records that were
// cut.

// form says how the text of a rejected record is written: what stands above the
// records of its file, and what they were decoded from.
type form struct {
	Head     string `json:"head,omitempty"`
	Encoding string `json:"encoding,omitempty"`
	// Document says that the records are the objects of a JSON document.
	Document bool `json:"document,omitempty"`
}

// formOf describes the records of a text.
func formOf(head []byte, encoding string, document bool) string {
	text, err := json.Marshal(form{Head: string(bytes.ToValidUTF8(head, undecodable)), Encoding: encoding, Document: document})
	if err != nil {
		return "" // it is read again from its file
	}
	return string(text)
}

// formFor returns the form under which a record can be read again by itself, ""
// if it cannot.
func (b *binding) formFor(a *aside) string {
	if a.torn || len(a.raw) >= clipped || strings.Contains(a.raw, string(undecodable)) {
		return ""
	}
	return b.form
}

// ReplaysWhole says that the records of a dataset make documents.
func (s *source) ReplaysWhole(dataset string) bool {
	p, err := s.plan(dataset)
	return err == nil && p.group != nil
}

// ReadWhole returns the files that an extraction read from begin to end.
func (s *source) ReadWhole(raw json.RawMessage) ([]string, error) {
	var c cursor
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("read a cursor: %w", err)
	}
	var names []string
	for _, f := range c.Files {
		if f.Whole {
			names = append(names, f.Path)
		}
	}
	return names, nil
}

// Replay reads rejected records again.
func (s *source) Replay(ctx context.Context, req connectors.Request, records []connectors.Reject, sink connectors.Sink) error {
	p, err := s.plan(req.Dataset)
	if err != nil {
		return err
	}
	r := &replay{source: s, plan: p, req: req, sink: sink}
	texts, files := r.sort(records)
	for _, t := range texts {
		if err := r.texts(ctx, t); err != nil {
			return fmt.Errorf("replay %s: %w", p.name, err)
		}
	}
	if err := r.files(ctx, files); err != nil {
		return fmt.Errorf("replay %s: %w", p.name, err)
	}
	return nil
}

// replay is the state of reading records again.
type replay struct {
	source *source
	plan   *plan
	req    connectors.Request
	sink   connectors.Sink
}

// sameForm are records of one input that are written in one way.
type sameForm struct {
	input   string
	form    form
	records []connectors.Reject
}

// sort parts records into those that are read from their texts and those whose
// files are needed. Several rejects of one record are one.
func (r *replay) sort(records []connectors.Reject) (texts []*sameForm, files []connectors.Reject) {
	type place struct {
		input string
		line  int64
	}
	met := map[place]bool{}
	byForm := map[[2]string]*sameForm{}
	for _, record := range records {
		if at := (place{record.Input, record.Line}); met[at] {
			continue
		} else {
			met[at] = true
		}
		f, ok := r.readable(record)
		if !ok {
			files = append(files, record)
			continue
		}
		key := [2]string{record.Input, record.Form}
		if byForm[key] == nil {
			byForm[key] = &sameForm{input: record.Input, form: f}
			texts = append(texts, byForm[key])
		}
		byForm[key].records = append(byForm[key].records, record)
	}
	return texts, files
}

// readable says whether a record can be read from its text.
func (r *replay) readable(record connectors.Reject) (f form, ok bool) {
	if record.Form == "" || record.Record == "" || r.plan.group != nil || json.Unmarshal([]byte(record.Form), &f) != nil {
		return f, false
	}
	declared := r.plan.config.Encoding
	return f, declared == "" || f.Encoding == "" || strings.EqualFold(declared, f.Encoding)
}

// texts reads records from their texts.
func (r *replay) texts(ctx context.Context, t *sameForm) error {
	bound, err := r.bind(t)
	if err != nil {
		return err
	}
	x := &extraction{plan: r.plan, req: connectors.Request{Dataset: r.req.Dataset}, sink: r.sink}
	w, u := newWorker(r.plan), x.newUnit()
	for i, record := range t.records {
		if err := ctx.Err(); err != nil {
			return err
		}
		u.bound, u.piece = bound, piece{data: []byte(record.Record + "\n"), line: record.Line}
		w.convert(u)
		if (i+1)%replayBatch == 0 || i+1 == len(t.records) {
			if err := x.write(ctx, u); err != nil {
				return err
			}
			u.clear()
		}
	}
	return nil
}

// replayBatch is how many records are handed to the sink at once.
const replayBatch = 10_000

// bind finds the columns of the present mapping in the head of a file.
func (r *replay) bind(t *sameForm) (*binding, error) {
	if t.form.Document {
		b := bindJSON(r.plan, t.input)
		b.document, b.encoding = true, foreign(t.form.Encoding)
		return b, nil
	}
	const sample = 100
	text := strings.Builder{}
	text.WriteString(t.form.Head)
	for _, record := range t.records[:min(sample, len(t.records))] {
		text.WriteString(record.Record + "\n")
	}
	table := &table{input: t.input, text: bufio.NewReaderSize(strings.NewReader(text.String()), headSize)}
	if err := table.prepare(r.plan, t.form.Encoding); err != nil {
		return nil, err
	}
	return table.bound, nil
}

// foreign is an encoding as a binding has it: none for UTF-8.
func foreign(encoding string) string {
	if encoding == utf8Text {
		return ""
	}
	return encoding
}

// files reads the files of records again, those that are as they were.
func (r *replay) files(ctx context.Context, records []connectors.Reject) error {
	if len(records) == 0 {
		return nil
	}
	before, err := foldCursors(r.req.Cursors, r.plan.fingerprint)
	if err != nil {
		return err
	}
	found, err := r.source.discover(r.plan, func(string) {})
	if err != nil && !errors.Is(err, connectors.ErrNoInput) {
		return err
	}
	wanted := map[string]map[int64]bool{}
	a := &arrivals{plan: r.plan, known: newKnown(r.plan.fingerprint)}
	for _, record := range records {
		c, why := fileOf(record.Input, found, before)
		if why != "" {
			if err := r.refuse(ctx, record, why); err != nil {
				return err
			}
			continue
		}
		if wanted[record.Input] == nil {
			wanted[record.Input] = map[int64]bool{}
		}
		wanted[record.Input][record.Line] = true
		if !slices.ContainsFunc(a.todo, func(t candidate) bool { return t.name == c.name }) {
			a.todo = append(a.todo, c)
		}
	}
	if len(a.todo) == 0 {
		return nil
	}
	x := newExtraction(r.source, a, r.req, r.sink)
	x.wanted = wanted
	if _, err := x.run(ctx); err != nil {
		return err
	}
	for _, name := range x.left {
		for _, record := range records {
			if within(record.Input, name) {
				if err := r.refuse(ctx, record, "the file is being written; try again later"); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// fileOf returns the file that an input was read from, or why it cannot be read
// again.
func fileOf(input string, found []candidate, before *known) (c candidate, why string) {
	at := slices.IndexFunc(found, func(c candidate) bool { return within(input, c.name) })
	if at < 0 {
		return c, "it has to be read again with the whole file, which is not there any more: put it back, or discard the record"
	}
	c = found[at]
	last, known := before.last[c.name]
	if known && last.Size == c.size && last.Mtime == c.mtime {
		return c, ""
	}
	if hash, err := hashFile(c.path); known && err == nil && hash == last.Hash {
		return c, ""
	}
	return c, "it has to be read again with the whole file, which has changed since: winback run reads the changed file"
}

// within says that an input is a file, or a table in it.
func within(input, file string) bool {
	return input == file || strings.HasPrefix(input, file+"/")
}

func (r *replay) refuse(ctx context.Context, record connectors.Reject, why string) error {
	record.Reason, record.Kept = why, false
	return r.sink.Reject(ctx, record)
}

// isWanted says that a record is to be read; all are where none is named.
func (x *extraction) isWanted(u *unit, line int64) bool {
	return x.wanted == nil || x.wanted[u.bound.input][line]
}

// wantsDocument says that a record of a document is to be read: then all of them
// are.
func (x *extraction) wantsDocument(u *unit, d *document) bool {
	return x.wanted == nil || slices.ContainsFunc(d.lines, func(l documentLine) bool { return x.wanted[u.bound.input][l.line] })
}

// dropUnwanted takes the rows of records out that are not to be read.
func (x *extraction) dropUnwanted(u *unit) {
	if x.wanted == nil || len(u.documents) > 0 {
		return
	}
	for i, b := range u.batches {
		b.Align()
		out := x.sink.NewBatch(b.Schema)
		for n := range b.Rows() {
			if x.isWanted(u, b.Origins[n].Line) {
				appendRows(out, b, rowRange{n, n + 1})
			}
		}
		b.Reset()
		u.batches[i] = out
	}
	clear(u.counts)
}
