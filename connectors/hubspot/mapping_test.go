package hubspot

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/spec"
)

// mapped makes rows of one record.
func mapped(t *testing.T, o *object, fields, raw string) *connectortest.Memory {
	t.Helper()
	c := &Config{}
	var errs spec.Errors
	spec.Parse("winback.yaml", []byte("token: pat-1234\npayload: none\n"+fields), spec.Options{}, &errs).Decode(c, &errs)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	sink := connectortest.NewMemory()
	x := &extraction{
		source: &source{config: c}, sink: sink, req: connectors.Request{},
		facts: &facts{currency: "EUR", zone: time.UTC, stages: map[string]string{"appointmentscheduled": "open", "presentationscheduled": "open", "closedwon": "won", "closedlost": "lost"}},
		words: words{
			dispositions: map[string]string{"f240": "Connected", "b2cf": "Left voicemail"},
			labels: map[string]labels{
				"deals":    {"hs_analytics_source": {"ORGANIC_SEARCH": "Organic search"}, "lost_code": {"r1": "Price", "r2": "Quality"}},
				"tickets":  {"hs_ticket_category": {"PRODUCT_ISSUE": "Product issue"}},
				"contacts": {"lifecyclestage": {"customer": "Customer"}},
			},
		},
	}
	rows := record.NewRows(x.req, sink, x.options(entity.Of[entity.Deal](), nil))
	if err := x.records(t.Context(), rows, portion{object: o, records: []json.RawMessage{json.RawMessage(raw)}}); err != nil {
		t.Fatal(err)
	}
	if err := rows.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sink
}

func want(t *testing.T, sink *connectortest.Memory, name, text string) {
	t.Helper()
	if got := strings.Join(sink.Rows(name), "\n"); !strings.Contains(got, text) {
		t.Errorf("%s:\ngot  %s %+v\nwant %s", name, got, sink.Rejects(), text)
	}
}

const openDeal = `{"id":"9001","properties":{"amount":"1500.00","closed_lost_reason":null,"closedate":"2026-03-01T12:00:00Z","createdate":"2026-01-15T08:00:00.120Z",
 "dealname":"Verona kitchen","dealstage":"presentationscheduled","hs_lastmodifieddate":"2026-02-10T09:15:00.123Z","hs_object_id":"9001","hubspot_owner_id":"77","pipeline":"default","hs_analytics_source":"ORGANIC_SEARCH"},
 "propertiesWithHistory":{"dealstage":[
  {"value":"presentationscheduled","timestamp":"2026-02-10T09:15:00.101Z","sourceType":"CRM_UI","sourceId":"userId:501","updatedByUserId":501},
  {"value":"appointmentscheduled","timestamp":"2026-01-20T08:00:00Z","sourceType":"IMPORT"},
  {"value":"appointmentscheduled","timestamp":"2026-01-15T08:00:00.120Z","sourceType":"CRM_UI","sourceId":"userId:501","updatedByUserId":501}]},
 "createdAt":"2026-01-15T08:00:00.120Z","updatedAt":"2026-02-10T09:15:00.123Z","archived":false,"line_item_names":["Verona","Oven"],
 "associations":{"contacts":{"results":[{"id":"301","type":"deal_to_contact"}]},"companies":{"results":[{"id":"401","type":"deal_to_company"},{"id":"401","type":"deal_to_company_unlabeled"}]}}}`

func TestDeals_AreMapped(t *testing.T) {
	sink := mapped(t, deals, "", openDeal)
	want(t, sink, "crm.deals", "amount=1500 contact_id=contact-301 created_at=2026-01-15T08:00:00.12Z currency=EUR customer_id=company-401 expected_close_at=2026-03-01T12:00:00Z id=9001 lead_source=Organic search manager_id=77 pipeline_id=default product=Verona, Oven source_updated_at=2026-02-10T09:15:00.123Z stage_id=presentationscheduled status=open title=Verona kitchen")
	want(t, sink, "crm.deal_stages", "deal_id=9001 entered_at=2026-01-15T08:00:00.12Z left_at=2026-02-10T09:15:00.101Z seq=1 source_updated_at=2026-02-10T09:15:00.101Z stage_id=appointmentscheduled\n"+
		"deal_id=9001 entered_at=2026-02-10T09:15:00.101Z seq=2 source_updated_at=2026-02-10T09:15:00.101Z stage_id=presentationscheduled")
}

