package scaffold

import (
	"slices"
	"strings"
)

// Columns of JSON and Parquet may be paths. Most say what they are as a whole,
// customer.id, others only without the objects around them: totals.amount.

// wrappers are objects that only hold a record's fields together.
const wrappers = "totals total amounts amount prices price money sums summary payment payments data attributes properties property fields info details " +
	"order sale purchase transaction receipt invoice record итоги данные заказ оплата реквизиты"

// persons are objects that hold who bought: within one, contacts are that person's.
const persons = "customer client buyer user account contact person billing billingaddress payer member recipient shippingaddress " +
	"клиент покупатель заказчик контакт контрагент получатель"

// contactFields are the fields that a person's object gives.
var contactFields = []string{"email", "phone", "first_name", "last_name", "city", "country"}

// innermost are keys under which an object keeps the value it is named for: price.amount, currency.code.
const innermost = "amount value sum total price code name title date number"

// eachElement stands in the path of a column behind the list whose elements have it.
const eachElement = "[]."

// inList tells whether a column is one of a list within the records.
func inList(column string) bool { return strings.Contains(column, eachElement) }

// callings are the normal names a path may go by when its whole is no known one, the surest first.
func callings(column, field string) []string {
	var names []string
	parts := strings.Split(column, ".")
	for i, part := range parts {
		parts[i] = normal(part)
	}
	if len(parts) > 1 && slices.Contains(contactFields, field) && isOneOf(parts[0], persons) {
		parts = parts[1:]
		names = append(names, strings.Join(parts, ""))
	}
	for len(parts) > 1 && isOneOf(parts[0], wrappers) {
		if isOneOf(parts[len(parts)-1], innermost) {
			names = append(names, strings.Join(parts[:len(parts)-1], ""))
		}
		parts = parts[1:]
		names = append(names, strings.Join(parts, ""))
	}
	if len(parts) > 1 && isOneOf(parts[len(parts)-1], innermost) {
		names = append(names, strings.Join(parts[:len(parts)-1], ""))
	}
	if len(parts) == 2 {
		names = append(names, parts[1]+parts[0]) // name.first
	}
	return names
}

func isOneOf(word, words string) bool { return slices.Contains(strings.Fields(words), word) }

// linesWithin finds the list in the records of orders that holds their lines, and which of its columns is which field.
func (t *table) linesWithin() (list string, columns map[string]string) {
	for _, name := range t.listNames() {
		found := match(t.lists[name], lineWords, nil)
		if column := t.lists[name].column("name"); found["name"] == "" && column != "" {
			found["name"] = column // of a line, so of what was bought
		}
		if hasLines(found) && len(found) > len(columns) {
			list, columns = name, found
		}
	}
	for field, column := range columns {
		columns[field] = list + eachElement + column
	}
	return list, columns
}

// hasLines tells whether what was found says what was bought, and how much of it.
func hasLines(line map[string]string) bool {
	return line["product_id"]+line["sku"]+line["name"] != "" && line["quantity"]+line["price"] != ""
}

// within is the path of a column of a list from an element of it.
func within(column string) string {
	if _, rest, found := strings.Cut(column, eachElement); found {
		return rest
	}
	return column
}

// personWithin finds what the records of orders tell of the customer, in the object that has the customer's id; nil if
// that is no more than an order itself can hold.
func (t *table) personWithin(customerID string) map[string]string {
	at := strings.LastIndexByte(customerID, '.')
	if at < 0 {
		return nil
	}
	object := customerID[:at+1]
	part := &table{path: t.path, format: t.format}
	for _, column := range t.columns {
		if inner, found := strings.CutPrefix(column, object); found && !inList(column) {
			part.columns = append(part.columns, inner)
		}
	}
	for _, row := range t.rows {
		cells := make([]string, len(part.columns))
		for i, inner := range part.columns {
			cells[i] = row[slices.Index(t.columns, object+inner)]
		}
		part.rows = append(part.rows, cells)
	}
	found := match(part, customerWords, nil)
	if found["first_name"]+found["last_name"]+found["city"]+found["country"]+found["registered_at"] == "" {
		return nil
	}
	for field, column := range found {
		found[field] = object + column
	}
	found["id"] = customerID
	return found
}
