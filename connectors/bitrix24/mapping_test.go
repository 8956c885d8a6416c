package bitrix24

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/connectortest"
	"winback/connectors/record"
	"winback/connectors/spec"
)

// sourceOf is a source with the directories of a small portal.
func sourceOf(t *testing.T, keys string) *source {
	t.Helper()
	c := &Config{}
	var errs spec.Errors
	spec.Parse("winback.yaml", []byte("webhook: https://acme.bitrix24.com/rest/1/s3cr3tt0ken/\n"+keys), spec.Options{}, &errs).Decode(c, &errs)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	opened, err := open(c, connectors.Env{Name: "b24", Location: time.FixedZone("", 3*60*60), Currency: "EUR", State: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*source)
	s.lookups = lookups{
		users: map[string]user{"7": {name: "Ирина Петрова"}},
		directories: map[string]map[string]status{
			"SOURCE":       {"WEB": {Name: "Сайт"}},
			"DEAL_STAGE_1": {"C1:LOSE": {Name: "Дорого", Semantics: "F"}},
			"SMART_INVOICE_STAGE_13": {
				"DT31_13:P": {Name: "Оплачен", Semantics: "S"}, "DT31_13:D": {Name: "Не оплачен", Semantics: "F"}, "DT31_13:N": {Name: "Новый"},
			},
			"DYNAMIC_1036_STAGE_17": {"DT1036_17:FAIL": {Name: "Отклонена", Semantics: "F"}},
			"COMPETITOR":            {"RIVAL": {Name: "Соперник"}},
		},
		fields: map[int]map[string]customField{dealType: {
			"UF_CRM_1700000000": {Type: "enumeration"}, "UF_CRM_LIST": {Type: "enumeration"}, "UF_CRM_RIVAL": {Type: "crm_status", StatusType: "COMPETITOR"},
		}},
	}
	reasons := customField{Type: "enumeration"}
	if err := json.Unmarshal([]byte(`{"type": "enumeration", "items": [{"ID": "45", "VALUE": "Дорого"}, {"ID": 47, "VALUE": "Ушёл & забыл"}]}`), &reasons); err != nil {
		t.Fatal(err)
	}
	s.lookups.fields[dealType]["UF_CRM_1700000000"], s.lookups.fields[dealType]["UF_CRM_LIST"] = reasons, reasons
	return s
}

// rowsOf makes rows of one record of a list.
func rowsOf(t *testing.T, s *source, c changing, kindAt int, raw string) *connectortest.Memory {
	t.Helper()
	sink := connectortest.NewMemory()
	k := &c.kinds[kindAt]
	r := &reading{source: s, changing: c, kind: k}
	r.rows = record.NewRows(connectors.Request{}, sink, record.Options{
		Entity: c.entity, Location: s.env.Location, Payload: "none", Fields: s.config.Fields, Custom: r.custom, Known: c.known,
	})
	one := r.rows.Record(json.RawMessage(raw))
	k.row(one)
	if err := r.rows.End(context.Background(), one); err != nil {
		t.Fatal(err)
	}
	if err := r.rows.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return sink
}

const openDeal = `{"id":101,"title":"Кухня Верона","typeId":"SALE","categoryId":0,"stageId":"PREPARATION","stageSemanticId":"P","isRecurring":"N","currencyId":"RUB",
 "opportunity":184500,"companyId":0,"contactId":55,"leadId":null,"assignedById":7,"createdTime":"2026-02-10T09:15:00+03:00","updatedTime":"2026-02-14T18:02:11+03:00",
 "movedTime":"2026-02-11T12:00:00+03:00","begindate":"2026-02-10T03:00:00+03:00","closedate":"2026-03-10T02:00:00+02:00","sourceId":"WEB","UF_CRM_1700000000":"45"}`

const lostDeal = `{"id":102,"title":"Шкаф","categoryId":1,"stageId":"C1:LOSE","stageSemanticId":"F","isRecurring":"N","currencyId":"RUR","opportunity":32000.1,"companyId":12,
 "contactId":null,"assignedById":8,"createdTime":"2026-01-20T11:00:00+03:00","updatedTime":"2026-02-01T10:30:00+03:00","movedTime":"2026-02-01T10:30:00+03:00",
 "closedate":"2026-02-01T03:00:00+03:00","sourceId":"CALL","UF_CRM_1700000000":47,"UF_CRM_LIST":["45",47],"UF_CRM_RIVAL":"RIVAL"}`

func TestDeals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ keys, record, want string }{
		"in work: its date is when it is expected to close": {"", openDeal,
			"amount=184500 contact_id=C_55 created_at=2026-02-10T06:15:00Z currency=RUB customer_id=C_55 expected_close_at=2026-03-09T21:00:00Z id=101 lead_source=Сайт manager_id=7 pipeline_id=0 source_updated_at=2026-02-14T15:02:11Z stage_id=PREPARATION status=open title=Кухня Верона"},
		"lost: the stage is the reason, RUR are roubles": {"", lostDeal,
			"amount=32000.1 closed_at=2026-02-01T07:30:00Z created_at=2026-01-20T08:00:00Z currency=RUB customer_id=CO_12 id=102 lead_source=CALL lost_reason=Дорого manager_id=8 pipeline_id=1 source_updated_at=2026-02-01T07:30:00Z stage_id=C1:LOSE status=lost title=Шкаф"},
		"lost: a list says the reason": {"lost_reason: UF_CRM_1700000000", lostDeal,
			"amount=32000.1 closed_at=2026-02-01T07:30:00Z created_at=2026-01-20T08:00:00Z currency=RUB customer_id=CO_12 id=102 lead_source=CALL lost_reason=Ушёл & забыл manager_id=8 pipeline_id=1 source_updated_at=2026-02-01T07:30:00Z stage_id=C1:LOSE status=lost title=Шкаф"},
		"lost: several items, and fields of the account's own": {"lost_reason: UF_CRM_LIST\nfields: {crm.deals: {competitor: UF_CRM_RIVAL, product: UF_CRM_LIST}}", lostDeal,
			"amount=32000.1 closed_at=2026-02-01T07:30:00Z competitor=Соперник created_at=2026-01-20T08:00:00Z currency=RUB customer_id=CO_12 id=102 lead_source=CALL lost_reason=Дорого, Ушёл & забыл manager_id=8 pipeline_id=1 product=Дорого, Ушёл & забыл source_updated_at=2026-02-01T07:30:00Z stage_id=C1:LOSE status=lost title=Шкаф"},
		"a template is no deal": {"", strings.Replace(openDeal, `"isRecurring":"N"`, `"isRecurring":"Y"`, 1), ""},
		"no amount, no currency: the project's": {"", `{"id":5,"categoryId":0,"stageId":"NEW","stageSemanticId":"P","opportunity":null,"companyId":0,"contactId":0,"currencyId":null,"closedate":""}`,
			"currency=EUR id=5 pipeline_id=0 stage_id=NEW status=open"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sourceOf(t, c.keys)
			got := rowsOf(t, s, s.dealsWith(s.lookups.fields[dealType]), 0, c.record)
			if row := strings.Join(got.Rows("crm.deals"), "\n"); row != c.want {
				t.Errorf("got  %s\nwant %s\n%v", row, c.want, got.Rejects())
			}
		})
	}
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	const times = `"createdTime":"2026-02-10T09:14:00+03:00","updatedTime":"2026-02-10T09:14:00+03:00","assignedById":7`
	for name, c := range map[string]struct {
		kind         int
		record, want string
	}{
		"a contact": {0, `{"id":55,"name":"Анна","secondName":null,"lastName":"Ким","birthdate":"1990-05-06T02:00:00+02:00","companyId":12,` + times + `,
			"fm":[{"id":210,"valueType":"MOBILE","value":"+7 (916) 000-00-01","typeId":"PHONE"},{"id":211,"valueType":"WORK","value":"a.kim@example.com","typeId":"EMAIL"},{"id":212,"valueType":"WORK","value":"kim.example","typeId":"WEB"}]}`,
			"birthday=1990-05-06 created_at=2026-02-10T06:14:00Z email=[a.kim@example.com] id=C_55 kind=person manager_id=7 name=Анна Ким phone=[+7 (916) 000-00-01] source_updated_at=2026-02-10T06:14:00Z"},
		"a contact without phones":   {0, `{"id":56,"name":"","lastName":"Ким","birthdate":"",` + times + `}`, "created_at=2026-02-10T06:14:00Z id=C_56 kind=person manager_id=7 name=Ким source_updated_at=2026-02-10T06:14:00Z"},
		"a company":                  {1, `{"id":12,"title":"ООО Ромашка","isMyCompany":"N",` + times + `}`, "created_at=2026-02-10T06:14:00Z id=CO_12 kind=company manager_id=7 name=ООО Ромашка source_updated_at=2026-02-10T06:14:00Z"},
		"one of the portal's own":    {1, `{"id":13,"title":"Мы","isMyCompany":"Y",` + times + `}`, ""},
		"a lead":                     {2, `{"id":31,"title":"Лид #31","companyTitle":"ООО Лютик","contactId":0,"companyId":null,"birthdate":"",` + times + `}`, "created_at=2026-02-10T06:14:00Z id=L_31 kind=company manager_id=7 name=ООО Лютик source_updated_at=2026-02-10T06:14:00Z"},
		"a lead that became someone": {2, `{"id":32,"title":"Лид #32","name":"Анна","contactId":55,"companyId":0,` + times + `}`, "created_at=2026-02-10T06:14:00Z external_ids=[b24|C_55] id=L_32 kind=person manager_id=7 name=Анна source_updated_at=2026-02-10T06:14:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sourceOf(t, "")
			got := rowsOf(t, s, s.customerKinds(), c.kind, c.record)
			if row := strings.Join(got.Rows("crm.customers"), "\n"); row != c.want {
				t.Errorf("got  %s\nwant %s\n%v", row, c.want, got.Rejects())
			}
		})
	}
}