func TestDeals_LostOnes(t *testing.T) {
	lost := `{"id":"1","properties":{"dealstage":"closedlost","closedate":"2026-03-01T12:00:00Z","createdate":"2026-01-15T08:00:00Z","closed_lost_reason":"too dear","lost_code":"r1;r2","deal_currency_code":"USD"},"archived":false}`
	sink := mapped(t, deals, "", lost)
	want(t, sink, "crm.deals", "closed_at=2026-03-01T12:00:00Z created_at=2026-01-15T08:00:00Z currency=USD id=1 lost_reason=too dear stage_id=closedlost status=lost")
	want(t, sink, "crm.deal_stages", "deal_id=1 entered_at=2026-01-15T08:00:00Z seq=1 source_updated_at=2026-01-15T08:00:00Z stage_id=closedlost")
	want(t, mapped(t, deals, "lost_reason: lost_code", lost), "crm.deals", "lost_reason=Price, Quality")
	want(t, mapped(t, deals, "fields: {crm.deals: {competitor: lost_code}}", lost), "crm.deals", "competitor=Price, Quality")
	gone := `{"id":"1","properties":{"dealstage":"oldstage","hs_is_closed":"true","hs_is_closed_won":"true"},"archived":true,"archivedAt":"2026-02-01T07:00:00Z"}`
	sink = mapped(t, deals, "", gone)
	want(t, sink, "crm.deals", "currency=EUR deleted=true id=1 stage_id=oldstage status=won")
	if n := len(sink.Rows("crm.deal_stages")); n > 0 {
		t.Errorf("an archived deal has %d stays", n)
	}
}

func TestContacts_AreMapped(t *testing.T) {
	raw := `{"id":"301","properties":{"email":"ann@example.com","hs_additional_emails":"a@old.example.com;ann@example.com","firstname":"Ann","lastname":null,"phone":"+4930","mobilephone":"+4917",
	 "lifecyclestage":"customer","hubspot_owner_id":"78","createdate":"2026-01-15T08:00:00Z","lastmodifieddate":"2026-02-10T09:15:00Z","hs_merged_object_ids":"299;301"},
	 "propertiesWithHistory":{"hubspot_owner_id":[{"value":"78","timestamp":"2026-02-01T00:00:00Z"},{"value":"","timestamp":"2026-01-20T00:00:00Z"},{"value":"77","timestamp":"2026-01-15T08:00:00Z"}]},"archived":false}`
	sink := mapped(t, contacts, "fields: {crm.customers: {segment: lifecyclestage}}", raw)
	want(t, sink, "crm.customers", "deleted=true id=contact-299")
	want(t, sink, "crm.customers", "created_at=2026-01-15T08:00:00Z email=[ann@example.com|a@old.example.com] id=contact-301 kind=person manager_id=78 name=Ann phone=[+4930|+4917] segment=Customer source_updated_at=2026-02-10T09:15:00Z")
	want(t, sink, "crm.manager_assignments", "customer_id=contact-301 from_at=2026-01-15T08:00:00Z manager_id=77 source_updated_at=2026-01-15T08:00:00Z to_at=2026-01-20T00:00:00Z\n"+
		"customer_id=contact-301 from_at=2026-02-01T00:00:00Z manager_id=78")
}

func TestTickets_AreComplaints(t *testing.T) {
	raw := `{"id":"5","properties":{"subject":"Broken","content":"It does not close","hs_ticket_priority":"URGENT","hs_ticket_category":"PRODUCT_ISSUE;NEW_WORD","createdate":"2026-01-15T08:00:00Z",
	 "closed_date":"2026-01-16T08:00:00Z","hubspot_owner_id":"77"},"archived":false,"associations":{"contacts":{"results":[{"id":"301","type":"x"}]}}}`
	want(t, mapped(t, tickets, "", raw), "crm.complaints",
		"category=Product issue, NEW_WORD customer_id=contact-301 id=5 manager_id=77 opened_at=2026-01-15T08:00:00Z resolved_at=2026-01-16T08:00:00Z severity=5 text=Broken\nIt does not close")
}

