package engine

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	// ErrLocked says that another process holds the data directory: the engine
	// gives a directory to one process at a time.
	ErrLocked = errors.New("another process holds the warehouse")
	// ErrClosed is returned by everything that is asked of an engine, or of a
	// session, after it was closed.
	ErrClosed = errors.New("the engine is closed")
)

// Codes of the engine's errors that this package raises or reads itself. The
// complete list is in the table system.errors.
const (
	CodeBadArguments      = 36
	CodeNotImplemented    = 48
	CodeUnknownTable      = 60
	CodeSyntaxError       = 62
	CodeUnknownSetting    = 115
	CodeTimeoutExceeded   = 159
	CodeTooMany           = 202 // TOO_MANY_SIMULTANEOUS_QUERIES
	CodeSameID            = 216 // QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING
	CodeCannotDecompress  = 271
	CodeReadonly          = 164
	CodeTooLarge          = 350 // QUERY_IS_TOO_LARGE
	CodeSessionNotFound   = 372
	CodeSessionIsLocked   = 373
	CodeCancelled         = 394 // QUERY_WAS_CANCELLED
	CodeSettingConstraint = 452
	CodeRequiredPassword  = 194
	CodeAccessDenied      = 497
	CodeAuthentication    = 516
	codeStdException      = 1001
)

// Error is an error of the engine itself: it understood the call and refused or
// failed the statement.
type Error struct {
	// Code is ClickHouse's number of the error, such as 60.
	Code int
	// Name is ClickHouse's name of the error, such as UNKNOWN_TABLE; empty when
	// the engine gave none.
	Name string
	// Text says what went wrong, without code and name.
	Text string
}

// Error gives the text the way a ClickHouse server prints it, which is also what
// its clients parse.
func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("Code: %d. DB::Exception: %s", e.Code, e.Text)
	}
	return fmt.Sprintf("Code: %d. DB::Exception: %s (%s)", e.Code, e.Text, e.Name)
}

var (
	errorHead = regexp.MustCompile(`^(?:Code: (\d+)\. )?(?:[\w:]*Exception: )?`)
	errorTail = regexp.MustCompile(`(?: \(([A-Z][A-Z0-9_]+)\))?(?: \(version [^()]*(?:\([^()]*\))?\))?\.?$`)
)

// parseError reads the engine's text, such as
//
//	Code: 60. DB::Exception: Unknown table 'x'. (UNKNOWN_TABLE) (version 26.7.2.1)
//
// An error that passed through several layers repeats its head and its tail; the
// outermost code and name are the ones that count.
func parseError(text string) *Error {
	e := &Error{Code: codeStdException, Text: strings.TrimSpace(text)}
	first := true
	for {
		m := errorHead.FindStringSubmatch(e.Text)
		if m[0] == "" {
			break
		}
		if code, err := strconv.Atoi(m[1]); err == nil && first {
			e.Code, first = code, false
		}
		e.Text = e.Text[len(m[0]):]
	}
	for {
		m := errorTail.FindStringSubmatchIndex(e.Text)
		if m[2] < 0 {
			break
		}
		name := e.Text[m[2]:m[3]]
		if e.Name != "" && e.Name != name {
			break
		}
		e.Name, e.Text = name, strings.TrimSpace(e.Text[:m[0]])
	}
	return e
}
