package woocommercetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"winback/connectors/connectortest"
)

const naive = "2006-01-02T15:04:05"

// zone is the shop's.
var zone = time.FixedZone("shop", 3*60*60)

// entry is a record with what lists are filtered and sorted by.
type entry struct {
	id                int64
	created, modified time.Time
	json              func() map[string]any
}

// serve answers for a list.
func (s *Shop) serve(w http.ResponseWriter, path string, query url.Values) {
	parts := strings.Split(path, "/")
	switch {
	case path == "orders":
		s.list(w, query, s.orderEntries(query), "status", "modified_after", "modified_before", "dates_are_gmt", "after", "before")
	case path == "products":
		s.list(w, query, s.productEntries(query), "status", "modified_after", "modified_before", "dates_are_gmt")
	case path == "customers":
		s.list(w, query, s.customerEntries(query), "role")
	case path == "refunds" && !s.options.Old && !s.options.NoRefundList:
		s.list(w, query, s.refundEntries(0))
	case len(parts) == 3 && parts[0] == "orders" && parts[2] == "refunds":
		s.inside(w, query, parts[1], "woocommerce_rest_shop_order_invalid_id", s.refundEntries)
	case len(parts) == 3 && parts[0] == "products" && parts[2] == "variations":
		s.inside(w, query, parts[1], "woocommerce_rest_product_invalid_id", s.variationEntries)
	default:
		s.fail(w, &failure{http.StatusNotFound, "rest_no_route", "No route was found matching the URL and request method.", nil})
	}
}

func (s *Shop) inside(w http.ResponseWriter, query url.Values, id, code string, entries func(int64) []entry) {
	n, _ := strconv.ParseInt(id, 10, 64)
	list := entries(n)
	if list == nil {
		s.fail(w, &failure{http.StatusNotFound, code, "Invalid ID.", nil})
		return
	}
	s.list(w, query, list)
}

// list answers with a page.
func (s *Shop) list(w http.ResponseWriter, query url.Values, all []entry, filters ...string) {
	known := append([]string{"per_page", "page", "offset", "order", "orderby", "_fields", "include"}, filters...)
	if err := connectortest.Allowed(query, known...); err != nil {
		s.fail(w, invalid("query", err.Error()))
		return
	}
	if f := s.sort(query, &all); f != nil {
		s.fail(w, f)
		return
	}
	if f := s.filter(query, &all); f != nil {
		s.fail(w, f)
		return
	}
	size := number(query, "per_page", 10)
	if size < 1 || size > 100 {
		s.fail(w, invalid("per_page", "per_page must be between 1 (inclusive) and 100 (inclusive)"))
		return
	}
	if heavy := s.options.Heavy; heavy > 0 && size >= heavy && len(filters) == 6 && query.Get("_fields") == "" {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, "<p>There has been a critical error on this website.</p>")
		return
	}
	start := number(query, "offset", (number(query, "page", 1)-1)*size)
	if s.options.Stuck {
		start = 0
	}
	page := all[min(start, len(all)):min(start+size, len(all))]
	s.answer(w, query, page, len(all), size)
}

