package landing_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"winback/connectors/entity"
	"winback/pipelines/landing"
)

// landRun lands rows of orders as one run; what is told of each is its customer,
// and "deleted" that it has vanished.
func landRun(ctx context.Context, z *landing.Zone, run string, rows map[string]string) (*landing.Manifest, error) {
	w, err := z.Begin(ctx, landing.RunInfo{RunID: run, Source: "shop", ExtractedAt: began}, dataset("orders", orders), landing.Options{PartRows: 5})
	if err != nil {
		return nil, err
	}
	b := w.NewBatch(orders)
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		b.SetString(orders.Field("id").Index, id)
		b.SetString(orders.Field("customer_id").Index, rows[id])
		b.SetBool(orders.Field("deleted").Index, rows[id] == "deleted")
		b.SetString(orders.Field("status").Index, run)
		if err := b.EndRow(entity.Origin{}); err != nil {
			return nil, errors.Join(err, w.Abort())
		}
	}
	if err := w.Write(ctx, b); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w.Commit(ctx, fmt.Appendf(nil, `"%s"`, run))
}

// newest returns what a raw table makes of the zone: of each key the row
// that was extracted last, with all it holds.
func newest(t *testing.T, z *landing.Zone) map[string]string {
	t.Helper()
	manifests, err := z.Manifests("shop")
	if err != nil {
		t.Fatal(err)
	}
	rows, versions := map[string]string{}, map[string]int64{}
	for _, m := range manifests {
		for _, f := range m.Files {
			p, err := z.OpenPart(f)
			if err != nil {
				t.Fatal(err)
			}
			for b, err := range p.Batches(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				b.Align()
				for i := range b.Rows() {
					id := keyOf(b, i)
					version := b.Columns[b.Schema.Field("extracted_at").Index].Ints[i]
					if _, known := rows[id]; !known || version > versions[id] {
						rows[id], versions[id] = rowOf(b, i), version
					}
				}
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return rows
}

// keyOf returns the key of a row, for an order its id.
func keyOf(b *entity.Batch, row int) string {
	var parts []string
	for _, at := range b.Schema.Keys {
		if c := &b.Columns[at]; len(c.Ends) > 0 {
			parts = append(parts, string(c.Value(row)))
		} else {
			parts = append(parts, fmt.Sprint(c.Ints[row]))
		}
	}
	return strings.Join(parts, " ")
}

func rowOf(b *entity.Batch, row int) string {
	var text strings.Builder
	for i := range b.Columns {
		c := &b.Columns[i]
		switch {
		case c.IsNull(row):
			text.WriteString("null ")
		case len(c.Ends) > 0:
			fmt.Fprintf(&text, "%q ", c.Value(row))
		default:
			fmt.Fprintf(&text, "%d ", c.Ints[row])
		}
	}
	return text.String()
}

func cursors(t *testing.T, z *landing.Zone) []string {
	t.Helper()
	list, err := z.Cursors("shop", "orders")
	if err != nil {
		t.Fatal(err)
	}
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = string(c)
	}
	return texts
}

func compact(t *testing.T, z *landing.Zone, o landing.CompactOptions) landing.Compaction {
	t.Helper()
	done, err := z.Compact(t.Context(), "shop", o)
	if err != nil {
		t.Fatal(err)
	}
	if len(done) != 1 {
		t.Fatalf("%d datasets were compacted, want one", len(done))
	}
	return done[0]
}

func TestCompact(t *testing.T) {
	root := t.TempDir()
	z := landing.Open(root)
	for run, rows := range []map[string]string{
		{"a": "anna", "b": "bert", "c": "carl"},
		{"b": "berta", "d": "dora"},
		{"c": "deleted"},
		{"a": "deleted", "e": "emil"},
		{"a": "anna again"},
	} {
		if _, err := landRun(t.Context(), z, fmt.Sprint("r", run), rows); err != nil {
			t.Fatal(err)
		}
	}
	rows, left := newest(t, z), cursors(t, z)

	planned, err := z.PlanCompaction("shop", landing.CompactOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before := tree(t, root)
	done := compact(t, z, landing.CompactOptions{})
	equal(t, "rows", newest(t, z), rows)
	equal(t, "cursors", cursors(t, z), left)
	if n := len(tree(t, root)); n != 2 {
		t.Errorf("%d files are left of %d, want a part and a manifest", n, len(before))
	}
	if len(planned) != 1 || planned[0].Manifests != 5 || planned[0].Merged != done.Merged || planned[0].Merged.Rows != 9 {
		t.Errorf("the plan was %+v", planned)
	}
	if done.Written.Files != 1 || done.Written.Rows != 5 {
		t.Errorf("written: %+v, want one file with a row for each of five keys", done.Written)
	}
	manifests, err := z.Manifests("shop")
	if err != nil {
		t.Fatal(err)
	}
	m := manifests[0]
	if len(m.UnknownWords) != 5 {
		t.Errorf("unknown words: %+v, want a channel of each run", m.UnknownWords)
	}
	equal(t, "counts", m.Counts("shop.orders"), landing.EntityCounts{Entity: "shop.orders", Read: 9, Landed: 9})
	if c := m.Compacted; c == nil || c.Runs != 5 || c.Generation != 1 || !c.Whole || len(m.Covers(m.Files[0])) != 5 {
		t.Errorf("the manifest says %+v", c)
	}

	t.Run("there is nothing more to put together", func(t *testing.T) {
		for _, o := range []landing.CompactOptions{{}, {Whole: true}} {
			if again, err := z.Compact(t.Context(), "shop", o); err != nil || len(again) != 0 {
				t.Errorf("again: %+v, %v", again, err)
			}
		}
	})
	t.Run("extraction goes on with the last cursor and a later version", func(t *testing.T) {
		next, err := landRun(t.Context(), z, "r9", map[string]string{"a": "anna once more"})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "cursor", string(next.CursorBefore), `"r4"`)
		if !next.ExtractedAt.After(m.ExtractedAt) {
			t.Errorf("version %v is not after %v", next.ExtractedAt, m.ExtractedAt)
		}
		rows = newest(t, z)
		if !strings.Contains(rows["a"], "anna once more") {
			t.Errorf("a is %s", rows["a"])
		}
	})
	t.Run("a second compaction takes the first in", func(t *testing.T) {
		compact(t, z, landing.CompactOptions{})
		equal(t, "rows", newest(t, z), rows)
		equal(t, "cursors", cursors(t, z), append(left, `"r9"`))
		manifests, err := z.Manifests("shop")
		if err != nil || len(manifests) != 1 || manifests[0].Compacted.Generation != 2 || manifests[0].Compacted.Runs != 6 {
			t.Errorf("manifests %+v, %v", manifests, err)
		}
	})
}

// TestCompact_AnyHistory compacts random histories with random sizes of parts, so
// that files are sorted in pieces, brought together in several steps, kept for
// their size, and taken in again later.
func TestCompact_AnyHistory(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			z := landing.Open(t.TempDir())
			o := landing.CompactOptions{PartRows: 1 + random.IntN(40), KeepBytes: []int64{0, 3500}[random.IntN(2)], Whole: random.IntN(3) == 0}
			var expect []string
			for run := range 40 {
				rows := map[string]string{}
				for range 1 + random.IntN(12) {
					rows[fmt.Sprint("order-", random.IntN(60))] = []string{"deleted", "", fmt.Sprint(random.IntN(9))}[random.IntN(3)]
				}
				name := fmt.Sprintf("r%02d", run)
				if _, err := landRun(t.Context(), z, name, rows); err != nil {
					t.Fatal(err)
				}
				expect = append(expect, fmt.Sprintf("%q", name))
				if random.IntN(15) > 0 && run != 39 {
					continue
				}
				want := newest(t, z)
				done := compact(t, z, o)
				equal(t, "rows", newest(t, z), want)
				equal(t, "cursors", cursors(t, z), expect)
				if o.Whole && int(done.Written.Rows) != len(want) {
					t.Errorf("%d rows were written for %d keys", done.Written.Rows, len(want))
				}
				verify(t, z)
			}
		})
	}
}

