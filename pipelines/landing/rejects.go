package landing

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"winback/connectors"
)

// QuarantineRow is a row of a quarantine file: a record that did not fit.
type QuarantineRow struct {
	RunID   string `parquet:"run_id"`
	Source  string `parquet:"source,dict"`
	Dataset string `parquet:"dataset,dict"`
	Entity  string `parquet:"entity,dict"`
	Input   string `parquet:"input,dict"`
	Line    int64  `parquet:"line"`
	Column  string `parquet:"column,dict"`
	Value   string `parquet:"value"`
	Reason  string `parquet:"reason"`
	Record  string `parquet:"record"`
	At      int64  `parquet:"at,timestamp(microsecond)"` // extraction time of the run
	// Form is how the record is written, as the source needs it to read it again.
	Form string `parquet:"form,dict"`
	// Kept says that the record was landed without the value.
	Kept bool `parquet:"kept"`
}

// What is kept of a value and of a record. A quote that is never closed makes
// the rest of a file one record.
const (
	longestValue  = 4 << 10
	longestRecord = 64 << 10
)

// ErrTooManyRejects is what a *RejectsError wraps.
var ErrTooManyRejects = errors.New("too many records do not fit")

// RejectsError says that an entity had more records that do not fit than the
// limit allows. Nothing of the dataset was taken over.
type RejectsError struct {
	Dataset  string
	Entity   string
	Rejected int64
	Read     int64
	Limit    float64 // share, 0 to 1
	// Example is where one of the records stands and what is wrong with it, without its value.
	Example string
}

func (e *RejectsError) Error() string {
	example := ""
	if e.Example != "" {
		example = ", such as " + e.Example
	}
	return fmt.Sprintf("%s: %d of %d records (%.1f %%) do not fit, more than the limit of %g %%%s: nothing of dataset %s was taken over and the data of earlier runs stay; "+
		"winback quarantine list and ops.quarantine have the records and reasons, and `quarantine: {limit: …}` in winback.yaml raises the limit",
		e.Entity, e.Rejected, e.Read, share(e.Rejected, e.Read)*100, e.Limit*100, example, e.Dataset)
}

// example says where a rejected record stands and why it was rejected.
func example(r connectors.Reject) string {
	place := r.Input
	if r.Line > 0 {
		place = fmt.Sprintf("%s:%d", r.Input, r.Line)
	}
	parts := slices.DeleteFunc([]string{place, r.Column, shorten(r.Reason, 200)}, func(part string) bool { return part == "" })
	return strings.Join(parts, " ")
}

// Unwrap returns ErrTooManyRejects.
func (e *RejectsError) Unwrap() error { return ErrTooManyRejects }

func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// quarantine writes the records that do not fit to one file, which is made when
// the first comes. Its methods may be called from several goroutines.
type quarantine struct {
	zone     *Zone
	manifest *Manifest
	number   int // of the file within the run and dataset

	// catch takes the records instead of a file.
	catch func(connectors.Reject)

	mu      sync.Mutex
	file    writtenFile
	path    string
	hash    *xxhash.Digest
	counter *countingWriter
	writer  *parquet.GenericWriter[QuarantineRow]
	rows    int64
	first   map[string]string // by entity: the first record, as example says it
	pending int               // bytes since the last row group
}

// quarantineGroup is how many bytes of records are held before they are written.
const quarantineGroup = 4 << 20

func (q *quarantine) add(r connectors.Reject) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.catch != nil {
		q.catch(r)
		return nil
	}
	if q.writer == nil {
		if err := q.open(); err != nil {
			return err
		}
	}
	row := QuarantineRow{
		RunID: q.manifest.RunID, Source: q.manifest.Source, Dataset: q.manifest.Dataset, Entity: r.Entity.FullName(),
		Input: r.Input, Line: r.Line, Column: r.Column, Value: shorten(r.Value, longestValue), Reason: r.Reason,
		Record: shorten(r.Record, longestRecord), At: q.manifest.ExtractedAt.UnixMicro(),
		Form: r.Form, Kept: r.Kept,
	}
	if _, err := q.writer.Write([]QuarantineRow{row}); err != nil {
		return err
	}
	q.rows++
	if _, told := q.first[row.Entity]; !told && !r.Kept {
		q.first[row.Entity] = example(r)
	}
	if q.pending += 100 + len(row.Value) + len(row.Reason) + len(row.Record); q.pending > quarantineGroup {
		q.pending = 0
		return q.writer.Flush()
	}
	return nil
}

func (q *quarantine) open() error {
	dir := q.zone.dir(q.manifest.Source, quarantineDir, runPrefix+q.manifest.RunID)
	q.path = filepath.Join(dir, fmt.Sprintf("%s-%05d.parquet", q.manifest.Dataset, q.number))
	if err := q.zone.files.mkdir(dir); err != nil {
		return storageError("create", dir, err)
	}
	f, err := q.zone.files.create(q.path)
	if err != nil {
		return storageError("write", q.path, err)
	}
	q.first = map[string]string{}
	q.file, q.hash, q.counter = f, xxhash.New(), &countingWriter{}
	out := io.MultiWriter(failing{f, q.path}, q.hash, q.counter)
	q.writer = parquet.NewGenericWriter[QuarantineRow](out,
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.CreatedBy(createdBy, "", ""))
	return nil
}

// close finishes the file, if there is one, and makes it last.
func (q *quarantine) close() (*QuarantineFile, error) {
	if q.writer == nil {
		return nil, nil
	}
	err := q.writer.Close()
	q.writer = nil
	if err == nil {
		err = q.file.Sync()
	}
	err = storageError("write", q.path, errors.Join(err, q.file.Close()))
	if err == nil {
		err = q.zone.syncPath(filepath.Dir(q.path))
	}
	return &QuarantineFile{Path: q.zone.relative(q.path), Rows: q.rows, Bytes: q.counter.n, Checksum: checksumText(q.hash.Sum64())}, err
}

// remove takes the file away again.
func (q *quarantine) remove() error {
	if q.path == "" {
		return nil
	}
	if q.writer != nil {
		q.writer = nil
		q.file.Close() //nolint:errcheck // the file is thrown away
	}
	return q.zone.removeFile(q.path)
}

type countingWriter struct{ n int64 }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.n += int64(len(p))
	return len(p), nil
}

// shorten cuts a text to at most n bytes, between characters.
func shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
