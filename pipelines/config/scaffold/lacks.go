package scaffold

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lacks says of a table that is not understood what it would take.
func (t *table) lacks() []string {
	if twice := t.doubtsOfNames(); len(twice) > 0 {
		return twice
	}
	if entityName := recognise(t).entity; entityName != "" && besides(t, entityName) {
		return []string{fmt.Sprintf("its name says that it stands beside %s, and mapped to that it would overwrite it", entityName)}
	}
	named := *t
	named.byName = true
	g := surest(guessOf(&named), recognise(&named))
	var reasons []string
	for _, m := range g.mapped() {
		if values := t.values(m.column); !fits(values, m.kind) {
			reasons = append(reasons, fmt.Sprintf("%s is called like %s, %s", oneLine([]string{m.column}), g.calls(m.field), misfit(values, m.kind)))
		}
	}
	if len(reasons) == 0 {
		reasons = append(reasons, named.missing())
	}
	return reasons
}

// calls names a field of what the table seems to hold.
func (g guess) calls(field string) string {
	switch {
	case field == "ordered_at":
		return "the day of an order"
	case field == "items_total":
		return "the sum of an order"
	}
	return field + " of " + (&dataset{role: g.role, guess: g}).entity()
}

// missing says which column a table of orders would want, or that nothing is known about it.
func (t *table) missing() string {
	order := match(t, orderWords, nil)
	switch {
	case order["id"] != "" && besides(t, "shop.orders"):
		return "its name says that it stands beside orders, which have their sums and days elsewhere"
	case order["id"] != "" && order["ordered_at"] == "":
		return fmt.Sprintf("%s looks like the number of an order, but no column is called like the day of one, such as order_date", oneLine([]string{order["id"]}))
	case order["ordered_at"] != "" && order["items_total"] != "":
		return fmt.Sprintf("%s and %s look like the day and the sum of an order, but no column is called like the number or the customer of one, such as order_id", oneLine([]string{order["ordered_at"]}), oneLine([]string{order["items_total"]}))
	}
	isValue := func(name string) bool {
		return pointed.MatchString(name) || len(daysOf([]string{name}).layouts) > 0
	}
	if slices.ContainsFunc(t.columns, isValue) {
		return "its first line looks like values, not like names of columns: put names above it, or give them in the mapping with columns"
	}
	return "its columns are not known by their names; a mapping can be written by hand, winback sources describe files says how"
}

// misfit says which values of a column cannot be of a kind.
func misfit(values []string, k kind) string {
	what, reads := "numbers", func(value string) bool { return fits([]string{value}, k) }
	switch k {
	case timestamp:
		if all(values, isSerial) {
			return fmt.Sprintf("but has its days as Excel counts them (%s is %s): show the column as dates there and save the file again", values[0], dayOfSerial(values[0]))
		}
		what, reads = "days", inSeveral(values).read()
	case decimal:
		n, _ := numbersOf(values)
		what, reads = "numbers", n.read
	case whole, seconds:
		what = "whole numbers"
	case boolean:
		what = "yes or no"
	case status:
		return fmt.Sprintf("but no value is a known state of an order: such as %s", oneLine(values[:1]))
	}
	strange := slices.DeleteFunc(slices.Clone(values), reads)
	if len(strange) == 0 {
		return "but its values do not fit"
	}
	return fmt.Sprintf("but %d of %d values are not %s: such as %s", len(strange), len(values), what, oneLine(strange[:1]))
}

// doubtsOfLeftOut says of columns that are called like a field, a day or a number, and were left out for their values why.
func (g guess) doubtsOfLeftOut() []string {
	if g.role == unknown {
		return nil
	}
	named := *g.table
	named.byName = true
	again := guess{table: &named, role: g.role, entity: g.entity, fields: match(&named, g.vocabulary(), g.line)}
	var doubts []string
	for _, m := range again.mapped() {
		values := g.table.values(m.column)
		if (m.kind == timestamp || m.kind == decimal) && g.fields[m.field] == "" && !slices.Contains(g.used(), m.column) && !fits(values, m.kind) {
			doubts = append(doubts, fmt.Sprintf("%s is called like %s, %s; it was left out", oneLine([]string{m.column}), again.calls(m.field), misfit(values, m.kind)))
		}
	}
	return doubts
}

var serialLooks = regexp.MustCompile(`^[2-5]\d{4}(?:[.,]\d+)?$`)

// isSerial tells whether a number may be a day of 1954 to 2064 as Excel counts them.
func isSerial(value string) bool { return serialLooks.MatchString(value) }

func dayOfSerial(value string) string {
	count, err := strconv.Atoi(value[:5])
	if err != nil {
		return value
	}
	return time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, count).Format(time.DateOnly)
}

// doubtsOfNames says of headers that stand above several columns that these cannot be told apart.
func (t *table) doubtsOfNames() []string {
	var doubts []string
	for i, column := range t.columns {
		if column != "" && slices.Index(t.columns, column) == i && t.twice(column) {
			doubts = append(doubts, fmt.Sprintf("several columns are called %s, and none of them is mapped: give them different names in the file, or name all columns with columns and skip_lines", oneLine([]string{column})))
		}
	}
	return doubts
}

// twice tells whether several columns have a name. The connector numbers those of sheets.
func (t *table) twice(column string) bool {
	switch t.format {
	case "csv", "tsv", "xlsx":
		at := slices.Index(t.columns, column)
		return at >= 0 && slices.Contains(t.columns[at+1:], column) || slices.Contains(t.columns, column+" (2)")
	}
	return false
}

// read tells whether a value is a number so written.
func (n numbers) read(value string) bool {
	if n.thousands != "" {
		value = strings.ReplaceAll(value, n.thousands, "")
	}
	return pointed.MatchString(value) || n.comma && commaed.MatchString(value)
}
