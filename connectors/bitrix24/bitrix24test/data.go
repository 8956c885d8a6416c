package bitrix24test

import (
	"fmt"
	"slices"
	"time"

	"winback/connectors/connectortest"
)

// data is what the portal holds.
type data struct {
	types       map[int]*table // by entityTypeId
	custom      map[int]map[string]any
	history     *table
	activities  *table
	calls       *table
	lines       *table
	users       *table
	departments *table
	pipelines   []map[string]any
	directories map[string][]map[string]any
	currencies  []map[string]any
	lastID      int64
	tasks       []Task
}

// How many records there are.
const (
	contacts   = 240
	companies  = 70
	leads      = 80
	deals      = 360
	activities = 260
	callCount  = 280
	invoices   = 60
	complaints = 40
	users      = 60
)

// began is when the portal's first record was made.
var began = connectortest.Began.AddDate(0, -6, 0)

// Types of the CRM.
const (
	lead, deal, contact, company, invoice, complaint = 1, 2, 3, 4, 31, 1036
)

// ReasonField is a custom field of deals with the reason of a loss: a list.
const ReasonField = "UF_CRM_1700000000"

// made makes the data.
func (p *Portal) made() data {
	d := data{
		types: map[int]*table{
			contact: {id: "id", extra: []string{"fm"}}, company: {id: "id", extra: []string{"fm"}}, lead: {id: "id", extra: []string{"fm"}},
			deal: {id: "id"}, invoice: {id: "id"}, complaint: {id: "id"},
		},
		history: &table{id: "ID"}, activities: &table{id: "ID", hidden: []string{"COMMUNICATIONS"}}, calls: &table{id: "ID"}, lines: &table{id: "id"},
		users: &table{id: "ID"}, departments: &table{id: "ID"},
		custom: map[int]map[string]any{deal: {ReasonField: map[string]any{
			"type": "enumeration", "isDynamic": true, "isMultiple": false, "title": "Причина", "upperName": ReasonField,
			"items": []map[string]any{{"ID": "45", "VALUE": "Дорого"}, {"ID": "47", "VALUE": "Ушёл к конкуренту"}},
		}, "UF_CRM_1700000001": map[string]any{"type": "crm_status", "settings": map[string]any{"ENTITY_TYPE": "COMPETITOR"}, "isDynamic": true, "upperName": "UF_CRM_1700000001"}}},
	}
	p.directoriesOf(&d)
	for i := range users {
		d.users.add(p.user(i + 1))
	}
	for i, name := range []string{"Acme", "Отдел продаж", "R&D"} {
		d.departments.add(newRecord(int64(i+1), map[string]any{"ID": fmt.Sprint(i + 1), "NAME": name, "SORT": 500, "PARENT": "1"}))
	}
	p.customersOf(&d)
	p.dealsOf(&d)
	p.processesOf(&d)
	p.talksOf(&d)
	return d
}

func (t *table) add(r *record) { t.records = append(t.records, r) }

// stages of a pipeline: code, name, semantics.
var stages = [][3]string{
	{"NEW", "Новая", ""}, {"PREPARATION", "Подготовка", ""}, {"EXECUTING", "В работе", ""}, {"WON", "Успех", "S"}, {"LOSE", "Дорого", "F"}, {"APOLOGY", "Анализ провала", "F"},
}

