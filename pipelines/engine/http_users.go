package engine

import (
	"context"
	"fmt"
	"time"
)

// userStatements are the statements of one user that run or wait.
type userStatements struct {
	places chan struct{} // as many as may run at once
	users  int           // those who hold or want a place
}

// placeWait is how long a statement waits for others of its user to end. A
// dashboard asks for more panels at once than most users may.
const placeWait = 10 * time.Second

// limitError refuses for the moment what would be allowed otherwise. Its status is
// 429.
type limitError struct {
	cause *Error
	wait  time.Duration // when to come again; 0 if nobody knows
}

func (e *limitError) Error() string { return e.cause.Error() }

// Unwrap gives it as an error of the engine, as which clients are told.
func (e *limitError) Unwrap() error { return e.cause }

// TooManyLogins refuses a login that is not looked at because too many failed
// before; Authenticate of HandlerOptions may return it.
func TooManyLogins(text string, wait time.Duration) error {
	return &limitError{&Error{Code: CodeAuthentication, Name: "AUTHENTICATION_FAILED", Text: text}, wait}
}

func tooManyOf(user string, most int) error {
	text := fmt.Sprintf("Too many simultaneous queries for user %s. Maximum: %d. Try again in a moment", user, most)
	return &limitError{&Error{Code: CodeTooMany, Name: "TOO_MANY_SIMULTANEOUS_QUERIES", Text: text}, time.Second}
}

// enter takes one of the places of a user, waiting for it for a while. What it
// returns gives the place back.
func (r *running) enter(ctx context.Context, user string, most int) (func(), error) {
	if most <= 0 {
		return func() {}, nil
	}
	r.mu.Lock()
	u := r.byUser[user]
	if u == nil || cap(u.places) != most {
		u = &userStatements{places: make(chan struct{}, most)}
		r.byUser[user] = u
	}
	u.users++
	r.mu.Unlock()
	done := func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if u.users--; u.users == 0 && r.byUser[user] == u {
			delete(r.byUser, user)
		}
	}
	patience := time.NewTimer(placeWait)
	defer patience.Stop()
	select {
	case u.places <- struct{}{}:
		return func() { <-u.places; done() }, nil
	case <-patience.C:
		done()
		return nil, tooManyOf(user, most)
	case <-ctx.Done():
		done()
		return nil, context.Cause(ctx)
	}
}

// EndUser stops the statements of a user and ends their named sessions: they were
// removed, or are somebody else now.
func (h *Handler) EndUser(user string) {
	gone := &Error{Code: CodeAuthentication, Name: "AUTHENTICATION_FAILED", Text: user + ": this user was removed or changed"}
	h.running.mu.Lock()
	for _, s := range h.running.byID {
		if s.user == user {
			s.cancel(gone)
		}
	}
	h.running.mu.Unlock()
	h.sessions.endUser(user)
}

// tookTooLong is why a statement was stopped that its user's limit ended.
func tookTooLong(most time.Duration) error {
	return &Error{Code: CodeTimeoutExceeded, Name: "TIMEOUT_EXCEEDED", Text: fmt.Sprintf("Timeout exceeded: maximum: %v", most)}
}
