package config_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"winback/pipelines/config"
)

// TestInit_RealFiles: each published data set and each sample of an export, alone in a folder, becomes a project whose
// configuration is read without edits, and of what it takes the file for, nearly all records fit. What each was taken
// for stands in testdata/real_files.golden.
func TestInit_RealFiles(t *testing.T) {
	t.Parallel()
	root := os.Getenv("WINBACK_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	root, err := filepath.Abs(root)
	if err == nil {
		_, err = os.Stat(root)
	}
	switch {
	case err == nil:
	case os.Getenv("CI") == "":
		t.Skipf("SKIPPED, NOTHING WAS TESTED: %v; set WINBACK_TESTDATA to the folder of the data sets", err)
	default:
		t.Fatal(err)
	}
	var told []string
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(path, root), string(filepath.Separator)))
		if err != nil || entry.IsDir() || !strings.Contains(name, "/") {
			return err
		}
		told = append(told, name+": "+taken(t, path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(told, "\n") + "\n"
	golden := filepath.Join("testdata", "real_files.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// taken makes a project of one file, reads it, and says what became of it.
func taken(t *testing.T, path string) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, strings.TrimSuffix(filepath.Base(path), ".gz")), begin(t, path), 0o644); err != nil {
		t.Fatal(err)
	}
	result, err := config.Init(dir, initOptions())
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return err.Error()
	}
	if len(result.Found.Recognised) == 0 {
		return "not understood"
	}
	counts, read := extract(t, dir), 0
	for _, rows := range counts.rows {
		read += rows
	}
	if len(counts.rejects)*20 > read || read == 0 {
		text, _ := os.ReadFile(filepath.Join(dir, config.FileName))
		t.Errorf("%s: %d of %d records do not fit: %v\n%s", path, len(counts.rejects), read, counts.rejects[:min(len(counts.rejects), 5)], text)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts.rows)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts.rows[name], name))
	}
	return strings.Join(parts, ", ")
}

// begin is the first lines of a file, unpacked: enough to tell what it holds.
func begin(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var in io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	const most = 2 << 20
	text, err := io.ReadAll(io.LimitReader(in, most))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) == most {
		text = text[:bytes.LastIndexByte(text, '\n')+1]
	}
	return text
}