func (p *Portal) directoriesOf(d *data) {
	d.directories = map[string][]map[string]any{}
	for i, name := range []string{"Общая", "Повторные", "Опт"} {
		isDefault, prefix, directory := "N", fmt.Sprintf("C%d:", i), fmt.Sprintf("DEAL_STAGE_%d", i)
		if i == 0 {
			isDefault, prefix, directory = "Y", "", "DEAL_STAGE"
		}
		d.pipelines = append(d.pipelines, map[string]any{"id": i, "name": name, "sort": 100 * (i + 1), "entityTypeId": 2, "isDefault": isDefault, "originId": "", "originatorId": ""})
		d.directories[directory] = entries(directory, prefix, stages)
	}
	d.directories["SOURCE"] = entries("SOURCE", "", [][3]string{{"WEB", "Сайт", ""}, {"CALL", "Звонок", ""}})
	d.directories["COMPETITOR"] = entries("COMPETITOR", "", [][3]string{{"RIVAL", "Соперник", ""}})
	d.directories["SMART_INVOICE_STAGE_13"] = entries("SMART_INVOICE_STAGE_13", "DT31_13:", [][3]string{{"N", "Новый", ""}, {"P", "Оплачен", "S"}, {"D", "Не оплачен", "F"}})
	d.directories["DYNAMIC_1036_STAGE_17"] = entries("DYNAMIC_1036_STAGE_17", "DT1036_17:", [][3]string{{"NEW", "Новая", ""}, {"SUCCESS", "Решена", "S"}, {"FAIL", "Отклонена", "F"}})
	d.currencies = []map[string]any{
		{"CURRENCY": "RUB", "AMOUNT_CNT": "1", "AMOUNT": "1.0000", "SORT": "100", "BASE": "Y", "FULL_NAME": "Российский рубль", "DATE_UPDATE": "2024-01-29T12:28:40+02:00"},
		{"CURRENCY": "EUR", "AMOUNT_CNT": "1", "AMOUNT": "100.0000", "SORT": "200", "BASE": "N", "FULL_NAME": "Евро", "DATE_UPDATE": "2024-01-29T12:28:40+02:00"},
		{"CURRENCY": "KZT", "AMOUNT_CNT": "100", "AMOUNT": "17.0000", "SORT": "300", "BASE": "N", "FULL_NAME": "Тенге", "DATE_UPDATE": "2024-01-29T12:28:40+02:00"},
	}
}

func entries(directory, prefix string, codes [][3]string) []map[string]any {
	var list []map[string]any
	for i, c := range codes {
		var semantics any
		extra := "process"
		switch c[2] {
		case "S":
			semantics, extra = "S", "success"
		case "F":
			semantics, extra = "F", "failure"
		}
		list = append(list, map[string]any{
			"ID": fmt.Sprint(300 + i), "ENTITY_ID": directory, "STATUS_ID": prefix + c[0], "NAME": c[1], "NAME_INIT": "", "SORT": fmt.Sprint(10 * (i + 1)),
			"SYSTEM": "Y", "CATEGORY_ID": nil, "COLOR": "#39A8EF", "SEMANTICS": semantics, "EXTRA": map[string]any{"SEMANTICS": extra, "COLOR": "#39A8EF"},
		})
	}
	return list
}

func (p *Portal) user(id int) *record {
	return newRecord(int64(id), map[string]any{
		"ID": fmt.Sprint(id), "ACTIVE": id%9 != 0, "NAME": "Вадим", "LAST_NAME": fmt.Sprintf("Валеев %d", id), "SECOND_NAME": "", "EMAIL": fmt.Sprintf("user%d@acme.example", id),
		"LAST_LOGIN": "2026-03-10T13:06:54+00:00", "DATE_REGISTER": "2024-07-15T00:00:00+00:00", "TIME_ZONE": "", "IS_ONLINE": "Y",
		"TIMESTAMP_X": map[string]any{}, "LAST_ACTIVITY_DATE": map[string]any{}, "WORK_POSITION": "", "UF_EMPLOYMENT_DATE": "",
		"UF_DEPARTMENT": []int{1 + id%3}, "USER_TYPE": "employee",
	})
}

// changedAt is when a record was last changed: often together with others, as many
// as do not fit on a page.
func (p *Portal) changedAt(i, of int) time.Time {
	span := connectortest.Began.Sub(began) - time.Hour
	at := began.Add(span * time.Duration(i) / time.Duration(of))
	if i%4 == 0 {
		at = at.Truncate(30 * 24 * time.Hour) // a change of many at once
	}
	if at.Before(began) {
		at = began
	}
	return at.Truncate(time.Second)
}

