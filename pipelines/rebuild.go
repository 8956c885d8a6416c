package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"winback/pipelines/landing"
	"winback/pipelines/load"
	"winback/pipelines/model"
	"winback/pipelines/warehouse"
)

// asideFolder is where a rebuild makes the new warehouse, in the project's home.
const asideFolder = "rebuild"

// RebuildOptions say how a warehouse is built again.
type RebuildOptions struct {
	// KeepOld keeps the old warehouse, in a folder that the summary names.
	KeepOld bool
	// Wait is how long to wait for a run that is under way, and for queries that
	// have the old warehouse open when the new one takes its place.
	Wait     time.Duration
	Observer Observer

	models []string // to be built; nil for all
}

// RebuildSummary tells how a rebuild went.
type RebuildSummary struct {
	Summary
	// Kept is the folder in which the old warehouse was kept; empty if it was
	// removed or there was none.
	Kept string `json:"kept,omitempty"`
	// History counts the rows of the books that were taken over from the old
	// warehouse, by table.
	History map[string]int64 `json:"history"`
}

// MarshalJSON adds what a rebuild tells to what a run does.
func (s RebuildSummary) MarshalJSON() ([]byte, error) {
	type plain Summary
	return json.Marshal(struct {
		plain
		Seconds float64          `json:"seconds"`
		Kept    string           `json:"kept,omitempty"`
		History map[string]int64 `json:"history"`
	}{plain(s.Summary), s.Duration.Seconds(), s.Kept, s.History})
}

// Rebuild builds the warehouse again from the landing zone alone. The new one is
// made aside; the old one stays as it is and readable until the new one is whole
// and takes its place in one step. On a ClickHouse server see rebuildOnServer.
//
// Nothing is extracted. The books of runs, steps and checks are taken over from
// the old warehouse as far as it can be read. A landing file that is missing or
// damaged, or a model that does not build, ends it with the old one in place.
func (p *Project) Rebuild(ctx context.Context, o RebuildOptions) (s RebuildSummary, err error) {
	lock, err := p.lock(ctx, o.Wait)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, lock.unlock()) }()
	aside := *p
	b := &rebuild{options: o}
	if p.Config.Warehouse.Embedded() {
		if holder, ok := warehouse.Serving(p.Home); ok {
			return s, &warehouse.HeldError{What: "warehouse", Home: p.Home, Holder: holder}
		}
		aside.Home = filepath.Join(p.Home, asideFolder)
	}
	b.run = aside.newRun(RunOptions{Wait: o.Wait, Observer: o.Observer, as: "rebuild"}, selection{models: o.models})
	b.home = p.Home
	b.out.History = map[string]int64{}
	if b.files, err = b.look(ctx); err != nil {
		return s, err
	}
	if p.Config.Warehouse.Embedded() {
		err = b.embedded(ctx)
	} else {
		err = b.onServer(ctx)
	}
	b.out.Summary = b.summary
	return b.out, err
}

// rebuild is the state of one rebuild. Its run works on the new warehouse.
type rebuild struct {
	*run
	options RebuildOptions
	home    string // of the old warehouse
	files   []load.File
	out     RebuildSummary
}

// look finds the landing files that the new warehouse is made of, and says by
// name which are not there or cut.
func (b *rebuild) look(ctx context.Context) ([]load.File, error) {
	files, err := b.landedFiles()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, step := range b.steps { // of sources whose manifests cannot be read
		errs = append(errs, errors.New(step.Message))
	}
	entries, err := b.entries()
	if err != nil {
		return nil, err
	}
	errs = append(errs, b.Zone.LookAt(ctx, entries))
	if err := errors.Join(errs...); err != nil {
		return nil, &IncompleteZoneError{Cause: err}
	}
	return files, nil
}

// entries are all files that manifests name.
func (b *rebuild) entries() ([]landing.Entry, error) {
	sources, err := b.Zone.Sources()
	if err != nil {
		return nil, err
	}
	var list []landing.Entry
	for _, source := range sources {
		manifests, err := b.Zone.Manifests(source)
		if err != nil {
			return nil, err
		}
		failures, err := b.Zone.Failures(source)
		if err != nil {
			return nil, err
		}
		for _, m := range slices.Concat(manifests, failures) {
			for _, f := range m.Files {
				list = append(list, landing.Entry{Path: f.Path, Bytes: f.Bytes, Checksum: f.Checksum})
			}
			for _, f := range m.Quarantine {
				list = append(list, landing.Entry{Path: f.Path, Bytes: f.Bytes, Checksum: f.Checksum})
			}
		}
	}
	return list, nil
}

// IncompleteZoneError says that the landing zone lacks what a rebuild needs.
type IncompleteZoneError struct{ Cause error }

func (e *IncompleteZoneError) Error() string {
	const shown = 10
	lines := strings.Split(e.Cause.Error(), "\n")
	if more := len(lines) - shown; more > 0 {
		lines = append(lines[:shown], fmt.Sprintf("and %d more", more))
	}
	return "the warehouse is left as it is, since the landing zone is not whole:\n" + strings.Join(lines, "\n")
}

// Unwrap gives the errors about the files.
func (e *IncompleteZoneError) Unwrap() error { return e.Cause }

