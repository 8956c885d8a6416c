package demo

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The first lines of every file of one small company: what a reader sees who
// opens them.
func TestGenerate_FirstLines(t *testing.T) {
	o := small(t.TempDir())
	truth := generate(t, o)
	files := contents(t, o.Dir)
	var got strings.Builder
	for _, f := range truth.Files {
		if strings.Contains(f.Name, "_2025-0") || strings.Contains(f.Name, "_2025-1") && !strings.Contains(f.Name, "2025-12") {
			continue // three months are enough to see
		}
		got.WriteString("-- " + f.Name + " --\n")
		lines := strings.SplitAfter(unpacked(t, files, f.Name), "\n")
		for _, line := range lines[:min(6, len(lines))] {
			got.WriteString(strings.ReplaceAll(strings.ReplaceAll(line, "\ufeff", "<BOM>"), "\r", "<CR>"))
		}
	}
	golden(t, "first_lines.golden", got.String())
}

func TestConfig(t *testing.T) {
	got, err := Config(small("."))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "winback.golden.yaml", string(got))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		mustWrite(t, path, got)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}
