// Command winback runs a data warehouse about lost customers: why they left,
// what it costs, and whom to win back.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once; everything on disk stays consistent
	}()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
