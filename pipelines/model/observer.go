package model

import (
	"time"

	"winback/pipelines/check"
)

// EventKind is what happened to a model.
type EventKind string

// The kinds of events.
const (
	// Started: the build of a model begins.
	Started EventKind = "started"
	// Built: the model is visible to readers.
	Built EventKind = "built"
	// Unchanged: the model did not have to be built.
	Unchanged EventKind = "unchanged"
	// Failed: the model could not be built, or a check keeps it from readers.
	Failed EventKind = "failed"
	// Skipped: a model it reads failed, or the run was interrupted.
	Skipped EventKind = "skipped"
	// Checked: a check of its own ended.
	Checked EventKind = "checked"
	// Warned: something went otherwise than planned and the run went on.
	Warned EventKind = "warned"
)

// Event is one step of a run.
type Event struct {
	Kind EventKind
	// Model is the model's name, or that of a check of its own.
	Model string
	// Reason says why: what changed, what failed, what to know.
	Reason string
	// Rows of the table; nil where that is not known.
	Rows     *uint64
	Duration time.Duration
	// Checks are the results of the model's checks.
	Checks []check.Result
	// Err is set when Kind is Failed.
	Err error
	// Done and Total count the models that ended and those selected.
	Done, Total int
}

// Observer is told what happens. Calls come one at a time.
type Observer interface{ Observe(Event) }

// ObserverFunc makes an Observer of a function.
type ObserverFunc func(Event)

// Observe calls f.
func (f ObserverFunc) Observe(e Event) { f(e) }
