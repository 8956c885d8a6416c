package landing_test

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"winback/connectors/entity"
	"winback/pipelines/landing"
)

// BenchmarkUnchanged lands three million orders and then all of them again, one in a
// hundred changed, without and with leaving out the others; the figures are seconds of
// CPU, and what the heap took at most.
func BenchmarkUnchanged(b *testing.B) {
	const rows = 3_000_000
	z := landing.Open(b.TempDir())
	land := func(run string, changed bool, o landing.Options) (m *landing.Manifest, cpu float64, heap uint64) {
		runtime.GC()
		start := cpuSeconds(b)
		w, err := z.Begin(b.Context(), landing.RunInfo{RunID: run, Source: "shop", ExtractedAt: began}, dataset("orders", orders), o)
		if err != nil {
			b.Fatal(err)
		}
		for from := 0; from < rows; from += 10_000 {
			batch := w.NewBatch(orders)
			for n := from; n < from+10_000; n++ {
				batch.SetString(orders.Field("id").Index, fmt.Sprintf("O%09d", n*7919%rows))
				batch.SetString(orders.Field("customer_id").Index, fmt.Sprintf("C%07d", n%500_000))
				batch.SetString(orders.Field("status").Index, []string{"completed", "shipped"}[n%2])
				batch.SetInt(orders.Field("net_revenue").Index, int64(n)*1117%9_000_000)
				batch.SetInt(orders.Field("ordered_at").Index, began.UnixMicro()+int64(n)*1_000_003)
				if changed && n%100 == 0 {
					batch.SetString(orders.Field("status").Index, "returned")
				}
				if err := batch.EndRow(entity.Origin{Input: 1, Line: int64(n)}); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Write(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
		stop := make(chan struct{})
		top := highest(stop)
		m, err = w.Commit(b.Context(), nil)
		if err != nil || w.Uncompared() != nil {
			b.Fatal(err, w.Uncompared())
		}
		close(stop)
		return m, cpuSeconds(b) - start, <-top >> 20
	}
	for range b.N {
		_, first, _ := land("a", false, landing.Options{PartBytes: 8 << 20})
		_, plain, heap := land("b", false, landing.Options{PartBytes: 8 << 20})
		m, dropping, dropHeap := land("c", true, landing.Options{PartBytes: 8 << 20, DropUnchanged: true})
		b.Logf("first %.1f s; again %.1f s, heap %d MB; compared %.1f s, heap %d MB, %s", first, plain, heap, dropping, dropHeap, counts(m))
	}
}

func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// highest looks at the heap until it is stopped.
func highest(stop chan struct{}) chan uint64 {
	result := make(chan uint64, 1)
	go func() {
		var top uint64
		for {
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			top = max(top, s.HeapInuse)
			select {
			case <-stop:
				result <- top
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return result
}
