package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"winback/pipelines/quote"
)

// Lifetimes of named sessions, as a server has them.
const (
	sessionTimeout    = time.Minute
	maxSessionTimeout = time.Hour
)

// namedSessions are the sessions that callers keep by an id over several
// requests. A user sees only sessions of their own.
type namedSessions struct {
	e   *Engine
	max int

	mu     sync.Mutex
	closed bool
	byName map[sessionName]*namedSession
}

type sessionName struct{ user, id string }

type namedSession struct {
	s     *Session
	busy  bool
	timer *time.Timer // ends the session; stopped while busy
	uses  int         // tells a timer that fired from one that was stopped too late
	ends  bool        // it is to end with the request that has it
}

func newNamedSessions(e *Engine, max int) *namedSessions {
	return &namedSessions{e: e, max: max, byName: map[sessionName]*namedSession{}}
}

// take gives the session of a request, new or kept, with the request's settings
// applied, and the function that puts it back.
func (n *namedSessions) take(ctx context.Context, req *request) (*Session, func(), error) {
	name := sessionName{user: req.user, id: req.session.id}
	kept, err := n.claim(name, req.session.check)
	if err != nil {
		return nil, nil, err
	}
	if kept.s == nil {
		if kept.s, err = n.e.SessionAs(ctx, req.access.Role, req.database, req.access.Settings); err != nil {
			n.end(name, kept)
			return nil, nil, err
		}
		kept.s.Discard() // what its owner leaves in it is for nobody else
	} else if req.database != "" {
		if _, err := kept.s.Query(ctx, Query{SQL: "USE " + quote.Always(req.database)}); err != nil {
			n.put(name, kept, req.session)
			return nil, nil, err
		}
	}
	restore, err := apply(ctx, kept.s, lowered(n.e.ceilings(req.access.Role), req.requestSettings()))
	if err != nil {
		n.put(name, kept, req.session)
		return nil, nil, err
	}
	return kept.s, func() {
		restore()
		n.put(name, kept, req.session)
	}, nil
}

// claim marks a session as busy, making its place when there is none.
func (n *namedSessions) claim(name sessionName, mustExist bool) (*namedSession, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kept := n.byName[name]
	switch {
	case n.closed:
		return nil, ErrClosed
	case kept == nil && mustExist:
		return nil, &Error{Code: CodeSessionNotFound, Name: "SESSION_NOT_FOUND", Text: fmt.Sprintf("Session %s not found", name.id)}
	case kept == nil && len(n.byName) >= n.max:
		return nil, &Error{Code: CodeSessionIsLocked, Name: "SESSION_IS_LOCKED", Text: fmt.Sprintf("There are %d named sessions already; end some, or wait until they time out", n.max)}
	case kept == nil:
		kept = &namedSession{}
		n.byName[name] = kept
	case kept.busy:
		return nil, &Error{Code: CodeSessionIsLocked, Name: "SESSION_IS_LOCKED", Text: fmt.Sprintf("Session %s is locked by a concurrent client", name.id)}
	}
	if kept.timer != nil {
		kept.timer.Stop()
	}
	kept.busy = true
	kept.uses++
	return kept, nil
}

// put lets go of a session until its next use, or ends it.
func (n *namedSessions) put(name sessionName, kept *namedSession, p sessionParams) {
	timeout := p.timeout
	if timeout == 0 {
		timeout = sessionTimeout
	}
	n.mu.Lock()
	if p.close || n.closed || kept.ends {
		n.mu.Unlock()
		n.end(name, kept)
		return
	}
	defer n.mu.Unlock()
	kept.busy = false
	uses := kept.uses
	kept.timer = time.AfterFunc(min(timeout, maxSessionTimeout), func() {
		n.mu.Lock()
		stale := kept.busy || kept.uses != uses
		if !stale {
			kept.busy = true // nobody takes it any more
		}
		n.mu.Unlock()
		if !stale {
			n.end(name, kept)
		}
	})
}

// end closes a session that is marked as busy.
func (n *namedSessions) end(name sessionName, kept *namedSession) {
	n.mu.Lock()
	if n.byName[name] == kept {
		delete(n.byName, name)
	}
	n.mu.Unlock()
	if kept.s != nil {
		_ = kept.s.Close()
	}
}

// close ends all sessions that are not in use; the others end with their request.
func (n *namedSessions) close() {
	n.mu.Lock()
	n.closed = true
	idle := map[sessionName]*namedSession{}
	for name, kept := range n.byName {
		if !kept.busy {
			kept.busy = true
			kept.timer.Stop()
			idle[name] = kept
		}
	}
	n.mu.Unlock()
	for name, kept := range idle {
		n.end(name, kept)
	}
}

// endUser ends the sessions of a user; one that is in use ends with its request.
func (n *namedSessions) endUser(user string) {
	n.mu.Lock()
	idle := map[sessionName]*namedSession{}
	for name, kept := range n.byName {
		switch {
		case name.user != user:
		case kept.busy:
			kept.ends = true
		default:
			kept.busy = true
			kept.timer.Stop()
			idle[name] = kept
		}
	}
	n.mu.Unlock()
	for name, kept := range idle {
		n.end(name, kept)
	}
}

// apply sets a request's settings in a session that goes on to live, and gives
// the function that brings back what was there before.
func apply(ctx context.Context, s *Session, settings map[string]string) (func(), error) {
	nothing := func() {}
	if len(settings) == 0 {
		return nothing, nil
	}
	before := map[string]string{}
	for name := range settings {
		r, err := s.Query(ctx, Query{SQL: "SELECT value FROM system.settings WHERE name = {name:String}", Format: "RawBLOB", Params: map[string]string{"name": escapeText(name)}})
		if err != nil {
			return nil, err
		}
		before[name] = string(r.Data)
	}
	set := func(ctx context.Context, values map[string]string) error {
		_, err := s.Query(ctx, Query{SQL: "SET " + newProfile("", values).settings})
		return err
	}
	if err := set(ctx, settings); err != nil {
		return nil, err
	}
	return func() {
		restore := maps.Clone(before)
		if err := set(context.WithoutCancel(ctx), restore); err != nil && !errors.Is(err, ErrClosed) {
			s.e.log.Warn("a session keeps the settings of one request", "error", err)
		}
	}, nil
}
