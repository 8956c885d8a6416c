package amocrmtest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// object is a record as it is sent.
type object = map[string]any

// record is one record of the account, with what the fake knows of it.
type record struct {
	object
	id      int64
	updated int64
	created int64
	binned  bool // in the recycle bin
	gone    bool // deleted for good
	told    bool // its events were asked for
	moves   []move
	holders []holder
}

// move is a stay of a lead in a stage, holder one of a customer with a manager.
type move struct {
	stage, pipeline, at int64
}
type holder struct{ user, at int64 }

func (r *record) set(name string, value any) { r.object[name] = value }

func (r *record) touch(at int64) {
	r.updated = at
	r.set("updated_at", at)
}

// Stages of the two pipelines; the first of each holds what is not sorted yet.
var stages = map[int64][]int64{
	1300: {32392156, 32392159, 32392162, 32392165},
	1400: {42392156, 42392159, 42392162},
}

const (
	won  = 142
	lost = 143
)

// world makes the account's data from a seed.
type world struct {
	*Fake
	r     *rand.Rand
	begin int64
	end   int64
}

// Sizes of the account.
const (
	leadCount    = 560
	contactCount = 300
	companyCount = 80
	taskCount    = 120
	noteCount    = 160
)

func (f *Fake) fill(end time.Time) {
	w := world{Fake: f, r: rand.New(rand.NewPCG(7, 7)), begin: end.AddDate(0, -5, 0).Unix(), end: end.Unix()}
	f.users = []object{w.user(123321, "Пётр Ли", true), w.user(123322, "Ольга Ким", true), w.user(123323, "Gone", false)}
	f.reasons = []object{reason(4203748, "Дорого"), reason(4203749, "Купили у других")}
	for i := range f.times * companyCount {
		w.customer(f.companies, 500+i, fmt.Sprintf("ООО %d", i))
	}
	for i := range f.times * contactCount {
		w.customer(f.contacts, 7000+i, fmt.Sprintf("Анна %d", i))
	}
	for i := range f.times * leadCount {
		w.lead(19000 + i)
	}
	for i := range f.times * taskCount {
		w.task(40000 + i)
	}
	for i := range f.times * noteCount {
		w.note(90000 + i)
	}
}

func (w *world) at() int64 { return w.begin + w.r.Int64N(w.end-w.begin-3600) }

// later is a time after another one.
func (w *world) later(at int64) int64 { return min(at+1+w.r.Int64N(20*24*3600), w.end-1) }

func (w *world) user(id int64, name string, active bool) object {
	return object{
		"id": id, "name": name, "email": fmt.Sprintf("u%d@example.com", id), "lang": "ru",
		"rights":    object{"leads": object{"view": "A"}, "is_admin": active, "is_free": false, "is_active": active, "group_id": nil, "role_id": nil, "status_rights": []any{}},
		"_embedded": object{"groups": []object{{"id": 1, "name": "Отдел продаж"}}},
	}
}

func reason(id int64, name string) object {
	return object{"id": id, "name": name, "sort": 100000, "created_at": 1582117280, "updated_at": 1582117280}
}

func (w *world) someone() int64 { return 123321 + w.r.Int64N(3) }

func (w *world) customer(into map[int64]*record, id int64, name string) {
	created := w.at()
	r := &record{id: id, created: created, object: object{
		"id": id, "name": name, "group_id": 0, "created_by": 321123, "updated_by": 321123, "created_at": created, "closest_task_at": nil,
		"is_deleted": false, "account_id": 28805383, "custom_fields_values": nil,
		"_embedded": object{"tags": []object{}, "companies": []object{}},
	}}
	r.touch(created)
	into[id] = r
	user := w.someone()
	r.holders = []holder{{user, created}}
	r.set("responsible_user_id", user)
	kind := "company"
	if id >= 7000 {
		kind = "contact"
		r.set("first_name", name)
		r.set("last_name", "")
		r.set("is_unsorted", false)
	}
	if w.r.IntN(4) > 0 {
		r.set("custom_fields_values", []object{
			{"field_id": 3, "field_name": "Телефон", "field_code": "PHONE", "field_type": "multitext", "values": []object{{"value": "+7916" + strconv.FormatInt(1000000+id, 10), "enum_id": 11, "enum_code": "MOB"}}},
			{"field_id": 5, "field_name": "Email", "field_code": "EMAIL", "field_type": "multitext", "values": []object{{"value": fmt.Sprintf("c%d@example.com", id), "enum_id": 15, "enum_code": "WORK"}}},
		})
	}
	w.event(kind+"_added", kind, id, created, nil, nil)
	if w.r.IntN(3) == 0 {
		w.hand(r, kind, w.later(created))
	}
}

