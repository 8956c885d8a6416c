package pipelines

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/gofrs/flock"

	"winback/pipelines/alarm"
	"winback/pipelines/certificate"
	"winback/pipelines/config"
	"winback/pipelines/engine"
	"winback/pipelines/status"
	"winback/pipelines/users"
	"winback/pipelines/warehouse"
)

// statusPage is the status page of a project that is served; nil where there is none.
type statusPage struct {
	server  *status.Server
	url     string
	stop    func() error
	watcher atomic.Pointer[alarm.Watcher]
	front   atomic.Pointer[warehouse.Front]
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
	page := &statusPage{}
	options.Parts = map[string]func() error{"alarms": page.watching, "warehouse": page.answering}
	options.Incidents = page.incidents
	server, err := status.New(options)
	if err != nil {
		return nil, err
	}
	page.server = server
	var secret *tls.Config
	page.url = "http://"
	if c := &p.Config.Serve.TLS; c.On() && public {
		pair, err := certificate.Load(string(c.CertFile), string(c.KeyFile), p.log)
		if err != nil {
			return nil, &ServeError{err.Error()}
		}
		secret, page.url = pair.Config(), "https://"
	}
	at, stop, err := server.Listen(address, secret)
	if err != nil {
		return nil, err
	}
	page.url, page.stop = page.url+at, stop
	return page, nil
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

// watching is nil as long as somebody looks for what is wrong, or nobody has to yet.
func (s *statusPage) watching() error {
	if w := s.watcher.Load(); w != nil {
		return w.Alive()
	}
	return nil
}

// answering is nil as long as the warehouse's clients are answered, or nobody is yet.
func (s *statusPage) answering() error {
	if f := s.front.Load(); f != nil {
		return f.Alive()
	}
	return nil
}

// incidents are what is wrong, as the alarms have it.
func (s *statusPage) incidents(ctx context.Context) ([]status.Incident, error) {
	list := []status.Incident{}
	conn, err := s.server.Warehouse()
	if err != nil {
		return list, nil // which is told elsewhere
	}
	all, err := alarm.Incidents(ctx, conn, false)
	for _, n := range all {
		if !n.Open() {
			continue
		}
		shown := status.Incident{Kind: n.Kind, Subject: n.Subject, Text: n.Text, Since: n.OpenedAt, Urgent: n.Urgent, Delivery: n.Problem}
		if n.ToldAt != nil {
			shown.Told = *n.ToldAt
		}
		list = append(list, shown)
	}
	if w := s.watcher.Load(); w != nil && err == nil {
		err = w.Problem()
	}
	return list, err
}

// watch looks for what is wrong, and tells of it, until what it returns is called. Runs
// of the project do not look meanwhile.
func (p *Project) watch(ctx context.Context, conn func() (driver.Conn, error), page *statusPage) (stop func(), err error) {
	w, err := p.watcher(conn, 0)
	if err != nil {
		return nil, err
	}
	if page != nil {
		page.watcher.Store(w)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lock := flock.New(filepath.Join(p.Home, alarmsLock))
		// A run that ends at this moment may be looking.
		if locked, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil || !locked {
			if ctx.Err() == nil {
				p.log.Error("nobody looks for what is wrong: the alarms can't be locked", "file", lock.Path(), "error", err)
			}
			return
		}
		w.Run(ctx)
		if err := lock.Unlock(); err != nil {
			p.log.Warn("the alarms could not be given back", "error", err)
		}
	}()
	return func() {
		if page != nil {
			page.watcher.Store(nil)
		}
		cancel()
		<-ended
	}, nil
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

// where is the page's URL, if there is one.
func (s *statusPage) where() string {
	if s == nil {
		return ""
	}
	return s.url
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

// serveBeside does the jobs of a project whose warehouse is a ClickHouse server, and
// tells how they do.
func (p *Project) serveBeside(ctx context.Context, o ServeOptions, address string, directory *users.Directory) (err error) {
	page, err := p.openStatus(o, address, directory)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, page.close()) }()
	stop, err := p.attachServer(ctx, page)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := o.Ready(Serving{Status: page.where()}); err != nil {
		return err
	}
	return o.Scheduler.Run(ctx)
}

// attachServer connects status page and alarms with a ClickHouse server, and goes on
// trying where that does not answer. What it returns ends that.
func (p *Project) attachServer(ctx context.Context, s *statusPage) (stop func() error, err error) {
	const pause = 10 * time.Second
	var attached atomic.Pointer[warehouse.Warehouse]
	var why atomic.Value // of type string: why it is not attached
	why.Store("it was not asked yet")
	unwatch, err := p.watch(ctx, func() (driver.Conn, error) {
		if w := attached.Load(); w != nil {
			return w, nil
		}
		return nil, fmt.Errorf("the ClickHouse server does not answer: %s", why.Load())
	}, s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		for {
			w, err := p.OpenWarehouse(ctx, warehouse.ForQuery)
			if err == nil {
				attached.Store(w)
				detach := s.attach(w)
				<-ctx.Done()
				detach()
				ended <- w.Close()
				return
			}
			if text := err.Error(); why.Swap(text) != text && ctx.Err() == nil {
				p.log.Warn("the ClickHouse server is tried again and again", "error", err)
			}
			select {
			case <-ctx.Done():
				ended <- nil
				return
			case <-time.After(pause):
			}
		}
	}()
	return func() error { unwatch(); cancel(); return <-ended }, nil
}