// embedded builds a warehouse in a folder of its own and puts it in the place of
// the old one.
func (b *rebuild) embedded(ctx context.Context) error {
	if err := os.RemoveAll(b.Home); err != nil { // of a rebuild that was interrupted
		return fmt.Errorf("remove what an interrupted rebuild left: %w", err)
	}
	old, err := b.takeHistory(ctx)
	if err != nil {
		return err
	}
	if err := b.open(ctx); err != nil {
		return errors.Join(err, os.RemoveAll(b.Home))
	}
	var foreign []string
	if err = b.make(ctx, old); err == nil {
		foreign, err = b.judge(ctx, old)
	}
	if err = errors.Join(err, b.warehouse.Close()); err == nil {
		err = b.putInPlace(ctx, foreign)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(b.Home))
	}
	return nil
}

// make fills the new warehouse.
func (b *rebuild) make(ctx context.Context, old *oldWarehouse) error {
	err := b.begin(ctx)
	if err == nil {
		err = b.bringHistory(ctx, old)
	}
	if err == nil {
		err = errors.Join(
			b.stage(ctx, "recover", b.recover),
			b.stage(ctx, "load", b.loadAll),
		)
	}
	if err == nil {
		err = b.stage(ctx, "models", b.build)
	}
	_, err = b.finish(err)
	return err
}

// loadAll loads every landing file, or says of which entities it could not.
func (b *rebuild) loadAll(ctx context.Context) error {
	err := b.load(ctx)
	if err == nil && len(b.unloaded) > 0 {
		err = &NotReplacedError{Lacks: slices.Sorted(maps.Keys(b.unloaded))}
	}
	return err
}

// judge says whether the new warehouse may take the place of the old one: it has
// no table of a model less. It returns the tables that only the old one has since
// winback does not make them.
func (b *rebuild) judge(ctx context.Context, old *oldWarehouse) (foreign []string, err error) {
	made, err := tablesOf(ctx, b.warehouse)
	if err != nil {
		return nil, err
	}
	var lacks []string
	for _, name := range old.tables {
		switch {
		case slices.Contains(made, name):
		case b.makes(name):
			lacks = append(lacks, name)
		case !old.models[name] && !b.standsBeside(name, old):
			foreign = append(foreign, name)
		}
	}
	if len(lacks) > 0 {
		return nil, &NotReplacedError{Lacks: lacks}
	}
	return foreign, nil
}

// makes says whether a table is that of a model.
func (b *rebuild) makes(name string) bool {
	return slices.ContainsFunc(b.Models.Models(), func(m *model.Model) bool { return m.FullName() == name })
}

// standsBeside says whether a table goes with that of a model, as the log of its changes does, of this version or of an earlier one.
func (b *rebuild) standsBeside(name string, old *oldWarehouse) bool {
	_, table, _ := strings.Cut(name, ".")
	beside, ok := model.Beside(table)
	return ok && (slices.ContainsFunc(b.Models.Models(), func(m *model.Model) bool { return m.Name == beside }) ||
		old.models[model.StagingDatabase+"."+beside] || old.models[model.MartDatabase+"."+beside])
}

// NotReplacedError says that a new warehouse is less than the old one, which
// therefore stays.
type NotReplacedError struct{ Lacks []string }

func (e *NotReplacedError) Error() string {
	return fmt.Sprintf("the old warehouse stays in place, as the new one lacks %s; mend what is said above and rebuild again", strings.Join(e.Lacks, ", "))
}

// oldWarehousePrefix begins the name of the folder with an old warehouse that is kept.
const oldWarehousePrefix = warehouse.Folder + ".old-"

// putInPlace makes the new warehouse the project's. What is left of the old one
// is removed, or kept under a name of its own: on demand, and where it has tables
// that winback does not make.
func (b *rebuild) putInPlace(ctx context.Context, foreign []string) error {
	b.o.Observer.Note("the new warehouse is whole; it takes the place of the old one")
	if err := warehouse.Replace(ctx, b.home, b.Home, b.options.Wait); err != nil {
		return err
	}
	left := filepath.Join(b.Home, warehouse.Folder)
	if len(foreign) > 0 {
		b.problem("the old warehouse is kept, as it has tables that winback does not make: %s", strings.Join(foreign, ", "))
	}
	if _, err := os.Lstat(left); err == nil && (b.options.KeepOld || len(foreign) > 0) {
		b.out.Kept = filepath.Join(b.home, oldWarehousePrefix+b.summary.RunID)
		if err := os.Rename(left, b.out.Kept); err != nil {
			return fmt.Errorf("keep the old warehouse, which is in %s now: %w", left, err)
		}
	}
	if err := os.RemoveAll(b.Home); err != nil {
		b.problem("the old warehouse, in %s now, cannot be removed: %v", left, err)
	}
	return nil
}

// sweepRebuild removes what an interrupted rebuild left: a new warehouse that was
// not put in its place, or the old one after that. The run lock is held.
func (r *run) sweepRebuild() {
	left := filepath.Join(r.Home, asideFolder)
	if _, err := os.Lstat(left); err != nil {
		return
	}
	r.o.Observer.Note("an interrupted rebuild left a warehouse aside, which is removed")
	if err := os.RemoveAll(left); err != nil {
		r.problem("what an interrupted rebuild left in %s cannot be removed: %v", left, err)
	}
}
