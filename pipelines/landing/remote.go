package landing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"winback/pipelines/objects"
)

// A zone may be kept in an object store. Its folder is a working copy then: the
// manifests as they are in the store, and for a while the files that this process has
// written. Nothing in it is needed: it is made again from the store. Files are written
// in the folder first, and uploaded when a run commits; the manifest comes last, and
// is put in place only if there is none of its name. A lease in the store keeps
// writers of other machines away.
//
//	<store>/<source>/…                                as on disk
//	<store>/<source>/_pending/<run>.<dataset>.json    what a commit is about to upload
//	<store>/_lease.json                               who writes
//	<store>/_restoring/note                           it is being restored, and not whole

const (
	pendingDir = "_pending"
	probedName = ".probed"
	leaseKey   = "_lease.json"
)

// RemoteOptions say where a zone is kept. Zero values mean the defaults.
type RemoteOptions struct {
	Store objects.Store
	// Grace is how long files stay that a compaction has replaced, for readers on
	// other machines: none of them is to read longer with the manifests it began with.
	// By default a day.
	Grace time.Duration
	// Keep is how many bytes of files the folder keeps that were just uploaded, so
	// that loading them needs no download. By default 1 GiB.
	Keep int64
}

const (
	defaultGrace = 24 * time.Hour
	defaultKeep  = 1 << 30
	// fresh is how long a look at the store is good for somebody who has no lease.
	fresh = 10 * time.Second
	// uploads and downloads are how many go side by side.
	uploads   = 4
	downloads = 16
)

// remote is the store of a zone and what is known of it.
type remote struct {
	store objects.Store
	grace time.Duration
	keep  int64

	mu     sync.Mutex // guards what follows
	lease  *objects.Lease
	looked time.Time // when the folder was brought up to date
	kept   int64     // bytes of uploaded files in the folder
}

// ErrNotLocked says that a zone in a store is written to without its lease.
var ErrNotLocked = errors.New("the landing zone is not locked for writing")

// OpenRemote returns a landing zone that is kept in a store, with a folder as its
// working copy. Whoever writes to it calls Lock before.
func OpenRemote(folder string, o RemoteOptions) *Zone {
	z := Open(folder)
	z.files = scratch{}
	z.remote = &remote{store: o.Store, grace: o.Grace, keep: o.Keep}
	if o.Grace == 0 {
		z.remote.grace = defaultGrace
	}
	if o.Keep == 0 {
		z.remote.keep = defaultKeep
	}
	return z
}

// scratch is a disk whose files need not last.
type scratch struct{ disk }

func (scratch) create(path string) (writtenFile, error) {
	f, err := disk{}.create(path)
	return unsynced{f}, err
}

func (scratch) syncDir(string) error { return nil }

type unsynced struct{ writtenFile }

func (unsynced) Sync() error { return nil }

// LockOptions say who is going to write.
type LockOptions struct {
	// Holder names the machine's home, of which one process at a time writes: it has
	// taken a lock of its own.
	Holder string
	About  string        // of the process, for the message to others
	Wait   time.Duration // for somebody else to end
	For    time.Duration // how long the lease is good after a kill; a minute by default
	// Restoring is for who calls Fill: what is there need not be whole.
	Restoring bool
}

// Lock keeps writers on other machines away until release is called. A zone on disk
// needs no such lock beside that of its home. The error is an *objects.HeldError if
// somebody else writes.
func (z *Zone) Lock(ctx context.Context, o LockOptions) (release func() error, err error) {
	if z.remote == nil {
		return func() error { return nil }, nil
	}
	lease, err := objects.TakeLease(ctx, z.remote.store, leaseKey, objects.LeaseOptions{Holder: o.Holder, About: o.About, Wait: o.Wait, For: o.For})
	if err != nil {
		return nil, err
	}
	z.remote.hold(lease)
	release = func() error {
		z.remote.hold(nil)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		return lease.Release(ctx)
	}
	err = z.probe(ctx)
	if err == nil && !o.Restoring {
		err = z.refresh(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}

// probe tries once for each folder whether the store keeps to what is asked of it.
func (z *Zone) probe(ctx context.Context) error {
	done := filepath.Join(z.root, probedName)
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if err := z.Probe(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(z.root, 0o750); err != nil {
		return storageError("create", z.root, err)
	}
	return storageError("write", done, os.WriteFile(done, nil, 0o600))
}

// Probe says whether the zone's store can be written to and read, and keeps to
// conditions. A zone on disk has none.
func (z *Zone) Probe(ctx context.Context) error {
	if z.remote == nil {
		return nil
	}
	return objects.Probe(ctx, z.remote.store)
}

func (r *remote) hold(lease *objects.Lease) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lease, r.looked = lease, time.Time{}
}

// writing returns the lease that is held.
func (r *remote) writing() (*objects.Lease, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lease == nil {
		return nil, ErrNotLocked
	}
	return r.lease, r.lease.Check()
}

// mayWrite says whether this process may write to the zone.
func (z *Zone) mayWrite() error {
	if z.remote == nil {
		return nil
	}
	if _, err := z.remote.writing(); err != nil {
		return fmt.Errorf("write to %s: %w", z.remote.store, err)
	}
	return nil
}

// Remote says whether the zone is kept in a store rather than in its folder.
func (z *Zone) Remote() bool { return z.remote != nil }

// ObjectURL returns the address of a file of a manifest for programs that read the
// store themselves; false if there is none.
func (z *Zone) ObjectURL(path string) (string, bool) {
	if z.remote == nil {
		return "", false
	}
	addressed, ok := z.remote.store.(interface{ ObjectURL(key string) string })
	if !ok {
		return "", false
	}
	return addressed.ObjectURL(path), true
}

// evict removes what the folder keeps of files, which are in the store.
func (z *Zone) evict() error {
	z.remote.mu.Lock()
	defer z.remote.mu.Unlock()
	z.remote.kept = 0
	left, err := filepath.Glob(filepath.Join(z.root, fetchPattern))
	if err != nil {
		return err
	}
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	folders, globbed := filepath.Glob(filepath.Join(z.root, "*", "*"))
	err = errors.Join(err, globbed)
	for _, path := range folders {
		switch filepath.Base(path) {
		case manifestDir, failedDir, indexName, stampName:
		default:
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return storageError("clean up", z.root, err)
}
