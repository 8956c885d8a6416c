package amocrm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"winback/connectors"
	"winback/connectors/restapi"
)

// tasksAtOnce is how many tasks are written in a request, and how many records are
// asked for at once.
const tasksAtOnce = 50

// taskOf is a customer that a task is about: of several records of one customer the
// first contact, or else the first company.
type taskOf struct {
	kind string // contacts, companies
	id   int64
}

// customerTypes are the prefixes of the ids of crm.customers, and the collections
// that they stand for, people first.
var customerTypes = []struct{ prefix, kind string }{{"contact-", "contacts"}, {"company-", "companies"}}

func taskOfRecords(records []string) (of taskOf, ok bool) {
	for _, t := range customerTypes {
		for _, record := range records {
			if text, found := strings.CutPrefix(record, t.prefix); found {
				if id, err := strconv.ParseInt(text, 10, 64); err == nil {
					return taskOf{t.kind, id}, true
				}
			}
		}
	}
	return of, false
}

// WrittenTasks returns the tasks of customers that WriteTasks wrote, done ones too.
func (s *source) WrittenTasks(ctx context.Context, records []string) ([]connectors.WrittenTask, error) {
	var found []connectors.WrittenTask
	for _, t := range customerTypes {
		var ids []string
		for _, record := range records {
			if id, ok := strings.CutPrefix(record, t.prefix); ok {
				ids = append(ids, id)
			}
		}
		for some := range slices.Chunk(ids, tasksAtOnce) {
			more, err := s.tasksOf(ctx, t.kind, t.prefix, some)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
	}
	return found, nil
}

// tasksOf pages through the tasks of some records of a kind.
func (s *source) tasksOf(ctx context.Context, kind, prefix string, ids []string) (found []connectors.WrittenTask, err error) {
	tasks := &list{path: "tasks", embedded: "tasks", query: url.Values{"filter[entity_type]": {kind}, "filter[entity_id][]": ids, "order[id]": {"asc"}}}
	for page := 1; ; page++ {
		records, _, err := s.patient(ctx, tasks, url.Values{"limit": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}})
		if err != nil {
			return nil, err
		}
		for _, raw := range records {
			var task struct {
				ID     int64  `json:"id"`
				Text   string `json:"text"`
				Entity int64  `json:"entity_id"`
			}
			if err := json.Unmarshal(raw, &task); err != nil {
				return nil, fmt.Errorf("read the answer to tasks: %w", err)
			}
			if mark, ok := connectors.MarkIn(task.Text); ok {
				found = append(found, connectors.WrittenTask{Mark: mark, ID: strconv.FormatInt(task.ID, 10), Records: []string{prefix + strconv.FormatInt(task.Entity, 10)}})
			}
		}
		if len(records) < pageSize {
			return found, nil
		}
	}
}

// newTask is a task as the account takes it.
type newTask struct {
	Kind        int    `json:"task_type_id"`
	Text        string `json:"text"`
	Until       int64  `json:"complete_till"`
	Entity      int64  `json:"entity_id"`
	EntityKind  string `json:"entity_type"`
	Responsible int64  `json:"responsible_user_id"`
	RequestID   string `json:"request_id"`

	task connectors.Task
}

// followUp is the kind of task that every account has: to call, or to get in touch.
const followUp = 1

// WriteTasks writes tasks, many in a request, and tells what became of each when the
// account has answered. A request that the account refuses is taken apart until the
// task to blame stands alone; one that it may have followed without answering is not
// sent again.
func (s *source) WriteTasks(ctx context.Context, tasks []connectors.Task, tell func([]connectors.TaskOutcome) error) error {
	var fit []newTask
	var unfit []connectors.TaskOutcome
	for i, t := range tasks {
		made, err := taskFor(t)
		if err != nil {
			unfit = append(unfit, connectors.TaskOutcome{Task: t, Err: err})
			continue
		}
		made.RequestID = strconv.Itoa(i)
		fit = append(fit, made)
	}
	if err := tell(unfit); err != nil {
		return err
	}
	for some := range slices.Chunk(fit, tasksAtOnce) {
		if err := s.writeTasks(ctx, some, tell); err != nil {
			return err
		}
	}
	return nil
}

// taskFor makes a task of ours one of the account's.
func taskFor(t connectors.Task) (newTask, error) {
	of, ok := taskOfRecords(t.Records)
	if !ok {
		return newTask{}, fmt.Errorf("none of %s is a contact or a company", strings.Join(t.Records, ", "))
	}
	user, err := strconv.ParseInt(t.Manager, 10, 64)
	if err != nil {
		return newTask{}, fmt.Errorf("%q is no user of the account", t.Manager)
	}
	text := strings.TrimSpace(strings.TrimSpace(t.Title)+"\n"+strings.TrimSpace(t.Text)) + "\n" + t.Mark.String()
	return newTask{Kind: followUp, Text: text, Until: t.Due.Unix(), Entity: of.id, EntityKind: of.kind, Responsible: user, task: t}, nil
}

// writeTasks writes tasks in one request, or in more where one of them does not fit.
func (s *source) writeTasks(ctx context.Context, tasks []newTask, tell func([]connectors.TaskOutcome) error) error {
	type answer struct {
		Embedded struct {
			Tasks []struct {
				ID        int64  `json:"id"`
				RequestID string `json:"request_id"`
			} `json:"tasks"`
		} `json:"_embedded"`
	}
	got, _, err := restapi.Get[answer](ctx, s.client, restapi.Request{What: "tasks", Method: http.MethodPost, Path: "tasks", JSON: tasks, Tries: 1})
	status := restapi.StatusOf(err)
	switch {
	case (status == http.StatusBadRequest || status == http.StatusUnprocessableEntity) && len(tasks) > 1:
		half := len(tasks) / 2
		if err := s.writeTasks(ctx, tasks[:half], tell); err != nil {
			return err
		}
		return s.writeTasks(ctx, tasks[half:], tell)
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity:
		return tell([]connectors.TaskOutcome{{Task: tasks[0].task, Err: err}})
	case status/100 == 4:
		return err
	}
	ids := map[string]string{}
	for _, made := range got.Embedded.Tasks {
		ids[made.RequestID] = strconv.FormatInt(made.ID, 10)
	}
	outcomes := make([]connectors.TaskOutcome, len(tasks))
	for i, t := range tasks {
		outcomes[i] = connectors.TaskOutcome{Task: t.task, ID: ids[t.RequestID]}
		if err != nil {
			outcomes[i].Err = fmt.Errorf("%w: %w", connectors.ErrTaskUnknown, err)
		} else if outcomes[i].ID == "" {
			outcomes[i].Err = fmt.Errorf("%w: the answer does not name it", connectors.ErrTaskUnknown)
		}
	}
	if told := tell(outcomes); told != nil {
		return told
	}
	return err
}
