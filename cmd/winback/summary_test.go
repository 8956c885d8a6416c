package main

import (
	"testing"

	"winback/pipelines"
)

// Where two datasets of a source make one entity, their lines in the summary are told apart.
func TestEntityName(t *testing.T) {
	of := func(source, dataset string, entities ...string) pipelines.DatasetSummary {
		d := pipelines.DatasetSummary{Source: source, Dataset: dataset}
		for _, e := range entities {
			d.Entities = append(d.Entities, pipelines.EntitySummary{Entity: e})
		}
		return d
	}
	s := pipelines.Summary{Datasets: []pipelines.DatasetSummary{
		of("shop", "old", "shop.orders", "shop.refunds"), of("shop", "new", "shop.orders"), of("other", "orders", "shop.orders"),
	}}
	var got []string
	for _, d := range s.Datasets {
		for _, e := range d.Entities {
			got = append(got, entityName(s, d, e))
		}
	}
	for i, want := range []string{"shop.orders (old)", "shop.refunds", "shop.orders (new)", "shop.orders"} {
		if got[i] != want {
			t.Errorf("%s, want %s", got[i], want)
		}
	}
}
