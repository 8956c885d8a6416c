package sqldb

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

var deniedOn = regexp.MustCompile(`permission denied for (table|view|schema|relation|materialized view|foreign table) ("?)([^"]+)("?)`)

// hint says what a person can do about an error of PostgreSQL.
func (p *postgres) hint(d *plan, err error) string {
	server, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return dialHint(err)
	}
	switch c := server.Code; {
	case strings.HasPrefix(c, "28"):
		return "look at user and password, and at pg_hba.conf of the server"
	case c == "3D000":
		return "look at the name of the database"
	case c == "42501":
		return p.grantHint(d, server.Message)
	case timedOut(err):
		return fmt.Sprintf("pages of %s take the server too long: an index on %s would make them short, or raise timeout", d.from, indexHint(d))
	case c == "42703":
		return "look at the expressions in the configuration of " + d.name
	}
	return ""
}

// dialHint says what to look at where no connection came about.
func dialHint(err error) string {
	dial, ok := errors.AsType[*net.OpError](err)
	_, unknown := errors.AsType[*net.DNSError](err)
	if unknown || ok && dial.Op == "dial" {
		return "look at host and port, whether the server runs there, and whether it lets this machine in"
	}
	return ""
}

func (p *postgres) grantHint(d *plan, message string) string {
	user := p.config.User
	if user == "" {
		user = "the user"
	}
	found := deniedOn.FindStringSubmatch(message)
	switch {
	case found == nil:
		return "the user needs a GRANT from an administrator"
	case found[1] == "schema":
		return fmt.Sprintf("an administrator can allow it: GRANT USAGE ON SCHEMA %s TO %s", found[3], user)
	}
	table := found[3] // the server leaves out the schema
	if strings.HasSuffix(d.config.Table, "."+table) {
		table = d.config.Table
	}
	return fmt.Sprintf("an administrator can allow it: GRANT SELECT ON %s TO %s", table, user)
}

// indexHint names the columns that a dataset is read by.
func indexHint(d *plan) string {
	columns := d.config.Key
	if len(columns) == 0 {
		columns = []string{"the key"}
	}
	if d.config.ChangedAt != "" {
		columns = append([]string{d.config.ChangedAt}, columns...)
	}
	return "(" + strings.Join(columns, ", ") + ")"
}
