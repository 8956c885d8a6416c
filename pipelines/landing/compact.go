package landing

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"winback/connectors/entity"
)

// CompactOptions say what a compaction puts together. The zero value means the
// defaults.
type CompactOptions struct {
	// PartBytes and PartRows bound a file that is written, as in Options.
	PartBytes, PartRows int
	// KeepBytes is the size of a file from which on it stays as it is, by default
	// an eighth of PartBytes, which is half of a full file.
	KeepBytes int64
	// Whole puts files of all sizes together, so that each key is kept once.
	Whole bool
	// AtLeast is how many manifests or small files a dataset has to have to be
	// compacted, by default 2.
	AtLeast int
}

func (o CompactOptions) withDefaults() CompactOptions {
	parts := Options{PartBytes: o.PartBytes, PartRows: o.PartRows}.withDefaults()
	o.PartBytes, o.PartRows = parts.PartBytes, parts.PartRows
	if o.KeepBytes <= 0 {
		o.KeepBytes = int64(o.PartBytes / 8)
	}
	o.AtLeast = max(o.AtLeast, 2)
	return o
}

// Size counts files.
type Size struct {
	Files int   `json:"files"`
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}

func (s *Size) add(f File) {
	s.Files++
	s.Rows += f.Rows
	s.Bytes += f.Bytes
}

func (s *Size) remove(f File) {
	s.Files--
	s.Rows -= f.Rows
	s.Bytes -= f.Bytes
}

// Compaction says what a compaction does, or did, to one dataset.
type Compaction struct {
	Source  string `json:"source"`
	Dataset string `json:"dataset"`
	// Manifests is how many manifests one takes the place of.
	Manifests int `json:"manifests"`
	// Merged are the files that are put together, Kept those that stay as they are.
	Merged Size `json:"merged"`
	Kept   Size `json:"kept"`
	// Written are the files that were written; none before it is done.
	Written Size `json:"written"`
}

// Name is how messages call the dataset: its source and its own name.
func (c Compaction) Name() string { return c.Source + ": " + c.Dataset }

// PlanCompaction returns what Compact would do to each dataset of a source, and
// changes nothing. Errors as of Manifests.
func (z *Zone) PlanCompaction(source string, o CompactOptions) ([]Compaction, error) {
	plans, err := z.compactions(source, o.withDefaults())
	list := make([]Compaction, len(plans))
	for i, p := range plans {
		list[i] = p.Compaction
	}
	return list, err
}

// Compact puts the small files of each dataset of a source together to few, and
// its manifests to one: of each key the newest version stays, a deleted one too.
// The one rename of the new manifest replaces all of the old ones; their files are
// removed afterwards, or by a later Recover if somebody reads them. Nothing else
// than Compact and Erase rewrites the zone. It must not be called while a run writes to the
// zone. A dataset that fails stops no other, and stays as it was.
func (z *Zone) Compact(ctx context.Context, source string, o CompactOptions) ([]Compaction, error) {
	o = o.withDefaults()
	if err := z.mayWrite(); err != nil {
		return nil, err
	}
	plans, err := z.compactions(source, o)
	var done []Compaction
	for _, p := range plans {
		failed := p.compact(ctx)
		if failed == nil {
			done = append(done, p.Compaction)
		} else {
			err = errors.Join(err, fmt.Errorf("compact dataset %s of %s: %w", p.Dataset, source, failed))
		}
	}
	if len(done) > 0 {
		_, swept := z.sweep(ctx, source)
		err = errors.Join(err, swept)
	}
	return done, err
}

// compaction is what is to be done to one dataset. There may be very many manifests
// and files, so it goes through them when it needs them and holds none.
type compaction struct {
	Compaction
	zone     *Zone
	catalog  *catalog // of the source, as it was planned
	options  CompactOptions
	entities []string // in the dataset's order
	merged   map[string]int
	lone     map[string]File // first of those to be merged, which may be the only one
	kept     map[string][]File
	erasing  *erasing // what is left out; nil for nothing
	unwhole  bool     // the newest manifest is of a compaction that left large files, which are to be taken in
}

// compactions plans the compaction of each dataset that is worth it.
func (z *Zone) compactions(source string, o CompactOptions) ([]*compaction, error) {
	all, err := z.lookThrough(source, o, nil)
	return slices.DeleteFunc(all, func(p *compaction) bool {
		p.keepLone()
		return !p.worthwhile()
	}), err
}

