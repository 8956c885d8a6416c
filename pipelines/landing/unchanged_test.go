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

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/landing"
)

// says is what an export says of an order.
type says struct {
	id, customer, payload string
	updated               entity.Time
	deleted               bool
}

// export lands orders as a source does that gives everything again.
func export(ctx context.Context, z *landing.Zone, run string, d connectors.Dataset, o landing.Options, rows ...says) (*landing.Manifest, error) {
	w, err := z.Begin(ctx, landing.RunInfo{RunID: run, Source: "shop", ExtractedAt: began}, d, o)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(rows, 3) {
		b := w.NewBatch(orders)
		for _, r := range some {
			b.SetString(orders.Field("id").Index, r.id)
			b.SetString(orders.Field("customer_id").Index, r.customer)
			b.SetBool(orders.Field("deleted").Index, r.deleted)
			if r.payload != "" {
				b.SetString(orders.Field("payload").Index, r.payload)
			}
			if r.updated != 0 {
				b.SetInt(orders.Field("source_updated_at").Index, int64(r.updated))
			}
			if err := b.EndRow(entity.Origin{}); err != nil {
				return nil, errors.Join(err, w.Abort())
			}
		}
		if err := w.Write(ctx, b); err != nil {
			return nil, errors.Join(err, w.Abort())
		}
	}
	m, err := w.Commit(ctx, nil)
	return m, errors.Join(err, w.Uncompared())
}

var whole = landing.Options{DropUnchanged: true, PartRows: 4, PartsInFlight: 1, RejectLimit: entity.Some(1.0)}

// counts tells what became of the rows of a run.
func counts(m *landing.Manifest) string {
	if m == nil {
		return "no manifest"
	}
	c := m.Counts("shop.orders")
	text := fmt.Sprintf("%d read, %d landed, %d unchanged", c.Read, c.Landed, c.Unchanged)
	if c.Duplicates+c.Quarantined > 0 {
		text += fmt.Sprintf(", %d duplicates, %d quarantined", c.Duplicates, c.Quarantined)
	}
	return text
}

func TestUnchanged(t *testing.T) {
	ann, bea, cid := says{id: "1", customer: "Ann"}, says{id: "2", customer: "Bea"}, says{id: "3", customer: "Cid"}
	now := func(s says, customer string) says { s.customer = customer; return s }
	for _, test := range []struct {
		name string
		rule string
		runs [][]says
		want []string
	}{
		{
			name: "what comes again as it was is not landed",
			runs: [][]says{{ann, bea, cid}, {cid, bea, ann}, {bea}},
			want: []string{"3 read, 3 landed, 0 unchanged", "3 read, 0 landed, 3 unchanged", "1 read, 0 landed, 1 unchanged"},
		},
		{
			name: "what is new or changed is",
			runs: [][]says{{ann, bea}, {ann, now(bea, "Berta"), cid}},
			want: []string{"2 read, 2 landed, 0 unchanged", "3 read, 2 landed, 1 unchanged"},
		},
		{
			name: "back to what it was is a change",
			runs: [][]says{{ann}, {now(ann, "Anna")}, {ann}, {ann}},
			want: []string{"1 read, 1 landed, 0 unchanged", "1 read, 1 landed, 0 unchanged", "1 read, 1 landed, 0 unchanged", "1 read, 0 landed, 1 unchanged"},
		},
		{
			name: "a deleted record that returns is a change, and deleted again none",
			runs: [][]says{{ann}, {{id: "1", customer: "Ann", deleted: true}}, {{id: "1", customer: "Ann", deleted: true}}, {ann}},
			want: []string{"1 read, 1 landed, 0 unchanged", "1 read, 1 landed, 0 unchanged", "1 read, 0 landed, 1 unchanged", "1 read, 1 landed, 0 unchanged"},
		},
		{
			name: "what only the source's own record tells is a change",
			runs: [][]says{{{id: "1", payload: `{"a":1}`}}, {{id: "1", payload: `{"a":2}`}}},
			want: []string{"1 read, 1 landed, 0 unchanged", "1 read, 1 landed, 0 unchanged"},
		},
		{
			name: "so is the source's own time of the change",
			runs: [][]says{{{id: "1", updated: 1}}, {{id: "1", updated: 2}}},
			want: []string{"1 read, 1 landed, 0 unchanged", "1 read, 1 landed, 0 unchanged"},
		},
		{
			name: "of a key that comes twice, the row that stays is compared", rule: connectors.KeepLast,
			runs: [][]says{{ann}, {now(ann, "Anna"), bea, cid, bea, ann}, {ann, bea, cid, now(ann, "Anna")}},
			want: []string{"1 read, 1 landed, 0 unchanged", "5 read, 2 landed, 1 unchanged, 2 duplicates, 0 quarantined", "4 read, 1 landed, 2 unchanged, 1 duplicates, 0 quarantined"},
		},
		{
			name: "a key of which none is taken is not unchanged", rule: connectors.KeepNone,
			runs: [][]says{{ann, bea}, {ann, bea, cid, now(ann, "Anna"), cid}},
			want: []string{"2 read, 2 landed, 0 unchanged", "5 read, 1 landed, 1 unchanged, 1 duplicates, 2 quarantined"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := dataset("orders", orders)
			if test.rule != "" {
				d.Duplicates = map[string]connectors.Duplicates{"shop.orders": {Keep: test.rule}}
			}
			root := t.TempDir()
			for i, rows := range test.runs {
				m, err := export(t.Context(), landing.OpenComparing(root, 2, 100), fmt.Sprint("r", i), d, whole, rows...)
				if err != nil {
					t.Fatal(err)
				}
				if got := counts(m); got != test.want[i] {
					t.Errorf("run %d: %s, want %s", i+1, got, test.want[i])
				}
			}
			for _, path := range tree(t, root) {
				if strings.HasSuffix(path, ".tmp") {
					t.Errorf("%s is left", path)
				}
			}
		})
	}
}

