package amocrm

import (
	"context"
	"net/url"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/window"
)

var leads = &list{path: "leads", embedded: "leads", sorted: true, query: url.Values{"with": {"contacts,loss_reason,source_id"}}}

// knownOfDeals are fields that no field of the contract takes.
var knownOfDeals = []string{
	"group_id", "created_by", "updated_by", "closest_task_at", "custom_fields_values", "score", "labor_cost", "price", "price_with_minor_units",
	"loss_reason_id", "source_id", "is_price_modified_by_robot", "_embedded", "is_deleted",
}

func (x *extraction) deals(ctx context.Context) (connectors.Extracted, error) {
	kept, err := own[ownDeletions](x.req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	if x.reasons, err = x.lossReasons(ctx, kept.Reasons); err != nil {
		return connectors.Extracted{}, err
	}
	return x.byChange(ctx, reading{
		entity: entity.Of[entity.Deal](), lists: []*list{leads}, parts: workers, known: knownOfDeals,
		add: func(_ *list, r *record.Record) { x.addDeal(r) },
		after: func(ctx context.Context, rows *record.Rows, w window.Window) (any, error) {
			kept, err := x.deletions(ctx, rows, w, []bin{{leads, "lead", addGoneDeal}})
			kept.Reasons = x.reasons
			return kept, err
		},
	})
}

func (x *extraction) addDeal(r *record.Record) {
	r.Need("id", "status_id", "pipeline_id", "price", "updated_at")
	if r.Bool("is_deleted").V {
		addGoneDeal(r)
		return
	}
	inside := r.Object("_embedded")
	contact := mainContact(inside)
	d := &entity.Deal{
		Meta: entity.Meta{SourceUpdatedAt: r.Unix("updated_at")},
		ID:   r.ID("id"), ContactID: customerID(contacts, contact), Title: r.Text("name"),
		PipelineID: r.ID("pipeline_id"), StageID: r.ID("status_id"), Status: statusOf(r.ID("status_id")),
		Amount: amount(r), Currency: x.account.Currency, ManagerID: r.ID("responsible_user_id"), LeadSource: r.ID("source_id"),
		CreatedAt: r.Unix("created_at"), ClosedAt: r.Unix("closed_at"),
	}
	d.CustomerID = d.ContactID
	if companies := inside.List("companies"); len(companies) > 0 {
		d.CustomerID = customerID(company, companies[0].ID("id"))
	}
	if d.Status == "lost" {
		d.LostReason = x.lostReason(r, inside)
	}
	r.Object("_embedded").List("tags")
	record.Add(r, d)
}

// mainContact is the contact that is marked so, or the only one.
func mainContact(inside *record.Record) (id string) {
	for i, c := range inside.List("contacts") {
		if c.Bool("is_main").V || i == 0 {
			id = c.ID("id")
		}
		if c.Bool("is_main").V {
			return id
		}
	}
	return id
}

// statusOf tells by the two stages that every pipeline has.
func statusOf(stage string) string {
	switch stage {
	case stageWon:
		return "won"
	case stageLost:
		return "lost"
	}
	return "open"
}

// amount is in whole units; newer accounts tell the hundredths beside it.
func amount(r *record.Record) entity.Opt[entity.Decimal] {
	if r.Has("price_with_minor_units") {
		r.Drop("price")
		return r.Decimal("price_with_minor_units")
	}
	return r.Decimal("price")
}

// lostReason is the reason's name: with the deal, or as it was called when it was
// last seen.
func (x *extraction) lostReason(r, inside *record.Record) string {
	id := r.ID("loss_reason_id")
	for _, reason := range inside.List("loss_reason") {
		if name := reason.Text("name"); name != "" {
			if id != "" {
				x.reasons[id] = name
			}
			return name
		}
	}
	return x.reasons[id]
}

func addGoneDeal(r *record.Record) {
	r.Drop("is_deleted")
	record.Add(r, &entity.Deal{
		Meta: entity.Meta{SourceUpdatedAt: r.Unix("updated_at"), Deleted: true},
		ID:   r.ID("id"), Title: r.Text("name"), PipelineID: r.ID("pipeline_id"), StageID: r.ID("status_id"),
	})
}
