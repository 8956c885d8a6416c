package landing

import (
	"fmt"

	"github.com/gofrs/flock"
)

// readersLock is the file beside the zone that its readers hold together.
const readersLock = ".readers.lock"

// In a store there is no such lock across machines: there files that were replaced
// stay for RemoteOptions.Grace, which readers elsewhere have to finish in.

// Hold keeps the files that manifests name from being removed until release is
// called: a compaction that takes place meanwhile leaves the files it replaced to a
// later one. Read the manifests after it. Readers do not keep each other waiting.
func (z *Zone) Hold() (release func() error, err error) {
	lock := flock.New(z.root + readersLock)
	if err := lock.RLock(); err != nil {
		return nil, fmt.Errorf("hold the landing zone's files: %w", err)
	}
	return lock.Close, nil
}

// lockOutReaders returns a function that lets readers in again, or nil if there are
// any.
func (z *Zone) lockOutReaders() (readmit func() error, err error) {
	lock := flock.New(z.root + readersLock)
	alone, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("see who reads the landing zone: %w", err)
	}
	if !alone {
		return nil, lock.Close()
	}
	return lock.Close, nil
}
