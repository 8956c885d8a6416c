package landing

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"winback/connectors"
	"winback/connectors/entity"
)

// Sweep says when the keys of an entity were compared with those that the source
// has, and what came of it.
type Sweep struct {
	Entity string    `json:"entity"`
	At     time.Time `json:"at"`
	// Keys is how many were landed and not deleted before, Deleted how many of them
	// the source had no more.
	Keys    int64 `json:"keys"`
	Deleted int64 `json:"deleted"`
}

// Swept returns when the keys of each entity of a dataset were last compared with
// those of the source, and when the dataset was first read; the zero time says that
// it was not.
func (z *Zone) Swept(source, dataset string) (last map[string]time.Time, first time.Time, err error) {
	last = map[string]time.Time{}
	for b, err := range z.Briefs(source) {
		if err != nil {
			return nil, first, err
		}
		if b.Dataset != dataset || !first.IsZero() && !b.has("swept") {
			continue
		}
		m, err := b.Manifest()
		if err != nil {
			return nil, first, err
		}
		if first.IsZero() {
			if first = m.ExtractedAt; m.StartedAt.Before(first) {
				first = m.StartedAt // a compaction's, of the first that it stands for
			}
		}
		for _, s := range m.Swept {
			last[s.Entity] = s.At // oldest first
		}
	}
	return last, first, nil
}

// keySet are the keys of a part of the zone by their hashes: 16 bytes for each. Two
// keys of one hash, one pair among some ten million, hide each other's deletion;
// they never make one up.
type keySet struct {
	entries []keyEntry
	index   []uint32 // where the hashes that begin with some bits begin
	shift   int
}

// keyEntry is the newest row of a key. Its state is the row's version, times two,
// and one more for a row that is deleted.
type keyEntry struct {
	hash  uint64
	state int64
}

// found is the state of a key that the source has.
const found = -1

func (e keyEntry) deleted() bool { return e.state&1 == 1 && e.state != found }

// LandedKeys are the keys of an entity that a dataset landed, each in its newest
// version, to be compared with those that its source has.
type LandedKeys struct {
	zone    *Zone
	schema  *entity.Schema
	files   []File
	set     keySet
	text    []byte // of the key at hand
	live    int64
	found   int64 // live ones that the source has
	unknown int64
}

// LandedKeys reads the keys of an entity that a dataset has landed.
func (z *Zone) LandedKeys(ctx context.Context, source, dataset string, s *entity.Schema) (*LandedKeys, error) {
	k := &LandedKeys{zone: z, schema: s}
	var rows int64
	for b, err := range z.Briefs(source) {
		if err != nil {
			return nil, err
		}
		if b.Dataset != dataset {
			continue
		}
		files, err := b.Files()
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if f.Entity == s.FullName() {
				k.files, rows = append(k.files, f), rows+f.Rows
			}
		}
	}
	k.set.entries = make([]keyEntry, 0, min(rows, keysAtFirst))
	for _, f := range k.files {
		if err := k.read(ctx, f); err != nil {
			return nil, err
		}
	}
	k.set.settle()
	for _, e := range k.set.entries {
		if !e.deleted() {
			k.live++
		}
	}
	return k, nil
}

// keysAtFirst bounds the rows that are taken in before the older ones of the same
// keys are dropped.
const keysAtFirst = 12 << 20

// read takes in the keys of a file.
func (k *LandedKeys) read(ctx context.Context, f File) error {
	version, deleted := k.schema.Field("extracted_at").Index, k.schema.Field("deleted").Index
	return k.chunks(ctx, f, func(b *buffer, _ *Part) error {
		for row := range b.rows {
			state := b.columns[version].number(row) << 1
			if b.columns[deleted].number(row) != 0 {
				state++
			}
			k.set.add(keyEntry{hash: k.hashOf(b, row), state: state})
		}
		return nil
	})
}

// chunks goes through the keys and versions of a file, some rows at a time.
func (k *LandedKeys) chunks(ctx context.Context, f File, do func(*buffer, *Part) error) error {
	p, err := k.zone.OpenPart(f)
	if err != nil {
		return err
	}
	defer p.Close()
	c, err := p.cursor(func(f *entity.Field) bool { return f.Key || f.Name == "extracted_at" || f.Name == "deleted" })
	if err != nil {
		return err
	}
	defer c.close()
	b := newBuffer(k.schema)
	for left := p.Rows(); left > 0; left -= int64(b.rows) {
		b.reset()
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.read(b, int(min(left, readRows))); err != nil {
			return err
		}
		if err := do(b, p); err != nil {
			return err
		}
	}
	return nil
}

func (k *LandedKeys) hashOf(b *buffer, row int) uint64 {
	k.text = k.text[:0]
	for _, at := range k.schema.Keys {
		if c := &b.columns[at]; numeric(c.field.Kind) {
			k.add(valueText(c, row))
		} else {
			value := c.text(row)
			k.text = append(binary.AppendUvarint(k.text, uint64(len(value))), value...)
		}
	}
	return xxhash.Sum64(k.text)
}

func (k *LandedKeys) add(text string) {
	k.text = append(binary.AppendUvarint(k.text, uint64(len(text))), text...)
}

