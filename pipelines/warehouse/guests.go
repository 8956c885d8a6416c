package warehouse

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// A process that looks at the warehouse through another one's engine asks many things
// one after the other, and would find nobody there for the second when the other was
// done with its own work. So it says that it is there by holding a lock that others may
// hold beside it, and who has the engine gives it up only when nobody does.

func guestsLock(home string) *flock.Flock {
	return flock.New(filepath.Join(home, "warehouse.guests.lock"))
}

// beGuest says that this process looks through the one that has the engine. The lock is
// nil when that one is about to give it up.
func beGuest(home string) (*flock.Flock, error) {
	lock := guestsLock(home)
	switch there, err := lock.TryRLock(); {
	case err != nil:
		return nil, err
	case !there:
		return nil, lock.Close()
	}
	return lock, nil
}

// waitForGuests returns when all guests have left, or the context ends: then they have
// to go. It lets none in until it is told to.
func waitForGuests(ctx context.Context, home string) (admit func() error, err error) {
	lock := guestsLock(home)
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil && ctx.Err() == nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock.Close, nil
}
