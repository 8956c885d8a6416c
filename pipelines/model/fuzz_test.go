package model

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	sqlfiles "winback/sql"
)

// quick is how long reading a file of a person's may take, with room for a busy
// machine: what takes longer hangs.
const quick = 5 * time.Second

// within fails the test when work takes longer than any file may.
func within(t *testing.T, work func()) {
	t.Helper()
	started := time.Now()
	work()
	if took := time.Since(started); took > quick {
		t.Errorf("took %v", took)
	}
}

// addFiles seeds a fuzz test with the product's own files of an ending, cut to
// what mutates well.
func addFiles(f *testing.F, ending string) {
	f.Helper()
	err := fs.WalkDir(sqlfiles.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ending) || path == "metrics.yml" {
			return err
		}
		text, err := fs.ReadFile(sqlfiles.Files, path)
		if len(text) < 8_000 {
			f.Add(string(text))
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
}

// checkProblems says whether every problem has words and a line of the file.
func checkProblems(t *testing.T, problems Problems, text string) {
	t.Helper()
	lines := strings.Count(text, "\n") + strings.Count(text, "\r") + 2 // a return alone ends a line of YAML
	for _, p := range problems {
		if p.Text == "" || p.Line < 0 || p.Line > lines {
			t.Errorf("a problem without words or place: %+v in %d lines", p, lines)
		}
	}
}

// FuzzModelProperties: whatever stands in the .yml beside a model, reading it
// ends, and soon; what is wrong is told with its place.
func FuzzModelProperties(f *testing.F) {
	addFiles(f, ".yml")
	for _, text := range []string{
		"", "a", "- 1", "columns: [{name: &x [*x]}]", "a: &a {<<: *a}", "columns: &c [*c]", "<<: {<<: {}}", "? {a: b}\n: c",
		"unit_tests: [{name: t, given: [{ref: a, rows: [&r {x: *r}]}]}]", "*a : b", "&a *a", "!!binary x", "{", "\x00", "a: |\n  x\n b",
		"unit_tests: [{given: [{source: a.b, csv: \"x,y\\n1\"}], expect: {rows: [{x: 1}]}}]", "columns: [{checks: [{unique: [a, b]}]}]",
		bomb(9) + "unit_tests: [{name: t, given: [{ref: x, rows: [{v: *a9}]}]}]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []Materialization{Table, Seed} {
			var problems Problems
			within(t, func() {
				readProperties(&Model{Name: "m", PropertiesPath: "sql/m.yml", Materialized: kind}, []byte(text), &problems)
			})
			checkProblems(t, problems, text)
		}
	})
}

// FuzzHeader: whatever a .sql file begins with, reading its header and its SQL
// ends, and what is wrong is told with its place.
func FuzzHeader(f *testing.F) {
	addFiles(f, ".sql")
	for _, text := range []string{"", "--", "-- a: b", "-- materialized: table, order_by: x, order_by: y", "-- x\n-- settings: a=1,b\n;", "\ufeff-- a: b\nselect 1;;"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var problems Problems
		within(t, func() {
			m := &Model{Name: "m", Path: "sql/m.sql"}
			h := parseHeader(m.Path, text, modelKeys, &problems)
			h.applyTo(m, &problems)
			m.sql = parseTemplate(m.Path, m.body, m.bodyLine, &problems)
		})
		checkProblems(t, problems, text)
	})
}

// FuzzTemplate: whatever stands in the SQL of a model, it is refused with its
// place or it compiles.
func FuzzTemplate(f *testing.F) {
	addFiles(f, ".sql")
	for _, text := range []string{
		`{{ ref "a" }}`, `{{ source "a" "b" }}`, `{{ .AsOf }}`, `{{ range .Churn.Segments }}{{ .Name }}{{ else }}{{ .AsOf }}{{ end }}`, `{{ template "x" }}`,
		`{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`, `{{ range .Churn.Segments }}{{ range $.Churn.Segments }}{{ .Nope }}{{ end }}{{ end }}`,
		`{{ $x := 1 }}`, `{{ "a" | ref }}`, `{{ block "b" . }}{{ end }}`, `{{/* c */}}`, `{{ printf "%1000000000d" 1 }}`, `{{ $ }}`, `{{ . }}`, `{{ .Churn }}`, `{{ (ref "a") }}`, "{{", `{{ break }}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var problems Problems
		within(t, func() {
			sql := parseTemplate("sql/m.sql", text, 1, &problems)
			if sql == nil || len(problems) > 0 {
				return
			}
			name := func(string) string { return "`db`.`t`" }
			if _, err := sql.execute("", DefaultVars().forTemplate(), resolver{ref: name, source: Source.Relation}); err != nil {
				t.Errorf("accepted, and does not compile: %v", err)
			}
		})
		checkProblems(t, problems, text)
	})
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
