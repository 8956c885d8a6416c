package pipelines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"winback/pipelines/config"
	"winback/pipelines/landing"
	"winback/pipelines/load"
	"winback/pipelines/objects"
)

// openZone opens the project's landing zone: in its home, or in a bucket with a
// working copy in its home. It asks the bucket nothing yet.
func openZone(c *config.Landing, home string) (*landing.Zone, error) {
	if c.OnDisk() {
		return landing.Open(filepath.Join(home, "landing")), nil
	}
	store, err := openBucket(c.URL, &c.S3)
	if err != nil {
		return nil, fmt.Errorf("open the landing zone: %w", err)
	}
	// Another bucket has another working copy.
	folder := fmt.Sprintf("landing-%08x", uint32(xxhash.Sum64String(c.Endpoint+" "+store.String())))
	return landing.OpenRemote(filepath.Join(home, folder), landing.RemoteOptions{Store: store, Grace: c.Grace, Keep: int64(c.Keep)}), nil
}

// openBucket opens s3://bucket/prefix.
func openBucket(at string, c *config.S3) (*objects.S3, error) {
	options, err := c.Options(at)
	if err != nil {
		return nil, err
	}
	return objects.OpenS3(options)
}

// projectLock keeps other runs of a project away: those of this home by a file, those
// of other homes with the same bucket by a lease in it.
type projectLock struct {
	run     *runLock
	release func() error
}

// lock takes the project for writing, waiting for whoever has it. The error is a
// *warehouse.HeldError or an *objects.HeldError if they go on.
func (p *Project) lock(ctx context.Context, wait time.Duration) (*projectLock, error) {
	begin := time.Now()
	run, err := lockRun(ctx, p.Home, wait)
	if err != nil {
		return nil, err
	}
	release, err := p.lockZone(ctx, max(wait-time.Since(begin), 0))
	if err != nil {
		return nil, errors.Join(err, run.release())
	}
	return &projectLock{run: run, release: release}, nil
}

func (p *Project) lockZone(ctx context.Context, wait time.Duration) (release func() error, err error) {
	if !p.Zone.Remote() {
		return p.Zone.Lock(ctx, landing.LockOptions{})
	}
	id, err := homeID(p.Home)
	if err != nil {
		return nil, err
	}
	return p.Zone.Lock(ctx, landing.LockOptions{Holder: id, About: p.aboutHolder(), Wait: wait})
}

// aboutHolder tells others who has the lease of a bucket.
func (p *Project) aboutHolder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown machine"
	}
	return fmt.Sprintf("process %d on %s (%s)", os.Getpid(), host, p.Home)
}

// lockToRestore takes a bucket that a backup may be restored into, for the home that the
// backup is of: this one has its id only once it is restored.
func (p *Project) lockToRestore(ctx context.Context, home string, wait time.Duration) (release func() error, err error) {
	if text, err := readIfThere(filepath.Join(p.Home, homeIDFile)); err == nil && len(text) > 0 {
		home = strings.TrimSpace(string(text))
	}
	return p.Zone.Lock(ctx, landing.LockOptions{Holder: home, About: p.aboutHolder(), Wait: wait, Restoring: true})
}

// unlock gives the project back.
func (l *projectLock) unlock() error { return errors.Join(l.release(), l.run.release()) }

// bucketAccess says how the project's server loads files from the bucket itself; nil
// if the program streams them.
func (p *Project) bucketAccess() *load.Bucket {
	c := &p.Config.Landing
	if c.OnDisk() || c.Server.Access == config.ServerReadsNothing || p.Config.Warehouse.Embedded() {
		return nil
	}
	b := &load.Bucket{
		Look:       p.Zone.Look,
		Collection: c.Server.Collection, Role: c.Server.Role,
		URL: func(path string) string { return p.addressForServer(path) },
	}
	if c.Server.Access == config.ByKeys {
		b.AccessKey, b.SecretKey, b.SessionToken = c.AccessKey.Reveal(), c.SecretKey.Reveal(), c.SessionToken.Reveal()
	}
	return b
}

// addressForServer is a file's address as the server reaches it.
func (p *Project) addressForServer(path string) string {
	address, _ := p.Zone.ObjectURL(path)
	c := &p.Config.Landing
	if c.Server.Endpoint == "" || c.Endpoint == "" {
		return address
	}
	if rest, ok := strings.CutPrefix(address, strings.TrimSuffix(c.Endpoint, "/")); ok {
		return strings.TrimSuffix(c.Server.Endpoint, "/") + rest
	}
	return address
}
