package config

import (
	"time"

	"winback/connectors/spec"
)

// Steps says what happens when a step of a run fails for a reason that may pass.
type Steps struct {
	Retries    int           `yaml:"retries" default:"2" doc:"how often a step of a run is tried again that failed for a reason that may pass by itself (a lost connection, a server that has too many, a lock): a dataset that is read, a file that is loaded, a model, its checks; 0 for never"`
	RetryAfter time.Duration `yaml:"retry_after" default:"5s" doc:"how long after such a failure it is tried again; each further wait is twice as long, up to 5m, and up to half of it is added by chance"`
}

// Validate checks that a run comes to an end.
func (s *Steps) Validate(n spec.Node, errs *spec.Errors) {
	const longest = time.Hour
	if s.Retries < 0 || s.Retries > 20 {
		errs.Addf(n.Get("retries"), "wants 0 to 20, got %d", s.Retries)
	}
	if s.RetryAfter < 0 || s.RetryAfter > longest {
		errs.Addf(n.Get("retry_after"), "wants 0s to 1h, got %v", s.RetryAfter)
	}
}
