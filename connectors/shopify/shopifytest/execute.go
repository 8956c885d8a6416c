package shopifytest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a value with fields. A field that is not there is not in the schema.
type object struct {
	typ    string
	fields map[string]any // nil, scalars, *object, []*object for plain lists, connection
}

// entry is a record of a list, with what lists are filtered and sorted by; it is
// made into an object when it is asked for.
type entry struct {
	id, customer     int64
	created, updated time.Time
	words            map[string]string // action, subject_type
	object           func() *object
}

// connection is a list within an object.
type connection []*object

// problem is one of the errors of an answer.
type problem struct {
	code, message string
	path          []any
}

func (p problem) json() map[string]any {
	return map[string]any{"message": p.message, "path": p.path, "extensions": map[string]any{"code": p.code, "documentation": "https://shopify.dev/api"}}
}

// execution is the answering of one query.
type execution struct {
	shop     *Shop
	problems []problem
	warnings []map[string]any
	nodes    int // that were given
}

func (e *execution) undefined(typ, field string) {
	e.problems = append(e.problems, problem{code: "undefinedField", message: fmt.Sprintf("Field '%s' doesn't exist on type '%s'", field, typ)})
}

// object answers the fields of an object.
func (e *execution) object(o *object, fields []selection, path []any) map[string]any {
	out := map[string]any{}
	for _, f := range fields {
		if f.on != "" {
			if f.on == o.typ {
				for name, value := range e.object(o, f.fields, path) {
					out[name] = value
				}
			}
			continue
		}
		value, known := o.fields[f.name]
		if !known {
			e.undefined(o.typ, f.name)
			continue
		}
		out[f.name] = e.value(o, value, f, append(slices.Clone(path), f.name))
	}
	return out
}

func (e *execution) value(o *object, value any, f selection, path []any) any {
	if e.shop.hides(o.typ, f.name) {
		e.problems = append(e.problems, problem{code: "ACCESS_DENIED", message: "This app is not approved to access the " + o.typ + " object.", path: path})
		return nil
	}
	switch v := value.(type) {
	case *object:
		if v == nil {
			return nil
		}
		if f.leaf {
			e.undefined(o.typ, f.name+" without fields")
		}
		return e.object(v, f.fields, path)
	case []*object:
		list := []any{}
		for i, item := range v {
			list = append(list, e.object(item, f.fields, append(slices.Clone(path), i)))
		}
		return list
	case connection:
		all := make([]entry, len(v))
		for i, o := range v {
			all[i] = entry{id: int64(i), object: func() *object { return o }}
		}
		return e.page(all, f, path, func(o entry) string { return fmt.Sprintf("%06d", o.id) })
	}
	if !f.leaf && value != nil {
		e.undefined(o.typ, f.name+" with fields")
	}
	return value
}

// page answers a page of a connection; cursors are the keys that it is sorted by.
func (e *execution) page(all []entry, f selection, path []any, key func(entry) string) map[string]any {
	first, ok := f.args["first"].(float64)
	if !ok || first < 1 || first > 250 {
		e.problems = append(e.problems, problem{code: "BAD_REQUEST", message: "first must be between 1 and 250"})
		return nil
	}
	start := 0
	if after, ok := f.args["after"].(string); ok {
		start = len(all)
		for i, o := range all {
			if key(o) > after {
				start = i
				break
			}
		}
	}
	end := min(start+int(first), len(all))
	out := map[string]any{}
	for _, inner := range f.fields {
		switch inner.name {
		case "pageInfo":
			info := map[string]any{"hasNextPage": end < len(all), "endCursor": nil}
			if end > start {
				info["endCursor"] = key(all[end-1])
			}
			out["pageInfo"] = info
		case "nodes":
			list := []any{}
			for i, o := range all[start:end] {
				e.nodes++
				list = append(list, e.object(o.object(), inner.fields, append(slices.Clone(path), "nodes", i)))
			}
			out["nodes"] = list
		default:
			e.undefined("Connection", inner.name)
		}
	}
	return out
}

// price is what fields cost: 1 for an object, a connection by how many it may give.
// The real formula is not published; this one grows with its root, and comes near
// to the published samples.
func price(fields []selection) float64 {
	var sum float64
	for _, f := range fields {
		switch {
		case f.on != "":
			sum += price(f.fields)
		case f.leaf, f.name == "pageInfo":
		case f.name == "nodes", f.name == "edges", f.name == "node":
			sum += price(f.fields)
		default:
			n := 1.0
			if first, ok := f.args["first"].(float64); ok {
				n = math.Ceil(math.Sqrt(first))
			}
			if ids, ok := f.args["ids"].([]any); ok {
				n = math.Ceil(math.Sqrt(float64(len(ids))))
			}
			sum += 1 + n*price(f.fields)
		}
	}
	return sum
}

