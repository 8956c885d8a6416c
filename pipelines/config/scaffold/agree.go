package scaffold

import (
	"fmt"
	"slices"
	"strings"
)

// mapped is a field that a column makes.
type mapped struct {
	field, column string
	kind          kind
}

// mapped lists the fields that columns make, in the order of the contract.
func (g guess) mapped() []mapped {
	var list []mapped
	add := func(words []vocabulary, columns map[string]string) {
		for _, word := range words {
			if column := columns[word.field]; column != "" {
				list = append(list, mapped{word.field, column, word.kind})
			}
		}
	}
	add(g.vocabulary(), g.fields)
	add(lineWords, g.line)
	add(customerWords, g.person)
	return list
}

// vocabulary lists the fields that the table has besides those of order lines and of customers in orders.
func (g guess) vocabulary() []vocabulary {
	switch g.role {
	case customers:
		return customerWords
	case products:
		return productWords
	case other:
		return contract[slices.IndexFunc(contract, func(e known) bool { return e.entity == g.entity })].vocabulary()
	}
	return orderWords
}

// agrees tells whether one mapping reads the columns of a table as it reads those of the tables that are there: what a
// layout or a decimal comma makes of a day or a sum is never noticed when it is wrong.
func (d *dataset) agrees(g guess) bool {
	fields := g.mapped()
	for i, m := range d.guess.mapped() { // the same fields, in the same order
		switch m.kind {
		case timestamp:
			if !alike(d.times(m.column), g.table.times(fields[i].column, g.clocks)) {
				return false
			}
		case decimal:
			if _, agree := d.amounts(m.column).with(g.table.amounts(fields[i].column)); !agree {
				return false
			}
		}
	}
	return true
}

// alike tells whether two columns write days in the same way, or one in a way that the other leaves open.
func alike(some, others []string) bool {
	if len(some) == 0 || len(others) == 0 {
		return true
	}
	one, two := daysOf(some), daysOf(others)
	switch {
	case slices.Equal(one.layouts, two.layouts):
		return true
	case two.open && !two.several():
		return most(others, one.read())
	case one.open && !one.several():
		return most(some, two.read())
	}
	return false
}

// amounts tells how the numbers of columns are written that are read alike.
func (d *dataset) amounts(columns ...string) amounts {
	var joined amounts
	for _, t := range d.tables {
		for _, column := range columns {
			joined, _ = joined.with(t.amounts(d.nameIn(t, column)))
		}
	}
	return joined
}

// times are the values of a column of days, with the time of day where that stands in a column of its own.
func (d *dataset) times(column string) []string {
	var values []string
	for _, t := range d.tables {
		values = append(values, t.times(d.nameIn(t, column), d.guess.clocks)...)
	}
	return values
}

// days tells how a column of the dataset writes days.
func (d *dataset) days(column string) days { return daysOf(d.times(column)) }

// doubtsOfWriting says of columns whose values leave open how they are to be read what they were taken for.
func (d *dataset) doubtsOfWriting() []string {
	var doubts []string
	for _, m := range d.guess.mapped() {
		name := oneLine([]string{m.column})
		switch m.kind {
		case timestamp:
			doubts = append(doubts, d.doubtsOfDays(name, m.column)...)
		case decimal:
			if mark := d.amounts(m.column).open; mark != "" {
				doubts = append(doubts, doubtOfMark(name, mark, d.values(m.column)))
			}
		}
	}
	return doubts
}

func (d *dataset) doubtsOfDays(name, column string) []string {
	switch found := d.days(column); {
	case len(d.values(column)) == 0:
		return nil
	case found.several():
		return []string{fmt.Sprintf("%s is written in several ways, which are tried in this order: %s", name, strings.Join(found.layouts, ", "))}
	case found.open && found.layouts[0] == "dmy":
		return []string{name + " was taken as day.month.year; if it is month/day, make the layout mdy"}
	case found.open:
		return []string{fmt.Sprintf("%s was taken as %s; day and month may be the other way round", name, found.layouts[0])}
	default:
		var open []string
		for _, t := range d.tables {
			if daysOf(t.times(d.nameIn(t, column), d.guess.clocks)).open {
				open = append(open, t.shortLabel())
			}
		}
		if len(open) == 0 {
			return nil
		}
		return []string{fmt.Sprintf("%s was taken as %s, as the other files have it, in files where day and month may be the other way round: %s", name, strings.Join(found.layouts, ", "), oneLine(open))}
	}
}

func doubtOfMark(name, mark string, values []string) string {
	example := values[slices.IndexFunc(values, func(value string) bool { return strings.Contains(value, mark) })]
	if mark == "," {
		return fmt.Sprintf("%s was taken for thousands, %s is %s; if the comma begins a fraction, say decimal_comma: true instead", name, example, strings.ReplaceAll(example, mark, ""))
	}
	return fmt.Sprintf(`%s was taken for numbers with a decimal point; if %s is %s, say decimal_comma: true, thousands: "."`, name, example, strings.ReplaceAll(example, mark, ""))
}
