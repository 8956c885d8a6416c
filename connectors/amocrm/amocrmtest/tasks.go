package amocrmtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"winback/connectors/connectortest"
)

// Task is a task that was made through the API.
type Task struct {
	ID, Entity, User, Until int64
	Kind, Text              string
}

// Tasks are the tasks that were made through the API, by id.
func (f *Fake) Tasks() (tasks []Task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, r := range f.tasks {
		if r.object["created_by"] == integration {
			tasks = append(tasks, Task{
				ID: id, Entity: r.object["entity_id"].(int64), User: r.object["responsible_user_id"].(int64),
				Until: r.object["complete_till"].(int64), Kind: r.object["entity_type"].(string), Text: r.object["text"].(string),
			})
		}
	}
	slices.SortFunc(tasks, func(a, b Task) int { return int(a.ID - b.ID) })
	return tasks
}

// integration is the user whom the token is of.
const integration = int64(321123)

// taskList filters by what a task is about too.
func (f *Fake) taskList(w http.ResponseWriter, q url.Values) {
	kind, ids := q.Get("filter[entity_type]"), q["filter[entity_id][]"]
	if kind == "" != (len(ids) == 0) || len(ids) > 250 {
		invalid(w, "filter", "up to 250 ids of one entity_type can be asked for")
		return
	}
	delete(q, "filter[entity_type]")
	delete(q, "filter[entity_id][]")
	list := map[int64]*record{}
	for id, r := range f.tasks {
		if kind == "" || r.object["entity_type"] == kind && slices.Contains(ids, fmt.Sprint(r.object["entity_id"])) {
			list[id] = r
		}
	}
	f.list(w, q, "tasks", list, "complete_till", "created_at", "id")
}

// addTasks makes all tasks of a request, or none of them.
func (f *Fake) addTasks(w http.ResponseWriter, r *http.Request) {
	var asked []struct {
		Kind        int    `json:"task_type_id"`
		Text        string `json:"text"`
		Until       int64  `json:"complete_till"`
		Entity      int64  `json:"entity_id"`
		EntityKind  string `json:"entity_type"`
		Responsible int64  `json:"responsible_user_id"`
		RequestID   string `json:"request_id"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil || len(asked) == 0 || len(asked) > 250 || connectortest.Allowed(r.URL.Query()) != nil {
		invalid(w, "", "wants a list of 1 to 250 tasks")
		return
	}
	for _, t := range asked {
		customers := map[string]map[int64]*record{"contacts": f.contacts, "companies": f.companies}[t.EntityKind]
		switch {
		case strings.TrimSpace(t.Text) == "", t.Until <= 0, t.Kind < 1:
			invalid(w, "text", "This value should not be blank.")
			return
		case customers[t.Entity] == nil || !customers[t.Entity].here():
			invalid(w, "entity_id", "Entity not found")
			return
		case !slices.ContainsFunc(f.users, func(u object) bool {
			return u["id"] == t.Responsible && u["rights"].(object)["is_active"] == true
		}):
			invalid(w, "responsible_user_id", "User not found")
			return
		}
	}
	at := f.clock.Now().Unix()
	var made []object
	for _, t := range asked {
		id := f.id()
		task := &record{id: id, created: at, object: object{
			"id": id, "text": t.Text, "responsible_user_id": t.Responsible, "entity_id": t.Entity, "entity_type": t.EntityKind, "task_type_id": t.Kind,
			"is_completed": false, "complete_till": t.Until, "duration": 0, "result": []any{}, "created_by": integration, "updated_by": integration,
			"created_at": at, "group_id": 0, "account_id": 28805383,
		}}
		task.touch(at)
		f.tasks[id] = task
		made = append(made, object{"id": id, "request_id": t.RequestID, "_links": object{"self": object{"href": "https://acme.example/api/v4/tasks/" + strconv.FormatInt(id, 10)}}})
	}
	send(w, object{"_links": object{}, "_embedded": object{"tasks": made}})
}