func TestUnchanged_TheNewestOfAllDatasetsCounts(t *testing.T) {
	z := landing.Open(t.TempDir())
	for i, step := range []struct {
		dataset, customer, want string
	}{
		{"orders", "Ann", "1 read, 1 landed, 0 unchanged"},
		{"archive", "Anna", "1 read, 1 landed, 0 unchanged"},
		{"orders", "Ann", "1 read, 1 landed, 0 unchanged"}, // Anna came in between
		{"archive", "Ann", "1 read, 0 landed, 1 unchanged"},
	} {
		m, err := export(t.Context(), z, fmt.Sprint("r", i), dataset(step.dataset, orders), whole, says{id: "1", customer: step.customer})
		if err != nil || counts(m) != step.want {
			t.Errorf("step %d: %s, %v; want %s", i+1, counts(m), err, step.want)
		}
	}
	t.Run("of one version, neither", func(t *testing.T) {
		for _, run := range []string{"r5", "r6"} {
			for _, d := range []string{"orders", "archive"} {
				m, err := export(t.Context(), z, run, dataset(d, orders), whole, says{id: "2", customer: d})
				if err != nil || counts(m) != "1 read, 1 landed, 0 unchanged" {
					t.Errorf("%s, %s: %s, %v", run, d, counts(m), err)
				}
			}
		}
	})
}

func TestUnchanged_OnlyWhereItIsAsked(t *testing.T) {
	z := landing.Open(t.TempDir())
	for _, run := range []string{"r1", "r2"} {
		if m, err := export(t.Context(), z, run, dataset("orders", orders), landing.Options{}, says{id: "1"}); err != nil || counts(m) != "1 read, 1 landed, 0 unchanged" {
			t.Errorf("%s: %s, %v", run, counts(m), err)
		}
	}
}

func TestUnchanged_FewOfManyAreTakenAsTheyCome(t *testing.T) {
	root := t.TempDir()
	many := make([]says, 200)
	for i := range many {
		many[i] = says{id: fmt.Sprint(i)}
	}
	d := dataset("orders", orders)
	if _, err := export(t.Context(), landing.Open(root), "r0", d, whole, many...); err != nil {
		t.Fatal(err)
	}
	for i, test := range []struct {
		from int64
		rows int
		want string
	}{
		{200, 3, "3 read, 0 landed, 3 unchanged"},
		{199, 4, "4 read, 0 landed, 4 unchanged"},
		{199, 3, "3 read, 3 landed, 0 unchanged"},
	} {
		m, err := export(t.Context(), landing.OpenComparing(root, 2, test.from), fmt.Sprint("r", i+1), d, whole, many[:test.rows]...)
		if err != nil || counts(m) != test.want {
			t.Errorf("%+v: %s, %v", test, counts(m), err)
		}
	}
}