// hand gives a customer to another manager.
func (f *Fake) hand(r *record, kind string, at int64) {
	before := r.holders[len(r.holders)-1]
	user := 123321 + (before.user-123321+1)%3
	r.holders = append(r.holders, holder{user, at})
	r.set("responsible_user_id", user)
	r.touch(max(r.updated, at))
	responsible := func(id int64) []object { return []object{{"responsible_user": object{"id": id}}} }
	f.event("entity_responsible_changed", kind, r.id, at, responsible(before.user), responsible(user))
}

func (w *world) lead(id int64) {
	created := w.at()
	if id < 19300 { // imported in one second, more than a page of them
		created = w.begin + 40*24*3600
	}
	r := w.newLead(id, created, w.someone())
	if id%5 > 0 {
		r.set("custom_fields_values", []object{
			{"field_id": 709, "field_name": "Канал", "field_code": nil, "field_type": "select", "values": []object{{"value": "Авито", "enum_id": 5011, "enum_code": nil}}},
		})
	}
	if id < 19300 {
		return
	}
	at := created
	for range w.r.IntN(4) {
		at = w.later(at)
		w.move(r, w.next(r), at)
	}
	switch w.r.IntN(4) {
	case 0:
		w.move(r, stage{won, r.moves[len(r.moves)-1].pipeline}, w.later(at))
	case 1:
		at = w.later(at)
		w.move(r, stage{lost, r.moves[len(r.moves)-1].pipeline}, at)
		if w.r.IntN(5) == 0 { // reopened, and moved on in the same second
			at = w.later(at)
			w.move(r, stage{32392159, 1300}, at)
			w.move(r, stage{32392162, 1300}, at)
		}
	}
	if id%97 == 0 {
		r.binned = true
	}
}

// newLead makes a lead with links to customers of every kind.
func (f *Fake) newLead(id, created, user int64) *record {
	inside := object{"tags": []object{{"id": 1, "name": "vip", "color": nil}}, "companies": []object{}, "contacts": []object{}, "loss_reason": []object{}}
	if id%3 == 0 {
		inside["companies"] = []object{{"id": 500 + id%(f.times*companyCount)}}
	}
	if id%4 > 0 {
		inside["contacts"] = []object{{"id": 7000 + id%(f.times*contactCount), "is_main": false}, {"id": 7000 + (id+1)%(f.times*contactCount), "is_main": true}}
	}
	r := &record{id: id, created: created, object: object{
		"id": id, "name": "", "price": id % 7 * 1000, "responsible_user_id": user, "group_id": 0, "status_id": 32392159, "pipeline_id": 1300,
		"loss_reason_id": nil, "source_id": nil, "created_by": 0, "updated_by": 0, "created_at": created, "closed_at": nil, "closest_task_at": nil,
		"is_deleted": false, "custom_fields_values": nil, "score": nil, "account_id": 28805383, "labor_cost": nil, "_embedded": inside,
	}}
	r.moves = []move{{32392159, 1300, created}}
	r.touch(created)
	f.leads[id] = r
	f.event("lead_added", "lead", id, created, nil, nil)
	return r
}

type stage struct{ id, pipeline int64 }

// next is a stage other than the one that the lead is in.
func (w *world) next(r *record) stage {
	now := r.moves[len(r.moves)-1]
	for {
		pipeline := []int64{1300, 1400}[w.r.IntN(2)]
		if s := (stage{stages[pipeline][w.r.IntN(len(stages[pipeline]))], pipeline}); s.id != now.stage {
			return s
		}
	}
}

