package landing

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
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
// than Compact rewrites the zone. It must not be called while a run writes to the
// zone. A dataset that fails stops no other, and stays as it was.
func (z *Zone) Compact(ctx context.Context, source string, o CompactOptions) ([]Compaction, error) {
	o = o.withDefaults()
	plans, err := z.compactions(source, o)
	var done []Compaction
	for _, p := range plans {
		failed := z.compact(ctx, p, o)
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

// compaction is what is to be done to one dataset.
type compaction struct {
	Compaction
	manifests []*Manifest // oldest first
	entities  []string    // in the dataset's order
	merged    map[string][]File
	kept      map[string][]File
}

// compactions plans the compaction of each dataset that is worth it.
func (z *Zone) compactions(source string, o CompactOptions) ([]*compaction, error) {
	manifests, err := z.Manifests(source)
	if err != nil {
		return nil, err
	}
	var datasets []string
	byDataset := map[string][]*Manifest{}
	for _, m := range manifests {
		if byDataset[m.Dataset] == nil {
			datasets = append(datasets, m.Dataset)
		}
		byDataset[m.Dataset] = append(byDataset[m.Dataset], m)
	}
	slices.Sort(datasets)
	var plans []*compaction
	for _, name := range datasets {
		if p := planOf(byDataset[name], o); p.worthwhile(o) {
			plans = append(plans, p)
		}
	}
	return plans, nil
}

func planOf(manifests []*Manifest, o CompactOptions) *compaction {
	last := manifests[len(manifests)-1]
	p := &compaction{
		Compaction: Compaction{Source: last.Source, Dataset: last.Dataset, Manifests: len(manifests)},
		manifests:  manifests, merged: map[string][]File{}, kept: map[string][]File{},
	}
	for _, m := range slices.Backward(manifests) { // the newest knows the dataset best
		for _, c := range m.Entities {
			if !slices.Contains(p.entities, c.Entity) {
				p.entities = append(p.entities, c.Entity)
			}
		}
	}
	for _, m := range manifests {
		for _, f := range m.Files {
			f.RunID = cmp.Or(f.RunID, m.RunID)
			to := p.merged
			if entity.Lookup(f.Entity) == nil || !o.Whole && f.Bytes >= o.KeepBytes {
				to = p.kept
			}
			to[f.Entity] = append(to[f.Entity], f)
		}
	}
	for name, files := range p.merged {
		if len(files) == 1 { // there is nothing to merge it with
			p.kept[name], p.merged[name] = append(p.kept[name], files[0]), nil
		}
		for _, f := range p.merged[name] {
			p.Merged.add(f)
		}
	}
	for _, files := range p.kept {
		for _, f := range files {
			p.Kept.add(f)
		}
	}
	return p
}

// worthwhile says whether there is enough to put together.
func (p *compaction) worthwhile(o CompactOptions) bool {
	if len(p.manifests) == 1 {
		if c := p.manifests[0].Compacted; c == nil || c.Whole || !o.Whole {
			return false // its files are all there is, and hold each key once or are large
		}
	}
	return max(p.Manifests, p.Merged.Files) >= o.AtLeast
}

// compact does what was planned for a dataset. What it wrote before an error is
// named by no manifest, and removed by the next Recover.
func (z *Zone) compact(ctx context.Context, p *compaction, o CompactOptions) error {
	m := p.manifest()
	m.RunID = "compacted-" + z.now().UTC().Format("20060102T150405Z") + "-" + strings.ToLower(rand.Text()[:6])
	for _, name := range p.entities {
		if err := z.compactEntity(ctx, p, m, name, o); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.CommittedAt = z.now().UTC()
	return z.writeManifest(m, manifestDir)
}

func (z *Zone) compactEntity(ctx context.Context, p *compaction, m *Manifest, name string, o CompactOptions) error {
	kept := p.kept[name]
	if files := p.merged[name]; len(files) > 0 {
		c := &merger{zone: z, manifest: m, schema: entity.Lookup(name), options: o}
		written, alone, err := c.merge(ctx, files)
		if err != nil {
			return err
		}
		kept = append(kept, alone...)
		m.Compacted.Whole = m.Compacted.Whole && len(kept) == 0
		if len(written) > 0 {
			if err := z.syncPath(c.dir()); err != nil {
				return err
			}
			m.Compacted.Covers[name] = fileIDs(files, alone)
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
func (p *compaction) manifest() *Manifest {
	first, last := p.manifests[0], p.manifests[len(p.manifests)-1]
	m := &Manifest{
		Format: compactedFormat, Source: last.Source, Dataset: last.Dataset,
		StartedAt: first.StartedAt, ExtractedAt: last.ExtractedAt,
		Compacted: &Compacted{Generation: 1, Whole: true, Covers: map[string][]byte{}},
	}
	words := map[*entity.Schema]wordCounts{}
	for _, name := range p.entities {
		m.Entities = append(m.Entities, EntityCounts{Entity: name})
		m.Compacted.Whole = m.Compacted.Whole && (len(p.kept[name]) == 0 || len(p.kept[name]) == 1 && len(p.merged[name]) == 0)
	}
	for _, from := range p.manifests {
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
	return m
}

// add takes over what another manifest says, but for its files of rows.
func (m *Manifest) add(from *Manifest) {
	for _, c := range from.Entities {
		at := slices.IndexFunc(m.Entities, func(e EntityCounts) bool { return e.Entity == c.Entity })
		sum := &m.Entities[at]
		sum.Read, sum.Landed, sum.Duplicates = sum.Read+c.Read, sum.Landed+c.Landed, sum.Duplicates+c.Duplicates
		sum.Quarantined, sum.Ignored = sum.Quarantined+c.Quarantined, sum.Ignored+c.Ignored
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

// fileIDs packs the identities of files as Compacted.Covers holds them.
func fileIDs(files, without []File) []byte {
	left := map[string]bool{}
	for _, f := range without {
		left[f.Path] = true
	}
	ids := make([]byte, 0, 8*len(files))
	for _, f := range files {
		if left[f.Path] {
			continue
		}
		ids = binary.LittleEndian.AppendUint64(ids, xxhash.Sum64String(f.Path+"\n"+f.Checksum))
	}
	return ids
}

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