// Has takes in that the source has a key, one text for each key field as the
// contract writes it.
func (k *LandedKeys) Has(key ...string) {
	k.text = k.text[:0]
	for _, text := range key {
		k.add(text)
	}
	e := k.set.find(xxhash.Sum64(k.text))
	switch {
	case e == nil || e.deleted():
		k.unknown++
	case e.state != found:
		e.state = found
		k.found++
	}
}

// Live is how many keys were landed and not deleted.
func (k *LandedKeys) Live() int64 { return k.live }

// Missing is how many of them the source has no more, as far as Has told.
func (k *LandedKeys) Missing() int64 { return k.live - k.found }

// Unknown is how many keys the source has that were never landed, or count as
// deleted.
func (k *LandedKeys) Unknown() int64 { return k.unknown }

// WriteDeleted writes a row to the sink for each key that is missing: a copy of its
// newest one, marked as deleted, without personal data and without the source's own
// record. What the models look up deleted rows by is still in it.
func (k *LandedKeys) WriteDeleted(ctx context.Context, sink connectors.Sink) error {
	if k.Missing() == 0 {
		return nil
	}
	k.set.entries = slices.DeleteFunc(k.set.entries, func(e keyEntry) bool { return e.state == found || e.deleted() })
	k.set.makeIndex()
	batch := sink.NewBatch(k.schema)
	for _, f := range k.files {
		if err := k.copyMissing(ctx, f, batch); err != nil {
			return err
		}
		if batch.Rows() >= readRows {
			if err := sink.Write(ctx, batch); err != nil {
				return err
			}
			batch = sink.NewBatch(k.schema)
		}
	}
	return sink.Write(ctx, batch)
}

// copyMissing adds the missing keys' newest rows to a batch that are in a file.
func (k *LandedKeys) copyMissing(ctx context.Context, f File, batch *entity.Batch) error {
	var (
		whole   *cursor
		skipped int
		rows    = newBuffer(k.schema)
		wanted  []int
		version = k.schema.Field("extracted_at").Index
	)
	defer func() {
		if whole != nil {
			whole.close()
		}
	}()
	return k.chunks(ctx, f, func(keys *buffer, p *Part) (err error) {
		wanted = wanted[:0]
		for row := range keys.rows {
			e := k.set.find(k.hashOf(keys, row))
			if e != nil && e.state == keys.columns[version].number(row)<<1 {
				wanted = append(wanted, row)
				e.state = found // once
			}
		}
		if len(wanted) == 0 {
			skipped += keys.rows
			return nil
		}
		if whole == nil {
			if whole, err = p.cursor(staysWhenDeleted); err != nil {
				return err
			}
		}
		rows.reset()
		if err = whole.skip(skipped); err == nil {
			skipped = 0
			err = whole.read(rows, keys.rows)
		}
		for _, row := range wanted {
			if err == nil {
				setFields(batch, rows, row)
				batch.SetBool(k.schema.Field("deleted").Index, true)
				err = batch.EndRow(entity.Origin{})
			}
		}
		return err
	})
}

// staysWhenDeleted says whether a field keeps its value in a row that is deleted.
func staysWhenDeleted(f *entity.Field) bool {
	return f.Required && f.Name != "deleted" || !f.PII && f.Kind != entity.JSON
}

// add takes in a row.
func (s *keySet) add(e keyEntry) {
	if len(s.entries) == cap(s.entries) && len(s.entries) > 0 {
		s.settle()
		if len(s.entries) > cap(s.entries)*3/4 {
			s.entries = slices.Grow(s.entries, cap(s.entries)/2)
		}
	}
	s.entries = append(s.entries, e)
}

// settle sorts the rows and leaves the newest of each key.
func (s *keySet) settle() {
	slices.SortFunc(s.entries, func(a, b keyEntry) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		return cmp.Compare(b.state, a.state)
	})
	s.entries = slices.CompactFunc(s.entries, func(a, b keyEntry) bool { return a.hash == b.hash })
	s.makeIndex()
}

func (s *keySet) makeIndex() {
	bits := 1
	for 1<<(bits+2) < len(s.entries) && bits < 21 {
		bits++
	}
	s.shift = 64 - bits
	s.index = make([]uint32, 1<<bits+1)
	for _, e := range s.entries {
		s.index[e.hash>>s.shift+1]++
	}
	for i := 1; i < len(s.index); i++ {
		s.index[i] += s.index[i-1]
	}
}

// find returns the entry of a hash, or nil.
func (s *keySet) find(hash uint64) *keyEntry {
	bucket := hash >> s.shift
	for i := s.index[bucket]; i < s.index[bucket+1]; i++ {
		if s.entries[i].hash == hash {
			return &s.entries[i]
		}
	}
	return nil
}

// BeginSweep starts to write the rows of keys that a source has no more. They make a
// commit of their own, which says that the keys were compared, also when there are no
// such rows. Ends and errors are those of Begin.
func (z *Zone) BeginSweep(ctx context.Context, run RunInfo, dataset connectors.Dataset, options Options) (*Writer, error) {
	w, err := z.Begin(ctx, run, dataset, options)
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	w.manifest.Swept = []Sweep{}
	return w, nil
}

// Swept notes for the commit that the keys of an entity were compared.
func (w *Writer) Swept(s Sweep) { w.manifest.Swept = append(w.manifest.Swept, s) }
