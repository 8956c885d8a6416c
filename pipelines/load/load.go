// Package load brings the landing zone's files into the warehouse's raw tables.
// A file is streamed as it is and its load written down afterwards. Raw tables
// keep one version of a key and extraction, so loading a file twice, or half and
// then again, leaves the same rows.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"winback/connectors/entity"
	"winback/pipelines/ledger"
	"winback/pipelines/quote"
	"winback/pipelines/warehouse"
)

// File is one Parquet file of the landing zone.
type File struct {
	ledger.Load
	// Table and Columns say where its rows go.
	Table   string
	Columns []string
	// Types are those of the columns in the table. A file without them is always
	// streamed.
	Types []string
	Open  func() (io.ReadCloser, error)
	// Covers are the files whose rows a compaction put into this one, by
	// ledger.FileID. Once all of them are loaded, this one is.
	Covers []uint64
}

// Into returns the raw table of an entity and its columns with their types.
func Into(s *entity.Schema) (table string, columns, types []string) {
	columns, types = make([]string, len(s.Fields)), make([]string, len(s.Fields))
	for i := range s.Fields {
		columns[i], types[i] = s.Fields[i].Name, warehouse.ColumnType(&s.Fields[i])
	}
	return warehouse.Raw + "." + s.Table(), columns, types
}

// Book remembers what is loaded.
type Book interface {
	Loaded(ctx context.Context) (ledger.Files, error)
	RecordLoad(ctx context.Context, load ledger.Load) error
}

// Loader loads files in parallel.
type Loader struct {
	Conn driver.Conn
	Book Book
	// Memory is what the loads may take together, in bytes. A file that would take
	// more than all of it is loaded alone.
	Memory int64
	// Parallel is how many files are loaded at once.
	Parallel int
	// Bucket, if set, has the server read files itself.
	Bucket *Bucket
	// Again, if set, does what loads a file, and may do it again when it fails: nothing
	// comes of doing it twice.
	Again func(ctx context.Context, do func() error) error
	// OnLoaded, if set, is told of each file when it is in.
	OnLoaded func(File, time.Duration)
}

// valueBytes is what the engine takes for one value of a Parquet file on its way
// into a table, decoded and being written, measured on order lines.
const valueBytes = 20

// memory is what loading the file takes in the engine, roughly.
func (f File) memory() int64 { return f.Rows * int64(len(f.Columns)) * valueBytes }

// Comparison is what the warehouse lacks of the landing zone.
type Comparison struct {
	Pending []File // to load
	// Covered are files whose rows came with others, which is not written down yet.
	Covered []File
}

// Compare compares files with those that are in the warehouse. It holds those that
// are to be done something about, not all.
func Compare(loaded ledger.Files, files iter.Seq[File]) Comparison {
	var c Comparison
	for f := range files {
		switch {
		case loaded.Has(f.Path, f.Checksum):
		case f.coveredBy(loaded):
			c.Covered = append(c.Covered, f)
		default:
			c.Pending = append(c.Pending, f)
		}
	}
	return c
}

func (f File) coveredBy(loaded ledger.Files) bool {
	return len(f.Covers) > 0 && !slices.ContainsFunc(f.Covers, func(id uint64) bool { return !loaded.HasID(id) })
}

// Adopt writes down that the rows of files came with others.
func (l *Loader) Adopt(ctx context.Context, covered []File) error {
	for _, f := range covered {
		f.Kind = ledger.Covered
		if err := l.Book.RecordLoad(ctx, f.Load); err != nil {
			return err
		}
	}
	return nil
}

// Load loads the files given. A file that fails stops no other; the errors of
// all are joined.
func (l *Loader) Load(ctx context.Context, files []File) error {
	var (
		group  errgroup.Group
		budget = semaphore.NewWeighted(max(l.Memory, 1))
		mu     sync.Mutex
		errs   []error
	)
	group.SetLimit(max(l.Parallel, 1))
	for _, f := range files {
		group.Go(func() error {
			share := min(f.memory(), max(l.Memory, 1))
			if err := budget.Acquire(ctx, share); err != nil {
				return nil // cancelled, which the other errors or the caller's context tell
			}
			defer budget.Release(share)
			if err := l.again(ctx, func() error { return l.loadFile(ctx, f) }); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
			return nil
		})
	}
	group.Wait() //nolint:errcheck // the functions return nil and collect in errs
	return errors.Join(append(errs, ctx.Err())...)
}

func (l *Loader) again(ctx context.Context, do func() error) error {
	if l.Again == nil {
		return do()
	}
	return l.Again(ctx, do)
}

func (l *Loader) loadFile(ctx context.Context, f File) error {
	started := time.Now()
	loaded, err := false, error(nil)
	if l.Bucket != nil && f.Types != nil {
		loaded, err = l.loadByServer(ctx, f)
	}
	if err == nil && !loaded {
		err = l.stream(ctx, f)
	}
	if err != nil {
		return err
	}
	if err := l.Book.RecordLoad(ctx, f.Load); err != nil {
		return err
	}
	if l.OnLoaded != nil {
		l.OnLoaded(f, time.Since(started))
	}
	return nil
}

// stream sends the file as it is.
func (l *Loader) stream(ctx context.Context, f File) error {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("load %s: %w", f.Path, err)
	}
	defer r.Close()
	in := &input{Reader: r}
	insert := fmt.Sprintf("INSERT INTO %s (%s)", f.Table, quote.Names(f.Columns))
	if err := l.Conn.InsertFormat(insertSettings(ctx), "Parquet", insert, in); in.err != nil {
		return fmt.Errorf("load %s: %w", f.Path, in.err)
	} else if err != nil {
		return fmt.Errorf("load %s into %s: %w", f.Path, f.Table, err)
	}
	return nil
}

// input remembers why a file could not be read: the client's own words about it
// are about the connection.
type input struct {
	io.Reader
	err error
}

// Read reads the file.
func (i *input) Read(into []byte) (int, error) {
	n, err := i.Reader.Read(into)
	if err != nil && !errors.Is(err, io.EOF) {
		i.err = err
	}
	return n, err
}

// insertBlockRows and insertBlockBytes are the size of the blocks that a file is
// written in: each becomes a part, is held in memory several times over on its
// way, and two files are loaded at once. The engine's own default, a million
// rows, took twice the memory for the same time.
const (
	insertBlockRows  = 262_144
	insertBlockBytes = 64 << 20
)

// insertSettings keep the engine from taking a repeated load for a duplicate:
// the raw tables settle that by key, and a block dropped for its checksum after
// a deletion would be lost. A null in a required column is an error, not a 0.
// Files hold a key once, so there is nothing to merge in a block before it is
// written.
func insertSettings(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplicate":                         0,
		"optimize_on_insert":                         0,
		"max_insert_block_size":                      insertBlockRows,
		"min_insert_block_size_rows":                 insertBlockRows,
		"min_insert_block_size_bytes":                insertBlockBytes,
		"input_format_parquet_allow_missing_columns": 1,
		"input_format_null_as_default":               0,
		"insert_null_as_default":                     0,
	}))
}
