// Package users knows who may log in to winback serve: their roles, the file
// that keeps their passwords as argon2id hashes, and the check of a login, which
// is quick for those who were here a moment ago and slow for those who guess.
package users

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Role says what a user is for. What it may do in the warehouse is the engine's
// to hold.
type Role string

// The roles.
const (
	// Admin does everything, as much as whoever runs the program.
	Admin Role = "admin"
	// Analyst reads, in the databases they were given.
	Analyst Role = "analyst"
	// Grafana reads for dashboards.
	Grafana Role = "grafana"
	// Loader adds rows to tables that are there.
	Loader Role = "loader"
)

// Roles are all roles, the mightiest first.
func Roles() []Role { return []Role{Admin, Analyst, Grafana, Loader} }

// Says what the role is for, in one line.
func (r Role) Says() string {
	switch r {
	case Admin:
		return "does everything, as much as whoever runs the program"
	case Analyst:
		return "reads mart, and other databases that are named; temporary tables of their own"
	case Grafana:
		return "reads mart for dashboards: shorter statements, more of them at once"
	case Loader:
		return "adds rows to tables of raw that are there, and reads them; makes and drops nothing"
	}
	return ""
}

// Known tells whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// Databases are those that a user of the role works in when none are named; none
// for an admin, who needs no permission.
func (r Role) Databases() []string {
	switch r {
	case Admin:
		return nil
	case Loader:
		return []string{"raw"}
	}
	return []string{"mart"}
}

// User is somebody who may log in.
type User struct {
	Name string `json:"name"`
	Role Role   `json:"role"`
	// Databases are those the user works in; the first is where names without a
	// database are looked for. None for an admin.
	Databases []string `json:"databases,omitempty"`
	// Password is the hash of the password, as PHC string.
	Password string `json:"password"`
	// ChangedAt is when the password was set.
	ChangedAt time.Time `json:"changed_at"`
}

// Admin tells that the user may do everything.
func (u User) Admin() bool { return u.Role == Admin }

var (
	userName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.@-]{0,62}$`)
	databaseName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
)

// CheckName says what is wrong with the name of a user; empty when nothing is.
func CheckName(name string) string {
	if !userName.MatchString(name) {
		return "wants a name of Latin letters, digits, and _ . @ -, beginning with a letter"
	}
	return ""
}

// CheckDatabase says why users can't be given a database of that name; empty when
// they can.
func CheckDatabase(name string) string {
	switch {
	case !databaseName.MatchString(name):
		return "wants the name of a database, such as mart, staging, raw or ops"
	case strings.EqualFold(name, "system"), strings.EqualFold(name, "information_schema"):
		return "is not to be given away; everybody sees what it says of their own databases"
	}
	return ""
}

// check refuses a user that can't be.
func (u User) check() error {
	if problem := CheckName(u.Name); problem != "" {
		return fmt.Errorf("the user %q %s", u.Name, problem)
	}
	if !u.Role.Known() {
		return fmt.Errorf("user %s: there is no role %q; there are %s", u.Name, u.Role, listRoles())
	}
	if u.Admin() && len(u.Databases) > 0 {
		return fmt.Errorf("user %s: an admin is given no databases, having all of them", u.Name)
	}
	for _, database := range u.Databases {
		if problem := CheckDatabase(database); problem != "" {
			return fmt.Errorf("user %s: the database %q %s", u.Name, database, problem)
		}
	}
	return nil
}

func listRoles() string {
	var names []string
	for _, role := range Roles() {
		names = append(names, string(role))
	}
	return strings.Join(names, ", ")
}
