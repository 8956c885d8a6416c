// Package export writes the result of a query into a file that people open: CSV,
// a workbook for Excel and its kin, or Parquet. Rows go from the warehouse to the
// file batch by batch, so that millions of them take no more memory than a few.
// The file appears under its name when it is whole; until then, and after any
// error, whatever had that name stays.
package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/google/renameio/v2"
)

// Format is what a file is written as.
type Format string

// The formats. A file's ending names its format.
const (
	CSV     Format = "csv"
	XLSX    Format = "xlsx"
	Parquet Format = "parquet"
)

// FormatOf returns the format that a file's ending names.
func FormatOf(path string) (Format, error) {
	format := Format(strings.ToLower(strings.TrimPrefix(filepath.Ext(path), ".")))
	if !slices.Contains([]Format{CSV, XLSX, Parquet}, format) {
		return "", fmt.Errorf("%s: the file's ending says what to write: .csv, .xlsx or .parquet", path)
	}
	return format, nil
}

// Target is the file to write and how.
type Target struct {
	// Path is the file; its ending names the format.
	Path string
	CSV  CSVOptions
	// Title names what the rows are of, for the sheets of a workbook.
	Title string
	// About are lines on what the file holds, name and value, for a workbook's
	// sheet of columns.
	About [][2]string
	// Columns describe the columns of the result, in its order.
	Columns []Column
}

// Result tells what was written.
type Result struct {
	Format Format
	Rows   int64
	Bytes  int64
	// Sheets is the number of sheets the rows of a workbook are on.
	Sheets int
	// Notes say where the file could not hold a value as it is.
	Notes []string
}

// sink takes the rows of one file.
type sink interface {
	write(rows arrow.RecordBatch) error
	// finish writes what a file ends with.
	finish() error
	// discard gives up what the sink holds; also after finish.
	discard() error
	// tell adds what the sink knows to the result.
	tell(*Result)
}

// Opener runs the query and returns its result as a stream in a format of
// ClickHouse's.
type Opener func(format string) (io.ReadCloser, error)

// Write makes the file of a query's result. The file is begun before the query
// is run: a folder that is missing is told before a long wait.
//
// Errors: a *DiskFullError; the stream's own; ctx's when it ends. In each case
// the file is as it was before.
func Write(ctx context.Context, t Target, open Opener) (r Result, err error) {
	if r.Format, err = FormatOf(t.Path); err != nil {
		return r, err
	}
	file, err := renameio.NewPendingFile(t.Path, renameio.WithTempDir(filepath.Dir(t.Path)),
		renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return r, t.wrap(err)
	}
	defer func() { err = errors.Join(err, file.Cleanup()) }()
	if err := t.fill(ctx, file, open, &r); err != nil {
		return r, err
	}
	if err := ctx.Err(); err != nil {
		return r, err
	}
	return r, t.wrap(file.CloseAtomicallyReplace())
}

// fill writes the query's result to the file.
func (t Target) fill(ctx context.Context, file *renameio.PendingFile, open Opener, r *Result) error {
	format := "ArrowStream"
	if r.Format == Parquet {
		format = "Parquet"
	}
	stream, err := open(format)
	if err != nil {
		return err
	}
	defer stream.Close()
	if r.Format == Parquet {
		return t.copyParquet(file, stream, r)
	}
	out := &counted{w: file}
	if err := t.copyRows(ctx, out, stream, r); err != nil {
		return err
	}
	r.Bytes = out.bytes
	return nil
}

// copyRows writes the batches of an Arrow stream.
func (t Target) copyRows(ctx context.Context, out io.Writer, stream io.Reader, r *Result) (err error) {
	source := &watched{r: stream}
	reader, err := ipc.NewReader(source)
	if err != nil {
		return source.orElse(fmt.Errorf("read the result: %w", err))
	}
	defer reader.Release()
	s, err := t.newSink(r.Format, out, reader.Schema())
	if err != nil {
		return t.wrap(err)
	}
	defer func() { err = errors.Join(err, s.discard()) }()
	for reader.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.write(reader.RecordBatch()); err != nil {
			return t.wrap(err)
		}
		r.Rows += reader.RecordBatch().NumRows()
	}
	if err := source.end(reader.Err()); err != nil {
		return err
	}
	if err := s.finish(); err != nil {
		return t.wrap(err)
	}
	s.tell(r)
	return nil
}

func (t Target) newSink(format Format, out io.Writer, schema *arrow.Schema) (sink, error) {
	if len(t.Columns) != schema.NumFields() {
		return nil, fmt.Errorf("the result has %d columns, %d were described", schema.NumFields(), len(t.Columns))
	}
	if format == XLSX {
		return newWorkbook(out, t)
	}
	return newCSV(out, t)
}

// wrap says which file an error is about.
func (t Target) wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case isDiskFull(err):
		return &DiskFullError{Path: t.Path, Cause: err}
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no folder %s to write %s into", filepath.Dir(t.Path), filepath.Base(t.Path))
	}
	return fmt.Errorf("write %s: %w", t.Path, err)
}

// watched remembers the error that ended a stream: the reader above it tells of
// it in words of its own, or not at all.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// end reads a stream to its very end and returns what went wrong, err if nothing
// did that the stream knows. A query that fails half-way closes its result as if
// it were whole, and tells behind it.
func (w *watched) end(err error) error {
	if err == nil {
		_, err = io.Copy(io.Discard, w)
	}
	if err != nil {
		return w.orElse(fmt.Errorf("read the result: %w", err))
	}
	return nil
}

func (w *watched) orElse(err error) error {
	if w.err != nil {
		return w.err
	}
	return err
}

// counted counts the bytes written.
type counted struct {
	w     io.Writer
	bytes int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.bytes += int64(n)
	return n, err
}