// lookThrough takes in all manifests of a source, each after before has seen it, and
// returns a plan for each dataset, by name.
func (z *Zone) lookThrough(source string, o CompactOptions, before func(*compaction, *Manifest) error) ([]*compaction, error) {
	c, err := z.catalog(source)
	if err != nil {
		return nil, err
	}
	byDataset := map[string]*compaction{}
	for b, err := range c.live() {
		if err != nil {
			return nil, err
		}
		m, err := b.Manifest()
		if err != nil {
			return nil, err
		}
		p := byDataset[m.Dataset]
		if p == nil {
			p = &compaction{
				Compaction: Compaction{Source: source, Dataset: m.Dataset}, zone: z, catalog: c, options: o,
				merged: map[string]int{}, lone: map[string]File{}, kept: map[string][]File{},
			}
			byDataset[m.Dataset] = p
		}
		if before != nil {
			if err := before(p, m); err != nil {
				return nil, err
			}
		}
		p.look(m)
	}
	var plans []*compaction
	for _, name := range slices.Sorted(maps.Keys(byDataset)) {
		plans = append(plans, byDataset[name])
	}
	return plans, nil
}

// look takes a manifest in, oldest first.
func (p *compaction) look(m *Manifest) {
	p.Manifests++
	p.unwhole = m.Compacted != nil && !m.Compacted.Whole && p.options.Whole
	var entities []string // the newest manifest knows the dataset best
	for _, c := range m.Entities {
		entities = append(entities, c.Entity)
	}
	for _, name := range p.entities {
		if !slices.Contains(entities, name) {
			entities = append(entities, name)
		}
	}
	p.entities = entities
	for _, f := range m.Files {
		if f.RunID = cmp.Or(f.RunID, m.RunID); !p.merges(f) {
			p.kept[f.Entity] = append(p.kept[f.Entity], f)
			p.Kept.add(f)
			continue
		}
		if p.merged[f.Entity]++; p.merged[f.Entity] == 1 {
			p.lone[f.Entity] = f
		}
		p.Merged.add(f)
	}
}

// merges says whether a file is to be put together with others.
func (p *compaction) merges(f File) bool {
	if p.erasing != nil {
		return p.erasing.files[f.Path]
	}
	return entity.Lookup(f.Entity) != nil && (p.options.Whole || f.Bytes < p.options.KeepBytes)
}

// keepLone keeps files that there is nothing to merge with.
func (p *compaction) keepLone() {
	for name, n := range p.merged {
		if n == 1 {
			f := p.lone[name]
			p.kept[name], p.merged[name] = append(p.kept[name], f), 0
			p.Kept.add(f)
			p.Merged.remove(f)
		}
	}
}

// worthwhile says whether there is enough to put together.
func (p *compaction) worthwhile() bool {
	if p.Manifests == 1 && !p.unwhole {
		return false // its files are all there is, and hold each key once or are large
	}
	return max(p.Manifests, p.Merged.Files) >= p.options.AtLeast
}

