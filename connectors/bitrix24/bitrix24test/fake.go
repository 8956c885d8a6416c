package bitrix24test

import (
	"fmt"
	"time"

	"winback/connectors/connectortest"
)

// Server is where the portal is.
func (p *Portal) Server() *connectortest.Server { return p.server }

// Config is the source that reads the portal.
func (p *Portal) Config() string {
	const common = "complaints: 1036\nslice_rows: 100\ntimeout: 1s\n"
	if p.oauth {
		return "connector: bitrix24\naddress: " + p.server.URL + "\noauth_server: " + p.server.URL + "\nclient_id: " + clientID +
			"\nclient_secret: ${CLIENT_SECRET}\nrefresh_token: ${REFRESH_TOKEN}\n" + common
	}
	return "connector: bitrix24\nwebhook: ${BITRIX24_WEBHOOK}\n" + common
}

// Variables are the secrets.
func (p *Portal) Variables() map[string]string {
	if p.oauth {
		return map[string]string{"CLIENT_SECRET": clientSecret, "REFRESH_TOKEN": firstRefresh}
	}
	return map[string]string{"BITRIX24_WEBHOOK": p.server.URL + "/rest/1/" + Secret + "/", "SECRET": Secret}
}

// Wrong are secrets that the portal refuses.
func (p *Portal) Wrong() map[string]string {
	if p.oauth {
		return map[string]string{"CLIENT_SECRET": "wr0ngcl13nt", "REFRESH_TOKEN": "wr0ngr3fresh"}
	}
	return map[string]string{"BITRIX24_WEBHOOK": p.server.URL + "/rest/1/wr0ngs3cret/", "SECRET": "wr0ngs3cret"}
}

// Rows are the keys that there are now.
func (p *Portal) Rows() map[string][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows := map[string][]string{
		"crm.complaints": p.types[complaint].keys(""), "crm.payments": p.types[invoice].keys(""), "crm.activities": p.activities.keys(""),
		"crm.managers": p.users.keys(""), "callcenter.agents": p.users.keys(""), "callcenter.calls": p.calls.keys(""),
		"crm.customers": append(p.types[contact].keys("C_"), p.types[lead].keys("L_")...),
	}
	for _, r := range p.types[company].records {
		if r.fields["isMyCompany"] == "N" {
			rows["crm.customers"] = append(rows["crm.customers"], fmt.Sprintf("CO_%d", r.id))
		}
	}
	for _, r := range p.types[deal].records {
		if r.fields["isRecurring"] == "N" {
			rows["crm.deals"] = append(rows["crm.deals"], fmt.Sprint(r.id))
		}
	}
	for _, pipeline := range p.pipelines {
		id := fmt.Sprint(pipeline["id"])
		rows["crm.pipelines"] = append(rows["crm.pipelines"], id)
		directory := "DEAL_STAGE_" + id
		if id == "0" {
			directory = "DEAL_STAGE"
		}
		for _, stage := range p.directories[directory] {
			rows["crm.stages"] = append(rows["crm.stages"], id+"/"+fmt.Sprint(stage["STATUS_ID"]))
		}
	}
	stays := map[any]int{}
	for _, r := range p.history.records {
		owner := r.fields["OWNER_ID"]
		stays[owner]++
		rows["crm.deal_stages"] = append(rows["crm.deal_stages"], fmt.Sprintf("%v/%d", owner, stays[owner]))
	}
	return rows
}

func (t *table) keys(code string) []string {
	keys := make([]string, len(t.records))
	for i, r := range t.records {
		keys[i] = fmt.Sprintf("%s%d", code, r.id)
	}
	return keys
}

// Touch changes about n records: deals move and are made, contacts and companies
// are renamed, activities are done, calls come in.
func (p *Portal) Touch(n int) map[string][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	touched := map[string][]string{}
	for range max(n/5, 1) {
		for typeID, code := range map[int]string{contact: "C_", lead: "L_"} {
			r := p.any(p.types[typeID])
			r.fields["name"], r.fields["updatedTime"] = "Иоанна", stamp(now)
			r.written()
			touched["crm.customers"] = append(touched["crm.customers"], fmt.Sprintf("%s%d", code, r.id))
		}
		p.move(touched, now)
		p.fresh(touched, now)
		a := p.any(p.activities)
		a.fields["COMPLETED"], a.fields["LAST_UPDATED"] = "Y", stamp(now)
		a.written()
		touched["crm.activities"] = append(touched["crm.activities"], fmt.Sprint(a.id))
		touched["callcenter.calls"] = append(touched["callcenter.calls"], fmt.Sprint(p.callAt(&p.data, now).id))
	}
	return touched
}

