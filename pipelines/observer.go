package pipelines

import (
	"time"

	"winback/connectors"
	"winback/pipelines/ledger"
)

// Observer is told how a run goes on, from several goroutines at once.
type Observer interface {
	// Note is something a person should know: a repair, a migration.
	Note(text string)
	// Extracting tells how far the reading of a dataset is.
	Extracting(source, dataset string, p connectors.Progress)
	// Slice tells of a slice of a dataset that was committed while more is to come;
	// the counts are those of all slices so far. One without records is not told of.
	Slice(d DatasetSummary)
	// Extracted tells how the extraction of a dataset ended.
	Extracted(d DatasetSummary)
	// Loading tells what is to be loaded, before any of it is.
	Loading(l LoadSummary)
	// Loaded tells of a file whose rows are in a raw table.
	Loaded(entity string, rows, bytes int64)
	// Building tells how many models there are to look at.
	Building(models int)
	// ModelStarted and ModelDone tell of one model.
	ModelStarted(name string)
	ModelDone(m ModelResult)
}

// ModelResult is what became of one model.
type ModelResult struct {
	Name     string
	State    ledger.State // done, failed, skipped
	Built    bool         // false for one that had not changed
	Rows     *int64       // nil for a view
	Duration time.Duration
	Message  string
}

// unobserved is the observer of a run that nobody watches.
type unobserved struct{}

func (unobserved) Note(string)                                    {}
func (unobserved) Extracting(string, string, connectors.Progress) {}
func (unobserved) Slice(DatasetSummary)                           {}
func (unobserved) Extracted(DatasetSummary)                       {}
func (unobserved) Loading(LoadSummary)                            {}
func (unobserved) Loaded(string, int64, int64)                    {}
func (unobserved) Building(int)                                   {}
func (unobserved) ModelStarted(string)                            {}
func (unobserved) ModelDone(ModelResult)                          {}
