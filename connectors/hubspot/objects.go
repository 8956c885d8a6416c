package hubspot

import (
	"slices"

	"winback/connectors/entity"
	"winback/connectors/record"
)

// object is a type of records of the CRM.
type object struct {
	name       string
	modified   string // property with the time of change: a wrong one finds nothing, silently
	properties []string
	history    []string // properties of which earlier values are wanted
	links      []string // types of records that these are linked to
	scope      string   // that reading it takes
	optional   bool     // may be closed to the token without anything else failing
	entity     *entity.Schema
}

const (
	modifiedContact = "lastmodifieddate"
	modifiedOther   = "hs_lastmodifieddate"
)

var (
	contacts = &object{
		name: "contacts", modified: modifiedContact, scope: "crm.objects.contacts.read", history: []string{"hubspot_owner_id"},
		properties: []string{
			"email", "firstname", "lastname", "phone", "mobilephone", "company", "city", "country", "lifecyclestage", "hs_lead_status", "hubspot_owner_id",
			"createdate", "lastmodifieddate", "hs_object_id", "hs_merged_object_ids", "hs_additional_emails", "associatedcompanyid",
		},
		entity: entity.Of[entity.CRMCustomer](),
	}
	companies = &object{
		name: "companies", modified: modifiedOther, scope: "crm.objects.companies.read", history: []string{"hubspot_owner_id"},
		properties: []string{
			"name", "domain", "phone", "industry", "city", "country", "numberofemployees", "annualrevenue", "lifecyclestage", "hubspot_owner_id",
			"createdate", "hs_lastmodifieddate", "hs_object_id", "hs_merged_object_ids",
		},
		entity: entity.Of[entity.CRMCustomer](),
	}
	deals = &object{
		name: "deals", modified: modifiedOther, scope: "crm.objects.deals.read", history: []string{"dealstage"}, links: []string{"contacts", "companies"},
		properties: []string{
			"dealname", "amount", "deal_currency_code", "amount_in_home_currency", "pipeline", "dealstage", "closedate", "createdate", "hs_lastmodifieddate",
			"hubspot_owner_id", "dealtype", "hs_is_closed", "hs_is_closed_won", "closed_lost_reason", "closed_won_reason", "hs_analytics_source",
			"hs_object_id", "hs_merged_object_ids",
		},
		entity: entity.Of[entity.Deal](),
	}
	tickets = &object{
		name: "tickets", modified: modifiedOther, scope: "tickets", optional: true, links: []string{"contacts", "companies"},
		properties: []string{
			"subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", "hs_ticket_category", "source_type", "createdate", "closed_date",
			"first_agent_reply_date", "hubspot_owner_id", "hs_lastmodifieddate", "time_to_close", "hs_resolution", "hs_object_id", "hs_merged_object_ids",
		},
		entity: entity.Of[entity.Complaint](),
	}
	calls = &object{
		name: "calls", modified: modifiedOther, scope: "crm.objects.contacts.read", optional: true, links: []string{"contacts", "companies", "deals"},
		properties: []string{
			"hs_timestamp", "hs_call_title", "hs_call_body", "hs_call_direction", "hs_call_disposition", "hs_call_duration", "hs_call_status",
			"hs_call_from_number", "hs_call_to_number", "hs_call_source", "hs_call_recording_url", "hubspot_owner_id", "hs_createdate", "hs_lastmodifieddate", "hs_object_id",
		},
		entity: entity.Of[entity.Activity](),
	}
	meetings = engagement("meetings", "hs_meeting_title", "hs_meeting_outcome")
	tasks    = engagement("tasks", "hs_task_subject", "hs_task_status")
	products = &object{
		name: "products", modified: modifiedOther, scope: "e-commerce", optional: true,
		properties: []string{"name", "hs_sku", "price", "description", "createdate", "hs_lastmodifieddate", "hs_object_id"},
		entity:     entity.Of[entity.Product](),
	}
	lineItems = &object{name: "line_items", properties: []string{"name", "hs_product_id", "hs_sku", "quantity", "price", "amount"}, scope: "crm.objects.line_items.read"}
)

// engagement is a type of activity with a title and a result.
func engagement(name, title, result string) *object {
	return &object{
		name: name, modified: modifiedOther, scope: "crm.objects.contacts.read", optional: true, links: []string{"contacts", "companies", "deals"},
		properties: []string{"hs_timestamp", title, result, "hubspot_owner_id", "hs_createdate", "hs_lastmodifieddate", "hs_object_id"},
		entity:     entity.Of[entity.Activity](),
	}
}

// add makes rows of a record.
func (x *extraction) add(o *object, r *record.Record) {
	switch o.name {
	case contacts.name:
		addContact(x, r)
	case companies.name:
		addCompany(x, r)
	case deals.name:
		addDeal(x, r)
	case tickets.name:
		addTicket(x, r)
	case calls.name:
		addCall(x, r)
	case meetings.name:
		addEngagement(r, meetings, "meeting", "hs_meeting_title", "hs_meeting_outcome")
	case tasks.name:
		addEngagement(r, tasks, "task", "hs_task_subject", "hs_task_status")
	case products.name:
		addProduct(x, r)
	}
}

// with is the object with the properties that are to be asked for: those that the
// connector wants, and those that are configured and exist.
func (x *extraction) with(o *object) *object {
	asked := *o
	asked.properties = slices.Clone(o.properties)
	for _, name := range x.configured(o) {
		if exists, listed := x.labels[o.name]; len(exists) == 0 || !listed || exists[name] != nil {
			asked.properties = append(asked.properties, name)
		}
	}
	slices.Sort(asked.properties)
	asked.properties = slices.Compact(asked.properties)
	return &asked
}

// configured are the properties that the configuration names for an object.
func (x *extraction) configured(o *object) []string {
	names := x.config.Fields.Names(o.entity)
	if o.name == deals.name {
		names = append(names, x.config.LostReason)
	}
	return names
}
