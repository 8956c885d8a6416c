package landing

import (
	"context"
	"errors"
	"io"
	"sync"
)

// part is one part file of a run that is not committed yet.
type part struct {
	number     int // among those of its entity
	path       string
	file       File
	words      wordCounts
	duplicates int64
	conflicts  int64
	low, high  *buffer // first and last key, as buffers of one row
	repeats    bool    // a key occurs more than once in it
	dropped    rowSet  // rows that do not stay
}

// partJob is a part on its way to the disk.
type partJob struct {
	feed *feed
	buf  *buffer
	part *part
}

// encoders keeps the memory of encoders from part to part.
var encoders = sync.Pool{}

func takeEncoder() (*encoder, error) {
	if e, ok := encoders.Get().(*encoder); ok {
		return e, nil
	}
	return newEncoder()
}

// writePart sorts the rows of a part, drops those that other rows of it have made
// needless and writes the file.
func (w *Writer) writePart(job partJob) error {
	e, err := takeEncoder()
	if err != nil {
		return err
	}
	defer encoders.Put(e)
	b := job.buf
	b.align()
	order, repeats := e.sorter.sort(b)
	if repeats {
		if order == nil {
			order = e.sorter.identity(b.rows)
		}
		order, job.part.duplicates, job.part.repeats = job.feed.rule.thin(b, order)
	}
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
	if err := errors.Join(w.writeOrigins(job.part, b, rows), job.feed.delivery.note(job.part, b, rows)); err != nil {
		return err
	}
	b.reset()
	select {
	case job.feed.buffers <- b:
	default:
	}
	return nil
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
