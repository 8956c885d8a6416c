package landing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"winback/connectors/entity"
)

// Verdict is what is to be done with a row.
type Verdict uint8

// The verdicts.
const (
	Stay   Verdict = iota
	Redact         // the row stays, and its texts without what Redact takes out of them
	Drop           // the row goes
)

// Eraser says what must not be in the zone. Its methods may be called from several
// goroutines.
type Eraser interface {
	// Judge looks at a row.
	Judge(Row) Verdict
	// Redact returns a text without what must not be in it.
	Redact(text string) string
	// Quarantined says whether a record that did not fit is to be emptied.
	Quarantined(QuarantineRow) bool
}

// Row is one row, valid during the call that it is given to.
type Row struct {
	b  *buffer
	at int
}

// Schema is the row's entity.
func (r Row) Schema() *entity.Schema { return r.b.schema }

func (r Row) column(name string) *column {
	f := r.b.schema.Field(name)
	if f == nil || r.b.columns[f.Index].empty() || r.b.columns[f.Index].null(r.at) {
		return nil
	}
	return &r.b.columns[f.Index]
}

// Text returns the text of a field; "" where it is null or no text.
func (r Row) Text(name string) string {
	if c := r.column(name); c != nil && !numeric(c.field.Kind) {
		return string(c.text(r.at))
	}
	return ""
}

// Texts returns the items of a list, or of a map its keys and values.
func (r Row) Texts(name string) []string {
	c := r.column(name)
	if c == nil || c.field.Kind != entity.TextList && c.field.Kind != entity.TextMap {
		return nil
	}
	return c.items(r.at)
}

// Number returns a number, a time in microseconds or a day; false where it is null.
func (r Row) Number(name string) (int64, bool) {
	if c := r.column(name); c != nil && numeric(c.field.Kind) {
		return c.number(r.at), true
	}
	return 0, false
}

// EachText calls visit for all that is written in the row, but for its keys and what
// the zone itself writes.
func (r Row) EachText(visit func(text string)) {
	for i := range r.b.columns {
		c := &r.b.columns[i]
		if !redactable(c.field) || c.empty() || c.null(r.at) {
			continue
		}
		if c.field.Kind == entity.TextList || c.field.Kind == entity.TextMap {
			for _, item := range c.items(r.at) {
				visit(item)
			}
			continue
		}
		visit(string(c.text(r.at)))
	}
}

// redactable says whether a field may hold what somebody wrote.
func redactable(f *entity.Field) bool {
	return !numeric(f.Kind) && f.Kind != entity.Enum && !f.Key && (!f.Meta || f.Kind == entity.JSON)
}

// KeyHash identifies the row among those of its entity, without its numbers and times:
// the xxHash64 of the source and the texts of its key, with line feeds between them.
func (r Row) KeyHash() uint64 {
	text := r.Text("source")
	for _, at := range r.b.schema.Keys {
		if c := &r.b.columns[at]; !numeric(c.field.Kind) {
			text += "\n" + string(c.text(r.at))
		}
	}
	return xxhash.Sum64String(text)
}

