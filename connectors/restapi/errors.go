package restapi

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"winback/connectors"
)

// Error is an answer, or the lack of one, that further tries do not change.
type Error struct {
	What   string // what was asked for, in the API's words
	Status int    // 0 if there was no answer
	Code   string // the API's own code, where there is one
	Text   string // what the API said, or what happened to the connection
	Advice string // what a person can do about it
	Tries  int
	cause  error

	refused bool
	passing bool
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ask for %s: ", e.What)
	switch {
	case e.Status != 0 && e.Code != "":
		fmt.Fprintf(&b, "%d %s", e.Status, e.Code)
	case e.Status != 0:
		fmt.Fprintf(&b, "%d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Text != "" {
		if e.Status != 0 {
			b.WriteString(": ")
		}
		b.WriteString(e.Text)
	}
	if e.Tries > 1 {
		fmt.Fprintf(&b, " (tried %d times)", e.Tries)
	}
	if e.Advice != "" {
		b.WriteString("; " + e.Advice)
	}
	return b.String()
}

// Unwrap gives the cause, if it was no answer.
func (e *Error) Unwrap() error { return e.cause }

// Is says whether the error is about the whole source: connectors.ErrRefused or
// connectors.ErrUnreachable.
func (e *Error) Is(target error) bool {
	switch target {
	case connectors.ErrRefused:
		return e.Status == http.StatusUnauthorized || e.refused
	case connectors.ErrUnreachable:
		return e.Status == 0 && !e.refused || e.Status/100 == 5
	}
	return false
}

// Passing says whether the same may go well later, as the API's judge sees it: see
// connectors.IsPassing.
func (e *Error) Passing() bool { return e.passing }

// StatusOf is the HTTP status that an error tells of, 0 if none.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// CodeOf is the API's own code that an error tells of, "" if none.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Later is what a reader of an answer returns when the answer, though a success by
// its status, asks to come again: an API that throttles within the body.
type Later struct {
	After  time.Duration // 0 leaves the wait to the client
	Reason string
}

func (l *Later) Error() string { return cmp.Or(l.Reason, "the source asks to come again later") }
