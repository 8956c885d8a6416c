package woocommerce

import (
	"encoding/json"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// WooCommerce has no carts of its own in this API. What a customer begins at the
// checkout is a draft of an order, and then the order: so every order made at the
// checkout was a cart, and one that came to nothing is an abandoned one.

// item is a piece of goods in a cart.
type item struct {
	ProductID string `json:"product_id,omitempty"`
	SKU       string `json:"sku,omitempty"`
	Name      string `json:"name"`
	Quantity  string `json:"quantity"`
	Price     string `json:"price"`
}

// forCart is the record that the cart is made of: the order's row keeps the payload
// if there is one.
func (o *sale) forCart(r *record.Record) *record.Record {
	if o.isOrder || o.row.Deleted {
		return r.Aside()
	}
	return r
}

// cart is the cart that an order was.
func (o *sale) cart() *entity.Cart {
	items := make([]item, len(o.lines))
	for i, line := range o.lines {
		items[i] = item{ProductID: line.ProductID, SKU: line.SKU, Name: line.Name, Quantity: line.Quantity.V.String(), Price: line.Price.V.String()}
	}
	text, _ := json.Marshal(items) // of texts alone
	c := &entity.Cart{
		ID: o.row.ID, CustomerID: o.row.CustomerID, Email: o.row.Email, Phone: o.row.Phone,
		CreatedAt: o.row.OrderedAt, UpdatedAt: o.row.SourceUpdatedAt,
		Value: entity.Some(o.row.ItemsTotal.V - orZero(o.row.Discount)), Currency: o.row.Currency, Items: string(text), Channel: "web",
	}
	c.SourceUpdatedAt = o.row.SourceUpdatedAt
	if o.isOrder {
		c.OrderID = o.row.ID
	}
	c.Deleted = o.row.Deleted && o.trashed
	return c
}
