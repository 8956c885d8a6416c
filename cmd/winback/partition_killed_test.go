package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"winback/pipelines/config"
	"winback/pipelines/engine"
)

// mortalName is the program that kills itself. Its first argument is what it logs
// right before the second time that it would go on.
const mortalName = "winback-mortal"

// mortal is winback, but for what it dies of.
func mortal() {
	os.Exit(execute(context.Background(), os.Args[2:], os.Stdout, &lastWords{Writer: os.Stderr, words: os.Args[1], left: 2}))
}

// lastWords ends the process, as a power cut would, in the midst of the write that
// has the words for the last time.
type lastWords struct {
	io.Writer
	words string
	left  int
}

func (w *lastWords) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if bytes.Contains(p, []byte(w.words)) {
		if w.left--; w.left == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // nothing comes after it
			select {}
		}
	}
	return n, err
}

const partitionsConfig = `project: acme
timezone: UTC
currency: EUR
as_of: 2024-04-30
sources:
  shop:
    connector: files
    datasets:
      shop.orders:
        files: data/*.csv
        fields: {id: id, ordered_at: at, customer_id: customer, items_total: total}
`

// partitionsCompany is a company of three months with ten orders each, and the next
// day's file, which changes one of each month.
func partitionsCompany(t *testing.T) (configFile string, nextDay func()) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const header = "id,at,customer,total\n"
	text := header
	for month := 1; month <= 3; month++ {
		for n := range 10 {
			text += fmt.Sprintf("%d-%d,2024-%02d-%02d,c%d,%d\n", month, n, month, n+1, n, 10+n)
		}
	}
	write(config.FileName, partitionsConfig)
	fewModels(t, filepath.Join(dir, config.FileName))
	write("data/first.csv", text)
	return filepath.Join(dir, config.FileName), func() {
		write("data/second.csv", header+"1-0,2024-01-01,c0,99\n2-0,2024-02-01,c0,99\n3-0,2024-03-01,c0,99\n")
	}
}

// The process is killed when one partition of an incremental model is new and the
// next is not. The next run finishes: every table is that of a warehouse built at
// once from the same landing zone.
func TestKilledBetweenPartitions(t *testing.T) {
	t.Parallel()
	library := requireEngine(t)
	configFile, nextDay := partitionsCompany(t)
	home, whole := filepath.Join(t.TempDir(), "home"), filepath.Join(t.TempDir(), "whole")
	run := func(home string) []string {
		return []string{"run", "-c", configFile, "--home", home, "--only", "source:shop,+int_shop_sales"}
	}
	winback(t, exitDone, run(home)...)
	nextDay()
	planned := func(want string) {
		t.Helper()
		if got := winback(t, exitDone, append([]string{"plan"}, run(home)[1:]...)...).stdout.String(); !strings.Contains(got, want) {
			t.Errorf("the plan does not say %q:\n%s", want, got)
		}
	}
	planned(" shop.orders gets new rows; in part, of 3 partitions, for the rows to be read")

	const replaces = `msg="replace a partition" model=int_shop_sales`
	killed := exec.Command(mortalName, append([]string{replaces + " "}, append(run(home), "-v")...)...)
	killed.Env = append(os.Environ(), engine.LibraryVariable+"="+library)
	said, err := killed.CombinedOutput()
	if status, ok := killed.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("it was not killed: %v\n%s", err, said)
	}
	var partitions []string
	for line := range strings.Lines(string(said)) {
		if _, of, found := strings.Cut(line, replaces+" partition="); found {
			partitions = append(partitions, strings.Fields(of)[0])
		}
	}
	if want := []string{"202401", "202402"}; !slices.Equal(partitions, want) {
		t.Fatalf("it was killed at %q, not %q", partitions, want)
	}
	got := ask(t, configFile, home, "select toYYYYMM(sold_on), toInt64(sum(amount)) from staging.int_shop_sales group by 1 order by 1")
	if want := []string{"202401\t234", "202402\t145", "202403\t145"}; !slices.Equal(got, want) {
		t.Errorf("after the kill the months have %q, want %q", got, want)
	}

	planned("; in part: 3 keys in 3 of 3 partitions, for 3 new rows")
	winback(t, exitDone, run(home)...)
	if err := os.CopyFS(filepath.Join(whole, "landing"), os.DirFS(filepath.Join(home, "landing"))); err != nil {
		t.Fatal(err)
	}
	winback(t, exitDone, run(whole)...)
	sameContents(t, configFile, home, whole, contentsOf(t, configFile, whole))
}
