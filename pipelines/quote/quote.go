// Package quote writes values and names into ClickHouse SQL. Every value that is put
// into a statement, and is no parameter of it, goes through here, so that an apostrophe
// in a name can neither break nor change it.
package quote

import (
	"regexp"
	"strings"
	"time"
)

var literalEscaper = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// Literal returns text as a SQL string literal.
func Literal(text string) string {
	return "'" + literalEscaper.Replace(text) + "'"
}

// Date returns the calendar date of day as a SQL expression of type Date.
func Date(day time.Time) string {
	return "toDate('" + day.Format(time.DateOnly) + "')"
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// keywords are names that the parser could take for something else where a
// column or table name is meant.
var keywords = map[string]bool{
	"all": true, "and": true, "any": true, "array": true, "as": true, "asc": true, "between": true, "by": true,
	"case": true, "cast": true, "comment": true, "constraint": true, "date": true, "default": true, "desc": true,
	"distinct": true, "else": true, "end": true, "except": true, "exists": true, "final": true, "format": true,
	"from": true, "full": true, "group": true, "having": true, "in": true, "index": true, "inner": true,
	"intersect": true, "interval": true, "into": true, "is": true, "join": true, "key": true, "left": true,
	"like": true, "limit": true, "not": true, "null": true, "offset": true, "on": true, "or": true, "order": true,
	"primary": true, "projection": true, "qualify": true, "replace": true, "right": true, "sample": true,
	"select": true, "set": true, "settings": true, "table": true, "then": true, "timestamp": true, "to": true,
	"ttl": true, "union": true, "using": true, "values": true, "when": true, "where": true, "window": true,
	"with": true,
}

// Name returns a column, table or database name as SQL, in backquotes when it
// needs them.
func Name(name string) string {
	if plainName.MatchString(name) && !keywords[strings.ToLower(name)] {
		return name
	}
	return Always(name)
}

var nameEscaper = strings.NewReplacer(`\`, `\\`, "`", "\\`")

// Always returns a name as SQL in backquotes, so that no character of it has a meaning
// of its own.
func Always(name string) string { return "`" + nameEscaper.Replace(name) + "`" }

// Names returns the names as a comma-separated list.
func Names(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = Name(name)
	}
	return strings.Join(quoted, ", ")
}

// Table returns the full name of a table as SQL.
func Table(database, name string) string {
	return Name(database) + "." + Name(name)
}
