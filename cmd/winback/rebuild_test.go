package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A rebuild that is killed leaves a warehouse that works, with the tables and
// books of the old one or of the new one; one that ends gives the tables that the
// run gave, also when there was no warehouse any more. Whoever looks meanwhile
// finds the old tables or the new ones.
func TestRebuildGivesTheSameWarehouse(t *testing.T) {
	t.Parallel()
	c := aCompany(t)
	home := filepath.Join(t.TempDir(), "home")
	if err := os.CopyFS(home, os.DirFS(c.home)); err != nil {
		t.Fatal(err)
	}
	runs := ask(t, c.config, home, "select run_id, state, command from ops.runs final")

	for _, said := range []string{"model int_shop_sales", "the new warehouse is whole"} {
		p := start(t, "rebuild", "-c", c.config, "--home", home)
		p.await(said)
		if len(ask(t, c.config, home, "select 1 from mart.shop_buyers limit 1")) == 0 {
			t.Error("the old warehouse cannot be read while the new one is made")
		}
		p.signal(syscall.SIGKILL)
		p.code()
		if got := ask(t, c.config, home, "select run_id, state, command from ops.runs final where command = 'run'"); strings.Join(got, "\n") != strings.Join(runs, "\n") {
			t.Errorf("killed at %q: the books say %q, not %q", said, got, runs)
		}
	}
	sameContents(t, c.config, home, c.home, c.tables)

	if err := os.RemoveAll(filepath.Join(home, "warehouse")); err != nil {
		t.Fatal(err)
	}
	winback(t, exitDone, "rebuild", "-q", "-c", c.config, "--home", home)
	sameContents(t, c.config, home, c.home, c.tables)
	if _, err := os.Lstat(filepath.Join(home, "rebuild")); err == nil {
		t.Error("the folder in which the warehouse was made is left")
	}
}
