// Package warehouse opens the ClickHouse that a project keeps its tables in:
// the engine embedded in this process, one that another process of the same
// project has open, or a server. All three are talked to over ClickHouse's HTTP
// interface by the same client, so nothing above this package knows which it is.
package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Databases of a warehouse.
const (
	Raw     = "raw"     // entity rows as extracted, every version
	Staging = "staging" // cleaned and intermediate models
	Mart    = "mart"    // what people read
	Ops     = "ops"     // runs, loads, checks, quarantine
)

// Purpose says for how long and how exclusively a process wants the warehouse.
type Purpose string

// The purposes a warehouse is opened for.
const (
	ForRun    Purpose = "run"    // builds; other processes may read through it meanwhile
	ForQuery  Purpose = "query"  // one look, soon closed
	ForGlance Purpose = "glance" // a look that reads rows, and asks the engine nothing about its tables: opens sooner
	ForServe  Purpose = "serve"  // stays; other processes go through it, runs too
)

// Looks says that a process of this purpose is soon done, and makes nothing.
func (p Purpose) Looks() bool { return p == ForQuery || p == ForGlance }

// Options say which warehouse to open and how.
type Options struct {
	// Home is the folder that holds the embedded warehouse.
	Home    string
	Purpose Purpose
	// Asleep leaves the tables of models in the embedded warehouse unloaded, and other
	// processes outside, until Wake: for who may have nothing to do with either.
	Asleep bool
	// Wait is how long to wait for another process to give the embedded warehouse
	// up; below a minute it counts as that.
	Wait time.Duration
	// Server, if set, is used instead of the embedded engine.
	Server *Server
	Engine EngineOptions
	// Front, for a warehouse that serves, is where other programs reach the embedded
	// engine.
	Front  *Front
	Logger *slog.Logger
}

// Warehouse is an open ClickHouse. It is safe for concurrent use.
type Warehouse struct {
	driver.Conn
	home    string // of the embedded engine; "" for a server
	address string
	front   string
	drain   func() error // ends the front; nil without one
	mended  []string
	did     []string // by Migrate
	sleep   sleep
	close   []func() error
}

// Open opens the warehouse. The embedded engine is opened in this process
// unless another one holds it; then that one's endpoint is used.
// Errors: *HeldError when another process is in the way, *engine errors when the
// library is missing.
func Open(ctx context.Context, o Options) (*Warehouse, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Server != nil {
		return openServer(ctx, *o.Server)
	}
	return openEmbedded(ctx, o)
}

// Address returns where the warehouse answers HTTP, for messages: no password.
func (w *Warehouse) Address() string { return w.address }

// Mended names the definitions that the engine had lost, as on a full disk. What
// they stood for is made again by the next run.
func (w *Warehouse) Mended() []string { return w.mended }

// Migrated tells what Migrate did to a warehouse that was there before.
func (w *Warehouse) Migrated() []string { return w.did }

// Close gives the warehouse up. The embedded engine is shut down after the
// processes that look through this one have left, and the statements that others run
// have ended; those that take longer than half a minute fail.
func (w *Warehouse) Close() error {
	var errs []error
	if w.Conn != nil {
		errs = append(errs, w.Conn.Close())
	}
	for i := len(w.close) - 1; i >= 0; i-- {
		errs = append(errs, w.close[i]())
	}
	return errors.Join(errs...)
}

// Stream runs a query and returns its result in any ClickHouse format, as it
// comes. The caller closes the reader; an error of a query that fails half-way
// comes out of Read, so a cut result is never taken for a whole one.
func (w *Warehouse) Stream(ctx context.Context, sql, format string) (io.ReadCloser, error) {
	return w.Conn.QueryFormat(ctx, format, sql)
}

// longestStatement is how long the client waits for the first byte of an answer:
// a table that takes an hour to build is no lost connection, which TCP finds out.
const longestStatement = 24 * time.Hour

// connect makes the client that every kind of warehouse is used through.
func connect(ctx context.Context, o *clickhouse.Options) (driver.Conn, error) {
	o.Protocol = clickhouse.HTTP
	o.ClientInfo = clickhouse.ClientInfo{Products: []struct{ Name, Version string }{{Name: "winback"}}}
	if o.MaxOpenConns == 0 {
		o.MaxOpenConns, o.MaxIdleConns = 32, 8
	}
	conn, err := clickhouse.Open(o)
	if err != nil {
		return nil, fmt.Errorf("configure the ClickHouse client: %w", err)
	}
	if err := conn.Ping(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
