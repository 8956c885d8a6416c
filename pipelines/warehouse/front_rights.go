package warehouse

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"winback/pipelines/engine"
	"winback/pipelines/users"
)

// rights are the engine's roles of a front. They are told to the engine when it is
// opened and stay as they are, so there is one for reading each database, one for
// adding rows to it, and one for the limits of each role: users who come later
// are given some of them.
type rights struct {
	reads, adds map[string]string // names of roles by database
	limits      map[users.Role]string
	all         map[string]engine.Role
}

// newRights makes the roles for the databases that there are, and those of the
// users.
func newRights(list []users.User, limits map[users.Role]Limit) rights {
	databases := []string{Raw, Staging, Mart, Ops}
	for _, u := range list {
		databases = append(databases, u.Databases...)
	}
	slices.Sort(databases)
	r := rights{reads: map[string]string{}, adds: map[string]string{}, limits: map[users.Role]string{}, all: map[string]engine.Role{}}
	for i, database := range slices.Compact(databases) {
		r.reads[database], r.adds[database] = "reads_"+strconv.Itoa(i), "adds_"+strconv.Itoa(i)
		r.all[r.reads[database]] = engine.Role{Databases: []string{database}}
		r.all[r.adds[database]] = engine.Role{Databases: []string{database}, Inserts: true}
	}
	for _, role := range users.Roles() {
		if role != users.Admin {
			r.limits[role] = "limits_" + string(role)
			r.all[r.limits[role]] = engine.Role{Ceilings: limits[role].ceilings()}
		}
	}
	return r
}

// of gives the roles of a user, as the engine takes them.
func (r rights) of(u users.User) (string, error) {
	names := []string{r.limits[u.Role]}
	byDatabase := r.reads
	if u.Role == users.Loader {
		byDatabase = r.adds
	}
	for _, database := range u.Databases {
		name, known := byDatabase[database]
		if !known {
			return "", fmt.Errorf("the database %s was not given to anybody when winback serve began; start it again", database)
		}
		names = append(names, name)
	}
	return strings.Join(names, ","), nil
}

// ceilings are the settings that keep the limit.
func (l Limit) ceilings() map[string]uint64 {
	list := map[string]uint64{}
	for setting, most := range map[string]float64{
		"max_execution_time": math.Ceil(l.Time.Seconds()), "max_memory_usage": float64(l.Memory),
		"max_result_rows": float64(l.ResultRows), "max_rows_to_read": float64(l.ReadRows),
	} {
		if most > 0 {
			list[setting] = uint64(most)
		}
	}
	return list
}

// settings are the limit as what a session begins with.
func (l Limit) settings() map[string]string {
	list := map[string]string{}
	for setting, most := range l.ceilings() {
		list[setting] = strconv.FormatUint(most, 10)
	}
	return list
}

// roles are what the engine has to know when it is opened.
func (f *Front) roles() map[string]engine.Role {
	if f == nil {
		return nil
	}
	f.rights = newRights(f.Users.Users(), f.Limits)
	return f.rights.all
}
