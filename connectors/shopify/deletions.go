package shopify

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"winback/connectors/entity"
	"winback/connectors/record"
)

const eventsDocument = `query($after: String, $q: String!) { events(first: 100, after: $after, query: $q, sortKey: CREATED_AT) { pageInfo { hasNextPage endCursor } nodes { id createdAt ... on BasicEvent { subjectId } } } }`

// deletions marks what the shop's events say was deleted within the window. A shop
// that does not show its events leaves that to the comparison of keys.
func (r *run) deletions(ctx context.Context) error {
	if r.kind.events == "" || r.req.Sample > 0 {
		return nil
	}
	filter := "action:destroy AND subject_type:" + r.kind.events + " AND " + between("created_at", r.window.From, r.window.Until)
	for after := any(nil); ; {
		var got struct {
			Events list `json:"events"`
		}
		if _, err := r.s.query(ctx, "events", eventsDocument, map[string]any{"after": after, "q": filter}, &got); err != nil {
			var hidden *deniedError
			if errors.As(err, &hidden) {
				return nil
			}
			return err
		}
		r.rows.Page("events")
		for _, raw := range got.Events.Nodes {
			if err := r.deleted(ctx, raw); err != nil {
				return err
			}
		}
		if !got.Events.Info.More {
			return nil
		}
		after = got.Events.Info.End
	}
}

// deleted makes the row of what is no more.
func (r *run) deleted(ctx context.Context, raw json.RawMessage) error {
	var event struct {
		At      time.Time `json:"createdAt"`
		Subject string    `json:"subjectId"`
	}
	if json.Unmarshal(raw, &event) != nil || event.Subject == "" {
		return nil
	}
	meta := entity.Meta{Deleted: true, SourceUpdatedAt: entity.Some(entity.TimeOf(event.At))}
	rec, id := r.rows.Record(raw), number(event.Subject)
	switch gone := rec.Aside(); r.kind.schemas[0] {
	case orderSchema:
		record.Add(gone, &entity.Order{Meta: meta, ID: id})
	case productSchema:
		record.Add(gone, &entity.Product{Meta: meta, ID: id})
	case customerSchema:
		record.Add(gone, &entity.ShopCustomer{Meta: meta, ID: id})
	}
	rec.Drop(rec.Names()...)
	return r.rows.End(ctx, rec)
}
