package amocrm

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

// mapped makes rows of one record of a list.
func mapped(t *testing.T, fields string, add func(x *extraction, r *record.Record), raw string) *connectortest.Memory {
	t.Helper()
	c := &Config{}
	var errs spec.Errors
	spec.Parse("winback.yaml", []byte("address: https://acme.amocrm.ru\ntoken: abcd\n"+fields), spec.Options{}, &errs).Decode(c, &errs)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	sink := connectortest.NewMemory()
	x := &extraction{
		source: &source{config: c}, sink: sink, req: connectors.Request{}, account: account{Currency: "RUB", zone: moscow},
		reasons: map[string]string{"77": "Уехал"},
	}
	rows := x.rows(entity.Of[entity.Deal](), nil, nil)
	if err := x.records(t.Context(), rows, "page", []json.RawMessage{json.RawMessage(raw)}, func(r *record.Record) { add(x, r) }); err != nil {
		t.Fatal(err)
	}
	if err := rows.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sink
}

func deal(x *extraction, r *record.Record) { x.addDeal(r) }

const lostDeal = `{"id":19619,"name":"Окна, 3 шт","price":46333,"responsible_user_id":123321,"group_id":0,"status_id":143,"pipeline_id":1300,
 "loss_reason_id":4203748,"created_by":321123,"updated_by":321123,"created_at":1770900000,"updated_at":1771001453,"closed_at":1771001453,"closest_task_at":null,
 "is_deleted":false,"custom_fields_values":[{"field_id":709,"field_name":"Канал","field_code":null,"field_type":"select","values":[{"value":"Авито","enum_id":5011,"enum_code":null}]},
  {"field_id":711,"field_name":"Срок","field_code":null,"field_type":"date","values":[{"value":1771016400}]},
  {"field_id":713,"field_name":"Товары","field_code":null,"field_type":"multiselect","values":[{"value":"Окна","enum_id":1},{"value":"Двери","enum_id":2}]}],
 "score":null,"account_id":28805383,"labor_cost":null,"_links":{"self":{"href":"https://demo.amocrm.ru/api/v4/leads/19619"}},
 "_embedded":{"tags":[{"id":1,"name":"vip","color":null}],"companies":[{"id":555}],"contacts":[{"id":7001,"is_main":false},{"id":7002,"is_main":true}],
  "loss_reason":[{"id":4203748,"name":"Дорого","sort":100000,"created_at":1582117280,"updated_at":1582117280}]}}`

func TestDeals_AreMapped(t *testing.T) {
	for name, c := range map[string]struct{ fields, raw, want string }{
		"a lost deal": {
			raw:  lostDeal,
			want: `amount=46333 closed_at=2026-02-13T16:50:53Z contact_id=contact-7002 created_at=2026-02-12T12:40:00Z currency=RUB customer_id=company-555 id=19619 lost_reason=Дорого manager_id=123321`,
		},
		"custom fields by id": {
			fields: "payload: none\nfields: {crm.deals: {lead_source: 709, expected_close_at: 711, product: 713}}",
			raw:    lostDeal,
			want:   `expected_close_at=2026-02-13T21:00:00Z id=19619 lead_source=Авито lost_reason=Дорого manager_id=123321 pipeline_id=1300 product=Окна, Двери`,
		},
		"an empty deal": {
			raw: `{"id":19620,"name":"","price":0,"responsible_user_id":123321,"group_id":0,"status_id":32392159,"pipeline_id":1300,"loss_reason_id":null,"created_by":0,
			 "created_at":1771001500,"updated_at":1771001500,"closed_at":null,"closest_task_at":1771088000,"is_deleted":false,"custom_fields_values":null,
			 "_embedded":{"tags":[],"companies":[],"contacts":[],"loss_reason":[]}}`,
			want: `amount=0 created_at=2026-02-13T16:51:40Z currency=RUB id=19620 manager_id=123321`,
		},
		"a reason that the account has deleted": {
			raw:  `{"id":1,"price":1,"status_id":143,"pipeline_id":1300,"loss_reason_id":77,"updated_at":1771001500}`,
			want: `lost_reason=Уехал`,
		},
		"a reopened deal keeps no reason": {
			raw:  `{"id":1,"price":1,"status_id":32392159,"pipeline_id":1300,"loss_reason_id":77,"updated_at":1771001500}`,
			want: `amount=1 currency=RUB id=1 payload={"loss_reason_id":77} pipeline_id=1300`,
		},
		"hundredths where they are told": {
			raw:  `{"id":1,"price":46333,"price_with_minor_units":46333.55,"status_id":142,"pipeline_id":1300,"updated_at":1771001500}`,
			want: `amount=46333.55 currency=RUB id=1 pipeline_id=1300 source_updated_at=2026-02-13T16:51:40Z stage_id=142 status=won`,
		},
		"from the recycle bin": {
			raw:  `{"id":1,"updated_at":1771001500,"is_deleted":true,"price":1,"status_id":1,"pipeline_id":2}`,
			want: `deleted=true id=1`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := mapped(t, c.fields, deal, c.raw)
			if got := strings.Join(sink.Rows("crm.deals"), "\n"); !strings.Contains(got, c.want) {
				t.Errorf("got  %s %+v\nwant %s", got, sink.Rejects(), c.want)
			}
		})
	}
}

