// Package engine opens ClickHouse inside the program: the chDB library, bound
// without cgo, and the HTTP interface of a ClickHouse server over it, so that
// clients see no difference.
//
// A process opens one data directory at a time, and a data directory is open in
// one process at a time. Work happens in sessions, each with settings, a current
// database and temporary tables of its own; a session runs one statement at a
// time, and sessions run beside each other.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options say what to open and how much of the machine to use.
type Options struct {
	// Library is the library to use, as found by Find.
	Library Library
	// Path is the data directory; it is made when missing.
	Path string
	// MaxMemory bounds what all statements together may take, in bytes. A
	// statement that would go over fails with MEMORY_LIMIT_EXCEEDED. Zero leaves
	// it to the engine: nine tenths of the machine.
	MaxMemory int64
	// Threads bounds how many threads one statement uses. Zero: one per core.
	Threads int
	// RoleThreads is the same for sessions that have a role, whose statements may ask for
	// another number. Zero: as many as others.
	RoleThreads int
	// Settings are defaults of every session, by ClickHouse's names of
	// query-level settings. They win over the package's own.
	Settings map[string]string
	// Server are further options of the engine as a whole, by the names of
	// ClickHouse's server configuration. They win over the package's own.
	Server map[string]string
	// Roles are what limited sessions may do, by a name of small Latin letters,
	// digits and _. Sessions that take none of them may do everything.
	Roles map[string]Role
	// IdleSessions is how many unused sessions are kept for reuse. Zero: 8.
	IdleSessions int
	// Logger hears of what is unusual but no error of a call. Nil: nobody.
	Logger *slog.Logger
}

// serverDefaults size the engine for a process that shares a machine: caches of
// tens of megabytes instead of gigabytes. The library's own pools of background
// threads are small already.
var serverDefaults = map[string]string{
	"mark_cache_size":                "67108864",
	"primary_index_cache_size":       "67108864",
	"index_mark_cache_size":          "16777216",
	"query_condition_cache_size":     "16777216",
	"compiled_expression_cache_size": "16777216",
	"mmap_cache_size":                "256",
	"max_thread_pool_free_size":      "16", // threads kept for the next statement
	// Tables are opened beside each other; to open each one's pieces of data with 64
	// threads more makes the opening of a small warehouse half as dear again.
	"max_active_parts_loading_thread_pool_size":     "1",
	"max_outdated_parts_loading_thread_pool_size":   "1",
	"max_unexpected_parts_loading_thread_pool_size": "1",
	// On a terminal the engine would write its own log over the program's. What
	// goes wrong with a statement comes back as its error.
	"logger.level": "none",
	// Whoever may read a view may read through it; see default_normal_view_sql_security.
	"ignore_empty_sql_security_in_create_view_query": "0",
}

// sessionDefaults make a session predictable where the engine's own defaults are
// made for other uses.
var sessionDefaults = map[string]string{
	"implicit_select": "0", // a word that is no statement is an error, not a column
	"async_insert":    "0", // an insert is in the table when it returns, in the blocks it came in
	// A view reads with its maker's rights: a role that may read the view needs none
	// on the tables below it.
	"default_normal_view_sql_security": "DEFINER",
}

// Engine is an open data directory. Its methods may be called from several
// goroutines at once.
type Engine struct {
	b        *binding
	guard    *signalGuard
	path     string
	args     []string
	defaults map[string]string
	roles    map[string]Role
	// functions are the table functions, for what roles may use of them.
	functions    map[string]bool
	roleDefaults map[string]string
	maxIdle      int
	timezone     string
	log          *slog.Logger

	mu         sync.Mutex
	closed     bool
	next       uint64
	live       map[*connection]bool // all but the keeper
	idle       []*connection        // those not lent out, most recently used last
	connecting sync.WaitGroup
	keeper     *connection // keeps the engine running; also carries out kills
	kill       sync.Mutex  // one kill at a time on the keeper
	stop       context.CancelCauseFunc
	done       context.Context // ends with Close; every statement watches it
}

// process holds what a process has one of: a library that can't be unloaded,
// and at most one open engine. It has to be global because the library is.
var process struct {
	sync.Mutex
	path  string // of the library
	b     *binding
	guard *signalGuard
	open  *Engine
}

