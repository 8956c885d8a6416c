package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"winback/pipelines/quote"
)

// running are the statements that a handler's callers have under way. They are
// known by the ids that the callers gave them; the engine has other ids.
type running struct {
	max int

	mu     sync.Mutex
	closed bool
	byID   map[string]*runningStatement
	byUser map[string]*userStatements
	idle   sync.WaitGroup // done when nothing runs
}

type runningStatement struct {
	id, user, sql string
	cancel        context.CancelCauseFunc
	ended         chan struct{}
}

func newRunning(max int) *running {
	return &running{max: max, byID: map[string]*runningStatement{}, byUser: map[string]*userStatements{}}
}

// replaceWait is how long a statement waits for one that it replaces.
const replaceWait = 5 * time.Second

// begin notes a statement. Its context ends when somebody kills it; the function
// ends the note. An id that is in use is refused, unless the request says to
// replace the statement that has it.
func (r *running) begin(ctx context.Context, req *request) (_ context.Context, _ func(), err error) {
	leave, err := r.enter(ctx, req.user, req.access.MaxStatements)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			leave()
		}
	}()
	for {
		ctx, s, err := r.add(ctx, req)
		if err == nil {
			return ctx, sync.OnceFunc(func() { r.end(s); leave() }), nil
		}
		if s == nil || s.user != req.user || req.settings["replace_running_query"] != "1" {
			return nil, nil, err
		}
		s.cancel(killed(s.id))
		patience := time.NewTimer(replaceWait)
		select {
		case <-s.ended:
			patience.Stop()
		case <-patience.C:
			return nil, nil, err
		case <-ctx.Done():
			patience.Stop()
			return nil, nil, context.Cause(ctx)
		}
	}
}

// add gives the statement that has the id already with the error that says so.
func (r *running) add(ctx context.Context, req *request) (context.Context, *runningStatement, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch other := r.byID[req.id]; {
	case r.closed:
		return ctx, nil, ErrClosed
	case other != nil:
		return ctx, other, &Error{Code: CodeSameID, Name: "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING", Text: "Query with id = " + req.id + " is already running."}
	case r.max > 0 && len(r.byID) >= r.max:
		return ctx, nil, &Error{Code: CodeTooMany, Name: "TOO_MANY_SIMULTANEOUS_QUERIES", Text: fmt.Sprintf("Too many simultaneous queries. Maximum: %d. Try again in a moment", r.max)}
	}
	s := &runningStatement{id: req.id, user: req.user, sql: req.sql, ended: make(chan struct{})}
	ctx, s.cancel = context.WithCancelCause(ctx)
	r.byID[req.id] = s
	r.idle.Add(1)
	return ctx, s, nil
}

func (r *running) end(s *runningStatement) {
	s.cancel(nil)
	r.mu.Lock()
	delete(r.byID, s.id)
	r.mu.Unlock()
	close(s.ended)
	r.idle.Done()
}

// close stops everything that runs, and waits for it.
func (r *running) close() {
	r.mu.Lock()
	r.closed = true
	for _, s := range r.byID {
		s.cancel(ErrClosed)
	}
	r.mu.Unlock()
	r.idle.Wait()
}

