package status

import (
	"encoding/json"
	"os"
	"strings"
	"sync"

	"github.com/google/renameio/v2"
)

// rising makes counters of figures that the books sum up. Books forget what is old, and
// a sum falls then; Prometheus takes a counter that falls for one that began anew, and
// counts all of it again. So what was forgotten is added, by a file after a restart too.
type rising struct {
	file string // empty for none

	mu        sync.Mutex
	forgotten map[string]float64 // by series
	last      map[string]float64 // sums of the books
	changed   bool
}

// newRising goes on with what the file says. One that can't be read counts as none.
func newRising(file string) *rising {
	r := &rising{file: file, forgotten: map[string]float64{}, last: map[string]float64{}}
	if text, err := os.ReadFile(file); err == nil {
		if json.Unmarshal(text, &r.forgotten) != nil || r.forgotten == nil {
			r.forgotten = map[string]float64{}
		}
	}
	return r
}

// of is the counter of a series whose sum in the books is now so much.
func (r *rising) of(sum float64, name string, labels ...string) float64 {
	key := name + "\x00" + strings.Join(labels, "\x00")
	r.mu.Lock()
	defer r.mu.Unlock()
	if fell := r.last[key] - sum; fell > 0 {
		r.forgotten[key] += fell
		r.changed = true
	}
	r.last[key] = sum
	return sum + r.forgotten[key]
}

// save keeps what was forgotten for the next process.
func (r *rising) save() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.changed || r.file == "" {
		return nil
	}
	text, err := json.Marshal(r.forgotten)
	if err == nil {
		err = renameio.WriteFile(r.file, text, 0o600)
	}
	r.changed = err != nil
	return err
}
