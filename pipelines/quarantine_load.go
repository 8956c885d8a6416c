package pipelines

import (
	"context"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"winback/pipelines/landing"
	"winback/pipelines/ledger"
	"winback/pipelines/load"
)

// quarantineRow is a record of the quarantine as ops.quarantine_records takes it.
type quarantineRow struct {
	ID          string `parquet:"id"`
	RunID       string `parquet:"run_id,dict"`
	Source      string `parquet:"source,dict"`
	Dataset     string `parquet:"dataset,dict"`
	Number      int64  `parquet:"number"`
	Entity      string `parquet:"entity,dict"`
	Input       string `parquet:"input,dict"`
	Line        int64  `parquet:"line"`
	Column      string `parquet:"column,dict"`
	Value       string `parquet:"value"`
	Reason      string `parquet:"reason,dict"`
	Record      string `parquet:"record"`
	Kept        bool   `parquet:"kept"`
	At          int64  `parquet:"at,timestamp(microsecond)"`
	State       string `parquet:"state,dict"`
	StateAt     *int64 `parquet:"state_at,optional,timestamp(microsecond)"`
	StateBy     string `parquet:"state_by,dict"`
	StateRun    string `parquet:"state_run,dict"`
	StateReason string `parquet:"state_reason,dict"`
	Tries       int64  `parquet:"tries"`
	Revision    int64  `parquet:"revision"`
}

// countOpen counts the records of which nothing has become.
func (r *run) countOpen(g *landing.QuarantineGroup) error {
	standings, err := g.Standings()
	if err != nil {
		return err
	}
	for _, s := range standings {
		if s.State == landing.StillOpen {
			r.waiting++
		}
	}
	return nil
}

// quarantineFile loads a group with what has become of its records. Whenever
// something becomes of them it counts as another file and is loaded again.
func (r *run) quarantineFile(g *landing.QuarantineGroup) load.File {
	l := ledger.Load{
		Path: g.Files[0].Path, Checksum: g.Checksum(), Source: g.Source, Entity: quarantineTable, RunID: g.RunID, Rows: int64(g.Rows),
	}
	if revision := g.Revision(); revision > 0 {
		l.Checksum = fmt.Sprintf("%s-%d", l.Checksum, revision)
	}
	for _, f := range g.Files {
		l.Bytes += f.Bytes
	}
	return load.File{
		Load: l, Table: quarantineTable, Columns: ledger.QuarantineColumns(),
		Open: func() (io.ReadCloser, error) {
			out, in := io.Pipe()
			go func() { in.CloseWithError(writeQuarantine(r.Zone, g, in)) }()
			return out, nil
		},
	}
}

// noteQuarantine remembers what the landing zone has of a source's quarantine.
func (r *run) noteQuarantine(source string, groups []*landing.QuarantineGroup) {
	paths := make(map[string]bool, len(groups))
	for _, g := range groups {
		paths[g.Files[0].Path] = true
	}
	r.aside[source] = paths
}

// pruneQuarantine takes records out of the warehouse whose files the landing zone has
// removed, as it keeps the last failures of a dataset only. A source that could not
// be looked through keeps all of its records.
func (r *run) pruneQuarantine(ctx context.Context) error {
	loads, err := r.ledger.QuarantineLoads(ctx)
	if err != nil {
		return err
	}
	for _, l := range loads {
		there, known := r.aside[l.Source]
		if !known || there[l.Path] {
			continue
		}
		if err := r.ledger.ForgetQuarantine(ctx, l, landing.DatasetOfQuarantine(l.Path)); err != nil {
			return err
		}
	}
	return nil
}

// writeQuarantine writes the records of a group as they stand, as Parquet.
func writeQuarantine(zone *landing.Zone, g *landing.QuarantineGroup, to io.Writer) error {
	w := parquet.NewGenericWriter[quarantineRow](to)
	id, revision := g.ID(), int64(g.Revision())
	for r, err := range zone.QuarantineRecords(context.Background(), g) {
		if err != nil {
			return err
		}
		row := quarantineRow{
			ID: recordID(id, r.Number), RunID: r.RunID, Source: r.Source, Dataset: r.Dataset, Number: int64(r.Number), Entity: r.Entity,
			Input: r.Input, Line: r.Line, Column: r.Column, Value: r.Value, Reason: r.Reason, Record: r.Record, Kept: r.Kept, At: r.At,
			State: string(r.State), StateBy: r.Last.By, StateRun: r.Last.RunID, StateReason: r.Last.Reason, Tries: int64(r.Tries), Revision: revision,
		}
		if !r.Last.At.IsZero() {
			at := r.Last.At.UnixMicro()
			row.StateAt = &at
		}
		if _, err := w.Write([]quarantineRow{row}); err != nil {
			return err
		}
	}
	return w.Close()
}

// recordID is the name of a record: that of its group, and its number.
func recordID(group string, number int) string { return fmt.Sprintf("%s.%d", group, number) }
