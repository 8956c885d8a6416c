package demo

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// peakHeap makes a company and returns the largest heap seen on the way.
func peakHeap(t testing.TB, o Options) (truth Truth, bytes uint64) {
	t.Helper()
	runtime.GC() // of what earlier tests left
	calls := 0
	o.Progress = func(Progress) {
		if calls++; calls%16 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			bytes = max(bytes, m.HeapInuse)
		}
	}
	truth, err := Generate(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return truth, bytes
}

// Memory does not grow with the company.
func TestGenerate_MemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a quarter of a million orders")
	}
	o := DefaultOptions(t.TempDir(), lastDay)
	o.Customers = 2_000
	_, little := peakHeap(t, o)
	o.Customers *= 8
	truth, much := peakHeap(t, o)
	t.Logf("%d customers, %d orders: heap of %d MB; an eighth of them: %d MB", truth.Totals.Customers, truth.Totals.Orders, much>>20, little>>20)
	if much > 48<<20 || much > 2*little+8<<20 {
		t.Errorf("heap grew from %d MB to %d MB", little>>20, much>>20)
	}
}

// BenchmarkGenerate makes the default company; orders/s is the number to watch.
func BenchmarkGenerate(b *testing.B) {
	for _, size := range []struct {
		name      string
		customers int
	}{{"5k", 5_000}, {"100k", 100_000}, {"10M_orders", 770_000}} {
		b.Run(size.name, func(b *testing.B) {
			o := DefaultOptions(b.TempDir(), lastDay)
			o.Customers = size.customers
			var orders int
			var heap uint64
			begin := time.Now()
			for b.Loop() {
				o.Seed++
				truth, peak := peakHeap(b, o)
				orders += truth.Totals.Orders
				heap = max(heap, peak)
			}
			b.ReportMetric(float64(orders)/time.Since(begin).Seconds(), "orders/s")
			b.ReportMetric(float64(heap)/(1<<20), "heap-MB")
			b.ReportMetric(float64(orders)/float64(b.N), "orders")
		})
	}
}