func TestActivities(t *testing.T) {
	t.Parallel()
	const call = `{"ID":"20","OWNER_ID":"15","OWNER_TYPE_ID":"3","TYPE_ID":"2","PROVIDER_ID":"VOXIMPLANT_CALL","SUBJECT":"Звонок","CREATED":"2026-02-27T13:26:55+03:00",
 "LAST_UPDATED":"2026-02-28T20:28:24+03:00","START_TIME":"2026-02-27T13:25:00+03:00","END_TIME":"2026-02-27T13:35:00+03:00","DEADLINE":"9999-12-31T00:00:00+03:00","COMPLETED":"Y",
 "RESPONSIBLE_ID":"505","DIRECTION":"2","COMMUNICATIONS":[{"TYPE":"PHONE","VALUE":"89152222222","ENTITY_ID":"15","ENTITY_TYPE_ID":"3"},{"ENTITY_ID":"12","ENTITY_TYPE_ID":"4"}]}`
	for name, c := range map[string]struct {
		replace []string
		want    string
	}{
		"a call that is never due": {nil, "at=2026-02-27T10:25:00Z customer_id=C_15 direction=outbound done_at=2026-02-27T10:35:00Z id=20 kind=call manager_id=505 source_updated_at=2026-02-28T17:28:24Z subject=Звонок"},
		"of a deal: the customer is who was spoken to": {[]string{`"OWNER_TYPE_ID":"3"`, `"OWNER_TYPE_ID":"2"`, `"DIRECTION":"2"`, `"DIRECTION":"0"`},
			"at=2026-02-27T10:25:00Z customer_id=CO_12 deal_id=15 done_at=2026-02-27T10:35:00Z id=20 kind=call manager_id=505 source_updated_at=2026-02-28T17:28:24Z subject=Звонок"},
		"done before it was to end": {[]string{`"END_TIME":"2026-02-27T13`, `"END_TIME":"2026-03-27T13`, `"DIRECTION":"2"`, `"DIRECTION":"1"`},
			"at=2026-02-27T10:25:00Z customer_id=C_15 direction=inbound done_at=2026-02-28T17:28:24Z id=20 kind=call manager_id=505 source_updated_at=2026-02-28T17:28:24Z subject=Звонок"},
		"of a provider that the contract has no word for": {[]string{`"TYPE_ID":"2","PROVIDER_ID":"VOXIMPLANT_CALL"`, `"TYPE_ID":"6","PROVIDER_ID":"IMOPENLINES_SESSION"`, `"COMPLETED":"Y"`, `"COMPLETED":"N"`},
			"at=2026-02-27T10:25:00Z customer_id=C_15 direction=outbound id=20 kind=imopenlines_session manager_id=505 source_updated_at=2026-02-28T17:28:24Z subject=Звонок"},
		"to do": {[]string{`"TYPE_ID":"2","PROVIDER_ID":"VOXIMPLANT_CALL"`, `"TYPE_ID":"6","PROVIDER_ID":"CRM_TODO"`, `9999-12-31T00`, `2026-03-01T00`, `"COMPLETED":"Y"`, `"COMPLETED":"N"`},
			"at=2026-02-27T10:25:00Z customer_id=C_15 direction=outbound due_at=2026-02-28T21:00:00Z id=20 kind=task manager_id=505 source_updated_at=2026-02-28T17:28:24Z subject=Звонок"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sourceOf(t, "")
			got := rowsOf(t, s, s.activities(), 0, strings.NewReplacer(c.replace...).Replace(call))
			if row := strings.Join(got.Rows("crm.activities"), "\n"); row != c.want {
				t.Errorf("got  %s\nwant %s\n%v", row, c.want, got.Rejects())
			}
		})
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	const inbound = `{"ID":"9001","PORTAL_USER_ID":"7","PORTAL_NUMBER":"reg100001","PHONE_NUMBER":"+79160000001","CALL_CATEGORY":"external","CALL_LOG":"https://x/?token=a",
 "CALL_DURATION":"95","CALL_START_DATE":"2026-02-13T19:26:40+03:00","CALL_RECORD_URL":"https://acme.bitrix24.ru/record/1.mp3?auth=s3cret","CALL_VOTE":"0","COST":"0.0000","COST_CURRENCY":"RUR",
 "CALL_FAILED_CODE":"200","CRM_ENTITY_TYPE":"CONTACT","CRM_ENTITY_ID":"55","CALL_TYPE":"2"}`
	for name, c := range map[string]struct {
		replace []string
		want    string
	}{
		"answered": {nil, "agent_id=7 agent_name=Ирина Петрова customer_phone=+79160000001 direction=inbound disposition=answered ended_at=2026-02-13T16:28:15Z from_number=+79160000001 id=9001 recording_url=https://acme.bitrix24.ru/record/1.mp3 source_updated_at=2026-02-13T16:26:40Z started_at=2026-02-13T16:26:40Z talk_seconds=95 to_number=reg100001"},
		"missed":   {[]string{`"200"`, `"304"`, `"95"`, `"0"`}, "agent_id=7 agent_name=Ирина Петрова customer_phone=+79160000001 direction=inbound disposition=abandoned ended_at=2026-02-13T16:26:40Z from_number=+79160000001 id=9001 recording_url=https://acme.bitrix24.ru/record/1.mp3 source_updated_at=2026-02-13T16:26:40Z started_at=2026-02-13T16:26:40Z to_number=reg100001"},
		"a call-back, with a mark, not taken": {[]string{`"200"`, `"304"`, `"CALL_TYPE":"2"`, `"CALL_TYPE":"4"`, `"CALL_VOTE":"0"`, `"CALL_VOTE":"4"`, `"CALL_RECORD_URL":"https://acme.bitrix24.ru/record/1.mp3?auth=s3cret"`, `"CALL_RECORD_URL":null`},
			"agent_id=7 agent_name=Ирина Петрова customer_phone=+79160000001 direction=outbound disposition=failed ended_at=2026-02-13T16:28:15Z from_number=reg100001 id=9001 satisfaction=4 source_updated_at=2026-02-13T16:26:40Z started_at=2026-02-13T16:26:40Z to_number=+79160000001"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sourceOf(t, "")
			got := rowsOf(t, s, s.calls(), 0, strings.NewReplacer(c.replace...).Replace(inbound))
			if row := strings.Join(got.Rows("callcenter.calls"), "\n"); row != c.want {
				t.Errorf("got  %s\nwant %s\n%v", row, c.want, got.Rejects())
			}
		})
	}
}

