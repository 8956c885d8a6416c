package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// item is a piece of goods in a cart.
type item struct {
	ProductID string `json:"product_id,omitempty"`
	SKU       string `json:"sku,omitempty"`
	Name      string `json:"name"`
	Quantity  string `json:"quantity"`
}

// carts makes the rows of some abandoned checkouts.
func (r *run) carts(ctx context.Context, records []json.RawMessage) error {
	orders, err := r.recovered(ctx, records)
	if err != nil {
		return err
	}
	for i, raw := range records {
		rec := r.rows.Record(raw)
		rec.Need("id", "createdAt", "updatedAt")
		rec.Drop("abandonedCheckoutUrl")
		customer, billing := rec.Object("customer"), rec.Object("billingAddress")
		cart := &entity.Cart{
			ID: number(rec.Text("id")), CustomerID: number(customer.Text("id")), Email: customer.Object("defaultEmailAddress").Text("emailAddress"),
			Phone: customer.Object("defaultPhoneNumber").Text("phoneNumber"), CreatedAt: rec.Time("createdAt"), UpdatedAt: rec.Time("updatedAt"),
			Value: amountOf(rec, "subtotalPriceSet"), Currency: r.currency(rec, "totalPriceSet"), Items: items(rec), OrderID: orders[i], Channel: "web",
		}
		if total := amountOf(rec, "totalPriceSet"); !cart.Value.OK {
			cart.Value = total
		}
		if phone := billing.Text("phone"); cart.Phone == "" {
			cart.Phone = phone
		}
		rec.Keep("totalPriceSet", "completedAt", "taxesIncluded")
		cart.SourceUpdatedAt = cart.UpdatedAt
		record.Add(rec, cart)
		if err := r.rows.End(ctx, rec); err != nil {
			return err
		}
	}
	return nil
}

// items are the goods of a checkout as JSON.
func items(rec *record.Record) string {
	list := []item{}
	for _, l := range rec.Object("lineItems").List("nodes") {
		list = append(list, item{ProductID: productOf(l), SKU: l.Text("sku"), Name: l.Text("title"), Quantity: l.Text("quantity")})
	}
	text, _ := json.Marshal(list) // of texts alone
	return string(text)
}

// near is how far the order of a completed checkout may be from its completion.
const near = 2 * time.Minute

// recovered finds the orders that completed checkouts have become, by place: the
// order of the same customer made at that time, as a checkout does not name it.
func (r *run) recovered(ctx context.Context, records []json.RawMessage) ([]string, error) {
	orders := make([]string, len(records))
	for i, raw := range records {
		var c struct {
			Completed *time.Time `json:"completedAt"`
			Customer  *struct {
				ID string `json:"id"`
			} `json:"customer"`
		}
		if json.Unmarshal(raw, &c) != nil || c.Completed == nil || c.Customer == nil {
			continue
		}
		var got struct {
			Orders list `json:"orders"`
		}
		filter := "customer_id:" + number(c.Customer.ID) + " AND " + between("created_at", c.Completed.Add(-near), c.Completed.Add(near))
		_, err := r.s.query(ctx, "the order of a checkout", `query($q: String!) { orders(first: 1, query: $q, sortKey: CREATED_AT) { nodes { id } } }`, map[string]any{"q": filter}, &got)
		var hidden *deniedError
		if errors.As(err, &hidden) {
			return orders, nil // the token sees checkouts and no orders
		}
		if err != nil {
			return nil, err
		}
		if len(got.Orders.Nodes) > 0 {
			orders[i] = numberOf(got.Orders.Nodes[0])
		}
	}
	return orders, nil
}
