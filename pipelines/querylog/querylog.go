// Package querylog keeps in ops.queries what the clients of winback serve asked:
// who, when, how long it took, what it read and how it ended. Texts and numbers of
// a statement are left out, so neither passwords nor personal data that somebody
// looked for are in it.
package querylog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cespare/xxhash/v2"

	"winback/pipelines/engine"
	"winback/pipelines/ledger"
)

// Bounds of what is held in memory until it is written.
const (
	bufferMost = 10_000           // statements; further ones are counted, not kept
	bytesMost  = 32 << 20         // of their texts, which may be long: lists of ids
	batchMost  = 1000             // statements are written at once when so many have come
	batchWait  = 10 * time.Second // and otherwise so often
	textMost   = 4000             // characters of a statement
	nameMost   = 200              // characters of a name, or of what a client calls itself
)

// Log writes statements into ops.queries. It is an engine.Observer.
type Log struct {
	days int
	log  *slog.Logger
	now  func() time.Time

	dropped atomic.Int64
	held    atomic.Int64 // bytes of what is not written yet
	queue   chan engine.Statement
	asked   chan order // by other goroutines
	stop    sync.Once
	stopped chan struct{}
	written chan struct{}
}

// Options configure a Log.
type Options struct {
	// Days are how many days statements are kept.
	Days int
	// Now tells the time. Nil: the clock.
	Now func() time.Time
	// Logger hears of statements that could not be written. Nil: nobody.
	Logger *slog.Logger
}

// New makes a log that collects from now on, and writes once Run is called.
func New(o Options) *Log {
	l := &Log{
		days: o.Days, log: o.Logger, now: o.Now, queue: make(chan engine.Statement, bufferMost),
		asked: make(chan order), stopped: make(chan struct{}), written: make(chan struct{}),
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.now == nil {
		l.now = time.Now
	}
	return l
}

// StatementEnded takes a statement in. It never waits: when the warehouse does not
// keep up, statements are dropped and counted.
func (l *Log) StatementEnded(s engine.Statement) {
	size := sizeOf(s)
	if l.held.Add(size) <= bytesMost {
		select {
		case l.queue <- s:
			return
		default:
		}
	}
	l.held.Add(-size)
	l.dropped.Add(1)
}

// sizeOf is what a statement holds in memory for the most part, in bytes.
func sizeOf(s engine.Statement) int64 { return int64(len(s.SQL) + len(s.ID)) }

// Run writes what has come to the warehouse until Close. It is a function for a
// goroutine of its own.
func (l *Log) Run(conn driver.Conn) {
	defer close(l.written)
	w := &writer{Log: l, conn: conn}
	tick := time.NewTicker(batchWait)
	defer tick.Stop()
	for {
		select {
		case s := <-l.queue:
			w.batch = append(w.batch, s)
			if len(w.batch) >= batchMost {
				w.write()
			}
		case <-tick.C:
			w.write()
			w.prune()
		case o := <-l.asked:
			w.drain()
			o.done <- o.do(w)
		case <-l.stopped:
			w.drain()
			return
		}
	}
}

// order is something to do for the goroutine that writes, after what has come is
// written.
type order struct {
	do   func(*writer) error
	done chan error
}

func (l *Log) ask(do func(*writer) error) error {
	o := order{do, make(chan error, 1)}
	select {
	case l.asked <- o:
		return <-o.done
	case <-l.written:
		return errors.New("the log of statements is closed")
	}
}

// Flush writes what has come so far. It is only for a log that runs.
func (l *Log) Flush() { _ = l.ask(func(*writer) error { return nil }) }

// Prune drops the days that are not kept any more; Run does it every hour. It is
// only for a log that runs.
func (l *Log) Prune() error {
	return l.ask(func(w *writer) error { return w.dropOld() })
}

// Dropped is how many statements were dropped since the last writing.
func (l *Log) Dropped() int64 { return l.dropped.Load() }

// Close writes the rest and ends Run, which must have been called.
func (l *Log) Close() {
	l.stop.Do(func() { close(l.stopped) })
	<-l.written
}

// writer is the part of a Log that one goroutine has.
type writer struct {
	*Log
	conn   driver.Conn
	batch  []engine.Statement
	ready  bool
	pruned time.Time
}

// drain takes in what is in the queue and writes it.
func (w *writer) drain() {
	for {
		select {
		case s := <-w.queue:
			w.batch = append(w.batch, s)
		default:
			w.write()
			return
		}
	}
}

// writeWait bounds how long a batch may take to be written.
const writeWait = time.Minute

// write writes the batch. One that can't be written is lost: a log must not fill
// the memory of a service whose disk is full.
func (w *writer) write() {
	if n := w.dropped.Swap(0); n > 0 {
		w.log.Warn("statements were not written to ops.queries: more came than could be", "statements", n)
	}
	if len(w.batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeWait)
	defer cancel()
	err := w.prepare(ctx)
	if err == nil {
		err = w.insert(ctx)
	}
	if err != nil {
		w.log.Warn("statements were not written to ops.queries", "statements", len(w.batch), "error", err)
	}
	for _, s := range w.batch {
		w.held.Add(-sizeOf(s))
	}
	clear(w.batch) // which would hold the texts otherwise
	w.batch = w.batch[:0]
}

// prepare makes the table where it is missing: what is served may have no run yet.
func (w *writer) prepare(ctx context.Context) error {
	if w.ready {
		return nil
	}
	for _, statement := range []string{"CREATE DATABASE IF NOT EXISTS ops", ledger.QueriesTable} {
		if err := w.conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("create ops.queries: %w", err)
		}
	}
	w.ready = true
	return nil
}

