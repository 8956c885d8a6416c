package hubspot

import (
	"strings"

	"winback/connectors/entity"
	"winback/connectors/record"
)

func addDeal(x *extraction, r *record.Record) {
	p := r.Object("properties")
	d := &entity.Deal{
		Meta: meta(r, deals), ID: r.ID("id"), Title: p.Text("dealname"), PipelineID: p.Text("pipeline"), StageID: p.Text("dealstage"),
		Amount: p.Decimal("amount"), Currency: p.Text("deal_currency_code"), ManagerID: p.ID("hubspot_owner_id"), CreatedAt: p.Time("createdate"),
		LeadSource: strings.Join(x.called(deals, "hs_analytics_source", p.Text("hs_analytics_source")), ", "),
		Product:    strings.Join(r.Texts(lineNames), ", "),
	}
	d.CustomerID, d.ContactID = customerOf(r)
	if d.Currency == "" {
		d.Currency = x.facts.currency
	}
	d.Status = x.status(p, d.StageID)
	if closing := p.Time("closedate"); d.Status == "open" { // planned, until the deal is closed
		d.ExpectedCloseAt = closing
	} else {
		d.ClosedAt = closing
	}
	if d.Status == "lost" {
		d.LostReason = strings.Join(x.called(deals, x.config.LostReason, p.Text(x.config.LostReason)), ", ")
	}
	record.Add(r, d)
	if d.Deleted {
		return
	}
	for _, id := range merged(r) {
		record.Add(r, &entity.Deal{Meta: entity.Meta{SourceUpdatedAt: d.SourceUpdatedAt, Deleted: true}, ID: id})
	}
	x.addStays(r, d)
}

// status is that of the stage; a stage that is gone leaves it to the deal.
func (x *extraction) status(p *record.Record, stage string) string {
	if kind, ok := x.facts.stages[stage]; ok {
		return kind
	}
	switch {
	case p.Bool("hs_is_closed_won").V:
		return "won"
	case p.Bool("hs_is_closed").V:
		return "lost"
	}
	return "open"
}

// addStays adds the history of a deal's stages; one without any is where it is
// since it was made.
func (x *extraction) addStays(r *record.Record, d *entity.Deal) {
	list := versions(r, "dealstage")
	x.incomplete(list, d.CreatedAt)
	if len(list) == 0 && d.StageID != "" {
		list = []version{{Value: d.StageID}}
		if d.CreatedAt.OK {
			list[0].Timestamp = d.CreatedAt.V.Go()
		}
	}
	for i, v := range list {
		stay := &entity.DealStage{
			Meta: entity.Meta{SourceUpdatedAt: instant(v.Timestamp)}, DealID: d.ID, Seq: int64(i + 1), StageID: v.Value, EnteredAt: instant(v.Timestamp),
		}
		if i+1 < len(list) {
			stay.LeftAt = instant(list[i+1].Timestamp)
			stay.SourceUpdatedAt = stay.LeftAt
		}
		record.Add(r, stay)
	}
}
