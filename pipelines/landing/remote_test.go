package landing_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/pipelines/landing"
	"winback/pipelines/objects"
	"winback/pipelines/objects/objectstest"
)

// place is somewhere that a zone is kept. The same has to hold of each.
type place struct {
	name string
	// store is nil for a zone on disk, whose folder is root.
	store objects.Store
	root  string
}

// onPlaces runs a test on a new place of each kind.
func onPlaces(t *testing.T, test func(*testing.T, place)) {
	for _, make := range []func(*testing.T) place{
		func(t *testing.T) place { return place{name: "disk", root: t.TempDir()} },
		func(t *testing.T) place {
			return place{name: "folder as a store", store: objects.OpenDisk(t.TempDir())}
		},
		func(t *testing.T) place { return place{name: "s3", store: objectstest.Start(t).Open(t, "zone")} },
	} {
		p := make(t)
		t.Run(p.name, func(t *testing.T) { test(t, p) })
	}
}

// open opens the zone as another machine does, which has nothing of it but the place.
func (p place) open(t *testing.T, grace time.Duration) *landing.Zone {
	t.Helper()
	if p.store == nil {
		return landing.Open(p.root)
	}
	return openStore(t, p.store, grace)
}

func openStore(t *testing.T, s objects.Store, grace time.Duration) *landing.Zone {
	return landing.OpenRemote(filepath.Join(t.TempDir(), "working"), landing.RemoteOptions{Store: s, Grace: grace})
}

// noGrace has replaced files removed at once.
const noGrace = time.Nanosecond

// lock locks a zone until the test ends.
func lock(t *testing.T, z *landing.Zone) *landing.Zone {
	t.Helper()
	release, err := z.Lock(t.Context(), landing.LockOptions{Holder: "test", About: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := release(); err != nil && !errors.Is(err, objectstest.ErrKilled) {
			t.Error(err)
		}
	})
	return z
}

// files are those of the place, but for what only says who writes, and what a probe
// that was killed left to the next.
func (p place) files(t *testing.T) []string {
	t.Helper()
	if p.store == nil {
		return sortedStrings(tree(t, p.root))
	}
	keys := []string{}
	for info, err := range p.store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if info.Key != "_lease.json" && !strings.HasPrefix(info.Key, "_probe/") {
			keys = append(keys, info.Key)
		}
	}
	return sortedStrings(keys)
}

// named are the files that the manifests of a zone name, and the manifests.
func named(t *testing.T, z *landing.Zone) []string {
	t.Helper()
	manifests, err := z.Manifests("shop")
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, m := range manifests {
		list = append(list, fmt.Sprintf("shop/_manifests/%s.%s.json", m.RunID, m.Dataset))
		for _, f := range m.Files {
			list = append(list, f.Path)
		}
		for _, q := range m.Quarantine {
			list = append(list, q.Path)
		}
	}
	return sortedStrings(list)
}

// TestPlaces_WhatIsCommittedIsThere reads on one machine what another has written.
func TestPlaces_WhatIsCommittedIsThere(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		z := lock(t, p.open(t, 0))
		first, err := twoParts(t.Context(), z, "r0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := twoParts(t.Context(), z, "r0"); !errors.Is(err, landing.ErrCommitted) {
			t.Errorf("the same run again: %v", err)
		}
		aborted := begin(t, z, "r1", dataset("orders", orders), landing.Options{})
		writeOrders(t, aborted, "a.csv", order{id: "x"})
		if err := aborted.Abort(); err != nil {
			t.Fatal(err)
		}
		other := p.open(t, 0)
		if sources, err := other.Sources(); err != nil || !slices.Equal(sources, []string{"shop"}) {
			t.Errorf("sources %v, %v", sources, err)
		}
		manifests, err := other.Manifests("shop")
		if err != nil || len(manifests) != 1 {
			t.Fatalf("%d manifests, %v", len(manifests), err)
		}
		equal(t, "manifest", manifests[0], first)
		equal(t, "rows", readOrders(t, other, manifests[0]), readOrders(t, z, first))
		equal(t, "files", p.files(t), named(t, other))
		equal(t, "cursors", cursors(t, other), []string{`"r0"`})
		groups, err := other.QuarantineGroups("shop")
		if err != nil || len(groups) != 1 {
			t.Fatalf("%d groups of the quarantine, %v", len(groups), err)
		}
		for r, err := range other.QuarantineRecords(t.Context(), groups[0]) {
			if err != nil || r.Reason == "" {
				t.Errorf("%+v, %v", r, err)
			}
		}
		var entries []landing.Entry
		for _, f := range first.Files {
			entries = append(entries, landing.Entry{Path: f.Path, Bytes: f.Bytes, Checksum: f.Checksum})
			if err := errors.Join(other.VerifyFile(f), other.Look(entries[0])); err != nil {
				t.Error(err)
			}
		}
		if err := other.LookAt(t.Context(), entries); err != nil {
			t.Error(err)
		}
	})
}

