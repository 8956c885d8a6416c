package bench

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The whole road as a user goes it: the program on the two years of Online
// Retail, a second run with nothing new, and ten times the data.
func BenchmarkOnlineRetail(b *testing.B) {
	once := wholeRoad(b, testData(b))
	b.ReportMetric(once.first.took.Seconds(), "s")
	b.ReportMetric(once.second.took.Seconds(), "second-run-s")
	b.ReportMetric(float64(once.first.peak)/(1<<20), "peak-MiB")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkTenfold reports what ten times the data cost as multiples of once:
// 11 and 1.3 are the limits.
func BenchmarkTenfold(b *testing.B) {
	data := testData(b)
	once, ten := wholeRoad(b, data), wholeRoad(b, tenfold(b, data))
	b.ReportMetric(once.first.took.Seconds(), "once-s")
	b.ReportMetric(ten.first.took.Seconds(), "tenfold-s")
	b.ReportMetric(ten.first.took.Seconds()/once.first.took.Seconds(), "time-ratio")
	b.ReportMetric(float64(once.first.peak)/(1<<20), "once-peak-MiB")
	b.ReportMetric(float64(ten.first.peak)/(1<<20), "tenfold-peak-MiB")
	b.ReportMetric(float64(ten.first.peak)/float64(once.first.peak), "peak-ratio")
	b.ReportMetric(ten.second.took.Seconds(), "tenfold-second-run-s")
	b.ReportMetric(0, "ns/op")
}

// passes are a first run and one with nothing new.
type passes struct{ first, second measurement }

// wholeRoad runs the program over a folder of test data, each time in a fresh
// home, and returns the medians.
func wholeRoad(b *testing.B, data string) passes {
	b.Helper()
	var first, second []measurement
	for range rounds {
		home := b.TempDir()
		first = append(first, runProgram(b, data, home))
		second = append(second, runProgram(b, data, home))
		must(b, os.RemoveAll(home))
	}
	return passes{median(first), median(second)}
}

// runProgram runs bin/winback as a process of its own, whose peak memory the
// system tells.
func runProgram(b *testing.B, data, home string) measurement {
	b.Helper()
	root := repository(b)
	cmd := exec.Command(filepath.Join(root, "bin", "winback"), "run", "-q",
		"-c", filepath.Join(root, "deploy", "examples", "online-retail", "winback.yaml"), "--home", home)
	cmd.Env = append(os.Environ(), "WINBACK_TESTDATA="+data)
	started := time.Now()
	output, err := cmd.CombinedOutput()
	took := time.Since(started)
	if err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return measurement{took, usage.Maxrss << 10}
}

// repository returns the folder of go.mod.
func repository(b *testing.B) string {
	b.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	must(b, err)
	if _, err := os.Stat(filepath.Join(dir, "bin", "winback")); err != nil {
		b.Fatal("bin/winback is missing; make bench builds it first")
	}
	return dir
}

// testData returns the folder with the real data sets.
func testData(b *testing.B) string {
	b.Helper()
	dir := os.Getenv("WINBACK_TESTDATA")
	if dir == "" {
		dir = filepath.Join(repository(b), "..", "shared", "data")
	}
	if _, err := os.Stat(filepath.Join(dir, "online_retail")); err != nil {
		b.Skipf("SKIPPED, NOTHING WAS MEASURED: %v; set WINBACK_TESTDATA", err)
	}
	return dir
}

// tenfold writes ten copies of the data, each with invoices and customers of its
// own: the number of the copy is appended to both.
func tenfold(b *testing.B, data string) string {
	b.Helper()
	dir := b.TempDir()
	must(b, os.Mkdir(filepath.Join(dir, "online_retail"), 0o755))
	for _, name := range []string{"online_retail_2009_2010", "online_retail_2010_2011"} {
		for copyNo := range 10 {
			writeCopy(b, filepath.Join(data, "online_retail", name+".csv.gz"),
				filepath.Join(dir, "online_retail", fmt.Sprintf("%s_%d.csv.gz", name, copyNo)), copyNo)
		}
	}
	return dir
}

func writeCopy(b *testing.B, from, to string, copyNo int) {
	b.Helper()
	in, err := os.Open(from)
	must(b, err)
	defer in.Close()
	unzipped, err := gzip.NewReader(bufio.NewReaderSize(in, 1<<20))
	must(b, err)
	out, err := os.Create(to)
	must(b, err)
	zipped, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	must(b, err)
	records, lines := csv.NewReader(unzipped), csv.NewWriter(zipped)
	records.ReuseRecord = true
	for header := true; ; header = false {
		record, err := records.Read()
		if err == io.EOF {
			break
		}
		must(b, err)
		if !header {
			record[0] += fmt.Sprint(copyNo)
			record[6] = appendToID(record[6], copyNo)
		}
		must(b, lines.Write(record))
	}
	lines.Flush()
	must(b, lines.Error())
	must(b, zipped.Close())
	must(b, out.Close())
}

// appendToID makes 17850.0 into 178503.0.
func appendToID(id string, copyNo int) string {
	if id == "" {
		return ""
	}
	whole, fraction, found := strings.Cut(id, ".")
	if found {
		fraction = "." + fraction
	}
	return fmt.Sprintf("%s%d%s", whole, copyNo, fraction)
}
