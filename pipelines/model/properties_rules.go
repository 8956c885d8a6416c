package model

import "github.com/goccy/go-yaml"

// rules are the blocks of the project's values that a unit test overrides as they
// are written, by their key: what it leaves out stays as it is.
var rules = map[string]func(*Vars) any{
	"carts":       func(v *Vars) any { return &v.Carts },
	"bonus":       func(v *Vars) any { return &v.Bonus },
	"call_centre": func(v *Vars) any { return &v.CallCentre },
	"service":     func(v *Vars) any { return &v.Service },
	"predictions": func(v *Vars) any { return &v.Predictions },
	"targets":     func(v *Vars) any { return &v.Targets },
}

func readRules(y *yamlFile, fields yamlFields) []override {
	var overrides []override
	for key, block := range rules {
		entry, ok := fields[key]
		if !ok {
			continue
		}
		var vars Vars
		if err := yaml.NodeToValue(entry.value, block(&vars), yaml.Strict()); err != nil {
			y.problem(entry.line, "%s: %s", key, yaml.FormatError(err, false, false))
			continue
		}
		overrides = append(overrides, func(v *Vars) { _ = yaml.NodeToValue(entry.value, block(v), yaml.Strict()) })
	}
	return overrides
}
