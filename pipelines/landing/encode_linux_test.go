package landing

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"winback/connectors/entity"
)

func BenchmarkEncode(b *testing.B) {
	const rows = 1 << 20
	s := entity.Of[entity.Order]()
	l, err := layoutOf(s)
	if err != nil {
		b.Fatal(err)
	}
	for _, shuffled := range []bool{false, true} {
		b.Run(fmt.Sprintf("shuffled=%v", shuffled), func(b *testing.B) {
			buf := newBuffer(s)
			batch := entity.NewBatch(s)
			r := rand.New(rand.NewPCG(1, 2))
			perm := r.Perm(rows)
			for i := range rows {
				n := i
				if shuffled {
					n = perm[i]
				}
				batch.SetString(s.Field("id").Index, fmt.Sprintf("O%08d", n))
				batch.SetInt(s.Field("ordered_at").Index, 1.2e15+int64(r.IntN(3e8))*1e6)
				batch.SetString(s.Field("customer_id").Index, fmt.Sprintf("C%06d", r.IntN(20000)))
				batch.SetInt(s.Field("items_total").Index, int64(r.IntN(100000))*100)
				batch.SetString(s.Field("channel").Index, []string{"web", "phone", "app"}[r.IntN(3)])
				if err := batch.EndRow(entity.Origin{Line: int64(i)}); err != nil {
					b.Fatal(err)
				}
				if batch.Rows() == 10000 {
					buf.append(batch, func(*entity.Field) bool { return false })
					batch.Reset()
				}
			}
			buf.append(batch, func(*entity.Field) bool { return false })
			buf.align()
			e, err := newEncoder()
			if err != nil {
				b.Fatal(err)
			}
			var size int64
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			b.ResetTimer()
			least := time.Hour
			for b.Loop() {
				before := threadTime(b)
				order, _ := e.sorter.sort(buf)
				w, err := newFileWriter(l, io.Discard, e.zstd)
				if err != nil {
					b.Fatal(err)
				}
				for lo := 0; lo < buf.rows; lo += groupRows {
					if err := e.group(w, buf, rowRange{order, lo, min(lo+groupRows, buf.rows)}, constants{"shop", "r1", 17}, wordCounts{}); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.close(); err != nil {
					b.Fatal(err)
				}
				size = w.offset
				least = min(least, threadTime(b)-before)
			}
			b.ReportMetric(float64(size)/rows, "B/row")
			b.ReportMetric(float64(least.Nanoseconds())/rows, "least-cpu-ns/row")
		})
	}
}

// threadTime is the CPU time of this thread: other work on the machine does not
// count in it.
func threadTime(b *testing.B) time.Duration {
	const thisThread = 1
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
