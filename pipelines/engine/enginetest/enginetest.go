// Package enginetest gives tests an embedded ClickHouse: one per test process, in
// a temporary directory, with its HTTP endpoint on a free port.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { enginetest.Main(m) }
//
// The engine starts with the first test that asks for it. Without the library
// tests are skipped, loudly; where the environment variable CI is set they fail.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/engine"
)

// Roles of the engine: Reader may read the database Shown, Writer may add rows to
// its tables, and Held may give some settings no more than its ceilings.
const (
	Reader = "reader"
	Writer = "writer"
	Held   = "held"
	Shown  = "shown"
)

// roles are what the engine is opened with.
var roles = map[string]engine.Role{
	Reader: {Databases: []string{Shown}},
	Writer: {Databases: []string{Shown}, Inserts: true},
	Held:   {Ceilings: map[string]uint64{"max_execution_time": 60, "max_result_rows": 10_000, "max_memory_usage": 200_000_000}},
}

// Warehouse is the engine of the test process.
type Warehouse struct {
	Engine *engine.Engine
	// Addr is host:port of the HTTP endpoint, URL the same with its scheme.
	Addr, URL string

	handler *engine.Handler
	server  *http.Server
	dir     string
}

// shared is the process's warehouse: the library allows one at a time.
var shared struct {
	sync.Mutex
	warehouse *Warehouse
	err       error
}

// Main runs a package's tests and closes the engine if one was started. It does
// not return.
func Main(m *testing.M) {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if w := shared.warehouse; w != nil {
		if err := w.close(); err != nil {
			fmt.Fprintln(os.Stderr, "close the test engine:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// Start gives the process's warehouse, opening it for the first caller. All
// tests share its databases: use names of your own, such as those of Database.
func Start(tb testing.TB) *Warehouse {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.warehouse == nil && shared.err == nil {
		shared.warehouse, shared.err = open()
	}
	var missing *engine.LibraryError
	switch {
	case shared.err == nil:
	case errors.As(shared.err, &missing) && os.Getenv("CI") == "":
		tb.Skipf("SKIPPED, NOTHING WAS TESTED: %v", shared.err)
	default:
		tb.Fatalf("start the test engine: %v", shared.err)
	}
	return shared.warehouse
}

// Library finds the engine's library, skipping or failing the test as Start does
// when there is none.
func Library(tb testing.TB) engine.Library {
	tb.Helper()
	l, err := engine.Find(os.Getenv, "")
	switch {
	case err == nil:
	case os.Getenv("CI") == "":
		tb.Skipf("SKIPPED, NOTHING WAS TESTED: %v", err)
	default:
		tb.Fatal(err)
	}
	return l
}

func open() (*Warehouse, error) {
	library, err := engine.Find(os.Getenv, "")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "winback-engine-*")
	if err != nil {
		return nil, err
	}
	w := &Warehouse{dir: dir}
	o := engine.Options{Library: library, Path: dir, Roles: roles}
	if w.Engine, err = engine.Open(context.Background(), o); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, w.Engine.Close(), os.RemoveAll(dir))
	}
	w.Addr = l.Addr().String()
	w.URL = "http://" + w.Addr
	w.handler = engine.NewHandler(w.Engine, engine.HandlerOptions{})
	w.server = engine.NewServer(w.handler)
	go func() { _ = w.server.Serve(l) }()
	return w, nil
}

func (w *Warehouse) close() error {
	return errors.Join(w.server.Close(), w.handler.Close(), w.Engine.Close(), os.RemoveAll(w.dir))
}

// Conn gives a client of the warehouse over HTTP, closed with the test.
func (w *Warehouse) Conn(tb testing.TB) driver.Conn {
	tb.Helper()
	return w.ConnWith(tb, clickhouse.Options{})
}

// ConnWith is Conn with the caller's options; address and protocol are filled in.
func (w *Warehouse) ConnWith(tb testing.TB, o clickhouse.Options) driver.Conn {
	tb.Helper()
	o.Addr, o.Protocol = []string{w.Addr}, clickhouse.HTTP
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 5 * time.Minute
	}
	conn, err := clickhouse.Open(&o)
	if err != nil {
		tb.Fatalf("open a client: %v", err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Database makes an empty database for the test and drops it afterwards.
func (w *Warehouse) Database(tb testing.TB, name string) string {
	tb.Helper()
	w.Exec(tb, "DROP DATABASE IF EXISTS `"+name+"`")
	w.Exec(tb, "CREATE DATABASE `"+name+"`")
	tb.Cleanup(func() { w.Exec(tb, "DROP DATABASE IF EXISTS `"+name+"`") })
	return name
}

// Exec runs a statement directly on the engine and gives its output as
// TabSeparated.
func (w *Warehouse) Exec(tb testing.TB, sql string) string {
	tb.Helper()
	ctx := context.Background()
	s, err := w.Engine.Session(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	defer s.Close()
	r, err := s.Query(ctx, engine.Query{SQL: sql})
	if err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
	return string(r.Data)
}
