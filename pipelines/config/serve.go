package config

import (
	"net"
	"net/netip"
	"regexp"
	"strings"

	"winback/connectors/spec"
)

// Serve says where winback serve answers, and whom.
type Serve struct {
	Listen string `yaml:"listen" default:"127.0.0.1:8123" doc:"address and port of the warehouse's HTTP interface" example:"0.0.0.0:8123"`
	Users  []User `yaml:"users" doc:"who may log in; without any, everybody on this machine may read as default, without a password"`
}

// User is an account of winback serve.
type User struct {
	Name      string      `yaml:"name" required:"true" doc:"name to log in with" example:"ann"`
	Role      string      `yaml:"role" enum:"analyst|admin" default:"analyst" doc:"an analyst reads, an admin may do everything"`
	Password  spec.Secret `yaml:"password" doc:"password to log in with; an analyst may have none as long as only this machine is listened to" example:"${ANN_PASSWORD}"`
	Databases []string    `yaml:"databases" default:"[mart]" doc:"databases an analyst may read" example:"[mart, staging]"`
}

// Admin tells that the user may do everything.
func (u *User) Admin() bool { return u.Role == "admin" }

// Loopback tells that only programs on this machine reach the address.
func (s *Serve) Loopback() bool {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

var (
	userName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.@-]{0,62}$`)
	databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
)

// Validate checks the address and each user.
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
}

// CheckListen says what is wrong with the address; empty when nothing is.
func (s *Serve) CheckListen() string {
	if _, port, err := net.SplitHostPort(s.Listen); err != nil || port == "" {
		return "wants an address and a port, such as 127.0.0.1:8123"
	}
	if len(s.Users) == 0 && !s.Loopback() {
		return "is open to other machines, so it wants users with passwords: serve.users"
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
	switch {
	case !name.IsSet(): // said already
	case !userName.MatchString(u.Name):
		errs.Addf(name, "wants a name of Latin letters, digits, and _ . @ -, beginning with a letter")
	case seen[u.Name]:
		errs.Addf(name, "is the name of two users")
	}
	seen[u.Name] = true
	if u.Admin() {
		if u.Password == "" {
			errs.Addf(firstSet(n, "password", "role"), "an admin wants a password, as ${NAME} or {file: path}")
		}
		if n.Get("databases").IsSet() {
			errs.Addf(n.Get("databases"), "is of no use for an admin, who may do everything")
		}
		return
	}
	for i, item := range n.Get("databases").Items() {
		if i < len(u.Databases) && !databaseName.MatchString(u.Databases[i]) {
			errs.Addf(item, "wants the name of a database, such as mart, staging, raw or ops")
		} else if i < len(u.Databases) && strings.EqualFold(u.Databases[i], "system") {
			errs.Addf(item, "is not for analysts; they see what it says of their own databases")
		}
	}
	if len(u.Databases) == 0 {
		errs.Addf(n.Get("databases"), "wants at least one database")
	}
}
