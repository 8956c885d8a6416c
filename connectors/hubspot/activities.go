package hubspot

import (
	"strings"
	"time"

	"winback/connectors/entity"
	"winback/connectors/record"
)

func addCall(x *extraction, r *record.Record) {
	p := r.Object("properties")
	outcome := p.Text("hs_call_disposition")
	if label := x.dispositions[outcome]; label != "" {
		outcome = label
	}
	a := activity(r, calls, "call", p.Text("hs_call_title"))
	a.Direction = map[string]string{"INBOUND": "inbound", "OUTBOUND": "outbound"}[p.Text("hs_call_direction")]
	a.Result, a.DoneAt = outcome, a.At
	record.Add(r, a)
	c := &entity.Call{
		Meta: a.Meta, ID: a.ID, StartedAt: a.At, Direction: a.Direction, FromNumber: p.Text("hs_call_from_number"), ToNumber: p.Text("hs_call_to_number"),
		AgentID: a.ManagerID, Outcome: outcome, RecordingURL: p.Address("hs_call_recording_url"),
	}
	if c.CustomerPhone = c.ToNumber; c.Direction == "inbound" {
		c.CustomerPhone = c.FromNumber
	}
	if ms := p.Int("hs_call_duration"); ms.OK {
		c.TalkSeconds = entity.Some((ms.V + 500) / 1000)
		if c.StartedAt.OK {
			c.EndedAt = instant(c.StartedAt.V.Go().Add(time.Duration(ms.V) * time.Millisecond))
		}
	}
	c.Disposition = disposition(p.Text("hs_call_status"), outcome, c.Direction)
	record.Add(r, c)
}

// disposition says how a call ended; nothing of one that goes on.
func disposition(status, outcome, direction string) string {
	switch status {
	case "COMPLETED":
		if strings.Contains(strings.ToLower(outcome), "voicemail") {
			return "voicemail"
		}
		return "answered"
	case "BUSY":
		return "busy"
	case "NO_ANSWER", "CANCELED", "MISSED":
		if direction == "inbound" {
			return "abandoned"
		}
		return "failed"
	case "FAILED":
		return "failed"
	}
	return ""
}

// activity is what all of them have.
func activity(r *record.Record, o *object, kind, subject string) *entity.Activity {
	p := r.Object("properties")
	a := &entity.Activity{
		Meta: meta(r, o), ID: o.key(r.ID("id")), ManagerID: p.ID("hubspot_owner_id"), Kind: kind, Subject: subject, At: p.Time("hs_timestamp"),
	}
	a.CustomerID, _ = customerOf(r)
	if ids := linkedTo(r, deals.name); len(ids) > 0 {
		a.DealID = ids[0]
	}
	return a
}

// addEngagement adds a meeting or a task. A task's time is when it is due; when it
// was done, its last change tells.
func addEngagement(r *record.Record, o *object, kind, title, result string) {
	p := r.Object("properties")
	a := activity(r, o, kind, p.Text(title))
	a.Result = p.Text(result)
	if o == tasks {
		a.DueAt, a.At = a.At, entity.Opt[entity.Time]{}
		if a.Result == "COMPLETED" {
			a.DoneAt = p.Time(o.modified)
			a.At = a.DoneAt
		}
	}
	record.Add(r, a)
}

func addProduct(x *extraction, r *record.Record) {
	p := r.Object("properties")
	m := meta(r, products)
	record.Add(r, &entity.Product{
		Meta: m, ID: r.ID("id"), SKU: p.Text("hs_sku"), Name: p.Text("name"), Price: p.Decimal("price"), Currency: x.facts.currency,
		IsActive: entity.Some(!m.Deleted),
	})
}
