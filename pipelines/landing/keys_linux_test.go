package landing_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"winback/connectors/entity"
	"winback/pipelines/landing"
)

// BenchmarkLandedKeys compares ten million landed keys with those of a source that
// lacks one of a thousand, and writes those.
func BenchmarkLandedKeys(b *testing.B) {
	const rows = 10_000_000
	z := landing.Open(b.TempDir())
	d := dataset("orders", orders)
	w, err := z.Begin(b.Context(), landing.RunInfo{RunID: "r1", Source: "shop", ExtractedAt: began}, d, landing.Options{})
	if err != nil {
		b.Fatal(err)
	}
	id, status := orders.Field("id").Index, orders.Field("status").Index
	for first := 0; first < rows; first += 10_000 {
		batch := w.NewBatch(orders)
		for n := range 10_000 {
			batch.SetText(id, strconv.AppendInt([]byte{'O'}, int64(100_000_000+first+n), 10))
			batch.SetString(status, "completed")
			if err := batch.EndRow(entity.Origin{}); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.Commit(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		keys, err := z.LandedKeys(b.Context(), "shop", "orders", orders)
		if err != nil {
			b.Fatal(err)
		}
		read := time.Since(start)
		for n := range rows {
			if n%1000 != 0 {
				keys.Has(string(strconv.AppendInt([]byte{'O'}, int64(100_000_000+n), 10)))
			}
		}
		compared := time.Since(start)
		runtime.ReadMemStats(&after)
		w, err := z.BeginSweep(b.Context(), landing.RunInfo{RunID: "r2", Source: "shop", ExtractedAt: began}, d, landing.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := keys.WriteDeleted(b.Context(), w); err != nil || keys.Live() != rows {
			b.Fatal(keys.Live(), err)
		}
		if err := w.Abort(); err != nil {
			b.Fatal(err)
		}
		b.Logf("read %.1f s, compared %.1f s, wrote %.1f s, heap %d MB", read.Seconds(), (compared - read).Seconds(), (time.Since(start) - compared).Seconds(), (after.HeapSys-before.HeapSys)>>20)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "heap-MB")
	}
}
