package engine

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"winback/pipelines/quote"
)

// target reads the handle a connection points to, which is what the other calls
// take.
func (h handle) target() handle {
	return **(**handle)(unsafe.Pointer(&h))
}

// profile is the initial state of a connection; equal profiles are exchangeable.
type profile struct {
	role     string // names with commas between them; empty: everything is allowed
	database string
	settings string // the list of a SET statement
}

func newProfile(database string, settings map[string]string) profile {
	if database == "default" {
		database = ""
	}
	p := profile{database: database}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		list = append(list, quote.Always(name)+" = "+quote.Literal(settings[name]))
	}
	p.settings = strings.Join(list, ", ")
	return p
}

// connection is one connection to the library, lent out by way of a Session.
type connection struct {
	handle  handle // chdb_connection*, what is closed
	target  handle // chdb_connection, what is used
	profile profile
	tag     string
	turn    chan struct{} // holds a token while a statement runs
	dirty   bool          // carries state: it can't be lent to somebody else; guarded by turn
}

// tagSetting is the setting by which a running statement is known to belong to a
// connection: it shows in the engine's list of running statements. Of the settings
// that take any text it is one that no statement here has a use for: it chooses a
// queue of engines such as Kafka's. A statement's own SETTINGS would hide the tag.
const tagSetting = "stream_like_engine_insert_queue"

// statements bring a new connection into its profile's state: defaults are for all,
// roleDefaults for those with a role.
func (c *connection) statements(defaults, roleDefaults map[string]string) []string {
	base := newProfile("", defaults)
	first := quote.Always(tagSetting) + " = " + quote.Literal(c.tag)
	if base.settings != "" {
		first += ", " + base.settings
	}
	list := []string{"SET " + first}
	if roles := roleNames(c.profile.role); len(roles) > 0 {
		held := newProfile("", heldSettings).settings
		if own := newProfile("", roleDefaults).settings; own != "" {
			held += ", " + own
		}
		var names []string
		for _, name := range roles {
			names = append(names, quote.Always(name))
			held += ", profile = " + quote.Literal(name) // the constraints add up
		}
		list = append(list, "SET ROLE "+strings.Join(names, ", "), "SET "+held)
	}
	if c.profile.database != "" {
		list = append(list, "USE "+quote.Always(c.profile.database))
	}
	if c.profile.settings != "" {
		list = append(list, "SET "+c.profile.settings) // last: readonly may be among them
	}
	return list
}

// Query is a statement and what goes with it.
type Query struct {
	SQL string
	// Format is the output format of a statement that names none, and the input
	// format of an insert; empty means TabSeparated.
	Format string
	// Params are the values of {name:Type} in the statement, written as
	// TabSeparated writes them: backslash, tab and line feed escaped, NULL as \N.
	Params map[string]string
}

// Result is what a statement gave.
type Result struct {
	// Data is the output in the asked format; empty for statements without one.
	Data []byte
	// Seconds is the time the engine took.
	Seconds float64
	// RowsRead, BytesRead count what the statement read, RowsWritten and
	// BytesWritten what it wrote, materialised views included.
	RowsRead, BytesRead, RowsWritten, BytesWritten uint64
	// ResultRows and ResultBytes count its output, before it was formatted.
	ResultRows, ResultBytes uint64
}

// Session runs statements one at a time: a second one waits for the first. It
// may be used by several goroutines.
type Session struct {
	e      *Engine
	c      *connection
	closed atomic.Bool
}

// Query runs any statement and gives its result whole.
//
// It returns an *Error when the engine refuses or fails the statement, and the
// context's cause when it was cancelled; the statement has then stopped.
func (s *Session) Query(ctx context.Context, q Query) (Result, error) {
	if err := s.guard(ctx, q.SQL); err != nil {
		return Result{}, err
	}
	if err := s.begin(ctx); err != nil {
		return Result{}, err
	}
	defer s.end()
	return s.run(ctx, q)
}

// run is Query for a caller that has the turn.
func (s *Session) run(ctx context.Context, q Query) (Result, error) {
	if err := s.note(q.SQL); err != nil {
		return Result{}, err
	}
	unwatch := s.watch(ctx)
	r, err := s.e.b.result(call(s.e.b.query, s.c.target, q.SQL, q.format(), q.Params))
	return r, unwatch(err)
}

func (q Query) format() string {
	if q.Format == "" {
		return "TabSeparated"
	}
	return q.Format
}

// begin waits for the session's turn.
func (s *Session) begin(ctx context.Context) error {
	select {
	case s.c.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.e.done.Done():
		return ErrClosed
	}
	var err error
	switch {
	case s.closed.Load() || s.e.done.Err() != nil:
		err = ErrClosed
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	if err != nil {
		s.end()
	}
	return err
}

func (s *Session) end() { <-s.c.turn }

// note marks the connection as changed when a statement may leave state in it:
// SET, USE, temporary tables, and what the engine can't judge. It refuses what is
// no statement but means something to the library, which is built from the
// command line client: its words for leaving, and its questions to an AI. The
// caller has the turn.
func (s *Session) note(sql string) error {
	if o := outlineOf(sql); o.verb == "INSERT" && !o.several {
		return nil // it leaves rows only
	}
	a, ok := s.e.b.analyse(s.c.target, sql)
	if !ok || a.class >= classControls {
		s.c.dirty = true
	}
	text := strings.TrimSpace(sql)
	if a.statements == 0 && (len(text) <= len("logout;")+8 || strings.HasPrefix(text, "??")) {
		return &Error{Code: CodeSyntaxError, Name: "SYNTAX_ERROR", Text: "Syntax error: this is no statement: " + text}
	}
	return nil
}

// watch stops the running statement when the context ends or the engine closes.
// The function it returns ends the watch, and gives the cause instead of the
// engine's error when the statement was stopped for it.
func (s *Session) watch(ctx context.Context) func(error) error {
	finished, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-finished:
			return
		case <-ctx.Done():
		case <-s.e.done.Done():
		}
		tick := time.NewTicker(killInterval)
		defer tick.Stop()
		for {
			s.e.killStatement(s.c.tag)
			select {
			case <-finished:
				return
			case <-tick.C:
			}
		}
	}()
	return func(err error) error {
		close(finished)
		<-stopped // a late kill must not meet the next statement
		if err != nil {
			s.letGo()
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case s.e.done.Err() != nil:
			return ErrClosed
		}
		return err
	}
}

// letGo makes the library let go of a statement that failed: until the next
// statement of the connection it keeps the failed one, with its memory and its
// locks.
func (s *Session) letGo() {
	if _, err := s.e.b.result(call(s.e.b.query, s.c.target, "SELECT 1", "Null", nil)); err != nil {
		s.c.dirty = true
	}
}

// Discard makes Close end the connection for good instead of keeping it for the
// next session. It waits for the running statement.
func (s *Session) Discard() {
	if s.begin(context.Background()) == nil {
		s.c.dirty = true
		s.end()
	}
}

// Close waits for the running statement and gives the session back. Closing
// twice does nothing.
func (s *Session) Close() error {
	if s.closed.Load() || s.begin(context.Background()) != nil {
		return nil // given back already, or ended with the engine
	}
	if s.closed.CompareAndSwap(false, true) {
		s.e.giveBack(s.c)
	}
	s.end()
	return nil
}

// escapeText writes a text as a parameter's value.
func escapeText(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`).Replace(s)
}
