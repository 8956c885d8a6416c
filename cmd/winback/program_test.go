package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
)

// The tests of this package run the program as its users do: as processes, by
// the name winback, which TestMain puts on the PATH.
func TestMain(m *testing.M) {
	testscript.Main(cleaning{m}, map[string]func(){"winback": main, mortalName: mortal})
}

// cleaning removes what tests share after the last one.
type cleaning struct{ *testing.M }

func (m cleaning) Run() int {
	defer func() { os.RemoveAll(shared.dir) }()
	return m.M.Run()
}

// requireEngine skips the test, loudly, or fails it where CI is set, when the
// engine's library is missing. It returns the library's path.
func requireEngine(t testing.TB) string {
	t.Helper()
	return enginetest.Library(t).Path
}

// process is one run of the program.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdout bytes.Buffer
	ended  chan struct{}
	err    error

	mu    sync.Mutex
	lines []string // of standard error
	came  chan struct{}
}

// start starts the program. It is killed with the test if it still runs then.
func start(t testing.TB, args ...string) *process {
	t.Helper()
	return startIn(t, nil, args...)
}

// startIn starts the program with further variables in its environment.
func startIn(t testing.TB, environment []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command("winback", args...), ended: make(chan struct{}), came: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), engine.LibraryVariable+"="+requireEngine(t)), environment...)
	p.cmd.Stdout = &p.stdout
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.heard(lines.Text())
		}
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGKILL) //nolint:errcheck // it has ended, as it should
		<-p.ended
	})
	return p
}

func (p *process) heard(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, line)
	close(p.came)
	p.came = make(chan struct{})
}

// stderr is what the program wrote to standard error so far.
func (p *process) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// lastLine is what the program said last.
func (p *process) lastLine() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lines) == 0 {
		return "(nothing)"
	}
	return p.lines[len(p.lines)-1]
}

// await waits until the program has said something on standard error.
func (p *process) await(text string) {
	p.t.Helper()
	if !p.hears(text, 1) {
		p.t.Fatalf("%v ended without saying %q:\n%s", p.cmd.Args, text, p.stderr())
	}
}

// hears waits until the program has said something so many times on standard
// error. It is false when the program ended without.
func (p *process) hears(text string, times int) bool {
	p.t.Helper()
	deadline := time.After(time.Minute)
	for ended := false; ; {
		p.mu.Lock()
		came := p.came
		said := strings.Count(strings.Join(p.lines, "\n"), text) >= times
		p.mu.Unlock()
		if said || ended {
			return said
		}
		select {
		case <-came:
		case <-p.ended:
			ended = true
		case <-deadline:
			p.t.Fatalf("%v does not say %q %d times:\n%s", p.cmd.Args, text, times, p.stderr())
		}
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// endsWithin says whether the program ends in that time.
func (p *process) endsWithin(d time.Duration) bool {
	select {
	case <-p.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// code waits for the end and returns the exit code, -1 after a signal.
func (p *process) code() int {
	p.t.Helper()
	if !p.endsWithin(5 * time.Minute) {
		p.t.Fatalf("%v does not end:\n%s", p.cmd.Args, p.stderr())
	}
	if failed := (*exec.ExitError)(nil); p.err != nil && !errors.As(p.err, &failed) {
		p.t.Fatalf("%v: %v", p.cmd.Args, p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// winback runs the program to its end, which must be the exit code given.
func winback(t testing.TB, code int, args ...string) *process {
	t.Helper()
	p := start(t, args...)
	if got := p.code(); got != code {
		t.Fatalf("winback %s: exit code %d, not %d\n%s\n%s", strings.Join(args, " "), got, code, p.stdout.String(), p.stderr())
	}
	return p
}

// TestScripts runs testdata/script/*.txtar, a topic each.
func TestScripts(t *testing.T) {
	library := requireEngine(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv(engine.LibraryVariable, library)
			e.Setenv("TZ", "UTC")
			return nil
		},
		Condition: func(condition string) (bool, error) {
			if condition != "root" {
				return false, errors.New("unknown condition " + condition)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode": exitCodeCommand, "json": jsonCommand, "gzip": gzipCommand, "zip": zipCommand, "truncate": truncateCommand,
		},
	})
}

// repository is the root of the source tree.
func repository(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}
