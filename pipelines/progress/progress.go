// Package progress keeps what a run is doing at the moment in a small file of the
// project's home, for those who look at it from another process. The books in the
// warehouse have what is done; the file is there while a run goes on and no longer, and
// nothing depends on it.
package progress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// FileName is that of the file in a project's home.
const FileName = "run.progress"

// Snapshot is what a run is doing.
type Snapshot struct {
	RunID string `json:"run_id"`
	// At is when the run last told. One that has not for long hangs, or was killed.
	At time.Time `json:"at"`
	// Doing are the things that go on side by side, the oldest first.
	Doing []Activity `json:"doing"`
}

// Activity is one thing that goes on.
type Activity struct {
	Kind string    `json:"kind"` // stage, extract, model
	Name string    `json:"name"`
	At   time.Time `json:"since"`
	// Rows and Bytes are those read or loaded so far.
	Rows  int64 `json:"rows,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	// Done of Of says how far it is: bytes of a dataset that is read, rows of a load,
	// models of the stage that builds them. Of is 0 where that is not known.
	Done int64 `json:"done,omitempty"`
	Of   int64 `json:"of,omitempty"`
}

// Percent is how much of it is done, 0 to 100; 0 where that is not known.
func (a Activity) Percent() int {
	if a.Of <= 0 {
		return 0
	}
	return int(min(100, 100*a.Done/a.Of))
}

// Read returns what the run of a home is doing; nil where none tells.
func Read(home string) (*Snapshot, error) {
	text, err := os.ReadFile(filepath.Join(home, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	s := &Snapshot{}
	if err == nil {
		err = json.Unmarshal(text, s)
	}
	if err != nil {
		return nil, fmt.Errorf("read what a run is doing: %w", err)
	}
	return s, nil
}

// Of returns what a run of a home is doing; nil where it does not tell.
func Of(home, runID string) (*Snapshot, error) {
	s, err := Read(home)
	if err != nil || s == nil || s.RunID != runID {
		return nil, err
	}
	return s, nil
}

// Recorder collects what a run is doing. It is safe for concurrent use.
type Recorder struct {
	path string
	now  func() time.Time

	mu       sync.Mutex
	snapshot Snapshot
}

// NewRecorder records a run of a home.
func NewRecorder(home, runID string, now func() time.Time) *Recorder {
	return &Recorder{path: filepath.Join(home, FileName), now: now, snapshot: Snapshot{RunID: runID, Doing: []Activity{}}}
}

// Update begins an activity, or changes one that goes on.
func (r *Recorder) Update(kind, name string, change func(*Activity)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.find(kind, name)
	if at < 0 {
		r.snapshot.Doing = append(r.snapshot.Doing, Activity{Kind: kind, Name: name, At: r.now().UTC()})
		at = len(r.snapshot.Doing) - 1
	}
	if change != nil {
		change(&r.snapshot.Doing[at])
	}
}

// End ends an activity, and those of a kind if no name is given.
func (r *Recorder) End(kind, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.snapshot.Doing = slices.DeleteFunc(r.snapshot.Doing, func(a Activity) bool { return a.Kind == kind && (name == "" || a.Name == name) })
}

func (r *Recorder) find(kind, name string) int {
	return slices.IndexFunc(r.snapshot.Doing, func(a Activity) bool { return a.Kind == kind && a.Name == name })
}

// Snapshot is what goes on now.
func (r *Recorder) Snapshot() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.snapshot
	s.At, s.Doing = r.now().UTC(), slices.Clone(s.Doing)
	slices.SortStableFunc(s.Doing, func(a, b Activity) int { return a.At.Compare(b.At) })
	return s
}

// Write puts what goes on now in place of what the file has. It need not outlast the
// machine, so nothing waits for the disk.
func (r *Recorder) Write() error {
	text, err := json.Marshal(r.Snapshot())
	if err == nil {
		err = os.WriteFile(r.path+".new", text, 0o644)
	}
	if err == nil {
		err = os.Rename(r.path+".new", r.path)
	}
	if err != nil {
		return fmt.Errorf("tell what the run is doing: %w", err)
	}
	return nil
}

// Remove tells that the run has ended.
func (r *Recorder) Remove() error {
	err := os.Remove(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// String says in a line what goes on, the latest last.
func (s *Snapshot) String() string {
	var parts []string
	for _, a := range s.Doing {
		if a.Kind == Stage && len(s.Doing) > 1 && a.Of == 0 {
			continue // what it does says more
		}
		parts = append(parts, a.String())
	}
	return strings.Join(parts, ", ")
}

// Stage is the kind of the parts that a run consists of; the other kinds are within
// them.
const Stage = "stage"

// String says in words what goes on.
func (a Activity) String() string {
	text := a.Name
	if a.Kind != Stage {
		text = a.Kind + " " + a.Name
	}
	switch {
	case a.Kind == Stage && a.Of > 0:
		return fmt.Sprintf("%s %d of %d", text, a.Done, a.Of)
	case a.Rows > 0 && a.Of > 0:
		return fmt.Sprintf("%s: %d rows so far, %d %%", text, a.Rows, a.Percent())
	case a.Rows > 0:
		return fmt.Sprintf("%s: %d rows so far", text, a.Rows)
	}
	return text
}
