package config

import "winback/connectors/spec"

// History says for how long the warehouse remembers its runs.
type History struct {
	KeepDays int `yaml:"keep_days" default:"400" doc:"days that runs, their steps, checks and extractions are kept in ops; 0 for ever. The last of each kind stays, and so do figures that were told"`
}

// Validate checks that last week's runs can be looked at.
func (h *History) Validate(n spec.Node, errs *spec.Errors) {
	const least, most = 7, 36_500
	if h.KeepDays != 0 && (h.KeepDays < least || h.KeepDays > most) {
		errs.Addf(n.Get("keep_days"), "wants %d to %d days, or 0 for ever, got %d", least, most, h.KeepDays)
	}
}
