package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"winback/pipelines/warehouse"
)

// runLock keeps two runs of one project apart: both would land the same files.
type runLock struct {
	lock *flock.Flock
	note string
}

// lockRun takes the run lock of a project's home, waiting up to wait for a run
// that is under way. It returns *warehouse.HeldError when that one goes on.
func lockRun(ctx context.Context, home string, wait time.Duration) (*runLock, error) {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, fmt.Errorf("make the project's home: %w", err)
	}
	l := &runLock{lock: flock.New(filepath.Join(home, "run.lock")), note: filepath.Join(home, "run.holder.json")}
	locked, err := l.lock.TryLock()
	if !locked && err == nil && wait > 0 {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		locked, err = l.lock.TryLockContext(ctx, 100*time.Millisecond)
	}
	switch {
	case locked:
		return l, l.writeHolder()
	case err == nil || errors.Is(err, context.DeadlineExceeded):
		return nil, &warehouse.HeldError{What: "run", Home: home, Holder: l.readHolder()}
	}
	return nil, fmt.Errorf("lock %s: %w", home, err)
}

func (l *runLock) writeHolder() error {
	text, err := json.Marshal(warehouse.Holder{PID: os.Getpid(), Purpose: warehouse.ForRun, Since: time.Now().UTC()})
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.note, text, 0o644); err != nil {
		return errors.Join(fmt.Errorf("write down who runs: %w", err), l.lock.Unlock())
	}
	return nil
}

// readHolder says who holds the lock, as far as it is written down.
func (l *runLock) readHolder() warehouse.Holder {
	var holder warehouse.Holder
	if text, err := os.ReadFile(l.note); err == nil && json.Unmarshal(text, &holder) != nil {
		return warehouse.Holder{}
	}
	return holder
}

func (l *runLock) release() error { return l.lock.Unlock() }