func TestInvoicesAndComplaints(t *testing.T) {
	t.Parallel()
	const invoice = `{"id":5,"title":"Счёт 5","categoryId":13,"stageId":"DT31_13:P","companyId":0,"contactId":55,"parentId2":101,"opportunity":500.25,"currencyId":"RUB",
 "closedate":"2026-02-20T03:00:00+03:00","movedTime":"2026-02-18T10:00:00+03:00","createdTime":"2026-02-10T10:00:00+03:00","updatedTime":"2026-02-18T10:00:00+03:00","assignedById":7}`
	s := sourceOf(t, "complaints: 1036")
	for replace, want := range map[string]string{
		"DT31_13:P": "amount=500.25 currency=RUB customer_id=C_55 due_at=2026-02-19T21:00:00Z id=5 order_id=101 paid_at=2026-02-18T07:00:00Z source_updated_at=2026-02-18T07:00:00Z",
		"DT31_13:N": "amount=500.25 currency=RUB customer_id=C_55 due_at=2026-02-19T21:00:00Z id=5 order_id=101 source_updated_at=2026-02-18T07:00:00Z",
		"DT31_13:D": "amount=500.25 currency=RUB customer_id=C_55 due_at=2026-02-19T21:00:00Z id=5 order_id=101 source_updated_at=2026-02-18T07:00:00Z written_off=500.25",
	} {
		got := rowsOf(t, s, s.invoices(), 0, strings.Replace(invoice, "DT31_13:P", replace, 1))
		if row := strings.Join(got.Rows("crm.payments"), "\n"); row != want {
			t.Errorf("got  %s\nwant %s\n%v", row, want, got.Rejects())
		}
	}
	got := rowsOf(t, s, s.complaints(), 0, strings.NewReplacer("DT31_13:P", "DT1036_17:FAIL", `"categoryId":13`, `"categoryId":17`).Replace(invoice))
	want := "customer_id=C_55 id=5 manager_id=7 opened_at=2026-02-10T07:00:00Z order_id=101 resolution=Отклонена resolved_at=2026-02-18T07:00:00Z source_updated_at=2026-02-18T07:00:00Z text=Счёт 5"
	if row := strings.Join(got.Rows("crm.complaints"), "\n"); row != want {
		t.Errorf("got  %s\nwant %s\n%v", row, want, got.Rejects())
	}
}

