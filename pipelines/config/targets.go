package config

import (
	"fmt"
	"math"
	"slices"

	"github.com/goccy/go-yaml"

	"winback/connectors/spec"
	sqlfiles "winback/sql"
)

// Target is the value that a monthly figure of the executive page is to reach.
type Target struct {
	AtMost  *float64 `yaml:"at_most" doc:"the figure is to stay at this value or below it" example:"2.5"`
	AtLeast *float64 `yaml:"at_least" doc:"the figure is to reach this value or more" example:"80"`
	Alarm   *float64 `yaml:"alarm" doc:"a figure as bad as this is alarming; one between it and the target is watched. Without it every missed target is watched" example:"5"`
}

// Validate checks that one value is wanted, and that the alarm lies beyond it.
func (t *Target) Validate(n spec.Node, errs *spec.Errors) {
	for key, value := range map[string]*float64{"at_most": t.AtMost, "at_least": t.AtLeast, "alarm": t.Alarm} {
		if value != nil && (math.IsNaN(*value) || math.IsInf(*value, 0)) {
			errs.Addf(n.Get(key), "wants a number")
			return
		}
	}
	switch {
	case (t.AtMost == nil) == (t.AtLeast == nil):
		errs.Addf(n, "wants at_most or at_least, one of them")
	case t.Alarm == nil:
	case t.AtMost != nil && *t.Alarm <= *t.AtMost:
		errs.Addf(n.Get("alarm"), "wants more than at_most (%v), got %v", *t.AtMost, *t.Alarm)
	case t.AtLeast != nil && *t.Alarm >= *t.AtLeast:
		errs.Addf(n.Get("alarm"), "wants less than at_least (%v), got %v", *t.AtLeast, *t.Alarm)
	}
}

// checkTargets sees that each target is one of a figure that there is.
func checkTargets(targets spec.Ordered[Target], errs *spec.Errors) {
	if targets.Len() == 0 {
		return
	}
	known, err := monthlyFigures()
	if err != nil {
		errs.Add(err)
		return
	}
	for _, e := range targets.Entries {
		if !slices.Contains(known, e.Key) {
			errs.Addf(e.Node.Key(), "mart.kpi_monthly has no figure %q%s", e.Key, spec.Hint(e.Key, known))
		}
	}
}

// monthlyFigures are the ids of the metrics that the executive page shows.
func monthlyFigures() ([]string, error) {
	text, err := sqlfiles.Files.ReadFile("metrics.yml")
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	var file struct {
		Metrics []struct {
			ID  string `yaml:"id"`
			KPI bool   `yaml:"kpi"`
		} `yaml:"metrics"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read sql/metrics.yml: %w", err)
	}
	var ids []string
	for _, m := range file.Metrics {
		if m.KPI {
			ids = append(ids, m.ID)
		}
	}
	return ids, nil
}
