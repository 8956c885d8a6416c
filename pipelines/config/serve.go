package config

import (
	"net"
	"net/netip"
	"time"

	"winback/connectors/spec"
	"winback/pipelines/users"
)

// Serve says where winback serve answers, and whom.
type Serve struct {
	Listen    string     `yaml:"listen" default:"127.0.0.1:8123" doc:"address and port of the warehouse's HTTP interface; another than this machine's own wants users" example:"0.0.0.0:8123"`
	UsersFile spec.Path  `yaml:"users_file" doc:"file of the users that winback users adds; default: users.json in the project's home" example:"/etc/winback/users.json"`
	Users     []User     `yaml:"users" doc:"users besides those of the file, with passwords from the environment or from files; without any user everybody on this machine may read as default, without a password"`
	TLS       TLS        `yaml:"tls" doc:"certificate of the address; without one passwords and data travel as they are"`
	Limits    RoleLimits `yaml:"limits" doc:"what the statements of one user may take, by role"`
	QueryLog  QueryLog   `yaml:"query_log" doc:"what is kept of statements, in ops.queries"`
}

// User is an account of winback serve.
type User struct {
	Name      string      `yaml:"name" required:"true" doc:"name to log in with" example:"ann"`
	Role      string      `yaml:"role" enum:"analyst|admin|grafana|loader" default:"analyst" doc:"an analyst reads, an admin may do everything, grafana reads for dashboards, a loader adds rows (winback users roles)"`
	Password  spec.Secret `yaml:"password" doc:"password to log in with; a reader may have none as long as only this machine is listened to" example:"${ANN_PASSWORD}"`
	Databases []string    `yaml:"databases" doc:"databases the user works in; default: mart, for a loader raw" example:"[mart, staging]"`
}

// TLS is the certificate of an address.
type TLS struct {
	CertFile spec.Path `yaml:"cert_file" doc:"certificate with those of its authorities, as a PEM file; it is read again when it was renewed" example:"/etc/winback/tls.crt"`
	KeyFile  spec.Path `yaml:"key_file" doc:"private key of the certificate, as a PEM file" example:"/etc/winback/tls.key"`
}

// On tells that there is a certificate.
func (t *TLS) On() bool { return t.CertFile != "" }

// RoleLimits are the limits by role.
type RoleLimits struct {
	Admin   AdminLimit   `yaml:"admin" doc:"of admins"`
	Analyst AnalystLimit `yaml:"analyst" doc:"of analysts"`
	Grafana GrafanaLimit `yaml:"grafana" doc:"of Grafana"`
	Loader  LoaderLimit  `yaml:"loader" doc:"of loaders"`
}

// Limit is what the statements of one user may take. A statement may be given
// less by its settings, and not more. 0 is no limit.
type Limit struct {
	Time       time.Duration // of one statement
	Memory     spec.Bytes    // of one statement
	ResultRows int           // of one statement
	ReadRows   int           // of one statement
	Statements int           // at once
}

// AdminLimit is the Limit of an admin.
type AdminLimit struct {
	Time       time.Duration `yaml:"time" default:"0s" doc:"how long a statement may take; 0s for no limit"`
	Memory     spec.Bytes    `yaml:"memory" default:"0B" doc:"memory of a statement; 0B for no limit but engine.memory"`
	ResultRows int           `yaml:"result_rows" default:"0" doc:"rows of a result; 0 for no limit"`
	ReadRows   int           `yaml:"read_rows" default:"0" doc:"rows a statement may read; 0 for no limit" advanced:"true"`
	Statements int           `yaml:"statements" default:"0" doc:"statements at once; 0 for no limit"`
}

// AnalystLimit is the Limit of an analyst.
type AnalystLimit struct {
	Time       time.Duration `yaml:"time" default:"5m" doc:"how long a statement may take; 0s for no limit"`
	Memory     spec.Bytes    `yaml:"memory" default:"2GiB" doc:"memory of a statement; 0B for no limit but engine.memory"`
	ResultRows int           `yaml:"result_rows" default:"10000000" doc:"rows of a result; 0 for no limit"`
	ReadRows   int           `yaml:"read_rows" default:"0" doc:"rows a statement may read; 0 for no limit" advanced:"true"`
	Statements int           `yaml:"statements" default:"10" doc:"statements at once: further ones wait ten seconds for a place; 0 for no limit"`
}

// GrafanaLimit is the Limit of Grafana.
type GrafanaLimit struct {
	Time       time.Duration `yaml:"time" default:"1m" doc:"how long a statement may take; 0s for no limit"`
	Memory     spec.Bytes    `yaml:"memory" default:"1GiB" doc:"memory of a statement; 0B for no limit but engine.memory"`
	ResultRows int           `yaml:"result_rows" default:"1000000" doc:"rows of a result; 0 for no limit"`
	ReadRows   int           `yaml:"read_rows" default:"0" doc:"rows a statement may read; 0 for no limit" advanced:"true"`
	Statements int           `yaml:"statements" default:"32" doc:"statements at once: further ones wait ten seconds for a place; 0 for no limit"`
}

