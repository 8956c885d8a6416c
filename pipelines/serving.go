package pipelines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/schedule"
	"winback/pipelines/users"
	"winback/pipelines/warehouse"
)

// ServeOptions say how a project is served.
type ServeOptions struct {
	// Listen is an address and a port instead of the configuration's.
	Listen string
	// Ready is called once everything is served.
	Ready func(Serving) error
	// Scheduler does the project's jobs meanwhile; nil for none.
	Scheduler *schedule.Scheduler
	// Version is that of the program.
	Version string
	// Reload has users and certificate looked at when it hears something; they are
	// looked at every few seconds in any case. Nil for none.
	Reload <-chan os.Signal
}

// Serving is what is served.
type Serving struct {
	// Address is host and port of the warehouse's HTTP interface; empty where a
	// ClickHouse server serves its clients itself.
	Address string
	// Status is the URL of the status page; empty where there is none.
	Status string
	// Users may log in.
	Users []users.User
	// TLS says that the address has a certificate.
	TLS bool
	// Open says that everybody on this machine may read, without a password.
	Open bool
	// Clear says that passwords travel between machines without encryption.
	Clear bool
}

// drain is how long statements may go on when the serving is to end.
const drain = 20 * time.Second

// Serve opens the embedded warehouse and lets other programs in until the context
// ends; other commands of the project go through it meanwhile, and so do the jobs of
// the schedule. Then no new statements and jobs are begun, and those that run may end. It returns nil when it was
// the context that ended it, and a *warehouse.HeldError where the home is served already.
func (p *Project) Serve(ctx context.Context, o ServeOptions) (err error) {
	serve := p.Config.Serve
	serve.Listen = cmp.Or(o.Listen, serve.Listen)
	if problem := serve.CheckListen(); problem != "" {
		return &ServeError{fmt.Sprintf("%s %s", serve.Listen, problem)}
	}
	directory, err := p.Directory(&serve)
	if err != nil {
		return err
	}
	unlock, err := lockService(p.Home)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if !p.Config.Warehouse.Embedded() {
		if o.Scheduler == nil {
			return &ServeError{"the warehouse is a ClickHouse server, which serves its clients itself, and there is no schedule: nothing is left to do"}
		}
		return p.serveBeside(ctx, o, serve.Listen, directory)
	}
	page, noPage := p.openStatus(o, serve.Listen, directory)
	defer func() { err = errors.Join(err, page.close()) }()
	queries := p.openQueryLog(&serve)
	front, err := p.front(&serve, directory, append(page.observers(), queries.observers()...))
	if err != nil {
		return err
	}
	w, err := p.openWarehouse(ctx, warehouse.Options{Purpose: warehouse.ForServe, Front: front})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if noPage != nil {
		return noPage // told only now: that the warehouse is served already says more
	}
	defer page.attach(w)()
	if page != nil {
		page.front.Store(front)
	}
	defer queries.attach(w)()
	unwatch, err := p.watch(ctx, func() (driver.Conn, error) { return w, nil }, page)
	if err != nil {
		return err
	}
	defer unwatch()
	go p.follow(ctx, front, o.Reload)
	if err := o.Ready(Serving{
		Address: w.FrontAddress(), Status: page.where(), Users: directory.Users(), Open: directory.Anybody(),
		TLS: serve.TLS.On(), Clear: !serve.Loopback() && !serve.TLS.On(),
	}); err != nil {
		return err
	}
	if o.Scheduler != nil {
		return o.Scheduler.Run(ctx)
	}
	<-ctx.Done()
	return nil
}

// ServeError says why a project can't be served as it is configured.
type ServeError struct{ text string }

func (e *ServeError) Error() string { return e.text }