// Open opens the data directory of the options, making it when it is missing.
//
// It returns ErrLocked when another process has the directory open, and a
// *LibraryError when the library can't be used. Only one engine may be open in a
// process; a second Open fails until the first is closed.
func Open(ctx context.Context, o Options) (*Engine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", o.Path, err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("open warehouse: %w", err)
	}
	process.Lock()
	defer process.Unlock()
	if process.open != nil {
		return nil, fmt.Errorf("open warehouse %s: this process already has %s open", path, process.open.path)
	}
	if err := load(o.Library); err != nil {
		return nil, err
	}
	if err := checkLock(path, false); err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", path, err)
	}
	e := newEngine(o, path)
	if err := e.writeAccess(); err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", path, err)
	}
	if e.keeper, err = e.connect(profile{}); err != nil {
		// Somebody may have taken the directory since it was checked.
		if locked := checkLock(path, true); locked != nil {
			err = locked
		}
		return nil, fmt.Errorf("open warehouse %s: %w", path, err)
	}
	r, err := e.b.result(call(e.b.query, e.keeper.target, "SELECT serverTimezone()", "RawBLOB", nil))
	if err != nil {
		e.b.closeConn(e.keeper.handle)
		return nil, fmt.Errorf("open warehouse %s: %w", path, err)
	}
	e.timezone = string(r.Data)
	if e.functions, err = e.tableFunctions(); err != nil {
		e.b.closeConn(e.keeper.handle)
		return nil, fmt.Errorf("open warehouse %s: %w", path, err)
	}
	process.open = e
	return e, nil
}

// load binds the library, once a process.
func load(l Library) error {
	if process.b != nil {
		if process.path != l.Path {
			return &LibraryError{Problem: LibraryUnusable, Path: l.Path, Detail: "this process already uses " + process.path}
		}
		return nil
	}
	if !supported() {
		return &LibraryError{Problem: LibraryUnusable, Path: l.Path, Detail: "there is none for " + runtime.GOOS + "/" + runtime.GOARCH}
	}
	if err := setTimeZone(); err != nil {
		return &LibraryError{Problem: LibraryUnusable, Path: l.Path, Detail: err.Error(), Err: err}
	}
	b, err := bind(l.Path)
	if err != nil {
		return &LibraryError{Problem: LibraryUnusable, Path: l.Path, Detail: err.Error(), Err: err}
	}
	if version := b.version(); older(version, MinimumVersion) {
		return &LibraryError{Problem: LibraryTooOld, Path: l.Path, Detail: version}
	}
	guard := newSignalGuard(b)
	guard.run(func() { b.setSignalHandlers(0) })
	process.path, process.b, process.guard = l.Path, b, guard
	return nil
}

