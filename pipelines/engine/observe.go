package engine

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Observer hears of each request to a Handler once it has been answered. It is
// called by the goroutine that answers, many at a time, and must not block.
type Observer interface {
	StatementEnded(s Statement)
}

// Statement is a request that was answered.
type Statement struct {
	// ID is the query's id, as the caller chose it or as it was made.
	ID string
	// User is who asked; where the login failed, who the caller said to be.
	User string
	// Remote is the caller's host:port, Client what its program calls itself.
	Remote, Client string
	Database       string
	// SQL is the text, without an insert's rows. It may hold secrets and personal
	// data: Normalize takes them out.
	SQL string
	// Kind is the first word of the statement in small letters: select, insert, …;
	// other for all but the usual ones, empty where there is none. Statements that
	// begin with WITH are select.
	Kind string
	// Started is when the request came, Took how long it took to answer it whole.
	Started time.Time
	Took    time.Duration
	State   State
	// Code is ClickHouse's code of the error; 0 if there is none.
	Code int
	// Err is what went wrong.
	Err error
	// Result counts what the engine read and gave. It has no Data.
	Result Result
}

// State is how a statement ended.
type State string

// The states.
const (
	StateDone State = "done"
	// StateFailed is for statements that the engine could not carry out.
	StateFailed State = "failed"
	// StateRefused is for those that the caller may not give, or not now: logins
	// that failed included.
	StateRefused State = "refused"
	// StateCancelled is for those that somebody stopped, or whose caller went away.
	StateCancelled State = "cancelled"
)

// refusals are the codes of what the caller may not do.
var refusals = map[int]bool{
	CodeReadonly: true, CodeTooMany: true, CodeAccessDenied: true, CodeAuthentication: true, CodeRequiredPassword: true,
	CodeSettingConstraint: true,
}

func stateOf(ctx context.Context, err error) State {
	var e *Error
	switch coded := errors.As(err, &e); {
	case err == nil:
		return StateDone
	case coded && refusals[e.Code]:
		return StateRefused
	case coded && e.Code == CodeCancelled, ctx.Err() != nil, errors.Is(err, context.Canceled), errors.Is(err, http.ErrAbortHandler):
		return StateCancelled
	}
	return StateFailed
}

// kinds are the first words of statements that are told apart.
var kinds = map[string]string{
	"SELECT": "select", "WITH": "select", "INSERT": "insert", "CREATE": "create", "ALTER": "alter", "DROP": "drop", "SHOW": "show",
	"DESCRIBE": "describe", "DESC": "describe", "EXISTS": "exists", "EXPLAIN": "explain", "SET": "set", "USE": "use", "KILL": "kill",
	"OPTIMIZE": "optimize", "TRUNCATE": "truncate", "RENAME": "rename", "EXCHANGE": "exchange", "SYSTEM": "system", "BACKUP": "backup",
	"RESTORE": "restore", "CHECK": "check", "DELETE": "delete", "UPDATE": "update", "GRANT": "grant", "REVOKE": "revoke",
}

// KindOf gives the kind of a statement, as Statement.Kind.
func KindOf(sql string) string {
	s := scanner{text: sql}
	t := s.next()
	for t.isSign(sql, '(') {
		t = s.next()
	}
	switch kind := kinds[t.word]; {
	case t.kind == tokenEnd:
		return ""
	case kind == "":
		return "other"
	default:
		return kind
	}
}

// tell tells the observers of a request that was answered.
func (h *Handler) tell(req *request, started time.Time, err error) {
	if len(h.o.Observers) == 0 {
		return
	}
	s := Statement{
		ID: req.id, User: req.user, Remote: req.http.RemoteAddr, Client: req.http.UserAgent(), Database: req.database,
		SQL: req.asked, Kind: KindOf(req.asked), Started: started, Took: time.Since(started),
		State: stateOf(req.http.Context(), err), Err: err, Result: req.out.result,
	}
	s.Result.Data = nil
	if err != nil {
		_, s.Code = errorText(err)
	}
	for _, o := range h.o.Observers {
		o.StatementEnded(s)
	}
}

// Normalize gives a statement without what is only of its own: texts and numbers
// become ?, lists of them ?.., comments and needless spaces go. So it holds no
// passwords and no personal data that were written as values, and statements that
// differ in nothing else become the same. It works on what does not parse too.
func Normalize(sql string) string {
	sql = curly.ReplaceAllString(sql, " '' ")
	var b strings.Builder
	var last string
	var joined bool // the token goes on with the sign before it, as in !=
	write := func(text string) {
		if b.Len() > 0 && !joined && last != "(" && last != "." && text != "," && text != ")" && text != "." && (text != "(" || !endsWord(last)) {
			b.WriteByte(' ')
		}
		b.WriteString(text)
		last = text
	}
	list := tokens(sql)
	for i := 0; i < len(list); i++ {
		t := list[i]
		joined = i > 0 && isOperator(sql, list[i-1]) && isOperator(sql, t) && list[i-1].end == t.start
		if !t.isValue(sql) {
			write(sql[t.start:t.end])
			continue
		}
		i = endOfNumber(sql, list, i)
		several := false
		for i+2 < len(list) && list[i+1].isSign(sql, ',') && list[i+2].isValue(sql) {
			i = endOfNumber(sql, list, i+2)
			several = true
		}
		if several {
			write("?..")
		} else {
			write("?")
		}
	}
	return b.String()
}

// curly is a text in typographic quotes, which the engine knows too.
var curly = regexp.MustCompile(`\x{2018}[^\x{2019}]*\x{2019}?`)

// plainName is a quoted name that is no text in the wrong quotes.
var plainName = regexp.MustCompile("^[\"`][A-Za-z_][A-Za-z0-9_]*[\"`]$")

func endsWord(s string) bool { return s != "" && isWord(s[len(s)-1]) }

// isOperator tells signs that operators are made of.
func isOperator(sql string, t token) bool {
	return t.kind == tokenSign && strings.IndexByte("!<>=|&+-*/%:?^~", sql[t.start]) >= 0
}

// endOfNumber passes the digits behind a point, which are a token of their own.
func endOfNumber(sql string, list []token, i int) int {
	if i+2 < len(list) && list[i].kind == tokenWord && list[i+1].isSign(sql, '.') && list[i+2].isValue(sql) {
		return i + 2
	}
	return i
}

// isValue tells texts and numbers, and texts in the quotes of names, as other
// databases have them.
func (t token) isValue(sql string) bool {
	switch c := sql[t.start]; t.kind {
	case tokenQuoted:
		return c == '\'' || c == '$' || !plainName.MatchString(sql[t.start:t.end])
	case tokenWord:
		return '0' <= c && c <= '9'
	}
	return false
}
