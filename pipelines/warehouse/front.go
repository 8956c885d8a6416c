package warehouse

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"winback/pipelines/engine"
)

// Front is where and for whom the embedded warehouse answers other programs, as
// a ClickHouse server would.
type Front struct {
	// Listen is an address and a port; port 0 is any free one.
	Listen string
	// Users may log in; a program that names nobody logs in as default.
	Users []User
	// MaxStatements is how many statements may run at once; further ones are told
	// so. Zero: 100.
	MaxStatements int
	// Drain is how long statements that run may go on when the warehouse closes.
	Drain time.Duration
	// Observers hear of each statement that was answered.
	Observers []engine.Observer
}

// User is somebody who may log in.
type User struct {
	Name     string
	Password string
	// Admin may do everything; others read.
	Admin bool
	// Databases are those that somebody who is no admin may read. The first is where
	// names without a database are looked for.
	Databases []string
}

// Bounds of the front, which protect the process from programs that hang.
const (
	frontStatements  = 100
	frontConnections = 1000
	frontSessions    = 1000             // clients in Python open one each
	frontBodyWait    = 5 * time.Minute  // for the next piece of a request
	frontAnswerWait  = 10 * time.Minute // for somebody who stopped reading
	loginPause       = 200 * time.Millisecond
)

// roleOf names the engine's role of a user's databases; empty for an admin.
func (u User) roleOf(sets [][]string) string {
	if u.Admin {
		return ""
	}
	return "reader_" + strconv.Itoa(1+slices.IndexFunc(sets, func(set []string) bool { return slices.Equal(set, u.Databases) }))
}

// databaseSets are the lists of databases that users may read, each once.
func (f *Front) databaseSets() [][]string {
	var sets [][]string
	for _, u := range f.Users {
		if !u.Admin && !slices.ContainsFunc(sets, func(set []string) bool { return slices.Equal(set, u.Databases) }) {
			sets = append(sets, u.Databases)
		}
	}
	return sets
}

// roles are what the engine has to know when it is opened.
func (f *Front) roles() map[string]engine.Role {
	if f == nil {
		return nil
	}
	roles := map[string]engine.Role{}
	sets := f.databaseSets()
	for _, u := range f.Users {
		if !u.Admin {
			roles[u.roleOf(sets)] = engine.Role{Databases: u.Databases}
		}
	}
	return roles
}

// authenticate finds the user of a request. It does not tell a wrong name from a
// wrong password.
func (f *Front) authenticate(ctx context.Context, c engine.Credentials) (engine.Access, error) {
	name := c.User
	if name == "" {
		name = "default"
	}
	at := slices.IndexFunc(f.Users, func(u User) bool { return u.Name == name })
	want := ""
	if at >= 0 {
		want = f.Users[at].Password
	}
	given, wanted := sha256.Sum256([]byte(c.Password)), sha256.Sum256([]byte(want))
	if subtle.ConstantTimeCompare(given[:], wanted[:]) != 1 || at < 0 {
		select {
		case <-time.After(loginPause): // whoever tries many passwords has to wait
		case <-ctx.Done():
		}
		return engine.Access{}, fmt.Errorf("%s: Authentication failed: password is incorrect, or there is no user with such name", name)
	}
	u := f.Users[at]
	if u.Password == "" && !ownName(c.Host) {
		return engine.Access{}, fmt.Errorf("%s: Authentication failed: without a password only this machine's own names are answered, not %s", name, c.Host)
	}
	if u.Admin {
		return engine.Access{}, nil
	}
	return engine.Access{
		Role: u.roleOf(f.databaseSets()), Database: u.Databases[0],
		Settings: map[string]string{"readonly": "2"},
	}, nil
}

// ownName tells names that lead here whatever a name server says. A page on the
// web can have its own name lead to this machine, and so have a browser ask here.
func ownName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || host == "localhost" || strings.HasSuffix(host, ".localhost")
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
	handler := engine.NewHandler(eng, engine.HandlerOptions{
		Logger: o.Logger, Authenticate: f.authenticate, MaxStatements: cmp.Or(f.MaxStatements, frontStatements),
		MaxSessions: frontSessions, BodyWait: frontBodyWait, AnswerWait: frontAnswerWait, Observers: f.Observers,
	})
	server := engine.NewServer(handler)
	go server.Serve(engine.LimitConnections(listener, frontConnections)) //nolint:errcheck // ends with ErrServerClosed at Shutdown
	stop := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), f.Drain)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close() // whoever is left was given the time
		}
		return handler.Close()
	}
	return listener.Addr().String(), stop, nil
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
		views = append(views, "`"+database+"`.`"+strings.ReplaceAll(name, "`", "``")+"`")
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

// FrontAddress is where the front listens; empty without one.
func (w *Warehouse) FrontAddress() string { return w.front }
