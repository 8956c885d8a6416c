package shopify

import (
	"context"
	"encoding/json"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// products makes the rows of some products: one for a product, and one for each of
// its variants, which is what orders are for.
func (r *run) products(ctx context.Context, records []json.RawMessage) error {
	for _, raw := range records {
		rec := r.rows.Record(raw)
		rec.Need("id", "title", "status", "updatedAt")
		active := rec.Text("status") == "ACTIVE"
		rec.Keep("status")
		product := entity.Product{
			ID: number(rec.Text("id")), Name: rec.Text("title"), Category: rec.Text("productType"), Brand: rec.Text("vendor"),
			Currency: r.shop.Currency, IsActive: entity.Some(active),
		}
		product.SourceUpdatedAt = rec.Time("updatedAt")
		record.Add(rec, &product)
		variants := rec.Object("variants").List("nodes")
		for _, v := range variants {
			variant := product
			variant.ID, variant.SKU, variant.Price = number(v.Text("id")), v.Text("sku"), v.Decimal("price")
			if at := v.Time("updatedAt"); at.OK && at.V > variant.SourceUpdatedAt.V {
				variant.SourceUpdatedAt = at
			}
			record.Add(v, &variant)
		}
		if r.expecting {
			r.rows.Expect(productSchema, int64(len(variants)))
		}
		if err := r.rows.End(ctx, rec); err != nil {
			return err
		}
	}
	return nil
}
