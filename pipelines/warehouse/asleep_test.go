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
		asleep        bool
		before, after string
	}{
		{"mart.sql", true, atomic + "\n", atomic + "\nSETTINGS lazy_load_tables = 1\n"},
		{"staging.sql", true, atomic, atomic + "\nSETTINGS lazy_load_tables = 1\n"},
		{"raw.sql", true, atomic, atomic},
		{"mart.sql", false, atomic + "\nSETTINGS lazy_load_tables = 1\n", atomic + "\n"},
		{"mart.sql", false, atomic + "\n", atomic + "\n"},
		{"mart.sql", true, atomic + "\nCOMMENT 'ours'\n", atomic + "\nCOMMENT 'ours'\n"},
		{"mart.sql", true, "", ""},
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
			if err := putToSleep(folder, c.asleep); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); string(got) != c.after || err != nil {
				t.Errorf("%s, asleep %v: %q became %q, want %q (%v)", c.file, c.asleep, c.before, got, c.after, err)
			}
		}
	}
}
