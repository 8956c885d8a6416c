package files

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
)

// discard is a sink that takes rows and forgets them, reusing their memory.
type discard struct {
	spare []*entity.Batch
	rows  int64
}

func (d *discard) NewBatch(s *entity.Schema) *entity.Batch {
	for i, b := range d.spare {
		if b.Schema == s {
			d.spare = append(d.spare[:i], d.spare[i+1:]...)
			return b
		}
	}
	return entity.NewBatch(s)
}

func (d *discard) Write(_ context.Context, b *entity.Batch) error {
	d.rows += int64(b.Rows())
	b.Reset()
	d.spare = append(d.spare, b)
	return nil
}

func (d *discard) Reject(context.Context, connectors.Reject) error { return nil }
func (d *discard) Count(*entity.Schema, connectors.Counts)         {}
func (d *discard) Input(string) int32                              { return 1 }

const flatConfig = `
datasets:
  shop.orders:
    files: flat.csv
    fields:
      id: id
      ordered_at: {column: at, layout: iso}
      customer_id: customer
      items_total: amount
      channel: note
`

// writeFlat writes a table of so many orders, 58 bytes a row.
func writeFlat(t testing.TB, dir string, rows int) int64 {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "flat.csv"))
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriterSize(file, 1<<20)
	fmt.Fprintln(out, "id,at,customer,amount,note")
	line := make([]byte, 0, 100)
	for i := range rows {
		line = strconv.AppendInt(line[:0], int64(10_000_000+i), 10)
		line = fmt.Appendf(line, ",2024-%02d-%02d %02d:%02d:%02d,c%07d,%d.%02d,text number %d\n",
			1+i/900_000%12, 1+i/30_000%28, i/3600%24, i/60%60, i%60, i*7919%500_000, i%1000, i%100, i%1000)
		if _, err := out.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// cpuTime is what the process has used of all cores: the measure that a busy
// machine does not spoil.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkExtract reads a flat file into batches that nobody keeps.
func BenchmarkExtract(b *testing.B) {
	const rows = 2_000_000
	f := &folder{t: b, dir: b.TempDir()}
	size := writeFlat(b, f.dir, rows)
	f.configure(flatConfig)
	b.SetBytes(size)
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		sink := &discard{}
		if _, err := f.source.Extract(context.Background(), f.request(), sink); err != nil {
			b.Fatal(err)
		}
		if sink.rows != rows {
			b.Fatalf("got %d rows", sink.rows)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(rows)/float64(b.N), "cpu-ns/row")
}

// BenchmarkExtractDocuments reads Online Retail, both years.
func BenchmarkExtractDocuments(b *testing.B) {
	s := online(b, "")
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		if _, err := s.Extract(context.Background(), connectors.Request{Dataset: "invoices"}, &discard{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1_067_370*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1_067_370/float64(b.N), "cpu-ns/row")
}