// roots are the lists of the shop: their filters and keys to sort by.
var roots = map[string]struct{ filters, sorts []string }{
	"orders":             {[]string{"created_at", "updated_at", "processed_at", "id", "status", "customer_id"}, []string{"PROCESSED_AT", "CREATED_AT", "UPDATED_AT", "ID"}},
	"customers":          {[]string{"updated_at", "customer_date", "id"}, []string{"ID", "UPDATED_AT", "CREATED_AT"}},
	"products":           {[]string{"updated_at", "created_at", "id", "status"}, []string{"ID", "UPDATED_AT"}},
	"abandonedCheckouts": {[]string{"created_at", "updated_at", "id", "status"}, []string{"ID", "CREATED_AT"}},
	"events":             {[]string{"action", "subject_type", "created_at", "id"}, []string{"ID", "CREATED_AT"}},
}

// list answers a list of the shop.
func (e *execution) list(f selection) map[string]any {
	found := e.found(f)
	if e.shop.options.Broken == f.name {
		e.problems = append(e.problems, problem{code: "undefinedField", message: "Field '" + f.name + "' doesn't exist on type 'QueryRoot'"})
		return nil
	}
	if e.shop.options.Denied == f.name {
		e.problems = append(e.problems, problem{code: "ACCESS_DENIED", message: "Access denied for " + f.name + " field.", path: []any{f.name}})
		return nil
	}
	sort, _ := f.args["sortKey"].(string)
	if sort == "" {
		sort = roots[f.name].sorts[0]
	}
	if !slices.Contains(roots[f.name].sorts, sort) {
		e.problems = append(e.problems, problem{code: "argumentLiteralsIncompatible", message: "sortKey has an invalid value " + sort})
		return nil
	}
	key := func(o entry) string { return sortKey(o, sort) }
	slices.SortStableFunc(found, func(a, b entry) int { return strings.Compare(key(a), key(b)) })
	return e.page(found, f, []any{f.name}, key)
}

// sortKey is what records are sorted by; the id makes it unique.
func sortKey(o entry, sort string) string {
	var at time.Time
	switch sort {
	case "UPDATED_AT":
		at = o.updated
	case "CREATED_AT", "PROCESSED_AT":
		at = o.created
	}
	return fmt.Sprintf("%012d/%020d", at.Unix(), o.id)
}

// found are the records that a filter lets through.
func (e *execution) found(f selection) []entry {
	filter, _ := f.args["query"].(string)
	var list []entry
	for _, o := range e.shop.entries(f.name) {
		if e.matches(f.name, o, filter) {
			list = append(list, o)
		}
	}
	return list
}

func (e *execution) matches(root string, o entry, filter string) bool {
	if filter == "" {
		return true
	}
	for _, term := range strings.Split(filter, " AND ") {
		name, value, _ := strings.Cut(term, ":")
		if !slices.Contains(roots[root].filters, name) {
			e.warnings = append(e.warnings, map[string]any{"field": name, "message": "is not a search field", "code": "invalid_field"})
			return true // as the real one does
		}
		if !holds(root, o, name, value) {
			return false
		}
	}
	return true
}

// holds says whether a term holds of a record.
func holds(root string, o entry, name, value string) bool {
	at := o.created
	switch name {
	case "action", "subject_type":
		return strings.EqualFold(o.words[name], value)
	case "customer_id":
		return strconv.FormatInt(o.customer, 10) == value
	case "updated_at":
		at = o.updated
	case "created_at":
	default:
		return true
	}
	operator := strings.TrimRight(value[:min(2, len(value))], "'0123456789")
	bound, err := time.Parse(time.RFC3339, strings.Trim(value[len(operator):], "'"))
	if err != nil {
		return false
	}
	if root == "customers" { // whole days
		at, bound = at.Truncate(24*time.Hour), bound.Truncate(24*time.Hour)
	}
	switch operator {
	case ">=", ">":
		return !at.Before(bound)
	case "<":
		return at.Before(bound)
	}
	return false
}

// query answers a whole query.
func (e *execution) query(fields []selection) map[string]any {
	data := map[string]any{}
	for _, f := range fields {
		switch f.name {
		case "shop":
			data[f.name] = e.object(&object{"Shop", map[string]any{"name": "Lamps", "ianaTimezone": "Europe/Berlin", "currencyCode": "EUR"}}, f.fields, []any{f.name})
		case "currentAppInstallation":
			data[f.name] = e.object(e.shop.installation(), f.fields, []any{f.name})
		case "bulkOperation":
			data[f.name] = e.shop.operation(e, f)
		case "bulkOperationRunQuery":
			data[f.name] = e.shop.begin(f)
		case "bulkOperationCancel":
			data[f.name] = e.shop.cancel(f)
		case "node":
			id, _ := f.args["id"].(string)
			data[f.name] = e.node(id, f)
		case "nodes":
			list := []any{}
			ids, _ := f.args["ids"].([]any)
			for _, id := range ids {
				list = append(list, e.node(id.(string), f))
			}
			data[f.name] = list
		default:
			if _, known := roots[f.name]; !known {
				e.undefined("QueryRoot", f.name)
				continue
			}
			if page := e.list(f); page != nil {
				data[f.name] = page
			} else {
				data[f.name] = nil
			}
		}
	}
	return data
}

func (e *execution) node(id string, f selection) any {
	if o := e.shop.find(id); o != nil {
		e.nodes++
		return e.object(o, f.fields, []any{f.name})
	}
	return nil
}

func count(n int) string { return strconv.Itoa(n) }
