package landing_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"winback/connectors/entity"
	"winback/pipelines/landing"
)

// BenchmarkWriter writes ten million orders of five columns, as a file with them
// would. ns/row is CPU time of all threads, the making of the batches taken out.
func BenchmarkWriter(b *testing.B) {
	for _, order := range []string{"ascending", "numbered", "shuffled"} {
		b.Run(order, func(b *testing.B) { benchmarkOrders(b, order, 10_000_000) })
	}
}

func benchmarkOrders(b *testing.B, order string, rows int) {
	var text []byte
	id := map[string]func(int) []byte{
		"ascending": func(n int) []byte { return strconv.AppendInt(append(text[:0], 'O'), int64(100_000_000+n), 10) },
		"numbered":  func(n int) []byte { return strconv.AppendInt(text[:0], int64(n), 10) },
		"shuffled": func(n int) []byte {
			return strconv.AppendInt(append(text[:0], 'O'), int64(100_000_000+n*7_919_317%rows), 10)
		},
	}[order]
	text = make([]byte, 0, 20)
	const kept = 50 // batches that are made once and written over and over with new ids
	template := makeOrders(kept * 10_000)
	idField := orders.Field("id").Index
	b.ReportAllocs()
	for b.Loop() {
		z := landing.Open(b.TempDir())
		w, err := z.Begin(b.Context(), landing.RunInfo{RunID: "r1", Source: "shop", ExtractedAt: began}, dataset("orders", orders), landing.Options{})
		if err != nil {
			b.Fatal(err)
		}
		var making time.Duration
		before, start := cpuTime(), time.Now()
		for first := 0; first < rows; first += 10_000 {
			from := cpuOfThread()
			batch := w.NewBatch(orders)
			copyOrders(batch, template[first/10_000%kept], idField, first, id)
			making += cpuOfThread() - from
			if err := w.Write(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
		m, err := w.Commit(b.Context(), json.RawMessage(`1`))
		if err != nil {
			b.Fatal(err)
		}
		cpu, wall := cpuTime()-before-making, time.Since(start)
		var bytes int64
		for _, f := range m.Files {
			bytes += f.Bytes
		}
		b.ReportMetric(float64(cpu.Nanoseconds())/float64(rows), "cpu-ns/row")
		b.ReportMetric(float64(rows)/wall.Seconds(), "rows/s")
		b.ReportMetric(float64(bytes)/wall.Seconds()/1e6, "MB/s")
		b.ReportMetric(float64(bytes)/float64(rows), "B/row")
		if m.Counts("shop.orders").Landed != int64(rows) {
			b.Fatal(m.Counts("shop.orders"))
		}
	}
}

// BenchmarkCompact puts files of so many runs together, each with 10,000 orders of
// which a tenth come again in the next run.
func BenchmarkCompact(b *testing.B) {
	const runs, rows = 200, 10_000
	template := makeOrders(10_000)[0]
	idField := orders.Field("id").Index
	for b.Loop() {
		b.StopTimer()
		z := landing.Open(b.TempDir())
		for run := range runs {
			w, err := z.Begin(b.Context(), landing.RunInfo{RunID: fmt.Sprintf("r%04d", run), Source: "shop", ExtractedAt: began}, dataset("orders", orders), landing.Options{})
			if err != nil {
				b.Fatal(err)
			}
			batch := w.NewBatch(orders)
			copyOrders(batch, template, idField, run*rows*9/10, func(n int) []byte { return strconv.AppendInt(nil, int64(n), 10) })
			if err := w.Write(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			if _, err := w.Commit(b.Context(), json.RawMessage(`1`)); err != nil {
				b.Fatal(err)
			}
		}
		before, start := cpuTime(), time.Now()
		b.StartTimer()
		done, err := z.Compact(b.Context(), "shop", landing.CompactOptions{})
		if err != nil {
			b.Fatal(err)
		}
		cpu, wall := cpuTime()-before, time.Since(start)
		merged := done[0].Merged
		b.ReportMetric(float64(merged.Rows)/wall.Seconds(), "rows/s")
		b.ReportMetric(float64(merged.Files)/wall.Seconds(), "files/s")
		b.ReportMetric(float64(merged.Bytes)/wall.Seconds()/1e6, "MB/s")
		b.ReportMetric(float64(cpu.Nanoseconds())/float64(merged.Rows), "cpu-ns/row")
	}
}

// makeOrders returns batches of 10,000 orders without ids.
func makeOrders(rows int) []*entity.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	var batches []*entity.Batch
	for first := 0; first < rows; first += 10_000 {
		b := entity.NewBatch(orders)
		for range 10_000 {
			b.SetString(orders.Field("id").Index, "x")
			b.SetInt(orders.Field("ordered_at").Index, 1.2e15+int64(r.IntN(3e8))*1e6)
			b.SetString(orders.Field("customer_id").Index, fmt.Sprintf("C%06d", r.IntN(50_000)))
			b.SetInt(orders.Field("items_total").Index, int64(r.IntN(100_000))*100)
			b.SetString(orders.Field("channel").Index, []string{"web", "phone", "app", "shop"}[r.IntN(4)])
			if err := b.EndRow(entity.Origin{}); err != nil {
				panic(err)
			}
		}
		batches = append(batches, b)
	}
	return batches
}

// copyOrders fills a batch from a template, a column at a time, with ids of its own.
func copyOrders(to, from *entity.Batch, idField, first int, id func(int) []byte) {
	for row := range from.Rows() {
		to.SetText(idField, id(first+row))
		if err := to.EndRow(entity.Origin{Input: 1, Line: int64(first + row)}); err != nil {
			panic(err)
		}
	}
	for i := range to.Columns {
		if i != idField {
			c, f := &to.Columns[i], &from.Columns[i]
			c.Valid, c.Ints = append(c.Valid[:0], f.Valid...), append(c.Ints[:0], f.Ints...)
			c.Data, c.Ends = append(c.Data[:0], f.Data...), append(c.Ends[:0], f.Ends...)
		}
	}
}

func cpuTime() time.Duration { return usage(syscall.RUSAGE_SELF) }

// cpuOfThread is the CPU time of the thread that the benchmark is locked to.
func cpuOfThread() time.Duration {
	runtime.LockOSThread()
	return usage(1) // RUSAGE_THREAD
}

func usage(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
