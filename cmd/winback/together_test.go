package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// While a run goes on, another one says who runs, or waits; queries are answered.
func TestTwoProcessesAtOnce(t *testing.T) {
	t.Parallel()
	c := aCompany(t)
	home, first := filepath.Join(t.TempDir(), "home"), (*process)(nil)
	for attempt := 1; ; attempt++ { // until the run is not done before it was asked and stopped
		if attempt > 20 {
			t.Fatal("every run was done before it was asked")
		}
		first = start(t, "run", "-c", c.config, "--home", home)
		first.await("load ")
		state := ask(t, c.config, home, "select state from ops.runs final")
		plan := winback(t, exitDone, "plan", "-c", c.config, "--home", home).stdout.String()
		first.signal(syscall.SIGSTOP)
		if !first.endsWithin(100 * time.Millisecond) {
			if len(state) != 1 || state[0] != "running" {
				t.Errorf("a query during the run sees %v", state)
			}
			if !strings.Contains(plan, "\nBUILD ") {
				t.Errorf("a plan during the run says\n%s", plan)
			}
			break
		}
		home += "-again"
	}

	second := start(t, "run", "-c", c.config, "--home", home)
	if second.code() != exitFailed {
		t.Errorf("exit code %d", second.code())
	}
	want := fmt.Sprintf("Error: the run in %s is held by process %d (winback run, since ", home, first.cmd.Process.Pid)
	if !strings.HasPrefix(second.stderr(), want) || strings.Contains(second.stderr(), "\nTry") {
		t.Errorf("the second run says %q, not %q", second.stderr(), want)
	}

	third := start(t, "run", "-c", c.config, "--home", home, "--wait", "5m")
	if third.endsWithin(time.Second) {
		t.Fatalf("the third run does not wait:\n%s", third.stderr())
	}
	first.signal(syscall.SIGCONT)
	if first.code() != exitDone || third.code() != exitDone {
		t.Errorf("exit codes %d and %d\n%s\n%s", first.code(), third.code(), first.stderr(), third.stderr())
	}
	if !strings.Contains(third.stdout.String(), "Nothing new") {
		t.Errorf("the run that waited says\n%s", third.stdout.String())
	}
	sameContents(t, c.config, home, c.home, c.tables)
}
