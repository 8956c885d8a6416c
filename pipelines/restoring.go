package pipelines

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"winback/pipelines/backup"
	"winback/pipelines/erasure"
	"winback/pipelines/landing"
	"winback/pipelines/objects"
	"winback/pipelines/warehouse"
)

// restoreFolder is where a backup is restored before it takes its place, in the
// project's home.
const restoreFolder = "restore.tmp"

// RestoreOptions say what is restored.
type RestoreOptions struct {
	Store objects.Store
	// At is the id of a backup; the last one if empty.
	At string
	// Overwrite, if set, is asked before what is there gives way. Without it a home
	// that holds something is an error.
	Overwrite func(*backup.Manifest) (bool, error)
	// Wait is how long to wait for a run that is under way.
	Wait     time.Duration
	Observer Observer
}

// RestoreSummary tells what was restored.
type RestoreSummary struct {
	Backup  string    `json:"backup"`
	TakenAt time.Time `json:"taken_at"`
	Home    string    `json:"home"`
	// Files and Bytes are what was written.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Kept is where what was there before is kept; empty if there was nothing.
	Kept string `json:"kept,omitempty"`
	// Bucket says what became of a landing zone in a bucket; empty for one on disk.
	Bucket string `json:"bucket,omitempty"`
	// Erased are the requests whose erasure was done again on the backup.
	Erased []string `json:"erased"`
	// LeftOut says what the backup does not hold.
	LeftOut []string `json:"left_out"`
	// Differences are marts that are not as the manifest says; only a drill looks.
	Differences []string `json:"differences,omitempty"`
	// Compared is how many marts a drill compared.
	Compared int     `json:"compared,omitempty"`
	Seconds  float64 `json:"seconds"`
}

// NotEmptyError says that a restore would overwrite something.
type NotEmptyError struct {
	Home  string
	Holds []string
}

func (e *NotEmptyError) Error() string {
	return fmt.Sprintf("%s holds %s already; choose another place with --into, or say --overwrite, which keeps what is there in a folder beside it",
		e.Home, strings.Join(e.Holds, " and "))
}

// ErrNotOverwritten says that somebody was asked and said no.
var ErrNotOverwritten = errors.New("nothing was restored: what is there stays")

// Restore brings a backup into the project's home. All of it is read and compared with
// its checksums aside; what was erased on request since is erased in it, and only then
// does it take its place. What was there is kept in a folder. After a kill at any
// moment the home holds the old landing zone or the restored one, whole. A landing zone
// in a bucket is filled where it is empty, and never overwritten.
func (p *Project) Restore(ctx context.Context, o RestoreOptions) (s RestoreSummary, err error) {
	started := time.Now()
	m, err := backup.Find(ctx, o.Store, o.At)
	if err != nil {
		return s, err
	}
	s = RestoreSummary{Backup: m.ID, TakenAt: m.TakenAt, Home: p.Home, LeftOut: m.LeftOut, Erased: []string{}}
	size := m.Size()
	s.Files, s.Bytes = size.Files, size.Bytes
	lock, err := lockRun(ctx, p.Home, o.Wait)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	if holder, ok := warehouse.Serving(p.Home); ok {
		return s, &warehouse.HeldError{What: "warehouse", Home: p.Home, Holder: holder}
	}
	unlock, err := p.lockToRestore(ctx, m.Home, o.Wait)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := p.mayRestore(m, o); err != nil {
		return s, err
	}
	aside := filepath.Join(p.Home, restoreFolder)
	if err := p.clearInterrupted(aside); err != nil {
		return s, fmt.Errorf("put away what an interrupted restore left: %w", err)
	}
	if err := p.fetchAside(ctx, o, m, aside, &s); err != nil {
		return s, errors.Join(err, os.RemoveAll(aside))
	}
	if s.Kept, err = p.putRestored(ctx, aside, m.ID, o.Wait); err != nil {
		return s, err
	}
	s.Seconds = time.Since(started).Seconds()
	return s, nil
}

