package sqldb

import (
	"fmt"
	"strings"
)

// span is a part of a table in the order of reading. Its bounds are texts as the
// server reads them back.
type span struct {
	unmarked bool     // rows without a change mark, in the order of the key
	after    []string // beyond the row with these values; nil: from the beginning
	from     string   // of the first column of the order, inclusive; "" for none
	until    string   // of the first column of the order, exclusive; "" for none
	through  []string // up to the row with these values; nil: to the end
}

// orderOf are the columns in whose order a span is read.
func (n *binding) orderOf(s *span) []orderColumn {
	if s.unmarked {
		return n.key
	}
	return n.order()
}

// conditions writes what rows of a span meet.
func (n *binding) conditions(s *span, args *arguments) string {
	var all []string
	add := func(format string, parts ...any) { all = append(all, fmt.Sprintf(format, parts...)) }
	if n.plan.config.Where != "" {
		add("(%s)", n.plan.config.Where)
	}
	order := n.orderOf(s)
	first := n.server.ordering(order[0])
	switch {
	case s.unmarked:
		add("%s is null", n.selected[n.mark])
	case n.mark >= 0 && n.columns[n.mark].nullable && s.after == nil && s.from == "":
		add("%s is not null", n.selected[n.mark])
	}
	if s.from != "" {
		add("%s >= %s", first, n.server.value(s.from, &order[0].column, args))
	}
	if s.until != "" {
		add("%s < %s", first, n.server.value(s.until, &order[0].column, args))
	}
	if s.after != nil {
		add("%s", n.server.after(order, s.after, args))
	}
	if s.through != nil {
		add("not (%s)", n.server.after(order, s.through, args))
	}
	if len(all) == 0 {
		return ""
	}
	return " where " + strings.Join(all, " and ")
}

// page writes the select of the next rows of a span.
func (n *binding) page(s *span, limit int) (string, *arguments) {
	args := &arguments{}
	var by []string
	where := n.conditions(s, args)
	for _, c := range n.orderOf(s) {
		by = append(by, n.server.ordering(c))
	}
	return fmt.Sprintf("%s from %s%s order by %s limit %d", n.list(), n.source, where, strings.Join(by, ", "), limit), args
}

// count writes the select of the number of rows of a span.
func (n *binding) count(s *span) (string, *arguments) {
	args := &arguments{}
	where := n.conditions(s, args)
	return fmt.Sprintf("select count(*) from %s%s", n.source, where), args
}

// withoutKey writes a select that finds a row without a value in a key column.
func (n *binding) withoutKey(c orderColumn) string {
	where := c.sql + " is null"
	if n.plan.config.Where != "" {
		where = "(" + n.plan.config.Where + ") and " + where
	}
	return fmt.Sprintf("select 1 from %s where %s limit 1", n.source, where)
}
