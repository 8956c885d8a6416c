package sqldb

import (
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"winback/connectors"
)

// TestLoginError: a server without room, or that is starting, is tried again; wrong credentials are not.
func TestLoginError(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"too many connections, MySQL":      {mysqlLoginError("db", &mysql.MySQLError{Number: 1040}), connectors.ErrUnreachable},
		"wrong password, MySQL":            {mysqlLoginError("db", &mysql.MySQLError{Number: 1045}), connectors.ErrRefused},
		"too many connections, PostgreSQL": {loginError("db", &pgconn.PgError{Code: "53300"}), connectors.ErrUnreachable},
		"starting up, PostgreSQL":          {loginError("db", &pgconn.PgError{Code: "57P03"}), connectors.ErrUnreachable},
		"wrong password, PostgreSQL":       {loginError("db", &pgconn.PgError{Code: "28P01"}), connectors.ErrRefused},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}
