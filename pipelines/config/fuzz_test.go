package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/connectors/all"
	"winback/connectors/spec"
	"winback/pipelines/config"
)

// FuzzConfig: whatever stands in winback.yaml and the .env beside it, reading
// both ends, and soon; a mistake is told with its place, and what was read
// without one opens or says why not.
func FuzzConfig(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "../../deploy/examples/*/winback.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text), "A=1\nB='x'\n")
		}
	}
	const head = "project: p\ntimezone: Europe/London\ncurrency: GBP\n"
	for _, text := range []string{
		"", "project: [", head, head + "as_of: 2024-02-30", head + "sources: {a: &a {connector: files, datasets: *a}}", "a: &a {<<: *a}", "&a [*a]",
		head + "churn: {segments: {x: {lost_after: 1}, y: *x}}", head + "warehouse: {url: \"http://u:p@h/\", password: ${A}}",
		head + "sources: {shop: {connector: files, datasets: {o: {files: 'a[', entity: shop.orders, fields: {id: {column: a, map: {x: y}}}}}}}",
		head + "sources: {shop: {connector: demo, seed: 99999999999999999999}}", head + "engine: {memory: 1e99 GB, threads: -1}", "timezone: ../../etc/passwd",
		head + bomb(9) + "sources: {a: {connector: files, datasets: *a9}}", head + bomb(9) + "churn: {segments: *a9}",
	} {
		f.Add(text, "")
	}
	f.Add(head+"warehouse: {url: https://h, password: ${A}}", "A=\"\\\nB")
	registry, err := all.Registry()
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	path := filepath.Join(dir, config.FileName)
	env := config.Env{
		Lookup: func(name string) (string, bool) { return "value", name == "SET" },
		Now:    func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
	}
	f.Fuzz(func(t *testing.T, text, dotenv string) {
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o644), os.WriteFile(filepath.Join(dir, ".env"), []byte(dotenv), 0o644)); err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		c, err := config.Load(path, registry, env)
		if took := time.Since(started); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		if err != nil {
			checkPlaces(t, err)
			return
		}
		for i := range c.Sources {
			if _, err := c.Open(&c.Sources[i], t.TempDir()); err != nil && !strings.HasPrefix(err.Error(), "open source ") {
				t.Errorf("it says %v", err)
			}
		}
	})
}

// checkPlaces says whether every mistake is told with its file.
func checkPlaces(t *testing.T, err error) {
	t.Helper()
	var list spec.List
	if !errors.As(err, &list) {
		t.Errorf("not a list of mistakes: %v", err)
	}
	for _, one := range list {
		if one.Pos.File == "" || one.Message == "" {
			t.Errorf("a mistake without a place or words: %+v", one)
		}
	}
}

// bomb is a small text that is enormous with its aliases written out.
func bomb(levels int) string {
	var text strings.Builder
	text.WriteString("a0: &a0 x\n")
	for i := range levels {
		fmt.Fprintf(&text, "a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 9), i)
	}
	return text.String()
}
