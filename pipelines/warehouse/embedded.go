package warehouse

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/gofrs/flock"

	"winback/pipelines/engine"
)

// EngineOptions configure the embedded engine.
type EngineOptions struct {
	// Library is the engine's shared library; nil finds it.
	Library *engine.Library
	// Memory limits what all statements together may take, in bytes; 0 for the
	// engine's own default.
	Memory int64
	// Threads is how many threads a statement may use; 0 for one a core.
	Threads int
}

const (
	endpointUser = "winback"
	// handOver is how long a process that has the engine waits for others to be done with
	// it before it gives it up, and patience how long another waits for that.
	handOver = 30 * time.Second
	patience = time.Minute
)

// openEmbedded opens the engine in this process if nobody has it, and otherwise
// goes through the process that does. Whoever holds the lock file owns the data.
func openEmbedded(ctx context.Context, o Options) (*Warehouse, error) {
	if err := os.MkdirAll(o.Home, 0o755); err != nil {
		return nil, fmt.Errorf("make the project's home: %w", err)
	}
	lock := flock.New(lockFile(o.Home))
	deadline := time.Now().Add(max(o.Wait, patience))
	for {
		owned, err := lock.TryLock()
		if err != nil {
			return nil, fmt.Errorf("lock the warehouse in %s: %w", o.Home, err)
		}
		if owned {
			return openOwned(ctx, o, lock)
		}
		w, holder, err := openThroughOwner(ctx, o)
		if w != nil {
			return w, nil
		}
		if time.Now().After(deadline) || o.Purpose == ForServe && holder.Purpose == ForServe {
			return nil, &HeldError{What: "warehouse", Home: o.Home, Holder: holder, Cause: err}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// openThroughOwner connects to the process that owns the engine, if it may be
// relied on for this purpose: a run does not hang on a process that ends with its
// query.
func openThroughOwner(ctx context.Context, o Options) (w *Warehouse, _ Holder, err error) {
	var stay []func() error
	if o.Purpose.Looks() {
		guest, there := beGuest(o.Home)
		if guest == nil {
			return nil, Holder{}, there
		}
		stay = append(stay, guest.Close)
		defer func() {
			if w == nil {
				err = errors.Join(err, guest.Close())
			}
		}()
	}
	e, err := readEndpoint(o.Home)
	if err != nil {
		return nil, Holder{}, err
	}
	if !o.Purpose.Looks() && e.Holder.Purpose != ForServe || o.Purpose == ForServe {
		return nil, e.Holder, nil
	}
	if e.Holder.Purpose == ForGlance && o.Purpose != ForGlance { // its tables may be asleep
		return nil, e.Holder, nil
	}
	conn, err := connect(ctx, e.clientOptions(o))
	if err != nil {
		return nil, e.Holder, err
	}
	return &Warehouse{Conn: conn, home: o.Home, address: "http://" + e.Address, close: stay}, e.Holder, nil
}

// openOwned opens the engine here and serves it on a loopback port.
func openOwned(ctx context.Context, o Options, lock *flock.Flock) (_ *Warehouse, err error) {
	w := &Warehouse{home: o.Home, close: []func() error{lock.Unlock}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	// One that was killed has left its endpoint, which leads nowhere, or to somebody
	// else who has its port by now.
	if err := removeEndpoint(o.Home); err != nil {
		return nil, err
	}
	if !o.Purpose.Looks() {
		if err := requireSpace(o.Home); err != nil {
			return nil, err
		}
	}
	// The tables hold personal data: others on the machine have no business there.
	if err := errors.Join(mendReplace(o.Home), os.MkdirAll(enginePath(o.Home), 0o750)); err != nil {
		return nil, fmt.Errorf("make the warehouse's folder: %w", err)
	}
	if w.mended, err = removeEmptyDefinitions(enginePath(o.Home)); err != nil {
		return nil, err
	}
	if err := removeCutMutations(enginePath(o.Home)); err != nil {
		return nil, err
	}
	if err := putToSleep(enginePath(o.Home), o.Asleep || o.Purpose == ForGlance); err != nil {
		return nil, err
	}
	eng, err := openEngine(ctx, o)
	if err != nil {
		return nil, err
	}
	w.close = append(w.close, eng.Close)
	e, stop, err := serveEndpoint(eng, o)
	if err != nil {
		return nil, err
	}
	w.close = append(w.close, stop)
	if w.Conn, err = connect(ctx, e.clientOptions(o)); err != nil {
		return nil, fmt.Errorf("reach the embedded warehouse: %w", err)
	}
	w.address = "http://" + e.Address
	if len(w.mended) > 0 {
		if err := loadAgain(ctx, w.Conn); err != nil {
			return w, err
		}
	}
	w.sleep.awake = func() error { return e.write(o.Home) }
	if w.sleep.asleep = o.Asleep; o.Asleep {
		return w, nil
	}
	return w, errors.Join(w.sleep.awake(), w.openFront(ctx, eng, o))
}

// openFront lets other programs in, if they are wanted.
func (w *Warehouse) openFront(ctx context.Context, eng *engine.Engine, o Options) error {
	if o.Front == nil {
		return nil
	}
	if err := w.openViews(ctx); err != nil {
		return err
	}
	address, stop, err := serveFront(eng, o)
	if err != nil {
		return err
	}
	w.front, w.drain = address, sync.OnceValue(stop)
	w.close = append(w.close, w.drain)
	return nil
}

func openEngine(ctx context.Context, o Options) (*engine.Engine, error) {
	library := o.Engine.Library
	if library == nil {
		found, err := FindLibrary()
		if err != nil {
			return nil, err
		}
		library = &found
	}
	return engine.Open(ctx, engine.Options{
		Library: *library, Path: enginePath(o.Home),
		MaxMemory: o.Engine.Memory, Threads: o.Engine.Threads, Roles: o.Front.roles(),
		RoleThreads: readerThreads(o.Engine.Threads),
	})
}

// readerThreads is how many threads a statement of a user takes by itself: half of
// those of a run, so that it leaves room beside it. Most panels read tables so small
// that a second thread costs more than it brings.
func readerThreads(threads int) int {
	if threads == 0 {
		threads = runtime.NumCPU()
	}
	return max(threads/2, 1)
}

// Folder is the name of the embedded warehouse's folder in a project's home.
const Folder = "warehouse"

func enginePath(home string) string { return filepath.Join(home, Folder) }

// FindLibrary returns the engine's library that this program uses. The error is
// an *engine.LibraryError.
func FindLibrary() (engine.Library, error) {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	return engine.Find(os.Getenv, program)
}

// serveEndpoint answers HTTP on a free loopback port. Where is written down, with a
// password that only this user can read, when others may come.
func serveEndpoint(eng *engine.Engine, o Options) (endpoint, func() error, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return endpoint{}, nil, fmt.Errorf("listen on loopback for the warehouse: %w", err)
	}
	e := endpoint{
		Address: listener.Addr().String(), Password: rand.Text(),
		Holder: Holder{PID: os.Getpid(), Purpose: o.Purpose, Since: time.Now().UTC()},
	}
	handler := engine.NewHandler(eng, engine.HandlerOptions{Logger: o.Logger, Authenticate: e.authenticate})
	server := engine.NewServer(handler)
	go server.Serve(listener) //nolint:errcheck // ends with ErrServerClosed at Shutdown
	stop := func() error {
		errs := []error{removeEndpoint(o.Home)}
		ctx, cancel := context.WithTimeout(context.Background(), handOver)
		defer cancel()
		admit, err := waitForGuests(ctx, o.Home)
		if err != nil {
			errs = append(errs, err)
		} else {
			defer admit()
		}
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, server.Close())
		}
		return errors.Join(append(errs, handler.Close())...)
	}
	return e, stop, nil
}

// authenticate lets in who has read the endpoint's file.
func (e endpoint) authenticate(_ context.Context, c engine.Credentials) (engine.Access, error) {
	if c.User != endpointUser || subtle.ConstantTimeCompare([]byte(c.Password), []byte(e.Password)) != 1 {
		return engine.Access{}, errors.New("wrong user or password")
	}
	return engine.Access{}, nil
}

func (e endpoint) clientOptions(o Options) *clickhouse.Options {
	return &clickhouse.Options{
		Addr:        []string{e.Address},
		Auth:        clickhouse.Auth{Username: endpointUser, Password: e.Password},
		DialTimeout: 5 * time.Second,
		ReadTimeout: longestStatement,
	}
}
