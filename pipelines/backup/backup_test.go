package backup

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"winback/pipelines/objects"
	"winback/pipelines/objects/objectstest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// home writes files into a folder of its own.
func home(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	change(t, dir, files)
	return dir
}

func change(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

func take(t *testing.T, store objects.Store, dir, id string, kind Kind) *Manifest {
	t.Helper()
	m := &Manifest{ID: id, Kind: kind, Home: "here", TakenAt: noon}
	if err := Take(t.Context(), store, dir, m, func() time.Time { return noon }); err != nil {
		t.Fatal(err)
	}
	return m
}

// contents are the files below a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		all[relative] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func restored(t *testing.T, store objects.Store, id string) map[string]string {
	t.Helper()
	m, err := Find(t.Context(), store, id)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new")
	if err := errors.Join(Verify(t.Context(), store, m), Fetch(t.Context(), store, m, dir)); err != nil {
		t.Fatal(err)
	}
	return contents(t, dir)
}

// Each backup comes back as it was; an incremental one stores what is new, and a full
// one depends on nothing.
func TestTake_FullAndIncremental(t *testing.T) {
	store := objects.OpenDisk(t.TempDir())
	dir := home(t, map[string]string{"landing/a": "one", "landing/b": "two", "warehouse/c": "one"})
	if err := os.Symlink("../landing/a", filepath.Join(dir, "warehouse", "link")); err != nil {
		t.Fatal(err)
	}
	first := take(t, store, dir, "1", Incremental)
	if first.Kind != Full || first.Stored != (Size{Files: 2, Bytes: 6}) {
		t.Errorf("the first is %s and stored %+v, want a full one of two contents", first.Kind, first.Stored)
	}
	was := contents(t, dir)
	change(t, dir, map[string]string{"landing/d": "four", "landing/b": "too"})
	if second := take(t, store, dir, "2", Incremental); second.Stored != (Size{Files: 2, Bytes: 7}) {
		t.Errorf("the second stored %+v, want what is new", second.Stored)
	}
	if third := take(t, store, dir, "3", Full); third.Stored != (Size{Files: 3, Bytes: 10}) {
		t.Errorf("a full one stored %+v, want everything", third.Stored)
	}
	if removed, err := Prune(t.Context(), store, Keep{Count: 1}, noon); err != nil || !slices.Equal(removed, []string{"1", "2"}) {
		t.Fatalf("removed %q, %v", removed, err)
	}
	if got := restored(t, store, "3"); !maps.Equal(got, contents(t, dir)) {
		t.Errorf("restored %v, want %v", got, contents(t, dir))
	}
	if len(was) != 4 {
		t.Errorf("the folder held %v", was)
	}
}

// An older backup of a chain goes without harm to the newer one, and the newer one
// keeps what both need.
func TestPrune_KeepsWhatIsNamed(t *testing.T) {
	store := objects.OpenDisk(t.TempDir())
	dir := home(t, map[string]string{"a": "one", "b": "two"})
	take(t, store, dir, "1", Full)
	change(t, dir, map[string]string{"b": "new"})
	take(t, store, dir, "2", Incremental)
	if _, err := Prune(t.Context(), store, Keep{Age: time.Hour}, noon.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if ids, err := IDs(t.Context(), store); err != nil || !slices.Equal(ids, []string{"2"}) {
		t.Fatalf("%q stay, %v: the last one always does", ids, err)
	}
	if got := restored(t, store, "2"); got["a"] != "one" || got["b"] != "new" {
		t.Errorf("restored %v", got)
	}
	if stored := contents(t, filepath.Join(store.String(), "objects")); len(stored) != 2 {
		t.Errorf("%d objects are left, want 2", len(stored))
	}
}

// Wherever a backup breaks off, it is not listed, what was there before is whole, and
// the next one succeeds.
func TestTake_BreaksOff(t *testing.T) {
	disk := objects.OpenDisk(t.TempDir())
	dir := home(t, map[string]string{"a": "one", "b": "two", "c": "three"})
	take(t, disk, dir, "1", Full)
	change(t, dir, map[string]string{"a": "uno", "b": "due"})
	for writes := range 3 {
		failing := &breaking{Store: disk, after: writes}
		m := &Manifest{ID: "2", Kind: Incremental, Home: "here", TakenAt: noon}
		if err := Take(t.Context(), failing, dir, m, time.Now); err == nil {
			t.Fatalf("it did not break off after %d writes", writes)
		}
		if ids, err := IDs(t.Context(), disk); err != nil || !slices.Equal(ids, []string{"1"}) {
			t.Errorf("after %d writes %q are listed, %v", writes, ids, err)
		}
		if got := restored(t, disk, "1"); got["a"] != "one" {
			t.Errorf("after %d writes the first holds %v", writes, got)
		}
		if _, err := Prune(t.Context(), disk, Keep{}, noon); err != nil {
			t.Fatal(err)
		}
		if left := contents(t, filepath.Join(disk.String(), "objects")); len(left) != 3 {
			t.Errorf("after %d writes and a clean-up %d objects are left, want those of the first", writes, len(left))
		}
	}
	take(t, disk, dir, "2", Incremental)
	if got := restored(t, disk, "2"); !maps.Equal(got, contents(t, dir)) {
		t.Errorf("restored %v", got)
	}
}

func TestVerify_NamesWhatIsDamaged(t *testing.T) {
	server := objectstest.Start(t)
	store := server.Open(t, "acme")
	m := take(t, store, home(t, map[string]string{"a": "one", "b": "two"}), "1", Full)
	for _, key := range server.Keys() {
		switch {
		case strings.HasSuffix(key, sumOf([]byte("one"))):
			server.Put(key, []byte("oNe"))
		case strings.HasSuffix(key, sumOf([]byte("two"))):
			server.Delete(key)
		}
	}
	err := Verify(t.Context(), store, m)
	for _, want := range []string{"(a) is damaged: its SHA-256 is", "(b) is damaged: it is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it says %v, not %q", err, want)
		}
	}
	if err := Fetch(t.Context(), store, m, filepath.Join(t.TempDir(), "new")); err == nil {
		t.Error("a damaged backup is restored")
	}
}

func TestTake_OtherHome(t *testing.T) {
	store := objects.OpenDisk(t.TempDir())
	dir := home(t, map[string]string{"a": "one"})
	take(t, store, dir, "1", Full)
	err := Take(t.Context(), store, dir, &Manifest{ID: "2", Home: "there"}, time.Now)
	if !errors.As(err, new(*OtherHomeError)) {
		t.Errorf("the store of another home got %v", err)
	}
}

func TestParseKeep(t *testing.T) {
	for text, want := range map[string]Keep{"": {}, "14": {Count: 14}, "30d": {Age: 720 * time.Hour}, "36h": {Age: 36 * time.Hour}} {
		if got, err := ParseKeep(text); err != nil || got != want {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "-1", "d", "0d", "week", "-3h"} {
		if _, err := ParseKeep(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
