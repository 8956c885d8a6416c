package landing

import (
	"context"
	"fmt"
	"io"
	"sync"

	"winback/connectors/entity"
)

// part is one part file of a run that is not committed yet.
type part struct {
	path       string
	file       File
	words      wordCounts
	duplicates int64
	conflicts  int64
	low, high  *buffer // first and last key, as buffers of one row
	dropped    rowSet  // rows that an earlier part has too
}

// partJob is a part on its way to the disk.
type partJob struct {
	feed    *feed
	buf     *buffer
	part    *part
	before  <-chan struct{} // closed when the entity's part before is settled
	settled chan struct{}
}

// encoders keeps the memory of encoders from part to part.
var encoders = sync.Pool{}

func takeEncoder() (*encoder, error) {
	if e, ok := encoders.Get().(*encoder); ok {
		return e, nil
	}
	return newEncoder()
}

// writePart sorts the rows of a part, drops repeated keys and writes the file.
func (w *Writer) writePart(job partJob) error {
	e, err := takeEncoder()
	if err != nil {
		return err
	}
	defer encoders.Put(e)
	b := job.buf
	b.align()
	order, repeats := e.sorter.sort(b)
	var lost []repeat
	if repeats {
		if order == nil {
			order = e.sorter.identity(b.rows)
		}
		order, lost, job.part.duplicates = dropRepeats(b, order)
	}
	job.part.conflicts = int64(len(lost))
	rows := rowRange{order: order, hi: b.rows}
	if order != nil {
		rows.hi = len(order)
	}
	if err := w.zone.writePartFile(w.ctx, job.feed.layout, job.part, e, func(out *fileWriter) error {
		return e.groups(w.ctx, out, b, rows, w.fixed, job.part.words)
	}); err != nil {
		return err
	}
	job.part.low, job.part.high = keyOf(b, rows.row(0)), keyOf(b, rows.row(rows.len()-1))
	if err := w.writeOrigins(job.part, b, rows); err != nil {
		return err
	}
	<-job.before // conflicts are put aside in the order of the parts
	for _, l := range lost {
		if err := job.feed.conflicts.add(w.conflict(b, l.row, b.origins[l.row], b.origins[l.first])); err != nil {
			return err
		}
	}
	b.reset()
	select {
	case job.feed.buffers <- b:
	default:
	}
	return nil
}

// conflictReason names the occurrence that stays.
func (w *Writer) conflictReason(first entity.Origin) string {
	const what = "the same key with other content came before"
	name := w.inputName(first.Input)
	switch {
	case name != "" && first.Line > 0:
		return fmt.Sprintf("%s, in %s line %d; the first stays", what, name, first.Line)
	case name != "":
		return fmt.Sprintf("%s, in %s; the first stays", what, name)
	case first.Line > 0:
		return fmt.Sprintf("%s, in line %d; the first stays", what, first.Line)
	}
	return what + "; the first stays"
}

// groups writes rows of a buffer as row groups of bounded size.
func (e *encoder) groups(ctx context.Context, out *fileWriter, b *buffer, rows rowRange, fixed constants, words wordCounts) error {
	step := groupRows
	if n := b.bytes(); n > groupBytes {
		step = max(1, min(step, b.rows*groupBytes/n))
	}
	for lo := 0; lo < rows.len(); lo += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.group(out, b, rows.slice(lo, min(lo+step, rows.len())), fixed, words); err != nil {
			return err
		}
	}
	return nil
}

// writePartFile writes a part file and notes its size and checksum.
func (z *Zone) writePartFile(ctx context.Context, l *layout, p *part, e *encoder, write func(*fileWriter) error) error {
	return z.writeFile(p.path, func(out io.Writer) error {
		f, err := newFileWriter(l, out, e.zstd)
		if err != nil {
			return err
		}
		if err := write(f); err != nil {
			return err
		}
		if err := f.close(); err != nil {
			return err
		}
		p.file.Path, p.file.Rows, p.file.Bytes, p.file.Checksum = z.relative(p.path), f.rows, f.offset, f.checksum()
		return ctx.Err()
	})
}
