package scaffold

import (
	"slices"
	"strings"
)

// role is what the rows of a table are.
type role int

const (
	unknown   role = iota
	orders         // one row an order
	invoices       // one row a line of an order, with the order's own columns repeated
	lines          // one row a line, without the order's columns
	customers      // one row a customer
	products       // one row a product
	other          // one row an entity of the contract that none of these is
)

// guess is what a table seems to be: which of its columns is which field. Fields of order lines stand apart from those
// of the order.
type guess struct {
	table  *table
	role   role
	fields map[string]string
	line   map[string]string
	each   string            // the list in the records of orders that holds their lines; "" if they stand elsewhere
	person map[string]string // the fields of the customer that the records of orders hold; nil if they hold none
	entity string            // of role other
	hinted bool              // the file's name says the same
	doubts []string          // what a person should look at
	clocks map[string]string // columns of days: those with the time of that day
}

// signs are what speaks for one role of a table or another: the columns found for each,
// and what follows from them.
type signs struct {
	hint                           role // by the file's name
	order, line, customer, product map[string]string
	generic                        string // the column that is just called id
	each                           string // list of lines within the records, and its columns
	nested                         map[string]string

	customerID, productID                  string
	hasLine, hasMoney, hasDate, hasContact bool
}

func signsOf(t *table) signs {
	order := match(t, orderWords, nil)
	if name := t.column("name"); name != "" && t.column("lineitemname") != "" {
		order["id"], order["number"] = name, name // so Shopify's export calls it, and leaves Id empty from the second line on
	}
	if id := order["id"]; id != "" && 2*len(t.values(id)) < len(t.rows) {
		delete(order, "id") // a number that most rows lack is another one
	}
	s := signs{
		hint: t.hint(), order: order, line: match(t, lineWords, order), customer: match(t, customerWords, nil), product: match(t, productWords, nil),
		generic: genericColumn(t),
	}
	s.each, s.nested = t.linesWithin()
	s.hasLine = hasLines(s.line)
	s.hasMoney = order["items_total"] != "" || s.hasLine || s.each != ""
	s.hasDate = order["ordered_at"] != ""
	customer, product := s.customer, s.product
	s.customerID = firstOf(customer["id"], s.generic)
	if s.generic != "" && strings.Contains(customer["id"], ".") && s.hint != customers {
		s.customerID = "" // it is another thing's customer
	}
	s.hasContact = customer["email"]+customer["phone"]+customer["first_name"]+customer["last_name"] != "" ||
		customer["registered_at"] != "" && (customer["id"] != "" || s.hint == customers)
	s.productID = firstOf(product["id"], s.generic, product["sku"])
	if s.productID == "" && s.hint == products && t.identifies(product["name"]) {
		s.productID = product["name"]
	}
	return s
}

// role is what the signs speak for most, with the column of the order's number if there
// is one.
func (s *signs) role() (of role, orderID string) {
	orderID = s.order["id"]
	switch {
	case s.hint == products && s.product["name"] != "" && s.productID != "":
		return products, orderID
	case orderID != "" && s.hasLine && s.hasDate:
		return invoices, orderID
	case orderID != "" && s.hasLine:
		return lines, orderID
	case s.hint == customers && s.customerID != "" && s.hasContact:
		return customers, orderID
	case orderID != "" && s.hasDate:
		return orders, orderID
	case s.customerID != "" && s.hasContact && !s.hasMoney && s.hint != orders:
		return customers, orderID
	case s.generic != "" && s.hasDate && s.hasLine:
		return invoices, s.generic
	case s.generic != "" && s.hasDate && (s.hasMoney || s.hint == orders):
		return orders, s.generic
	case s.product["name"] != "" && s.productID != "" && s.hint != lines && !s.hasDate && s.order["customer_id"] == "" &&
		(s.product["price"] != "" || s.hint == products):
		return products, orderID
	case s.hasDate && s.hasMoney && s.order["customer_id"]+s.order["email"]+s.order["phone"] != "":
		return orders, ""
	}
	return unknown, orderID
}

