package landing_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"

	"winback/connectors/entity"
	"winback/pipelines/landing"
)

var orderLines = entity.Of[entity.OrderLine]()

// writeRandom writes rows of both entities in an order and with repeats that
// depend on the seed alone.
func writeRandom(t *testing.T, w *landing.Writer, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, seed))
	for range 40 {
		o, l := w.NewBatch(orders), w.NewBatch(orderLines)
		for range 100 {
			id := fmt.Sprint(r.IntN(3000))
			at := entity.Origin{Input: w.Input("a.csv"), Line: r.Int64N(1e6)}
			o.SetString(orders.Field("id").Index, id)
			o.SetString(orders.Field("status").Index, []string{"paid", "lost", "gone"}[r.IntN(20)/9])
			l.SetString(orderLines.Field("order_id").Index, id)
			l.SetInt(orderLines.Field("line_no").Index, r.Int64N(4)-1)
			l.SetInt(orderLines.Field("price").Index, r.Int64N(2)-1)
			if err := errors.Join(o.EndRow(at), l.EndRow(at)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Write(t.Context(), o), w.Write(t.Context(), l)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWriter_Deterministic(t *testing.T) {
	var contents [][]byte
	for range 3 {
		z := landing.Open(t.TempDir())
		w := begin(t, z, "r1", dataset("shop", orders, orderLines), landing.Options{PartRows: 700, RejectLimit: entity.Some(1.0)})
		writeRandom(t, w, 1)
		m := commit(t, w, `1`)
		var all []byte
		for _, path := range tree(t, z.Root()) {
			all = append(all, path...)
			if text, err := os.ReadFile(z.Path(path)); err != nil {
				t.Fatal(err)
			} else if path != "shop/_manifests/r1.shop.json" {
				all = append(all, text...)
			}
		}
		text, err := json.Marshal([]any{m.Files, m.Quarantine, m.Entities, m.UnknownWords})
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, append(all, text...))
	}
	for i := range contents {
		if !slices.Equal(contents[i], contents[0]) {
			t.Errorf("pass %d differs from the first", i)
		}
	}
}

// TestWriter_DuplicatesAgainstSets compares what lands with a plain calculation.
func TestWriter_DuplicatesAgainstSets(t *testing.T) {
	for seed := range uint64(4) {
		var want []string
		for _, rows := range []int{1 << 20, 700, 97} {
			z := landing.Open(t.TempDir())
			w := begin(t, z, "r1", dataset("shop", orders, orderLines), landing.Options{PartRows: rows, RejectLimit: entity.Some(1.0)})
			writeRandom(t, w, seed)
			m := commit(t, w, `1`)
			got := lineTexts(t, z, m)
			if want == nil { // one part, where adjacency finds everything
				want = got
			}
			equal(t, fmt.Sprint("rows in parts of ", rows), got, want)
			// A key that occurs three times with different contents may be told apart
			// differently; no record is lost either way.
			counts := m.Counts("shop.order_lines")
			if n := int64(len(quarantined(t, z, m))); n != counts.Quarantined+m.Counts("shop.orders").Quarantined {
				t.Errorf("%d rows in quarantine, %d counted", n, counts.Quarantined)
			}
			if counts.Read != 4000 || counts.Landed+counts.Duplicates+counts.Quarantined != 4000 {
				t.Errorf("counts do not add up: %+v", counts)
			}
		}
	}
}

func lineTexts(t *testing.T, z *landing.Zone, m *landing.Manifest) []string {
	t.Helper()
	var list []string
	for _, f := range m.Files {
		if f.Entity != orderLines.FullName() {
			continue
		}
		p, err := z.OpenPart(f)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for b, err := range p.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			b.Align()
			for i := range b.Rows() {
				list = append(list, fmt.Sprintf("%s %d %d", b.Columns[orderLines.Field("order_id").Index].Value(i),
					b.Columns[orderLines.Field("line_no").Index].Ints[i], b.Columns[orderLines.Field("price").Index].Ints[i]))
			}
		}
	}
	return sortedStrings(list)
}

func TestWriter_UnknownWords(t *testing.T) {
	z := landing.Open(t.TempDir())
	w := begin(t, z, "r1", dataset("orders", orders), landing.Options{PartRows: 2})
	b := w.NewBatch(orders)
	for i, status := range []string{"paid", "on-hold", "", "on-hold", "trash"} {
		b.SetString(orders.Field("id").Index, fmt.Sprint(i))
		b.SetString(orders.Field("status").Index, status)
		if err := b.EndRow(entity.Origin{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	equal(t, "words", commit(t, w, `1`).UnknownWords, []landing.WordCount{
		{Entity: "shop.orders", Field: "status", Word: "on-hold", Count: 2},
		{Entity: "shop.orders", Field: "status", Word: "trash", Count: 1},
	})
}

func TestWriter_DropPayload(t *testing.T) {
	z := landing.Open(t.TempDir())
	for _, drop := range []bool{false, true} {
		w := begin(t, z, fmt.Sprint("r", drop), dataset("orders", orders), landing.Options{DropPayload: drop})
		b := w.NewBatch(orders)
		if err := entity.Append(b, &entity.Order{Meta: entity.Meta{Payload: `{"a":1}`}, ID: "1"}, entity.Origin{}); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		m := commit(t, w, `1`)
		parts, err := z.DescribeParts("shop")
		if err != nil {
			t.Fatal(err)
		}
		payload := parts[len(parts)-1].Columns[orders.Field("payload").Index]
		if (payload.Nulls == 1) != drop || payload.Name != "payload" {
			t.Errorf("drop %v: %+v in %s", drop, payload, m.Files[0].Path)
		}
	}
}

// TestWriter_Memory writes many parts of three entities and looks at the heap:
// it must not grow with the number of rows.
func TestWriter_Memory(t *testing.T) {
	refunds := entity.Of[entity.Refund]()
	options := landing.Options{PartBytes: 2 << 20, MemoryBytes: 3 << 20}
	peak := func(batches int) uint64 {
		z := landing.Open(t.TempDir())
		w := begin(t, z, "r1", dataset("shop", orders, orderLines, refunds), options)
		var most uint64
		for i := range batches {
			for _, s := range []*entity.Schema{orders, orderLines, refunds} {
				b := w.NewBatch(s)
				for row := range 1000 {
					for k, key := range s.Keys {
						if s.Fields[key].Kind == entity.Text {
							b.SetString(key, fmt.Sprintf("%x", uint64(i*1000+row+1)*0x9E3779B97F4A7C15))
						} else {
							b.SetInt(key, int64(k))
						}
					}
					if err := b.EndRow(entity.Origin{Line: int64(row)}); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Write(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			if i%50 == 0 {
				runtime.GC()
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			}
		}
		commit(t, w, `1`)
		return most
	}
	small, large := peak(200), peak(1000)
	t.Logf("heap at most %.1f MB with 600,000 rows, %.1f MB with 3,000,000", float64(small)/1e6, float64(large)/1e6)
	if float64(large) > 1.3*float64(small)+8e6 {
		t.Errorf("the heap grew from %d to %d bytes", small, large)
	}
}
