package hubspot

import (
	"context"
	"encoding/json"
	"time"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// bins marks the records that were archived since a run last looked.
func (x *extraction) bins(ctx context.Context, rows *record.Rows, state kept) error {
	for _, o := range x.set.objects {
		at := state.Objects[o.name]
		switch {
		case at.Bin.IsZero():
			at.Bin = x.now()
		case at.BinPages > binPages && x.now().Sub(at.Bin) < 24*time.Hour:
		default:
			began := x.now()
			pages, err := x.bin(ctx, rows, o, at.Bin.Add(-overlap))
			if closed(err) && o.optional {
				continue
			}
			if err != nil {
				return err
			}
			at.Bin, at.BinPages = began, pages
		}
		state.Objects[o.name] = at
	}
	return nil
}

// bin reads the archived records of an object, which are in no order of time.
func (x *extraction) bin(ctx context.Context, rows *record.Rows, o *object, since time.Time) (pages int, err error) {
	for after := ""; ; pages++ {
		p, err := x.list(ctx, o, after, true)
		if err != nil {
			return pages, err
		}
		var recent []json.RawMessage
		for _, raw := range p.Results {
			var r struct {
				At time.Time `json:"archivedAt"`
			}
			if json.Unmarshal(raw, &r) != nil || !r.At.Before(since) {
				recent = append(recent, raw)
			}
		}
		if err := x.records(ctx, rows, portion{object: o, records: recent}); err != nil {
			return pages, err
		}
		if after = p.after(); after == "" {
			return pages + 1, nil
		}
	}
}

// Sweeps says what is compared by id.
func (s *source) Sweeps(dataset string) ([]*entity.Schema, time.Duration) {
	one, ok := setOf(dataset)
	if !ok || s.config.Sweep == 0 || dataset == setManagers {
		return nil, 0
	}
	if dataset == setPipelines {
		return one.entities, s.config.Sweep
	}
	return one.entities[:1], s.config.Sweep
}

// LeavesOut says that what is older than a configured day was never landed.
func (s *source) LeavesOut() bool { return !s.config.Since.IsZero() }

// Sweep lists all keys of an entity.
func (s *source) Sweep(ctx context.Context, dataset string, e *entity.Schema, has func(key ...string)) error {
	one, _ := setOf(dataset)
	if dataset == setPipelines {
		return s.sweepPipelines(ctx, e == entity.Of[entity.Stage](), has)
	}
	for _, o := range one.objects {
		for after := ""; ; {
			p, err := s.list(ctx, &object{name: o.name, properties: []string{"hs_object_id"}}, after, false)
			if err != nil {
				return err
			}
			for _, raw := range p.Results {
				has(o.key(foundOf(o, raw).id))
			}
			if after = p.after(); after == "" {
				break
			}
		}
	}
	return nil
}

func (s *source) sweepPipelines(ctx context.Context, stages bool, has func(key ...string)) error {
	f, err := s.known(ctx)
	if err != nil {
		return err
	}
	for _, raw := range f.pipelines {
		var p pipeline
		if err := json.Unmarshal(raw, &p); err != nil {
			return err
		}
		if !stages {
			has(p.ID)
			continue
		}
		for _, st := range p.Stages {
			has(p.ID, st.ID)
		}
	}
	return nil
}

// key is the id of a record of an object among the rows of its entity.
func (o *object) key(id string) string {
	prefix, mixed := prefixes[o.name]
	if !mixed || id == "" {
		return id
	}
	return prefix + id
}

// prefixes keep ids of several objects in one entity apart.
var prefixes = map[string]string{"contacts": "contact-", "companies": "company-", "calls": "call-", "meetings": "meeting-", "tasks": "task-"}