// TestCompact_EveryKind puts rows of every entity together, with values of every
// kind, and nulls.
func TestCompact_EveryKind(t *testing.T) {
	for _, s := range entity.All() {
		t.Run(s.FullName(), func(t *testing.T) {
			t.Parallel()
			z, random := landing.Open(t.TempDir()), rand.New(rand.NewPCG(7, 7))
			for run, density := range []float64{0.9, 0, 0.2} {
				w := begin(t, z, fmt.Sprint("r", run), dataset("all", s), landing.Options{PartRows: 70})
				b := w.NewBatch(s)
				fillRandom(t, b, random, run*60, 100, density)
				if err := w.Write(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				commit(t, w, `1`)
			}
			want := newest(t, z)
			done := compact(t, z, landing.CompactOptions{PartRows: 90})
			equal(t, "rows", newest(t, z), want)
			if int(done.Written.Rows) != len(want) {
				t.Errorf("%d rows were written for %d keys", done.Written.Rows, len(want))
			}
		})
	}
}

// verify checks the files of a source against their manifests.
func verify(t *testing.T, z *landing.Zone) {
	t.Helper()
	manifests, err := z.Manifests("shop")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifests {
		for _, f := range m.Files {
			if err := z.VerifyFile(f); err != nil {
				t.Error(err)
			}
		}
	}
}

func fiveRuns(ctx context.Context, z *landing.Zone) error {
	for run := range 5 {
		rows := map[string]string{}
		for row := range 7 {
			rows[fmt.Sprint((run+1)*row)] = fmt.Sprint(run)
		}
		if _, err := landRun(ctx, z, fmt.Sprint("r", run), rows); err != nil {
			return err
		}
	}
	return nil
}

// smallParts have a compaction go through all of its steps.
var smallParts = landing.CompactOptions{PartRows: 4}

// TestCompact_Crash kills the process at every operation on the disk. The next run
// cleans up, and the rows and cursors are those before; the zone is compacted or it
// is not.
func TestCompact_Crash(t *testing.T) {
	d := &landing.Disk{}
	z := landing.OpenOn(t.TempDir(), d)
	if err := fiveRuns(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	first := d.Done
	before := t.TempDir()
	if err := os.CopyFS(before, os.DirFS(z.Root())); err != nil {
		t.Fatal(err)
	}
	compact(t, z, smallParts)
	for at := 1; at <= d.Done-first; at++ {
		t.Run(fmt.Sprint("operation ", at), func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			if err := os.CopyFS(root, os.DirFS(before)); err != nil {
				t.Fatal(err)
			}
			rows, left := newest(t, landing.Open(root)), cursors(t, landing.Open(root))
			_, crashed := landing.OpenOn(root, &landing.Disk{FailAt: at, Err: landing.ErrCrash, Crashes: true}).Compact(t.Context(), "shop", smallParts)

			z := landing.Open(root)
			equal(t, "rows before cleaning up", newest(t, z), rows)
			if _, err := z.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			manifests, err := z.Manifests("shop")
			if err != nil {
				t.Fatal(err)
			}
			named := []string{}
			for _, m := range manifests {
				named = append(named, fmt.Sprintf("shop/_manifests/%s.orders.json", m.RunID))
				for _, f := range m.Files {
					named = append(named, f.Path)
				}
			}
			equal(t, "files", tree(t, root), sortedStrings(named))
			equal(t, "rows", newest(t, z), rows)
			equal(t, "cursors", cursors(t, z), left)
			if crashed == nil && len(manifests) != 1 {
				t.Error("the compaction says it is done, but is not")
			}
			if len(manifests) > 1 {
				compact(t, z, smallParts)
			}
			equal(t, "rows after another compaction", newest(t, z), rows)
			if _, err := landRun(t.Context(), z, "r9", map[string]string{"0": "late"}); err != nil {
				t.Fatal(err)
			}
			if got := newest(t, z); !strings.Contains(got["0"], "late") {
				t.Errorf("the next run's row does not count: %s", got["0"])
			}
		})
	}
}

// A reader has the names of files that a compaction replaces.
func TestCompact_KeepsWhatIsBeingRead(t *testing.T) {
	root := t.TempDir()
	z := landing.Open(root)
	if err := fiveRuns(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	release, err := z.Hold()
	if err != nil {
		t.Fatal(err)
	}
	reading, err := z.Manifests("shop")
	if err != nil {
		t.Fatal(err)
	}
	before := len(tree(t, root))
	compact(t, z, landing.CompactOptions{})
	if now := len(tree(t, root)); now != before+2 {
		t.Errorf("%d files before, %d while they are read, want two more", before, now)
	}
	for _, m := range reading {
		for _, f := range m.Files {
			if err := z.VerifyFile(f); err != nil {
				t.Error(err)
			}
		}
	}
	if manifests, err := z.Manifests("shop"); err != nil || len(manifests) != 1 {
		t.Errorf("%d manifests count, want the compacted one (%v)", len(manifests), err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	r, err := z.Recover(t.Context())
	if err != nil || r.Replaced != before-5 || len(r.Files) != 0 || r.String() != "" {
		t.Errorf("recovered %+v, %v; want the %d files that were replaced", r, err, before-5)
	}
	if now := len(tree(t, root)); now != 2 {
		t.Errorf("%d files are left, want two", now)
	}
}

// A damaged file must not come out of a compaction as a good one.
func TestCompact_StopsAtADamagedFile(t *testing.T) {
	root := t.TempDir()
	z := landing.Open(root)
	if err := fiveRuns(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	manifests, err := z.Manifests("shop")
	if err != nil {
		t.Fatal(err)
	}
	path := z.Path(manifests[3].Files[0].Path)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	before := tree(t, root)
	_, err = z.Compact(t.Context(), "shop", landing.CompactOptions{})
	var damaged *landing.DamagedError
	if !errors.As(err, &damaged) || damaged.Path != path {
		t.Errorf("got %v", err)
	}
	if _, err := z.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "files", tree(t, root), before)
}

// What is not worth the work is left alone.
func TestPlanCompaction_AtLeast(t *testing.T) {
	z := landing.Open(t.TempDir())
	if err := fiveRuns(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	for least, want := range map[int]int{0: 1, 5: 1, 6: 0} { // five runs with a file each
		if plans, err := z.PlanCompaction("shop", landing.CompactOptions{AtLeast: least}); err != nil || len(plans) != want {
			t.Errorf("at least %d: %+v, %v", least, plans, err)
		}
	}
	if plans, err := z.PlanCompaction("nobody", landing.CompactOptions{}); err != nil || len(plans) != 0 {
		t.Errorf("a source that is not there: %+v, %v", plans, err)
	}
}
