package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const replayConfig = `project: acme
timezone: UTC
currency: EUR
as_of: 2024-12-31
quarantine: {limit: 90%}
sources:
  shop:
    connector: files
    datasets:
      orders:
        files: data/*.csv
        entity: shop.orders
        fields: {id: id, ordered_at: at, items_total: total}
`

// A replay that is killed when its rows are landed and not yet in the warehouse is
// finished by the next run; its records are not replayed again.
func TestKilledReplayIsFinishedByTheNextRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "winback.yaml")
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(config, replayConfig)
	write(filepath.Join(dir, "data", "a.csv"), "id;at;total\n1;2024-02-01;10\n2;2024-02-02;20,5\n3;2024-02-03\n")
	write(filepath.Join(dir, "data", "b.csv"), "id;at;total\n")
	run := []string{"run", "-q", "-c", config, "--only", "source:shop,stg_shop__orders"}
	winback(t, exitDone, run...)
	write(config, strings.Replace(replayConfig, "items_total: total", "items_total: {column: total, decimal_comma: true}", 1))
	if err := os.Remove(filepath.Join(dir, "data", "a.csv")); err != nil {
		t.Fatal(err)
	}

	p := start(t, "quarantine", "replay", "-c", config, "--all")
	p.await("load 1 rows in 1 files")
	p.signal(syscall.SIGKILL)
	p.code()
	winback(t, exitDone, run...)
	look := func() {
		t.Helper()
		got := ask(t, config, dir, "select concat(id, ' ', toString(items_total)) from raw.shop_orders final order by id union all select concat(toString(line), ' ', state) from ops.quarantine order by line")
		slices.Sort(got)
		if want := []string{"1 10", "2 20.5", "3 replayed", "4 open"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	look()
	out := winback(t, exitDone, "quarantine", "replay", "-q", "-c", config, "--all").stdout.String()
	if !strings.HasPrefix(out, "Replayed  0 records: 0 rows landed\nStill not 1 record:\n") {
		t.Errorf("replayed again it says\n%s", out)
	}
	look()
	checkLandingZone(t, dir)
}