func TestCustomers_AreMapped(t *testing.T) {
	raw := `{"id":7001,"name":"Анна Ким","first_name":"Анна","last_name":"Ким","responsible_user_id":123321,"group_id":0,"created_by":321123,"updated_by":321123,
	 "created_at":1770899990,"updated_at":1770899990,"closest_task_at":null,"is_deleted":false,"is_unsorted":false,
	 "custom_fields_values":[{"field_id":3,"field_name":"Телефон","field_code":"PHONE","field_type":"multitext","values":[{"value":"+79160000001","enum_id":11,"enum_code":"MOB"},{"value":"84950000000","enum_id":9,"enum_code":"WORK"}]},
	 {"field_id":5,"field_name":"Email","field_code":"EMAIL","field_type":"multitext","values":[{"value":"a@example.com","enum_code":"WORK"}]},
	 {"field_id":9,"field_name":"День рождения","field_code":null,"field_type":"birthday","values":[{"value":642200400}]},
	 {"field_id":12,"field_name":"Город","field_code":"CITY","field_type":"text","values":[{"value":"Тула"}]}],
	 "account_id":28805383,"_embedded":{"tags":[{"name":"vip"}],"companies":[{"id":555}]}}`
	fields := "payload: none\nfields: {crm.customers: {city: CITY}}"
	for kind, want := range map[*list]string{
		contacts: `birthday=1990-05-09 city=Тула created_at=2026-02-12T12:39:50Z email=[a@example.com] id=contact-7001 kind=person manager_id=123321 name=Анна Ким phone=[+79160000001|84950000000] source_updated_at=2026-02-12T12:39:50Z tags=[vip]`,
		company:  `city=Тула created_at=2026-02-12T12:39:50Z email=[a@example.com] id=company-7001 kind=company manager_id=123321`,
	} {
		sink := mapped(t, fields, func(x *extraction, r *record.Record) { addCustomer(x.account, kind, r) }, raw)
		if got := strings.Join(sink.Rows("crm.customers"), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: got  %s %+v\nwant %s", kind.path, got, sink.Rejects(), want)
		}
	}
}

func TestNotes_AreActivitiesAndCalls(t *testing.T) {
	note := func(kind, params string) string {
		return `{"id":90001,"entity_id":7001,"created_at":1771000900,"updated_at":1771000900,"responsible_user_id":123321,"note_type":"` + kind + `","params":` + params + `}`
	}
	for name, c := range map[string]struct{ raw, activity, call string }{
		"a talk": {
			note("call_in", `{"uniq":"8f52d38a","duration":54,"source":"PBX","link":"https://pbx.example.com/r/1.mp3?token=letmein","phone":"+79160000001","call_result":"Перезвонить","call_status":4,"call_responsible":123399}`),
			`customer_id=contact-7001 direction=inbound done_at=2026-02-13T16:41:40Z id=note-90001 kind=call`,
			`agent_id=123399 customer_phone=+79160000001 direction=inbound disposition=answered from_number=+79160000001 id=note-90001 outcome=Перезвонить`,
		},
		"nobody answered, by a name": {
			note("call_in", `{"duration":0,"phone":"1","call_status":null,"call_responsible":"Пётр"}`),
			`kind=call`, `agent_id=123321 agent_name=Пётр customer_phone=1 direction=inbound disposition=abandoned`,
		},
		"busy":      {note("call_out", `{"duration":0,"phone":"1","call_status":7}`), `direction=outbound`, `disposition=busy id=note-90001`},
		"voicemail": {note("call_out", `{"duration":9,"phone":"1","call_status":1}`), `direction=outbound`, `disposition=voicemail id=note-90001`},
		"a message": {note("sms_out", `{"text":"Здравствуйте"}`), `direction=outbound done_at=2026-02-13T16:41:40Z id=note-90001 kind=sms`, ``},
	} {
		sink := mapped(t, "", func(_ *extraction, r *record.Record) { addNote("contacts", r) }, c.raw)
		activity, call := strings.Join(sink.Rows("crm.activities"), ""), strings.Join(sink.Rows("callcenter.calls"), "")
		if !strings.Contains(activity, c.activity) || !strings.Contains(call, c.call) || strings.Contains(call+activity, "letmein") {
			t.Errorf("%s: got %s\n%s %+v", name, activity, call, sink.Rejects())
		}
	}
}

