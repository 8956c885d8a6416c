package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"winback/pipelines"
	"winback/pipelines/config"
	"winback/pipelines/model"
	"winback/pipelines/warehouse"
)

// Exit codes, as the manual gives them.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // the command line or the configuration is wrong
	exitPartly = 3 // something was done and something failed
)

// usageError is a mistake in the command line or the configuration.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// errPartly ends a command whose summary already tells what failed.
var errPartly = errors.New("partly done")

// errReported ends a command whose output already tells what failed.
var errReported = errors.New("failed")

// hinter is an error that knows a way out.
type hinter interface{ Hint() string }

// exitCode prints an error the way a user reads it, and returns the code that
// the process ends with.
func exitCode(err error, stderr io.Writer) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errPartly):
		return exitPartly
	case errors.Is(err, errReported):
		return exitFailed
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "Stopped. Nothing is half done: run the command again to go on.")
		return exitFailed
	}
	printError(err, stderr)
	if hint := hintFor(err); hint != "" {
		fmt.Fprintln(stderr, "Try:", hint)
	}
	if errors.As(err, &usage) || isSelectionError(err) {
		return exitUsage
	}
	return exitFailed
}

// hintFor returns a way out that the error does not name itself.
func hintFor(err error) string {
	var h hinter
	switch {
	case errors.As(err, &h):
		return h.Hint()
	case warehouse.IsDiskFull(err) && !errors.As(err, new(*warehouse.DiskFullError)):
		return "free some space, or choose another place with --home, and run again"
	case errors.Is(err, fs.ErrPermission):
		return "run as the owner of the files, or choose another place with --home"
	}
	return ""
}

// isSelectionError says that a selector of the command line names nothing.
func isSelectionError(err error) bool {
	return errors.As(err, new(*model.UnknownSelectorError)) || errors.As(err, new(*pipelines.SelectionError))
}

// printError prints one mistake on one line, and several each on its own, so that
// an editor finds the places.
func printError(err error, stderr io.Writer) {
	text := err.Error()
	if n := strings.Count(text, "\n") + 1; n > 1 && errors.As(err, new(*config.Error)) {
		text = fmt.Sprintf("the configuration has %d mistakes:\n%s", n, text)
	}
	fmt.Fprintln(stderr, "Error:", text)
}

// queryError makes the engine's answer to a wrong query readable: its own words
// without the client's wrapping. An answer that breaks off is told as what it
// mostly is: the winback that had the warehouse open has ended.
func queryError(err error) error {
	var lost *url.Error
	if errors.As(err, &lost) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the warehouse does not answer any more (%w); if another winback had it open, run the command again", lost.Err)
	}
	const unknownDatabase = 81
	var exception *clickhouse.Exception
	switch {
	case !errors.As(err, &exception):
		return err
	case exception.Code == unknownDatabase:
		return fmt.Errorf("%s (code %d); winback run makes raw, staging, mart and ops", strings.TrimSpace(exception.Message), exception.Code)
	}
	return fmt.Errorf("%s (code %d)", strings.TrimSpace(exception.Message), exception.Code)
}
