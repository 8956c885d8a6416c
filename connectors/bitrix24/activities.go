package bitrix24

import (
	"strings"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// activities describes calls, meetings, tasks and letters of managers.
func (s *source) activities() changing {
	k := kind{
		list: list{
			name: "activities", method: "crm.activity.list", id: "ID",
			params: params{"select": []string{"*", "COMMUNICATIONS"}},
		},
		row: s.activity, key: keyed(""),
	}
	return changing{
		name: activitiesSet, entity: entity.Of[entity.Activity](), swept: of(entity.Of[entity.Activity]()), kinds: []kind{k},
		time: "LAST_UPDATED", overlap: overlap, scope: "crm", known: activityFields,
	}
}

var activityFields = []string{
	"PROVIDER_TYPE_ID", "PROVIDER_GROUP_ID", "ASSOCIATED_ENTITY_ID", "STATUS", "PRIORITY", "NOTIFY_TYPE", "NOTIFY_VALUE", "DESCRIPTION",
	"DESCRIPTION_TYPE", "LOCATION", "SETTINGS", "ORIGINATOR_ID", "ORIGIN_ID", "AUTHOR_ID", "EDITOR_ID", "PROVIDER_PARAMS", "PROVIDER_DATA",
	"RESULT_*", "AUTOCOMPLETE_RULE", "CREATED", "IS_INCOMING_CHANNEL", "CALENDAR_EVENT_ID", "OWNER_ID", "OWNER_TYPE_ID", "TYPE_ID", "PROVIDER_ID",
}

// activity makes a row of an activity.
func (s *source) activity(r *record.Record) {
	r.Need("OWNER_ID", "OWNER_TYPE_ID", "TYPE_ID")
	owner, ownerType := r.ID("OWNER_ID"), r.Text("OWNER_TYPE_ID")
	a := &entity.Activity{
		ID: r.ID("ID"), CustomerID: s.counterpart(r, owner, ownerType), ManagerID: r.ID("RESPONSIBLE_ID"),
		Kind: activityKind(r.Text("TYPE_ID"), r.Text("PROVIDER_ID")), Direction: direction(r.Text("DIRECTION")),
		Subject: r.Text("SUBJECT"), At: r.Time("START_TIME"), DueAt: deadline(r),
	}
	if ownerType == "2" {
		a.DealID = owner
	}
	a.SourceUpdatedAt = r.Time("LAST_UPDATED")
	ended := r.Time("END_TIME")
	if r.Bool("COMPLETED").V {
		if a.DoneAt = ended; !ended.OK || ended.V > a.SourceUpdatedAt.V && a.SourceUpdatedAt.OK {
			a.DoneAt = a.SourceUpdatedAt // it ended before it was to
		}
	}
	record.Add(r, a)
}

// counterpart is the customer that an activity is with: whom it belongs to, or the
// other side of the communication, a company before a person.
func (s *source) counterpart(r *record.Record, owner, ownerType string) string {
	sides := r.List("COMMUNICATIONS")
	if code, ok := codeOf[ownerType]; ok {
		return coded(code, owner)
	}
	customer := ""
	for _, side := range sides {
		code, ok := codeOf[side.Text("ENTITY_TYPE_ID")]
		id := side.ID("ENTITY_ID")
		if ok && id != "" && (customer == "" || code == companyCode) {
			customer = coded(code, id)
		}
	}
	return customer
}

// activityKind is the kind in the words of the contract; others are kept in the
// portal's.
func activityKind(typeID, provider string) string {
	switch typeID {
	case "1":
		return "meeting"
	case "2":
		return "call"
	case "3":
		return "task"
	case "4":
		return "email"
	}
	switch {
	case provider == "CRM_TODO" || strings.HasPrefix(provider, "CRM_TASKS"):
		return "task"
	case provider == "VOXIMPLANT_CALL" || strings.HasPrefix(provider, "CRM_CALL"):
		return "call"
	case provider == "CRM_EMAIL":
		return "email"
	case provider == "CRM_SMS":
		return "sms"
	case provider == "CRM_MEETING":
		return "meeting"
	}
	return strings.ToLower(provider)
}

func direction(code string) string {
	switch code {
	case "1":
		return "inbound"
	case "2":
		return "outbound"
	}
	return ""
}

// deadline is when an activity is due. One that is never due has the last day of
// the year 9999.
func deadline(r *record.Record) entity.Opt[entity.Time] {
	if strings.HasPrefix(r.Text("DEADLINE"), "9999") {
		return entity.Opt[entity.Time]{}
	}
	return r.Time("DEADLINE")
}
