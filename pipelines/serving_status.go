package pipelines

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/config"
	"winback/pipelines/engine"
	"winback/pipelines/status"
	"winback/pipelines/users"
	"winback/pipelines/warehouse"
)

// statusPage is the status page of a project that is served; nil where there is none.
type statusPage struct {
	server  *status.Server
	address string
	stop    func() error
}

// openStatus opens the status page: before the warehouse, so that it tells how far
// that is.
func (p *Project) openStatus(o ServeOptions, address string, directory *users.Directory) (*statusPage, error) {
	c := &p.Config.Status
	if c.Off() {
		return nil, nil
	}
	address = c.Address(address)
	public := !config.OnlyThisMachine(address)
	if public && (directory.Anybody() || len(directory.Users()) == 0) {
		return nil, &ServeError{"the status page at " + address + howToAddUsers}
	}
	options := status.Options{
		Project: p.Config.Project, Version: o.Version, Home: p.Home, Zone: p.Config.Location, Embedded: p.Config.Warehouse.Embedded(),
		LoginForMetrics: c.Metrics == "login", Logger: p.log, Now: p.now,
	}
	if o.Scheduler != nil {
		options.Jobs = o.Scheduler
	}
	options.Login, options.RoleOf = loginBy(directory), roleBy(directory)
	options.Open = func() bool {
		directory.Refresh()
		return directory.Anybody() && !public
	}
	server, err := status.New(options)
	if err != nil {
		return nil, err
	}
	at, stop, err := server.Listen(address)
	if err != nil {
		return nil, err
	}
	return &statusPage{server: server, address: at, stop: stop}, nil
}

// loginBy checks who looks at the status page.
func loginBy(directory *users.Directory) status.Login {
	return func(ctx context.Context, name, password, remote string) (status.Viewer, error) {
		u, err := directory.Login(ctx, name, password, remote)
		if err == nil && u.Role != users.Admin && u.Role != users.Analyst {
			err = users.ErrLogin // programs log in to the warehouse alone
		}
		return status.Viewer{Name: u.Name, Admin: u.Admin()}, err
	}
}

// roleBy names the role of a user.
func roleBy(directory *users.Directory) func(string) string {
	return func(name string) string {
		for _, u := range directory.Users() {
			if u.Name == name {
				return string(u.Role)
			}
		}
		return ""
	}
}

// attach has the page ask the warehouse, until what it returns is called.
func (s *statusPage) attach(conn driver.Conn) (detach func()) {
	if s == nil {
		return func() {}
	}
	s.server.Attach(conn)
	return s.server.Detach
}

func (s *statusPage) close() error {
	if s == nil {
		return nil
	}
	return s.stop()
}

// where is the page's address, if there is one.
func (s *statusPage) where() string {
	if s == nil {
		return ""
	}
	return s.address
}

// observers are told of the statements of the warehouse's clients.
func (s *statusPage) observers() []engine.Observer {
	if s == nil {
		return nil
	}
	return []engine.Observer{statementCounter{s.server.Metrics()}}
}

// statementCounter counts statements for Prometheus.
type statementCounter struct{ metrics *status.Metrics }

func (c statementCounter) StatementEnded(s engine.Statement) {
	c.metrics.QueryEnded(s.User, string(s.State), s.Took)
}

// attachServer connects the status page with a ClickHouse server, and goes on trying
// where that does not answer. What it returns ends that.
func (p *Project) attachServer(ctx context.Context, s *statusPage) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		const pause = 10 * time.Second
		for {
			w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
			if err == nil {
				detach := s.attach(w)
				<-ctx.Done()
				detach()
				ended <- w.Close()
				return
			}
			select {
			case <-ctx.Done():
				ended <- nil
				return
			case <-time.After(pause):
			}
		}
	}()
	return func() error { cancel(); return <-ended }
}