// TestPlaces_FailuresAreKept has a dataset fail again and again.
func TestPlaces_FailuresAreKept(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		z := lock(t, p.open(t, 0))
		for run := range landing.KeptFailures + 2 {
			if err := failRun(t.Context(), z, fmt.Sprint("r", run), "orders"); !errors.Is(err, landing.ErrTooManyRejects) {
				t.Fatal(err)
			}
		}
		var want []string
		for run := 2; run < landing.KeptFailures+2; run++ {
			want = append(want, fmt.Sprintf("shop/_failed/r%d.orders.json", run), fmt.Sprintf("shop/_quarantine/run=r%d/orders-00001.parquet", run))
		}
		equal(t, "files", p.files(t), sortedStrings(want))
		if failures, err := p.open(t, 0).Failures("shop"); err != nil || len(failures) != landing.KeptFailures {
			t.Errorf("%d failures are known elsewhere, %v", len(failures), err)
		}
	})
}

// TestPlaces_Damage names what is damaged where it is.
func TestPlaces_Damage(t *testing.T) {
	onPlaces(t, func(t *testing.T, p place) {
		m, err := twoParts(t.Context(), lock(t, p.open(t, 0)), "r0")
		if err != nil {
			t.Fatal(err)
		}
		change := func(key string, to func([]byte) []byte) {
			t.Helper()
			s := p.store
			if s == nil {
				s = objects.OpenDisk(p.root)
			}
			text, _, err := objects.ReadBytes(t.Context(), s, key)
			if err == nil {
				_, err = objects.WriteBytes(t.Context(), s, key, to(text), objects.Always())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		f := m.Files[0]
		change(f.Path, func(text []byte) []byte { text[len(text)/2] ^= 1; return text })
		z := p.open(t, 0)
		if err := z.VerifyFile(f); !errors.As(err, new(*landing.DamagedError)) || !strings.Contains(err.Error(), z.Path(f.Path)) {
			t.Errorf("changed: %v", err)
		}
		change(f.Path, func(text []byte) []byte { return text[1:] })
		entry := landing.Entry{Path: f.Path, Bytes: f.Bytes, Checksum: f.Checksum}
		for _, err := range []error{z.Look(entry), z.LookAt(t.Context(), []landing.Entry{entry})} {
			if !errors.As(err, new(*landing.DamagedError)) {
				t.Errorf("cut: %v", err)
			}
		}
		lost := landing.Entry{Path: "shop/never.parquet"}
		for _, err := range []error{z.Look(lost), z.LookAt(t.Context(), []landing.Entry{lost})} {
			if !errors.As(err, new(*landing.LostError)) {
				t.Errorf("lost: %v", err)
			}
		}
		manifest := "shop/_manifests/r0.orders.json"
		change(manifest, func(text []byte) []byte { return text[:len(text)/2] })
		z = p.open(t, 0)
		if _, err := z.Manifests("shop"); !errors.As(err, new(*landing.ManifestError)) || !strings.Contains(err.Error(), z.Path(manifest)) {
			t.Errorf("a damaged manifest: %v", err)
		}
	})
}

// TestRemote_Crash kills the process at every request of a run, before the request is
// done and after. What the next run finds on another machine is the run as a whole or
// nothing of it, and nothing else is left.
func TestRemote_Crash(t *testing.T) {
	counted := &objectstest.Killed{Store: objects.OpenDisk(t.TempDir())}
	if _, err := twoParts(t.Context(), lock(t, openStore(t, counted, 0)), "r0"); err != nil {
		t.Fatal(err)
	}
	each(t, len(counted.Requests()), func(t *testing.T, at int, done bool) {
		store := objects.OpenDisk(t.TempDir())
		crashed := runKilled(t, &objectstest.Killed{Store: store, At: at, Done: done}, func(z *landing.Zone) error {
			_, err := twoParts(t.Context(), z, "r1")
			return err
		})
		z := recovered(t, store)
		left := named(t, z)
		equal(t, "files", place{store: store}.files(t), left)
		if crashed == nil && len(left) == 0 {
			t.Error("the run says it is done, but is not there")
		}
		if len(left) != 0 && len(left) != 5 {
			t.Errorf("a part of the run is there: %v", left)
		}
		if _, err := twoParts(t.Context(), z, "r2"); err != nil {
			t.Error(err)
		}
	})
}

// each runs a test for every request at which a process may be killed.
func each(t *testing.T, requests int, test func(t *testing.T, at int, done bool)) {
	for at := 1; at <= requests; at++ {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprintf("request %d, done: %v", at, done), func(t *testing.T) {
				t.Parallel()
				test(t, at, done)
			})
		}
	}
}