func (w *writer) insert(ctx context.Context) error {
	batch, err := w.conn.PrepareBatch(ctx, "INSERT INTO ops.queries (id, user, address, client, database, kind, state, code, error, started_at, duration_ms,"+
		" read_rows, read_bytes, written_rows, result_rows, result_bytes, fingerprint, query)")
	if err != nil {
		return err
	}
	defer batch.Close()
	for _, s := range w.batch {
		text := engine.Normalize(s.SQL)
		err := batch.Append(short(s.ID, nameMost), short(s.User, nameMost), addressOf(s.Remote), short(s.Client, nameMost), short(s.Database, nameMost),
			s.Kind, string(s.State), int32(s.Code), errorName(s.Err), s.Started, float64(s.Took.Microseconds())/1000,
			s.Result.RowsRead, s.Result.BytesRead, s.Result.RowsWritten, s.Result.ResultRows, s.Result.ResultBytes,
			xxhash.Sum64String(text), short(text, textMost))
		if err != nil {
			return err
		}
	}
	return batch.Send()
}

// pruneEvery is how often old days are looked for.
const pruneEvery = time.Hour

// prune drops the days that are not kept any more, now and then.
func (w *writer) prune() {
	if !w.ready || w.now().Sub(w.pruned) < pruneEvery {
		return
	}
	w.pruned = w.now()
	if err := w.dropOld(); err != nil {
		w.log.Warn("old statements stay in ops.queries", "error", err)
	}
}

// dropOld drops days, each of which is a partition.
func (w *writer) dropOld() error {
	ctx, cancel := context.WithTimeout(context.Background(), writeWait)
	defer cancel()
	day := w.now().UTC().AddDate(0, 0, -w.days)
	var days []string
	err := w.conn.QueryRow(ctx, "SELECT groupUniqArray(partition) FROM system.parts WHERE active AND database = 'ops' AND table = 'queries' AND partition < {day:String}",
		clickhouse.Named("day", day.Format(time.DateOnly))).Scan(&days)
	if err != nil {
		return err
	}
	for _, old := range days {
		if err := w.conn.Exec(ctx, "ALTER TABLE ops.queries DROP PARTITION '"+strings.ReplaceAll(old, "'", "")+"'"); err != nil {
			return err
		}
	}
	return nil
}

// errorName is ClickHouse's name of an error. Its text is not kept: it repeats
// pieces of the statement.
func errorName(err error) string {
	var e *engine.Error
	switch {
	case errors.As(err, &e):
		return e.Name
	case err != nil:
		return "OTHER"
	}
	return ""
}

// addressOf is a caller's host; the port tells nothing.
func addressOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}

// short cuts a text, and takes out what is no text.
func short(text string, most int) string {
	if len(text) > 4*most {
		text = text[:4*most] // a character has at most four bytes
	}
	text = strings.ToValidUTF8(text, "?")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
