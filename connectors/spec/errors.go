package spec

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file. Line and Column count from 1, columns in characters; a zero Line means the whole file.
type Pos struct {
	File   string
	Line   int
	Column int
}

// String is file:line:column, shortened when parts are unknown.
func (p Pos) String() string {
	if p.Line == 0 || p.File == "" {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

func comparePos(a, b Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// Error is one thing that is wrong, at one place.
type Error struct {
	Pos Pos
	// Scope says which part of the file it is about, such as `source "shop": orders`; it may be empty.
	Scope   string
	Message string
	cause   error
}

// Error is one line: place, scope, message.
func (e *Error) Error() string {
	var parts []string
	for _, part := range []string{e.Pos.String(), e.Scope, e.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the error a %w in the message wrapped, if any.
func (e *Error) Unwrap() error { return e.cause }

// Errors collects what is wrong, so that one run shows it all. The zero value is ready for use.
type Errors struct {
	found   []*Error
	unknown int // of those, keys that nobody knows: they do not make what is known wrong
}

// Add takes an error up; nil is ignored. A List is taken up item by item, a plain error stands without a place.
func (e *Errors) Add(err error) {
	if err == nil {
		return
	}
	if list, ok := errors.AsType[List](err); ok {
		e.found = append(e.found, list...)
		return
	}
	if one, ok := errors.AsType[*Error](err); ok {
		e.found = append(e.found, one)
		return
	}
	e.found = append(e.found, &Error{Message: err.Error(), cause: err})
}

// Addf adds an error at the place of n; it is Add(n.Errorf(…)).
func (e *Errors) Addf(n Node, format string, args ...any) {
	e.Add(n.Errorf(format, args...))
}

// Len is the number of errors so far; comparing it before and after tells whether a step found any.
func (e *Errors) Len() int { return len(e.found) }

// blocking is the number of errors so far that leave a value unset or half set.
func (e *Errors) blocking() int { return len(e.found) - e.unknown }

// Err is nil when nothing was wrong, else a List ordered by place, each line once.
func (e *Errors) Err() error {
	if len(e.found) == 0 {
		return nil
	}
	list := slices.Clone(e.found)
	slices.SortStableFunc(list, func(a, b *Error) int { return comparePos(a.Pos, b.Pos) })
	list = slices.CompactFunc(list, func(a, b *Error) bool { return a.Error() == b.Error() })
	return List(list)
}

// List is every error of a configuration, in the order of the file.
type List []*Error

// Error prints one line per error.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, err := range l {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.Is and errors.As look at each of them.
func (l List) Unwrap() []error {
	all := make([]error, len(l))
	for i, err := range l {
		all[i] = err
	}
	return all
}

// Wants is an error of UnmarshalText that names what was expected, with its article: Wants("a percentage such as
// 5%"). The decoder adds what it got instead, unless that is a secret.
type Wants string

// Error is "wants …".
func (w Wants) Error() string { return "wants " + string(w) }