// EachRow goes through the rows of an entity that are landed, of all versions, with
// the files they are in. It ends with the first error of visit.
func (z *Zone) EachRow(ctx context.Context, source, name string, visit func(File, Row) error) error {
	for b, err := range z.Briefs(source) {
		if err != nil {
			return err
		}
		files, err := b.Files()
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.Entity != name {
				continue
			}
			if err := z.eachRowOf(ctx, f, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

func (z *Zone) eachRowOf(ctx context.Context, f File, visit func(File, Row) error) error {
	p, err := z.OpenPart(f)
	if err != nil {
		return err
	}
	defer p.Close()
	c, err := p.cursor(func(*entity.Field) bool { return true })
	if err != nil {
		return err
	}
	defer c.close()
	b := newBuffer(p.schema)
	for left := p.Rows(); left > 0; left -= int64(b.rows) {
		b.reset()
		if err := errors.Join(ctx.Err(), c.read(b, int(min(left, readRows)))); err != nil {
			return err
		}
		for at := range b.rows {
			if err := visit(f, Row{b, at}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Erased says what was erased of a dataset.
type Erased struct {
	Source, Dataset string
	// Files is how many files were written anew, or are gone.
	Files int
	// Quarantine is how many files of records that did not fit were.
	Quarantine int
	// Redacted are the entities of which rows stayed with other texts.
	Redacted []string
}

// Erase writes the files of a source anew that hold what must not be in the zone. As
// with Compact, one rename of a manifest for each dataset replaces those before it, and
// the old files go at once, or when those who read them are done: Pending tells. It
// must not be called while a run writes to the zone.
func (z *Zone) Erase(ctx context.Context, source string, e Eraser) ([]Erased, error) {
	plans, err := z.lookThrough(source, CompactOptions{}.withDefaults(), func(p *compaction, m *Manifest) error {
		if p.erasing == nil {
			p.erasing = &erasing{Eraser: e, files: map[string]bool{}, groups: map[string]bool{}, redacted: map[string]bool{}}
		}
		return p.erasing.find(ctx, z, m)
	})
	if err != nil {
		return nil, err
	}
	var done []Erased
	for _, p := range plans {
		if len(p.erasing.files)+p.erasing.quarantined+p.erasing.settled == 0 {
			continue
		}
		if err := p.compact(ctx); err != nil {
			return done, fmt.Errorf("erase in dataset %s of %s: %w", p.Dataset, source, err)
		}
		done = append(done, Erased{
			Source: source, Dataset: p.Dataset, Files: len(p.erasing.files), Quarantine: p.erasing.quarantined, Redacted: slices.Sorted(maps.Keys(p.erasing.redacted)),
		})
	}
	failed, err := z.eraseFailures(ctx, source, e)
	if failed > 0 {
		done = append(done, Erased{Source: source, Quarantine: failed})
	}
	if err == nil && len(done) > 0 {
		_, err = z.sweep(ctx, source)
	}
	return done, err
}

// Replaced says whether a source still has files whose rows were written anew since:
// somebody read them when they were to go.
func (z *Zone) Replaced(source string) (bool, error) {
	c, err := z.catalog(source)
	if err != nil {
		return false, err
	}
	for b, err := range c.all() {
		if err != nil || b.replacedBy(c.heads[b.Dataset]) {
			return err == nil, err
		}
	}
	return false, nil
}

// erasing is what a compaction leaves out when it is one that erases.
type erasing struct {
	Eraser
	files       map[string]bool // to be written anew, by path
	quarantined int             // files of quarantine to be written anew
	settled     int             // entries of the quarantine's log with other texts
	groups      map[string]bool // folders of quarantine that are
	redacted    map[string]bool // entities
}

const (
	erasedVerb   = "erased"
	erasedPrefix = erasedVerb + "-"
)

// verb begins the id of what an erasure writes.
func (e *erasing) verb() string {
	if e == nil {
		return ""
	}
	return erasedVerb
}

// find looks for the files of a manifest that hold what is to be erased.
func (e *erasing) find(ctx context.Context, z *Zone, m *Manifest) error {
	for _, f := range m.Files {
		if entity.Lookup(f.Entity) == nil || !e.concerns(f.Entity) {
			continue
		}
		err := z.eachRowOf(ctx, f, func(f File, r Row) error {
			switch e.Judge(r) {
			case Redact:
				e.redacted[f.Entity] = true
				e.files[f.Path] = true
			case Drop:
				e.files[f.Path] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, q := range m.Quarantine {
		holds, err := e.holds(ctx, z, q)
		if err != nil {
			return err
		}
		if holds {
			e.groups[path.Dir(q.Path)] = true
			e.quarantined++
		}
	}
	for _, s := range m.Settles {
		if e.Eraser.Redact(s.Reason) != s.Reason {
			e.settled++
		}
	}
	return nil
}

// empties says whether a record that did not fit is to be emptied, and is not empty yet.
func (e *erasing) empties(row QuarantineRow) bool {
	return (row.Record != "" || row.Value != "") && e.Quarantined(row)
}

// concerns says whether an entity may hold what is to be erased: an eraser may know.
func (e *erasing) concerns(name string) bool {
	some, ok := e.Eraser.(interface{ Concerns(entity string) bool })
	return !ok || some.Concerns(name)
}

func (e *erasing) holds(ctx context.Context, z *Zone, q QuarantineFile) (bool, error) {
	for row, err := range z.quarantineRows(ctx, q) {
		if err != nil || e.empties(row) {
			return err == nil, err
		}
	}
	return false, nil
}

// apply returns the rows of a buffer that stay.
func (e *erasing) apply(b *buffer) *buffer {
	if e == nil {
		return b
	}
	kept := newBuffer(b.schema)
	var picks []pick
	flush := func() {
		kept.appendPicks(picks)
		picks = picks[:0]
	}
	for at := range b.rows {
		switch e.Judge(Row{b, at}) {
		case Stay:
			picks = append(picks, pick{b, at})
		case Redact:
			flush()
			kept.appendRedacted(b, at, e.Redact)
		}
	}
	flush()
	kept.align()
	return kept
}

// appendRedacted copies a row with other texts.
func (b *buffer) appendRedacted(from *buffer, at int, redact func(string) string) {
	for i := range b.columns {
		to, c := &b.columns[i], &from.columns[i]
		if !redactable(c.field) || c.empty() || c.null(at) {
			to.appendValue(c, at, b.rows)
			continue
		}
		to.pad(b.rows)
		if to.nulls > 0 {
			to.valid = append(to.valid, 1)
		}
		to.openEnds()
		if c.field.Kind == entity.TextList || c.field.Kind == entity.TextMap {
			for _, item := range c.items(at) {
				to.data = appendItem(to.data, []byte(redact(item)))
			}
		} else {
			to.data = append(to.data, redact(string(c.text(at)))...)
		}
		to.ends = append(to.ends, uint32(len(to.data)))
	}
	b.rows++
}

// erasedReason is what is left of a quarantined record that was erased.
const erasedReason = "erased"

// eraseQuarantine writes the files of quarantine anew that a manifest names and that
// hold what is to be erased, with all that belong to the same run: a record's number is
// its place among them. What was emptied is not wanted any more.
func (p *compaction) eraseQuarantine(ctx context.Context, m *Manifest) error {
	if p.erasing == nil {
		return nil
	}
	for i := range m.Settles {
		m.Settles[i].Reason = p.erasing.Eraser.Redact(m.Settles[i].Reason)
	}
	emptied := map[string][]int{} // rows, by file
	for i, q := range m.Quarantine {
		if !p.erasing.groups[path.Dir(q.Path)] {
			continue
		}
		written, rows, err := p.zone.writeQuarantineAnew(ctx, q, m.RunID, p.erasing)
		if err != nil {
			return err
		}
		m.Quarantine[i] = written
		emptied[written.Path] = rows
	}
	for _, g := range m.quarantineGroups() {
		var numbers []int
		before := 1
		for _, f := range g.Files {
			for _, row := range emptied[f.Path] {
				numbers = append(numbers, before+row)
			}
			before += int(f.Rows)
		}
		if len(numbers) > 0 {
			m.Settles = append(m.Settles, Settlement{
				Of: g.RunID, State: Discarded, Records: NumbersOf(numbers), Reason: erasedReason, RunID: m.RunID, At: p.zone.now().UTC(),
			})
		}
	}
	return nil
}

// writeQuarantineAnew writes a file without what is to be erased; emptied are the rows,
// from 0, that nothing is left of.
func (z *Zone) writeQuarantineAnew(ctx context.Context, q QuarantineFile, runID string, e *erasing) (anew QuarantineFile, emptied []int, err error) {
	source, rest, _ := strings.Cut(q.Path, "/")
	run, name := path.Base(path.Dir(rest)), path.Base(rest)
	there := filepath.Join(z.dir(source, quarantineDir), runID, run, name)
	hash, counter := xxhash.New(), &countingWriter{}
	err = z.writeFile(there, func(out io.Writer) error {
		w := parquet.NewGenericWriter[QuarantineRow](io.MultiWriter(out, hash, counter),
			parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.CreatedBy(createdBy, "", ""))
		at := -1
		for row, err := range z.quarantineRows(ctx, q) {
			if err != nil {
				return err
			}
			if at++; e.empties(row) {
				row.Value, row.Record, row.Reason = "", "", erasedReason
				emptied = append(emptied, at)
			}
			if _, err := w.Write([]QuarantineRow{row}); err != nil {
				return err
			}
		}
		return w.Close()
	})
	if err != nil {
		return q, nil, err
	}
	anew = q
	anew.Path, anew.Bytes, anew.Checksum = z.relative(there), counter.n, checksumText(hash.Sum64())
	return anew, emptied, z.syncPath(filepath.Dir(there))
}

// eraseFailures removes what is kept of failed extractions where it holds what is to be
// erased; nothing depends on it.
func (z *Zone) eraseFailures(ctx context.Context, source string, e Eraser) (removed int, err error) {
	failures, err := z.Failures(source)
	if err != nil {
		return 0, err
	}
	x := &erasing{Eraser: e}
	for _, m := range failures {
		for _, q := range m.Quarantine {
			holds, err := x.holds(ctx, z, q)
			if err != nil {
				return removed, err
			}
			if !holds {
				continue
			}
			if err := z.removeFailure(ctx, source, m); err != nil {
				return removed, err
			}
			removed++
			break
		}
	}
	return removed, nil
}

// HashOfKey is Row.KeyHash in the engine's SQL.
func HashOfKey(s *entity.Schema) string {
	parts := []string{"toString(source)"}
	for _, at := range s.Keys {
		if f := &s.Fields[at]; !numeric(f.Kind) {
			parts = append(parts, `'\n'`, "toString("+f.Name+")")
		}
	}
	return "xxHash64(concat(" + strings.Join(parts, ", ") + ", ''))"
}

// without returns a batch without what must not be in the zone, and how many rows are
// missing in it.
func (w *Writer) without(b *entity.Batch) (*entity.Batch, int64, error) {
	all := newBuffer(b.Schema)
	all.append(b, func(*entity.Field) bool { return false })
	all.align()
	source := &all.columns[b.Schema.Field("source").Index]
	if source.empty() || source.len() == 0 || len(source.text(0)) == 0 {
		*source = sameText(source.field, cmp.Or(w.manifest.Source, "?"), all.rows)
	}
	verdicts, some := make([]Verdict, all.rows), false
	for at := range all.rows {
		verdicts[at] = w.options.Eraser.Judge(Row{all, at})
		some = some || verdicts[at] != Stay
	}
	if !some {
		return b, 0, nil
	}
	kept, gone := entity.NewBatch(b.Schema), int64(0)
	for at, verdict := range verdicts {
		row, from := at, all
		switch verdict {
		case Drop:
			gone++
			continue
		case Redact:
			from, row = newBuffer(b.Schema), 0
			from.appendRedacted(all, at, w.options.Eraser.Redact)
			from.align()
		}
		if err := copyRow(kept, from, row, all.origins[at]); err != nil {
			return nil, 0, err
		}
	}
	return kept, gone, nil
}

// sameText is a column with one text in all rows.
func sameText(f *entity.Field, text string, rows int) column {
	c := column{field: f, ends: []uint32{0}}
	for range rows {
		c.data = append(c.data, text...)
		c.ends = append(c.ends, uint32(len(c.data)))
	}
	return c
}