// find gives the statements of these ids that a user may kill: their own, or all.
func (r *running) find(ids []string, user string, all bool) []*runningStatement {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []*runningStatement
	for _, id := range ids {
		if s := r.byID[id]; s != nil && (all || s.user == user) && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func killed(id string) error {
	return &Error{Code: CodeCancelled, Name: "QUERY_WAS_CANCELLED", Text: "Query " + id + " was cancelled"}
}

// kill carries out a KILL QUERY of statements by the ids that callers gave them,
// and makes the request a query for its result. Other statements are left as they
// are, and so are ids that nobody gave: they may be the engine's own.
func (h *Handler) kill(ctx context.Context, req *request) error {
	k, ok := parseKill(req.sql)
	if !ok {
		return nil
	}
	admin := req.access.Role == "" && req.access.Settings["readonly"] == ""
	found := h.running.find(k.ids, req.user, admin)
	if len(found) == 0 && admin {
		return nil
	}
	if req.http.Method != "POST" {
		return errReadonlyMethod
	}
	var rows []string
	for _, s := range found {
		state := "waiting"
		if !k.test {
			s.cancel(killed(s.id))
		}
		if k.sync {
			select {
			case <-s.ended:
				state = "finished"
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		rows = append(rows, fmt.Sprintf("(%s, %s, %s, %s)", quote.Literal(state), quote.Literal(s.id), quote.Literal(s.user), quote.Literal(s.sql)))
	}
	const columns = "'kill_status String, query_id String, user String, query String'"
	req.sql = "SELECT * FROM values(" + columns + ", " + strings.Join(rows, ", ") + ")" + k.format
	if len(rows) == 0 {
		req.sql = "SELECT * FROM values(" + columns + ", ('', '', '', '')) WHERE 0" + k.format
	}
	return nil
}

// killStatement is a KILL QUERY that names its victims.
type killStatement struct {
	ids        []string
	sync, test bool
	format     string // the FORMAT clause, with a space before it
}

// parseKill reads
//
//	KILL QUERY [ON CLUSTER c] WHERE query_id = 'id' | query_id IN ('id', …) [SYNC | ASYNC | TEST] [FORMAT f]
func parseKill(sql string) (killStatement, bool) {
	p := killParser{sql: sql, rest: tokens(sql)}
	if !p.words("KILL", "QUERY") {
		return killStatement{}, false
	}
	if p.words("ON", "CLUSTER") && len(p.rest) > 0 {
		p.rest = p.rest[1:]
	}
	k := killStatement{}
	var ok bool
	if !p.words("WHERE", "QUERY_ID") {
		return k, false
	}
	if k.ids, ok = p.ids(); !ok {
		return k, false
	}
	k.sync, k.test = p.words("SYNC"), p.words("TEST")
	_ = p.words("ASYNC")
	if len(p.rest) > 1 && p.words("FORMAT") {
		k.format = " FORMAT " + sql[p.rest[0].start:p.rest[0].end]
		p.rest = p.rest[1:]
	}
	_ = p.sign(';')
	return k, len(p.rest) == 0
}

// killParser takes tokens from the front of a KILL.
type killParser struct {
	sql  string
	rest []token
}

// words takes these words if they all follow.
func (p *killParser) words(words ...string) bool {
	for i, word := range words {
		if i >= len(p.rest) || p.rest[i].word != word {
			return false
		}
	}
	p.rest = p.rest[len(words):]
	return true
}

func (p *killParser) sign(c byte) bool {
	ok := len(p.rest) > 0 && p.rest[0].isSign(p.sql, c)
	if ok {
		p.rest = p.rest[1:]
	}
	return ok
}

// ids takes = 'id' or IN ('id', …).
func (p *killParser) ids() ([]string, bool) {
	if p.sign('=') {
		id, ok := p.text()
		return []string{id}, ok
	}
	if !p.words("IN") || !p.sign('(') {
		return nil, false
	}
	var ids []string
	for {
		id, ok := p.text()
		if !ok {
			return nil, false
		}
		ids = append(ids, id)
		if !p.sign(',') {
			return ids, p.sign(')')
		}
	}
}

// text takes a text without escapes; one with them is the engine's to read.
func (p *killParser) text() (string, bool) {
	if len(p.rest) == 0 || p.rest[0].kind != tokenQuoted {
		return "", false
	}
	quoted := p.sql[p.rest[0].start:p.rest[0].end]
	if len(quoted) < 2 || quoted[0] != '\'' || quoted[len(quoted)-1] != '\'' { // it may not be closed
		return "", false
	}
	p.rest = p.rest[1:]
	inside := quoted[1 : len(quoted)-1]
	return inside, !strings.ContainsAny(inside, `\'`)
}
