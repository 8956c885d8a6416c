package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

// JobState is what is known of a job between two processes.
type JobState struct {
	// Paused says that the job waits until somebody resumes it.
	Paused bool `json:"paused,omitempty"`
	// ResumedAt is when it was resumed, if it was not done since.
	ResumedAt time.Time `json:"resumed_at,omitzero"`
	// Slot is the time that the job last began for.
	Slot time.Time `json:"slot,omitzero"`
	// Outcome is running, done or failed. One that is running when nobody runs was
	// broken off.
	Outcome Outcome `json:"outcome,omitempty"`
	// Attempts are the tries that it took.
	Attempts  int       `json:"attempts,omitempty"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// Message is why it failed.
	Message string `json:"message,omitempty"`
}

// Outcome of a job.
type Outcome string

// The outcomes.
const (
	Running Outcome = "running"
	Done    Outcome = "done"
	Failed  Outcome = "failed"
)

// Store keeps the states of jobs in a file, for one process at a time to change.
type Store struct{ path string }

// NewStore keeps states in the file of that path.
func NewStore(path string) *Store { return &Store{path} }

// Read returns the states by the name of the job.
func (s *Store) Read() (map[string]JobState, error) {
	states := map[string]JobState{}
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return states, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &states)
	}
	if err != nil {
		return nil, fmt.Errorf("read what is known of scheduled jobs: %s: %w (delete the file to begin anew)", s.path, err)
	}
	return states, nil
}

// Pause has a job left out until it is resumed, or resumes it.
func (s *Store) Pause(job string, paused bool, now time.Time) error {
	return s.Update(job, func(state *JobState) {
		if state.Paused && !paused {
			state.ResumedAt = now.UTC()
		}
		state.Paused = paused
	})
}

// Update changes the state of one job. The file is the old one or the new one,
// whatever happens.
func (s *Store) Update(job string, change func(*JobState)) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("note the state of job %s: %w", job, err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return err
	}
	lock := flock.New(s.path + ".lock")
	if err := lock.Lock(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	states, err := s.Read()
	if err != nil {
		return err
	}
	state := states[job]
	change(&state)
	states[job] = state
	text, err := json.MarshalIndent(states, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(s.path, append(text, '\n'), 0o644)
}
