package shopify

import (
	"context"
	"encoding/json"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// customers makes the rows of some customers.
func (r *run) customers(ctx context.Context, records []json.RawMessage) error {
	for _, raw := range records {
		rec := r.rows.Record(raw)
		rec.Need("id", "createdAt", "updatedAt")
		email, phone, address := rec.Object("defaultEmailAddress"), rec.Object("defaultPhoneNumber"), rec.Object("defaultAddress")
		c := &entity.ShopCustomer{
			ID: number(rec.Text("id")), Email: email.Text("emailAddress"), Phone: phone.Text("phoneNumber"), FirstName: rec.Text("firstName"),
			LastName: rec.Text("lastName"), City: address.Text("city"), Country: address.Text("country"), RegisteredAt: rec.Time("createdAt"),
		}
		if state := email.Text("marketingState"); state != "" {
			c.AcceptsMarketing = entity.Some(state == "SUBSCRIBED")
		}
		email.Keep("marketingState")
		c.SourceUpdatedAt = rec.Time("updatedAt")
		record.Add(rec, c)
		if err := r.rows.End(ctx, rec); err != nil {
			return err
		}
	}
	return nil
}