// each goes through the manifests that are put together, oldest first.
func (p *compaction) each() iter.Seq2[*Manifest, error] {
	return func(yield func(*Manifest, error) bool) {
		for b, err := range p.catalog.live() {
			var m *Manifest
			switch {
			case err != nil:
			case b.Dataset != p.Dataset:
				continue
			default:
				m, err = b.Manifest()
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// files goes through the files of an entity that are to be merged, oldest first.
func (p *compaction) files(name string) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for m, err := range p.each() {
			if err != nil {
				yield(File{}, err)
				return
			}
			for _, f := range m.Files {
				if f.RunID = cmp.Or(f.RunID, m.RunID); f.Entity == name && p.merges(f) && !yield(f, nil) {
					return
				}
			}
		}
	}
}

// compact does what was planned for a dataset. What it wrote before an error is
// named by no manifest, and removed by the next Recover.
func (p *compaction) compact(ctx context.Context) error {
	z := p.zone
	m, err := p.manifest()
	if err != nil {
		return err
	}
	m.RunID = cmp.Or(p.erasing.verb(), "compacted") + "-" + z.now().UTC().Format("20060102T150405Z") + "-" + strings.ToLower(rand.Text()[:6])
	for _, name := range p.entities {
		if err := p.compactEntity(ctx, m, name); err != nil {
			return err
		}
	}
	if err := p.eraseQuarantine(ctx, m); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.CommittedAt = z.now().UTC()
	return z.writeManifest(ctx, m, manifestDir)
}

func (p *compaction) compactEntity(ctx context.Context, m *Manifest, name string) error {
	kept := p.kept[name]
	if p.merged[name] > 0 {
		c := &merger{zone: p.zone, manifest: m, schema: entity.Lookup(name), options: p.options, erasing: p.erasing}
		written, alone, err := c.merge(ctx, p.files(name))
		if err != nil {
			return err
		}
		kept = append(kept, alone...)
		m.Compacted.Whole = m.Compacted.Whole && len(kept) == 0
		if len(written) > 0 {
			if err := p.zone.syncPath(c.dir()); err != nil {
				return err
			}
			m.Compacted.Covers[name] = c.covered
		}
		for _, f := range written {
			p.Written.add(f)
			m.Files = append(m.Files, f)
		}
	}
	m.Files = append(m.Files, kept...)
	return nil
}

// manifest returns the manifest that takes the place of the others, without the
// files of rows.
func (p *compaction) manifest() (*Manifest, error) {
	m := &Manifest{
		Format: compactedFormat, Source: p.Source, Dataset: p.Dataset,
		Compacted: &Compacted{Generation: 1, Whole: true, Covers: map[string][]byte{}},
	}
	for _, name := range p.entities {
		m.Entities = append(m.Entities, EntityCounts{Entity: name})
		m.Compacted.Whole = m.Compacted.Whole && (len(p.kept[name]) == 0 || len(p.kept[name]) == 1 && p.merged[name] == 0)
	}
	words := map[*entity.Schema]wordCounts{}
	for from, err := range p.each() {
		if err != nil {
			return nil, err
		}
		if m.Compacted.Runs == 0 {
			m.StartedAt = from.StartedAt
		}
		m.ExtractedAt = from.ExtractedAt
		m.add(from)
		for _, w := range from.UnknownWords {
			s := entity.Lookup(w.Entity)
			if s == nil || s.Field(w.Field) == nil {
				continue
			}
			if words[s] == nil {
				words[s] = wordCounts{}
			}
			words[s].add(s.Field(w.Field), []byte(w.Word), w.Count)
		}
	}
	for _, name := range p.entities {
		if s := entity.Lookup(name); words[s] != nil {
			m.UnknownWords = append(m.UnknownWords, words[s].list(s)...)
		}
	}
	return m, nil
}

// add takes over what another manifest says, but for its files of rows.
func (m *Manifest) add(from *Manifest) {
	for _, c := range from.Entities {
		at := slices.IndexFunc(m.Entities, func(e EntityCounts) bool { return e.Entity == c.Entity })
		sum := &m.Entities[at]
		sum.Read, sum.Landed, sum.Duplicates = sum.Read+c.Read, sum.Landed+c.Landed, sum.Duplicates+c.Duplicates
		sum.Quarantined, sum.Ignored, sum.Unchanged = sum.Quarantined+c.Quarantined, sum.Ignored+c.Ignored, sum.Unchanged+c.Unchanged
		sum.Expected, sum.Emptied = sum.Expected+c.Expected, sum.Emptied+c.Emptied
	}
	for _, q := range from.Quarantine {
		q.RunID = cmp.Or(q.RunID, from.RunID)
		m.Quarantine = append(m.Quarantine, q)
	}
	m.Compacted.Runs++
	if c := from.Compacted; c != nil {
		m.Compacted.Runs += c.Runs - 1
		m.Compacted.Generation = max(m.Compacted.Generation, c.Generation+1)
	}
	m.Settles = append(m.Settles, from.Settles...)
	for _, s := range from.Swept { // the last of each entity
		m.Swept = append(slices.DeleteFunc(m.Swept, func(have Sweep) bool { return have.Entity == s.Entity }), s)
	}
	m.Compacted.Cursors = append(m.Compacted.Cursors, from.cursors()...)
	if from.CursorAfter != nil {
		m.CursorAfter = from.CursorAfter
	}
}

// identityOf returns the identity of a file as Compacted.Covers holds it.
func identityOf(f File) uint64 { return xxhash.Sum64String(f.Path + "\n" + f.Checksum) }

// Covers returns the identities of the files whose rows a file of the manifest took
// over; nil if a run wrote it.
func (m *Manifest) Covers(f File) []uint64 {
	if m.Compacted == nil || !f.Merged || f.RunID != "" {
		return nil
	}
	packed := m.Compacted.Covers[f.Entity]
	ids := make([]uint64, len(packed)/8)
	for i := range ids {
		ids[i] = binary.LittleEndian.Uint64(packed[8*i:])
	}
	return ids
}
