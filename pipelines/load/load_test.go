package load_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
	"winback/pipelines/load"
	"winback/pipelines/warehouse"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// fixture is a warehouse with a raw table of managers and a ledger, and a
// landing file of so many managers.
type fixture struct {
	engine *enginetest.Warehouse
	loader load.Loader
	book   *ledger.Ledger
	file   load.File
}

func newFixture(t *testing.T, rows int) *fixture {
	t.Helper()
	w := enginetest.Start(t)
	for _, database := range []string{warehouse.Raw, warehouse.Ops} {
		w.Exec(t, "DROP DATABASE IF EXISTS "+database)
		w.Exec(t, "CREATE DATABASE "+database)
	}
	schema := entity.Of[entity.Manager]()
	w.Exec(t, warehouse.CreateRawTable(schema))
	conn := w.Conn(t)
	book, err := ledger.Open(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{engine: w, book: book, loader: load.Loader{Conn: conn, Book: book, Memory: 64 << 20, Parallel: 2}}
	f.file = land(t, schema, rows)
	return f
}

func land(t *testing.T, schema *entity.Schema, rows int) load.File {
	t.Helper()
	zone := landing.Open(t.TempDir())
	writer, err := zone.Begin(t.Context(), landing.RunInfo{RunID: "r1", Source: "crm", ExtractedAt: time.Now()},
		connectors.Dataset{Name: "managers", Entities: []*entity.Schema{schema}}, landing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	batch := writer.NewBatch(schema)
	for i := range rows {
		manager := entity.Manager{ID: fmt.Sprintf("m%06d", i), Name: "Anna", IsActive: entity.Some(true)}
		if err := entity.Append(batch, &manager, entity.Origin{Line: int64(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	manifest, err := writer.Commit(t.Context(), []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	table, columns, _ := load.Into(schema)
	landed := manifest.Files[0]
	return load.File{
		Load:  ledger.Load{Path: landed.Path, Checksum: landed.Checksum, Source: "crm", Entity: landed.Entity, RunID: "r1", Rows: landed.Rows, Bytes: landed.Bytes},
		Table: table, Columns: columns,
		Open: func() (io.ReadCloser, error) { return os.Open(zone.Path(landed.Path)) },
	}
}

func (f *fixture) rows(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(f.engine.Exec(t, "SELECT count(), uniqExact(id), countIf(name = 'Anna' AND is_active AND hired_at IS NULL) FROM raw.crm_managers FINAL"))
}

func TestLoader_LoadsAFileTwice(t *testing.T) {
	f := newFixture(t, 1000)
	for range 2 {
		if err := f.loader.Load(t.Context(), []load.File{f.file}); err != nil {
			t.Fatal(err)
		}
		if got := f.rows(t); got != "1000\t1000\t1000" {
			t.Fatalf("got %s", got)
		}
	}
	pending, err := pending(t.Context(), f.loader, []load.File{f.file})
	if err != nil || len(pending) != 0 {
		t.Fatalf("%d files are pending after the load (%v)", len(pending), err)
	}
}

func TestLoader_LoadsAgainWhatBrokeHalfWay(t *testing.T) {
	f := newFixture(t, 200_000)
	cut := f.file
	cut.Open = func() (io.ReadCloser, error) {
		r, err := f.file.Open()
		return &breaking{r, f.file.Bytes / 2}, err
	}
	if err := f.loader.Load(t.Context(), []load.File{cut}); !errors.Is(err, errBroken) && err == nil {
		t.Fatal("a reader that breaks is no error")
	}
	pending, err := pending(t.Context(), f.loader, []load.File{f.file})
	if err != nil || len(pending) != 1 {
		t.Fatalf("%d files are pending after a broken load (%v)", len(pending), err)
	}
	if err := f.loader.Load(t.Context(), pending); err != nil {
		t.Fatal(err)
	}
	if got := f.rows(t); got != "200000\t200000\t200000" {
		t.Fatalf("got %s", got)
	}
}

// A table that somebody dropped is made again empty: the books must not say that
// its files are loaded.
func TestLoader_LoadsAgainWhatATableHasLost(t *testing.T) {
	f := newFixture(t, 1000)
	pending := func() int {
		t.Helper()
		files, err := pending(t.Context(), f.loader, []load.File{f.file})
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	if err := f.loader.Load(t.Context(), []load.File{f.file}); err != nil {
		t.Fatal(err)
	}
	if n := pending(); n != 0 {
		t.Fatalf("%d files are pending after the load", n)
	}
	f.engine.Exec(t, "DROP TABLE raw.crm_managers SYNC")
	f.engine.Exec(t, warehouse.CreateRawTable(entity.Of[entity.Manager]()))
	if n := pending(); n != 1 {
		t.Errorf("%d files are pending after the table was lost, want 1", n)
	}
}

func TestLoader_OneBadFileStopsNoOther(t *testing.T) {
	f := newFixture(t, 1000)
	missing, damaged := f.file, f.file
	missing.Path = "gone.parquet"
	missing.Open = func() (io.ReadCloser, error) { return nil, os.ErrNotExist }
	damaged.Path = "damaged.parquet"
	damaged.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader([]byte("PAR1 this is no Parquet file PAR1"))), nil
	}
	err := f.loader.Load(t.Context(), []load.File{missing, damaged, f.file})
	if err == nil || !strings.Contains(err.Error(), "gone.parquet") || !strings.Contains(err.Error(), "damaged.parquet") {
		t.Errorf("got %v, want both files named", err)
	}
	if got := f.rows(t); got != "1000\t1000\t1000" {
		t.Errorf("got %s", got)
	}
	loaded, err := f.book.Loaded(t.Context())
	if err != nil || len(loaded) != 1 {
		t.Errorf("the books hold %v (%v)", loaded, err)
	}
}

func TestLoader_KeepsWithinItsMemory(t *testing.T) {
	f := newFixture(t, 10)
	f.loader.Memory, f.loader.Parallel = 100_000, 4
	var open, most atomic.Int32
	files := make([]load.File, 8)
	for i := range files {
		files[i] = f.file
		files[i].Path, files[i].Rows = fmt.Sprintf("%d.parquet", i), 300 // takes most of it
		files[i].Open = func() (io.ReadCloser, error) {
			most.Store(max(most.Load(), open.Add(1)))
			r, err := f.file.Open()
			return &counted{r, &open}, err
		}
	}
	if err := f.loader.Load(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	if most.Load() != 1 {
		t.Errorf("%d files were open at once", most.Load())
	}
}

func TestLoader_StopsWithItsContext(t *testing.T) {
	f := newFixture(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.loader.Load(ctx, []load.File{f.file}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLedger_Versions(t *testing.T) {
	f := newFixture(t, 10)
	version := func() string {
		t.Helper()
		versions, err := f.book.Versions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return versions["crm.managers"]
	}
	if got := version(); got != "" {
		t.Errorf("an empty table has version %s", got)
	}
	record := func(path, checksum string) {
		t.Helper()
		l := f.file.Load
		l.Path, l.Checksum = path, checksum
		if err := f.book.RecordLoad(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	record("a", "1")
	first := version()
	record("a", "1")
	if version() != first {
		t.Error("the same load again changes the version")
	}
	record("b", "2")
	if version() == first {
		t.Error("another file does not change the version")
	}
}

var errBroken = errors.New("the disk is gone")

// breaking fails after so many bytes.
type breaking struct {
	io.ReadCloser
	left int64
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBroken
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

type counted struct {
	io.ReadCloser
	open *atomic.Int32
}

func (c *counted) Close() error {
	c.open.Add(-1)
	return c.ReadCloser.Close()
}

// A compaction put together what is loaded: there is nothing to load, and models see
// no new data.
func TestLoader_CoveredFilesAreNotLoaded(t *testing.T) {
	f := newFixture(t, 1000)
	if err := f.loader.Load(t.Context(), []load.File{f.file}); err != nil {
		t.Fatal(err)
	}
	versions := func() map[string]string {
		t.Helper()
		v, err := f.book.Versions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := versions()
	merged := f.file
	merged.Path, merged.Kind = "merged.parquet", ledger.Merged
	merged.Covers = []uint64{ledger.FileID(f.file.Path, f.file.Checksum)}
	unknown := merged
	unknown.Path, unknown.Covers = "other.parquet", append([]uint64{1}, merged.Covers...)
	compare := func(files ...load.File) load.Comparison {
		t.Helper()
		loaded, err := f.book.Loaded(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return load.Compare(loaded, slices.Values(files))
	}
	c := compare(merged, unknown)
	if len(c.Covered) != 1 || c.Covered[0].Path != merged.Path || len(c.Pending) != 1 || c.Pending[0].Path != unknown.Path {
		t.Fatalf("covered %v, pending %v", c.Covered, c.Pending)
	}
	if err := f.loader.Adopt(t.Context(), c.Covered); err != nil {
		t.Fatal(err)
	}
	if c := compare(merged, unknown); len(c.Covered) != 0 || len(c.Pending) != 1 {
		t.Errorf("covered %v, pending %v after it was written down", c.Covered, c.Pending)
	}
	if got := versions(); !maps.Equal(got, before) {
		t.Errorf("versions %v, before %v", got, before)
	}
	again := merged
	again.Path, again.Covers = "again.parquet", []uint64{ledger.FileID(merged.Path, merged.Checksum)}
	if c := compare(again); len(c.Covered) != 1 {
		t.Errorf("a second compaction of it: %+v", c)
	}
}

// A table that was lost is being loaded again when the process is killed: the files
// that had no turn must not count as loaded because the table has rows again.
func TestLoader_FinishesALostTable(t *testing.T) {
	f := newFixture(t, 1000)
	second := f.file
	second.Path = "second.parquet"
	if err := f.loader.Load(t.Context(), []load.File{f.file, second}); err != nil {
		t.Fatal(err)
	}
	if err := f.book.ForgetLost(t.Context()); err != nil {
		t.Fatal(err)
	}
	if pending, err := pending(t.Context(), f.loader, []load.File{f.file, second}); err != nil || len(pending) != 0 {
		t.Fatalf("%d files are pending while nothing is lost (%v)", len(pending), err)
	}
	f.engine.Exec(t, "TRUNCATE TABLE raw.crm_managers")
	if err := f.book.ForgetLost(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.loader.Load(t.Context(), []load.File{f.file}); err != nil {
		t.Fatal(err)
	}
	if pending, err := pending(t.Context(), f.loader, []load.File{f.file, second}); err != nil || len(pending) != 1 || pending[0].Path != second.Path {
		t.Errorf("pending %v (%v), want the second file", pending, err)
	}
}

// pending are the files that are to be loaded.
func pending(ctx context.Context, l load.Loader, files []load.File) ([]load.File, error) {
	loaded, err := l.Book.Loaded(ctx)
	if err != nil {
		return nil, err
	}
	return load.Compare(loaded, slices.Values(files)).Pending, nil
}
