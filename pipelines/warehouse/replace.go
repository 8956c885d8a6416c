package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// besideSuffix is added to the name of a folder for the moment in which a new one
// takes its place, on file systems that cannot exchange two folders.
const besideSuffix = ".before"

// Serving returns the process that has the embedded warehouse open to stay, if
// there is one: nothing else can be put in the warehouse's place meanwhile.
func Serving(home string) (Holder, bool) {
	e, err := readEndpoint(home)
	if err != nil || e.Holder.Purpose != ForServe {
		return Holder{}, false
	}
	lock := flock.New(lockFile(home))
	if owned, err := lock.TryLock(); err != nil || owned {
		lock.Unlock() //nolint:errcheck // nobody was there: it was killed and left its endpoint
		return Holder{}, false
	}
	return e.Holder, true
}

// Replace puts the embedded warehouse of another home in the place of a home's
// own, which then stands there instead. Neither may be open in this process. A
// process that has the home's warehouse open for a look is waited for; the error
// is a *HeldError when it does not end. After a kill at any point one of the two
// is in place, whole.
func Replace(ctx context.Context, home, other string, wait time.Duration) (err error) {
	lock := flock.New(lockFile(home))
	waiting, cancel := context.WithTimeout(ctx, max(wait, handOver))
	defer cancel()
	owned, err := lock.TryLockContext(waiting, 50*time.Millisecond)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !owned && (err == nil || errors.Is(err, context.DeadlineExceeded)):
		held := &HeldError{What: "warehouse", Home: home}
		if e, readErr := readEndpoint(home); readErr == nil {
			held.Holder = e.Holder
		}
		return held
	case err != nil:
		return fmt.Errorf("lock the warehouse in %s: %w", home, err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if err := errors.Join(removeEndpoint(home), mendReplace(home)); err != nil {
		return err
	}
	if err := SwapFolders(enginePath(home), enginePath(other)); err != nil {
		return fmt.Errorf("put the new warehouse in its place: %w", err)
	}
	return nil
}

// SwapFolders exchanges two folders at once where the file system can do that, and
// otherwise in three steps, which MendSwap puts right after a kill. Where the first is
// not there, the second takes its place.
func SwapFolders(there, fresh string) error {
	if _, err := os.Lstat(there); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(fresh, there)
	}
	err := exchange(there, fresh)
	if err == nil || !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	before := there + besideSuffix
	if err := os.Rename(there, before); err != nil {
		return err
	}
	if err := os.Rename(fresh, there); err != nil {
		return errors.Join(err, os.Rename(before, there))
	}
	return os.Rename(before, fresh)
}

// mendReplace does so for the warehouse. It must be called with its lock held.
func mendReplace(home string) error { return MendSwap(enginePath(home)) }

// MendSwap puts a folder back that a kill in the midst of a swap left beside its
// place. Nobody else may swap it meanwhile.
func MendSwap(there string) error {
	before := there + besideSuffix
	if _, err := os.Lstat(before); err != nil {
		return nil
	}
	if _, err := os.Lstat(there); err == nil {
		return os.RemoveAll(before) // the new one was in place already
	}
	if err := os.Rename(before, there); err != nil {
		return fmt.Errorf("put %s back: %w", there, err)
	}
	return nil
}

func lockFile(home string) string { return filepath.Join(home, "warehouse.lock") }
