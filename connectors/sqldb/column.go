package sqldb

import "winback/connectors/entity"

// kind is what the values of a column are, whatever the server calls it.
type kind uint8

const (
	text        kind = iota
	whole            // whole numbers
	decimal          // exact numbers
	float            // numbers that are not exact
	truth            // true or false
	instant          // a moment
	naive            // a day and time without a zone
	calendarDay      // a day
	document         // JSON
	list             // texts
	binaryBytes      // bytes that are no text
	unfit            // a type that cannot be read; hint says what to do
)

var kindNames = [...]string{
	"a text", "a whole number", "an exact number", "a floating number", "a truth value", "a time with a zone", "a time without a zone", "a day",
	"JSON", "a list", "bytes", "of an unreadable type",
}

// String names the kind with its article.
func (k kind) String() string { return kindNames[k] }

// column is a column of a result: what its values are, and how they are read from
// the bytes that the server sends. Of the functions those are there that fit the
// kind; text always is.
type column struct {
	name     string
	typ      string // as the server calls it
	kind     kind
	nullable bool
	caseless bool   // texts that differ may be equal to the server
	hint     string // of unfit: what to do
	oid      uint32 // PostgreSQL's number of the type
	binary   bool   // sent in the server's own form, not as text

	// number reads whole (as it is), truth (0, 1), instant (microseconds since
	// 1970 UTC), naive (microseconds since 1970, local) and day (days since 1970).
	number func(raw []byte) (n int64, reason string)
	// scaled reads whole, decimal and float as a count of 10^-scale.
	scaled func(raw []byte, scale int) (int64, error)
	// text appends the value as text, which is also how the server reads it back.
	text func(into, raw []byte) []byte
	// plain says that text is the bytes themselves; checked, that they need not be
	// UTF-8.
	plain, checked bool
	// items hands over the items of a list.
	items func(raw []byte, item func([]byte))
}

// noValue is the reason of a number that means that there is none, as the day
// 0000-00-00 does.
const noValue = "means no value"

// mark writes a number of the column's kind as text, as number reads it.
func (c *column) mark(n int64) string {
	switch c.kind {
	case instant:
		return entity.Time(n).Go().Format("2006-01-02 15:04:05.000000") + c.zoneSuffix()
	case naive:
		return entity.Time(n).Go().Format("2006-01-02 15:04:05.000000")
	case calendarDay:
		return entity.Date(n).String()
	}
	return formatWhole(n)
}

// zoneSuffix is what follows a moment in UTC. MySQL's have none, as the session's
// zone is UTC.
func (c *column) zoneSuffix() string {
	if c.oid == 0 {
		return ""
	}
	return "+00"
}
