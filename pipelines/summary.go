package pipelines

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"winback/connectors"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
)

// Summary tells how a run went, for people and as JSON. Durations are written
// in seconds.
type Summary struct {
	RunID    string           `json:"run_id"`
	AsOf     string           `json:"as_of"`
	State    ledger.State     `json:"state"`
	Datasets []DatasetSummary `json:"datasets"`
	Load     LoadSummary      `json:"load"`
	Models   ModelSummary     `json:"models"`
	Checks   CheckSummary     `json:"checks"`
	// QuarantineOpen counts the records of this and earlier runs that were put aside
	// and of which nothing has become yet.
	QuarantineOpen int64 `json:"quarantine_open"`
	// Problems are sentences, each with what happened and a way out.
	Problems []string      `json:"problems"`
	Stages   []Stage       `json:"stages"`
	Duration time.Duration `json:"-"`
}

// DatasetSummary is one extraction.
type DatasetSummary struct {
	Source   string          `json:"source"`
	Dataset  string          `json:"dataset"`
	State    ledger.State    `json:"state"`
	Entities []EntitySummary `json:"entities"`
	// Slices is how many commits it came in, where it was more than one; of one that
	// failed, how many came before.
	Slices int    `json:"slices,omitempty"`
	Error  string `json:"error,omitempty"`
	// DataOf is when what is there of a failed dataset was read.
	DataOf *time.Time `json:"data_of,omitempty"`
	// Notices tell of inputs that were left or are missing.
	Notices  []connectors.Notice `json:"notices,omitempty"`
	Duration time.Duration       `json:"-"`

	aside []string // the runs, or slices, under which records were put aside
}

// Name is how messages call the dataset: its source and its own name.
func (d DatasetSummary) Name() string { return datasetName(d.Source, d.Dataset) }

// message is what the books say of the extraction.
func (d DatasetSummary) message() string {
	texts := make([]string, 0, len(d.Notices)+1)
	if d.Error != "" {
		texts = append(texts, d.Error)
	}
	for _, n := range d.Notices {
		texts = append(texts, n.Text)
	}
	return strings.Join(texts, "\n")
}

func datasetName(source, dataset string) string { return source + ": " + dataset }

// EntitySummary counts what became of an entity's records.
type EntitySummary struct {
	Entity      string `json:"entity"`
	Read        int64  `json:"read"`
	Landed      int64  `json:"landed"`
	Unchanged   int64  `json:"unchanged"` // read again as they were landed last
	Duplicates  int64  `json:"duplicates"`
	Quarantined int64  `json:"quarantined"`
	Ignored     int64  `json:"ignored"`
	Expected    int64  `json:"expected,omitempty"` // records that the source counts, if it does
	Deleted     int64  `json:"deleted,omitempty"`  // landed earlier, and no longer in the source
	Emptied     int64  `json:"emptied,omitempty"`  // values left out of records that landed
	Bytes       int64  `json:"bytes"`
}

// saysNew says that not all that was read was there already.
func (e EntitySummary) saysNew() bool {
	return e.Landed+e.Quarantined+e.Deleted+e.Emptied > 0 || e.Unchanged == 0 && e.Read+e.Expected > 0
}

// add sums up what a manifest says.
func (d *DatasetSummary) add(m *landing.Manifest) {
	for _, c := range m.Entities {
		at := slices.IndexFunc(d.Entities, func(e EntitySummary) bool { return e.Entity == c.Entity })
		if at < 0 {
			at = len(d.Entities)
			d.Entities = append(d.Entities, EntitySummary{Entity: c.Entity})
		}
		e := &d.Entities[at]
		e.Read, e.Landed, e.Expected = e.Read+c.Read, e.Landed+c.Landed, e.Expected+c.Expected
		e.Unchanged, e.Duplicates, e.Quarantined = e.Unchanged+c.Unchanged, e.Duplicates+c.Duplicates, e.Quarantined+c.Quarantined
		e.Ignored, e.Emptied = e.Ignored+c.Ignored, e.Emptied+c.Emptied
	}
	for _, f := range m.Files {
		for i := range d.Entities {
			if d.Entities[i].Entity == f.Entity {
				d.Entities[i].Bytes += f.Bytes
			}
		}
	}
}

// LoadSummary counts what went into the raw tables, and beside them the rows
// that went into ops.quarantine.
type LoadSummary struct {
	Files       int   `json:"files"`
	Rows        int64 `json:"rows"`
	Bytes       int64 `json:"bytes"`
	Tables      int   `json:"tables"`
	Quarantined int64 `json:"quarantined"`
}

// ModelSummary counts models by what became of them.
type ModelSummary struct {
	Built     int `json:"built"`
	Unchanged int `json:"unchanged"`
	Failed    int `json:"failed"`
	Skipped   int `json:"skipped"`
}

// CheckSummary counts data checks by their result.
type CheckSummary struct {
	Passed int `json:"passed"`
	Warned int `json:"warned"`
	Failed int `json:"failed"`
	// Standing counts those that failed or warned in an earlier run and had no reason to
	// run in this one: what they said holds.
	Standing int `json:"standing,omitempty"`
}

// Stage is the time that one part of a run took.
type Stage struct {
	Name     string        `json:"name"`
	Duration time.Duration `json:"-"`
}

// NothingNew says that the run found nothing to do.
func (s Summary) NothingNew() bool {
	for _, d := range s.Datasets {
		if d.Error != "" || slices.ContainsFunc(d.Entities, EntitySummary.saysNew) {
			return false
		}
	}
	return s.Load.Files == 0 && s.Models.Built == 0
}

// MarshalJSON adds the durations in seconds.
func (s Summary) MarshalJSON() ([]byte, error) {
	type plain Summary
	return json.Marshal(struct {
		plain
		Seconds float64 `json:"seconds"`
	}{plain(s), s.Duration.Seconds()})
}

// MarshalJSON adds the duration in seconds.
func (d DatasetSummary) MarshalJSON() ([]byte, error) {
	type plain DatasetSummary
	return json.Marshal(struct {
		plain
		Seconds float64 `json:"seconds"`
	}{plain(d), d.Duration.Seconds()})
}

// MarshalJSON adds the duration in seconds.
func (s Stage) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name    string  `json:"name"`
		Seconds float64 `json:"seconds"`
	}{s.Name, s.Duration.Seconds()})
}
