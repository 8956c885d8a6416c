package bitrix24

import (
	"context"
	"encoding/json"
	"net/url"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// calls describes the statistics of calls. What is known of a call grows for some
// time: marks, recordings, links to the CRM come later, and nothing tells when. So
// the last days are read again each time.
func (s *source) calls() changing {
	k := kind{
		list: list{name: "calls", method: "voximplant.statistic.get", id: "ID", shout: true},
		row:  s.callRow, key: keyed(""),
		prepare: func(ctx context.Context, _ []json.RawMessage) error {
			_, err := s.names(ctx)
			return err
		},
	}
	return changing{
		name: callsSet, entity: entity.Of[entity.Call](), kinds: []kind{k}, time: "CALL_START_DATE",
		overlap: s.config.SettleCalls, scope: "telephony", known: callFields,
	}
}

var callFields = []string{
	"CALL_ID", "EXTERNAL_CALL_ID", "RECORD_DURATION", "CALL_FAILED_REASON", "CRM_ENTITY_TYPE", "CRM_ENTITY_ID", "CRM_ACTIVITY_ID", "COST",
	"COST_CURRENCY", "REDIAL_ATTEMPT", "COMMENT", "TRANSCRIPT_ID", "TRANSCRIPT_PENDING", "SESSION_ID", "REST_APP_ID", "REST_APP_NAME", "RECORD_FILE_ID",
	"CALL_FAILED_CODE", "CALL_TYPE",
}

// callRow makes a row of a call.
func (s *source) callRow(r *record.Record) {
	r.Need("CALL_TYPE", "CALL_FAILED_CODE", "CALL_DURATION")
	portal, phone, failed := r.Text("PORTAL_NUMBER"), r.Text("PHONE_NUMBER"), r.Text("CALL_FAILED_CODE")
	agent, seconds := r.ID("PORTAL_USER_ID"), r.Int("CALL_DURATION")
	c := &entity.Call{
		ID: r.ID("ID"), StartedAt: r.Time("CALL_START_DATE"), CustomerPhone: phone, AgentID: agent, AgentName: s.lookups.users[agent].name,
		Direction: callDirection(r.Text("CALL_TYPE"), r.Lower("CALL_CATEGORY")), RecordingURL: public(r.Text("CALL_RECORD_URL")),
	}
	if c.FromNumber, c.ToNumber = portal, phone; c.Direction == "inbound" {
		c.FromNumber, c.ToNumber = phone, portal
	}
	if c.Disposition = disposition(failed, c.Direction); c.Disposition == "answered" {
		c.TalkSeconds = seconds
	}
	if c.StartedAt.OK && seconds.OK {
		c.EndedAt = entity.Some(c.StartedAt.V + entity.Time(seconds.V)*1_000_000)
	}
	if vote := r.Decimal("CALL_VOTE"); vote.OK && vote.V > 0 {
		c.Satisfaction = vote
	}
	c.SourceUpdatedAt = c.StartedAt // nothing tells of later changes
	r.Drop("CALL_LOG")              // an address that lets anybody in
	record.Add(r, c)
}

// callDirection is the direction in the words of the contract. A call-back is the
// portal calling; so is a message read out.
func callDirection(callType, category string) string {
	switch {
	case category == "internal":
		return "internal"
	case callType == "2" || callType == "3":
		return "inbound"
	}
	return "outbound"
}

// disposition is how a call ended. A call to the company that nobody took was
// abandoned, whoever gave up; one from it was not taken, or failed.
func disposition(code, direction string) string {
	switch code {
	case "200":
		return "answered"
	case "486":
		return "busy"
	case "402", "403", "404", "423", "484", "OTHER", "":
		return "failed"
	}
	if direction == "inbound" {
		return "abandoned"
	}
	if code == "603" {
		return "busy"
	}
	return "failed"
}

// public is an address without what lets its bearer in.
func public(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.RawQuery, u.User, u.Fragment = "", nil, ""
	return u.String()
}
