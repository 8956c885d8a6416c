package scaffold

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// mapping writes the keys of a dataset.
type mapping struct {
	d   *dataset
	out strings.Builder
}

const indent = "        " // of a key of a dataset in winback.yaml

func (d *dataset) yaml() string {
	m := &mapping{d: d}
	m.line(0, "files: %s", listOf(d.files))
	if sheets := d.sheets(); len(sheets) > 0 {
		for i, name := range sheets {
			sheets[i] = sheetPattern(name)
		}
		m.line(0, "sheet: %s", listOf(sheets))
	}
	if row := d.tables[0].headerRow(); row > 0 {
		m.line(0, "header_row: %d   # titles stand above it", row)
	}
	if encoding := d.tables[0].encoding; encoding != "" {
		m.line(0, "encoding: %s", encoding)
	}
	if records := d.tables[0].records; records != "" {
		m.line(0, "records: %s   # the list in the document that holds the records", scalar(records))
	}
	if nulls := d.nulls(); len(nulls) > 0 {
		m.line(0, "nulls: [%s]", strings.Join(nulls, ", "))
	}
	m.rename()
	switch d.role {
	case invoices:
		m.invoices()
	case lines:
		m.lines()
	case other:
		m.contract()
	default:
		m.plain(d.entity())
	}
	return m.out.String()
}

func (m *mapping) line(depth int, format string, args ...any) {
	fmt.Fprintf(&m.out, indent+strings.Repeat("  ", depth)+format+"\n", args...)
}

func (m *mapping) rename() {
	if len(m.d.rename) == 0 {
		return
	}
	var pairs []string
	for from, to := range m.d.rename {
		pairs = append(pairs, scalar(from)+": "+scalar(to))
	}
	slices.Sort(pairs)
	m.line(0, "rename: {%s}   # headers of some files: as they are called below", strings.Join(pairs, ", "))
}

// plain maps tables with one row an entity.
func (m *mapping) plain(entity string) {
	if m.d.guess.each != "" || m.d.guess.person != nil {
		m.nested()
		return
	}
	m.line(0, "entity: %s", entity)
	m.line(0, "fields:")
	if m.d.role == orders {
		m.order(1, "")
		return
	}
	words := customerWords
	if m.d.role == products {
		words = productWords
	}
	m.fields(1, words, m.d.guess.fields, "")
}

// nested maps orders whose records hold their lines, or their customer.
func (m *mapping) nested() {
	m.line(0, "entities:")
	m.line(1, "shop.orders:")
	m.line(2, "fields:")
	m.order(3, "")
	if m.d.guess.each != "" {
		m.line(3, "line_count: {auto: line_count}")
		m.linesWithin()
	}
	if person := m.d.guess.person; person != nil {
		m.line(1, "shop.customers:")
		m.line(2, "where: {column: %s, empty: false}", scalar(person["id"]))
		m.line(2, "duplicates: last   # as the latest order has them")
		m.line(2, "fields:")
		m.fields(3, customerWords, person, "")
	}
}

func (m *mapping) linesWithin() {
	m.line(1, "shop.order_lines:")
	m.line(2, "each: %s   # one row for each element of the list", scalar(m.d.guess.each))
	m.line(2, "fields:")
	m.line(3, "order_id: %s", m.fieldAt("$.", "id", id, m.d.guess.fields["id"], ""))
	m.line(3, "line_no: {auto: line_number}")
	m.lineFields(3)
}

// invoices maps tables whose rows are lines of orders.
func (m *mapping) invoices() {
	m.line(0, "group_by: %s   # rows with the same value are one order", scalar(m.d.guess.fields["id"]))
	m.line(0, "entities:")
	m.line(1, "shop.orders:")
	m.line(2, "fields:")
	m.order(3, "min")
	m.line(3, "line_count: {auto: line_count}")
	m.line(1, "shop.order_lines:")
	m.line(2, "fields:")
	m.line(3, "order_id: %s", m.field("id", id, m.d.guess.fields["id"], ""))
	m.line(3, "line_no: {auto: line_number}")
	m.lineFields(3)
	if m.d.hasCreditNotes() {
		m.refunds()
	}
}

