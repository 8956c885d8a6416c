package connectors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"winback/connectors/entity"
)

// sampleRows is how many rows a check shows of each entity.
const sampleRows = 3

// CheckBySample tries a source by reading the first rows of every dataset, as an
// extraction would. It is a Check for sources that have nothing better. about, if
// not nil, says more of a dataset that is in order: how many records it has, what
// of it cannot be seen. What is wrong with the whole source is told once.
func CheckBySample(ctx context.Context, s Source, about func(ctx context.Context, dataset string) (string, error)) ([]Finding, error) {
	var findings []Finding
	for _, d := range s.Datasets() {
		found, err := checkDataset(ctx, s, d, about)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			findings = append(findings, Finding{Dataset: d.Name, Text: err.Error()})
			if OfWholeSource(err) {
				return findings, nil
			}
			continue
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

func checkDataset(ctx context.Context, s Source, d Dataset, about func(context.Context, string) (string, error)) ([]Finding, error) {
	sink := &sampleSink{dataset: d, rows: map[*entity.Schema][][]string{}}
	var notices []Notice
	req := Request{Dataset: d.Name, Sample: sampleRows, Notice: func(n Notice) { notices = append(notices, n) }}
	if _, err := s.Extract(ctx, req, sink); err != nil && !errors.Is(err, ErrEnough) {
		return nil, err
	}
	text := "can be read"
	if about != nil {
		more, err := about(ctx, d.Name)
		if err != nil {
			return nil, err
		}
		if more != "" {
			text = more
		}
	}
	var findings []Finding
	for _, e := range d.Entities {
		f := Finding{Dataset: d.Name, OK: true, Text: text}
		if len(d.Entities) > 1 {
			f.Text = fmt.Sprintf("%s: %s", e.FullName(), text)
		}
		if f.Header, f.Rows = narrow(e, sink.rows[e]); len(f.Rows) == 0 {
			f.Text += "; there are no rows yet"
		}
		findings = append(findings, f)
	}
	for _, r := range sink.rejects {
		findings = append(findings, Finding{Dataset: d.Name, OK: true, Warning: true, Text: fmt.Sprintf("%s, record %d: %s %s", r.Input, r.Line, r.Column, r.Reason)})
	}
	for _, n := range notices {
		findings = append(findings, Finding{Dataset: d.Name, OK: true, Warning: true, Text: n.Text})
	}
	return findings, nil
}

// columnsShown is how many columns fit beside each other.
const columnsShown = 8

// narrow keeps the first columns that have a value.
func narrow(e *entity.Schema, rows [][]string) (header []string, narrowed [][]string) {
	narrowed = make([][]string, len(rows))
	for i, f := range e.Fields {
		if f.Meta || len(header) == columnsShown || !slices.ContainsFunc(rows, func(row []string) bool { return row[i] != "" }) {
			continue
		}
		header = append(header, f.Name)
		for at, row := range rows {
			narrowed[at] = append(narrowed[at], row[i])
		}
	}
	return header, narrowed
}

// sampleSink keeps the first rows of each entity.
type sampleSink struct {
	dataset Dataset
	rows    map[*entity.Schema][][]string // one text for each field
	taken   int
	rejects []Reject
}

// sampleLimit ends a sample in which an entity does not come.
const sampleLimit = 50

func (s *sampleSink) NewBatch(e *entity.Schema) *entity.Batch { return entity.NewBatch(e) }
func (s *sampleSink) Count(*entity.Schema, Counts)            {}
func (s *sampleSink) Input(string) int32                      { return 0 }

func (s *sampleSink) Write(_ context.Context, b *entity.Batch) error {
	b.Align()
	for i := range b.Rows() {
		s.taken++
		if len(s.rows[b.Schema]) < sampleRows {
			s.rows[b.Schema] = append(s.rows[b.Schema], texts(b, i))
		}
	}
	return s.enough()
}

func (s *sampleSink) Reject(_ context.Context, r Reject) error {
	if s.taken++; len(s.rejects) < sampleRows {
		s.rejects = append(s.rejects, r)
	}
	return s.enough()
}

func (s *sampleSink) enough() error {
	if s.taken < sampleLimit {
		for _, e := range s.dataset.Entities {
			if len(s.rows[e]) < sampleRows {
				return nil
			}
		}
	}
	return ErrEnough
}

func texts(b *entity.Batch, i int) []string {
	row := make([]string, len(b.Columns))
	for at := range b.Columns {
		c := &b.Columns[at]
		if !c.IsNull(i) {
			row[at] = strings.Join(strings.Fields(c.TextOf(i)), " ")
		}
	}
	return row
}
