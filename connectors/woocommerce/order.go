package woocommerce

import (
	"context"
	"encoding/json"
	"html"
	"strings"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// order makes the rows of one order: itself, its lines and refunds, and the cart
// that it was.
func (run *orderRun) order(ctx context.Context, raw json.RawMessage, h *head, refunds []json.RawMessage) error {
	r := run.rows.Record(raw)
	r.Need("id", "status", "currency", "line_items", "total")
	o := run.readOrder(r, h)
	o.row.Refunded = entity.Some(refunded(h, refunds))
	net := o.row.ItemsTotal.V - orZero(o.row.Discount) - o.row.Refunded.V
	o.row.NetRevenue = entity.Some(net)
	if o.isOrder || o.row.Deleted {
		record.Add(r, &o.row)
		for i := range o.lines {
			record.Add(o.from[i], &o.lines[i])
		}
	}
	if o.atCheckout {
		record.Add(o.forCart(r), o.cart())
	}
	if err := run.rows.End(ctx, r); err != nil || o.row.Deleted {
		return err
	}
	for _, raw := range refunds {
		if err := run.refund(ctx, raw, h); err != nil {
			return err
		}
	}
	return nil
}

// sale is an order as it is made into rows.
type sale struct {
	row        entity.Order
	lines      []entity.OrderLine
	from       []*record.Record // of the lines
	isOrder    bool             // else a cart that was left
	trashed    bool
	atCheckout bool // a customer made it, and not the staff
}

// readOrder reads an order.
func (run *orderRun) readOrder(r *record.Record, h *head) *sale {
	r.Drop("order_key", "payment_url", "cart_hash", "_links")
	s := run.s
	billing, shipping := r.Object("billing"), r.Object("shipping")
	id, status, via := r.ID("id"), r.Lower("status"), r.Lower("created_via")
	o := &sale{row: entity.Order{
		ID: id, Number: r.Text("number"), CustomerID: r.ID("customer_id"), Email: billing.Text("email"), Phone: firstOf(billing.Text("phone"), shipping.Text("phone")),
		OrderedAt: s.instant(r, "date_created"), Currency: r.Text("currency"), Discount: r.Decimal("discount_total"),
		Shipping: r.Decimal("shipping_total"), Tax: r.Decimal("total_tax"), Coupon: coupon(r), Channel: channel(via),
	}}
	o.row.SourceUpdatedAt = s.instant(r, "date_modified")
	s.instant(r, "date_paid")
	s.instant(r, "date_completed")
	r.Keep("date_paid_gmt", "date_completed_gmt", "created_via", "refunds")
	r.List("refunds")
	o.atCheckout = atCheckout(status, via)
	o.row.Status, o.isOrder = s.status(status, r.Has("date_paid_gmt"), o.atCheckout)
	if status != o.row.Status {
		r.Keep("status")
	}
	o.trashed = status == trashStatus
	o.row.Deleted = o.trashed || !o.isOrder && status != draftStatus
	if o.atCheckout {
		o.row.CartID = id
	}
	o.readLines(r)
	return o
}

// readLines reads goods and fees, which are lines too, negative ones included.
func (o *sale) readLines(r *record.Record) {
	var sum entity.Decimal
	for _, line := range r.List("line_items") {
		total := line.Decimal("subtotal")
		quantity := line.Decimal("quantity")
		price, discount, pieces := unit(total.V, quantity.V)
		product := line.ID("variation_id")
		if product == "" {
			product = line.ID("product_id")
		} else {
			line.Keep("product_id")
			line.ID("product_id")
		}
		sum += total.V
		o.add(line, entity.OrderLine{
			ProductID: product, SKU: line.Text("sku"), Name: plain(line.Text("name")), Quantity: entity.Some(pieces),
			Price: entity.Some(price), Discount: entity.Some(discount),
		})
		line.Keep("quantity")
	}
	for _, fee := range r.List("fee_lines") {
		total := fee.Decimal("total")
		sum += total.V
		o.add(fee, entity.OrderLine{Name: plain(fee.Text("name")), Quantity: entity.Some(entity.Decimal(10_000)), Price: total, Discount: entity.Some(entity.Decimal(0))})
	}
	o.row.ItemsTotal = entity.Some(sum)
	o.row.LineCount = entity.Some(int64(len(o.lines)))
}

func (o *sale) add(from *record.Record, line entity.OrderLine) {
	line.OrderID, line.LineNo = o.row.ID, int64(len(o.lines)+1)
	line.Deleted, line.SourceUpdatedAt = o.row.Deleted, o.row.SourceUpdatedAt
	o.lines, o.from = append(o.lines, line), append(o.from, from)
}

// atCheckout says whether an order began as a customer's cart.
func atCheckout(status, via string) bool {
	return status == draftStatus || via == "checkout" || via == "store-api"
}

// status says what a state of the shop means, and whether it is that of an order;
// one that was begun at the checkout and never paid is a cart.
func (s *source) status(state string, paid, atCheckout bool) (status string, isOrder bool) {
	if word, ok := s.config.Statuses[state]; ok {
		return word, true
	}
	isOrder = state != draftStatus && state != trashStatus
	switch state {
	case "pending", draftStatus:
		status = "placed"
	case "processing", "on-hold":
		status = "placed"
		if paid {
			status = "paid"
		}
	case "completed", "refunded":
		status = "completed"
	case "cancelled", "failed":
		status = "cancelled"
	default:
		status = state
	}
	if atCheckout && s.config.Unpaid != "order" && (state == "pending" || state == "failed") {
		isOrder = false
	}
	return status, isOrder
}

// channel says where an order came from.
func channel(via string) string {
	switch via {
	case "checkout", "store-api":
		return "web"
	}
	return via
}

// coupon is the first code of an order; payload keeps all of them.
func coupon(r *record.Record) string {
	codes := r.List("coupon_lines")
	r.Keep("coupon_lines")
	if len(codes) == 0 {
		return ""
	}
	return codes[0].Text("code")
}

// instant reads a time that the shop gives twice, in UTC and in its own zone.
func (s *source) instant(r *record.Record, name string) entity.Opt[entity.Time] {
	r.Drop(name)
	if r.Has(name + "_gmt") {
		return r.Time(name + "_gmt")
	}
	return r.TimeIn(name, s.zone)
}

// plain is a name without the entities of HTML.
func plain(text string) string { return strings.TrimSpace(html.UnescapeString(text)) }

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
