package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"winback/connectors"
)

// code returns PostgreSQL's code of an error, "" if it is none of its.
func code(err error) string {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return server.Code
	}
	return ""
}

// number returns MySQL's number of an error, 0 if it is none of its.
func number(err error) uint16 {
	if server, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return server.Number
	}
	return 0
}

// timedOut says that the server gave up a statement because it took too long.
func timedOut(err error) bool {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return server.Code == "57014" && strings.Contains(server.Message, "timeout")
	}
	n := number(err)
	return n == mysqlTimeout || n == mariadbTimeout
}

// lost says that the connection is gone.
func lost(err error) bool {
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		return server.Severity == "FATAL" || strings.HasPrefix(server.Code, "08") || strings.HasPrefix(server.Code, "57P")
	}
	switch number(err) {
	case 0:
	case 1053, 1152, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 4031: // the server ends, or has ended, the connection
		return true
	default:
		return false
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	if errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) {
		return true
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed")
}

// passing says that the same may well work a little later: the connection was
// lost, the server restarts or has too many connections, a replica had to choose
// between the reading and its primary's changes.
func passing(err error) bool {
	if err == nil {
		return false
	}
	switch number(err) {
	case 1040, 1203, 1205, 1213: // too many connections, waiting for a lock, a deadlock
		return true
	}
	switch c := code(err); c {
	case "40001", "40P01", "53300", "55P03", "57P01", "57P02", "57P03", "72000":
		return true
	case "":
		return lost(err)
	default:
		return strings.HasPrefix(c, "08")
	}
}

// loginFailure tells a server that has no room, or is just starting, from one that wants
// other credentials: of the former another try is worth it.
func loginFailure(err error) error {
	if passing(err) {
		return connectors.ErrUnreachable
	}
	return connectors.ErrRefused
}
