package files

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the expectations of the cases")

// TestCases reads testdata/cases: each file holds a configuration, input files and
// what must come of them, as text.
//
//	winback.yaml       keys of the source
//	NAME               an input; NAME.quoted is written as Go strings, a line each
//	NAME.gz, NAME.zst  is packed before it is read
//	NAME.zip/MEMBER    is put into an archive, NAME.xlsx/PART into a workbook
//	want               rows, rejects and counts by entity
//	errors             instead of want: what is wrong with the configuration
func TestCases(t *testing.T) {
	paths, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) { runCase(t, path) })
	}
}

var memberBegin = regexp.MustCompile(`\.(zip|xlsx)/`)

func runCase(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := &folder{t: t, dir: dir}
	yaml, inputs := "", 0
	var kept []txtar.File
	expectation := "want"
	archives := map[string][]txtar.File{}
	for _, file := range archive.Files {
		switch file.Name {
		case "want", "errors":
			expectation = file.Name
			continue
		case "winback.yaml":
			yaml = string(file.Data)
		default:
			name, data := unpackInput(t, file)
			inputs++
			if at := memberBegin.FindStringIndex(name); at != nil {
				archive := name[:at[1]-1]
				archives[archive] = append(archives[archive], txtar.File{Name: name[at[1]:], Data: []byte(data)})
				break
			}
			f.write(name, data)
		}
		kept = append(kept, file)
	}
	for name, members := range archives {
		f.write(name, zipped(t, members))
	}
	got := outcome(t, f, yaml, inputs)
	if strings.HasPrefix(got, "winback.yaml") {
		expectation = "errors"
	}
	if *update {
		archive.Files = append(kept, txtar.File{Name: expectation, Data: []byte(got)})
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := ""
	for _, file := range archive.Files {
		if file.Name == expectation {
			want = string(file.Data)
		}
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s: -want +got; go test -run TestCases -update rewrites it\n%s", path, diff)
	}
}

func unpackInput(t *testing.T, file txtar.File) (name, data string) {
	name, data = file.Name, string(file.Data)
	if plain, quoted := strings.CutSuffix(name, ".quoted"); quoted {
		var out strings.Builder
		for line := range strings.Lines(data) {
			text, err := strconv.Unquote(strings.TrimSpace(line))
			if err != nil {
				t.Fatalf("%s: %s: %v", name, line, err)
			}
			out.WriteString(text)
		}
		name, data = plain, out.String()
	}
	switch filepath.Ext(name) {
	case ".gz":
		data = packed(t, data)
	case ".zst":
		data = string(must(zstd.NewWriter(nil)).EncodeAll([]byte(data), nil))
	}
	return name, data
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func zipped(t testing.TB, members []txtar.File) string {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, m := range members {
		w, err := archive.Create(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func packed(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// members lists members of an archive: name, text, name …
func members(namesAndTexts ...string) []txtar.File {
	var list []txtar.File
	for i := 0; i < len(namesAndTexts); i += 2 {
		list = append(list, txtar.File{Name: namesAndTexts[i], Data: []byte(namesAndTexts[i+1])})
	}
	return list
}

// rewritePart changes a member of an archive; without a pattern the member is left
// out.
func rewritePart(t testing.TB, archive, name, pattern, replacement string) string {
	t.Helper()
	in, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var list []txtar.File
	for _, m := range in.File {
		text, err := io.ReadAll(must(m.Open()))
		switch {
		case err != nil:
			t.Fatal(err)
		case m.Name == name && pattern == "":
			continue
		case m.Name == name:
			text = regexp.MustCompile(pattern).ReplaceAll(text, []byte(replacement))
		}
		list = append(list, txtar.File{Name: m.Name, Data: text})
	}
	return zipped(t, list)
}

// outcome writes down what comes of a configuration and its files.
func outcome(t *testing.T, f *folder, yaml string, inputs int) string {
	c, err := config(t, f.dir, yaml)
	if err != nil {
		return strings.ReplaceAll(err.Error(), f.dir+"/", "") + "\n"
	}
	f.source = openConfig(t, f.dir, c)
	if inputs == 0 {
		return "the configuration is right\n"
	}
	m, err := f.extract()
	if err != nil {
		return "error: " + strings.ReplaceAll(err.Error(), f.dir+"/", "") + "\n"
	}
	return m.text()
}

// text writes down everything that a sink was given.
func (m *memory) text() string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.rows)) {
		for i, row := range m.rows[name] {
			at := m.origins[name][i]
			fmt.Fprintf(&out, "%s %s:%d: %s\n", name, m.inputs[at.Input-1], at.Line, printable(row))
		}
	}
	for _, r := range m.rejects {
		fmt.Fprintf(&out, "reject %s %s:%d", r.Entity.FullName(), r.Input, r.Line)
		if r.Column != "" {
			fmt.Fprintf(&out, " %s=%q", r.Column, r.Value)
		}
		fmt.Fprintf(&out, ": %s\n    %q\n", r.Reason, r.Record)
	}
	for _, name := range slices.Sorted(maps.Keys(m.counts)) {
		c := m.counts[name]
		fmt.Fprintf(&out, "count %s: %d read, %d ignored, %d duplicates\n", name, c.Read, c.Ignored, c.Duplicates)
	}
	return out.String()
}

// printable keeps a row on one line.
func printable(text string) string {
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