func (s *Shop) answer(w http.ResponseWriter, query url.Values, page []entry, total, size int) {
	list := make([]map[string]any, len(page))
	for i, e := range page {
		list[i] = e.json()
		if fields := query.Get("_fields"); fields != "" {
			whole := list[i]
			list[i] = map[string]any{}
			for _, name := range strings.Split(fields, ",") {
				if value, ok := whole[name]; ok {
					list[i][name] = value
				}
			}
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if s.options.Noise {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8") // printed before the header could be sent
	}
	w.Header().Set("X-WP-Total", strconv.Itoa(total))
	w.Header().Set("X-WP-TotalPages", strconv.Itoa((total+size-1)/size))
	if s.options.Noise {
		fmt.Fprint(w, "<br />\n<b>Warning</b>:  Undefined array key [\"x\"] in <b>/var/www/plugin.php</b> on line <b>12</b><br />\n")
	}
	_ = json.NewEncoder(w).Encode(list)
}

func number(query url.Values, name string, otherwise int) int {
	if n, err := strconv.Atoi(query.Get(name)); err == nil {
		return n
	}
	return otherwise
}

func (s *Shop) sort(query url.Values, all *[]entry) *failure {
	descending := query.Get("order") != "asc"
	switch by := query.Get("orderby"); {
	case by == "id", by == "include":
		*all = sorted(*all, func(a, b entry) int { return cmp.Compare(a.id, b.id) }, descending)
	case by == "modified" && !s.options.Old:
		*all = sorted(*all, func(a, b entry) int { return a.modified.Compare(b.modified) }, descending)
	case by == "", by == "date":
		*all = sorted(*all, func(a, b entry) int { return a.created.Compare(b.created) }, descending)
	default:
		return invalid("orderby", "orderby is not one of date, id, include, title and slug.")
	}
	return nil
}

// filter leaves out what was not asked for; both bounds are exclusive.
func (s *Shop) filter(query url.Values, all *[]entry) *failure {
	if include := query.Get("include"); include != "" {
		ids := strings.Split(include, ",")
		*all = slices.DeleteFunc(slices.Clone(*all), func(e entry) bool { return !slices.Contains(ids, strconv.FormatInt(e.id, 10)) })
	}
	if s.options.Old {
		return nil // as an old shop does with what it does not know
	}
	for _, name := range []string{"modified_after", "modified_before"} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		bound, err := time.ParseInLocation(naive, text, zone)
		if query.Get("dates_are_gmt") == "true" {
			bound, err = time.Parse(naive, text)
		}
		if err != nil {
			return invalid(name, "Invalid date.")
		}
		*all = slices.DeleteFunc(slices.Clone(*all), func(e entry) bool {
			if name == "modified_after" {
				return !e.modified.After(bound)
			}
			return !e.modified.Before(bound)
		})
	}
	return nil
}

// listed says whether a record of a status is in the list of another.
func (s *Shop) listed(query url.Values, status string) bool {
	switch wanted := query.Get("status"); wanted {
	case "any", "":
		return status != "trash" && (status != "checkout-draft" || s.options.DraftsAmongAny)
	default:
		return status == wanted
	}
}

func (s *Shop) orderEntries(query url.Values) []entry {
	var list []entry
	for _, o := range s.orders {
		if s.listed(query, o.status) {
			list = append(list, entry{id: o.id, created: o.created, modified: o.modified, json: o.json})
		}
	}
	return list
}

func (s *Shop) productEntries(query url.Values) []entry {
	var list []entry
	for _, p := range s.products {
		if s.listed(query, p.status) {
			list = append(list, entry{id: p.id, created: p.created, modified: p.modified, json: p.json})
		}
	}
	return list
}

// customerEntries are customers alone, unless all roles are asked for.
func (s *Shop) customerEntries(query url.Values) []entry {
	var list []entry
	for _, c := range s.customers {
		if query.Get("role") == "all" || c.role == "customer" {
			list = append(list, entry{id: c.id, created: c.created, json: c.json})
		}
	}
	return list
}

// refundEntries are the refunds of an order, or of all; nil if there is no such
// order.
func (s *Shop) refundEntries(id int64) []entry {
	var list []entry
	for _, o := range s.orders {
		if id != 0 && o.id != id {
			continue
		}
		if id != 0 {
			list = []entry{}
		}
		for _, r := range o.refunds {
			list = append(list, entry{id: r.id, created: r.at, modified: r.at, json: func() m { return r.json(o) }})
		}
	}
	return list
}

func (s *Shop) variationEntries(id int64) []entry {
	for _, p := range s.products {
		if p.id != id {
			continue
		}
		list := []entry{}
		for i, id := range p.variations {
			list = append(list, entry{id: id, created: p.created, modified: p.modified, json: func() m { return p.variation(id, i) }})
		}
		return list
	}
	return nil
}
