package pipelines

import (
	"log/slog"

	"winback/pipelines/ledger"
)

// logged tells a log what happens in a run.
type logged struct {
	unobserved
	log *slog.Logger
}

// loggedRun returns the observer that logs a run, with its id and the job that it is
// made for in each line.
func (p *Project) loggedRun(id string, o RunOptions) logged {
	log := p.log.With("run_id", id)
	if o.Job != "" {
		log = log.With("job", o.Job)
	}
	return logged{log: log}
}

func (l logged) began(command string) { l.log.Info("a run began", "command", command) }

func (l logged) ended(s Summary, err error) {
	log := l.log.With("state", s.State, "seconds", s.Duration.Seconds())
	switch {
	case err != nil:
		log.Error("a run ended", "error", err)
	case s.State == ledger.Done:
		log.Info("a run ended")
	default:
		log.Error("a run ended", "problems", s.Problems)
	}
}

// Note logs what a person should know.
func (l logged) Note(text string) { l.log.Info(text) }

// Extracted logs what was read of a dataset, or why it was not.
func (l logged) Extracted(d DatasetSummary) {
	if d.Error != "" {
		l.log.Error("a dataset was not read", "dataset", d.Name(), "error", d.Error)
		return
	}
	var rows int64
	for _, e := range d.Entities {
		rows += e.Landed
	}
	l.log.Info("a dataset was read", "dataset", d.Name(), "rows", rows, "seconds", d.Duration.Seconds())
}

// Loading logs what is to be loaded.
func (l logged) Loading(s LoadSummary) {
	if s.Files > 0 {
		l.log.Info("loading", "files", s.Files, "rows", s.Rows)
	}
}

// ModelDone logs a model that was not built; those that were are logged by the models'
// own log.
func (l logged) ModelDone(m ModelResult) {
	if m.State == ledger.Failed {
		l.log.Error("a model was not built", "model", m.Name, "error", m.Message)
	}
}
