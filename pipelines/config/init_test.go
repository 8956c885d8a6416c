package config_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/files"
	"winback/pipelines/config"
)

// filesRegistry knows the real files connector, so that what Init writes is checked by the one who reads it.
func filesRegistry(t *testing.T) *connectors.Registry {
	t.Helper()
	r, err := connectors.NewRegistry(files.Connector())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func initOptions() config.InitOptions {
	return config.InitOptions{Timezone: "Europe/London", Currency: "gbp", Now: func() time.Time {
		return time.Date(2024, 5, 20, 12, 0, 0, 0, time.UTC)
	}}
}

func names(dir string, paths []string) []string {
	var out []string
	for _, path := range paths {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			name = path
		}
		out = append(out, filepath.ToSlash(name))
	}
	slices.Sort(out)
	return out
}

func TestInit_NewFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "acme")
	result, err := config.Init(dir, initOptions())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".env.example", ".gitignore", "data/example-orders.csv", "winback.yaml"}
	if got := names(dir, result.Wrote); !slices.Equal(got, want) || len(result.Kept) != 0 {
		t.Errorf("wrote %v, kept %v", got, result.Kept)
	}
	c, err := config.Load(filepath.Join(dir, "winback.yaml"), filesRegistry(t), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.Project != "acme" || c.Currency != "GBP" || c.Timezone != "Europe/London" || c.AsOf.String() != "2024-03-09" || len(c.Sources) != 1 {
		t.Errorf("got %+v", c)
	}
}

// TestInit_FirstFiles: the example shown is read by the mapping beside it, once it has the name that is read.
func TestInit_ExampleFitsTheMapping(t *testing.T) {
	dir := t.TempDir()
	if _, err := config.Init(dir, initOptions()); err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join(dir, "data/example-orders.csv"))
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(example), "\n")
	c, err := config.Load(filepath.Join(dir, "winback.yaml"), filesRegistry(t), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	fields, ok := c.Sources[0].Config.(*files.Config).Datasets.Get("orders")
	if !ok {
		t.Fatal("no dataset orders")
	}
	for name, field := range fields.Fields.All() {
		for _, column := range field.Column {
			if !slices.Contains(strings.Split(header, ","), column) {
				t.Errorf("%s: the example has no column %q", name, column)
			}
		}
	}
	if match, err := filepath.Match(string(fields.Files[0]), filepath.Join(dir, "data/example-orders.csv")); match || err != nil {
		t.Errorf("the example would be read as data: %v", err)
	}
	if match, err := filepath.Match(string(fields.Files[0]), filepath.Join(dir, "data/orders.csv")); !match || err != nil {
		t.Errorf("data/orders.csv would not be read: %v", err)
	}
}

// counting is a sink that counts rows by entity and keeps what was put aside.
type counting struct {
	rows    map[string]int
	rejects []string
	inputs  []string
}

func (c *counting) NewBatch(s *entity.Schema) *entity.Batch { return entity.NewBatch(s) }
func (c *counting) Write(_ context.Context, b *entity.Batch) error {
	c.rows[b.Schema.FullName()] += b.Rows()
	return nil
}
func (c *counting) Reject(_ context.Context, r connectors.Reject) error {
	c.rejects = append(c.rejects, fmt.Sprintf("%s:%d %s: %s", filepath.Base(r.Input), r.Line, r.Column, r.Reason))
	return nil
}
func (c *counting) Count(*entity.Schema, connectors.Counts) {}
func (c *counting) Input(name string) int32 {
	if at := slices.Index(c.inputs, name); at >= 0 {
		return int32(at)
	}
	c.inputs = append(c.inputs, name)
	return int32(len(c.inputs) - 1)
}

// TestInit_OwnFiles: what is written for every folder of somebody's files reads those files.
func TestInit_OwnFiles(t *testing.T) {
	for name, want := range map[string]string{
		"ambiguous": "shop.orders=2",
		"american":  "shop.orders=2",
		"awkward":   "shop.orders=1",
		"hash_id":   "shop.orders=2",
		"ndjson":    "shop.orders=2",
		"retail":    "shop.order_lines=7 shop.orders=5 shop.refunds=2",
		"russian":   "shop.orders=3",
		"separate":  "shop.customers=2 shop.order_lines=1 shop.orders=2 shop.products=1",
		"shopify":   "shop.order_lines=3 shop.orders=2",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("scaffold/testdata", name))); err != nil {
				t.Fatal(err)
			}
			if _, err := config.Init(dir, initOptions()); err != nil {
				t.Fatal(err)
			}
			got := extract(t, dir)
			if text := got.String(); text != want {
				t.Errorf("got %s, want %s", text, want)
			}
			if name == "ndjson" { // it has one line that is no JSON
				got.rejects = got.rejects[:len(got.rejects)-1]
			}
			if len(got.rejects) > 0 {
				t.Errorf("put aside: %v", got.rejects)
			}
		})
	}
}