// lines maps tables of order lines whose orders stand elsewhere.
func (m *mapping) lines() {
	number := m.d.guess.line["line_no"]
	if number == "" {
		m.line(0, "group_by: %s   # lines of one order are numbered together", scalar(m.d.guess.fields["id"]))
	}
	m.line(0, "entity: shop.order_lines")
	m.line(0, "fields:")
	m.line(1, "order_id: %s", m.field("id", id, m.d.guess.fields["id"], ""))
	if number == "" {
		m.line(1, "line_no: {auto: line_number}")
	} else {
		m.line(1, "line_no: %s", scalar(number))
	}
	m.lineFields(1)
}

func (m *mapping) lineFields(depth int) {
	withoutNumber := slices.DeleteFunc(slices.Clone(lineWords), func(word vocabulary) bool { return word.field == "line_no" })
	m.fields(depth, withoutNumber, m.d.guess.line, "")
}

// order writes the fields of an order; fold tells how the time of an order follows from its rows.
func (m *mapping) order(depth int, fold string) {
	columns := m.d.guess.fields
	for _, word := range orderWords {
		column := columns[word.field]
		switch {
		case word.field == "id" && column == "":
			m.line(depth, "id: {auto: row_hash}")
		case word.field == "status":
			m.line(depth, "status: %s", m.status(column))
		case word.field == "items_total":
			m.total(depth, column)
		case column != "" && word.kind == timestamp:
			m.line(depth, "%s: %s", word.field, m.field(word.field, word.kind, column, fold))
		case column != "":
			m.line(depth, "%s: %s", word.field, m.field(word.field, word.kind, column, ""))
		}
	}
}

// total is the sum of quantity times price where both are known; else the amount column.
func (m *mapping) total(depth int, column string) {
	quantity, price := m.d.guess.line["quantity"], m.d.guess.line["price"]
	if m.d.guess.each != "" {
		quantity, price = "", "" // they are no order's, but a line's
	}
	fold := ""
	if m.d.role == invoices {
		fold = "sum"
	}
	switch {
	case quantity != "" && price != "":
		product := []string{fmt.Sprintf("product: [%s, %s]", scalar(quantity), scalar(price))}
		product = append(product, m.numberOptions(price, quantity)...)
		m.line(depth, "items_total: %s", flow(product, fold))
	case column != "" && m.d.role == invoices && !m.d.varies(column):
		m.line(depth, "items_total: %s   # the same on every row of an order", m.field("items_total", decimal, column, ""))
	case column != "":
		m.line(depth, "items_total: %s", m.field("items_total", decimal, column, fold))
	case price != "":
		m.line(depth, "items_total: %s", m.field("items_total", decimal, price, fold))
	}
}

// refunds books what credit notes give back; see hasCreditNotes.
func (m *mapping) refunds() {
	columns := m.d.guess
	number := scalar(columns.fields["id"])
	quantity, price := columns.line["quantity"], columns.line["price"]
	m.line(1, "shop.refunds:   # order numbers that begin with C are credit notes")
	m.line(2, "where: [{column: %s, prefix: C}, {column: %s, below: 0}]", number, scalar(quantity))
	m.line(2, "fields:")
	m.line(3, "id: %s", number)
	m.line(3, "at: %s", m.field("at", timestamp, columns.fields["ordered_at"], "min"))
	product := []string{fmt.Sprintf("product: [%s, %s]", scalar(quantity), scalar(price))}
	product = append(product, m.numberOptions(price)...)
	m.line(3, "amount: %s", flow(append(product, "factor: -1"), "sum"))
	m.line(3, "reason: {const: cancellation}")
}