func (p *Portal) any(t *table) *record { return t.records[p.random.IntN(len(t.records))] }

// move has a deal that is no template go to another stage.
func (p *Portal) move(touched map[string][]string, now time.Time) {
	r := p.any(p.types[deal])
	for r.fields["isRecurring"] == "Y" {
		r = p.any(p.types[deal])
	}
	stage := p.random.IntN(len(stages))
	pipeline := r.fields["categoryId"].(int)
	p.put(r.fields, pipeline, stage)
	r.fields["movedTime"], r.fields["updatedTime"] = stamp(now), stamp(now)
	r.written()
	p.enter(&p.data, r.id, pipeline, stage, 2, now)
	touched["crm.deals"] = append(touched["crm.deals"], fmt.Sprint(r.id))
	stays := 0
	for _, h := range p.history.records {
		if h.fields["OWNER_ID"] == r.id {
			stays++
			touched["crm.deal_stages"] = append(touched["crm.deal_stages"], fmt.Sprintf("%d/%d", r.id, stays))
		}
	}
}

// fresh makes a deal.
func (p *Portal) fresh(touched map[string][]string, now time.Time) {
	old := p.types[deal].records
	fields := map[string]any{}
	for name, value := range old[0].fields {
		fields[name] = value
	}
	id := max(old[len(old)-1].id, p.lastID) + 1
	p.lastID = id
	fields["id"], fields["createdTime"], fields["updatedTime"], fields["movedTime"] = id, stamp(now), stamp(now), stamp(now)
	p.put(fields, 1, 0)
	p.types[deal].add(newRecord(id, fields))
	p.enter(&p.data, id, 1, 0, 1, now)
	touched["crm.deals"] = append(touched["crm.deals"], fmt.Sprint(id))
	touched["crm.deal_stages"] = append(touched["crm.deal_stages"], fmt.Sprintf("%d/1", id))
}

// Remove deletes about n records: deals, contacts, and activities. The history of a
// deal stays.
func (p *Portal) Remove(n int) map[string][]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	removed := map[string][]string{}
	for range max(n/3, 1) {
		c, a, d := p.any(p.types[contact]), p.any(p.activities), p.any(p.types[deal])
		for d.fields["isRecurring"] == "Y" {
			d = p.any(p.types[deal])
		}
		p.types[contact].remove(c.id)
		p.activities.remove(a.id)
		p.types[deal].remove(d.id)
		p.lastID = max(p.lastID, d.id)
		removed["crm.customers"] = append(removed["crm.customers"], fmt.Sprintf("C_%d", c.id))
		removed["crm.activities"] = append(removed["crm.activities"], fmt.Sprint(a.id))
		removed["crm.deals"] = append(removed["crm.deals"], fmt.Sprint(d.id))
	}
	return removed
}

// Expire has the access token expire.
func (p *Portal) Expire() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.access != "" {
		p.expired[p.access] = true
	}
	return p.oauth
}

// Tokens are the tokens that were granted last.
func (p *Portal) Tokens() (access, refresh string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.access, p.refresh
}

// Demote has the owner of the webhook be no administrator, with some permissions.
func (p *Portal) Demote(scopes ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.admin, p.scopes = false, scopes
}

// Slow has a method take so many seconds each time, which count towards its limit.
func (p *Portal) Slow(method string, seconds float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cost[method] = seconds
}

// Commands is how often methods were called, within batches too.
func (p *Portal) Commands(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.commands[method]
}

// Change sets fields of a record of a type of the CRM, at the present time.
func (p *Portal) Change(typeID int, id int64, fields map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(p.types[typeID], id, "updatedTime", fields)
}

// ChangeCall sets fields of a call. Nothing tells that it was changed.
func (p *Portal) ChangeCall(id int64, fields map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(p.calls, id, "", fields)
}

func (p *Portal) change(t *table, id int64, stamped string, fields map[string]any) {
	for _, r := range t.records {
		if r.id != id {
			continue
		}
		for name, value := range fields {
			r.fields[name] = value
		}
		if stamped != "" {
			r.fields[stamped] = stamp(p.clock.Now())
		}
		r.written()
	}
}
