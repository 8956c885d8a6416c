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

const (
	kills = 20
	// killsInARow is how often one home is struck before a run may end in it.
	killsInARow = 6
)

// A run that is killed at any moment, again and again, leaves nothing that the
// next one does not put right: in the end every table has the rows that an
// undisturbed run gives it.
func TestKilledRunsLoseNothing(t *testing.T) {
	t.Parallel()
	c := aCompany(t)
	chance := rand.New(rand.NewPCG(20, 7))
	moments := killMoments(c, chance)
	for len(moments) > 0 {
		home := filepath.Join(t.TempDir(), fmt.Sprintf("home-%d", len(moments)))
		struck := 0
		for struck < killsInARow && len(moments) > 0 {
			began := time.Now()
			p := start(t, "run", "-c", c.config, "--home", home)
			if p.endsWithin(moments[0]) {
				// The machine was slower when the run was measured.
				bringForward(moments, float64(time.Since(began))/float64(c.whole))
				break
			}
			p.signal(syscall.SIGKILL)
			p.code()
			t.Logf("killed after %5.2f s, having said: %s", moments[0].Seconds(), p.lastLine())
			struck, moments = struck+1, moments[1:]
		}
		winback(t, exitDone, "run", "-q", "-c", c.config, "--home", home)
		sameContents(t, c.config, home, c.home, c.tables)
		checkBooks(t, c, home, struck)
		checkLandingZone(t, home)
		if t.Failed() {
			t.FailNow()
		}
		if err := os.RemoveAll(home); err != nil {
			t.Fatal(err)
		}
	}
}

// killMoments spreads the moments over the parts of an undisturbed run, each at
// random within its share. A part that takes a moment only is struck as surely as
// a long one.
func killMoments(c *company, chance *rand.Rand) []time.Duration {
	inStages := c.stages["recover"] + c.stages["extract"] + c.stages["load"] + c.stages["models"]
	parts := []struct {
		takes time.Duration
		kills int
	}{
		{(c.whole - inStages) * 3 / 4, 2}, // opening the engine
		{c.stages["recover"] + c.stages["extract"], 6},
		{c.stages["load"], 5},
		{c.stages["models"], 6},
		{(c.whole - inStages) / 4, 1}, // closing the books and the engine
	}
	var moments []time.Duration
	var began time.Duration
	for _, part := range parts {
		for i := range part.kills {
			share := (float64(i) + chance.Float64()) / float64(part.kills)
			moments = append(moments, began+time.Duration(share*float64(part.takes)))
		}
		began += part.takes
	}
	chance.Shuffle(len(moments), func(i, j int) { moments[i], moments[j] = moments[j], moments[i] })
	return moments[:kills]
}

// bringForward moves the moments into runs that take a share only of the time of
// the measured one, and a little more, so that a run ends before no moment for
// ever.
func bringForward(moments []time.Duration, share float64) {
	for i := range moments {
		moments[i] = time.Duration(float64(moments[i]) * min(share, 1) * 0.95)
	}
}

// checkBooks says whether the books tell of the runs that were cut short: every
// run that began is there, and none seems to go on.
func checkBooks(t *testing.T, c *company, home string, struck int) {
	t.Helper()
	states := ask(t, c.config, home, "select state from ops.runs final order by started_at")
	if len(states) == 0 || states[len(states)-1] != "done" {
		t.Fatalf("the last run is not done: %v", states)
	}
	if earlier := states[:len(states)-1]; len(earlier) > struck+1 || slices.ContainsFunc(earlier, func(s string) bool {
		return s != "interrupted" && s != "done"
	}) {
		t.Errorf("after %d kills the runs are %v", struck, states)
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
	for i, said := range []string{"extract crm", "load ", "model int_orders_priced"} {
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
