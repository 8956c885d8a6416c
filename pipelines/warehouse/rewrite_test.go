package warehouse_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"winback/pipelines/engine/enginetest"
	"winback/pipelines/warehouse"
)

// smallDisk names, for a process of its own, the disk that its engine writes to.
const smallDisk = "WINBACK_TEST_SMALL_DISK"

// A statement that rewrites rows would wait on a full disk until there is room. It ends
// with the sentence that says so, and is done when there is room again.
func TestExec_RewritingOnAFullDisk(t *testing.T) {
	if disk := os.Getenv(smallDisk); disk != "" {
		rewriteWithoutRoom(t, disk)
		return
	}
	enginetest.Library(t)
	disk := t.TempDir()
	if err := syscall.Mount("winback-test", disk, "tmpfs", 0, "size=96m"); err != nil {
		t.Skipf("SKIPPED, NOTHING WAS TESTED: a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), smallDisk+"="+disk, "TMPDIR="+disk)
	if text, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, text)
	}
}

func rewriteWithoutRoom(t *testing.T, disk string) {
	right := server(t)
	w, err := warehouse.Open(t.Context(), warehouse.Options{Server: &right})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	run := func(statement string) {
		t.Helper()
		if err := w.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	run("create table default.kept (n UInt64, s String) engine = MergeTree order by n")
	run("insert into default.kept select number, toString(number) from numbers(100000)")
	filler := filepath.Join(disk, "filler")
	var room syscall.Statfs_t
	if err := syscall.Statfs(disk, &room); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filler, make([]byte, int(room.Bavail)*int(room.Bsize)), 0o600); err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	for _, statement := range []string{"delete from default.kept where n < 10", "alter table default.kept delete where n < 20 settings mutations_sync = 2"} {
		var full *warehouse.DiskFullError
		if err := w.Exec(t.Context(), statement); !errors.As(err, &full) {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var rows uint64
		if err := w.QueryRow(t.Context(), "select count() from default.kept").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows == 100_000-20 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("there are %d rows", rows)
		}
	}
	run("delete from default.kept where n < 30") // with room
	run("drop table default.kept sync")
}
