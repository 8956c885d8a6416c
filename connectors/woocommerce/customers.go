package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/restapi"
	"winback/connectors/window"
)

// customerRun is one extraction of customers.
type customerRun struct {
	s    *source
	req  connectors.Request
	rows *record.Rows
	seen map[int64]bool // in this extraction
}

func (s *source) extractCustomers(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	m, again, err := lastMark(req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	now, err := s.now(ctx)
	if err != nil {
		return connectors.Extracted{}, err
	}
	run := &customerRun{s: s, req: req, rows: s.rows(req, sink, customerSchema, customerFields, m.Unknown), seen: map[int64]bool{}}
	if !s.due(m, again, now) {
		err = run.changes(ctx, &m, now)
	}
	if errors.Is(err, errUntold) || s.due(m, again, now) {
		err = s.readOn(ctx, &m, now, req.Sample, run.whole())
	}
	if err == nil {
		err = run.rows.Close(ctx)
	}
	if err != nil {
		return connectors.Extracted{}, err
	}
	s.tellNoise(req)
	m.Unknown = run.rows.Unknown()
	return m.extracted()
}

// whole is the reading of all customers.
func (run *customerRun) whole() part {
	return part{
		lists: []list{{path: "customers", query: url.Values{"role": {"all"}}}},
		each:  func(ctx context.Context, _ int, rows []json.RawMessage) error { return run.page(ctx, rows) },
		ended: func(_, rows int) { run.rows.Expect(customerSchema, int64(max(rows, 0))) },
	}
}

// changes reads the customers who are new, and those whose orders have changed.
func (run *customerRun) changes(ctx context.Context, m *mark, now time.Time) error {
	until := now.Add(-lag)
	ordered, err := run.whoOrdered(ctx, window.Window{From: m.Until.Add(-run.s.overlap()), Until: until})
	if err != nil {
		return err
	}
	if err := run.newest(ctx, m); err != nil {
		return err
	}
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(ordered)) {
		if !run.seen[id] {
			ids = append(ids, strconv.FormatInt(id, 10))
		}
	}
	for some := range slices.Chunk(ids, sizes[0]) {
		query := url.Values{"role": {"all"}, "include": {strings.Join(some, ",")}, "per_page": {strconv.Itoa(sizes[0])}, "orderby": {"id"}, "order": {"asc"}}
		p, err := run.s.get(ctx, restapi.Request{Path: run.s.config.path("customers"), What: "customers", Query: query}, false)
		if err != nil {
			return err
		}
		if err := run.page(ctx, p.rows); err != nil {
			return err
		}
	}
	m.Until = until
	return nil
}

// errUntold says that the shop does not tell which orders have changed.
var errUntold = errors.New("changes are not told")

// whoOrdered finds the customers of orders that were changed within a window.
func (run *customerRun) whoOrdered(ctx context.Context, w window.Window) (map[int64]bool, error) {
	query := during(w)
	query.Set("status", anyStatus)
	query.Set("_fields", "id,customer_id,date_modified_gmt")
	walk := run.s.walk(list{path: "orders", query: query}, run.req.Sample)
	ids := map[int64]bool{}
	for !walk.done {
		orders, err := walk.next(ctx)
		if err != nil {
			return nil, err
		}
		for _, raw := range orders {
			var o struct {
				Customer int64 `json:"customer_id"`
			}
			if at, ok := changed(raw); ok && at.Before(w.From.Truncate(time.Second)) {
				return nil, errUntold
			}
			if json.Unmarshal(raw, &o) == nil && o.Customer != 0 {
				ids[o.Customer] = true
			}
		}
	}
	return ids, nil
}

// newest reads the customers with ids greater than any seen before, the newest
// first.
func (run *customerRun) newest(ctx context.Context, m *mark) error {
	known, greatest := m.Newest, m.Newest
	for start := 0; ; {
		query := url.Values{"role": {"all"}, "orderby": {"id"}, "order": {"desc"}}
		p, err := run.s.page(ctx, list{path: "customers", query: query}, start, sizes[0], 0)
		if err != nil {
			return err
		}
		fresh := slices.IndexFunc(p.ids, func(id int64) bool { return id <= known })
		if fresh < 0 {
			fresh = len(p.ids)
		}
		for _, id := range p.ids[:fresh] {
			greatest = max(greatest, id)
		}
		if err := run.page(ctx, p.rows[:fresh]); err != nil {
			return err
		}
		if start += sizes[0]; fresh < sizes[0] {
			m.Newest = greatest
			return nil
		}
	}
}

// page makes the rows of some customers.
func (run *customerRun) page(ctx context.Context, customers []json.RawMessage) error {
	run.rows.Page("customers")
	for _, raw := range customers {
		var c struct {
			ID int64 `json:"id"`
		}
		if json.Unmarshal(raw, &c) == nil && run.seen[c.ID] {
			continue // newer customers moved it to the next page
		}
		run.seen[c.ID] = true
		if err := run.customer(ctx, raw); err != nil {
			return err
		}
	}
	return nil
}

// customer makes the row of a customer.
func (run *customerRun) customer(ctx context.Context, raw json.RawMessage) error {
	r := run.rows.Record(raw)
	r.Need("id", "email")
	r.Drop("_links", "avatar_url")
	billing, shipping := r.Object("billing"), r.Object("shipping")
	c := &entity.ShopCustomer{
		ID: r.ID("id"), Email: firstOf(r.Text("email"), billing.Text("email")), Phone: firstOf(billing.Text("phone"), shipping.Text("phone")),
		FirstName: plain(firstOf(r.Text("first_name"), billing.Text("first_name"))), LastName: plain(firstOf(r.Text("last_name"), billing.Text("last_name"))),
		City: plain(firstOf(billing.Text("city"), shipping.Text("city"))), Country: firstOf(billing.Text("country"), shipping.Text("country")),
		RegisteredAt: run.s.instant(r, "date_created"),
	}
	c.SourceUpdatedAt = run.s.instant(r, "date_modified")
	if !c.SourceUpdatedAt.OK {
		c.SourceUpdatedAt = c.RegisteredAt
	}
	record.Add(r, c)
	return run.rows.End(ctx, r)
}

// customerFields are the fields of a customer that the documents name.
var customerFields = []string{
	"id", "date_*", "email", "first_name", "last_name", "role", "username", "billing", "shipping", "is_paying_customer", "avatar_url", "meta_data", "_links",
}
