package warehouse

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gofrs/flock"
)

// mark makes a folder that can be told from others.
func mark(t *testing.T, folder, name string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(folder, 0o750), os.WriteFile(filepath.Join(folder, "name"), []byte(name), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// named tells which folder stands at a path, "" if there is none.
func named(t *testing.T, folder string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "name"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

func TestReplace(t *testing.T) {
	home := t.TempDir()
	other := filepath.Join(home, "aside")
	mark(t, enginePath(other), "new")
	if err := Replace(t.Context(), home, other, 0); err != nil {
		t.Fatal(err)
	}
	if got := named(t, enginePath(home)); got != "new" {
		t.Errorf("where there was no warehouse stands %q", got)
	}
	mark(t, enginePath(other), "newer")
	if err := Replace(t.Context(), home, other, 0); err != nil {
		t.Fatal(err)
	}
	if got, left := named(t, enginePath(home)), named(t, enginePath(other)); got != "newer" || left != "new" {
		t.Errorf("in place stands %q, aside %q", got, left)
	}
}

// A kill may come between any two steps of a swap that takes several.
func TestMendReplace(t *testing.T) {
	for _, c := range []struct{ name, there, before, want string }{
		{"not begun", "old", "", "old"},
		{"the old one is put beside", "", "old", "old"},
		{"the new one is in place", "new", "old", "new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			home := t.TempDir()
			if c.there != "" {
				mark(t, enginePath(home), c.there)
			}
			if c.before != "" {
				mark(t, enginePath(home)+besideSuffix, c.before)
			}
			if err := mendReplace(home); err != nil {
				t.Fatal(err)
			}
			if got := named(t, enginePath(home)); got != c.want {
				t.Errorf("in place stands %q, not %q", got, c.want)
			}
			if got := named(t, enginePath(home)+besideSuffix); got != "" {
				t.Errorf("%q is left beside", got)
			}
		})
	}
}

func TestServing(t *testing.T) {
	home := t.TempDir()
	if _, ok := Serving(home); ok {
		t.Error("somebody serves a folder that nobody has opened")
	}
	e := endpoint{Address: "127.0.0.1:1", Holder: Holder{PID: 7, Purpose: ForServe}}
	if err := e.write(home); err != nil {
		t.Fatal(err)
	}
	if _, ok := Serving(home); ok {
		t.Error("one that was killed counts as serving")
	}
	lock := flock.New(lockFile(home))
	if owned, err := lock.TryLock(); !owned || err != nil {
		t.Fatal(owned, err)
	}
	defer lock.Unlock() //nolint:errcheck // the test ends
	if holder, ok := Serving(home); !ok || holder.PID != 7 {
		t.Errorf("got %+v, %v", holder, ok)
	}
}
