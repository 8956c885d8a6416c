package woocommerce

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"winback/connectors"
	"winback/connectors/record"
	"winback/connectors/restapi"
	"winback/connectors/window"
)

// States of orders that the shop has apart from its list of "any".
const (
	anyStatus   = "any"
	trashStatus = "trash"
	draftStatus = "checkout-draft"
)

// orderRun is one extraction of orders.
type orderRun struct {
	s      *source
	req    connectors.Request
	rows   *record.Rows
	plan   window.Plan
	window window.Window
	now    time.Time
}

func (s *source) extractOrders(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	now, err := s.now(ctx)
	if err != nil {
		return connectors.Extracted{}, err
	}
	last, _, err := window.Last(req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	run := &orderRun{s: s, req: req, now: now, rows: s.rows(req, sink, orderSchema, orderFields, last.Unknown)}
	run.plan = window.Plan{Since: s.config.Begin(s.zone), Oldest: s.oldestOrder, Overlap: s.overlap(), Lag: lag, Now: now}
	w, ok, err := run.plan.Next(ctx, req)
	if !ok || err != nil {
		return connectors.Extracted{}, err
	}
	run.window = w
	for _, status := range []string{anyStatus, trashStatus, draftStatus} {
		if err := run.read(ctx, status); err != nil {
			return connectors.Extracted{}, err
		}
	}
	if err := run.rows.Close(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	s.tellNoise(req)
	return run.window.Done(run.rows.Unknown(), nil)
}

// oldestOrder is when the order was changed that has been left alone the longest.
func (s *source) oldestOrder(ctx context.Context) (oldest time.Time, ok bool, err error) {
	for _, by := range []string{"modified", "date"} { // an old shop knows the second only
		for _, status := range []string{anyStatus, trashStatus, draftStatus} {
			var p page
			query := url.Values{"per_page": {"1"}, "status": {status}, "orderby": {by}, "order": {"asc"}, "_fields": {"id,date_created_gmt,date_modified_gmt"}}
			p, err = s.get(ctx, restapi.Request{Path: s.config.path("orders"), What: "orders", Query: query}, false)
			if restapi.CodeOf(err) == invalidParameter {
				err = nil
				continue
			}
			if err != nil {
				return oldest, false, err
			}
			for _, raw := range p.rows {
				if at, found := changed(raw); found && (!ok || at.Before(oldest)) {
					oldest, ok = at, true
				}
			}
		}
		if ok {
			return oldest, true, nil
		}
	}
	return oldest, false, nil
}

const invalidParameter = "rest_invalid_param"

// changed is the time of a record's last change.
func changed(raw json.RawMessage) (at time.Time, ok bool) {
	var r struct {
		Created  string `json:"date_created_gmt"`
		Modified string `json:"date_modified_gmt"`
	}
	if json.Unmarshal(raw, &r) != nil {
		return at, false
	}
	for _, text := range []string{r.Modified, r.Created} {
		if at, err := time.Parse(naive, text); err == nil {
			return at, true
		}
	}
	return at, false
}

// naive is how the shop writes times.
const naive = "2006-01-02T15:04:05"

// during asks for what was changed within a window. The shop leaves out both
// bounds, and knows whole seconds.
func during(w window.Window) url.Values {
	return url.Values{
		"modified_after":  {w.From.UTC().Truncate(time.Second).Add(-time.Second).Format(naive)},
		"modified_before": {ceiling(w.Until).Format(naive)},
		"dates_are_gmt":   {"true"},
	}
}

func ceiling(t time.Time) time.Time {
	return t.UTC().Add(time.Second - time.Nanosecond).Truncate(time.Second)
}

// read reads the orders of one status.
func (run *orderRun) read(ctx context.Context, status string) error {
	query := during(run.window)
	query.Set("status", status)
	walk := run.s.walk(list{path: "orders", query: query}, run.req.Sample)
	var read int
	for !walk.done {
		orders, err := walk.next(ctx)
		if status != anyStatus && restapi.CodeOf(err) == invalidParameter {
			return nil // the shop does not know the status
		}
		if err != nil {
			return err
		}
		run.rows.Page("orders, " + status + ", " + run.window.Name())
		read += len(orders)
		if err := run.page(ctx, status, orders); err != nil {
			return err
		}
	}
	if schema := orderSchema; walk.total > 0 {
		if status == draftStatus {
			schema = cartSchema
		}
		run.rows.Expect(schema, int64(walk.total))
	}
	return nil
}

// page makes the rows of some orders.
func (run *orderRun) page(ctx context.Context, status string, orders []json.RawMessage) error {
	heads := make([]head, 0, len(orders))
	kept := orders[:0:0]
	for _, raw := range orders {
		h, err := headOf(raw)
		if err != nil {
			h = head{Status: status} // told when it is read as a record
		}
		if err := run.watch(ctx, h); err != nil {
			return err
		}
		if foreign(status, h.Status) {
			run.rows.Expect(orderSchema, -1) // it comes with its own list
			continue
		}
		heads, kept = append(heads, h), append(kept, raw)
	}
	refunds, err := run.s.refundsOf(ctx, heads)
	if err != nil {
		return err
	}
	for i, raw := range kept {
		if err := run.order(ctx, raw, &heads[i], refunds[heads[i].ID]); err != nil {
			return err
		}
	}
	return nil
}

// foreign says whether an order of "any" belongs to another list, as some versions
// have drafts among them.
func foreign(list, status string) bool {
	return list == anyStatus && (status == draftStatus || status == trashStatus)
}

// watch notices a shop that does not know modified_after and silently answers with
// all its orders: then this reading is of all there is.
func (run *orderRun) watch(ctx context.Context, h head) error {
	at, err := time.Parse(naive, h.Modified)
	if err != nil || !at.Before(run.window.From.Truncate(time.Second)) && (at.Before(ceiling(run.window.Until)) || at.After(run.now.Add(-time.Minute))) {
		return nil
	}
	if run.plan.Step != nil {
		return nil
	}
	run.plan.Step = func(time.Time) time.Time { return run.now }
	w, ok, err := run.plan.Next(ctx, run.req)
	if ok && err == nil {
		run.window = w
	}
	run.req.Tell(connectors.Notice{
		Kind: connectors.NoticeDrift, Inputs: []string{run.s.config.URL}, Count: 1,
		Text: "the shop does not tell which orders have changed, and all were read: WooCommerce before 5.8, or a plug-in, ignores modified_after; a newer one would make runs short",
	})
	return err
}

// orderFields are the fields of an order that the documents name.
var orderFields = []string{
	"id", "parent_id", "number", "order_key", "created_via", "version", "status", "currency", "currency_symbol", "date_*", "discount_*", "shipping_*", "shipping",
	"cart_tax", "cart_hash", "total", "total_tax", "prices_include_tax", "customer_*", "billing", "payment_*", "transaction_id", "meta_data", "line_items",
	"tax_lines", "fee_lines", "coupon_lines", "refunds", "is_editable", "needs_payment", "needs_processing", "set_paid", "_links",
	// of refunds
	"amount", "reason", "refunded_by", "refunded_payment", "api_refund", "api_restock",
}
