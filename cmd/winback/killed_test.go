package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"winback/pipelines/landing"
)

// A run that is killed at any moment, again and again, leaves nothing that the
// next one does not put right: in the end every table has the rows that an
// undisturbed run gives it.
func TestKilledRunsLoseNothing(t *testing.T) {
	t.Parallel()
	c := aCompany(t)
	for i, moments := range killMoments(c, rand.New(rand.NewPCG(20, 7))) {
		home := filepath.Join(t.TempDir(), fmt.Sprintf("home-%d", i))
		for _, m := range moments {
			p := start(t, "run", "-c", c.config, "--home", home)
			if !p.hears(m.said, m.times) || p.endsWithin(m.later) {
				t.Logf("the run ended before %v; it had said: %s", m, p.lastLine())
				continue
			}
			p.signal(syscall.SIGKILL)
			p.code()
			t.Logf("killed at %v, having said: %s", m, p.lastLine())
		}
		winback(t, exitDone, "run", "-q", "-c", c.config, "--home", home)
		sameContents(t, c.config, home, c.home, c.tables)
		checkBooks(t, c, home, len(moments))
		checkLandingZone(t, home)
		if t.Failed() {
			t.FailNow()
		}
	}
}

// killMoment is one after a run has said something so many times.
type killMoment struct {
	said  string
	times int
	later time.Duration
}

func (m killMoment) String() string {
	return fmt.Sprintf("%.2f s after %d × %q", m.later.Seconds(), m.times, m.said)
}

// killMoments are those at which each of some homes is struck. Each part of a run
// has some, at random within it, and they go forward: what was done before a kill
// is not done again after it.
func killMoments(c *company, chance *rand.Rand) [][]killMoment {
	soon := func(said string, times int) killMoment {
		return killMoment{said, times, time.Duration(chance.IntN(60)) * time.Millisecond}
	}
	outside := c.whole - c.stages["recover"] - c.stages["extract"] - c.stages["load"] - c.stages["models"]
	opening := func() killMoment { return killMoment{later: time.Duration(chance.Float64() * float64(outside/2))} }
	return [][]killMoment{
		{opening(), soon("extract ", 1), soon("load ", 1), soon("model ", 1), soon("model ", 3), soon("model ", 2)},
		{soon("extract ", 3), soon("extract ", 5), soon("load ", 1), opening(), soon("model ", 6), soon("model ", 1)},
		{{later: c.whole - time.Duration(chance.Float64()*float64(outside/4))}}, // closing the books and the engine
	}
}

// checkBooks says whether the books tell of the runs that were cut short: every
// run that began is there, and none seems to go on.
func checkBooks(t *testing.T, c *company, home string, begun int) {
	t.Helper()
	states := ask(t, c.config, home, "select state from ops.runs final order by started_at")
	if len(states) == 0 || states[len(states)-1] != "done" {
		t.Fatalf("the last run is not done: %v", states)
	}
	if earlier := states[:len(states)-1]; len(earlier) > begun || slices.ContainsFunc(earlier, func(s string) bool {
		return s != "interrupted" && s != "done"
	}) {
		t.Errorf("after %d runs, most of them killed, the books have %v", begun, states)
	}
}

// checkLandingZone says whether the landing zone holds the files that manifests
// name, whole, and no others.
func checkLandingZone(t *testing.T, home string) {
	t.Helper()
	zone := landing.Open(filepath.Join(home, "landing"))
	sources, err := zone.Sources()
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]int64{}
	for _, source := range sources {
		manifests, err := zone.Manifests(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range manifests {
			named[filepath.Join(source, "_manifests", m.RunID+"."+m.Dataset+".json")] = -1
			for _, f := range m.Files {
				named[filepath.FromSlash(f.Path)] = f.Bytes
			}
			for _, q := range m.Quarantine {
				named[filepath.FromSlash(q.Path)] = q.Bytes
			}
		}
	}
	err = filepath.WalkDir(zone.Root(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if strings.HasPrefix(d.Name(), "_manifests.") { // the index that many manifests get
			return nil
		}
		name := strings.TrimPrefix(path, zone.Root()+string(filepath.Separator))
		info, err := d.Info()
		bytes, known := named[name]
		delete(named, name)
		switch {
		case err != nil:
			return err
		case !known:
			t.Errorf("landing/%s belongs to no manifest", name)
		case bytes >= 0 && info.Size() != bytes:
			t.Errorf("landing/%s has %d bytes, its manifest says %d", name, info.Size(), bytes)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range named {
		t.Errorf("landing/%s is named by a manifest and missing", name)
	}
}

// Ctrl-C ends a run soon, in words, and the next run goes on from there.
func TestInterruptedRunsGoOn(t *testing.T) {
	t.Parallel()
	c := aCompany(t)
	home := filepath.Join(t.TempDir(), "home")
	for i, said := range []string{"extract crm", "load ", "model int_shop_sales"} {
		p := start(t, "run", "-c", c.config, "--home", home)
		p.await(said)
		p.signal(os.Interrupt)
		if !p.endsWithin(10 * time.Second) {
			t.Fatalf("the run goes on 10 s after Ctrl-C:\n%s", p.stderr())
		}
		if p.code() != exitFailed || p.lastLine() != "Stopped. Nothing is half done: run the command again to go on." {
			t.Errorf("exit code %d:\n%s", p.code(), p.stderr())
		}
		runs := ask(t, c.config, home, "select state, finished_at is not null, position(message, 'FAILED'), message like '%stopped before the end' from ops.runs final")
		if want := slices.Repeat([]string{"interrupted\t1\t0\t1"}, i+1); !slices.Equal(runs, want) {
			t.Errorf("after Ctrl-C ops.runs has %q", runs)
		}
	}
	winback(t, exitDone, "run", "-q", "-c", c.config, "--home", home)
	sameContents(t, c.config, home, c.home, c.tables)
	checkLandingZone(t, home)
}
