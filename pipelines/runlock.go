package pipelines

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"

	"winback/pipelines/config/scaffold"
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
	l := &runLock{lock: flock.New(filepath.Join(home, "run.lock")), note: filepath.Join(home, scaffold.HolderFile)}
	locked, err := l.lock.TryLock()
	if !locked && err == nil && wait > 0 {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		locked, err = l.lock.TryLockContext(ctx, 100*time.Millisecond)
	}
	switch {
	case locked:
		// A restore that was killed may have left the landing zone beside its place.
		if err := errors.Join(warehouse.MendSwap(filepath.Join(home, "landing")), writeHolder(l.note, warehouse.ForRun)); err != nil {
			return nil, errors.Join(err, l.lock.Unlock())
		}
		return l, nil
	case err == nil || errors.Is(err, context.DeadlineExceeded):
		return nil, &warehouse.HeldError{What: "run", Home: home, Holder: readHolder(l.note)}
	}
	return nil, fmt.Errorf("lock %s: %w", home, err)
}

// writeHolder notes in a file that this process holds a lock.
func writeHolder(path string, purpose warehouse.Purpose) error {
	text, err := json.Marshal(warehouse.Holder{PID: os.Getpid(), Purpose: purpose, Since: time.Now().UTC()})
	if err == nil {
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write down who holds the lock: %w", err)
	}
	return nil
}

// readHolder says who holds a lock, as far as it is written down.
func readHolder(path string) warehouse.Holder {
	var holder warehouse.Holder
	if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &holder) != nil {
		return warehouse.Holder{}
	}
	return holder
}

func (l *runLock) release() error { return l.lock.Unlock() }

// homeIDFile names a home for the server that its runs fill.
const homeIDFile = "home.id"

// claim makes sure that no other home fills the project's server.
func (p *Project) claim(ctx context.Context, w *warehouse.Warehouse) error {
	id, err := homeID(p.Home)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown machine"
	}
	return w.Claim(ctx, warehouse.Owner{ID: id, Host: host, Home: p.Home})
}

// homeID returns the id of a home, which it is given when it is first asked for. The
// run lock is held.
func homeID(home string) (string, error) {
	path := filepath.Join(home, homeIDFile)
	text, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(text)); err == nil && id != "" {
		return id, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the id of the project's home: %w", err)
	}
	id := rand.Text()
	if err := renameio.WriteFile(path, []byte(id+"\n"), 0o644); err != nil {
		return "", fmt.Errorf("give the project's home an id: %w", err)
	}
	return id, nil
}

// serviceLock is held by the one service of a home, which writes into it who it is: two
// would do every job twice.
const serviceLock = "serve.lock"

// lockService makes this process the service of a home, until unlock is called. It
// returns a *warehouse.HeldError when there is one.
func lockService(home string) (unlock func() error, err error) {
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, fmt.Errorf("make the project's home: %w", err)
	}
	path := filepath.Join(home, serviceLock)
	lock := flock.New(path)
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", home, err)
	}
	if !locked {
		return nil, &warehouse.HeldError{What: "service", Home: home, Holder: readHolder(path)}
	}
	if err := writeHolder(path, warehouse.ForServe); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return lock.Unlock, nil
}
