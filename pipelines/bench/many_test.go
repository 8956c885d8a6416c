package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"

	"winback/pipelines/config"
	"winback/pipelines/landing"
	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

// BenchmarkManyFiles has the program work on a landing zone of so many runs, each
// with a file of its own: a run with nothing new, a plan, and a compaction. Without
// compaction a dataset gets there in eleven years of hourly runs.
func BenchmarkManyFiles(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			manyFiles(b, dir, n)
			program(b, dir, "run", "-q") // writes the index
			var run, plan []measurement
			for range rounds {
				run = append(run, program(b, dir, "run", "-q"))
				plan = append(plan, program(b, dir, "plan", "-q"))
			}
			b.ReportMetric(median(run).took.Seconds(), "run-s")
			b.ReportMetric(float64(median(run).peak)/(1<<20), "run-peak-MiB")
			b.ReportMetric(median(plan).took.Seconds(), "plan-s")
			b.ReportMetric(float64(median(plan).peak)/(1<<20), "plan-peak-MiB")
			compacted := program(b, dir, "compact")
			b.ReportMetric(compacted.took.Seconds(), "compact-s")
			b.ReportMetric(float64(n)/compacted.took.Seconds(), "compact-files/s")
			b.ReportMetric(float64(compacted.peak)/(1<<20), "compact-peak-MiB")
			b.ReportMetric(program(b, dir, "run", "-q").took.Seconds(), "run-after-s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// program runs bin/winback on a project as a process of its own.
func program(b *testing.B, dir string, args ...string) measurement {
	b.Helper()
	cmd := exec.Command(filepath.Join(repository(b), "bin", "winback"), append(args, "-c", filepath.Join(dir, config.FileName))...)
	started := time.Now()
	output, err := cmd.CombinedOutput()
	took := time.Since(started)
	if err != nil {
		b.Fatalf("winback %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return measurement{took, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10}
}

// manyFiles makes a project whose landing zone has so many runs, all loaded: one
// real run, and copies of what it left.
func manyFiles(b *testing.B, dir string, n int) {
	b.Helper()
	must(b, os.WriteFile(filepath.Join(dir, "orders.csv"), []byte("id,at,customer,amount,channel\n1,2024-01-01 10:00:00,anna,12,web\n2,2024-01-02 10:00:00,bert,13,web\n"), 0o644))
	must(b, os.WriteFile(filepath.Join(dir, config.FileName), []byte(fmt.Sprintf(madeConfig, "orders.csv")+"landing: {compact_after: 0}\n"), 0o644))
	program(b, dir, "run", "-q")

	zone := landing.Open(filepath.Join(dir, "landing"))
	manifests, err := zone.Manifests("shop")
	must(b, err)
	first := manifests[0]
	name := fmt.Sprintf("%s.%s.json", first.RunID, first.Dataset)
	text, err := os.ReadFile(filepath.Join(zone.Root(), "shop", "_manifests", name))
	must(b, err)
	part, err := os.ReadFile(zone.Path(first.Files[0].Path))
	must(b, err)
	version := first.ExtractedAt.Format(time.RFC3339Nano)
	for i := range n - 1 {
		run := fmt.Sprintf("20270101T000000Z-%06d", i)
		copied := bytes.ReplaceAll(text, []byte(first.RunID), []byte(run))
		copied = bytes.ReplaceAll(copied, []byte(version), []byte(first.ExtractedAt.Add(time.Duration(i+1)*time.Second).Format(time.RFC3339Nano)))
		copied = bytes.Replace(copied, []byte(first.Checksum), nil, 1)
		sum := fmt.Sprintf(`"checksum": "xxh64:%016x"`, xxhash.Sum64(copied))
		at := bytes.LastIndex(copied, []byte(`"checksum": ""`))
		copied = append(append(copied[:at:at], sum...), copied[at+len(`"checksum": ""`):]...)
		must(b, os.WriteFile(filepath.Join(zone.Root(), "shop", "_manifests", fmt.Sprintf("%s.%s.json", run, first.Dataset)), copied, 0o644))
		path := zone.Path(strings.Replace(first.Files[0].Path, first.RunID, run, 1))
		must(b, os.MkdirAll(filepath.Dir(path), 0o755))
		must(b, os.WriteFile(path, part, 0o644))
	}
	recordCopies(b, dir, first, n)
}

// recordCopies writes down that the copies are loaded.
func recordCopies(b *testing.B, dir string, first *landing.Manifest, n int) {
	b.Helper()
	ctx := context.Background()
	w, err := warehouse.Open(ctx, warehouse.Options{Home: dir, Purpose: warehouse.ForRun})
	must(b, err)
	f := first.Files[0]
	must(b, w.Exec(ctx, fmt.Sprintf(`INSERT INTO ops.loads (path, checksum, source, entity, run_id, rows, bytes, loaded_at)
		SELECT replaceAll(%s, %s, run), %s, 'shop', %s, run, %d, %d, now64(6) FROM (
			SELECT concat('20270101T000000Z-', leftPad(toString(number), 6, '0')) AS run FROM numbers(%d))`,
		quote.Literal(f.Path), quote.Literal(first.RunID), quote.Literal(f.Checksum), quote.Literal(f.Entity), f.Rows, f.Bytes, n-1)))
	must(b, w.Close())
}
