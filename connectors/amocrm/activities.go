package amocrm

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
)

var tasks = &list{path: "tasks", embedded: "tasks"}

// notes are lists of what happened with leads, contacts and companies.
var notes = []*list{notesOf("leads"), notesOf("contacts"), notesOf("companies")}

func notesOf(of string) *list {
	return &list{
		path: of + "/notes", embedded: "notes", sorted: true,
		query: url.Values{"filter[note_type][]": {"call_in", "call_out", "sms_in", "sms_out"}},
	}
}

// knownOfActivities are fields that no field of the contract takes.
var knownOfActivities = []string{"group_id", "created_by", "updated_by", "duration", "task_type_id", "params", "is_completed"}

func (x *extraction) activities(ctx context.Context) (connectors.Extracted, error) {
	return x.byChange(ctx, reading{
		entity: entity.Of[entity.Activity](), lists: append([]*list{tasks}, notes...), known: knownOfActivities,
		add: func(l *list, r *record.Record) {
			if l == tasks {
				addTask(r)
				return
			}
			addNote(strings.TrimSuffix(l.path, "/notes"), r)
		},
	})
}

// addTask takes the time of the last change for the time at which a task was done:
// there is no other.
func addTask(r *record.Record) {
	r.Need("id", "is_completed", "complete_till", "updated_at")
	a := &entity.Activity{
		Meta: entity.Meta{SourceUpdatedAt: r.Unix("updated_at")},
		ID:   prefixed("task-", r.ID("id")), ManagerID: r.ID("responsible_user_id"), Kind: "task",
		Subject: r.Text("text"), DueAt: r.Unix("complete_till"), Result: r.Object("result").Text("text"),
	}
	r.Drop("created_at")
	if r.ID("task_type_id") == "2" {
		a.Kind = "meeting"
	}
	if r.Bool("is_completed").V {
		a.DoneAt = r.Unix("updated_at")
		a.At = a.DoneAt
	}
	a.CustomerID, a.DealID = subject(r.Text("entity_type"), r.ID("entity_id"))
	record.Add(r, a)
}

// subject is the customer or the deal that something belongs to.
func subject(kind, id string) (customer, deal string) {
	switch kind {
	case "leads":
		return "", id
	case "contacts":
		return customerID(contacts, id), ""
	case "companies":
		return customerID(company, id), ""
	}
	return "", ""
}

// addNote makes an activity of a call or message, and a call of a call.
func addNote(of string, r *record.Record) {
	r.Need("id", "note_type", "params", "created_at", "updated_at")
	params := r.Object("params")
	kind, way, _ := strings.Cut(r.Text("note_type"), "_")
	a := &entity.Activity{
		Meta: entity.Meta{SourceUpdatedAt: r.Unix("updated_at")},
		ID:   prefixed("note-", r.ID("id")), ManagerID: r.ID("responsible_user_id"), Kind: kind,
		Direction: map[string]string{"in": "inbound", "out": "outbound"}[way],
		At:        r.Unix("created_at"), DoneAt: r.Unix("created_at"), Result: params.Text("call_result"),
	}
	a.CustomerID, a.DealID = subject(of, r.ID("entity_id"))
	if kind == "call" {
		defer addCall(r, params, a)
	} else {
		a.Subject = params.Text("text")
	}
	record.Add(r, a)
}

func addCall(r, params *record.Record, a *entity.Activity) {
	c := &entity.Call{
		Meta: a.Meta, ID: a.ID, StartedAt: a.At, Direction: a.Direction, CustomerPhone: params.Text("phone"),
		AgentID: a.ManagerID, TalkSeconds: params.Int("duration"), Outcome: a.Result,
		RecordingURL: params.Address("link"),
	}
	c.Disposition = disposition(params.Int("call_status"), c.TalkSeconds, c.Direction)
	if c.Direction == "inbound" {
		c.FromNumber = c.CustomerPhone
	} else {
		c.ToNumber = c.CustomerPhone
	}
	who := params.Text("call_responsible")
	if isNumber(who) {
		c.AgentID = cmp.Or(params.ID("call_responsible"), c.AgentID)
	} else {
		c.AgentName = who
	}
	record.Add(r, c)
}

// States of a call, as the vendor counts them; the others say what to do next.
const (
	callMessageLeft = 1
	callTalked      = 4
	callNoAnswer    = 6
	callBusy        = 7
)

// disposition says how a call ended. Where the state does not tell, its length does.
func disposition(state, talked entity.Opt[int64], direction string) string {
	switch {
	case state.OK && state.V == callTalked:
		return "answered"
	case state.OK && state.V == callMessageLeft:
		return "voicemail"
	case state.OK && state.V == callBusy:
		return "busy"
	case talked.V > 0 && !(state.OK && state.V == callNoAnswer):
		return "answered"
	case direction == "inbound":
		return "abandoned"
	}
	return "failed"
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// prefixed keeps ids of several lists apart.
func prefixed(prefix, id string) string {
	if id == "" {
		return ""
	}
	return prefix + id
}
