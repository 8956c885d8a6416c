package demo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var lastDay = time.Date(2026, 3, 17, 0, 0, 0, 0, time.UTC)

// small are the options of a company that takes no time to make.
func small(dir string) Options {
	o := DefaultOptions(dir, lastDay)
	o.Customers, o.Months = 300, 14
	return o
}

func generate(t *testing.T, o Options) Truth {
	t.Helper()
	truth, err := Generate(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return truth
}

// contents returns the visible files under dir by their names.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == ".demo" {
				return filepath.SkipDir
			}
			return nil
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// changed names the files that differ between two folders.
func changed(a, b map[string]string) []string {
	var names []string
	for name := range a {
		if a[name] != b[name] {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// unexported leaves out what only the making of a company needs.
var unexported = cmpopts.IgnoreUnexported(PlantedEvent{}, PaymentsTruth{}, PlansTruth{})

func TestGenerate_SameSeedSameBytes(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	truth := generate(t, small(first))
	again := generate(t, small(second))
	if diff := changed(contents(t, first), contents(t, second)); diff != nil {
		t.Errorf("files differ: %v", diff)
	}
	if diff := cmp.Diff(truth, again, unexported); diff != "" {
		t.Error(diff)
	}
}

func TestGenerate_OtherSeedOtherCompany(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	generate(t, small(first))
	o := small(second)
	o.Seed = 2
	generate(t, o)
	// The same people, story and funnels.
	want := []string{"business_events.csv", "managers.csv", "service_agents.csv", "campaigns.csv", "crm.category.list.json", "crm.status.list.json"}
	for name, content := range contents(t, first) {
		other := contents(t, second)[name]
		if same := content == other; same != slices.Contains(want, filepath.Base(name)) {
			t.Errorf("%s: same content is %v", name, same)
		}
	}
}

// The caller's time of day and zone do not matter, only the date.
func TestGenerate_EndIsADate(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	generate(t, small(first))
	o := small(second)
	o.End = time.Date(2026, 3, 17, 23, 30, 0, 0, time.FixedZone("", 5*3600))
	generate(t, o)
	if diff := changed(contents(t, first), contents(t, second)); diff != nil {
		t.Errorf("files differ: %v", diff)
	}
}

func TestGenerate_TruthIsReadBack(t *testing.T) {
	o := small(t.TempDir())
	truth := generate(t, o)
	read, err := ReadTruth(o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(truth, read, unexported); diff != "" {
		t.Error(diff)
	}
	if _, err := ReadTruth(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no truth: got %v", err)
	}
}

// A day later the same history goes on: what was written stays, at the ends of
// the files something is added.
func TestGenerate_LaterEndContinues(t *testing.T) {
	o := small(t.TempDir())
	o.Customers = 1_000
	generate(t, o)
	before := contents(t, o.Dir)
	o.End = lastDay.AddDate(0, 0, 3)
	generate(t, o)
	after := contents(t, o.Dir)
	for _, name := range changed(before, after) {
		if strings.Contains(name, "_2025-") || strings.Contains(name, "_2026-01") {
			t.Errorf("%s changed, though it is long past", name)
		}
	}
	march := Truth{Files: []File{{Name: "data/orders_2026-03.json.gz"}}}
	was, _ := readOrders(t, before, march)
	is, _ := readOrders(t, after, march)
	if len(is) <= len(was) {
		t.Errorf("orders of the month: %d before, %d three days later", len(was), len(is))
	}
	byID := map[string]map[string]string{}
	for _, row := range is {
		byID[row["order_id"]] = row
	}
	for _, row := range was {
		now := byID[row["order_id"]]
		for _, column := range []string{"customer_id", "email", "phone", "created", "items_total", "discount", "cart"} {
			if row[column] != now[column] {
				t.Fatalf("order %s: %s was %q and is %q", row["order_id"], column, row[column], now[column])
			}
		}
	}
	refundsBefore, _, _ := strings.Cut(before["data/refunds.csv"], "Итого")
	if !strings.HasPrefix(after["data/refunds.csv"], refundsBefore) {
		t.Error("refunds were not continued but rewritten")
	}
	for _, name := range []string{"data/pbx/Master.csv", "data/pbx/queue_log", "data/service_calls.csv"} {
		if !strings.HasPrefix(after[name], before[name]) || len(after[name]) == len(before[name]) {
			t.Errorf("%s was not continued", name)
		}
	}
}

func TestGenerate_CancelledLeavesNothing(t *testing.T) {
	for _, stage := range []string{"customers", "orders"} {
		t.Run(stage, func(t *testing.T) {
			o := small(t.TempDir())
			ctx, cancel := context.WithCancel(context.Background())
			o.Progress = func(p Progress) {
				if p.Stage == stage && p.Done >= p.Total/2 {
					cancel()
				}
			}
			o.Customers = 2_000
			if _, err := Generate(ctx, o); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			if got := contents(t, o.Dir); len(got) > 0 {
				t.Errorf("left behind: %d files", len(got))
			}
			hidden, err := os.ReadDir(filepath.Join(o.Dir, ".demo"))
			if err != nil || len(hidden) != 1 || hidden[0].Name() != "lock" {
				t.Errorf("hidden folder holds %v, %v", hidden, err)
			}
		})
	}
}

func TestGenerate_CancelledKeepsTheEarlierDemo(t *testing.T) {
	o := small(t.TempDir())
	generate(t, o)
	before := contents(t, o.Dir)
	ctx, cancel := context.WithCancel(context.Background())
	o.Seed, o.Progress = 7, func(p Progress) {
		if p.Stage == "orders" {
			cancel()
		}
	}
	if _, err := Generate(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if diff := changed(before, contents(t, o.Dir)); diff != nil {
		t.Errorf("changed: %v", diff)
	}
}

// What a killed process left is cleared; what is right already stays untouched.
func TestGenerate_AgainAfterAKill(t *testing.T) {
	o := small(t.TempDir())
	generate(t, o)
	before := contents(t, o.Dir)
	leftover := filepath.Join(o.Dir, ".demo", "build", "data")
	mustWrite(t, filepath.Join(leftover, "customers.csv"), "half")
	if err := os.Remove(filepath.Join(o.Dir, "data", "refunds.csv")); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(o.Dir, "data", "products.csv"), "cut off")
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	untouched := filepath.Join(o.Dir, "data", "customers.csv")
	if err := os.Chtimes(untouched, long, long); err != nil {
		t.Fatal(err)
	}
	generate(t, o)
	if diff := changed(before, contents(t, o.Dir)); diff != nil {
		t.Errorf("not mended: %v", diff)
	}
	if info, err := os.Stat(untouched); err != nil || !info.ModTime().Equal(long) {
		t.Errorf("a file that was right has been written again: %v, %v", info.ModTime(), err)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, ".demo", "build")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half-built files stayed: %v", err)
	}
}

func TestGenerate_TakesAwayOnlyItsOwn(t *testing.T) {
	o := small(t.TempDir())
	generate(t, o)
	mustWrite(t, filepath.Join(o.Dir, "data", "my_notes.csv"), "mine")
	mustWrite(t, filepath.Join(o.Dir, "data", "orders_2025-02.csv.gz"), "mended by hand")
	o.Months = 3
	truth := generate(t, o)
	var want []string
	for _, f := range truth.Files {
		want = append(want, f.Name)
	}
	want = append(want, TruthFile, "data/my_notes.csv", "data/orders_2025-02.csv.gz")
	slices.Sort(want)
	var got []string
	for name := range contents(t, o.Dir) {
		got = append(got, name)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGenerate_OneAtATime(t *testing.T) {
	o := small(t.TempDir())
	if err := os.MkdirAll(filepath.Join(o.Dir, ".demo"), 0o755); err != nil {
		t.Fatal(err)
	}
	lock := flock.New(filepath.Join(o.Dir, ".demo", "lock"))
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	if _, err := Generate(context.Background(), o); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
}

func TestResume(t *testing.T) {
	o := small(t.TempDir())
	fresh, err := Resume(o)
	if diff := cmp.Diff(o, fresh); diff != "" || err != nil {
		t.Errorf("empty folder: %v %s", err, diff)
	}
	generate(t, o)
	later := o
	later.End = lastDay.AddDate(0, 0, 9)
	same, err := Resume(later)
	if diff := cmp.Diff(o, same); diff != "" || err != nil {
		t.Errorf("same company on another day: %v %s", err, diff)
	}
	for _, change := range []func(*Options){func(o *Options) { o.Seed++ }, func(o *Options) { o.Customers++ }, func(o *Options) { o.Months++ }} {
		other := o
		change(&other)
		var err *OtherCompanyError
		if _, got := Resume(other); !errors.As(got, &err) || err.There.Customers != o.Customers {
			t.Errorf("another company: got %v", got)
		}
	}
	mustWrite(t, filepath.Join(o.Dir, TruthFile), "{")
	if _, err := Resume(o); err == nil {
		t.Error("a damaged truth passes for none")
	}
}

func TestOptions_Validate(t *testing.T) {
	good := DefaultOptions("somewhere", lastDay)
	tests := []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"default", func(*Options) {}, ""},
		{"no customers", func(o *Options) { o.Customers = 0 }, "customers: 0 is not between 1 and 5000000"},
		{"too many", func(o *Options) { o.Customers = MaxCustomers + 1 }, "customers: 5000001 is not between 1 and 5000000"},
		{"no months", func(o *Options) { o.Months = 0 }, "months: 0 is not between 1 and 240"},
		{"no end", func(o *Options) { o.End = time.Time{} }, "end: the last day with data is missing"},
		{"all wrong", func(o *Options) { *o = Options{} }, "customers: 0 is not between 1 and 5000000\nmonths: 0 is not between 1 and 240\n" +
			"end: the last day with data is missing\ndir: the folder to write to is missing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, got := good, ""
			test.change(&o)
			if err := o.Validate(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOptions_Start(t *testing.T) {
	tests := []struct {
		end    string
		months int
		want   string
	}{
		{"2026-03-17", 24, "2024-03-01"},
		{"2026-03-31", 24, "2024-04-01"}, // a whole month counts
		{"2026-02-28", 1, "2026-02-01"},
		{"2024-02-28", 1, "2024-01-01"}, // a leap year: the 29th is missing
		{"2026-01-01", 12, "2025-01-01"},
	}
	for _, test := range tests {
		end, _ := time.Parse(time.DateOnly, test.end)
		if got := (Options{End: end, Months: test.months}).Start().Format(time.DateOnly); got != test.want {
			t.Errorf("%d months until %s: from %s, want %s", test.months, test.end, got, test.want)
		}
	}
}

// Any size works, down to one customer and one month.
func TestGenerate_AnySize(t *testing.T) {
	for _, size := range []struct {
		customers, months int
		end               string
	}{{1, 1, "2026-03-31"}, {1, 1, "2026-03-30"}, {1, 240, "2026-03-17"}, {3, 2, "2024-02-29"}, {50, 60, "2026-01-01"}, {2_000, 1, "2026-02-28"}} {
		o := DefaultOptions(t.TempDir(), lastDay)
		o.Customers, o.Months = size.customers, size.months
		o.End, _ = time.Parse(time.DateOnly, size.end)
		truth := generate(t, o)
		if truth.Totals.Customers < size.customers*9/10 || truth.Totals.Customers > 2*size.customers+1 {
			t.Errorf("%+v: %d customers", size, truth.Totals.Customers)
		}
	}
}

func TestGenerate_Progress(t *testing.T) {
	o := small(t.TempDir())
	last := map[string]Progress{}
	o.Progress = func(p Progress) {
		if p.Done < last[p.Stage].Done || p.Done > p.Total {
			t.Errorf("from %+v to %+v", last[p.Stage], p)
		}
		last[p.Stage] = p
	}
	truth := generate(t, o)
	if got := last["orders"]; got.Done != int64(truth.Totals.Orders) || got.Total != got.Done {
		t.Errorf("%+v of %d orders", got, truth.Totals.Orders)
	}
	if got := last["customers"]; got.Done < int64(truth.Totals.Customers) || got.Total != got.Done {
		t.Errorf("%+v of %d customers", got, truth.Totals.Customers)
	}
}

func mustWrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
