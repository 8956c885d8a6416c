package bitrix24

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"winback/connectors/entity"
)

// Sweeps says whose keys are compared. Nothing else in Bitrix24 tells what was
// deleted, or merged into another record.
func (s *source) Sweeps(name string) ([]*entity.Schema, time.Duration) {
	d, err := s.dataset(name)
	if err != nil {
		return nil, 0
	}
	return d.swept, s.config.Sweep
}

// LeavesOut says that what is older than a configured day was never landed.
func (s *source) LeavesOut() bool { return !s.config.Since.IsZero() }

// Sweep hands over the keys that an entity has now.
func (s *source) Sweep(ctx context.Context, name string, e *entity.Schema, has func(key ...string)) error {
	d, err := s.dataset(name)
	if err != nil {
		return err
	}
	who, err := s.owner(ctx)
	if err != nil {
		return err
	}
	if text := s.blind(who, d); text != "" {
		return fmt.Errorf("keys are not compared, since what is hidden would count as deleted: %s", text)
	}
	if name == pipelinesSet {
		return s.sweepPipelines(ctx, e, has)
	}
	// Older ones than are read now were landed when the history began earlier.
	for i, l := range d.lists(time.Time{}, alsoSwept[e.Name]...) {
		take := func(records []json.RawMessage, _ string) (bool, error) {
			for _, raw := range records {
				if e != entity.Of[entity.Order]() || stateOf(field(raw, semantics)) == "won" {
					has(d.keys[i](string(known(raw).ID)))
				}
			}
			return true, nil
		}
		if err := s.all(ctx, l, take); err != nil {
			return err
		}
	}
	return nil
}

const semantics = "stageSemanticId"

// alsoSwept are fields, besides the id, that tell whether a record is one of an entity:
// of deals, those that were won are orders.
var alsoSwept = map[string][]string{entity.Of[entity.Order]().Name: {semantics}}

// sweepPipelines hands over the keys of pipelines, or of their stages.
func (s *source) sweepPipelines(ctx context.Context, e *entity.Schema, has func(key ...string)) error {
	categories, err := s.categories(ctx, dealType)
	if err != nil {
		return err
	}
	for _, raw := range categories {
		id := field(raw, "id")
		if e == entity.Of[entity.Pipeline]() {
			has(id)
			continue
		}
		stages, err := s.directory(ctx, stageDirectory(id))
		if err != nil {
			return err
		}
		for code := range stages {
			has(id, code)
		}
	}
	return nil
}
