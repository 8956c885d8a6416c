// Command winback runs a data warehouse about lost customers: why they left,
// what it costs, and whom to win back.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// version is set by the build.
var version = "dev"

// softMemory is the heap above which the collector works harder instead of
// letting it double: parts being written are large and short-lived, and the
// engine in the same process needs the room. GOMEMLIMIT overrides it.
const softMemory = 384 << 20

// garbage is how much of it there may be, in percent of what is in use. Reading takes
// large blocks without pointers, which cost the collector next to nothing: half of the
// usual saves memory and no time is lost. GOGC overrides it.
const garbage = 50

// readingGarbage is how much of it there may be while configuration and models are
// read.
const readingGarbage = 800

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once; everything on disk stays consistent
	}()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