// LoaderLimit is the Limit of a loader.
type LoaderLimit struct {
	Time       time.Duration `yaml:"time" default:"1h" doc:"how long a statement may take; 0s for no limit"`
	Memory     spec.Bytes    `yaml:"memory" default:"2GiB" doc:"memory of a statement; 0B for no limit but engine.memory"`
	ResultRows int           `yaml:"result_rows" default:"1000000" doc:"rows of a result; 0 for no limit"`
	ReadRows   int           `yaml:"read_rows" default:"0" doc:"rows a statement may read; 0 for no limit" advanced:"true"`
	Statements int           `yaml:"statements" default:"4" doc:"statements at once: further ones wait ten seconds for a place; 0 for no limit"`
}

// QueryLog says what is kept of statements.
type QueryLog struct {
	Days int `yaml:"days" default:"30" doc:"days that ops.queries goes back; 0 keeps none of it"`
}

// Of gives the limit of a role.
func (l *RoleLimits) Of(role users.Role) Limit {
	switch role {
	case users.Admin:
		return Limit(l.Admin)
	case users.Grafana:
		return Limit(l.Grafana)
	case users.Loader:
		return Limit(l.Loader)
	}
	return Limit(l.Analyst)
}

// Admin tells that the user may do everything.
func (u *User) Admin() bool { return u.Account().Admin() }

// Account is the user as winback serve knows them.
func (u *User) Account() users.Account {
	a := users.Account{User: users.User{Name: u.Name, Role: users.Role(u.Role), Databases: u.Databases}, Secret: u.Password.Reveal()}
	if len(a.Databases) == 0 {
		a.Databases = a.Role.Databases()
	}
	return a
}

// Loopback tells that only programs on this machine reach the address.
func (s *Serve) Loopback() bool {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Validate checks the address, the certificate and each user.
func (s *Serve) Validate(n spec.Node, errs *spec.Errors) {
	if problem := s.CheckListen(); problem != "" {
		at := n.Get("listen")
		if !at.IsSet() {
			at = n
		}
		errs.Addf(at, "%s", problem)
	}
	seen := map[string]bool{}
	for i, item := range n.Get("users").Items() {
		if i < len(s.Users) {
			s.checkUser(&s.Users[i], item, seen, errs)
		}
	}
	if (s.TLS.CertFile == "") != (s.TLS.KeyFile == "") {
		errs.Addf(n.Get("tls"), "wants both cert_file and key_file")
	}
	for _, role := range users.Roles() {
		s.Limits.Of(role).check(n.Get("limits").Get(string(role)), errs)
	}
	if s.QueryLog.Days < 0 || s.QueryLog.Days > 3660 {
		errs.Addf(n.Get("query_log").Get("days"), "wants 0 to 3660 days, got %d", s.QueryLog.Days)
	}
}

// fewestRows are what a limit of rows has to leave: the list of settings has some
// 1,800, which clients such as clickhouse-connect read first.
const fewestRows = 10_000

// check refuses limits that nothing fits into.
func (l Limit) check(n spec.Node, errs *spec.Errors) {
	if l.Time != 0 && l.Time < time.Second {
		errs.Addf(n.Get("time"), "wants at least 1s, or 0s for no limit, got %v", l.Time)
	}
	if l.Memory != 0 && l.Memory < 32<<20 {
		errs.Addf(n.Get("memory"), "wants at least 32MiB, or 0B for no limit, got %v", l.Memory)
	}
	for _, rows := range []struct {
		key   string
		value int
	}{{"result_rows", l.ResultRows}, {"read_rows", l.ReadRows}} {
		if rows.value != 0 && rows.value < fewestRows {
			errs.Addf(n.Get(rows.key), "wants at least %d rows, as many as clients read when they connect, or 0 for no limit, got %d", fewestRows, rows.value)
		}
	}
	if l.Statements < 0 {
		errs.Addf(n.Get("statements"), "wants a number from 1, or 0 for no limit, got %d", l.Statements)
	}
}

// CheckListen says what is wrong with the address; empty when nothing is.
func (s *Serve) CheckListen() string {
	if _, port, err := net.SplitHostPort(s.Listen); err != nil || port == "" {
		return "wants an address and a port, such as 127.0.0.1:8123"
	}
	for _, u := range s.Users {
		if u.Password == "" && !s.Loopback() {
			return "is open to other machines, so every user wants a password: " + u.Name + " has none"
		}
	}
	return ""
}

func (s *Serve) checkUser(u *User, n spec.Node, seen map[string]bool, errs *spec.Errors) {
	name := n.Get("name")
	switch problem := users.CheckName(u.Name); {
	case !name.IsSet(): // said already
	case problem != "":
		errs.Addf(name, "%s", problem)
	case seen[u.Name]:
		errs.Addf(name, "is the name of two users")
	}
	seen[u.Name] = true
	if u.Password == "" && (u.Admin() || u.Role == string(users.Loader)) {
		errs.Addf(firstSet(n, "password", "role"), "wants a password for who may change something, as ${NAME} or {file: path}")
	}
	if u.Admin() {
		if n.Get("databases").IsSet() {
			errs.Addf(n.Get("databases"), "is of no use for an admin, who may do everything")
		}
		return
	}
	for i, item := range n.Get("databases").Items() {
		if i < len(u.Databases) {
			if problem := users.CheckDatabase(u.Databases[i]); problem != "" {
				errs.Addf(item, "%s", problem)
			}
		}
	}
	if len(u.Databases) == 0 && n.Get("databases").IsSet() {
		errs.Addf(n.Get("databases"), "wants at least one database")
	}
}
