package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A disk that fills up, at whatever moment, ends the run with one clear sentence;
// nothing of what was not finished is to be seen, and the next run on a disk with
// room goes on from there.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	c := aCompany(t)
	disk := mountSmallDisk(t)
	home, filler := filepath.Join(disk, "home"), filepath.Join(disk, "filler")
	for _, moment := range []struct {
		when, said string // what the run has said when the disk fills up
		leave      int    // bytes
	}{
		{"before the run", "", 1 << 20},
		{"during extraction", "extract crm", 0},
		{"during the load", "load ", 2 << 20},
		{"during the models", "model int_shop_sales", 0},
		{"late in the models", "model int_shop_buyers", 0},
	} {
		t.Run(moment.when, func(t *testing.T) {
			p, code := fullAt(t, c, home, moment.said, filler, func() { fill(t, disk, filler, moment.leave) })
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			want := "Error: the disk that holds " + home + " is full: free some space, or choose another place with --home, and run again"
			if code != exitFailed || p.lastLine() != want || strings.Count(p.stderr(), "Error: ") != 1 {
				t.Errorf("exit code %d, and it says\n%s\nnot\n%s", code, p.stderr(), want)
			}
			checkNothingHalfBuilt(t, c, home)
		})
	}
	winback(t, exitDone, "run", "-q", "-c", c.config, "--home", home)
	sameContents(t, c.config, home, c.home, c.tables)
	checkLandingZone(t, home)
}

// fullAt starts a run, has the disk filled when it says something, and returns the run
// and its exit code. Of models all are built, whatever the run before has built, and
// again if the run was done before the disk was full.
func fullAt(t *testing.T, c *company, home, said, filler string, fill func()) (*process, int) {
	t.Helper()
	args := []string{"run", "-c", c.config, "--home", home}
	if strings.HasPrefix(said, "model ") {
		args = append(args, "--full", "--only", "*")
	}
	for again := 0; ; again++ {
		if said == "" {
			fill()
		}
		p := start(t, args...)
		if said != "" {
			p.await(said)
			fill()
		}
		if code := p.code(); code != exitDone || again == 5 {
			return p, code
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
}

// A definition that the engine has lost, as it does when it makes a table on a
// full disk, does not keep the warehouse from being opened: the next run makes
// the table again and fills it from the landing zone.
func TestLostDefinitionsAreMadeAgain(t *testing.T) {
	t.Parallel()
	c := aCompany(t)
	home := filepath.Join(t.TempDir(), "home")
	if err := os.CopyFS(home, os.DirFS(c.home)); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"shop_orders", "stg_shop__orders", "shop_buyers", "runs"} {
		files, err := filepath.Glob(filepath.Join(home, "warehouse", "store", "*", "*", table+".sql"))
		if err != nil || len(files) != 1 {
			t.Fatal(table, files, err)
		}
		if err := os.Truncate(files[0], 0); err != nil {
			t.Fatal(err)
		}
	}
	p := winback(t, exitDone, "run", "-c", c.config, "--home", home)
	if said := "the warehouse had lost 4 definitions"; !strings.Contains(p.stderr(), said) {
		t.Errorf("it does not say %q:\n%s", said, p.stderr())
	}
	sameContents(t, c.config, home, c.home, c.tables)
}

// checkNothingHalfBuilt says whether the tables that are there are those of the
// undisturbed run: a model is built from all of its rows or not at all.
func checkNothingHalfBuilt(t *testing.T, c *company, home string) {
	t.Helper()
	for name, got := range contentsOf(t, c.config, home) {
		if want := c.tables[name]; got != want && (strings.HasPrefix(name, "mart.") || strings.HasPrefix(name, "staging.int_")) && !strings.Contains(name, "__") {
			t.Errorf("%s shows %s rows, not %s", name, got.Rows, want.Rows)
		}
	}
}

// A deletion that the engine could not write down, or not to its end, as on a full disk, does not keep the
// warehouse from being opened: the statement has failed.
func TestLostDeletionsAreForgotten(t *testing.T) {
	t.Parallel()
	c := aCompany(t)
	home := filepath.Join(t.TempDir(), "home")
	if err := os.CopyFS(home, os.DirFS(c.home)); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"ops.changes", "mart.shop_months"} {
		path := ask(t, c.config, home, "select data_paths[1] from system.tables where concat(database, '.', name) = '"+table+"'")
		if len(path) != 1 {
			t.Fatal(table, path)
		}
		for name, text := range map[string]string{"mutation_998.txt": "", "mutation_999.txt": "format version: 1\ncreate time: 2026-11-23 11:00:34\ncommands: (UPDATE _row_exists = 0 WH"} {
			if err := os.WriteFile(filepath.Join(path[0], name), []byte(text), 0o640); err != nil {
				t.Fatal(err)
			}
		}
	}
	if said := winback(t, exitDone, "run", "-c", c.config, "--home", home).stdout.String(); !strings.Contains(said, "Nothing new") {
		t.Errorf("the next run says\n%s", said)
	}
	sameContents(t, c.config, home, c.home, c.tables)
}

// mountSmallDisk gives the test a disk of its own in memory.
func mountSmallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("winback-test", dir, "tmpfs", 0, "size=96m"); err != nil {
		t.Skipf("SKIPPED, NOTHING WAS TESTED: a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves so many bytes of a disk free.
func fill(t *testing.T, disk, filler string, leave int) {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(disk, &fs); err != nil {
		t.Fatal(err)
	}
	err := os.WriteFile(filler, make([]byte, int(fs.Bavail)*int(fs.Bsize)-leave), 0o644)
	if err != nil && !errors.Is(err, syscall.ENOSPC) { // the run writes as well
		t.Fatal(err)
	}
}
