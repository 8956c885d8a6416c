package files

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/spec"
)

// memory is a sink that keeps everything as text.
type memory struct {
	inputs  []string
	rows    map[string][]string // by entity: name=value …
	origins map[string][]entity.Origin
	rejects []connectors.Reject
	counts  map[string]connectors.Counts
	each    func(b *entity.Batch)
	fail    error // returned by Write
}

func newMemory() *memory {
	return &memory{rows: map[string][]string{}, origins: map[string][]entity.Origin{}, counts: map[string]connectors.Counts{}}
}

func (m *memory) NewBatch(s *entity.Schema) *entity.Batch { return entity.NewBatch(s) }

func (m *memory) Write(_ context.Context, b *entity.Batch) error {
	b.Align()
	if m.each != nil {
		m.each(b)
		return m.fail
	}
	name := b.Schema.FullName()
	for i := range b.Rows() {
		m.rows[name] = append(m.rows[name], rowText(b, i))
		m.origins[name] = append(m.origins[name], b.Origins[i])
	}
	return m.fail
}

func (m *memory) Reject(_ context.Context, r connectors.Reject) error {
	m.rejects = append(m.rejects, r)
	return nil
}

func (m *memory) Count(s *entity.Schema, c connectors.Counts) {
	sum := m.counts[s.FullName()]
	sum.Read += c.Read
	sum.Ignored += c.Ignored
	sum.Duplicates += c.Duplicates
	m.counts[s.FullName()] = sum
}

func (m *memory) Input(name string) int32 {
	m.inputs = append(m.inputs, name)
	return int32(len(m.inputs))
}

// rowText writes the values of a row that are not null, in contract order.
func rowText(b *entity.Batch, row int) string {
	var parts []string
	for i := range b.Columns {
		c := &b.Columns[i]
		f := c.Field
		if c.IsNull(row) || f.Meta && f.Required && (f.Name != "deleted" || c.Ints[row] == 0) {
			continue
		}
		text := c.TextOf(row)
		if text == "" {
			continue
		}
		parts = append(parts, f.Name+"="+text)
	}
	return strings.Join(parts, " ")
}

// config decodes the YAML of a source.
func config(t testing.TB, dir, text string) (*Config, error) {
	t.Helper()
	var errs spec.Errors
	n := spec.Parse(filepath.Join(dir, "winback.yaml"), []byte(text), spec.Options{Lookup: os.LookupEnv}, &errs)
	var c Config
	n.Decode(&c, &errs)
	return &c, errs.Err()
}

// folder is a source of files in a directory of the test.
type folder struct {
	t      testing.TB
	dir    string
	source connectors.Source
	past   []json.RawMessage
}

// newFolder writes files, by name, and opens a source over them.
func newFolder(t testing.TB, yaml string, contents map[string]string) *folder {
	t.Helper()
	f := &folder{t: t, dir: t.TempDir()}
	for name, text := range contents {
		f.write(name, text)
	}
	f.configure(yaml)
	return f
}

func (f *folder) configure(yaml string) {
	f.t.Helper()
	c, err := config(f.t, f.dir, yaml)
	if err != nil {
		f.t.Fatal(err)
	}
	f.source = openConfig(f.t, f.dir, c)
}

func openConfig(t testing.TB, dir string, c *Config) connectors.Source {
	t.Helper()
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Connector().Open(c, connectors.Env{Name: "shop", Dir: dir, Location: london, Currency: "GBP"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *folder) write(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// extract reads the only dataset, with the cursors of earlier calls.
func (f *folder) extract() (*memory, error) {
	f.t.Helper()
	m := newMemory()
	next, err := f.source.Extract(context.Background(), f.request(), m)
	if err == nil && next.Cursor != nil {
		f.past = append(f.past, next.Cursor)
	}
	return m, err
}

func (f *folder) mustExtract() *memory {
	f.t.Helper()
	m, err := f.extract()
	if err != nil {
		f.t.Fatal(err)
	}
	return m
}

func (f *folder) request() connectors.Request {
	return connectors.Request{Dataset: f.source.Datasets()[0].Name, Cursors: f.past}
}

func mustLocation(t testing.TB) *time.Location {
	t.Helper()
	location, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return location
}
