package files

import (
	"context"
	"fmt"
	"math"

	"github.com/cespare/xxhash/v2"

	"winback/connectors"
	"winback/connectors/entity"
)

// writeAll hands units to the sink in the order in which they were read. It is
// the only one that talks to the sink while an extraction runs.
func (x *extraction) writeAll(ctx context.Context) error {
	for u := range x.ordered {
		<-u.done
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := x.write(ctx, u); err != nil {
			return err
		}
		x.free <- u
	}
	return nil
}

func (x *extraction) write(ctx context.Context, u *unit) error {
	var keep []bool
	var asides [][]aside
	x.dropUnwanted(u)
	if len(u.documents) > 0 {
		keep, asides = x.judge(u)
	}
	for i, e := range x.plan.entities {
		if u.counts[i] != (connectors.Counts{}) {
			x.sink.Count(e.schema, u.counts[i])
		}
	}
	if u.bound.number == 0 {
		u.bound.number = x.sink.Input(u.bound.input)
	}
	for i := range u.batches {
		if err := x.writeBatch(ctx, u, i, keep); err != nil {
			return err
		}
	}
	for _, list := range append([][]aside{u.aside}, append(asides, u.emptied)...) {
		if err := x.reject(ctx, u, list); err != nil {
			return err
		}
	}
	u.finished = append(u.finished, u.documents...)
	x.records += u.records
	if x.req.Progress != nil {
		x.req.Progress(connectors.Progress{Rows: x.records, Bytes: u.bytes, TotalBytes: x.total, Input: u.bound.input})
	}
	return nil
}

func (x *extraction) reject(ctx context.Context, u *unit, list []aside) error {
	for i := range list {
		a := &list[i]
		if !x.isWanted(u, a.line) {
			continue
		}
		err := x.sink.Reject(ctx, connectors.Reject{
			Entity: x.plan.entityOf(&a.misfit), Input: u.bound.input, Line: a.line,
			Column: a.column, Value: a.value, Reason: a.reason, Record: a.raw, Kept: a.kept,
			Form: u.bound.formFor(a),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeBatch writes the rows of one entity, without those of documents that are
// not kept. The unit gets an empty batch.
func (x *extraction) writeBatch(ctx context.Context, u *unit, i int, keep []bool) error {
	b := u.batches[i]
	if b.Rows() == 0 {
		return nil
	}
	for n := range b.Origins {
		b.Origins[n].Input = u.bound.number
	}
	if allKept(keep) {
		u.batches[i] = x.sink.NewBatch(b.Schema)
		return x.sink.Write(ctx, b)
	}
	b.Align()
	out := x.sink.NewBatch(b.Schema)
	for n, d := range u.documents {
		if keep[n] {
			appendRows(out, b, d.rows[i])
		}
	}
	b.Reset()
	if out.Rows() == 0 {
		u.batches[i] = out
		return nil
	}
	return x.sink.Write(ctx, out)
}

func allKept(keep []bool) bool {
	for _, kept := range keep {
		if !kept {
			return false
		}
	}
	return true
}

// appendRows copies rows of an aligned batch.
func appendRows(to, from *entity.Batch, rows rowRange) {
	to.Align()
	for n := range from.Columns {
		in, out := &from.Columns[n], &to.Columns[n]
		if len(in.Ends) == 0 {
			out.Ints = append(out.Ints, in.Ints[rows.from:rows.to]...)
		}
		for i := rows.from; i < rows.to && len(in.Ends) > 0; i++ {
			out.Data = append(out.Data, in.Value(i)...)
			out.Ends = append(out.Ends, uint32(len(out.Data)))
		}
		if in.Valid != nil {
			out.Valid = append(out.Valid, in.Valid[rows.from:rows.to]...)
		}
	}
	for i := rows.from; i < rows.to; i++ {
		_ = to.EndRow(from.Origins[i]) // the row was complete where it came from
	}
}

// judge decides which documents of a unit are kept: those that were not met
// before and are whole. It returns the records that are put aside.
func (x *extraction) judge(u *unit) (keep []bool, asides [][]aside) {
	keep = make([]bool, len(u.documents))
	for n, d := range u.documents {
		if !x.wantsDocument(u, d) {
			continue
		}
		wrong, duplicate := d.broken, false
		if wrong == nil {
			wrong, duplicate = x.meet(u, d)
		}
		switch {
		case wrong != nil:
			asides = append(asides, d.allAside(wrong))
			u.counts[x.plan.primary].Read += int64(len(d.lines))
		case duplicate:
			x.countDuplicate(u, d)
		default:
			keep[n] = true
			asides = append(asides, d.aside, d.emptied)
			x.count(u, d)
		}
	}
	return keep, asides
}

// meet looks whether a document was met before in this run, and which one counts.
func (x *extraction) meet(u *unit, d *document) (wrong *misfit, duplicate bool) {
	id := xxhash.Sum64String(d.key)
	first, met := x.seen[id]
	switch {
	case !met:
		x.see(u, d, id)
		return nil, false
	case first.file == u.bound.file:
		return &misfit{column: u.bound.name(x.plan.group.slot), value: d.key, reason: fmt.Sprintf(
			"more lines of a document that began on line %d, after %d other documents; raise window", first.line, x.plan.config.Window)}, false
	case first.content == d.content:
		return nil, true
	}
	switch x.plan.config.Duplicates.Keep {
	case connectors.KeepFirst:
		return nil, true
	case connectors.KeepNewest:
		if x.age(u, d) < x.ages[id] {
			return nil, true
		}
		fallthrough
	case connectors.KeepLast: // its rows win over those of the earlier one
		x.see(u, d, id)
		return nil, false
	}
	return &misfit{column: u.bound.name(x.plan.group.slot), value: d.key, reason: fmt.Sprintf(
		"the document is in %s, line %d, with other content", x.files[first.file].name, first.line)}, false
}

// see remembers the document that counts.
func (x *extraction) see(u *unit, d *document, id uint64) {
	x.seen[id] = firstSeen{content: d.content, line: uint32(min(d.lines[0].line, math.MaxUint32)), file: u.bound.file}
	if x.plan.config.Duplicates.Keep == connectors.KeepNewest {
		x.ages[id] = x.age(u, d)
	}
}

// allAside puts all records of a document aside, those that do not fit for
// reasons of their own included.
func (d *document) allAside(wrong *misfit) []aside {
	all := make([]aside, 0, len(d.lines))
	own := d.aside
	for i := range d.lines {
		raw, line := d.record(i)
		if len(own) > 0 && own[0].line == line {
			all, own = append(all, own[0]), own[1:]
			continue
		}
		all = append(all, newAside(wrong, line, raw))
	}
	return all
}

// count adds a kept document to the counts of the entities.
func (x *extraction) count(u *unit, d *document) {
	for i, e := range x.plan.entities {
		c := &u.counts[i]
		c.Ignored += d.ignored[i]
		if e.perDocument {
			c.Read += int64(d.rows[i].to-d.rows[i].from) + d.ignored[i]
		} else {
			c.Read += int64(len(d.lines))
		}
	}
}

// countDuplicate adds a document that is counted already.
func (x *extraction) countDuplicate(u *unit, d *document) {
	for i, e := range x.plan.entities {
		n := int64(d.rows[i].to - d.rows[i].from)
		if !e.perDocument {
			n = int64(len(d.lines))
		}
		u.counts[i].Read += n
		u.counts[i].Duplicates += n
	}
}