func fm(i int) []map[string]any {
	var list []map[string]any
	if i%5 != 0 {
		list = append(list, map[string]any{"id": 10_000 + i, "valueType": "MOBILE", "value": fmt.Sprintf("+7 (916) %03d-00-01", i), "typeId": "PHONE"})
	}
	if i%3 != 0 {
		list = append(list, map[string]any{"id": 20_000 + i, "valueType": "WORK", "value": fmt.Sprintf("k%d@example.com", i), "typeId": "EMAIL"})
	}
	return list
}

// common are the fields of every record of the CRM.
func (p *Portal) common(id int64, typeID int, at time.Time) map[string]any {
	return map[string]any{
		"id": id, "entityTypeId": typeID, "createdTime": stamp(at.Add(-time.Hour)), "updatedTime": stamp(at), "createdBy": 1, "updatedBy": 1,
		"assignedById": 1 + id%users, "opened": "Y", "lastActivityBy": 1, "lastActivityTime": stamp(at), "utmSource": nil, "utmMedium": nil, "comments": "",
	}
}

// customersOf makes contacts, companies and leads. Ids have gaps.
func (p *Portal) customersOf(d *data) {
	person := func(typeID, n, step int, more func(i int, f map[string]any)) {
		for i := range n {
			id := int64(1 + i*step + i/7)
			f := p.common(id, typeID, p.changedAt((i*37)%n, n))
			if list := fm(i); list != nil {
				f["fm"] = list
			} else {
				f["fm"] = []any{}
			}
			f["searchContent"] = "1 Ким Анна"
			more(i, f)
			d.types[typeID].add(newRecord(id, f))
		}
	}
	person(contact, p.times*contacts, 1, func(i int, f map[string]any) {
		f["name"], f["lastName"], f["secondName"], f["companyId"], f["birthdate"] = "Анна", fmt.Sprintf("Ким %d", i), nil, 0, ""
		if i%2 == 0 {
			f["companyId"], f["birthdate"] = 1+i%companies, "1990-05-06T02:00:00+02:00"
		}
	})
	person(company, p.times*companies, 2, func(i int, f map[string]any) {
		f["title"], f["isMyCompany"], f["revenue"] = fmt.Sprintf("ООО Ромашка %d", i), "N", nil
		if i%40 == 3 {
			f["isMyCompany"] = "Y"
		}
	})
	person(lead, p.times*leads, 1, func(i int, f map[string]any) {
		f["title"], f["name"], f["lastName"], f["secondName"], f["companyTitle"] = fmt.Sprintf("Лид #%d", i), "", "", nil, nil
		f["contactId"], f["companyId"], f["birthdate"], f["stageId"], f["stageSemanticId"] = 0, 0, "", "NEW", "P"
		if i%3 == 0 {
			f["contactId"], f["stageId"], f["stageSemanticId"], f["name"] = 1+i, "CONVERTED", "S", "Анна"
		}
	})
}

// dealsOf makes deals with their history and lines.
func (p *Portal) dealsOf(d *data) {
	for i := range p.times * deals {
		id := int64(101 + i + i/11)
		at := p.changedAt((i*53)%(p.times*deals), p.times*deals)
		f := p.common(id, deal, at)
		for name, value := range map[string]any{
			"title": fmt.Sprintf("Кухня %d", i), "typeId": "SALE", "isRecurring": "N", "isNew": "N", "companyId": 0, "contactId": 1 + i%(p.times*contacts), "contactIds": []int{1 + i%(p.times*contacts)},
			"leadId": nil, "opportunity": 1000.5 + float64(i), "isManualOpportunity": "N", "currencyId": "RUB", "taxValue": 0, "probability": nil,
			"begindate": midnight(at), "closedate": midnight(at.AddDate(0, 1, 0)), "closed": "N", "sourceId": []any{"WEB", "CALL", nil, ""}[i%4],
			"hasProducts": nil, ReasonField: "", "UF_CRM_1700000001": nil, "movedTime": stamp(at),
		} {
			f[name] = value
		}
		if i%3 == 0 {
			f["companyId"] = 1 + (i%(p.times*companies))*2
		}
		if i%90 == 17 {
			f["isRecurring"] = "Y"
		}
		if i%50 == 0 {
			f["currencyId"], f["opportunity"] = "RUR", nil
		}
		p.stay(d, id, i, at, f)
		d.types[deal].add(newRecord(id, f))
		for range i % 4 {
			p.line(d, id)
		}
	}
	for i := range 60 { // a deal with more lines than a page has
		_ = i
		p.line(d, 101)
	}
}

