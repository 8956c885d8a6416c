package pipelines

import (
	"context"
	"errors"
	"fmt"
	"os"

	"winback/pipelines/ledger"
	"winback/pipelines/model"
	"winback/pipelines/verify"
	"winback/pipelines/warehouse"
)

// Verify pushes the published cases through the models, in a warehouse that is
// thrown away. data is the folder of the public data sets, "" without them.
func Verify(ctx context.Context, models *model.Project, data string) (report verify.Report, err error) {
	home, err := os.MkdirTemp("", "winback-verify-")
	if err != nil {
		return report, fmt.Errorf("make a folder to compute in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	w, err := warehouse.Open(ctx, warehouse.Options{Home: home, Purpose: warehouse.ForRun})
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return verify.Run(ctx, w, verify.Options{Data: data, Models: models, Sources: contractColumns{}})
}

// RecordVerification adds the report to ops.verifications of the project's
// warehouse, where dashboards find it. The last one counts.
func (p *Project) RecordVerification(ctx context.Context, report verify.Report, version string) (err error) {
	w, err := p.OpenWarehouse(ctx, warehouse.ForRun)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	l, err := ledger.Open(ctx, w)
	if err != nil {
		return err
	}
	lines := make([]ledger.Verification, len(report.Lines))
	for i, line := range report.Lines {
		lines[i] = ledger.Verification{
			Subject: line.Subject, What: line.What, Source: line.Source, Through: line.Through, Published: line.Published,
			Decimals: line.Decimals, Computed: line.Computed, State: string(line.State), Message: line.Message,
		}
	}
	return l.WriteVerifications(ctx, report.At, version, lines)
}
