package pipelines

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"winback/connectors"
	"winback/pipelines/ledger"
)

// failures are the datasets of a source that could not be read. They are told when
// the source is done with, so that one cause is told once.
type failures struct {
	*run
	source  string
	list    []failure
	untried int // datasets, as the source as a whole is down
}

type failure struct {
	datasets []string
	text     string
	whole    bool // of the source
	slices   int
	dataOf   time.Time
}

// add notes that a dataset could not be read, and what of it is there all the same.
func (f *failures) add(d *DatasetSummary, err error) {
	// Many errors name the dataset first, as the messages do already.
	d.State, d.Error = ledger.Failed, strings.TrimPrefix(err.Error(), d.Dataset+": ")
	if f.foundDiskFull(err) {
		return
	}
	this := failure{datasets: []string{d.Dataset}, text: d.Error, whole: connectors.OfWholeSource(err), slices: d.Slices}
	of := d.Dataset
	if this.whole {
		of = "" // any
	}
	if last, err := f.Zone.LastRead(f.source, of); err == nil && !last.IsZero() {
		this.dataOf, d.DataOf = last, &last
	}
	same := slices.IndexFunc(f.list, func(have failure) bool { return have.text == this.text && have.slices+this.slices == 0 })
	if same < 0 {
		f.list = append(f.list, this)
		return
	}
	have := &f.list[same]
	have.datasets = append(have.datasets, d.Dataset)
	if this.dataOf.Before(have.dataOf) {
		have.dataOf = this.dataOf
	}
}

// tell says why datasets could not be read, what of them is there all the same, and
// what else was not tried for that.
func (f *failures) tell() {
	for _, one := range f.list {
		name, of := datasetName(f.source, strings.Join(one.datasets, ", ")), "what is there of it"
		switch {
		case one.whole:
			name, of = f.source, "what is there of the source"
		case len(one.datasets) > 1:
			of = "what is there of them"
		}
		text := fmt.Sprintf("FAILED %s: %s", name, one.text)
		if one.slices > 0 {
			text += fmt.Sprintf("; %s kept", slicesBefore(one.slices))
			if f.o.Range == nil {
				text += ", and the next run goes on from there"
			}
		}
		if one.whole && f.untried > 0 {
			text += fmt.Sprintf("; its other datasets (%d) were not tried", f.untried)
		}
		if !one.dataOf.IsZero() {
			text += fmt.Sprintf("; %s was read at %s", of, one.dataOf.In(f.Config.Location).Format("2006-01-02 15:04"))
		}
		f.problem("%s", text)
	}
}

func slicesBefore(n int) string {
	if n == 1 {
		return "the slice before it is"
	}
	return fmt.Sprintf("the %d slices before it are", n)
}
