package files

import (
	"context"
	"encoding/json"
	"fmt"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/spec"
)

// Connector returns the connector "files".
func Connector() *connectors.Connector {
	return &connectors.Connector{
		Name:      "files",
		Summary:   "CSV, TSV and NDJSON files, plain or gzip, mapped to entities column by column",
		NewConfig: func() any { return &Config{} },
		Open:      openSource,
	}
}

// source is one configured source of files.
type source struct {
	env   connectors.Env
	plans []*plan
}

func openSource(config any, env connectors.Env) (connectors.Source, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("open source %s: configuration is a %T, not a *files.Config", env.Name, config)
	}
	var errs spec.Errors
	s := &source{env: env, plans: compile(c, surroundings{location: env.Location, currency: env.Currency}, &errs)}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

var (
	_ connectors.Source  = (*source)(nil)
	_ connectors.Checker = (*source)(nil)
	_ connectors.Planner = (*source)(nil)
)

// Datasets lists the configured datasets.
func (s *source) Datasets() []connectors.Dataset {
	list := make([]connectors.Dataset, len(s.plans))
	for i, p := range s.plans {
		list[i].Name = p.name
		for _, e := range p.entities {
			list[i].Entities = append(list[i].Entities, e.schema)
		}
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

// Extract reads the files of a dataset that are new or have changed.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (json.RawMessage, error) {
	p, todo, before, err := s.todo(req)
	if err != nil || len(todo) == 0 {
		return nil, err
	}
	x := newExtraction(p, req, sink, todo, before)
	read, err := x.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("extract %s: %w", p.name, err)
	}
	if !x.readAny {
		return nil, nil
	}
	return json.Marshal(cursor{Mapping: p.fingerprint, Files: read})
}

// todo lists the files of a dataset that are not as they were when they were read.
func (s *source) todo(req connectors.Request) (*plan, []candidate, *known, error) {
	p, err := s.plan(req.Dataset)
	if err != nil {
		return nil, nil, nil, err
	}
	before, err := foldCursors(req.Cursors, p.fingerprint)
	if err != nil {
		return nil, nil, nil, err
	}
	found, err := s.discover(p)
	if err != nil {
		return nil, nil, nil, err
	}
	todo := found[:0]
	for _, c := range found {
		if !before.unchanged(c) {
			todo = append(todo, c)
		}
	}
	return p, todo, before, nil
}

// Plan lists the files that Extract would read. Files whose content may be known
// under another name are hashed to find out.
func (s *source) Plan(ctx context.Context, req connectors.Request) ([]connectors.PlannedInput, error) {
	_, todo, before, err := s.todo(req)
	if err != nil {
		return nil, err
	}
	var list []connectors.PlannedInput
	for _, c := range todo {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if before.mayHold(c.size) {
			hash, err := hashFile(c.path)
			if err != nil {
				return nil, err
			}
			if before.hashes[hash] {
				continue
			}
		}
		list = append(list, connectors.PlannedInput{Name: c.name, Bytes: c.size, Reason: before.reason(c)})
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
