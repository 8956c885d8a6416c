package pipelines

import (
	"context"
	"errors"
	"fmt"
	"time"

	"winback/connectors/entity"
	"winback/pipelines/warehouse"
)

// UpgradePlan says what this program would do to a warehouse that another version of
// it had.
type UpgradePlan struct {
	// Layout is that of the warehouse, Wanted the one that this program makes of it.
	Layout int `json:"layout"`
	Wanted int `json:"wanted"`
	// Changes are those of raw tables.
	Changes []warehouse.Change `json:"changes"`
	// Models are those that would be built, parents first.
	Models []UpgradedModel `json:"models"`
	// Seconds estimates how long it takes, by how long loads and builds took last; 0 if
	// nothing of that is known.
	Seconds float64 `json:"seconds"`
}

// UpgradedModel is a model that would be built.
type UpgradedModel struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
	// Rows and Seconds are those of its last build; 0 if there was none.
	Rows    int64   `json:"rows"`
	Seconds float64 `json:"seconds"`
}

// Nothing says that the warehouse is up to date.
func (p *UpgradePlan) Nothing() bool {
	return len(p.Changes) == 0 && len(p.Models) == 0 && p.Layout == p.Wanted
}

// PlanUpgrade looks what Upgrade would do, and changes nothing. The error is a
// *warehouse.NewerError if a newer program has had the warehouse.
func (p *Project) PlanUpgrade(ctx context.Context) (*UpgradePlan, error) {
	planner := &planner{run: p.newRun(RunOptions{}, selection{})}
	planner.plan = &Plan{Datasets: []PlannedDataset{}, Loads: []PlannedLoad{}, Models: []PlannedModel{}}
	plan := &UpgradePlan{Wanted: warehouse.Layout, Changes: []warehouse.Change{}, Models: []UpgradedModel{}}
	if !p.hasWarehouse() {
		return plan, errors.New("there is no warehouse yet: winback run makes one")
	}
	took, err := p.lookAtWarehouse(ctx, plan)
	if err != nil {
		return nil, err
	}
	if err := planner.inWarehouse(ctx); err != nil {
		return nil, err
	}
	for _, c := range plan.Changes {
		plan.Seconds += float64(c.Rows) * took.secondsPerRow
	}
	for _, m := range planner.plan.Models {
		if m.Action != ActionBuild {
			continue
		}
		last := took.models[m.Name]
		plan.Models = append(plan.Models, UpgradedModel{Name: m.Name, Reason: m.Reason, Rows: last.rows, Seconds: last.seconds})
		plan.Seconds += last.seconds
	}
	return plan, nil
}

// tookLast is how long loads and builds took.
type tookLast struct {
	secondsPerRow float64
	models        map[string]lastBuild
}

type lastBuild struct {
	rows    int64
	seconds float64
}

func (p *Project) lookAtWarehouse(ctx context.Context, plan *UpgradePlan) (took tookLast, err error) {
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	changes, layout, err := w.PlanMigration(ctx, entity.All())
	if err != nil {
		return took, err
	}
	plan.Layout, plan.Changes = layout, append(plan.Changes, changes...)
	took.models = map[string]lastBuild{}
	var exists uint8
	if err := w.QueryRow(ctx, "EXISTS TABLE ops.steps").Scan(&exists); err != nil || exists == 0 {
		return took, err
	}
	rows, err := w.Query(ctx, "SELECT kind, name, argMax(rows, started_at), argMax(duration_ms, started_at) / 1000 FROM ops.steps WHERE state = 'done' AND kind IN ('model', 'load') GROUP BY kind, name")
	if err != nil {
		return took, fmt.Errorf("read ops.steps: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name string
		var last lastBuild
		if err := rows.Scan(&kind, &name, &last.rows, &last.seconds); err != nil {
			return took, fmt.Errorf("read ops.steps: %w", err)
		}
		if kind == "load" && last.rows > 0 {
			took.secondsPerRow = last.seconds / float64(last.rows)
		} else if kind == "model" {
			took.models[name] = last
		}
	}
	return took, rows.Err()
}

// Upgrade brings the warehouse up to date with this program: its tables, and the models
// whose definition has changed. Nothing is extracted. A run does the same by itself; this
// is for those who want it apart. Errors are those of Run.
func (p *Project) Upgrade(ctx context.Context, o RebuildOptions) (s Summary, err error) {
	lock, err := p.lock(ctx, o.Wait)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, lock.unlock()) }()
	r := p.newRun(RunOptions{Wait: max(o.Wait, time.Second), Observer: o.Observer, as: "upgrade"}, selection{})
	if err := r.open(ctx); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.warehouse.Close()) }()
	if err = r.begin(ctx); err == nil {
		err = errors.Join(r.stage(ctx, "recover", r.recover), r.stage(ctx, "load", r.load), r.stage(ctx, "models", r.build))
	}
	return r.finish(err)
}