// fetchAside brings a backup into a folder, without those who were forgotten since, and
// its landing zone into the project's bucket.
func (p *Project) fetchAside(ctx context.Context, o RestoreOptions, m *backup.Manifest, aside string, s *RestoreSummary) error {
	fresh := filepath.Join(aside, "new")
	if err := backup.Fetch(ctx, o.Store, m, fresh); err != nil {
		return err
	}
	others, err := storedErasures(ctx, o.Store, filepath.Join(aside, erasureFolder))
	if err != nil {
		return err
	}
	if s.Erased, err = p.eraseIn(ctx, fresh, others, o.Observer); err != nil {
		return err
	}
	if p.leaveUnerased(fresh, s.Erased) {
		s.LeftOut = append(s.LeftOut, "warehouse: somebody was forgotten since, and the backup lacks the landing zone that says whose rows are whose; winback run builds it from the bucket")
		if err := os.RemoveAll(filepath.Join(fresh, warehouse.Folder)); err != nil {
			return err
		}
	}
	if err := p.keepErasures(fresh); err != nil { // before what is restored can be seen
		return err
	}
	s.Bucket, err = p.fillBucket(ctx, fresh)
	return err
}

// leaveUnerased says that a restored warehouse may hold who was forgotten since: the
// backup is one of a project with its landing zone in a bucket, and does not have that.
func (p *Project) leaveUnerased(fresh string, erased []string) bool {
	_, err := os.Stat(filepath.Join(fresh, "landing"))
	return p.Zone.Remote() && len(erased) > 0 && errors.Is(err, fs.ErrNotExist)
}

// fillBucket puts the restored landing zone into the project's bucket, if that has none,
// and tells what became of it.
func (p *Project) fillBucket(ctx context.Context, fresh string) (string, error) {
	if !p.Zone.Remote() {
		return "", nil
	}
	filled, err := p.Zone.Fill(ctx, filepath.Join(fresh, "landing"))
	if err != nil {
		return "", fmt.Errorf("restore the landing zone into %s: %w", p.Config.Landing.URL, err)
	}
	if filled {
		return p.Config.Landing.URL + " was empty and has the landing zone of the backup now", nil
	}
	return p.Config.Landing.URL + " has a landing zone, which was left as it is: the next run brings the warehouse up to it. To restore that of the backup, name an empty prefix as landing.url", nil
}

// keepErasures takes over who must not come back from what was restored.
func (p *Project) keepErasures(fresh string) error {
	restored, err := erasure.Open(filepath.Join(fresh, erasureFolder))
	if err != nil {
		return err
	}
	here, err := p.erasures()
	if err != nil {
		return err
	}
	some, err := here.Merge(restored)
	if err != nil || !some {
		return err
	}
	return here.Write()
}

// mayRestore says whether what the home holds may give way.
func (p *Project) mayRestore(m *backup.Manifest, o RestoreOptions) error {
	var holds []string
	for name, what := range map[string]string{"landing": "a landing zone", warehouse.Folder: "a warehouse"} {
		if holdsFiles(filepath.Join(p.Home, name)) {
			holds = append(holds, what)
		}
	}
	if len(holds) == 0 {
		return nil
	}
	slices.Sort(holds)
	if o.Overwrite == nil {
		return &NotEmptyError{Home: p.Home, Holds: holds}
	}
	yes, err := o.Overwrite(m)
	if err == nil && !yes {
		err = ErrNotOverwritten
	}
	return err
}

// putRestored puts what was restored in its place. The order keeps the home right
// after a kill: without a warehouse, one is made from the landing zone that is there.
func (p *Project) putRestored(ctx context.Context, aside, id string, wait time.Duration) (kept string, err error) {
	fresh, old := filepath.Join(aside, "new"), filepath.Join(aside, "old")
	if err := errors.Join(os.MkdirAll(filepath.Join(old, warehouse.Folder), 0o750), os.MkdirAll(filepath.Join(fresh, "landing"), 0o750)); err != nil {
		return "", err
	}
	const puts = "restore puts in place"
	if p.Config.Warehouse.Embedded() {
		p.log.Debug(puts, "what", "no warehouse")
		if err := warehouse.Replace(ctx, p.Home, old, wait); err != nil {
			return "", err
		}
	}
	if !p.Zone.Remote() {
		p.log.Debug(puts, "what", "landing zone")
		if err := warehouse.SwapFolders(filepath.Join(p.Home, "landing"), filepath.Join(fresh, "landing")); err != nil {
			return "", fmt.Errorf("put the restored landing zone in its place: %w", err)
		}
	}
	if _, err := os.Lstat(filepath.Join(fresh, warehouse.Folder)); err == nil && p.Config.Warehouse.Embedded() {
		p.log.Debug(puts, "what", "warehouse")
		if err := warehouse.Replace(ctx, p.Home, fresh, wait); err != nil {
			return "", err
		}
	}
	// What says who the home is and when its jobs ran is restored where it is lost.
	for _, name := range []string{homeIDFile, ScheduleFile} {
		if _, err := os.Lstat(filepath.Join(p.Home, name)); errors.Is(err, fs.ErrNotExist) {
			err = os.Rename(filepath.Join(fresh, name), filepath.Join(p.Home, name))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("restore %s: %w", name, err)
			}
		}
	}
	return p.keepReplaced(aside, id)
}

