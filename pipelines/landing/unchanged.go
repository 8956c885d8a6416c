package landing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"winback/connectors/entity"
)

// Many sources give everything again at every reading: files that are exported
// whole, tables that do not tell what changed in them. A row that says what the newest
// landed one of its key says already is nothing new: it is counted and not landed, so
// that nothing behind the zone has to look at it. The newest one is that of the source
// and entity, whichever dataset it came with: A, then B, then A again are three
// changes. Because the zone is all that a warehouse is made of, a rebuilt one is the
// same.

const (
	// comparedFrom is how many rows have to be landed for it to matter how many come.
	comparedFrom = 1 << 18
	// comparedShare: one row of so many that are landed, or fewer, is taken as it
	// comes. A source that gives so little gives what changed, and to compare it
	// would mean to look at all the others.
	comparedShare = 64
)

// landedOf finds the files of each entity that were landed of a source, oldest first.
func (z *Zone) landedOf(source string, entities []*entity.Schema) (map[string][]File, error) {
	landed := map[string][]File{}
	for b, err := range z.Briefs(source) {
		if err != nil {
			return nil, err
		}
		for _, s := range entities {
			if !bytes.Contains(b.files, []byte(s.FullName())) {
				continue
			}
			files, err := b.Files()
			if err != nil {
				return nil, err
			}
			for _, f := range files {
				if f.Entity == s.FullName() {
					landed[f.Entity] = append(landed[f.Entity], f)
				}
			}
		}
	}
	return landed, nil
}

// delivery are the rows of an entity that a run brings, and those that were there.
type delivery struct {
	landed []File
	mu     sync.Mutex
	came   *traces   // of each row its place
	tracer sync.Pool // of *tracer
}

// compares prepares to compare the rows of an entity with those that were landed
// before, if there are any.
func (w *Writer) compares(f *feed) {
	if !w.options.DropUnchanged || f.delivery != nil {
		return
	}
	landed, err := w.landed()
	if err != nil {
		w.uncompared = err
	}
	f.delivery = &delivery{landed: landed[f.schema.FullName()]}
	if len(f.delivery.landed) > 0 {
		f.delivery.came = newTraces(w.zone, f.parts[0].path+".came"+tempSuffix)
		f.delivery.tracer.New = func() any { return newTracer(f.schema) }
	}
}

// remove takes away what only the comparing needed.
func (d *delivery) remove() error {
	if d == nil {
		return nil
	}
	return d.came.remove()
}

// partBits is how many bits of a place say which row of a part it is.
const partBits = 40

// note takes in the rows of a part.
func (d *delivery) note(p *part, b *buffer, rows rowRange) error {
	if d == nil || d.came == nil {
		return nil
	}
	t := d.tracer.Get().(*tracer)
	defer d.tracer.Put(t)
	t.all(b)
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range rows.len() {
		one := t.made[rows.row(i)]
		one.at = int64(p.number)<<partBits | int64(i)
		if err := d.came.add(one); err != nil {
			return err
		}
	}
	return nil
}

// settle lets go of what only noting needed.
func (d *delivery) settle() {
	if d != nil {
		d.tracer = sync.Pool{}
	}
}

// dropUnchanged marks the rows of an entity that say nothing new. It comes after the
// rows of one key were settled: the one that stays is the one to compare. Landed rows
// that cannot be read are no reason to stop: then everything counts as new, and
// Uncompared tells.
func (w *Writer) dropUnchanged(ctx context.Context, f *feed) error {
	if f.delivery == nil || f.delivery.came == nil || !w.worthComparing(f) {
		return nil
	}
	had := newTraces(w.zone, f.parts[0].path+".had"+tempSuffix)
	err := w.zone.traceLanded(ctx, f.delivery.landed, f.schema, had)
	if unreadable(err) && ctx.Err() == nil {
		w.uncompared = err
		return had.remove()
	}
	if err == nil {
		err = f.compare(ctx, had, int64(w.fixed.extractedAt))
	}
	return errors.Join(err, had.remove())
}

// worthComparing says whether so many rows came that they may be there already.
func (w *Writer) worthComparing(f *feed) bool {
	var came, landed int64
	for _, p := range f.parts {
		came += p.file.Rows
	}
	for _, file := range f.delivery.landed {
		landed += file.Rows
	}
	return landed <= w.zone.comparedFrom || came > landed/comparedShare
}

// unreadable says that an error is about what is landed, not about the disk that is
// written to.
func unreadable(err error) bool {
	var storage *StorageError
	return err != nil && (!errors.As(err, &storage) || storage.Op == "read")
}

// traceLanded adds the traces of the rows of files.
func (z *Zone) traceLanded(ctx context.Context, files []File, s *entity.Schema, to *traces) error {
	for _, f := range files {
		if err := z.traceFile(ctx, f, s, to); err != nil {
			return fmt.Errorf("compare with the rows of %s: %w", f.Path, err)
		}
	}
	return nil
}

func (z *Zone) traceFile(ctx context.Context, f File, s *entity.Schema, to *traces) error {
	p, err := z.OpenPart(f)
	if err != nil {
		return err
	}
	defer p.Close()
	version := versionField(s)
	c, err := p.cursor(func(f *entity.Field) bool { return tells(f) || f.Index == version })
	if err != nil {
		return err
	}
	defer c.close()
	b, t := newBuffer(s), newTracer(s)
	for left := p.Rows(); left > 0; left -= int64(b.rows) {
		b.reset()
		if err := errors.Join(ctx.Err(), c.read(b, int(min(left, readRows)))); err != nil {
			return err
		}
		for row := range b.rows {
			if err := to.add(t.of(b, row, b.columns[version].number(row))); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare marks the rows that came and that the newest row of their key, if it is not
// of a later version than they are, says already.
func (f *feed) compare(ctx context.Context, had *traces, version int64) (err error) {
	before, err := had.read()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, before.close()) }()
	now, err := f.delivery.came.read()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, now.close()) }()
	var newest newestTraces
	for n := range traceShards {
		list, err := before.shard(n)
		if err != nil {
			return err
		}
		newest.take(list)
		if list, err = now.shard(n); err != nil {
			return err
		}
		for _, came := range list {
			if have, _ := newest.find(came.key); have != nil && have.content == came.content && have.at <= version {
				f.unchanged += f.parts[came.at>>partBits].dropUnchanged(came.at & (1<<partBits - 1))
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// dropUnchanged leaves a row out that stays so far, and returns how many it left out.
func (p *part) dropUnchanged(row int64) int64 {
	if p.dropped.has(row) {
		return 0
	}
	p.dropped.add(row)
	return 1
}

// Uncompared returns why what was written could not be compared with what was landed
// before, so that all of it counts as new; nil if it could, or was not to be.
func (w *Writer) Uncompared() error { return w.uncompared }
