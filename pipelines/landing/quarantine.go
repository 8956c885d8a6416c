package landing

import (
	"cmp"
	"context"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go"
)

// QuarantineGroup is what one run put aside of one dataset.
type QuarantineGroup struct {
	Source, Dataset string
	RunID           string    // that put the records aside
	At              time.Time // when that run began
	Rows            int
	Files           []QuarantineFile // in the order in which records are numbered
	// Failure says why that run took over nothing of the dataset; empty otherwise.
	Failure string
	// Overtaken says that the dataset was read again after a failure.
	Overtaken bool
	// Settlements is the log of the group, oldest first.
	Settlements []Settlement
}

// idLetters make ids that can be read out and typed.
var idLetters = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// idLength is long enough that a thousand groups do not meet: 35 bits.
const idLength = 7

// ID returns the short name of the group, which never changes.
func (g *QuarantineGroup) ID() string {
	sum := xxhash.Sum64String(g.Source + "\n" + g.Dataset + "\n" + g.RunID)
	return idLetters.EncodeToString(binary.BigEndian.AppendUint64(nil, sum))[:idLength]
}

// QuarantineGroups returns what was put aside of a source, oldest first.
func (z *Zone) QuarantineGroups(source string) ([]*QuarantineGroup, error) {
	c := NewQuarantineCollector()
	for b, err := range z.Briefs(source) {
		if err == nil {
			err = c.Add(b)
		}
		if err != nil {
			return nil, err
		}
	}
	failures, err := z.Failures(source)
	if err != nil {
		return nil, err
	}
	return c.Groups(failures), nil
}

// QuarantineCollector finds what was put aside while somebody goes through the
// manifests of a source.
type QuarantineCollector struct {
	manifests []*Manifest
	latest    map[string]*Manifest // reading of each dataset
}

// NewQuarantineCollector returns an empty collector.
func NewQuarantineCollector() *QuarantineCollector {
	return &QuarantineCollector{latest: map[string]*Manifest{}}
}

// Add looks at a manifest.
func (c *QuarantineCollector) Add(b *Brief) error {
	settles := b.has("settles")
	if !settles && b.reads() {
		m := c.latest[b.Dataset]
		if m == nil {
			m = &Manifest{Dataset: b.Dataset}
			c.latest[b.Dataset] = m
		}
		if b.ExtractedAt.After(m.ExtractedAt) {
			m.ExtractedAt = b.ExtractedAt
		}
	}
	if !settles && len(b.quarantine) == 0 {
		return nil
	}
	m, err := b.Manifest()
	c.manifests = append(c.manifests, m)
	return err
}

// Groups returns what was put aside, oldest first. Failures are those of the same
// source.
func (c *QuarantineCollector) Groups(failures []*Manifest) []*QuarantineGroup {
	return quarantineGroupsOf(slices.AppendSeq(slices.Clone(c.manifests), maps.Values(c.latest)), failures)
}

// quarantineGroupsOf returns what was put aside by the runs that the manifests and
// failures of a source are of, oldest first.
func quarantineGroupsOf(manifests, failures []*Manifest) []*QuarantineGroup {
	var groups []*QuarantineGroup
	latest := map[string]time.Time{} // reading of each dataset
	for _, m := range slices.Concat(manifests, failures) {
		if m.reads() && m.ExtractedAt.After(latest[m.Dataset]) {
			latest[m.Dataset] = m.ExtractedAt
		}
		groups = append(groups, m.quarantineGroups()...)
	}
	for _, g := range groups {
		g.Overtaken = g.Failure != "" && latest[g.Dataset].After(g.At)
	}
	settle(groups, manifests)
	slices.SortStableFunc(groups, func(a, b *QuarantineGroup) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Dataset, b.Dataset)) })
	return groups
}

// settle gives the groups the entries about them.
func settle(groups []*QuarantineGroup, manifests []*Manifest) {
	byRun := map[[2]string][]*QuarantineGroup{}
	for _, g := range groups {
		key := [2]string{g.Dataset, g.RunID}
		byRun[key] = append(byRun[key], g)
	}
	for _, m := range manifests {
		for _, s := range m.Settles {
			for _, g := range byRun[[2]string{m.Dataset, s.Of}] {
				g.Settlements = append(g.Settlements, s)
			}
		}
	}
	for _, g := range groups {
		slices.SortStableFunc(g.Settlements, func(a, b Settlement) int { return a.At.Compare(b.At) })
	}
}

// reads says that the manifest is of a run that read the dataset, and not only of
// one that settled records.
func (m *Manifest) reads() bool {
	return m.Replays == "" && (m.CursorAfter != nil || m.Compacted != nil || len(m.Settles)+len(m.Swept) == 0)
}

