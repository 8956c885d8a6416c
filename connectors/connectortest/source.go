package connectortest

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/spec"
)

// Project is what a source under test learns of its project.
type Project struct {
	Dir      string
	Location *time.Location // nil is UTC
	Currency string         // "" is EUR
	Clock    connectors.Clock
	// Variables are what ${NAME} in the configuration stands for.
	Variables map[string]string
}

// Open makes a source from YAML, the keys of a source without its name and with
// the connector line.
func Open(connector *connectors.Connector, yaml string, p Project) (connectors.Source, error) {
	var errs spec.Errors
	lookup := func(name string) (string, bool) {
		value, ok := p.Variables[name]
		return value, ok
	}
	n := spec.Parse(filepath.Join(p.Dir, "winback.yaml"), []byte(yaml), spec.Options{Lookup: lookup}, &errs)
	config := connector.NewConfig()
	n.Without("connector", "quarantine").Decode(config, &errs)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	if p.Location == nil {
		p.Location = time.UTC
	}
	if p.Currency == "" {
		p.Currency = "EUR"
	}
	if p.Clock == nil {
		p.Clock = connectors.SystemClock{}
	}
	return connector.Open(config, connectors.Env{
		Name: "src", Dir: p.Dir, State: filepath.Join(p.Dir, "state"), Location: p.Location, Currency: p.Currency, Clock: p.Clock,
	})
}

// Reader extracts the datasets of a source again and again, as runs do: it keeps
// the cursors of what was committed.
type Reader struct {
	Source  connectors.Source
	Cursors map[string][]json.RawMessage
	// Committed is what was committed so far.
	Committed *Memory
	// Slices is how many commits the last Run made.
	Slices int
	// OnWrite, if set, is called with each batch that the source hands over.
	OnWrite func(b *entity.Batch)
}

// NewReader returns a reader that has read nothing.
func NewReader(s connectors.Source) *Reader {
	return &Reader{Source: s, Cursors: map[string][]json.RawMessage{}, Committed: NewMemory()}
}

// maxSlices stops a source that says More for ever.
const maxSlices = 2_000

// Run extracts every dataset, slice by slice, and returns what it got, committed
// slices of a dataset that failed included. It goes on with the next dataset after
// an error, and returns the first.
func (r *Reader) Run(ctx context.Context) (*Memory, error) {
	all := NewMemory()
	r.Slices = 0
	var first error
	for _, d := range r.Source.Datasets() {
		if err := r.dataset(ctx, d, nil, all); err != nil && first == nil {
			first = fmt.Errorf("%s: %w", d.Name, err)
		}
	}
	return all, first
}

// Again extracts a range of time again, of the datasets that can, and keeps no
// cursor.
func (r *Reader) Again(ctx context.Context, span connectors.Range) (*Memory, error) {
	all := NewMemory()
	backfiller, ok := r.Source.(connectors.Backfiller)
	if !ok {
		return all, nil
	}
	for _, d := range r.Source.Datasets() {
		if !backfiller.Backfills(d.Name) {
			continue
		}
		if err := r.dataset(ctx, d, &span, all); err != nil {
			return all, fmt.Errorf("%s: %w", d.Name, err)
		}
	}
	return all, nil
}

func (r *Reader) dataset(ctx context.Context, d connectors.Dataset, span *connectors.Range, all *Memory) error {
	cursors := r.Cursors[d.Name]
	if span != nil {
		cursors = nil
	}
	for range maxSlices {
		slice := NewMemory()
		slice.OnWrite = r.OnWrite
		got, err := r.Source.Extract(ctx, connectors.Request{Dataset: d.Name, Cursors: cursors, Range: span, Notice: slice.Notice}, slice)
		if err != nil {
			return err
		}
		if got.Cursor != nil {
			cursors = append(cursors[:len(cursors):len(cursors)], got.Cursor)
			if span != nil {
				cursors = cursors[len(cursors)-1:]
			} else {
				r.Cursors[d.Name] = cursors
			}
		}
		r.Slices++
		all.merge(slice)
		r.Committed.merge(slice)
		if !got.More {
			return nil
		}
	}
	return fmt.Errorf("said %d times that there is more", maxSlices)
}

// MustRun is Run for a test that expects no error.
func (r *Reader) MustRun(t testing.TB) *Memory {
	t.Helper()
	m, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}
