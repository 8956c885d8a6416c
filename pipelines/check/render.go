package check

import (
	"fmt"
	"strings"
	"time"

	"winback/pipelines/quote"
)

// Moment is the time that freshness is judged by.
type Moment struct {
	// AsOf is the last day that the warehouse describes.
	AsOf time.Time
	// Timezone is the IANA zone in which times become days.
	Timezone string
}

// FailingRows renders the query that returns the rows of relation that break
// the check.
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
	case NeverWidens:
		return c.widenings(relation)
	case RowCountChange:
		return c.rowCountChange(relation)
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
	case NullUntil:
		figures := make([]string, len(c.Columns))
		for i, column := range c.Columns {
			figures[i] = quote.Name(column) + " is not null"
		}
		return fmt.Sprintf("not ifNull(%s, false) and (%s)", c.Condition, strings.Join(figures, " or ")), true
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

// widenings compares each value with the smallest one before it, so that a NULL
// between two stages hides nothing.
func (c Check) widenings(relation string) string {
	value := quote.Name(c.Columns[0])
	partition := ""
	if len(c.By) > 0 {
		partition = "partition by " + quote.Names(c.By) + " "
	}
	return fmt.Sprintf("select * from (select *, min(toNullable(%s)) over (%sorder by %s rows between unbounded preceding and 1 preceding) as smallest_before from %s%s) where %s > smallest_before",
		value, partition, quote.Name(c.Order), relation, c.whereClause(), value)
}

// rowCountChange compares the rows with those of the last good build. From nothing
// a table may grow to anything.
func (c Check) rowCountChange(relation string) string {
	const counted = "select count() as row_count, toUInt64(%d) as row_count_before, round(100 * (toFloat64(row_count) - row_count_before) / row_count_before, 2) as change_pct from %s%s having %s"
	var limits []string
	if c.MaxDropPct != nil {
		limits = append(limits, fmt.Sprintf("change_pct < -%v", *c.MaxDropPct))
	}
	if c.MaxGrowthPct != nil {
		limits = append(limits, fmt.Sprintf("change_pct > %v", *c.MaxGrowthPct))
	}
	if c.RowsBefore == nil || *c.RowsBefore == 0 || len(limits) == 0 {
		return fmt.Sprintf(counted, 0, relation, c.whereClause(), "false")
	}
	return fmt.Sprintf(counted, *c.RowsBefore, relation, c.whereClause(), strings.Join(limits, " or "))
}

// countsQuery renders the one query that counts the failing rows of all checks and
// the rows of the table: checks that look at one row at a time share its scan, the
// others are subqueries, which the engine computes one after another. place tells
// which check each count belongs to.
func (t Target) countsQuery(m Moment) (query string, place []int) {
	var shared, alone []string
	var sharedAt, aloneAt []int
	for i, c := range t.Checks {
		if condition, ok := c.rowCondition(); ok {
			shared, sharedAt = append(shared, "countIf(ifNull("+c.narrowed(condition)+", false))"), append(sharedAt, i)
		} else {
			alone, aloneAt = append(alone, "assumeNotNull(("+t.lookingUp(c).countQuery(t.scanned(), m)+"))"), append(aloneAt, i)
		}
	}
	query = "select [" + strings.Join(append(shared, alone...), ",\n") + "]::Array(UInt64), "
	if len(shared) == 0 && t.Rows == nil { // there is no need to read a view
		return query + "toUInt64(0)", aloneAt
	}
	return query + "count() from " + t.scanned(), append(sharedAt, aloneAt...)
}

// countQuery renders the count of a check's failing rows.
func (c Check) countQuery(relation string, m Moment) string {
	return "select count() from (\n" + c.FailingRows(relation, m) + "\n)"
}

// sampleQuery renders the first failing rows as JSON text. columns are those of the
// failing rows; personal ones show only whether there is a value.
func (c Check) sampleQuery(t Target, columns []string, m Moment) string {
	shown := make([]string, len(columns))
	for i, name := range columns {
		shown[i] = quote.Name(name)
		if t.Private[name] {
			shown[i] = fmt.Sprintf("if(isNull(%s), null, '***') as %s", shown[i], shown[i])
		}
	}
	return fmt.Sprintf("select formatRowNoNewline('JSONEachRow', %s) from (\n%s\n) limit %d",
		strings.Join(shown, ", "), c.FailingRows(t.scanned(), m), sampleRows)
}
