package hubspot

import (
	"strings"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// severities are what priorities weigh.
var severities = map[string]int64{"LOW": 2, "MEDIUM": 3, "HIGH": 4, "URGENT": 5}

func addTicket(x *extraction, r *record.Record) {
	p := r.Object("properties")
	c := &entity.Complaint{
		Meta: meta(r, tickets), ID: r.ID("id"), OpenedAt: p.Time("createdate"), AnsweredAt: p.Time("first_agent_reply_date"), ResolvedAt: p.Time("closed_date"),
		Category:   strings.Join(x.called(tickets, "hs_ticket_category", p.Text("hs_ticket_category")), ", "),
		Text:       strings.TrimSpace(p.Text("subject") + "\n" + p.Text("content")),
		Resolution: strings.Join(x.called(tickets, "hs_resolution", p.Text("hs_resolution")), ", "), ManagerID: p.ID("hubspot_owner_id"),
	}
	c.CustomerID, _ = customerOf(r)
	if weight, ok := severities[p.Text("hs_ticket_priority")]; ok {
		c.Severity = entity.Some(weight)
	}
	record.Add(r, c)
	for _, id := range merged(r) {
		if !c.Deleted {
			record.Add(r, &entity.Complaint{Meta: entity.Meta{SourceUpdatedAt: c.SourceUpdatedAt, Deleted: true}, ID: id})
		}
	}
}