func (p *Portal) line(d *data, dealID int64) {
	id := int64(len(d.lines.records) + 1)
	d.lines.add(newRecord(id, map[string]any{
		"id": id, "ownerId": dealID, "ownerType": "D", "productId": id % 3, "productName": fmt.Sprintf("Товар %d", id), "price": float64(id%7) * 100.25, "priceExclusive": 100,
		"priceNetto": 100, "priceBrutto": 120, "quantity": 1 + id%2, "discountTypeId": 2, "discountRate": 0, "discountSum": 0, "taxRate": nil, "taxIncluded": "N",
		"measureCode": 796, "measureName": "шт", "sort": 10 * id, "type": 1, "xmlId": "", "storeId": 0,
	}))
}

// stay sets a deal's pipeline and stage, and writes the history that led there.
// Some deals are opened again.
func (p *Portal) stay(d *data, id int64, i int, at time.Time, f map[string]any) {
	pipeline, length := i%3, 1+i%5
	way := []int{0, 1, 2, []int{3, 4, 5}[i%3], 1}[:length]
	for n, stage := range way {
		kind := 2
		if n == 0 {
			kind = 1
		} else if stages[stage][2] != "" {
			kind = 3
		}
		p.enter(d, id, pipeline, stage, kind, at.Add(time.Duration(n-length+1)*24*time.Hour))
	}
	p.put(f, pipeline, way[length-1])
}

func (p *Portal) put(f map[string]any, pipeline, stage int) {
	f["categoryId"], f["stageId"], f["stageSemanticId"] = pipeline, code(pipeline, stage), semantics(stage)
	f["closed"], f[ReasonField] = "N", ""
	if s := stages[stage][2]; s != "" {
		f["closed"] = "Y"
		if s == "F" {
			f[ReasonField] = []string{"45", "47"}[stage%2]
		}
	}
}

func code(pipeline, stage int) string {
	if pipeline == 0 {
		return stages[stage][0]
	}
	return fmt.Sprintf("C%d:%s", pipeline, stages[stage][0])
}

func semantics(stage int) string {
	if s := stages[stage][2]; s != "" {
		return s
	}
	return "P"
}

func (p *Portal) enter(d *data, dealID int64, pipeline, stage, kind int, at time.Time) {
	id := int64(len(d.history.records) + 501)
	d.history.add(newRecord(id, map[string]any{
		"ID": id, "TYPE_ID": kind, "OWNER_ID": dealID, "CREATED_TIME": stamp(at), "CATEGORY_ID": pipeline, "STAGE_SEMANTIC_ID": semantics(stage), "STAGE_ID": code(pipeline, stage),
	}))
}

// processesOf makes invoices and complaints.
func (p *Portal) processesOf(d *data) {
	process := func(typeID, n, category int, codes []string) {
		for i := range n {
			id := int64(1 + i)
			at := p.changedAt(i, n)
			f := p.common(id, typeID, at)
			for name, value := range map[string]any{
				"title": fmt.Sprintf("№ %d", i), "categoryId": category, "stageId": codes[i%len(codes)], "companyId": 0, "contactId": 1 + i, "parentId2": 101 + i,
				"opportunity": 500 + i, "currencyId": "RUB", "closedate": midnight(at), "begindate": midnight(at), "movedTime": stamp(at), "xmlId": nil,
			} {
				f[name] = value
			}
			d.types[typeID].add(newRecord(id, f))
		}
	}
	process(invoice, p.times*invoices, 13, []string{"DT31_13:N", "DT31_13:P", "DT31_13:D"})
	process(complaint, p.times*complaints, 17, []string{"DT1036_17:NEW", "DT1036_17:SUCCESS", "DT1036_17:FAIL"})
}