func TestTasks_AreMapped(t *testing.T) {
	for raw, want := range map[string]string{
		`{"id":1,"text":"Звонок","responsible_user_id":5,"entity_id":9,"entity_type":"leads","task_type_id":1,"is_completed":true,"complete_till":1771000900,"result":{"text":"ок"},"created_at":1,"updated_at":1771000000}`: `at=2026-02-13T16:26:40Z deal_id=9 done_at=2026-02-13T16:26:40Z due_at=2026-02-13T16:41:40Z id=task-1 kind=task manager_id=5 result=ок`,
		`{"id":2,"text":"","entity_id":null,"entity_type":null,"task_type_id":2,"is_completed":false,"complete_till":1771000900,"result":[],"updated_at":1771000000}`:                                                        `due_at=2026-02-13T16:41:40Z id=task-2 kind=meeting`,
	} {
		sink := mapped(t, "", func(_ *extraction, r *record.Record) { addTask(r) }, raw)
		if got := strings.Join(sink.Rows("crm.activities"), ""); !strings.Contains(got, want) {
			t.Errorf("got  %s %+v\nwant %s", got, sink.Rejects(), want)
		}
	}
}

func changes(list ...[3]string) (events []event) {
	for i, c := range list {
		e := event{ID: c[0] + string(rune('a'+i)), CreatedAt: int64(len(c[0])) * 100}
		_ = json.Unmarshal([]byte(`[{"lead_status":{"id":`+c[1]+`,"pipeline_id":1}}]`), &e.Before)
		_ = json.Unmarshal([]byte(`[{"lead_status":{"id":`+c[2]+`,"pipeline_id":1}}]`), &e.After)
		events = append(events, e)
	}
	return events
}

func TestStays_AreToldFromChanges(t *testing.T) {
	closed := int64(700)
	for name, c := range map[string]struct {
		lead    lead
		changes []event // their time is a hundred seconds for each letter
		want    string
		cut     bool
	}{
		"no change: where it is, since it was made": {lead{Status: "7"}, nil, "1:7@50", false},
		"the first stage is where the first change came from": {
			lead{Status: "9"}, changes([3]string{"x", "7", "8"}, [3]string{"xx", "8", "9"}), "1:7@50-100 2:8@100-200 3:9@200", false,
		},
		"won and reopened": {
			lead{Status: "7"}, changes([3]string{"x", "7", "142"}, [3]string{"xx", "142", "7"}), "1:7@50-100 2:142@100-200 3:7@200", false,
		},
		"two changes of one second stand in the order in which they follow": {
			lead{Status: "9"}, changes([3]string{"x", "7", "142"}, [3]string{"xx", "8", "9"}, [3]string{"xx", "142", "8"}), "1:7@50-100 2:142@100-200 3:8@200-200 4:9@200", false,
		},
		"closed, and its changes are not kept": {lead{Status: "143", ClosedAt: &closed}, nil, "1:143@700", true},
		"a change is missing between":          {lead{Status: "9"}, changes([3]string{"x", "7", "8"}, [3]string{"xx", "5", "9"}), "1:7@50-100 2:8@100-200 3:9@200", true},
		"the last change is missing":           {lead{Status: "9"}, changes([3]string{"x", "7", "8"}), "1:7@50-100 2:8@100", true},
		"a change to the same stage is none":   {lead{Status: "7"}, changes([3]string{"x", "7", "7"}), "1:7@50", false},
	} {
		c.lead.ID, c.lead.Pipeline, c.lead.CreatedAt = "1", "1", 50
		stays, whole := c.lead.stays(c.changes)
		var parts []string
		for _, s := range stays {
			part := num(int64(s.Seq)) + ":" + s.Stage + "@" + num(s.EnteredAt)
			if s.LeftAt > 0 {
				part += "-" + num(s.LeftAt)
			}
			parts = append(parts, part)
		}
		if got := strings.Join(parts, " "); got != c.want || whole == c.cut {
			t.Errorf("%s: got %s, whole %v; want %s", name, got, whole, c.want)
		}
	}
}

func num(n int64) string { text, _ := json.Marshal(n); return string(text) }
