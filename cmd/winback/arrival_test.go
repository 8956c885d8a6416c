package main

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/connectors/demo"
)

// Files that come one after another, in any order, with a run after each, give
// the same tables as all of them at once.
func TestFilesArriveOneByOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := makeCompany(t, demo.Options{
		Customers: 120, Months: 3, Seed: 5, End: time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC), Dir: dir,
	})
	onlyModels(t, c.config, "churn_cohorts", "churn_monthly", "rfm_segments")
	appendTo(t, c.config, "quarantine: {limit: 50%}\n") // a sum below ten refunds is a tenth of them
	c.home = filepath.Join(dir, "at-once")
	winback(t, exitDone, "run", "-q", "-c", c.config, "--home", c.home)
	c.tables = contentsOf(t, c.config, c.home)

	late := filepath.Join(dir, "late")
	if err := os.Rename(filepath.Join(dir, "data"), late); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "one-by-one")
	for _, arrivals := range arrivalOrder(t, late) {
		for _, file := range arrivals {
			arrive(t, file, filepath.Join(dir, "data"))
		}
		if p := start(t, "run", "-c", c.config, "--home", home); p.code() != exitDone && p.code() != exitPartly {
			t.Fatalf("after %v: exit code %d\n%s", arrivals, p.code(), p.stderr())
		}
	}
	winback(t, exitDone, "run", "-q", "-c", c.config, "--home", home)
	want := maps.Clone(c.tables)
	delete(want, "landing/shop/shop.customers") // the log keeps both versions of the file
	got := contentsOf(t, c.config, home)
	delete(got, "landing/shop/shop.customers")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tables are not those of all files at once (-want +got):\n%s", diff)
	}
}

// arrivalOrder has the monthly files come in three lots of random order, orders
// and their lines apart, the small ones first or last.
func arrivalOrder(t *testing.T, dir string) [][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	chance := rand.New(rand.NewPCG(5, 5))
	chance.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	// The first version of the accounts has half of them; the whole file replaces it.
	lots := slices.Collect(slices.Chunk(files, (len(files)+2)/3))
	lots[0] = append(lots[0], filepath.Join(dir, "customers.csv")+half)
	if !slices.Contains(lots[len(lots)-1], filepath.Join(dir, "customers.csv")) {
		lots[len(lots)-1] = append(lots[len(lots)-1], filepath.Join(dir, "customers.csv"))
	}
	return lots
}

// half marks a file that comes with the first half of its lines only.
const half = "#half"

func arrive(t *testing.T, file, dir string) {
	t.Helper()
	file, cut := strings.CutSuffix(file, half)
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		if err := os.CopyFS(filepath.Join(dir, filepath.Base(file)), os.DirFS(file)); err != nil {
			t.Fatal(err)
		}
		return
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if cut {
		lines := bytes.SplitAfter(content, []byte("\n"))
		content = bytes.Join(lines[:len(lines)/2], nil)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), content, 0o644); err != nil {
		t.Fatal(err)
	}
}