func (m *mapping) fields(depth int, words []vocabulary, columns map[string]string, fold string) {
	for _, word := range words {
		if column := columns[word.field]; column != "" {
			m.line(depth, "%s: %s", word.field, m.field(word.field, word.kind, column, fold))
		}
	}
}

// field writes where a field comes from, with the options its values call for.
func (m *mapping) field(field string, k kind, column, fold string) string {
	return m.fieldAt("", field, k, column, fold)
}

// fieldAt is field where columns are found by a path that begins as from says.
func (m *mapping) fieldAt(from, field string, k kind, column, fold string) string {
	path := scalar(from + within(column))
	values := m.d.values(column)
	var options []string
	switch {
	case k == id && slices.ContainsFunc(values, trailing0.MatchString):
		options = append(options, "clean: integer_id")
	case k == timestamp:
		if option := m.d.days(column).option(); option != "" {
			options = append(options, option)
		}
	case k == decimal:
		options = m.numberOptions(column)
	case k == seconds && slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, ":") }):
		options = append(options, "clock: true")
	case k == list:
		if mark := splitMark(values); mark != "" {
			options = append(options, "split: "+quoted(mark))
		}
	}
	from = "column: " + path
	if clock := m.d.guess.clocks[column]; k == timestamp && clock != "" {
		from = "join: " + listOf([]string{column, clock})
	} else if len(options) == 0 && fold == "" {
		return path
	}
	return flow(append([]string{from}, options...), fold)
}

func (m *mapping) numberOptions(columns ...string) []string {
	written := m.d.amounts(columns...)
	var options []string
	if written.comma {
		options = append(options, "decimal_comma: true")
	}
	switch written.thousands {
	case "":
	case "\u00a0", "\u202f":
		options = append(options, `thousands: " "`)
	default:
		options = append(options, "thousands: "+quoted(written.thousands))
	}
	return options
}

// status maps the words found to those of the contract.
func (m *mapping) status(column string) string {
	if column == "" {
		if m.d.role == invoices && m.d.hasCreditNotes() {
			return fmt.Sprintf("{const: completed, when: [{column: %s, prefix: C, value: cancelled}]}", scalar(m.d.guess.fields["id"]))
		}
		return "{const: completed}   # no column tells the state of an order: all count"
	}
	var pairs, strange []string
	words := slices.Compact(slices.Sorted(slices.Values(m.d.values(column))))
	for _, word := range words {
		switch known := state(word); {
		case known == "" && len(strange) < 10:
			strange = append(strange, strings.ReplaceAll(word, "\n", " "))
		case known != "" && known != strings.ToLower(word):
			pairs = append(pairs, scalar(word)+": "+known)
		}
	}
	text := scalar(column)
	if len(pairs) > 0 {
		text = flow([]string{"column: " + text, "map: {" + strings.Join(pairs, ", ") + "}"}, "")
	}
	if len(strange) > 0 {
		text += "   # add to a map {word: placed|paid|shipped|completed|cancelled}: " + strings.Join(strange, ", ")
	}
	return text
}

func flow(options []string, fold string) string {
	if fold != "" {
		options = append(options, "fold: "+fold)
	}
	return "{" + strings.Join(options, ", ") + "}"
}

func listOf(texts []string) string {
	if len(texts) == 1 {
		return scalar(texts[0])
	}
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = scalar(text)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

var plainScalar = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_/*-]*([ .][\p{L}\p{N}_/*-]+)*$`)

// scalar writes a text so that YAML reads the same text back, in quotes where they are needed.
func scalar(text string) string {
	switch strings.ToLower(text) {
	case "true", "false", "null", "yes", "no", "on", "off":
		return quoted(text)
	}
	if plainScalar.MatchString(text) {
		return text
	}
	return quoted(text)
}

func quoted(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(strings.ReplaceAll(text, "${", "$${")); err != nil {
		return `""` // a text always encodes
	}
	return strings.TrimSpace(out.String())
}
