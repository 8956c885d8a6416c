package warehouse

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPutToSleep leaves definitions alone that are none of its own.
func TestPutToSleep(t *testing.T) {
	const atomic = "ATTACH DATABASE _ UUID '1'\nENGINE = Atomic"
	for _, c := range []struct {
		file          string
		purpose       Purpose
		before, after string
	}{
		{"mart.sql", ForGlance, atomic + "\n", atomic + "\nSETTINGS lazy_load_tables = 1\n"},
		{"staging.sql", ForGlance, atomic, atomic + "\nSETTINGS lazy_load_tables = 1\n"},
		{"raw.sql", ForGlance, atomic, atomic},
		{"mart.sql", ForQuery, atomic + "\nSETTINGS lazy_load_tables = 1\n", atomic + "\n"},
		{"mart.sql", ForRun, atomic + "\nSETTINGS lazy_load_tables = 1\n", atomic + "\n"},
		{"mart.sql", ForServe, atomic + "\n", atomic + "\n"},
		{"mart.sql", ForGlance, atomic + "\nCOMMENT 'ours'\n", atomic + "\nCOMMENT 'ours'\n"},
		{"mart.sql", ForGlance, "", ""},
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, "metadata", c.file)
		if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(c.before), 0o644); err != nil {
			t.Fatal(err)
		}
		for range 2 { // again changes nothing
			if err := putToSleep(folder, c.purpose); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); string(got) != c.after || err != nil {
				t.Errorf("%s for a %s: %q became %q, want %q (%v)", c.file, c.purpose, c.before, got, c.after, err)
			}
		}
	}
}