// move puts a lead into another stage.
func (f *Fake) move(r *record, to stage, at int64) {
	from := r.moves[len(r.moves)-1]
	r.moves = append(r.moves, move{to.id, to.pipeline, at})
	r.set("status_id", to.id)
	r.set("pipeline_id", to.pipeline)
	r.set("closed_at", nil)
	r.set("loss_reason_id", nil)
	inside := r.object["_embedded"].(object)
	inside["loss_reason"] = []object{}
	if to.id == won || to.id == lost {
		r.set("closed_at", at)
	}
	if to.id == lost {
		r.set("loss_reason_id", 4203748)
		inside["loss_reason"] = []object{reason(4203748, "Дорого")}
	}
	r.touch(max(r.updated, at))
	status := func(id, pipeline int64) []object {
		return []object{{"lead_status": object{"id": id, "pipeline_id": pipeline}}}
	}
	f.event("lead_status_changed", "lead", r.id, at, status(from.stage, from.pipeline), status(to.id, to.pipeline))
}

func (w *world) task(id int64) {
	created := w.at()
	r := &record{id: id, created: created, object: object{
		"id": id, "text": "Перезвонить", "responsible_user_id": w.someone(), "entity_id": 19000 + id%(w.times*leadCount), "entity_type": "leads",
		"task_type_id": 1 + id%3, "is_completed": id%2 == 0, "complete_till": created + 86400, "duration": 0, "result": []any{},
		"created_by": 0, "updated_by": 0, "created_at": created, "group_id": 0, "account_id": 28805383,
	}}
	switch id % 5 {
	case 0:
		r.set("entity_id", nil)
		r.set("entity_type", nil)
	case 1:
		r.set("entity_id", 7000+id%(w.times*contactCount))
		r.set("entity_type", "contacts")
		r.set("result", object{"text": "дозвонился"})
	}
	r.touch(w.later(created))
	w.tasks[id] = r
}

func (w *world) note(id int64) {
	created := w.at()
	params := object{
		"uniq": fmt.Sprintf("8f52-%d", id), "duration": id % 200, "source": "PBX", "link": fmt.Sprintf("https://pbx.example.com/r/%d.mp3?token=%s", id, recordingToken),
		"phone": "+79160000001", "call_result": "Перезвонить", "call_status": id%8 + 1, "call_responsible": 123321,
	}
	if id%7 == 0 {
		params["call_status"], params["call_responsible"], params["call_result"] = nil, "Пётр Ли", nil
	}
	kind := []string{"call_in", "call_out"}[id%2]
	if id%50 == 0 {
		kind, params = "sms_out", object{"text": "Здравствуйте", "phone": "+79160000001"}
	}
	of := []string{"leads", "contacts", "companies"}[id%3]
	entity := []int64{19000 + id%(w.times*leadCount), 7000 + id%(w.times*contactCount), 500 + id%(w.times*companyCount)}[id%3]
	r := &record{id: id, created: created, object: object{
		"id": id, "entity_id": entity, "created_by": 123321, "updated_by": 123321, "created_at": created, "responsible_user_id": 123321, "group_id": 0,
		"note_type": kind, "params": params, "account_id": 28805383,
	}}
	r.touch(created)
	w.notes[of][id] = r
}

// event notes what happened. Ids grow with time, but for those of one second.
func (f *Fake) event(kind, entity string, id, at int64, before, after []object) {
	f.eventCount++
	number := f.eventCount ^ 1
	if before == nil {
		before, after = []object{}, []object{}
	}
	e := happening{kind, entity, id, at, object{
		"id": fmt.Sprintf("01h%012d", number), "type": kind, "entity_id": id, "entity_type": entity, "created_by": 321123, "created_at": at,
		"value_after": after, "value_before": before, "account_id": 28805383, "_embedded": object{"entity": object{"id": id}},
	}}
	f.eventsOf = append(f.eventsOf, e)
	of := fmt.Sprintf("%s/%d", entity, id)
	f.eventsBy[of] = append(f.eventsBy[of], e)
}

type happening struct {
	kind, entity string
	id, at       int64
	object       object
}