func TestCalls_AreActivitiesAndCalls(t *testing.T) {
	call := func(direction, status, disposition string) string {
		return `{"id":"7","properties":{"hs_timestamp":"2026-01-15T08:00:00Z","hs_call_direction":"` + direction + `","hs_call_status":"` + status + `","hs_call_disposition":"` + disposition + `",
		 "hs_call_duration":"61499","hs_call_from_number":"+1","hs_call_to_number":"+2","hs_call_recording_url":"https://u:p@rec.example.com/1.mp3?token=letmein","hubspot_owner_id":"77"},
		 "archived":false,"associations":{"deals":{"results":[{"id":"9001","type":"x"}]}}}`
	}
	sink := mapped(t, calls, "", call("INBOUND", "COMPLETED", "f240"))
	want(t, sink, "crm.activities", "at=2026-01-15T08:00:00Z deal_id=9001 direction=inbound done_at=2026-01-15T08:00:00Z id=call-7 kind=call manager_id=77 result=Connected")
	want(t, sink, "callcenter.calls", "agent_id=77 customer_phone=+1 direction=inbound disposition=answered ended_at=2026-01-15T08:01:01.499Z from_number=+1 id=call-7 outcome=Connected recording_url=https://rec.example.com/1.mp3 started_at=2026-01-15T08:00:00Z talk_seconds=61 to_number=+2")
	for _, c := range [][3]string{
		{"OUTBOUND", "COMPLETED", "disposition=answered"}, {"OUTBOUND", "BUSY", "disposition=busy"}, {"OUTBOUND", "NO_ANSWER", "disposition=failed"},
		{"INBOUND", "NO_ANSWER", "disposition=abandoned"}, {"OUTBOUND", "FAILED", "disposition=failed"}, {"OUTBOUND", "RINGING", "direction=outbound ended_at"},
	} {
		want(t, mapped(t, calls, "", call(c[0], c[1], "x")), "callcenter.calls", c[2])
	}
	want(t, mapped(t, calls, "", call("OUTBOUND", "COMPLETED", "b2cf")), "callcenter.calls", "disposition=voicemail")
}

func TestTasksMeetingsAndProducts_AreMapped(t *testing.T) {
	want(t, mapped(t, tasks, "", `{"id":"1","properties":{"hs_timestamp":"2026-01-15T08:00:00Z","hs_task_subject":"Call","hs_task_status":"COMPLETED","hs_lastmodifieddate":"2026-01-16T08:00:00Z"},"archived":false}`),
		"crm.activities", "at=2026-01-16T08:00:00Z done_at=2026-01-16T08:00:00Z due_at=2026-01-15T08:00:00Z id=task-1 kind=task result=COMPLETED")
	want(t, mapped(t, meetings, "", `{"id":"2","properties":{"hs_timestamp":"2026-01-15T08:00:00Z","hs_meeting_title":"Visit"},"archived":false}`),
		"crm.activities", "at=2026-01-15T08:00:00Z id=meeting-2 kind=meeting subject=Visit")
	want(t, mapped(t, products, "", `{"id":"3","properties":{"name":"Oven","hs_sku":"O1","price":"99.90"},"archived":false}`),
		"shop.products", "currency=EUR id=3 is_active=true name=Oven price=99.9 sku=O1")
}

func TestStages_KindByProbability(t *testing.T) {
	for raw, want := range map[string]string{
		`{"isClosed":"true","probability":"1.0"}`: "won", `{"isClosed":"true","probability":"0.0"}`: "lost", `{"isClosed":"false","probability":"0.0"}`: "open",
		`{"isClosed":"false","probability":"0.2"}`: "open", `{"isClosed":"true","probability":"0"}`: "lost", `{"isClosed":"true","probability":"1"}`: "won",
		`{"isClosed":"true","probability":"0.10"}`: "open",
	} {
		var st stage
		if err := json.Unmarshal([]byte(`{"metadata":`+raw+`}`), &st); err != nil || st.kind() != want {
			t.Errorf("%s: got %s %v, want %s", raw, st.kind(), err, want)
		}
	}
}