func TestUnchanged_WhatCannotBeReadIsNoReasonToStop(t *testing.T) {
	root := t.TempDir()
	z, d := landing.Open(root), dataset("orders", orders)
	m, err := export(t.Context(), z, "r1", d, whole, says{id: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(z.Path(m.Files[0].Path), 10); err != nil {
		t.Fatal(err)
	}
	m, err = export(t.Context(), z, "r2", d, whole, says{id: "1"})
	if counts(m) != "1 read, 1 landed, 0 unchanged" || !errors.As(err, new(*landing.DamagedError)) {
		t.Errorf("got %s, %v", counts(m), err)
	}
}

// unversioned returns what a raw table makes of the zone, but for who read it when.
func unversioned(t *testing.T, z *landing.Zone) map[string]string {
	t.Helper()
	rows := newest(t, z)
	for id, row := range rows {
		var kept []string
		for i, value := range strings.Split(row, " ") {
			if name := orders.Fields[min(i, len(orders.Fields)-1)].Name; name != "run_id" && name != "extracted_at" {
				kept = append(kept, value)
			}
		}
		rows[id] = strings.Join(kept, " ")
	}
	return rows
}

// TestUnchanged_ComesToTheSame lands random whole exports, parts of them, deletions and
// returns in two zones, one of which drops what says nothing new, and compacts both.
func TestUnchanged_ComesToTheSame(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			dropping, plain := landing.OpenComparing(t.TempDir(), 1+r.IntN(3), 1000), landing.Open(t.TempDir())
			state, landed, came := map[string]says{}, int64(0), int64(0)
			for run := range 12 {
				change(r, state)
				rows := slices.Collect(maps.Values(state))
				slices.SortFunc(rows, func(a, b says) int { return strings.Compare(a.id, b.id) })
				r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
				if r.IntN(4) == 0 {
					rows = rows[:r.IntN(len(rows)+1)]
				}
				d := dataset([]string{"orders", "archive"}[r.IntN(5)/4], orders)
				o := whole
				o.PartRows, o.PartsInFlight = 1+r.IntN(9), 1+r.IntN(2)
				m, err := export(t.Context(), dropping, fmt.Sprint("r", run), d, o, rows...)
				if err != nil {
					t.Fatal(err)
				}
				if m != nil {
					landed += m.Counts("shop.orders").Landed
				}
				came += int64(len(rows))
				o.DropUnchanged = false
				if _, err := export(t.Context(), plain, fmt.Sprint("r", run), d, o, rows...); err != nil {
					t.Fatal(err)
				}
				if r.IntN(4) == 0 {
					if _, err := dropping.Compact(t.Context(), "shop", landing.CompactOptions{Whole: r.IntN(2) == 0}); err != nil {
						t.Fatal(err)
					}
				}
				equal(t, "newest rows", unversioned(t, dropping), unversioned(t, plain))
			}
			if came > 40 && landed > came*3/4 {
				t.Errorf("%d rows were landed of %d", landed, came)
			}
		})
	}
}

// change inserts, changes, deletes and brings back some orders.
func change(r *rand.Rand, state map[string]says) {
	for range 1 + r.IntN(4) {
		s := says{id: fmt.Sprint("o", r.IntN(30)), customer: fmt.Sprint("c", r.IntN(2)), payload: []string{"", "{}"}[r.IntN(2)]}
		s.deleted = r.IntN(5) == 0
		state[s.id] = s
	}
}

// TestUnchanged_Crash kills the process at every operation on the disk. The next run
// then lands what is lacking, once.
func TestUnchanged_Crash(t *testing.T) {
	d := dataset("orders", orders)
	first, second := make([]says, 9), make([]says, 9)
	for i := range first {
		first[i] = says{id: fmt.Sprint(i), customer: "first"}
		second[i] = first[i]
		if i%4 == 0 {
			second[i].customer = "second"
		}
	}
	prepare := func(root string) {
		if _, err := export(t.Context(), landing.Open(root), "r0", d, whole, first...); err != nil {
			t.Fatal(err)
		}
	}
	counting := &landing.Disk{}
	root := t.TempDir()
	prepare(root)
	if _, err := export(t.Context(), landing.ComparingOn(root, counting, 1), "r1", d, whole, second...); err != nil {
		t.Fatal(err)
	}
	want := unversioned(t, landing.Open(root))
	for at := 1; at <= counting.Done; at++ {
		root := t.TempDir()
		prepare(root)
		disk := &landing.Disk{FailAt: at, Err: landing.ErrCrash, Crashes: true}
		_, crashed := export(t.Context(), landing.ComparingOn(root, disk, 1), "r1", d, whole, second...)
		z := landing.Open(root)
		if _, err := z.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		m, err := export(t.Context(), z, "r2", d, whole, second...)
		if err != nil {
			t.Fatal(err)
		}
		if got := counts(m); got != "9 read, 3 landed, 6 unchanged" && (crashed == nil || got != "9 read, 0 landed, 9 unchanged") && got != "9 read, 0 landed, 9 unchanged" {
			t.Errorf("operation %d: then %s", at, got)
		}
		equal(t, "rows", unversioned(t, z), want)
		for _, path := range tree(t, root) {
			if strings.HasSuffix(path, ".tmp") {
				t.Errorf("operation %d: %s is left", at, path)
			}
		}
	}
}

// A zone in a store is compared with by any machine, whatever its folder has.
func TestUnchanged_OnPlaces(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		d := dataset("orders", orders)
		for i, want := range []string{"2 read, 2 landed, 0 unchanged", "2 read, 1 landed, 1 unchanged", "2 read, 0 landed, 2 unchanged"} {
			func() {
				z := p.open(t, noGrace)
				release, err := z.Lock(t.Context(), landing.LockOptions{Holder: "test", About: "a test"})
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := release(); err != nil {
						t.Error(err)
					}
				}()
				m, err := export(t.Context(), z, fmt.Sprint("r", i), d, whole, says{id: "1", customer: "Ann"}, says{id: "2", customer: fmt.Sprint("customer ", min(i, 1))})
				if err != nil || counts(m) != want {
					t.Errorf("run %d: %s, %v; want %s", i+1, counts(m), err, want)
				}
				equal(t, "files", p.files(t), named(t, z))
			}()
		}
	})
}