func newEngine(o Options, path string) *Engine {
	e := &Engine{
		b: process.b, guard: process.guard, path: path, live: map[*connection]bool{},
		defaults: maps.Clone(sessionDefaults), roles: o.Roles, maxIdle: o.IdleSessions, log: o.Logger,
	}
	if e.maxIdle == 0 {
		e.maxIdle = 8
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if o.Threads > 0 {
		e.defaults["max_threads"] = strconv.Itoa(o.Threads)
	}
	if o.RoleThreads > 0 {
		e.roleDefaults = map[string]string{"max_threads": strconv.Itoa(o.RoleThreads)}
	}
	maps.Copy(e.defaults, o.Settings)
	server := maps.Clone(serverDefaults)
	if o.MaxMemory > 0 {
		server["max_server_memory_usage"] = strconv.FormatInt(o.MaxMemory, 10)
	}
	maps.Copy(server, o.Server)
	e.args = append([]string{"winback", "--path=" + path}, e.accessArgs()...)
	for _, name := range slices.Sorted(maps.Keys(server)) {
		e.args = append(e.args, "--"+name+"="+server[name])
	}
	e.done, e.stop = context.WithCancelCause(context.Background())
	return e
}

// checkLock gives ErrLocked with the holder's process id when another process has
// the directory: the engine keeps a lock on its file "status", where it notes who
// it is. Trying the lock could for an instant keep it from a process that is just
// opening the directory, so before an attempt it is tried only if the one that is
// noted there still runs.
func checkLock(path string, failed bool) error {
	f, err := os.OpenFile(filepath.Join(path, "status"), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // gives a lock taken here up again
	text := make([]byte, 256)
	n, _ := f.Read(text)
	holder := 0
	for line := range strings.Lines(string(text[:n])) {
		if pid, ok := strings.CutPrefix(line, "PID: "); ok {
			holder, _ = strconv.Atoi(strings.TrimSpace(pid))
		}
	}
	runs := holder > 0 && !errors.Is(syscall.Kill(holder, 0), syscall.ESRCH)
	if !runs && !failed {
		return nil
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil
	}
	if !runs { // it is in another container, where it has another number
		return ErrLocked
	}
	return fmt.Errorf("%w (process %d)", ErrLocked, holder)
}

// Path is the data directory.
func (e *Engine) Path() string { return e.path }

// LibraryVersion is what the library calls itself, such as 26.7.3; the ClickHouse
// version inside it is what SELECT version() says.
func (e *Engine) LibraryVersion() string { return e.b.version() }

// connect makes a connection with the engine's defaults and the profile's state
// on top.
func (e *Engine) connect(p profile) (*connection, error) {
	e.mu.Lock()
	e.next++
	id := e.next
	e.mu.Unlock()
	c := &connection{profile: p, tag: "winback-session-" + strconv.FormatUint(id, 10), turn: make(chan struct{}, 1)}
	e.guard.run(func() { c.handle = e.b.open(e.args) })
	if c.handle == 0 {
		return nil, errors.New("the library refused; it says why on standard error")
	}
	c.target = c.handle.target()
	for _, sql := range c.statements(e.defaults, e.roleDefaults) {
		if _, err := e.b.result(call(e.b.query, c.target, sql, "Null", nil)); err != nil {
			e.b.closeConn(c.handle)
			return nil, err
		}
	}
	return c, nil
}

// Session lends a session in its initial state: default database, default
// settings, no temporary tables. Close it to give it back.
func (e *Engine) Session(ctx context.Context) (*Session, error) {
	return e.SessionWith(ctx, "", nil)
}

// SessionWith lends a session with another current database (empty: default) and
// settings on top of the engine's. An unknown setting or database is an *Error.
func (e *Engine) SessionWith(ctx context.Context, database string, settings map[string]string) (*Session, error) {
	return e.SessionAs(ctx, "", database, settings)
}

// SessionAs is SessionWith for roles of the options, with commas between their
// names; without one everything is allowed. Settings that have a ceiling and are
// not given are at the ceiling.
func (e *Engine) SessionAs(ctx context.Context, role, database string, settings map[string]string) (*Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, name := range roleNames(role) {
		if _, known := e.roles[name]; !known {
			return nil, fmt.Errorf("the engine was opened without the role %s", name)
		}
	}
	p := newProfile(database, e.within(role, settings))
	p.role = role
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, ErrClosed
	}
	for i := len(e.idle) - 1; i >= 0; i-- {
		if c := e.idle[i]; c.profile == p {
			e.idle = slices.Delete(e.idle, i, i+1)
			e.mu.Unlock()
			return &Session{e: e, c: c}, nil
		}
	}
	e.connecting.Add(1)
	e.mu.Unlock()
	defer e.connecting.Done()
	c, err := e.connect(p)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.live[c] = true
	e.mu.Unlock()
	return &Session{e: e, c: c}, nil
}

// giveBack takes a connection in again: kept for the next who asks for the same
// profile, or closed when it carries state or there are enough. The caller has
// the connection's turn.
func (e *Engine) giveBack(c *connection) {
	e.mu.Lock()
	var drop *connection
	switch {
	case e.closed: // Close ends it
	case c.dirty:
		drop = c
	default:
		e.idle = append(e.idle, c)
		if len(e.idle) > e.maxIdle {
			drop = e.idle[0]
			e.idle = slices.Delete(e.idle, 0, 1)
		}
	}
	if drop != nil {
		delete(e.live, drop)
	}
	e.mu.Unlock()
	if drop != nil {
		e.b.closeConn(drop.handle)
	}
}

// killInterval is how often a cancelled statement is asked to stop until it
// does: it may not have been known to the engine yet at the first time.
const killInterval = 50 * time.Millisecond

// killStatement stops what the session of the tag is running.
func (e *Engine) killStatement(tag string) {
	e.kill.Lock()
	defer e.kill.Unlock()
	sql := "KILL QUERY WHERE Settings['" + tagSetting + "'] = '" + tag + "' ASYNC FORMAT Null"
	if _, err := e.b.result(call(e.b.query, e.keeper.target, sql, "Null", nil)); err != nil {
		e.log.Warn("a cancelled statement could not be stopped", "error", err)
	}
}

// Close stops every running statement, waits until they have ended, and closes
// the data directory. Every later call on the engine and its sessions fails with
// ErrClosed; sessions that were not given back end too. Closing twice does
// nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()
	e.stop(ErrClosed)
	e.connecting.Wait()
	for c := range e.live { // nobody adds or removes any more
		c.turn <- struct{}{} // for good
		e.b.closeConn(c.handle)
	}
	e.kill.Lock()
	defer e.kill.Unlock()
	e.b.closeConn(e.keeper.handle)
	process.Lock()
	defer process.Unlock()
	process.open = nil
	return nil
}