// guessOf tells what a table holds.
func guessOf(t *table) guess {
	s := signsOf(t)
	g := guess{table: t}
	var orderID string
	if g.role, orderID = s.role(); orderID != "" {
		s.order["id"] = orderID
	}
	switch g.role {
	case orders:
		if orderID == "" {
			g.doubts = append(g.doubts, "no column looks like an order number: each row counts as an order of its own")
		}
		g.fields, g.person = s.order, t.personWithin(s.order["customer_id"])
		if s.each != "" {
			g.each, g.line = s.each, s.nested
		} else if s.order["items_total"] == "" {
			g.line = s.line // quantity times price is all there is
		}
	case invoices, lines:
		g.fields, g.line = s.order, s.line
	case customers:
		g.fields = s.customer
		g.fields["id"] = s.customerID
	case products:
		g.fields = s.product
		g.fields["id"] = s.productID
	}
	return g
}

// joinProducts makes lines and products meet: where no lines name a product's id, its stock keeping unit serves for it.
func joinProducts(all []guess) {
	for _, g := range all {
		if g.line["product_id"] != "" {
			return
		}
	}
	for _, g := range all {
		if sku := g.line["sku"]; sku != "" && (g.role == lines || g.role == invoices || g.each != "") {
			g.line["product_id"] = sku
		}
		if sku := g.fields["sku"]; sku != "" && g.role == products {
			g.fields["id"] = sku
		}
	}
}

// doubtWorthless says of orders that have neither a sum nor lines that nothing will come of them.
func doubtWorthless(all []guess) {
	if slices.ContainsFunc(all, func(g guess) bool { return g.role == lines }) {
		return
	}
	for i, g := range all {
		if g.role == orders && g.fields["items_total"]+g.line["price"] == "" {
			all[i].doubts = append(g.doubts, "no column looks like the sum of an order, and an order without one is no purchase: give items_total a column, or add the lines of the orders")
		}
	}
}

func firstOf(choices ...string) string {
	for _, choice := range choices {
		if choice != "" {
			return choice
		}
	}
	return ""
}

// match finds a column for each field by its header, if the values in it are of the field's kind. A column serves one
// field, and none of those already taken; an id and a stock keeping unit may be the same column.
func match(t *table, words []vocabulary, taken map[string]string) map[string]string {
	found := map[string]string{}
	used := map[string]bool{}
	for _, column := range taken {
		used[column] = true
	}
	for _, word := range words {
		for _, column := range t.called(word) {
			fitting := t.byName || fits(t.values(column), word.kind) && word.known(t.values(column))
			if used[column] || !fitting {
				continue
			}
			found[word.field] = column
			used[column] = word.kind != id || word.field == "customer_id"
			break
		}
	}
	return found
}

// called lists the columns that go by the names of a field, the surest first.
func (t *table) called(word vocabulary) []string {
	var whole, inner []string
	for _, name := range strings.Fields(word.names) {
		column := t.column(name)
		if word.kind == decimal {
			column = t.amount(name)
		}
		if column != "" {
			whole = append(whole, column)
		}
		if column := t.inner(name, word.field); column != "" {
			inner = append(inner, column)
		}
	}
	return append(whole, inner...)
}

// known tells whether an enumeration has a word that the contract knows.
func (v vocabulary) known(values []string) bool {
	return v.words == nil || slices.ContainsFunc(values, func(value string) bool { return wordOf(v.words, value) != "" })
}

// fits tells whether values can be of a kind. Nothing at all can be anything.
func fits(values []string, k kind) bool {
	if len(values) == 0 {
		return true
	}
	switch k {
	case timestamp:
		return len(daysOf(values).layouts) > 0
	case decimal:
		_, ok := numbersOf(values)
		return ok
	case whole:
		return most(values, func(value string) bool { return strings.Trim(value, "0123456789") == "" })
	case seconds:
		return fits(values, whole) || most(values, clockLooks.MatchString)
	case status:
		return slices.ContainsFunc(values, func(value string) bool { return state(value) != "" })
	case boolean:
		return all(values, isBool)
	default:
		return true
	}
}

func genericColumn(t *table) string {
	for _, name := range strings.Fields(genericID) {
		if column := t.column(name); column != "" {
			return column
		}
	}
	return ""
}

// hint is what the table's name says that it holds.
func (t *table) hint() role {
	for _, name := range t.names() {
		for _, words := range fileWords {
			for _, part := range strings.Fields(words.parts) {
				if strings.Contains(name, part) {
					return words.role
				}
			}
		}
	}
	return unknown
}

// used lists the columns that have a field.
func (g guess) used() []string {
	var columns []string
	for _, fields := range []map[string]string{g.fields, g.line, g.person} {
		for _, column := range fields {
			columns = append(columns, column)
			if clock := g.clocks[column]; clock != "" {
				columns = append(columns, clock)
			}
		}
	}
	return columns
}
