package pipelines

import (
	"context"
	"errors"

	"winback/pipelines/ledger"
	"winback/pipelines/model"
	"winback/pipelines/verify"
	"winback/pipelines/warehouse"
)

// Verify pushes the published cases through the models, in a warehouse that is
// thrown away. data is the folder of the public data sets, "" without them.
func Verify(ctx context.Context, models *model.Project, data string) (report verify.Report, err error) {
	err = inScratch(ctx, func(w *warehouse.Warehouse) error {
		report, err = verify.Run(ctx, w, verify.Options{Data: data, Models: models, Sources: contractColumns{}})
		return err
	})
	return report, err
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
