package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"winback/pipelines/engine/enginetest"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(50) // as the program does
	enginetest.Main(m)
}

// rowsToMake is the size of the made file; WINBACK_BENCH_ROWS changes it.
func rowsToMake(b *testing.B) int { return number(b, "WINBACK_BENCH_ROWS", 10_000_000) }

func number(b *testing.B, variable string, usual int) int {
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("%s: %v", variable, err)
	}
	return n
}

// rounds is how often each side runs.
const rounds = 3

// roundsToRun is rounds where a round takes minutes; WINBACK_BENCH_ROUNDS changes it.
func roundsToRun(b *testing.B) int { return number(b, "WINBACK_BENCH_ROUNDS", rounds) }

// measurement is what one run of one side took.
type measurement struct {
	took time.Duration
	peak int64 // bytes of resident memory at most
}

// measure runs do with a fresh peak of resident memory.
func measure(b *testing.B, do func()) measurement {
	b.Helper()
	resetPeak(b)
	started := time.Now()
	do()
	return measurement{time.Since(started), peakMemory(b)}
}

// resetPeak starts the count of the process's peak memory anew.
func resetPeak(b *testing.B) {
	b.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o600); err != nil {
		b.Logf("peak memory is that of the whole benchmark: %v", err)
	}
}

func peakMemory(b *testing.B) int64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}

// sides compares ours with the engine's, run in turn.
type sides struct{ ours, engines []measurement }

func median(m []measurement) measurement {
	m = slices.Clone(m)
	slices.SortFunc(m, func(a, b measurement) int { return int(a.took - b.took) })
	return m[len(m)/2]
}

// report prints throughput, memory and the ratio of the medians: 1 is as fast
// as the engine, more is faster.
func (s sides) report(b *testing.B, rows int, bytes int64) {
	ours, engines := median(s.ours), median(s.engines)
	rate := func(m measurement) float64 { return float64(rows) / m.took.Seconds() }
	b.ReportMetric(rate(ours), "rows/s")
	b.ReportMetric(float64(bytes)/1e6/ours.took.Seconds(), "MB/s")
	b.ReportMetric(float64(ours.peak)/(1<<20), "peak-MiB")
	b.ReportMetric(rate(engines), "engine-rows/s")
	b.ReportMetric(float64(bytes)/1e6/engines.took.Seconds(), "engine-MB/s")
	b.ReportMetric(float64(engines.peak)/(1<<20), "engine-peak-MiB")
	b.ReportMetric(rate(ours)/rate(engines), "ratio")
	b.ReportMetric(0, "ns/op")
}

// madeFile returns a CSV of so many orders: id, time, customer, amount, channel.
// It is kept in the temporary folder, as making it takes longer than reading it.
func madeFile(b *testing.B, rows int) (path string, size int64) {
	b.Helper()
	path = filepath.Join(os.TempDir(), fmt.Sprintf("winback-bench-%d.csv", rows))
	if info, err := os.Stat(path); err == nil {
		return path, info.Size()
	}
	file, err := os.CreateTemp(filepath.Dir(path), "winback-bench-*.tmp")
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(file.Name())
	w := bufio.NewWriterSize(file, 1<<20)
	fmt.Fprintln(w, "id,at,customer,amount,channel")
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	channels := []string{"web", "phone", "shop in the centre", "partner"}
	var line []byte
	for i := range rows {
		line = fmt.Appendf(line[:0], "order-%010d,", i)
		line = start.Add(time.Duration(i)*3*time.Second).AppendFormat(line, time.DateTime)
		line = fmt.Appendf(line, ",customer-%06d,%d.%02d,%s\n", (i*7919)%400_000, i%900, i%100, channels[i%len(channels)])
		if _, err := w.Write(line); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return path, info.Size()
}
