package files

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/spec"
)

// example is the block of a source.
const example = `connector: files
datasets:
  shop.orders:                       # called like its entity
    files: data/orders*.csv
    fields:
      id: order_id
      customer_id: customer_id
      ordered_at: ordered_at         # {column: Date, layout: dmy} for 31.12.2024
      status: {column: status, optional: true, default: completed}
      items_total: total             # {column: Sum, decimal_comma: true} for 12,50
`

// Connector returns the connector "files".
func Connector() *connectors.Connector {
	return &connectors.Connector{
		Name:      "files",
		Summary:   "CSV, Excel, JSON and Parquet files, packed or not, mapped to entities column by column",
		Needs:     []string{"Nothing but the right to read the files."},
		Limits:    []string{"A file still being written waits for the next run (settle).", "Files that were read and are gone are told, or fail the dataset (vanished)."},
		Example:   example,
		NewConfig: func() any { return &Config{} },
		Open:      openSource,
	}
}

// source is one configured source of files.
type source struct {
	env      connectors.Env
	plans    []*plan
	settle   time.Duration
	vanished string // policy
	watch    watch
}

func openSource(config any, env connectors.Env) (connectors.Source, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("open source %s: configuration is a %T, not a *files.Config", env.Name, config)
	}
	var errs spec.Errors
	s := &source{
		env: env, plans: compile(c, surroundings{location: env.Location, currency: env.Currency}, &errs),
		settle: c.Settle, vanished: c.Vanished, watch: watch{now: time.Now, writers: openForWriting, grows: (*opened).growing},
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

var (
	_ connectors.Source   = (*source)(nil)
	_ connectors.Checker  = (*source)(nil)
	_ connectors.Planner  = (*source)(nil)
	_ connectors.Replayer = (*source)(nil)
	_ connectors.Rereader = (*source)(nil)
)

// Datasets lists the configured datasets.
func (s *source) Datasets() []connectors.Dataset {
	list := make([]connectors.Dataset, len(s.plans))
	for i, p := range s.plans {
		list[i].Name = p.name
		for _, e := range p.entities {
			list[i].Entities = append(list[i].Entities, e.schema)
		}
		list[i].Duplicates = p.duplicates
	}
	return list
}

func (s *source) plan(dataset string) (*plan, error) {
	for _, p := range s.plans {
		if p.name == dataset {
			return p, nil
		}
	}
	return nil, fmt.Errorf("source %s has no dataset %q", s.env.Name, dataset)
}

// Extract reads the files of a dataset that are new or have changed, and of files
// that have grown what was appended.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	var none connectors.Extracted
	a, err := s.arrivals(ctx, req)
	if err != nil {
		return none, err
	}
	if err := a.tell(&req, s.vanished); err != nil {
		return none, fmt.Errorf("extract %s: %w", a.plan.name, err)
	}
	next := cursor{Mapping: a.plan.fingerprint, Files: []fileRead{}, Gone: pathsOf(a.gone)}
	if s.vanished == vanishedKeep {
		next.Gone = nil
	}
	if len(a.todo) > 0 {
		x := newExtraction(s, a, req, sink)
		read, err := x.run(ctx)
		if err != nil {
			return none, fmt.Errorf("extract %s: %w", a.plan.name, err)
		}
		tellLeft(&req, x.left)
		tellUnfit(&req, x.unfit)
		x.has.tellAbsent(&req, x.plan)
		if x.readAny {
			next.Files = append(next.Files, read...)
		}
	}
	if len(next.Files)+len(next.Gone) == 0 {
		return none, nil
	}
	text, err := json.Marshal(next)
	return connectors.Extracted{Cursor: text}, err
}

// Plan lists the files that Extract would read. Files whose content may be known
// under another name, or that have grown, are hashed to find out.
func (s *source) Plan(ctx context.Context, req connectors.Request) ([]connectors.PlannedInput, error) {
	a, err := s.arrivals(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := a.tell(&req, s.vanished); err != nil {
		return nil, fmt.Errorf("plan %s: %w", a.plan.name, err)
	}
	var list []connectors.PlannedInput
	for _, c := range a.todo {
		planned := connectors.PlannedInput{Name: c.name, Bytes: c.size, Reason: a.known.reason(c)}
		if c.after != nil {
			planned.Bytes -= c.after.Size
		}
		list = append(list, planned)
	}
	return list, nil
}

// entityOf returns the entity that a misfit is counted for.
func (p *plan) entityOf(wrong *misfit) *entity.Schema {
	if wrong.entity != nil {
		return wrong.entity
	}
	return p.entities[p.primary].schema
}
