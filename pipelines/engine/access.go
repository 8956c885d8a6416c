package engine

import (
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"winback/pipelines/quote"
)

// The library knows one user, whose sessions may do everything, and takes no
// statements about users. But it reads roles from a file, as a server does, and a
// session that has taken a role is held to it by the engine itself, whatever way
// a statement finds to a table. What the engine leaves open, taking another role
// above all, is refused by guard.

// Role limits what a session may do: it reads, and makes temporary tables. A
// session may have several roles; it may then do what one of them allows, within
// the ceilings of all.
type Role struct {
	// Databases are those whose tables and views may be read. A view is read with
	// the rights of whoever made it.
	Databases []string
	// Inserts says that rows may be added to tables of these databases.
	Inserts bool
	// Ceilings are the highest values that settings of the session may have, by
	// ClickHouse's names of settings where 0 means no bound: with a ceiling they
	// can't be 0. The engine refuses what is above (SETTING_CONSTRAINT_VIOLATION).
	Ceilings map[string]uint64
}

// inserts tells whether a session of these roles may add rows.
func (e *Engine) inserts(role string) bool {
	return slices.ContainsFunc(roleNames(role), func(name string) bool { return e.roles[name].Inserts })
}

// roleNames takes a list of roles apart.
func roleNames(role string) []string {
	if role == "" {
		return nil
	}
	return strings.Split(role, ",")
}

// heldSettings have one value in every session that has a role.
var heldSettings = map[string]string{
	// Rows as VALUES are read, not computed: an expression among them could be file().
	"input_format_values_interpret_expressions":           "0",
	"input_format_values_deduce_templates_of_expressions": "0",
	"dialect":                                "clickhouse",
	"allow_experimental_eval_table_function": "0",
}

// accessFiles are the names of the files that tell the library about roles, in
// the data directory.
const (
	accessConfig = "winback-access.xml"
	accessUsers  = "winback-users.xml"
)

// fullRole is the role that may do everything; sessions have it from the start.
const fullRole = "winback_everything"

// systemTables are the tables of system that a role may read: what clients ask
// to find their way about. They show only what the role may see. All others are
// empty for it: they tell what others do.
var systemTables = []string{
	"aggregate_function_combinators", "build_options", "clusters", "codecs", "collations", "columns", "contributors",
	"current_roles", "data_skipping_index_types", "data_skipping_indices", "data_type_families", "database_engines",
	"databases", "dictionaries", "documentation", "formats", "functions", "keywords", "licenses", "macros",
	"merge_tree_settings", "numbers", "numbers_mt", "one", "parts", "parts_columns", "privileges", "projections",
	"settings", "settings_changes", "table_engines", "table_functions", "tables", "time_zones", "view_refreshes",
	"zeros", "zeros_mt",
}

// accessArgs are the library's arguments that make it read the roles.
func (e *Engine) accessArgs() []string {
	if len(e.roles) == 0 {
		return nil
	}
	return []string{
		"--config-file=" + filepath.Join(e.path, accessConfig),
		"--users_config=" + filepath.Join(e.path, accessUsers),
	}
}

// writeAccess writes the files of the roles.
func (e *Engine) writeAccess() error {
	if len(e.roles) == 0 {
		return nil
	}
	for name := range e.roles {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || name == fullRole || name == "" || name[0] < 'a' {
			return fmt.Errorf("%q is no name for a role", name)
		}
	}
	for name, text := range map[string]string{accessConfig: "<clickhouse/>\n", accessUsers: usersXML(e.roles)} {
		if err := os.WriteFile(filepath.Join(e.path, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write down the roles: %w", err)
		}
	}
	return nil
}

// usersXML is the engine's description of its users: the only one there is, with
// all roles, and rows of system tables for those who have the full one.
func usersXML(roles map[string]Role) string {
	var b strings.Builder
	names := slices.Sorted(maps.Keys(roles))
	b.WriteString("<clickhouse>\n<profiles><default/>\n")
	for _, name := range names {
		b.WriteString(profileXML(name, roles[name]))
	}
	b.WriteString("</profiles>\n<quotas><default/></quotas>\n<roles>\n")
	grants := func(name string, list ...string) {
		fmt.Fprintf(&b, "<%s><grants>", name)
		for _, grant := range list {
			fmt.Fprintf(&b, "<query>GRANT %s</query>", escapeXML(grant))
		}
		fmt.Fprintf(&b, "</grants></%s>\n", name)
	}
	grants(fullRole, "ALL ON *.*")
	for _, name := range names {
		list := []string{"CREATE TEMPORARY TABLE ON *.*"}
		rights := "SELECT, dictGet"
		if roles[name].Inserts {
			rights += ", INSERT"
		}
		for _, database := range roles[name].Databases {
			list = append(list, rights+" ON "+quote.Always(database)+".*")
		}
		grants(name, list...)
	}
	b.WriteString("</roles>\n<users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>\n")
	fmt.Fprintf(&b, "<grants><query>GRANT %s, %s</query></grants>\n<databases><system>\n", fullRole, strings.Join(names, ", "))
	fmt.Fprintf(&b, "<table name=\"\"><filter>has(currentRoles(), '%s')</filter></table>\n", fullRole)
	for _, table := range systemTables {
		fmt.Fprintf(&b, "<%s><filter>1</filter></%[1]s>\n", table)
	}
	b.WriteString("</system></databases></default></users>\n</clickhouse>\n")
	return b.String()
}

// profileXML is the settings profile of a role's name, which holds the settings of
// a session to the role's ceilings.
func profileXML(name string, role Role) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%s><constraints>", name)
	for _, setting := range slices.Sorted(maps.Keys(heldSettings)) {
		fmt.Fprintf(&b, "<%s><const/></%[1]s>", setting)
	}
	for _, setting := range slices.Sorted(maps.Keys(role.Ceilings)) {
		fmt.Fprintf(&b, "<%s><min>1</min><max>%d</max></%[1]s>", setting, role.Ceilings[setting])
	}
	fmt.Fprintf(&b, "</constraints></%s>\n", name)
	return b.String()
}

// ceilings are the lowest ceilings of some roles.
func (e *Engine) ceilings(role string) map[string]uint64 {
	lowest := map[string]uint64{}
	for _, name := range roleNames(role) {
		for setting, most := range e.roles[name].Ceilings {
			if before, ok := lowest[setting]; !ok || most < before {
				lowest[setting] = most
			}
		}
	}
	return lowest
}

// within gives settings with those that have a ceiling brought down to it: a
// client that asks for more time than it may have gets what there is.
func (e *Engine) within(role string, settings map[string]string) map[string]string {
	ceilings := e.ceilings(role)
	if len(ceilings) == 0 {
		return settings
	}
	all := lowered(ceilings, settings)
	for setting, most := range ceilings {
		if _, given := all[setting]; !given {
			all[setting] = strconv.FormatUint(most, 10)
		}
	}
	return all
}

// lowered gives settings with those that are above their ceiling, or without a
// bound, brought down to it. What is no number is the engine's to refuse.
func lowered(ceilings map[string]uint64, settings map[string]string) map[string]string {
	list := map[string]string{}
	for setting, value := range settings {
		most, limited := ceilings[setting]
		if asked, err := strconv.ParseFloat(value, 64); limited && err == nil && (asked < 1 || asked > float64(most)) {
			value = strconv.FormatUint(most, 10)
		}
		list[setting] = value
	}
	return list
}

func escapeXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
