package warehouse

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"winback/pipelines/certificate"
	"winback/pipelines/engine"
	"winback/pipelines/quote"
	"winback/pipelines/users"
)

// Front is where and for whom the embedded warehouse answers other programs, as
// a ClickHouse server would.
type Front struct {
	// Listen is an address and a port; port 0 is any free one.
	Listen string
	// Users may log in; a program that names nobody logs in as default.
	Users *users.Directory
	// Limits bound the statements of one user, by role.
	Limits map[users.Role]Limit
	// Certificate makes it TLS; nil leaves everything unencrypted.
	Certificate *certificate.Pair
	// Observers hear of each statement.
	Observers []engine.Observer
	// MaxStatements is how many statements may run at once; further ones are told
	// so. Zero: 100.
	MaxStatements int
	// Drain is how long statements that run may go on when the warehouse closes.
	Drain time.Duration

	rights rights
	ended  atomic.Pointer[error] // why nobody is answered any more
}

// Alive is nil as long as other programs are answered, or were asked to stop.
func (f *Front) Alive() error {
	if err := f.ended.Load(); err != nil {
		return fmt.Errorf("nobody is answered any more: %w", *err)
	}
	return nil
}

// answer answers until the server is closed.
func (f *Front) answer(server *http.Server, listener net.Listener) {
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		f.ended.Store(&err)
	}
}

// Limit is what the statements of one user may take. 0 is no limit.
type Limit struct {
	Time       time.Duration // of one statement
	Memory     int64         // of one statement, in bytes
	ResultRows int           // of one statement
	ReadRows   int           // of one statement
	Statements int           // at once
}

// Bounds of the front, which protect the process from programs that hang.
const (
	frontStatements  = 100
	frontConnections = 1000
	frontSessions    = 1000             // clients in Python open one each
	frontBodyWait    = 5 * time.Minute  // for the next piece of a request
	frontAnswerWait  = 10 * time.Minute // for somebody who stopped reading
	frontForm        = 256 << 20        // bytes of tables that come with a statement
	// overtime is how much longer than its limit a statement may take before it is
	// stopped from outside: the engine's own word says more of it.
	overtime = 5 * time.Second
)

// authenticate finds the user of a request. It does not tell a wrong name from a
// wrong password.
func (f *Front) authenticate(ctx context.Context, c engine.Credentials) (engine.Access, error) {
	name := cmp.Or(c.User, "default")
	refuse := func(why string) (engine.Access, error) {
		return engine.Access{}, fmt.Errorf("%s: Authentication failed: %s", name, why)
	}
	u, err := f.Users.Login(ctx, name, c.Password, c.Remote)
	var wait *users.WaitError
	switch {
	case errors.As(err, &wait):
		return engine.Access{}, engine.TooManyLogins(name+": Authentication failed: "+wait.Error(), wait.Wait)
	case err != nil:
		return refuse(err.Error())
	case f.Users.Open(name) && !users.OwnName(c.Host):
		return refuse("without a password only this machine's own names are answered, not " + c.Host)
	}
	limit := f.Limits[u.Role]
	access := engine.Access{User: u.Name, MaxStatements: limit.Statements}
	if limit.Time > 0 {
		access.MaxTime = limit.Time + overtime
	}
	if u.Admin() {
		access.Settings = limit.settings()
		return access, nil
	}
	access.Database = u.Databases[0]
	if access.Role, err = f.rights.of(u); err != nil {
		return refuse(err.Error())
	}
	if u.Role != users.Loader {
		access.Settings = map[string]string{"readonly": "2"}
	}
	return access, nil
}

// serveFront listens and answers. What it returns stops that: no new requests,
// and those that run may go on for the time to drain.
func serveFront(eng *engine.Engine, o Options) (string, func() error, error) {
	f := o.Front
	listener, err := net.Listen("tcp", f.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return "", nil, &ListenError{Listen: f.Listen, Cause: err}
	}
	if err != nil {
		return "", nil, fmt.Errorf("listen for the warehouse's clients: %w", err)
	}
	address := listener.Addr().String()
	handler := engine.NewHandler(eng, engine.HandlerOptions{
		Logger: o.Logger, Authenticate: f.authenticate, MaxStatements: cmp.Or(f.MaxStatements, frontStatements),
		MaxSessions: frontSessions, MaxFormBytes: frontForm, BodyWait: frontBodyWait, AnswerWait: frontAnswerWait,
		Observers: f.Observers,
	})
	f.Users.OnLeave(handler.EndUser)
	server := engine.NewServer(handler)
	listener = engine.LimitConnections(listener, frontConnections)
	if f.Certificate != nil {
		listener = tls.NewListener(listener, f.Certificate.Config())
	}
	go f.answer(server, listener)
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), f.Drain)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close() // whoever is left was given the time
		}
		return handler.Close()
	}
	return address, stop, nil
}

// ListenError says that another program has the address.
type ListenError struct {
	Listen string
	Cause  error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("%s is in use by another program, perhaps a ClickHouse server", e.Listen)
}

func (e *ListenError) Unwrap() error { return e.Cause }

// Hint names the way out.
func (e *ListenError) Hint() string {
	return "another port: winback serve --listen 127.0.0.1:8124, or serve.listen in the configuration"
}

// openViews lets those who may read a view read through it, whatever they may
// read below. Views are made so; those of older versions are not.
func (w *Warehouse) openViews(ctx context.Context) error {
	rows, err := w.Query(ctx, "SELECT database, name FROM system.tables WHERE engine = 'View' AND database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA')"+
		" AND position(create_table_query, 'SQL SECURITY') = 0")
	if err != nil {
		return fmt.Errorf("look at the views: %w", err)
	}
	defer rows.Close()
	var views []string
	for rows.Next() {
		var database, name string
		if err := rows.Scan(&database, &name); err != nil {
			return fmt.Errorf("look at the views: %w", err)
		}
		views = append(views, quote.Table(database, name))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look at the views: %w", err)
	}
	for _, view := range views {
		if err := w.Exec(ctx, "ALTER TABLE "+view+" MODIFY DEFINER = default SQL SECURITY DEFINER"); err != nil {
			return fmt.Errorf("open the view %s for its readers: %w", view, err)
		}
	}
	return nil
}

// CloseFront lets no other programs in any more, and those who are in may go on for
// the time to drain. Close does it too.
func (w *Warehouse) CloseFront() error {
	if w.drain == nil {
		return nil
	}
	return w.drain()
}

// FrontAddress is where the front listens; empty without one.
func (w *Warehouse) FrontAddress() string { return w.front }