// talksOf makes activities and calls.
func (p *Portal) talksOf(d *data) {
	for i := range p.times * activities {
		p.activity(d, p.changedAt((i*11)%(p.times*activities), p.times*activities))
	}
	for i := range p.times * callCount {
		p.callAt(d, connectortest.Began.Add(-time.Duration(p.times*callCount-i)*3*time.Hour/time.Duration(p.times)))
	}
}

func (p *Portal) activity(d *data, at time.Time) *record {
	n := len(d.activities.records)
	id := int64(20 + n)
	owner, ownerType := fmt.Sprint(1+n%contacts), "3"
	if n%3 == 0 {
		owner, ownerType = fmt.Sprint(101+n%deals), "2"
	}
	r := newRecord(id, map[string]any{
		"ID": fmt.Sprint(id), "OWNER_ID": owner, "OWNER_TYPE_ID": ownerType, "TYPE_ID": []string{"1", "2", "3", "4", "6"}[n%5],
		"PROVIDER_ID": []string{"CRM_MEETING", "VOXIMPLANT_CALL", "TASKS", "CRM_EMAIL", "CRM_TODO"}[n%5], "PROVIDER_TYPE_ID": "CALL", "SUBJECT": "Звонок",
		"CREATED": stamp(at), "LAST_UPDATED": stamp(at), "START_TIME": stamp(at.Add(-time.Hour)), "END_TIME": stamp(at.Add(-30 * time.Minute)),
		"DEADLINE": []string{stamp(at), "9999-12-31T00:00:00+03:00", ""}[n%3], "COMPLETED": []string{"Y", "N"}[n%2], "STATUS": "2", "RESPONSIBLE_ID": fmt.Sprint(1 + n%users),
		"DIRECTION": fmt.Sprint(n % 3), "DESCRIPTION": "", "SETTINGS": []any{}, "PROVIDER_PARAMS": []any{}, "ORIGIN_ID": nil,
		"COMMUNICATIONS": []map[string]any{{"ID": "23", "TYPE": "PHONE", "VALUE": "89152222222", "ENTITY_ID": fmt.Sprint(1 + n%contacts), "ENTITY_TYPE_ID": "3"}},
	})
	d.activities.add(r)
	return r
}

func (p *Portal) callAt(d *data, at time.Time) *record {
	n := len(d.calls.records)
	id := int64(9001 + n)
	r := newRecord(id, map[string]any{
		"ID": fmt.Sprint(id), "PORTAL_USER_ID": fmt.Sprint(1 + n%users), "PORTAL_NUMBER": "reg100001", "PHONE_NUMBER": fmt.Sprintf("+7916%07d", n%300),
		"CALL_ID": fmt.Sprintf("externalCall.%d", n), "EXTERNAL_CALL_ID": nil, "CALL_CATEGORY": "external", "CALL_LOG": nil, "CALL_DURATION": fmt.Sprint(n % 300),
		"CALL_START_DATE": stamp(at), "CALL_RECORD_URL": nil, "CALL_VOTE": nil, "COST": "0.0000", "COST_CURRENCY": []string{"RUR", ""}[n%2],
		"CALL_FAILED_CODE": []string{"200", "200", "304", "603-S", "486"}[n%5], "CALL_FAILED_REASON": "", "CRM_ENTITY_TYPE": "CONTACT", "CRM_ENTITY_ID": fmt.Sprint(1 + n%contacts),
		"CRM_ACTIVITY_ID": "7001", "REST_APP_ID": nil, "REST_APP_NAME": nil, "TRANSCRIPT_ID": nil, "TRANSCRIPT_PENDING": "N", "SESSION_ID": "1", "REDIAL_ATTEMPT": nil,
		"COMMENT": nil, "RECORD_DURATION": nil, "RECORD_FILE_ID": nil, "CALL_TYPE": []string{"1", "2", "3", "4"}[n%4],
	})
	d.calls.add(r)
	return r
}

// remove takes records out of a table.
func (t *table) remove(ids ...int64) {
	t.records = slices.DeleteFunc(t.records, func(r *record) bool { return slices.Contains(ids, r.id) })
}
