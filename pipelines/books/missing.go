package books

import (
	"errors"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Codes of ClickHouse's errors about what is not there.
const (
	unknownColumn   = 47
	unknownTable    = 60
	unknownDatabase = 81
	accessDenied    = 497
)

// IsMissing says that a table or a database is not there, as before the first run.
func IsMissing(err error) bool { return has(err, unknownTable, unknownDatabase) }

// IsMissingOrOlder says that too, or that a table lacks a column: it is that of an older
// program, and no run of this one has opened the warehouse yet.
func IsMissingOrOlder(err error) bool {
	return has(err, unknownColumn, unknownTable, unknownDatabase)
}

// IsMissingOrDenied says that a table or a database is not there, or not for this user.
func IsMissingOrDenied(err error) bool {
	return has(err, unknownTable, unknownDatabase, accessDenied)
}

func has(err error, codes ...int32) bool {
	exception, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && slices.Contains(codes, exception.Code)
}
