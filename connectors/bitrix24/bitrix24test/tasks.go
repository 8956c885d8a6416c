package bitrix24test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Task is a task of the portal.
type Task struct {
	ID                              int64
	Title, Description, Responsible string
	Deadline                        time.Time
	Records, Tags                   []string
}

// Grant adds permissions to those that the webhook has.
func (p *Portal) Grant(scopes ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scopes = append(p.scopes, scopes...)
}

// Tasks are the tasks that were made.
func (p *Portal) Tasks() []Task {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tasks)
}

var (
	taskFields = []string{"TITLE", "DESCRIPTION", "RESPONSIBLE_ID", "DEADLINE", "UF_CRM_TASK", "TAGS"}
	crmCode    = regexp.MustCompile(`^(C|CO|L)_([0-9]+)$`)
	crmTypes   = map[string]int{"C": contact, "CO": company, "L": lead}
)

// addTask makes a task of an employee who works there, about records that are there.
func (p *Portal) addTask(params map[string]any) (map[string]any, *fault) {
	fields, _ := params["fields"].(map[string]any)
	if f := only(params, "fields"); f != nil {
		return nil, f
	}
	if f := only(fields, taskFields...); f != nil {
		return nil, f
	}
	t := Task{
		Title: text(fields["TITLE"]), Description: text(fields["DESCRIPTION"]), Responsible: text(fields["RESPONSIBLE_ID"]),
		Records: values(fields["UF_CRM_TASK"]), Tags: values(fields["TAGS"]),
	}
	var err error
	t.Deadline, err = time.Parse(time.RFC3339, text(fields["DEADLINE"]))
	switch {
	case strings.TrimSpace(t.Title) == "":
		return nil, bad("ERROR_CORE", "Не указано название задачи.")
	case err != nil:
		return nil, bad("ERROR_CORE", "DEADLINE: %v", err)
	case !p.works(t.Responsible):
		return nil, bad("ERROR_CORE", "Пользователь, указанный в поле \"Исполнитель\", не найден.")
	}
	for _, code := range t.Records {
		if !p.hasCustomer(code) {
			return nil, bad("ERROR_CORE", "no element %s", code)
		}
	}
	t.ID = int64(5000 + len(p.tasks))
	p.tasks = append(p.tasks, t)
	return map[string]any{"result": map[string]any{"task": t.shown([]string{"ID", "TITLE", "DESCRIPTION"})}}, nil
}

func (p *Portal) works(id string) bool {
	return slices.ContainsFunc(p.users.records, func(r *record) bool { return strconv.FormatInt(r.id, 10) == id && r.fields["ACTIVE"] == true })
}

func (p *Portal) hasCustomer(code string) bool {
	found := crmCode.FindStringSubmatch(code)
	return found != nil && slices.ContainsFunc(p.types[crmTypes[found[1]]].records, func(r *record) bool { return strconv.FormatInt(r.id, 10) == found[2] })
}

// taskList knows the filters that are documented, and wants to be told what to select.
func (p *Portal) taskList(params map[string]any) (map[string]any, *fault) {
	if f := only(params, "filter", "select", "order", "start"); f != nil {
		return nil, f
	}
	filter, _ := params["filter"].(map[string]any)
	if f := only(filter, "TAG", "UF_CRM_TASK", ">ID"); f != nil {
		return nil, f
	}
	selected := values(params["select"])
	if len(selected) == 0 || text(params["start"]) != "-1" {
		return nil, bad("INVALID_ARG_VALUE", "this portal wants select, and start -1")
	}
	after, _ := strconv.ParseInt(text(filter[">ID"]), 10, 64)
	records := values(filter["UF_CRM_TASK"])
	page := []any{}
	for _, t := range p.tasks {
		about := slices.ContainsFunc(t.Records, func(r string) bool { return slices.Contains(records, r) })
		if t.ID > after && slices.Contains(t.Tags, text(filter["TAG"])) && about && len(page) < 50 {
			page = append(page, t.shown(selected))
		}
	}
	return map[string]any{"result": map[string]any{"tasks": page}, "total": 0}, nil
}

// shown is a task with fields as answers name them.
func (t Task) shown(fields []string) map[string]any {
	shown := map[string]any{}
	for _, field := range fields {
		switch field {
		case "ID":
			shown["id"] = fmt.Sprint(t.ID)
		case "TITLE":
			shown["title"] = t.Title
		case "DESCRIPTION":
			shown["description"] = t.Description
		case "UF_CRM_TASK":
			shown["ufCrmTask"] = t.Records
		}
	}
	return shown
}
