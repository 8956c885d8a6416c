// Package pipelines is what happens to data: a project's sources are extracted
// into the landing zone, loaded into the warehouse's raw tables, built into
// models and checked. pipeline.go shows a whole run.
package pipelines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/config"
	"winback/pipelines/landing"
	"winback/pipelines/model"
	"winback/pipelines/retry"
	"winback/pipelines/warehouse"
	"winback/pipelines/warehouse/cluster"
)

// OpenOptions say which project to open.
type OpenOptions struct {
	Config   string // path of winback.yaml
	Home     string // folder of landing zone and warehouse; empty for the configuration's
	AsOf     string // day to describe, 2006-01-02; empty for the configuration's
	Registry *connectors.Registry
	Now      func() time.Time
	// Clock waits before a step is tried again; nil for the machine's.
	Clock  connectors.Clock
	Logger *slog.Logger
	// WithoutModels leaves Project.Models empty, for those who only ask the
	// warehouse: reading the models takes longer than many a query.
	WithoutModels bool
	// WithExamples reads the unit tests of the product's models too. Those of the
	// project's own are read always: mistakes in them are told.
	WithExamples bool
}

// Project is a configuration brought to life: its sources, its landing zone and
// its models. Nothing is connected or opened until it is used.
type Project struct {
	Config  *config.Config
	Home    string
	Sources []Source
	Zone    *landing.Zone
	Models  *model.Project

	now   func() time.Time
	log   *slog.Logger
	retry retry.Policy
}

// Source is one configured source, ready to extract.
type Source struct {
	Name            string
	Connector       *connectors.Connector
	QuarantineLimit float64 // share of records, 0.05 for 5 %
	QuarantineFrom  int     // records that the limit counts from
	Deletions       config.Deletions
	connectors.Source
}

