package landing

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"winback/connectors/entity"
)

// merger puts the files of one entity together: it sorts as many rows at a time as
// a part may have, writes them aside, and then brings what it wrote together.
type merger struct {
	zone     *Zone
	manifest *Manifest
	schema   *entity.Schema
	options  CompactOptions
	layout   *layout
	encoder  *encoder
	asides   int
	erasing  *erasing
	covered  []byte // identities of the files that were put together
}

// fanIn is how many sorted files are read at once: each has pages of all columns
// unpacked.
const fanIn = 16

// sortedSuffix marks the files of a compaction that are sorted but not yet brought
// together.
const sortedSuffix = ".sorted" + tempSuffix

// merge writes the rows of files, oldest first, to new part files. Files that hold
// what the contract lacks are left alone and returned: writing their rows anew would
// lose what another version of the program may want.
func (c *merger) merge(ctx context.Context, files iter.Seq2[File, error]) (written, alone []File, err error) {
	if c.layout, err = layoutOf(c.schema); err != nil {
		return nil, nil, err
	}
	if c.encoder, err = takeEncoder(); err != nil {
		return nil, nil, err
	}
	defer encoders.Put(c.encoder)
	buf := newBuffer(c.schema)
	sorted, alone, err := c.sort(ctx, files, buf)
	for err == nil && len(sorted) > fanIn {
		sorted, err = c.mergeGroups(ctx, sorted, buf)
	}
	if err == nil && len(sorted) > 0 {
		written, err = c.mergeParts(ctx, sorted, buf)
	}
	if err == nil {
		err = c.remove(sorted)
	}
	return written, alone, err
}

// sort writes the rows of files aside, each file of them sorted.
func (c *merger) sort(ctx context.Context, files iter.Seq2[File, error], buf *buffer) (sorted []*part, alone []File, err error) {
	flush := func() error {
		defer buf.reset()
		rows := c.erasing.apply(buf)
		if rows.rows == 0 {
			return nil
		}
		p, err := c.writeAside(ctx, rows)
		sorted = append(sorted, p)
		return err
	}
	for f, err := range files {
		var understood bool
		if err == nil {
			understood, err = c.read(ctx, f, buf, flush)
		}
		switch {
		case err != nil:
			return nil, nil, err
		case understood:
			c.covered = binary.LittleEndian.AppendUint64(c.covered, identityOf(f))
		case c.erasing != nil:
			return nil, nil, fmt.Errorf("%s has columns that this winback does not know: use the one that landed it", f.Path)
		default:
			alone = append(alone, f)
		}
	}
	if buf.rows > 0 {
		return sorted, alone, flush()
	}
	return sorted, alone, nil
}

// mergeGroups brings each fanIn of sorted files together to one.
func (c *merger) mergeGroups(ctx context.Context, sorted []*part, buf *buffer) (fewer []*part, err error) {
	for group := range slices.Chunk(sorted, fanIn) {
		p, err := c.mergeAside(ctx, group, buf)
		if err != nil {
			return nil, err
		}
		if err := c.remove(group); err != nil {
			return nil, err
		}
		fewer = append(fewer, p)
	}
	return fewer, nil
}

func (c *merger) remove(parts []*part) error {
	for _, p := range parts {
		if err := c.zone.removeFile(p.path); err != nil {
			return err
		}
	}
	return nil
}

// read appends the rows of a file to the buffer, and flushes it when it is full. It
// returns false, and reads nothing, if the contract lacks a column of the file.
func (c *merger) read(ctx context.Context, f File, buf *buffer, flush func() error) (understood bool, err error) {
	p, err := c.zone.openPart(f, c.zone.openWhole) // damage must not be copied
	if err != nil {
		return false, err
	}
	defer p.Close()
	if !p.complete() {
		return false, nil
	}
	cursor, err := p.cursor(func(*entity.Field) bool { return true })
	if err != nil {
		return false, err
	}
	defer cursor.close()
	for left := p.Rows(); left > 0; {
		n := min(left, readRows)
		if err := errors.Join(ctx.Err(), cursor.read(buf, int(n))); err != nil {
			return false, err
		}
		left -= n
		if buf.bytes() < c.options.PartBytes && buf.rows < c.options.PartRows {
			continue
		}
		if err := flush(); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (c *merger) dir() string {
	return c.zone.dir(c.manifest.Source, c.schema.FullName(), runPrefix+c.manifest.RunID)
}

func (c *merger) newAside() *part {
	c.asides++
	return &part{path: filepath.Join(c.dir(), fmt.Sprintf("%05d%s", c.asides, sortedSuffix)), words: wordCounts{}}
}

// writeAside sorts the rows of a buffer and writes them aside.
func (c *merger) writeAside(ctx context.Context, buf *buffer) (*part, error) {
	order, repeats := c.encoder.sorter.sort(buf)
	if repeats {
		if order == nil {
			order = c.encoder.sorter.identity(buf.rows)
		}
		order = newestOfEach(buf, order)
	}
	rows := rowRange{order: order, hi: buf.rows}
	if order != nil {
		rows.hi = len(order)
	}
	p := c.newAside()
	p.low, p.high = keyOf(buf, rows.row(0)), keyOf(buf, rows.row(rows.len()-1))
	return p, c.zone.writePartFile(ctx, c.layout, p, c.encoder, func(out *fileWriter) error {
		return c.encoder.groups(ctx, out, buf, rows, constants{}, p.words)
	})
}

// mergeAside brings sorted files together to one.
func (c *merger) mergeAside(ctx context.Context, sorted []*part, buf *buffer) (*part, error) {
	p := c.newAside()
	err := c.zone.writePartFile(ctx, c.layout, p, c.encoder, func(out *fileWriter) error {
		return c.mergeRows(ctx, sorted, buf, func(rows *buffer) error {
			if p.low == nil {
				p.low = keyOf(rows, 0)
			}
			p.high = keyOf(rows, rows.rows-1)
			return c.encoder.groups(ctx, out, rows, rowRange{hi: rows.rows}, constants{}, p.words)
		})
	})
	return p, err
}

// mergeParts brings sorted files together to the part files that stay.
func (c *merger) mergeParts(ctx context.Context, sorted []*part, buf *buffer) (written []File, err error) {
	err = c.mergeRows(ctx, sorted, buf, func(rows *buffer) error {
		p := &part{path: c.zone.nextPart(c.dir()), words: wordCounts{}}
		p.file.Entity, p.file.Merged = c.schema.FullName(), true
		p.file.MinKey, p.file.MaxKey = keyTexts(rows, 0), keyTexts(rows, uint32(rows.rows-1))
		if err := c.zone.writePartFile(ctx, c.layout, p, c.encoder, func(out *fileWriter) error {
			return c.encoder.groups(ctx, out, rows, rowRange{hi: rows.rows}, constants{}, p.words)
		}); err != nil {
			return err
		}
		written = append(written, p.file)
		return nil
	})
	return written, err
}

func (c *merger) mergeRows(ctx context.Context, sorted []*part, buf *buffer, emit func(*buffer) error) (err error) {
	m := newRowMerge(c.schema, c.options, buf, emit)
	defer func() { err = errors.Join(err, m.close()) }()
	skip := sharedPrefix(c.schema, sorted)
	for _, p := range sorted {
		if err := m.open(c.schema, p, skip); err != nil {
			return err
		}
	}
	return m.run(ctx)
}