// runKilled does something on a zone whose process is killed meanwhile.
func runKilled(t *testing.T, store objects.Store, do func(*landing.Zone) error) error {
	z := openStore(t, store, noGrace)
	release, err := z.Lock(t.Context(), landing.LockOptions{Holder: "test"})
	if err == nil {
		err = do(z)
		release() //nolint:errcheck // it is killed
	}
	return err
}

// recovered opens a zone on another machine, after a run there has tidied up.
func recovered(t *testing.T, store objects.Store) *landing.Zone {
	t.Helper()
	z := lock(t, openStore(t, store, noGrace))
	if _, err := z.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	return z
}

// TestRemote_CompactCrash kills the process at every request of a compaction: rows
// and cursors stay, before cleaning up too, and the zone is compacted or it is not.
func TestRemote_CompactCrash(t *testing.T) {
	before := t.TempDir()
	if err := fiveRuns(t.Context(), lock(t, openStore(t, objects.OpenDisk(before), noGrace))); err != nil {
		t.Fatal(err)
	}
	again := func(t *testing.T) string {
		root := t.TempDir()
		if err := os.CopyFS(root, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
		return root
	}
	compacted := func(z *landing.Zone) error {
		_, err := z.Compact(t.Context(), "shop", smallParts)
		return err
	}
	counted := &objectstest.Killed{Store: objects.OpenDisk(again(t))}
	if err := runKilled(t, counted, compacted); err != nil {
		t.Fatal(err)
	}
	want := openStore(t, objects.OpenDisk(before), 0)
	rows, left := newest(t, want), cursors(t, want)
	each(t, len(counted.Requests()), func(t *testing.T, at int, done bool) {
		store := objects.OpenDisk(again(t))
		crashed := runKilled(t, &objectstest.Killed{Store: store, At: at, Done: done}, compacted)
		equal(t, "rows before cleaning up", newest(t, openStore(t, store, 0)), rows)
		z := recovered(t, store)
		equal(t, "files", place{store: store}.files(t), named(t, z))
		equal(t, "rows", newest(t, z), rows)
		equal(t, "cursors", cursors(t, z), left)
		if manifests, err := z.Manifests("shop"); err != nil || crashed == nil && len(manifests) != 1 {
			t.Errorf("the compaction says it is done, but is not: %d manifests, %v", len(manifests), err)
		}
	})
}

// TestRemote_FailureCrash kills the process at every request of a failing run that
// removes an older failure.
func TestRemote_FailureCrash(t *testing.T) {
	before := t.TempDir()
	z := lock(t, openStore(t, objects.OpenDisk(before), 0))
	for run := range landing.KeptFailures {
		if err := failRun(t.Context(), z, fmt.Sprint("r", run), "orders"); !errors.Is(err, landing.ErrTooManyRejects) {
			t.Fatal(err)
		}
	}
	counted := &objectstest.Killed{Store: objects.OpenDisk(t.TempDir())}
	if err := os.CopyFS(counted.String(), os.DirFS(before)); err != nil {
		t.Fatal(err)
	}
	runKilled(t, counted, func(z *landing.Zone) error { return failRun(t.Context(), z, "r9", "orders") }) //nolint:errcheck // it fails
	each(t, len(counted.Requests()), func(t *testing.T, at int, done bool) {
		root := t.TempDir()
		if err := os.CopyFS(root, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
		store := objects.OpenDisk(root)
		runKilled(t, &objectstest.Killed{Store: store, At: at, Done: done}, func(z *landing.Zone) error { //nolint:errcheck // it is killed
			return failRun(t.Context(), z, "r9", "orders")
		})
		failures, err := recovered(t, store).Failures("shop")
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, m := range failures {
			want = append(want, "shop/_failed/"+m.RunID+".orders.json", m.Quarantine[0].Path)
		}
		equal(t, "files", place{store: store}.files(t), sortedStrings(want))
	})
}

// TestRemote_ReplacedFilesStayForReaders keeps what a compaction replaced until the
// grace is over and nobody of this machine reads it.
func TestRemote_ReplacedFilesStayForReaders(t *testing.T) {
	store := objectstest.Start(t).Open(t, "zone")
	if err := fiveRuns(t.Context(), lock(t, openStore(t, store, 0))); err != nil {
		t.Fatal(err)
	}
	reader := openStore(t, store, 0)
	reading, err := reader.Manifests("shop")
	if err != nil {
		t.Fatal(err)
	}
	compact(t, lock(t, openStore(t, store, time.Hour)), landing.CompactOptions{})
	for _, m := range reading {
		for _, f := range m.Files {
			if err := reader.VerifyFile(f); err != nil {
				t.Errorf("a reader elsewhere: %v", err)
			}
		}
	}
	z := lock(t, openStore(t, store, noGrace))
	release, err := z.Hold()
	if err != nil {
		t.Fatal(err)
	}
	if r, err := z.Recover(t.Context()); err != nil || r.Replaced != 0 {
		t.Errorf("removed %d files that are being read, %v", r.Replaced, err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if r, err := z.Recover(t.Context()); err != nil || r.Replaced == 0 {
		t.Errorf("%d replaced files were removed, %v", r.Replaced, err)
	}
	equal(t, "files", place{store: store}.files(t), named(t, z))
}

// TestRemote_CompactionRemovesOrphans finds files that nothing names, as of a manifest
// that somebody removed by hand, and leaves those that are not a run's.
func TestRemote_CompactionRemovesOrphans(t *testing.T) {
	store := objects.OpenDisk(t.TempDir())
	z := lock(t, openStore(t, store, time.Hour))
	if err := failRun(t.Context(), z, "r9", "others"); !errors.Is(err, landing.ErrTooManyRejects) {
		t.Fatal(err)
	}
	if err := fiveRuns(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	before := place{store: store}.files(t)
	for _, key := range []string{"shop/shop.orders/run=r7/part-00001.parquet", "shop/README.txt"} {
		if _, err := objects.WriteBytes(t.Context(), store, key, []byte("x"), objects.Always()); err != nil {
			t.Fatal(err)
		}
	}
	compact(t, z, smallParts)
	after := place{store: store}.files(t)
	if slices.Contains(after, "shop/shop.orders/run=r7/part-00001.parquet") {
		t.Error("the orphan is still there")
	}
	for _, key := range append(before, "shop/README.txt") {
		if !slices.Contains(after, key) {
			t.Errorf("%s is gone", key)
		}
	}
}

// TestRemote_OnlyOneWrites has a second machine begin, and one go on that was too
// slow.
func TestRemote_OnlyOneWrites(t *testing.T) {
	server := objectstest.Start(t)
	store := server.Open(t, "zone")
	slow := openStore(t, store, 0)
	if _, err := twoParts(t.Context(), slow, "r0"); !errors.Is(err, landing.ErrNotLocked) {
		t.Errorf("without a lock: %v", err)
	}
	release, err := slow.Lock(t.Context(), landing.LockOptions{Holder: "a", About: "process 1 on a", For: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	w := begin(t, slow, "r1", dataset("orders", orders), landing.Options{})
	writeOrders(t, w, "a.csv", order{id: "1"})
	other := openStore(t, store, 0)
	var held *objects.HeldError
	if _, err := other.Lock(t.Context(), landing.LockOptions{Holder: "b"}); !errors.As(err, &held) {
		t.Errorf("a second machine: %v", err)
	}
	server.Grow("zone/_lease.json", time.Hour) // as after an hour's stop of the machine
	free, err := other.Lock(t.Context(), landing.LockOptions{Holder: "b"})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := slow.Begin(t.Context(), landing.RunInfo{RunID: "r2", Source: "shop"}, dataset("orders"), landing.Options{}); errors.Is(err, objects.ErrLeaseLost) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the first one does not notice")
		}
	}
	if _, err := w.Commit(t.Context(), []byte(`1`)); !errors.Is(err, objects.ErrLeaseLost) {
		t.Errorf("the first one commits: %v", err)
	}
	if err := errors.Join(release(), free()); err != nil {
		t.Error(err)
	}
	equal(t, "files", place{store: store}.files(t), []string{})
}

// TestRemote_TroublesAreGoneOver has a service that fails a fifth of all requests.
func TestRemote_TroublesAreGoneOver(t *testing.T) {
	server := objectstest.Start(t)
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	kinds := []objectstest.Trouble{objectstest.SlowDown, objectstest.Reset, objectstest.LostAnswer, objectstest.HalfAnswer}
	server.Trouble = func(*http.Request) objectstest.Trouble {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(5) > 0 {
			return objectstest.None
		}
		return kinds[random.IntN(len(kinds))]
	}
	store := server.Open(t, "zone")
	z := lock(t, openStore(t, store, noGrace))
	if err := fiveRuns(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	rows := newest(t, openStore(t, store, 0))
	compact(t, z, smallParts)
	equal(t, "rows", newest(t, openStore(t, store, 0)), rows)
	equal(t, "files", place{store: store}.files(t), named(t, z))
}

// TestRemote_FolderIsNotNeeded keeps no more of the files than it is told, and reads
// the others from the store.
func TestRemote_FolderIsNotNeeded(t *testing.T) {
	store, folder := objects.OpenDisk(t.TempDir()), filepath.Join(t.TempDir(), "working")
	z := lock(t, landing.OpenRemote(folder, landing.RemoteOptions{Store: store, Keep: 1}))
	if err := fiveRuns(t.Context(), z); err != nil {
		t.Fatal(err)
	}
	for _, file := range tree(t, folder) {
		if strings.HasSuffix(file, ".parquet") {
			t.Errorf("%s is kept", file)
		}
	}
	rows := newest(t, z)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	other := landing.OpenRemote(folder, landing.RemoteOptions{Store: store})
	equal(t, "rows", newest(t, other), rows)
	for _, file := range tree(t, folder) {
		if strings.HasPrefix(filepath.Base(file), ".fetch") {
			t.Errorf("%s is left", file)
		}
	}
}

// TestRemote_SeesWhatOthersDo follows manifests that come, change and go.
func TestRemote_SeesWhatOthersDo(t *testing.T) {
	server := objectstest.Start(t)
	store, folder := server.Open(t, "zone"), filepath.Join(t.TempDir(), "working")
	look := func() int {
		t.Helper()
		manifests, err := landing.OpenRemote(folder, landing.RemoteOptions{Store: store}).Manifests("shop")
		if err != nil {
			t.Fatal(err)
		}
		return len(manifests)
	}
	if err := fiveRuns(t.Context(), lock(t, openStore(t, store, 0))); err != nil {
		t.Fatal(err)
	}
	if n := look(); n != 5 {
		t.Errorf("%d manifests of five", n)
	}
	server.Log()
	look()
	if log := server.Log(); slices.ContainsFunc(log, func(r string) bool { return strings.HasSuffix(r, ".json") }) {
		t.Errorf("manifests that are known are read again: %v", log)
	}
	server.Delete("zone/shop/_manifests/r3.orders.json")
	if n := look(); n != 4 {
		t.Errorf("%d manifests, one was removed", n)
	}
}

// BenchmarkPlaces lands and reads back the same run on disk, in a folder that is a
// store, and in a service on this machine: what a store costs beside its network.
func BenchmarkPlaces(b *testing.B) {
	many := make(map[string]string, 20_000)
	for i := range 20_000 {
		many[fmt.Sprintf("%08d", i)] = fmt.Sprint("customer ", i%700)
	}
	for _, p := range []place{
		{name: "disk", root: b.TempDir()},
		{name: "folder as a store", store: objects.OpenDisk(b.TempDir())},
		{name: "s3", store: objectstest.Start(b).Open(b, "zone")},
	} {
		b.Run(p.name, func(b *testing.B) {
			z := landing.Open(p.root)
			if p.store != nil {
				z = landing.OpenRemote(filepath.Join(b.TempDir(), "working"), landing.RemoteOptions{Store: p.store, Keep: 1})
			}
			release, err := z.Lock(b.Context(), landing.LockOptions{Holder: "bench"})
			if err != nil {
				b.Fatal(err)
			}
			defer release() //nolint:errcheck // the end of it
			for b.Loop() {
				m, err := landRun(b.Context(), z, fmt.Sprintf("r%d", time.Now().UnixNano()), many)
				if err != nil {
					b.Fatal(err)
				}
				for _, f := range m.Files {
					if err := z.VerifyFile(f); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
