package pipelines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"winback/pipelines/backup"
	"winback/pipelines/objects"
	"winback/pipelines/users"
	"winback/pipelines/warehouse"
)

// Folders in a project's home that backups and restores use for a while.
const (
	snapshotFolder = "backup.tmp"
	backupLock     = "backup.lock"
)

// OpenBackups returns the place where backups are kept: a directory, or
// s3://bucket/prefix. For S3 the usual variables of the environment say where and as
// whom: AWS_ENDPOINT_URL, AWS_REGION, AWS_CA_BUNDLE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or the
// role of the machine.
func OpenBackups(place string) (objects.Store, error) {
	if !strings.Contains(place, "://") {
		dir, err := filepath.Abs(place)
		return objects.OpenDisk(dir), err
	}
	bucket, prefix, err := objects.ParseS3URL(place)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	return objects.OpenS3(objects.S3Options{
		Bucket: bucket, Prefix: prefix, Endpoint: os.Getenv("AWS_ENDPOINT_URL"), Region: os.Getenv("AWS_REGION"), CAFile: os.Getenv("AWS_CA_BUNDLE"),
	})
}

// BackupOptions say how a project is backed up.
type BackupOptions struct {
	Store objects.Store
	// Incremental stores only what is new since the last backup.
	Incremental bool
	// Keep says which older backups stay.
	Keep backup.Keep
	// Wait is how long to wait for a run that is under way.
	Wait time.Duration
	// OnTaken, if set, is told when runs may go on.
	OnTaken func(held time.Duration)
}

// BackupSummary tells what was backed up.
type BackupSummary struct {
	*backup.Manifest
	// Removed are the backups that need not stay any longer.
	Removed []string `json:"removed"`
}

// Backup stores the landing zone, the embedded warehouse and the books. Queries and
// a service go on. Runs wait for a moment only: a snapshot of hard links is taken
// under the run lock and stored after it was given up. The warehouse of a ClickHouse
// server is not in it; it is built again from the landing zone.
//
// The errors are *warehouse.HeldError where a run or another backup goes on, those of
// the store, *backup.OtherHomeError.
func (p *Project) Backup(ctx context.Context, o BackupOptions) (s BackupSummary, err error) {
	if err := os.MkdirAll(p.Home, 0o755); err != nil {
		return s, fmt.Errorf("make the project's home: %w", err)
	}
	lock := flock.New(filepath.Join(p.Home, backupLock))
	if locked, err := lock.TryLock(); err != nil || !locked {
		return s, errors.Join(err, &warehouse.HeldError{What: "backup", Home: p.Home})
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if err := objects.TryWrite(ctx, o.Store); err != nil { // no run shall wait in vain
		return s, fmt.Errorf("back up to %s: %w", o.Store, err)
	}
	snapshot := filepath.Join(p.Home, snapshotFolder)
	if err := os.RemoveAll(snapshot); err != nil { // of one that was killed
		return s, fmt.Errorf("remove what an interrupted backup left: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(snapshot)) }()
	m, distant, err := p.takeSnapshot(ctx, snapshot, o)
	if err != nil {
		return s, err
	}
	if err := backup.Take(ctx, o.Store, snapshot, m, p.now, distant...); err != nil {
		return s, fmt.Errorf("back up to %s: %w", o.Store, err)
	}
	s.Manifest = m
	if err := storeErasures(ctx, o.Store, filepath.Join(p.Home, erasureFolder)); err != nil {
		return s, err
	}
	s.Removed, err = backup.Prune(ctx, o.Store, o.Keep, p.now())
	return s, err
}

// takeSnapshot makes a folder that holds what is to be backed up, and lists what of it is
// in a bucket, while no run goes on.
func (p *Project) takeSnapshot(ctx context.Context, snapshot string, o BackupOptions) (m *backup.Manifest, distant []backup.Distant, err error) {
	lock, err := p.lock(ctx, o.Wait)
	if err != nil {
		return nil, nil, err
	}
	locked := time.Now()
	defer func() {
		if err = errors.Join(err, lock.unlock()); err == nil && o.OnTaken != nil {
			o.OnTaken(time.Since(locked))
		}
	}()
	home, err := homeID(p.Home)
	if err != nil {
		return nil, nil, err
	}
	taken := p.now().UTC()
	m = &backup.Manifest{ID: newRunID(taken), Kind: backup.Full, Project: p.Config.Project, Home: home, TakenAt: taken, Program: programVersion()}
	if o.Incremental {
		m.Kind = backup.Incremental
	}
	if err := os.MkdirAll(snapshot, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make a folder for the snapshot: %w", err)
	}
	for _, name := range []string{"landing", erasureFolder, ScheduleFile, homeIDFile} {
		if err := linkTree(filepath.Join(p.Home, name), filepath.Join(snapshot, name)); err != nil {
			return nil, nil, fmt.Errorf("take a snapshot of %s: %w", name, err)
		}
	}
	if distant, err = p.distantLanding(ctx); err != nil {
		return nil, nil, err
	}
	m.LeftOut = append(m.LeftOut, "configuration, its .env and files that it names: keep them where the program's own setup is kept")
	for _, left := range []struct{ name, why string }{
		{users.FileName, "the users of the service with the hashes of their passwords: winback users add makes them again"},
		{"state", "tokens that sources were given: they are secrets, and outdated soon"},
	} {
		if _, err := os.Lstat(filepath.Join(p.Home, left.name)); err == nil {
			m.LeftOut = append(m.LeftOut, left.name+": "+left.why)
		}
	}
	if !p.Config.Warehouse.Embedded() {
		m.LeftOut = append(m.LeftOut, "warehouse: it is on a ClickHouse server, which has BACKUP of its own; winback rebuild fills one again from the landing zone")
		return m, distant, nil
	}
	return m, distant, p.snapshotWarehouse(ctx, snapshot, m)
}

// distantLanding is the landing zone that is in a bucket: copied from there after the
// snapshot, into the same places as one on disk.
func (p *Project) distantLanding(ctx context.Context) ([]backup.Distant, error) {
	stored, err := p.Zone.Stored(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the landing zone: %w", err)
	}
	list := make([]backup.Distant, len(stored))
	for i, info := range stored {
		list[i] = backup.Distant{
			Path: "landing/" + info.Key, Size: info.Size, Changed: info.Changed,
			Open: func(ctx context.Context) (io.ReadCloser, error) { return p.Zone.OpenStored(ctx, info) },
		}
	}
	return list, nil
}

// programVersion is how manifests call this program.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// linkTree links a file or a folder to another place. A file that is not there is
// none to link; one that goes meanwhile was not wanted any more. Where the file
// system knows no hard links, files are copied.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		there := filepath.Join(to, relative)
		switch {
		case e.IsDir():
			return os.MkdirAll(there, 0o700)
		case e.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			return errors.Join(err, os.Symlink(target, there))
		}
		return linkFile(path, there)
	})
}

func linkFile(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	info, statErr := os.Stat(from)
	if statErr != nil {
		return errors.Join(err, statErr)
	}
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	return errors.Join(err, os.Chtimes(to, info.ModTime(), info.ModTime()))
}

// readIfThere reads a file; nil if it is not there.
func readIfThere(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// writeAsOwner writes a file that nobody else may read.
func writeAsOwner(path string, text []byte) error {
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600))
}
