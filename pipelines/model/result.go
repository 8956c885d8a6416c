package model

import (
	"slices"
	"time"

	"winback/pipelines/check"
)

// Result is what became of one model in a run.
type Result struct {
	Model *Model
	// Kind is Built, Unchanged, Failed or Skipped.
	Kind EventKind
	// Reason says why it was built, left alone or skipped.
	Reason string
	// Rows of the table; nil where that is not known.
	Rows     *uint64
	Duration time.Duration
	// Checks are the results of its checks; none when it was not built.
	Checks []check.Result
	// Err is why it failed; a RedCheckError when a check blocked it.
	Err error
	// Incremental says that only touched keys were built anew: Keys of them came out
	// different, and Partitions of AllPartitions were replaced for them.
	Incremental               bool
	Keys                      uint64
	Partitions, AllPartitions int

	version  string // of the rows after the build
	step     step   // what its change log got
	outdated outdated
}

// Summary is what a run did.
type Summary struct {
	RunID string
	// Models are the selected models and those that came along, parents first.
	Models []Result
	// Checks are the results of the checks of their own that ran.
	Checks []check.Result
	// Standing are the checks that failed when they last ran, in an earlier run: nothing
	// that they look at changed.
	Standing []check.Result
	// HeldBack are the checks of their own that read a selected model and did not run,
	// as something else that they read is not built or not of this state.
	HeldBack []string
	// Warnings are things that went otherwise than planned.
	Warnings []string
	Duration time.Duration
}

// Count returns how many models ended in the given way.
func (s Summary) Count(kind EventKind) int {
	n := 0
	for _, result := range s.Models {
		if result.Kind == kind {
			n++
		}
	}
	return n
}

// AllChecks returns the results of all checks of the run.
func (s Summary) AllChecks() []check.Result {
	var results []check.Result
	for _, model := range s.Models {
		results = append(results, model.Checks...)
	}
	return append(results, s.Checks...)
}

// OK says that no model failed or was skipped and no check of severity error is
// red.
func (s Summary) OK() bool {
	return s.Count(Failed)+s.Count(Skipped) == 0 && !slices.ContainsFunc(s.Checks, check.Result.Blocking)
}
