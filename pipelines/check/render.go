package check

import (
	"fmt"
	"strings"
	"time"

	"winback/pipelines/model/quote"
)

// Moment is the time that freshness is judged by.
type Moment struct {
	// AsOf is the last day that the warehouse describes.
	AsOf time.Time
	// Timezone is the IANA zone in which times become days.
	Timezone string
}

// FailingRows renders the query that returns the rows of relation that break
// the check. self says that relation is the table the check belongs to.
func (c Check) FailingRows(relation string, m Moment) string {
	if c.Kind == Query {
		return c.Query
	}
	if condition, ok := c.rowCondition(); ok {
		return fmt.Sprintf("select * from %s where %s", relation, c.narrowed(condition))
	}
	switch c.Kind {
	case Unique:
		return c.repeatedKeys(relation)
	case Relationships:
		return c.orphans(relation)
	case Freshness:
		return c.staleness(relation, m)
	default:
		return fmt.Sprintf("select count() as row_count from %s%s having row_count < %d", relation, c.whereClause(), c.MinRows)
	}
}

// rowCondition returns the SQL condition that a failing row meets, for the kinds
// that look at one row at a time. Many such checks share one scan of the table.
func (c Check) rowCondition() (string, bool) {
	switch c.Kind {
	case NotNull:
		return quote.Name(c.Columns[0]) + " is null", true
	case AcceptedValues:
		values := make([]string, len(c.Values))
		for i, value := range c.Values {
			values[i] = quote.Literal(value)
		}
		return fmt.Sprintf("toString(%s) not in (%s)", quote.Name(c.Columns[0]), strings.Join(values, ", ")), true
	case Expression:
		return "not (" + c.Condition + ")", true
	default:
		return "", false
	}
}

// narrowed adds the check's filter to a condition.
func (c Check) narrowed(condition string) string {
	if c.Where == "" {
		return condition
	}
	return "(" + c.Where + ") and (" + condition + ")"
}

func (c Check) whereClause() string {
	if c.Where == "" {
		return ""
	}
	return " where " + c.Where
}

func (c Check) repeatedKeys(relation string) string {
	keys := quote.Names(c.Columns)
	where := c.whereClause()
	if len(c.Columns) == 1 {
		where = " where " + c.narrowed(keys+" is not null")
	}
	return fmt.Sprintf("select %s, count() as times from %s%s group by %s having times > 1", keys, relation, where, keys)
}

func (c Check) orphans(relation string) string {
	column := quote.Name(c.Columns[0])
	to := c.To
	if to == "" {
		to = relation
	}
	missing := fmt.Sprintf("%s is not null and %s not in (select %s from %s)", column, column, quote.Name(c.Field), to)
	return fmt.Sprintf("select * from %s where %s", relation, c.narrowed(missing))
}

// staleness counts whole days between the newest value, as a day of the
// project's time zone, and the day the warehouse describes. The toNullable keeps
// max() of no rows from becoming 1970-01-01.
func (c Check) staleness(relation string, m Moment) string {
	return fmt.Sprintf("select max(toNullable(toDate(%s, %s))) as newest, dateDiff('day', newest, %s) as age_days from %s%s having newest is null or age_days > %d",
		quote.Name(c.Columns[0]), quote.Literal(m.Timezone), quote.Date(m.AsOf), relation, c.whereClause(), c.MaxAgeDays)
}

// scanQuery renders the one query that counts the failing rows of every check:
// one column of counts per check, in the order given.
func scanQuery(relation string, checks []Check) string {
	counts := make([]string, len(checks))
	for i, c := range checks {
		condition, _ := c.rowCondition()
		counts[i] = "countIf(ifNull(" + c.narrowed(condition) + ", false))"
	}
	return fmt.Sprintf("select [%s] from %s", strings.Join(counts, ",\n"), relation)
}

// countQuery renders the count of a check's failing rows.
func (c Check) countQuery(relation string, m Moment) string {
	return "select count() from (\n" + c.FailingRows(relation, m) + "\n)"
}

// sampleQuery renders the first failing rows as JSON text, without the private
// columns. It returns "" where nothing but private columns could be shown.
func (c Check) sampleQuery(t Target, m Moment) string {
	columns := "*"
	switch c.Kind {
	case NotNull, AcceptedValues, Expression, Relationships:
		columns = quote.Names(shown(t.Columns, t.Private))
	case Unique:
		columns = quote.Names(append(shown(c.Columns, t.Private), "times"))
	}
	if columns == "" {
		return ""
	}
	return fmt.Sprintf("select formatRowNoNewline('JSONEachRow', %s) from (\n%s\n) limit %d",
		columns, c.FailingRows(t.scanned(), m), sampleRows)
}

func shown(columns []string, private map[string]bool) []string {
	var names []string
	for _, name := range columns {
		if !private[name] {
			names = append(names, name)
		}
	}
	return names
}
