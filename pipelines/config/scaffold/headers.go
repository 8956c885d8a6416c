package scaffold

import (
	"slices"
	"strings"
)

// headers finds the columns of a table by what they may be called. Every field of every entity is asked for, so the
// headers are made ready once.
type headers struct {
	plain    map[string]string // by the normal header
	unitless map[string]string // by that without the unit behind it
	inner    map[string]string // by the name without the objects around it
	contact  map[string]string // the same, for fields of a person
}

// named gives the headers of the table. Of columns of one name it has the first, of those that cannot be told apart none.
func (t *table) named() *headers {
	if t.known != nil {
		return t.known
	}
	h := &headers{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}
	for _, column := range t.columns {
		if inList(column) || t.twice(column) {
			continue
		}
		header := normal(column)
		add(h.plain, header, column)
		if name, is := strings.CutPrefix(header, "property"); is {
			add(h.plain, name, column)
		}
		add(h.unitless, normal(withoutUnit(column)), column)
		if !strings.Contains(column, ".") {
			continue
		}
		for _, name := range callings(column, "") {
			add(h.inner, name, column)
		}
		for _, name := range callings(column, contactFields[0]) {
			add(h.contact, name, column)
		}
	}
	t.known = h
	return h
}

func add(to map[string]string, name, column string) {
	if _, taken := to[name]; !taken {
		to[name] = column
	}
}

// column finds a column by its normal header, "" if there is none.
func (t *table) column(name string) string { return t.named().plain[name] }

// amount finds a column of numbers: as column does, else by its header without the unit that stands behind it, as in "Total (EUR)".
func (t *table) amount(name string) string {
	return firstOf(t.column(name), t.named().unitless[name])
}

// inner finds a column that a field is known by without the objects around it, "" if there is none.
func (t *table) inner(name, field string) string {
	if slices.Contains(contactFields, field) {
		return t.named().contact[name]
	}
	return t.named().inner[name]
}