func TestDisposition(t *testing.T) {
	t.Parallel()
	for code, want := range map[string][2]string{ // inbound, outbound
		"200": {"answered", "answered"}, "304": {"abandoned", "failed"}, "603": {"abandoned", "busy"}, "603-S": {"abandoned", "failed"},
		"486": {"busy", "busy"}, "480": {"abandoned", "failed"}, "404": {"failed", "failed"}, "OTHER": {"failed", "failed"},
	} {
		if got := [2]string{disposition(code, "inbound"), disposition(code, "outbound")}; got != want {
			t.Errorf("%s: got %v, want %v", code, got, want)
		}
	}
}

func TestMainProduct_IsTheLineWorthMost_TheFirstOfEquals(t *testing.T) {
	t.Parallel()
	lines := []productRow{
		{ID: 1, Name: "Стул", Price: "100.5", Quantity: "2"}, {ID: 2, Name: "Стол", Price: "50.25", Quantity: "4"}, {ID: 3, Name: "Услуга", Price: "1", Quantity: "1"},
	}
	if got := mainProduct(lines); got != "Стул" {
		t.Errorf("got %s", got)
	}
	if got := mainProduct(nil); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestQuery_IsWhatPHPReads(t *testing.T) {
	t.Parallel()
	got := query(params{"filter": params{">id": "$result[p00][items][49][id]", ">=updatedTime": "2026-03-01T00:00:00+03:00"}, "select": []string{"*", "UF_X"}, "start": -1})
	want := "filter[%3E%3DupdatedTime]=2026-03-01T00%3A00%3A00%2B03%3A00&filter[%3Eid]=$result[p00][items][49][id]&select[0]=%2A&select[1]=UF_X&start=-1"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBatch_AnEmptyMapMayComeAsAList(t *testing.T) {
	t.Parallel()
	var b batched
	text := `{"result":{"result":{"p00":[{"ID":"1"}],"p01":[]},"result_error":{"p02":{"error":"ERROR_METHOD_NOT_FOUND","error_description":"Method not found!"}},
 "result_total":{"p00":1,"p01":0},"result_next":[],"result_time":[]},"time":{"duration":0.2,"date_finish":"2026-02-14T18:02:11+03:00","operating":0}}`
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	if r := b.reply("p00", "user.get"); r.err != nil || r.total != 1 || string(r.result) != `[{"ID":"1"}]` {
		t.Errorf("got %+v", r)
	}
	if r := b.reply("p02", "user.get"); r.err == nil || r.err.Status != 404 || r.again {
		t.Errorf("got %+v", r)
	}
}

func TestConfig_AddressesThatDoNotFit(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"webhook: https://acme.bitrix24.com/rest/1/":         "wants an address such as",
		"webhook: http://acme.bitrix24.com/rest/1/abcdefgh/": "wants HTTPS",
		"webhook: acme":              "wants an address such as",
		"leads: true":                "wants webhook",
		"address: acme.bitrix24.com": "wants address, client_id, client_secret and refresh_token",
		"webhook: https://a.com/rest/1/abcdefgh/\naddress: b.c":      "exclude each other",
		"webhook: https://a.com/rest/1/abcdefgh/\nlost_reason: why":  "wants stage, or a custom field",
		"webhook: https://a.com/rest/1/abcdefgh/\nbatch_pages: 51":   "from 1 to 50",
		"webhook: https://a.com/rest/1/abcdefgh/\ncomplaints: 31":    "a smart process",
		"webhook: https://a.com/rest/1/abcdefgh/\norders: all_deals": "won_deals",
	} {
		_, err := connectortest.Open(Connector(), "connector: bitrix24\n"+yaml, connectortest.Project{Dir: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "abcdefgh") {
			t.Errorf("%s: got %v", yaml, err)
		}
	}
}

// dealsWith is the description of deals when the directories are known.
func (s *source) dealsWith(fields map[string]customField) changing {
	c := s.deals()
	d := &dealRows{source: s, fields: fields}
	c.kinds[0].row = d.row
	return c
}
