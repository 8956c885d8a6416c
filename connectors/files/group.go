package files

import (
	"context"
	"errors"
	"io"
)

// grouper collects the records of a file into documents and fills units with
// those that are closed.
type grouper struct {
	*extraction
	ctx     context.Context
	file    *opened
	bound   *binding
	mapper  *mapper
	records recordReader
	unit    *unit
	size    int // text of the unit's documents
}

// readDocuments reads a file whose records make documents.
func (x *extraction) readDocuments(ctx context.Context, file *opened, bound *binding, cut *cutter) error {
	g := &grouper{extraction: x, ctx: ctx, file: file, bound: bound, mapper: newMapper(x.plan), records: newRecordReader(bound)}
	var text []byte
	for {
		p, err := cut.next(text)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return unreadable(file.file.Name(), err)
		}
		text = p.data
		if err := g.piece(p); err != nil {
			return err
		}
	}
	for len(x.window.open) > 0 {
		if err := g.close(x.window.closeOldest()); err != nil {
			return err
		}
	}
	return g.flush()
}

// piece adds the records of a piece of text to their documents.
func (g *grouper) piece(p piece) error {
	switch {
	case p.broken != "":
		if last := g.window.newest(); last != nil {
			last.broken = &misfit{reason: "the file breaks off in or after this document, lines of it may be missing"}
		}
		return g.putAside(&misfit{reason: p.broken}, p.line, p.data)
	case p.overlong:
		return g.putAside(&misfit{reason: g.bound.overlong()}, p.line, p.data)
	}
	g.mapper.lookAt(p.data, g.bound)
	g.records.begin(p.data, p.line)
	var r record
	for {
		wrong, ok := g.records.next(&r)
		if !ok {
			return nil
		}
		if err := g.record(&r, wrong); err != nil {
			return err
		}
	}
}

func (g *grouper) record(r *record, wrong *misfit) error {
	g.mapper.arena.Reset()
	met := true
	if wrong == nil {
		met, wrong = g.mapper.met(g.plan.where, r)
	}
	if !met && wrong == nil {
		if err := g.ready(); err != nil {
			return err
		}
		g.unit.ignore(g.plan)
		return nil
	}
	var key value
	if wrong == nil {
		wrong = g.mapper.eval(g.plan.group, r, &key)
	}
	if wrong != nil {
		return g.putAside(wrong, r.line, r.raw)
	}
	g.window.add(key.text, r.raw, r.line)
	for g.window.full() {
		if err := g.close(g.window.closeOldest()); err != nil {
			return err
		}
	}
	return nil
}

// ready makes sure that there is a unit to fill.
func (g *grouper) ready() error {
	if g.unit != nil {
		return nil
	}
	u, err := g.take(g.ctx)
	if err != nil {
		return err
	}
	g.window.reuse(u.finished)
	u.finished = u.finished[:0]
	u.bound = g.bound
	g.unit, g.size = u, 0
	return nil
}

func (g *grouper) putAside(wrong *misfit, line int64, raw []byte) error {
	if err := g.ready(); err != nil {
		return err
	}
	g.unit.putAside(g.plan, wrong, line, raw)
	return g.grown(len(raw))
}

// close puts a closed document into the unit.
func (g *grouper) close(d *document) error {
	if err := g.ready(); err != nil {
		return err
	}
	g.unit.documents = append(g.unit.documents, d)
	return g.grown(len(d.text))
}

// grown sends the unit on when it is large enough.
func (g *grouper) grown(by int) error {
	if g.size += by; g.size < pieceSize {
		return nil
	}
	return g.flush()
}

func (g *grouper) flush() error {
	if g.unit == nil {
		return nil
	}
	g.unit.bytes = g.bytes + g.file.progress()
	g.pass(g.unit)
	g.unit = nil
	return nil
}
