package pipelines

import (
	"context"
	"maps"
	"slices"
	"testing"

	"winback/connectors"
	"winback/connectors/entity"
)

// asked is a source that knows only when it is asked what is new.
type asked struct{}

func (asked) Datasets() []connectors.Dataset { return nil }

func (asked) Extract(context.Context, connectors.Request, connectors.Sink) (connectors.Extracted, error) {
	return connectors.Extracted{}, nil
}

func TestPlanner_ASourceThatCannotPlanMayBringRows(t *testing.T) {
	p := &planner{run: &run{}, plan: &Plan{Loads: []PlannedLoad{{Entity: "shop.orders", Rows: 3}}}}
	d := connectors.Dataset{Name: "deals", Entities: []*entity.Schema{entity.Of[entity.Deal]()}}
	planned := p.dataset(t.Context(), Source{Name: "crm", Source: asked{}}, d)
	if !planned.AsksSource || len(planned.Inputs) != 0 || planned.Error != "" {
		t.Errorf("got %+v", planned)
	}
	p.plan.Datasets = append(p.plan.Datasets, planned)
	certain, possible := p.coming()
	if got := slices.Collect(maps.Keys(certain)); !slices.Equal(got, []string{"shop.orders"}) {
		t.Errorf("rows come surely to %q", got)
	}
	if got := slices.Collect(maps.Keys(possible)); !slices.Equal(got, []string{"crm.deals"}) {
		t.Errorf("rows may come to %q", got)
	}
}

func TestNewRows(t *testing.T) {
	coming := map[string]bool{"a.a": true, "b.b": true, "c.c": true, "d.d": true}
	for want, entities := range map[string][]string{
		"a.a gets new rows":                     {"a.a", "x.x"},
		"a.a, b.b get new rows":                 {"a.a", "b.b"},
		"a.a, b.b, c.c and 1 more get new rows": {"a.a", "b.b", "c.c", "d.d"},
	} {
		if got := newRows(entities, coming); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
