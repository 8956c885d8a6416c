package pipelines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"winback/connectors/entity"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
	"winback/pipelines/load"
	"winback/pipelines/model"
	"winback/pipelines/quote"
	"winback/pipelines/retry"
	"winback/pipelines/warehouse"
)

const (
	parallelLoads = 2
	// loadMemory is what the files being loaded may take in the engine together.
	// A full part takes nearly all of it: two at once took twice the memory.
	loadMemory = 256 << 20
)

// quarantineTable takes the records that did not fit.
const quarantineTable = warehouse.Ops + ".quarantine_records"

// load brings every visible landing file that the warehouse lacks into it:
// those of this run, those of a run that ended before its load, and all of them
// when the warehouse is new.
func (r *run) load(ctx context.Context) (err error) {
	release, err := r.Zone.Hold()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	again := func(ctx context.Context, do func() error) error {
		return r.trying(ctx, stepName{"load", "raw"}, retry.OfWarehouse, do)
	}
	compared, err := r.compareLoads(ctx, again)
	if err != nil {
		return err
	}
	loader := load.Loader{Conn: r.warehouse, Book: r.ledger, Memory: loadMemory, Parallel: parallelLoads, OnLoaded: r.noteLoaded, Bucket: r.bucketAccess(), Again: again}
	if err := loader.Adopt(ctx, compared.Covered); err != nil {
		return err
	}
	r.summary.QuarantineOpen = r.waiting
	pending := compared.Pending
	r.o.Observer.Loading(summarizeLoads(pending))
	started := r.now()
	err = loader.Load(ctx, pending)
	r.noteLoads(pending)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if l := r.summary.Load; l.Files > 0 {
		r.step(ledger.Step{Kind: "load", Name: "raw", State: ledger.Done, Rows: l.Rows, Bytes: l.Bytes, Started: started, Duration: r.now().Sub(started)})
	}
	if err != nil {
		r.failed("load", "raw", started, err)
	}
	if err := r.pruneQuarantine(ctx); err != nil {
		r.failed("load", "quarantine", started, err)
	}
	return r.warehouse.DropReplaced(ctx, func(name string) bool { return r.unloaded[name] })
}

// compareLoads compares what was landed with what is in the warehouse.
func (r *run) compareLoads(ctx context.Context, again func(context.Context, func() error) error) (c load.Comparison, err error) {
	var loaded ledger.Files
	err = again(ctx, func() (err error) {
		if err = r.ledger.ForgetLost(ctx); err == nil {
			loaded, err = r.ledger.Loaded(ctx)
		}
		return err
	})
	if err != nil {
		return c, err
	}
	files, err := r.eachLanded(loaded)
	if err != nil {
		return c, err
	}
	return load.Compare(loaded, files), nil
}

// noteLoads notes which of the files that the warehouse lacked it has now.
func (r *run) noteLoads(pending []load.File) {
	var done []load.File
	for _, f := range pending {
		switch {
		case r.loaded[f.Path]:
			done = append(done, f)
		case f.Table != quarantineTable:
			r.unloaded[f.Entity] = true
		}
	}
	r.summary.Load = summarizeLoads(done)
}

// noteLoaded is told of each file when it is in the warehouse.
func (r *run) noteLoaded(f load.File, _ time.Duration) {
	r.mu.Lock()
	r.loaded[f.Path] = true
	r.mu.Unlock()
	if f.Table != quarantineTable {
		r.o.Observer.Loaded(f.Entity, f.Rows, f.Bytes)
	}
}

// landedFiles are all files that manifests name, as eachLanded goes through them.
func (r *run) landedFiles() ([]load.File, error) {
	files, err := r.eachLanded(nil)
	if err != nil {
		return nil, err
	}
	return slices.Collect(files), nil
}

// eachLanded goes through the files that manifests name: rows and quarantine, but
// for those of runs all of which is loaded. A source whose manifests cannot be read
// is left out and told of.
func (r *run) eachLanded(loaded ledger.Files) (iter.Seq[load.File], error) {
	sources, err := r.Zone.Sources()
	if err != nil {
		return nil, err
	}
	return func(yield func(load.File) bool) {
		r.waiting = 0
		for _, source := range sources {
			started := r.now()
			for f, err := range r.filesOf(source, loaded) {
				if err != nil {
					r.failed("load", "source "+source, started, err)
					break
				}
				if !yield(f) {
					return
				}
			}
		}
	}, nil
}

// filesOf goes through the files that the manifests of a source name, but for those
// of runs all of which is loaded.
func (r *run) filesOf(source string, loaded ledger.Files) iter.Seq2[load.File, error] {
	return func(yield func(load.File, error) bool) {
		failures, err := r.Zone.Failures(source)
		if err != nil {
			yield(load.File{}, err)
			return
		}
		into, aside := intoTables{}, landing.NewQuarantineCollector()
		for b, err := range r.Zone.Briefs(source) {
			if err == nil {
				err = aside.Add(b)
			}
			var files []load.File
			if err == nil {
				files, err = r.filesIn(b, source, into, loaded)
			}
			if err != nil {
				yield(load.File{}, err)
				return
			}
			for _, f := range files {
				if !yield(f, nil) {
					return
				}
			}
		}
		groups := aside.Groups(failures)
		r.noteQuarantine(source, groups)
		for _, g := range groups {
			if !yield(r.quarantineFile(g), r.countOpen(g)) {
				return
			}
		}
	}
}

