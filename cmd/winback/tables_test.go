package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// content is that of a table of the warehouse as far as two warehouses made from the same
// files must agree on it.
type content struct {
	Rows string
	Hash string // of all rows in any order, without the columns that name a run
}

// contents are those of all tables of raw, staging and mart by name, the queries of views,
// and, as landing/<entity>, the rows of the landing zone. The logs of what changed are of the
// way there and not of the files, so they are not among them.
type contents map[string]content

// ofTheRun are the columns that tell runs apart, and nothing of the rows.
const ofTheRun = "run_id, extracted_at"

// contentsOf counts and hashes everything in a home.
func contentsOf(t *testing.T, config, home string) contents {
	t.Helper()
	var parts []string
	all := contents{}
	for _, line := range ask(t, config, home, "select database || '.' || name, engine, cityHash64(as_select) from system.tables where database in ('raw', 'staging', 'mart') and not endsWith(name, '__changes')") {
		cells := strings.Split(line, "\t")
		switch name, engine := cells[0], cells[1]; {
		case engine == "View":
			all[name] = content{Rows: "those of its query", Hash: cells[2]}
		case strings.Contains(engine, "Replacing"):
			parts = append(parts, countAndHash(name, name+" final"))
		default:
			parts = append(parts, countAndHash(name, name))
		}
	}
	files, err := filepath.Glob(filepath.Join(home, "landing", "*", "*.*", "run=*", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	entities := map[string]bool{}
	for _, file := range files {
		entities[filepath.Dir(filepath.Dir(file))] = true
	}
	for dir := range entities {
		name := "landing/" + filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
		parts = append(parts, countAndHash(name, fmt.Sprintf("file('%s/run=*/*.parquet', Parquet) settings use_hive_partitioning = 0", dir)))
	}
	if len(parts) == 0 {
		return all
	}
	views := len(all)
	for _, line := range ask(t, config, home, strings.Join(parts, " union all ")) {
		cells := strings.Split(line, "\t")
		all[cells[0]] = content{Rows: cells[1], Hash: cells[2]}
	}
	if len(all) != len(parts)+views {
		t.Fatalf("%d of %d tables answered", len(all)-views, len(parts))
	}
	return all
}

func countAndHash(name, from string) string {
	return fmt.Sprintf("select '%s', count(), sum(cityHash64(formatRow('JSONEachRow', columns.*))) from (select tuple(* except (%s)) as columns from %s)",
		name, ofTheRun, from)
}

// sameContents fails the test where two homes differ, and shows the rows.
func sameContents(t *testing.T, config, home, otherHome string, want contents) {
	t.Helper()
	got := contentsOf(t, config, home)
	diff := cmp.Diff(want, got)
	if diff == "" {
		return
	}
	t.Errorf("the tables of %s are not those of %s (-want +got):\n%s", home, otherHome, diff)
	shown := 0
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if there, ok := got[name]; ok && there != want[name] && !strings.Contains(name, "/") && shown < 3 {
			shown++
			t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(rowsOf(t, config, otherHome, name), rowsOf(t, config, home, name)))
		}
	}
}

func rowsOf(t *testing.T, config, home, name string) []string {
	t.Helper()
	final := ""
	if strings.HasPrefix(name, "raw.") {
		final = " final"
	}
	return ask(t, config, home, fmt.Sprintf("select * except (%s) from %s%s order by all limit 50000", ofTheRun, name, final))
}
