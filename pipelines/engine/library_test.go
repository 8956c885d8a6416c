package engine

import (
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// place puts a stand-in for the library into a folder, with a stamp unless
// version is empty.
func place(t *testing.T, dir, content, version string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, libraryName)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if version != "" {
		sum := sha512.Sum512([]byte(content))
		text, _ := json.Marshal(stamp{Version: version, SHA512: hex.EncodeToString(sum[:])})
		if err := os.WriteFile(filepath.Join(dir, stampName), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestFind_Order(t *testing.T) {
	root := t.TempDir()
	project := filepath.Join(root, "project")
	exe := filepath.Join(project, "bin", "winback")
	wd := filepath.Join(root, "elsewhere", "deep")
	if err := os.MkdirAll(wd, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(wd)
	env := environment("XDG_DATA_HOME", filepath.Join(root, "data"), LibraryVariable, filepath.Join(root, "named"))
	// From the last place looked at to the first: each new one wins.
	steps := []struct{ name, dir string }{
		{"the user's folder", filepath.Join(root, "data", "winback", "engine")},
		{"above the working directory", filepath.Join(root, "elsewhere", installDir)},
		{"above the program", filepath.Join(project, installDir)},
		{"beside the program", filepath.Join(project, "bin")},
		{"the variable", filepath.Join(root, "named")},
	}
	for _, s := range steps {
		want := place(t, s.dir, s.name, "")
		look := environment("XDG_DATA_HOME", env("XDG_DATA_HOME"))
		if s.name == "the variable" {
			look = env
		}
		got, err := Find(look, exe)
		if err != nil || got.Path != want {
			t.Errorf("%s: found %s, error %v", s.name, got.Path, err)
		}
	}
	if got, err := Find(environment("HOME", root), ""); err != nil || got.Path != filepath.Join(root, "elsewhere", installDir, libraryName) {
		t.Errorf("without a program: %s, error %v", got.Path, err)
	}
}

func TestFind_SymlinkedProgram(t *testing.T) {
	root := t.TempDir()
	want := place(t, filepath.Join(root, "opt"), "x", "")
	if err := os.WriteFile(filepath.Join(root, "opt", "winback"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(root, "winback")
	if err := os.Symlink(filepath.Join(root, "opt", "winback"), link); err != nil {
		t.Fatal(err)
	}
	real, _ := filepath.EvalSymlinks(want)
	if got, err := Find(environment(), link); err != nil || got.Path != real {
		t.Errorf("found %s, error %v", got.Path, err)
	}
}

func TestFind_Stamp(t *testing.T) {
	dir := t.TempDir()
	path := place(t, dir, "library", "26.7.3-stable.1")
	env := environment(LibraryVariable, path)
	check := func(name string, problem LibraryProblem, mentions string) {
		t.Helper()
		_, err := Find(env, "")
		var e *LibraryError
		if !errors.As(err, &e) || e.Problem != problem || !strings.Contains(err.Error(), mentions) || !strings.Contains(err.Error(), "`make engine`") {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than a line", name)
		}
	}
	if l, err := Find(env, ""); err != nil || l.Version != "26.7.3-stable.1" {
		t.Fatalf("%+v, error %v", l, err)
	}
	var noted stamp
	text, _ := os.ReadFile(filepath.Join(dir, stampName))
	if err := json.Unmarshal(text, &noted); err != nil || noted.Size != 7 || noted.Modified == 0 {
		t.Errorf("the check was not noted: %s", text)
	}

	// What was checked is not read again: same size and time, other bytes.
	info, _ := os.Stat(path)
	_ = os.WriteFile(path, []byte("LIBRARY"), 0o644)
	_ = os.Chtimes(path, info.ModTime(), info.ModTime())
	if _, err := Find(env, ""); err != nil {
		t.Errorf("checked twice: %v", err)
	}
	_ = os.Chtimes(path, info.ModTime(), info.ModTime().Add(-time.Hour))
	check("other bytes", LibraryDamaged, "sha512")
	_ = os.WriteFile(path, []byte("lib"), 0o644)
	check("cut short", LibraryDamaged, "sha512")
	_ = os.WriteFile(filepath.Join(dir, stampName), []byte("{"), 0o644)
	check("broken stamp", LibraryDamaged, "stamp")
	place(t, dir, "library", "26.7.2-rc.2")
	check("too old", LibraryTooOld, "26.7.2-rc.2")
	env = environment(LibraryVariable, filepath.Join(dir, "nowhere.so"))
	check("missing", LibraryMissing, "nowhere.so")
	env = environment(LibraryVariable, place(t, filepath.Join(dir, "other"), "no library", ""))
	if l, err := Find(env, ""); err != nil || l.Version != "" {
		t.Errorf("without a stamp: %+v, %v", l, err)
	}
}

func TestLoad_NoLibraryAtAll(t *testing.T) {
	path := place(t, t.TempDir(), "not a library", "")
	if _, err := bind(path); err == nil {
		t.Error("bound to a text file")
	}
}

func TestOlder(t *testing.T) {
	for _, c := range []struct {
		version string
		older   bool
	}{
		{"26.7.3", false}, {"26.7.3-stable.1", false}, {"26.7.10", false}, {"26.8", false}, {"27", false}, {"26.7.3.1", false},
		{"26.7.2-rc.2", true}, {"26.7", true}, {"25.12.9", true}, {"", true}, {"unknown", true},
	} {
		if got := older(c.version, MinimumVersion); got != c.older {
			t.Errorf("older(%q) = %v", c.version, got)
		}
	}
}