// filesIn returns the files of a manifest, or none if all of them are loaded.
func (r *run) filesIn(b *landing.Brief, source string, into intoTables, loaded ledger.Files) ([]load.File, error) {
	some, all := b.FilesAmong(loaded.HasID)
	r.landed = r.landed || some
	if all {
		return nil, nil
	}
	if b.Generation > 0 {
		m, err := b.Manifest()
		if err != nil {
			return nil, err
		}
		return r.rowFiles(m, into), nil
	}
	files, err := b.Files()
	return r.rowFiles(&landing.Manifest{RunID: b.RunID, Source: source, Dataset: b.Dataset, Files: files}, into), err
}

// intoTables remembers by entity where rows go; an entity that this program does
// not know has no table.
type intoTables map[string]intoTable

type intoTable struct {
	table          string
	columns, types []string
}

func (t intoTables) of(name string) intoTable {
	into, ok := t[name]
	if ok {
		return into
	}
	if schema := entity.Lookup(name); schema != nil {
		into.table, into.columns, into.types = load.Into(schema)
	}
	t[name] = into
	return into
}

func (r *run) rowFiles(m *landing.Manifest, tables intoTables) []load.File {
	var files []load.File
	for _, f := range m.Files {
		into := tables.of(f.Entity)
		if into.table == "" {
			r.problem("%s: this program knows no entity %s; the file is left alone (was it landed by a newer version?)", f.Path, f.Entity)
			continue
		}
		kind := ledger.Landed
		if f.Merged {
			kind = ledger.Merged
		}
		files = append(files, load.File{
			Load: ledger.Load{
				Path: f.Path, Checksum: f.Checksum, Source: m.Source, Entity: f.Entity, RunID: cmp.Or(f.RunID, m.RunID),
				Kind: kind, Rows: f.Rows, Bytes: f.Bytes,
			},
			Table: into.table, Columns: into.columns, Types: into.types, Covers: m.Covers(f),
			Open: func() (io.ReadCloser, error) { return r.Zone.OpenCurrent(f) },
		})
	}
	return files
}

func summarizeLoads(files []load.File) LoadSummary {
	var s LoadSummary
	tables := map[string]bool{}
	for _, f := range files {
		if f.Table == quarantineTable {
			s.Quarantined += f.Rows
			continue
		}
		s.Files++
		s.Rows += f.Rows
		s.Bytes += f.Bytes
		tables[f.Table] = true
	}
	s.Tables = len(tables)
	return s
}

// rawVersions tells which data the raw tables hold, read once a run.
type rawVersions struct {
	ledger *ledger.Ledger
	read   sync.Once
	byName map[string]string
	err    error
}

// Version returns a text that changes whenever the entity's raw rows do, or the
// columns that the contract gives them.
func (v *rawVersions) Version(ctx context.Context, domain, name string) (string, error) {
	v.read.Do(func() { v.byName, v.err = v.ledger.Versions(ctx) })
	version := v.byName[domain+"."+name]
	if version != "" {
		version += versionMark + columnsDigest(domain+"."+name)
	}
	return version, v.err
}

// versionMark parts what the books say of an entity's rows from its columns.
const versionMark = "/"

// columnsDigest tells the columns of an entity from those that another program's
// contract gives it.
func columnsDigest(fullName string) string {
	s, hash := entity.Lookup(fullName), xxhash.New()
	for i := range s.Fields {
		fmt.Fprintln(hash, s.Fields[i].Name, warehouse.ColumnType(&s.Fields[i]))
	}
	return strconv.FormatUint(hash.Sum64(), 36)
}

// Since tells of the raw rows that were loaded after the entity had the version.
func (v *rawVersions) Since(ctx context.Context, domain, name, version string) (model.Arrivals, bool, error) {
	version, columns, _ := strings.Cut(version, versionMark)
	if version != "" && columns != columnsDigest(domain+"."+name) {
		return model.Arrivals{}, false, nil // every row may have something new
	}
	a, ok, err := v.ledger.Since(ctx, domain+"."+name, version)
	if err != nil || !ok || len(a.Runs) == 0 {
		return model.Arrivals{}, ok, err
	}
	runs := make([]string, len(a.Runs))
	for i, run := range a.Runs {
		runs[i] = fmt.Sprintf("(%s, %s)", quote.Literal(run.Source), quote.Literal(run.RunID))
	}
	return model.Arrivals{Condition: "(source, run_id) in (" + strings.Join(runs, ", ") + ")", Rows: a.Rows}, true, nil
}
