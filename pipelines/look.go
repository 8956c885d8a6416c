package pipelines

import (
	"context"
	"errors"
	"fmt"
	"os"

	"winback/pipelines/check"
	"winback/pipelines/model"
	"winback/pipelines/warehouse"
)

// TestModels runs the unit tests of the selected models. It needs no project:
// the tests compute in a warehouse of their own that is thrown away.
func TestModels(ctx context.Context, models *model.Project, selectors []string) (results []model.TestResult, err error) {
	err = inScratch(ctx, func(w *warehouse.Warehouse) error {
		results, err = model.TestAll(ctx, w, models, model.RunnerOptions{Select: selectors, Sources: contractColumns{}})
		return err
	})
	return results, err
}

// inScratch opens a warehouse that is thrown away afterwards.
func inScratch(ctx context.Context, do func(*warehouse.Warehouse) error) (err error) {
	home, err := os.MkdirTemp("", "winback-scratch-")
	if err != nil {
		return fmt.Errorf("make a folder to compute in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	w, err := warehouse.Open(ctx, warehouse.Options{Home: home, Purpose: warehouse.ForRun})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return do(w)
}

// Check runs the data checks of the selected models over the warehouse as it
// is, as of the day that it describes, without building anything. Where alarms are
// configured, what is found is written to ops.checks and told.
func (p *Project) Check(ctx context.Context, selectors []string) (results []check.Result, err error) {
	selected, _, err := p.Models.SelectChecks(selectors)
	if err != nil {
		return nil, err
	}
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		p.tellUnopened(ctx, err)
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := p.requireBuilt(ctx, w, selected); err != nil {
		return nil, err
	}
	results, err = p.Runner(w, nil, model.RunnerOptions{Select: selectors}).Check(ctx)
	if err == nil {
		p.tellOfChecks(ctx, w, results)
	}
	return results, err
}

// requireBuilt says what to do when there is nothing to check yet.
func (p *Project) requireBuilt(ctx context.Context, w *warehouse.Warehouse, models []*model.Model) error {
	for _, m := range models {
		var exists uint8
		if err := w.QueryRow(ctx, "EXISTS TABLE "+m.Relation()).Scan(&exists); err != nil {
			return fmt.Errorf("look for %s: %w", m.FullName(), err)
		}
		if exists == 0 {
			return fmt.Errorf("%s is not built yet; winback run builds it", m.FullName())
		}
	}
	return nil
}

// ClusterTroubles says what keeps the servers of the project's cluster from having the
// same, each with what to do; none where the warehouse is on no cluster.
func (p *Project) ClusterTroubles(ctx context.Context, w *warehouse.Warehouse) ([]string, error) {
	c := p.cluster()
	if c.Name == "" {
		return nil, nil
	}
	return c.Troubles(ctx, w)
}