// quarantineGroups returns what the runs that the manifest stands for put aside.
func (m *Manifest) quarantineGroups() []*QuarantineGroup {
	var groups []*QuarantineGroup
	for _, f := range m.Quarantine {
		run, at := path.Base(path.Dir(f.Path)), m.ExtractedAt
		run = strings.TrimPrefix(run, runPrefix)
		if stamp, _, _ := strings.Cut(run, "-"); run != m.RunID {
			if began, err := time.Parse("20060102T150405Z", stamp); err == nil {
				at = began
			}
		}
		i := slices.IndexFunc(groups, func(g *QuarantineGroup) bool { return g.RunID == run })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &QuarantineGroup{Source: m.Source, Dataset: m.Dataset, RunID: run, At: at, Failure: m.Failure})
		}
		groups[i].Files = append(groups[i].Files, f)
		groups[i].Rows += int(f.Rows)
	}
	for _, g := range groups {
		slices.SortFunc(g.Files, func(a, b QuarantineFile) int { return cmp.Compare(a.Path, b.Path) })
	}
	return groups
}

// Revision changes whenever something becomes of the group's records, and grows.
func (g *QuarantineGroup) Revision() uint64 {
	n := uint64(len(g.Settlements)) * 2
	if g.Overtaken {
		n++
	}
	return n
}

// Checksum is that of the group's files; what became of the records is no part of
// it.
func (g *QuarantineGroup) Checksum() string {
	hash := xxhash.New()
	for _, f := range g.Files {
		hash.WriteString(f.Path + f.Checksum) //nolint:errcheck // never fails
	}
	return checksumText(hash.Sum64())
}

// QuarantineRecord is a record of a group, with what has become of it.
type QuarantineRecord struct {
	QuarantineRow
	Number int // within the group, from 1
	// SameKey says that the record as such fits: another one has its key.
	SameKey bool
	Standing
}

// Standing is what has become of a record.
type Standing struct {
	State QuarantineState
	// Last is the latest entry about the record; its At is zero if there is none.
	Last  Settlement
	Tries int // how often it was tried again
}

// Standings returns what has become of the group's records, by number from 0.
func (g *QuarantineGroup) Standings() ([]Standing, error) {
	all := make([]Standing, g.Rows)
	for i := range all {
		all[i].State = StillOpen
		if g.Overtaken {
			all[i].State = Resolved
		}
	}
	for _, s := range g.Settlements {
		err := s.Records.Each(g.Rows, func(n int) {
			standing := &all[n-1]
			if standing.State != StillOpen {
				return
			}
			standing.State, standing.Last = s.State, s
			if s.State == StillOpen || s.State == Replayed {
				standing.Tries++
			}
		})
		if err != nil {
			return nil, fmt.Errorf("quarantine of run %s: %w", g.RunID, err)
		}
	}
	return all, nil
}

// QuarantineRecords reads the records of a group in the order of their numbers.
func (z *Zone) QuarantineRecords(ctx context.Context, g *QuarantineGroup) iter.Seq2[QuarantineRecord, error] {
	return func(yield func(QuarantineRecord, error) bool) {
		standings, err := g.Standings()
		if err != nil {
			yield(QuarantineRecord{}, err)
			return
		}
		number := 0
		for _, f := range g.Files {
			sameKey := !strings.HasSuffix(f.Path, sourceRejects)
			for row, err := range z.quarantineRows(ctx, f) {
				if err != nil {
					yield(QuarantineRecord{}, err)
					return
				}
				r := QuarantineRecord{QuarantineRow: row, Number: number + 1, SameKey: sameKey}
				if number < len(standings) {
					r.Standing = standings[number]
				}
				number++
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// sourceRejects ends the names of the files of what sources reject; others are of
// keys that come twice.
const sourceRejects = "-00001.parquet"

// DatasetOfQuarantine returns the dataset that a file of records that did not fit is
// of, by its path.
func DatasetOfQuarantine(file string) string {
	name := path.Base(file)
	return name[:max(strings.LastIndexByte(name, '-'), 0)]
}

// quarantineRows reads the rows of a file.
func (z *Zone) quarantineRows(ctx context.Context, f QuarantineFile) iter.Seq2[QuarantineRow, error] {
	return func(yield func(QuarantineRow, error) bool) {
		entry := File{Path: f.Path, Bytes: f.Bytes, Checksum: f.Checksum}
		file, err := z.openWhole(entry)
		if err != nil {
			yield(QuarantineRow{}, err)
			return
		}
		defer file.Close()
		reader := parquet.NewGenericReader[QuarantineRow](file)
		defer reader.Close()
		rows := make([]QuarantineRow, 256)
		for {
			n, err := reader.Read(rows)
			for _, row := range rows[:n] {
				if !yield(row, nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err = errors.Join(err, ctx.Err()); err != nil {
				yield(QuarantineRow{}, &DamagedError{Path: z.Path(f.Path), Reason: err.Error()})
				return
			}
			clear(rows)
		}
	}
}
