package pipelines

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	"winback/pipelines/certificate"
	"winback/pipelines/config"
	"winback/pipelines/engine"
	"winback/pipelines/querylog"
	"winback/pipelines/users"
	"winback/pipelines/warehouse"
)

// lookAtUsers is how often a service looks whether users were removed, or a
// certificate renewed. Logins look themselves.
const lookAtUsers = 2 * time.Second

// UsersFile is the file of the users that winback users adds.
func (p *Project) UsersFile() *users.File {
	return users.NewFile(cmp.Or(string(p.Config.Serve.UsersFile), filepath.Join(p.Home, users.FileName)))
}

// Directory knows who may log in to the project's service: the users of the file
// and those of the configuration. As long as there are none, and only this machine
// is listened to, everybody may read as default.
func (p *Project) Directory(serve *config.Serve) (*users.Directory, error) {
	file := p.UsersFile()
	o := users.DirectoryOptions{File: file, Logger: p.log}
	for i := range serve.Users {
		o.Accounts = append(o.Accounts, serve.Users[i].Account())
	}
	if serve.Loopback() {
		o.Guest = &users.User{
			Name: "default", Role: users.Analyst, Databases: []string{warehouse.Mart, warehouse.Staging, warehouse.Raw, warehouse.Ops},
		}
	}
	directory, err := users.NewDirectory(o)
	if err != nil {
		return nil, err
	}
	if warning, err := file.Readable(); err == nil && warning != "" {
		p.log.Warn(warning)
	}
	return directory, nil
}

// howToAddUsers is the way out where there are none.
const howToAddUsers = " is open to other machines, so it wants users with passwords: winback users add NAME --role analyst, or serve.users in the configuration"

// front is how other programs reach the embedded warehouse.
func (p *Project) front(serve *config.Serve, directory *users.Directory, observers []engine.Observer) (_ *warehouse.Front, err error) {
	if !serve.Loopback() && len(directory.Users()) == 0 {
		return nil, &ServeError{serve.Listen + howToAddUsers}
	}
	front := &warehouse.Front{Listen: serve.Listen, Users: directory, Limits: map[users.Role]warehouse.Limit{}, Drain: drain, Observers: observers}
	for _, role := range users.Roles() {
		limit := serve.Limits.Of(role)
		front.Limits[role] = warehouse.Limit{
			Time: limit.Time, Memory: int64(limit.Memory), ResultRows: limit.ResultRows, ReadRows: limit.ReadRows, Statements: limit.Statements,
		}
	}
	if serve.TLS.On() {
		if front.Certificate, err = certificate.Load(string(serve.TLS.CertFile), string(serve.TLS.KeyFile), p.log); err != nil {
			return nil, &ServeError{err.Error()}
		}
	}
	return front, nil
}

// queryLog is the log of clients' statements; nil where none is wanted.
type queryLog struct{ *querylog.Log }

func (p *Project) openQueryLog(serve *config.Serve) *queryLog {
	if serve.QueryLog.Days == 0 {
		return nil
	}
	return &queryLog{querylog.New(querylog.Options{Days: serve.QueryLog.Days, Now: p.now, Logger: p.log})}
}

func (l *queryLog) observers() []engine.Observer {
	if l == nil {
		return nil
	}
	return []engine.Observer{l}
}

// attach has the log written. What it returns writes the rest, after the last
// client has gone.
func (l *queryLog) attach(w *warehouse.Warehouse) (detach func()) {
	if l == nil {
		return func() {}
	}
	go l.Run(w.Conn)
	return func() {
		_ = w.CloseFront() // Close tells of it as well
		l.Close()
	}
}

// follow looks at users and certificate again and again, and at each signal.
func (p *Project) follow(ctx context.Context, front *warehouse.Front, signals <-chan os.Signal) {
	tick := time.NewTicker(lookAtUsers)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-signals:
			p.log.Info("users and certificate are read again")
			if front.Certificate != nil {
				front.Certificate.Reload()
			}
		}
		front.Users.Refresh()
	}
}