// TestInit_NoFilesYet: the first run says in a sentence what is missing and where it is looked for.
func TestInit_NoFilesYet(t *testing.T) {
	dir := t.TempDir()
	if _, err := config.Init(dir, initOptions()); err != nil {
		t.Fatal(err)
	}
	source := openOnly(t, dir)
	_, err := source.Extract(t.Context(), connectors.Request{Dataset: "orders"}, &counting{rows: map[string]int{}})
	if !errors.Is(err, connectors.ErrNoInput) || !strings.Contains(err.Error(), "orders*.csv") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	example := filepath.Join(dir, "data", "example-orders.csv")
	if err := os.Rename(example, filepath.Join(dir, "data", "orders.csv")); err != nil {
		t.Fatal(err)
	}
	if got := extract(t, dir); got.String() != "shop.orders=4" || len(got.rejects) != 0 {
		t.Errorf("the example gives %v, put aside %v", got, got.rejects)
	}
}

func openOnly(t *testing.T, dir string) connectors.Source {
	t.Helper()
	now := env(nil)
	now.Now = initOptions().Now
	c, err := config.Load(filepath.Join(dir, "winback.yaml"), filesRegistry(t), now)
	if err != nil {
		t.Fatal(err)
	}
	source, err := c.Open(&c.Sources[0], t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func extract(t *testing.T, dir string) *counting {
	t.Helper()
	source, got := openOnly(t, dir), &counting{rows: map[string]int{}}
	for _, dataset := range source.Datasets() {
		if _, err := source.Extract(t.Context(), connectors.Request{Dataset: dataset.Name}, got); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

func (c *counting) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.rows)) {
		parts = append(parts, fmt.Sprintf("%s=%d", name, c.rows[name]))
	}
	return strings.Join(parts, " ")
}

func TestInit_NeverOverwrites(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".env.example"), "mine")
	result, err := config.Init(dir, initOptions())
	if err != nil {
		t.Fatal(err)
	}
	if got := names(dir, result.Kept); !slices.Equal(got, []string{".env.example"}) {
		t.Errorf("kept %v", got)
	}
	before, err := os.ReadFile(filepath.Join(dir, "winback.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.Init(dir, config.InitOptions{Project: "other"})
	if exists, ok := errors.AsType[*config.ExistsError](err); !ok || exists.Hint() == "" {
		t.Errorf("got %v", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "winback.yaml"))
	if err != nil || string(after) != string(before) {
		t.Errorf("winback.yaml was changed (%v)", err)
	}
	if mine, err := os.ReadFile(filepath.Join(dir, ".env.example")); err != nil || string(mine) != "mine" {
		t.Errorf(".env.example was changed to %q (%v)", mine, err)
	}
}

func TestInit_ErrOptions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "acme")
	_, err := config.Init(dir, config.InitOptions{Timezone: "Mars", Currency: "ZZZ"})
	if _, ok := errors.AsType[*config.Error](err); !ok || !strings.Contains(err.Error(), "Mars") || !strings.Contains(err.Error(), "ZZZ") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made all the same")
	}
}

func TestInit_ErrNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	if _, err := config.Init(filepath.Join(file, "acme"), initOptions()); err == nil {
		t.Error("a file is no folder")
	}
}

func TestInit_NotesAndJSON(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("scaffold/testdata/separate")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "calls.csv"), "call,agent\n1,x\n")
	result, err := config.Init(dir, initOptions())
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(result.Found.Notes(), "\n")
	for _, want := range []string{"orders.csv: orders, one row each", "calls.csv: not understood"} {
		if !strings.Contains(notes, want) {
			t.Errorf("misses %q in\n%s", want, notes)
		}
	}
	text, err := json.Marshal(result)
	if err != nil || !strings.Contains(string(text), `{"path":"orders.csv","dataset":"orders"`) {
		t.Errorf("got %s, %v", text, err)
	}
}