// Open reads a project. All mistakes of the configuration are reported at once,
// as a *config.Error; a broken model is an error of its own.
func Open(o OpenOptions) (*Project, error) {
	env := config.SystemEnv()
	env.Now = o.Now
	c, err := config.Load(o.Config, o.Registry, env)
	if err != nil {
		return nil, err
	}
	if o.AsOf != "" {
		if err := c.SetAsOf(o.AsOf); err != nil {
			return nil, err
		}
	}
	home, err := filepath.Abs(c.Home(o.Home))
	if err != nil {
		return nil, fmt.Errorf("find the project's home: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Project{Config: c, Home: home, now: o.Now, log: o.Logger}
	p.retry = retry.Policy{Retries: c.Steps.Retries, After: c.Steps.RetryAfter, Clock: o.Clock}
	if err := p.openSources(); err != nil {
		return nil, err
	}
	if p.Zone, err = openZone(&c.Landing, home); err != nil {
		return nil, err
	}
	if !o.WithoutModels {
		p.Models, err = loadModels(&c.Models, examples(o.WithExamples))
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Project) openSources() error {
	var errs []error
	for i := range p.Config.Sources {
		c := &p.Config.Sources[i]
		opened, err := p.Config.Open(c, p.Home)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p.Sources = append(p.Sources, Source{
			Name: c.Name, Connector: c.Connector, QuarantineLimit: float64(c.QuarantineLimit) / 100, QuarantineFrom: c.QuarantineFrom,
			Deletions: c.Deletions, Source: opened,
		})
	}
	return errors.Join(errs...)
}

// Vars are the project's values as its models see them.
func (p *Project) Vars() model.Vars {
	churn := &p.Config.Churn
	vars := model.Vars{
		AsOf: p.AsOf(), Timezone: p.Config.Timezone, Currency: p.Config.Currency, Region: p.Config.Region,
		Churn: model.Churn{
			SleepingAfter: churn.SleepingAfter, LostAfter: churn.LostAfter, NewFor: churn.NewFor,
			ReturnedFor: churn.ReturnedFor, SilentAfter: churn.SilentAfter,
			WatchLevel: float64(churn.WatchLevel), AlarmLevel: float64(churn.AlarmLevel),
			PersonalClock: model.PersonalClock(churn.PersonalClock),
		},
		Winback: p.winbackVars(),
		Carts:   model.Carts(p.Config.Carts),
		Bonus:   model.Bonus{LowerChurn: float64(p.Config.Bonus.LowerChurn), MinCustomers: p.Config.Bonus.MinCustomers},

		Predictions: model.Predictions{Months: p.Config.Predictions.Months, Discount: float64(p.Config.Predictions.Discount)},
		CallCentre:  model.CallCentre(p.Config.CallCentre), Service: model.Service(p.Config.Service),
	}
	for _, tier := range p.Config.Bonus.Tiers() {
		vars.Bonus.Tiers = append(vars.Bonus.Tiers, model.BonusTier(tier))
	}
	for _, target := range p.Config.Targets.Entries {
		vars.Targets = append(vars.Targets, model.Target{
			KPI: target.Key, AtMost: target.Value.AtMost, AtLeast: target.Value.AtLeast, Alarm: target.Value.Alarm,
		})
	}
	for _, segment := range churn.Segments.Entries {
		limits := churn.LimitsOf(segment.Key)
		vars.Churn.Segments = append(vars.Churn.Segments, model.Segment{
			Name: segment.Key, SleepingAfter: limits.SleepingAfter, LostAfter: limits.LostAfter,
		})
	}
	return vars
}

func (p *Project) winbackVars() model.Winback {
	w := &p.Config.Winback
	return model.Winback{
		AttributionDays: w.AttributionDays, HorizonDays: w.HorizonDays, ContactPause: w.ContactPause, MaxContacts: w.MaxContacts,
		ContactWindow: w.ContactWindow, ConflictPause: w.ConflictPause, CallsPerDay: w.CallsPerDay, ListDays: w.ListDays, CallHours: w.CallHours,
		Shrink: w.Shrink, NaturalWeight: w.NaturalWeight, LargeMargin: float64(w.LargeMargin), TurnoverPart: float64(w.TurnoverPart),
		Competitors: w.Competitors, LatePayments: w.LatePayments, ServiceCost: w.ServiceCost, AcquisitionCost: w.AcquisitionCost,
	}
}

// AsOf is the day the warehouse describes, inclusive, at midnight UTC.
func (p *Project) AsOf() time.Time { return p.Config.AsOf.Time() }

// OpenWarehouse opens the project's warehouse and, unless it is for a query only,
// makes the tables that are missing in it.
func (p *Project) OpenWarehouse(ctx context.Context, purpose warehouse.Purpose) (*warehouse.Warehouse, error) {
	return p.openWarehouse(ctx, warehouse.Options{Purpose: purpose})
}

// cluster is the one that the warehouse is made on; without a name there is none.
func (p *Project) cluster() cluster.Cluster {
	c := &p.Config.Warehouse
	return cluster.Cluster{Name: c.Cluster, Topology: cluster.Topology(c.Topology)}
}

// openWarehouse fills in what the configuration says of the warehouse.
func (p *Project) openWarehouse(ctx context.Context, o warehouse.Options) (*warehouse.Warehouse, error) {
	o.Home, o.Logger = p.Home, p.log
	o.Engine = warehouse.EngineOptions{Memory: int64(p.Config.Engine.Memory), Threads: p.Config.Engine.Threads}
	if c := &p.Config.Warehouse; !c.Embedded() {
		o.Server = &warehouse.Server{URL: c.Address(), Password: c.Password.Reveal(), CAFile: string(c.CAFile), Cluster: p.cluster()}
	}
	w, err := warehouse.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.Purpose.Looks() {
		return w, nil // a reader may lack the right to create anything
	}
	if o.Server != nil {
		if err := p.claim(ctx, w); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	if _, err := w.Migrate(ctx, entity.All()); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// hasWarehouse says whether there is a warehouse to look at. One in a folder is
// looked for there: opening it would make it.
func (p *Project) hasWarehouse() bool {
	return !p.Config.Warehouse.Embedded() || holdsFiles(filepath.Join(p.Home, warehouse.Folder))
}

// holdsFiles says whether a folder is there, with something in it.
func holdsFiles(folder string) bool {
	entries, err := os.ReadDir(folder)
	return err == nil && len(entries) > 0
}

// SourceNames returns the names of the configured sources.
func (p *Project) SourceNames() []string {
	names := make([]string, len(p.Sources))
	for i, s := range p.Sources {
		names[i] = s.Name
	}
	return names
}

// Reads tells whether a source of the project has a dataset: the books remember those
// that were taken out of winback.yaml, too.
func (p *Project) Reads(source, dataset string) bool {
	s, known := p.Source(source)
	return known && slices.ContainsFunc(s.Source.Datasets(), func(d connectors.Dataset) bool { return d.Name == dataset })
}

// Source returns the source of that name.
func (p *Project) Source(name string) (Source, bool) {
	at := slices.IndexFunc(p.Sources, func(s Source) bool { return s.Name == name })
	if at < 0 {
		return Source{}, false
	}
	return p.Sources[at], true
}
