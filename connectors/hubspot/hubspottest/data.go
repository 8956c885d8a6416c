package hubspottest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// object is JSON as it is sent.
type object = map[string]any

// record is one record of the account.
type record struct {
	id       int64
	props    map[string]any // text or nil
	history  map[string][]version
	links    map[string][]int64
	modified time.Time
	created  time.Time
	archived time.Time // zero while it is there
	gone     bool      // deleted for good, or merged into another
	told     bool      // its history was sent
}

type version struct {
	value string
	at    time.Time
}

func (r *record) here() bool { return !r.gone && r.archived.IsZero() }

// iso writes a time as the API does: without milliseconds where there are none.
func iso(at time.Time) string {
	if at.Nanosecond() == 0 {
		return at.UTC().Format("2006-01-02T15:04:05Z")
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}

// modifiedOf is the property with the time of change.
func modifiedOf(kind string) string {
	if kind == "contacts" {
		return "lastmodifieddate"
	}
	return "hs_lastmodifieddate"
}

// known are the properties of each type; others are refused, where the API leaves
// them out silently.
var known = map[string][]string{
	"contacts": {
		"email", "firstname", "lastname", "phone", "mobilephone", "company", "city", "country", "lifecyclestage", "hs_lead_status", "hubspot_owner_id", "createdate",
		"lastmodifieddate", "hs_object_id", "hs_merged_object_ids", "hs_additional_emails", "associatedcompanyid",
	},
	"companies": {
		"name", "domain", "phone", "industry", "city", "country", "numberofemployees", "annualrevenue", "lifecyclestage", "hubspot_owner_id", "createdate",
		"hs_lastmodifieddate", "hs_object_id", "hs_merged_object_ids",
	},
	"deals": {
		"dealname", "amount", "deal_currency_code", "amount_in_home_currency", "pipeline", "dealstage", "closedate", "createdate", "hs_lastmodifieddate", "hubspot_owner_id",
		"dealtype", "hs_is_closed", "hs_is_closed_won", "closed_lost_reason", "closed_won_reason", "hs_analytics_source", "hs_object_id", "hs_merged_object_ids", "lost_code",
	},
	"tickets": {
		"subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", "hs_ticket_category", "source_type", "createdate", "closed_date",
		"first_agent_reply_date", "hubspot_owner_id", "hs_lastmodifieddate", "time_to_close", "hs_resolution", "hs_object_id", "hs_merged_object_ids",
	},
	"calls": {
		"hs_timestamp", "hs_call_title", "hs_call_body", "hs_call_direction", "hs_call_disposition", "hs_call_duration", "hs_call_status", "hs_call_from_number",
		"hs_call_to_number", "hs_call_source", "hs_call_recording_url", "hubspot_owner_id", "hs_createdate", "hs_lastmodifieddate", "hs_object_id",
	},
	"meetings":   {"hs_timestamp", "hs_meeting_title", "hs_meeting_outcome", "hubspot_owner_id", "hs_createdate", "hs_lastmodifieddate", "hs_object_id"},
	"tasks":      {"hs_timestamp", "hs_task_subject", "hs_task_status", "hubspot_owner_id", "hs_createdate", "hs_lastmodifieddate", "hs_object_id"},
	"products":   {"name", "hs_sku", "price", "description", "createdate", "hs_lastmodifieddate", "hs_object_id"},
	"line_items": {"name", "hs_product_id", "hs_sku", "quantity", "price", "amount", "hs_object_id", "hs_lastmodifieddate"},
}

// options are the values of lists, by property.
var options = map[string]map[string]string{
	"hs_ticket_category":  {"PRODUCT_ISSUE": "Product issue", "BILLING_ISSUE": "Billing issue"},
	"hs_analytics_source": {"ORGANIC_SEARCH": "Organic search"},
	"lifecyclestage":      {"customer": "Customer", "lead": "Lead"},
	"lost_code":           {"r1": "Price", "r2": "Quality"},
}

// Sizes of the account.
var sizes = map[string]int64{
	"contacts": 500, "companies": 120, "deals": 400, "tickets": 110, "calls": 120, "meetings": 20, "tasks": 20, "products": 20, "line_items": 100,
}

// order keeps what is made from a seed the same.
var order = []string{"contacts", "companies", "deals", "tickets", "calls", "meetings", "tasks", "products", "line_items"}

var stages = []string{"appointmentscheduled", "qualifiedtobuy", "presentationscheduled"}

// base is the first id of each type.
func base(kind string) int64 {
	for i, k := range order {
		if k == kind {
			return int64(i+1) * 100_000
		}
	}
	return 0
}

type world struct {
	*Fake
	r   *rand.Rand
	end time.Time
}

func (f *Fake) fill(end time.Time) {
	w := world{f, rand.New(rand.NewPCG(3, 3)), end}
	for _, kind := range order {
		f.objects[kind] = map[int64]*record{}
		for i := range f.times * sizes[kind] {
			w.make(kind, base(kind)+i)
		}
	}
}

func (w *world) make(kind string, id int64) {
	created := w.end.Add(-time.Duration(w.r.IntN(200*24*3600)) * time.Second)
	if id%3 > 0 {
		created = created.Add(time.Duration(w.r.IntN(999)) * time.Millisecond)
	}
	r := w.put(kind, id, created)
	switch kind {
	case "contacts":
		w.contact(r)
	case "companies":
		r.props["name"], r.props["phone"] = fmt.Sprintf("Acme %d", id), "+49301234567"
		w.own(r, created)
	case "deals":
		w.deal(r)
	case "tickets":
		w.ticket(r)
	case "calls":
		w.call(r)
	case "meetings", "tasks":
		r.props["hs_timestamp"], r.props["hubspot_owner_id"] = iso(created), "77"
		r.props["hs_task_status"] = "COMPLETED"
		r.links["contacts"] = []int64{base("contacts") + id%500}
	case "products", "line_items":
		r.props["name"], r.props["price"] = fmt.Sprintf("Kitchen %d", id%7), "1200.00"
	}
	if kind == "deals" && id%50 == 0 {
		r.archived = created.Add(time.Hour)
	}
}

// put makes a record that was not changed since.
func (f *Fake) put(kind string, id int64, created time.Time) *record {
	r := &record{id: id, created: created, props: map[string]any{}, history: map[string][]version{}, links: map[string][]int64{}}
	r.props["hs_object_id"] = strconv.FormatInt(id, 10)
	r.props["createdate"], r.props["hs_createdate"] = iso(created), iso(created)
	f.change(kind, r, created)
	f.objects[kind][id] = r
	return r
}

func (f *Fake) change(kind string, r *record, at time.Time) {
	r.modified = at
	r.props[modifiedOf(kind)] = iso(at)
}

// set gives a property with a history another value.
func (r *record) set(property, value string, at time.Time) {
	r.props[property] = value
	r.history[property] = append([]version{{value, at}}, r.history[property]...)
}

func (w *world) own(r *record, at time.Time) {
	r.set("hubspot_owner_id", "77", at)
	if w.r.IntN(4) == 0 {
		r.set("hubspot_owner_id", "78", at.Add(48*time.Hour))
	}
}

func (w *world) contact(r *record) {
	id := r.id
	r.props["email"], r.props["firstname"], r.props["lastname"] = fmt.Sprintf("c%d@example.com", id), "Ann", nil
	r.props["lifecyclestage"] = "customer"
	if id%10 == 0 {
		r.props["hs_additional_emails"] = fmt.Sprintf("c%d@old.example.com;c%d@home.example.com", id, id)
	}
	w.own(r, r.created)
	if id-base("contacts") < 250 { // a workflow touched them all at once
		w.change("contacts", r, w.end.Add(-24*time.Hour).Add(123*time.Millisecond))
	}
}

func (w *world) deal(r *record) {
	r.props["dealname"], r.props["pipeline"], r.props["amount"] = "Verona kitchen", "default", "1500.00"
	r.props["deal_currency_code"] = []any{"EUR", nil}[r.id%2]
	r.props["closedate"] = iso(r.created.Add(60 * 24 * time.Hour))
	r.props["hs_analytics_source"] = "ORGANIC_SEARCH"
	at := r.created
	r.set("dealstage", stages[0], at)
	later := func(hours int) time.Time { return minTime(at.Add(time.Duration(hours)*time.Hour), w.end) }
	for i := range w.r.IntN(3) {
		at = later(1 + w.r.IntN(72))
		w.move(r, stages[(i+1)%3], at)
	}
	switch w.r.IntN(4) {
	case 0:
		at = later(1)
		w.close(r, "closedwon", at)
	case 1:
		at = later(1)
		w.close(r, "closedlost", at)
		if w.r.IntN(4) == 0 {
			at = later(1)
			w.move(r, stages[1], at)
		}
	}
	for i := range r.id % 4 {
		r.links["contacts"] = append(r.links["contacts"], base("contacts")+(r.id+i)%500)
	}
	if r.id%3 == 0 {
		r.links["companies"] = []int64{base("companies") + r.id%120}
	}
	if r.id%5 == 0 {
		r.links["line_items"] = []int64{base("line_items") + r.id%100, base("line_items") + (r.id+1)%100}
	}
}

func minTime(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}

func (f *Fake) close(r *record, stage string, at time.Time) {
	f.move(r, stage, at)
	r.props["hs_is_closed"] = "true"
	r.props["hs_is_closed_won"] = strconv.FormatBool(stage == "closedwon")
	r.props["closedate"] = iso(at)
	if stage == "closedlost" {
		r.props["closed_lost_reason"], r.props["lost_code"] = "too dear", "r1"
	}
}

func (f *Fake) move(r *record, stage string, at time.Time) {
	r.set("dealstage", stage, at)
	r.props["hs_is_closed"], r.props["hs_is_closed_won"] = "false", "false"
	f.change("deals", r, at)
}

func (w *world) ticket(r *record) {
	r.props["subject"], r.props["content"] = "Broken door", "It does not close"
	r.props["hs_ticket_priority"] = []any{"LOW", "MEDIUM", "HIGH", "URGENT", nil, "SOMEHOW"}[r.id%6]
	r.props["hs_ticket_category"] = "PRODUCT_ISSUE;BILLING_ISSUE"
	r.links["contacts"] = []int64{base("contacts") + r.id%500}
}

func (w *world) call(r *record) {
	r.props["hs_timestamp"], r.props["hs_call_direction"] = iso(r.created), []any{"INBOUND", "OUTBOUND"}[r.id%2]
	r.props["hs_call_duration"], r.props["hs_call_status"] = strconv.FormatInt(r.id%90_000, 10), []any{"COMPLETED", "NO_ANSWER", "BUSY", "QUEUED", "NEW_WORD"}[r.id%5]
	r.props["hs_call_from_number"], r.props["hs_call_to_number"] = "+49301111111", "+49302222222"
	r.props["hs_call_disposition"] = "f240bbac-87c9-4f6e-bf70-924b57d47db7"
	r.props["hs_call_recording_url"] = "https://rec.example.com/1.mp3?token=" + recordingToken
	r.links["contacts"] = []int64{base("contacts") + r.id%500}
	r.links["deals"] = []int64{base("deals") + r.id%400}
}