// beforeRestorePrefix begins the name of the folder with what gave way to a backup.
const beforeRestorePrefix = "before-restore-"

// keepReplaced keeps what gave way to a backup in a folder beside it, and removes the
// rest.
func (p *Project) keepReplaced(aside, id string) (kept string, err error) {
	place, err := freeName(filepath.Join(p.Home, beforeRestorePrefix+id))
	if err != nil {
		return "", fmt.Errorf("keep what was there before: %w", err)
	}
	for from, name := range map[string]string{filepath.Join(aside, "new", "landing"): "landing", filepath.Join(aside, "old", warehouse.Folder): warehouse.Folder} {
		if name == "landing" && p.Zone.Remote() {
			continue // nothing gave way to it
		}
		if !holdsFiles(from) {
			continue
		}
		kept = place
		if err := errors.Join(os.MkdirAll(kept, 0o700), os.Rename(from, filepath.Join(kept, name))); err != nil {
			return kept, fmt.Errorf("keep what was there before: %w", err)
		}
	}
	return kept, os.RemoveAll(aside)
}

// clearInterrupted makes room where an interrupted restore was. One that was putting
// things in place may have left all that there is of what was there before: that is kept.
func (p *Project) clearInterrupted(aside string) error {
	if holdsFiles(filepath.Join(aside, "old")) {
		kept, err := freeName(filepath.Join(p.Home, beforeRestorePrefix+"interrupted"))
		if err == nil {
			err = os.Rename(aside, kept)
		}
		if err != nil {
			return err
		}
		p.log.Warn("an earlier restore was interrupted; what was there before it is kept", "folder", kept)
	}
	return os.RemoveAll(aside)
}

// freeName is a name that nothing has: the one given, or that with a number.
func freeName(path string) (string, error) {
	name := path
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
			return name, err
		}
		name = fmt.Sprintf("%s-%d", path, n)
	}
}

// Drill restores a backup to a folder of its own, opens its warehouse, compares every
// mart with what the manifest says of it, and the landing zone with its manifests. The
// project's home is not touched. Folder is removed afterwards; a temporary one is
// used if it is empty.
func (p *Project) Drill(ctx context.Context, o RestoreOptions, folder string) (s RestoreSummary, err error) {
	home, err := os.MkdirTemp(folder, "winback-drill-")
	if err != nil {
		return s, fmt.Errorf("make a folder for the drill: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	started := time.Now()
	drilled := *p
	drilled.Home, drilled.Zone = home, landing.Open(filepath.Join(home, "landing"))
	m, err := backup.Find(ctx, o.Store, o.At)
	if err != nil {
		return s, err
	}
	if err := backup.Fetch(ctx, o.Store, m, home); err != nil {
		return s, err
	}
	size := m.Size()
	s = RestoreSummary{Backup: m.ID, TakenAt: m.TakenAt, Home: home, LeftOut: m.LeftOut, Erased: []string{}, Files: size.Files, Bytes: size.Bytes}
	if s.Differences, s.Compared, err = drilled.compareWith(ctx, m); err != nil {
		return s, err
	}
	s.Seconds = time.Since(started).Seconds()
	return s, nil
}

// compareWith tells how a restored home differs from what a manifest says.
func (p *Project) compareWith(ctx context.Context, m *backup.Manifest) (differences []string, compared int, err error) {
	b := &rebuild{run: p.newRun(RunOptions{}, selection{})}
	entries, err := b.entries()
	if err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		if err := p.Zone.Look(e); err != nil {
			differences = append(differences, err.Error())
		}
	}
	if len(m.Tables) == 0 {
		return differences, 0, nil
	}
	w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
	if err != nil {
		return differences, 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	tables, err := tableHashes(ctx, w)
	if err != nil {
		return differences, 0, err
	}
	have := map[string]backup.Table{}
	for _, t := range tables {
		have[t.Name] = t
	}
	for _, want := range m.Tables {
		got, ok := have[want.Name]
		switch {
		case !ok:
			differences = append(differences, want.Name+" is missing")
		case got.Rows != want.Rows:
			differences = append(differences, fmt.Sprintf("%s has %d rows, it had %d", want.Name, got.Rows, want.Rows))
		case got.Hash != want.Hash:
			differences = append(differences, want.Name+" has other rows than it had")
		}
	}
	return differences, len(m.Tables), nil
}
