package demo_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/all"
	"winback/connectors/demo"
	"winback/connectors/entity"
	"winback/pipelines/config"
)

// counter is a sink that counts.
type counter struct {
	rows    int64
	inputs  int32
	rejects map[string]int // by kind of reason
	lines   []string
}

func (c *counter) NewBatch(s *entity.Schema) *entity.Batch { return entity.NewBatch(s) }
func (c *counter) Write(_ context.Context, b *entity.Batch) error {
	c.rows += int64(b.Rows())
	return nil
}
func (c *counter) Reject(_ context.Context, r connectors.Reject) error {
	kind := "missing"
	switch {
	case strings.HasSuffix(r.Column, "quantity"):
		kind = "value"
	case r.Column == "OPPORTUNITY":
		kind = "amount"
	case !strings.HasPrefix(r.Record, "{") && strings.Count(r.Record, ",")+strings.Count(r.Record, ";") < 7 && !strings.HasPrefix(r.Record, ","):
		kind = "short"
	}
	c.rejects[kind]++
	c.lines = append(c.lines, r.Input+": "+r.Reason+": "+r.Record)
	return nil
}
func (c *counter) Count(*entity.Schema, connectors.Counts) {}
func (c *counter) Input(string) int32                      { c.inputs++; return c.inputs }

// The files connector reads a demo with its configuration: every row arrives, and
// exactly the dirt is put aside.
func TestConfig_ReadByTheConnector(t *testing.T) {
	o := demo.DefaultOptions(t.TempDir(), time.Date(2026, 3, 17, 0, 0, 0, 0, time.UTC))
	o.Customers = 1_000
	truth, err := demo.Generate(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := demo.Config(o)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, config.FileName)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	registry, err := all.Registry()
	if err != nil {
		t.Fatal(err)
	}
	project, err := config.Load(path, registry, config.SystemEnv())
	if err != nil {
		t.Fatal(err)
	}
	got := &counter{rejects: map[string]int{}}
	for _, source := range project.Sources {
		extractAll(t, project, source, got)
	}
	want := int64(truth.Dirt.RepeatedRows) // told from rows only when landed
	for _, f := range truth.Files {
		if f.Name != truth.LinksFile {
			want += f.Rows
		}
	}
	want += 4 // those who take orders by telephone, named in the queue's log
	if got.rows != want {
		t.Errorf("%d rows, want %d", got.rows, want)
	}
	if got.rejects["short"] != truth.Dirt.ShortLines || got.rejects["value"] != truth.Dirt.BadValues || got.rejects["missing"] != truth.Dirt.MissingIDs || got.rejects["amount"] != truth.Dirt.BadAmounts {
		t.Errorf("put aside %v, dirt %+v\n%s", got.rejects, truth.Dirt, strings.Join(got.lines, "\n"))
	}
}

func extractAll(t *testing.T, project *config.Config, configured config.Source, into *counter) {
	t.Helper()
	env := connectors.Env{Name: configured.Name, Dir: project.Dir, Location: project.Location, Currency: demo.Currency}
	source, err := configured.Connector.Open(configured.Config, env)
	if err != nil {
		t.Fatal(err)
	}
	for _, dataset := range source.Datasets() {
		if _, err := source.Extract(context.Background(), connectors.Request{Dataset: dataset.Name}, into); err != nil {
			t.Errorf("%s: %v", dataset.Name, err)
		}
	}
}
