package engine

import (
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The library knows one user, whose sessions may do everything, and takes no
// statements about users. But it reads roles from a file, as a server does, and a
// session that has taken a role is held to it by the engine itself, whatever way
// a statement finds to a table. What the engine leaves open, taking another role
// above all, is refused by guard.

// Role limits what a session may do: it reads, and makes temporary tables.
type Role struct {
	// Databases are those whose tables and views may be read. A view is read with
	// the rights of whoever made it.
	Databases []string
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
	b.WriteString("<clickhouse>\n<profiles><default/></profiles>\n<quotas><default/></quotas>\n<roles>\n")
	grants := func(name string, list ...string) {
		fmt.Fprintf(&b, "<%s><grants>", name)
		for _, grant := range list {
			fmt.Fprintf(&b, "<query>GRANT %s</query>", escapeXML(grant))
		}
		fmt.Fprintf(&b, "</grants></%s>\n", name)
	}
	grants(fullRole, "ALL ON *.*")
	names := slices.Sorted(maps.Keys(roles))
	for _, name := range names {
		list := []string{"CREATE TEMPORARY TABLE ON *.*"}
		for _, database := range roles[name].Databases {
			list = append(list, "SELECT, dictGet ON "+quoteName(database)+".*")
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

func escapeXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
