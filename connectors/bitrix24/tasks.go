package bitrix24

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/restapi"
)

// taskTag is on every task that was written, so that people can filter by it too.
const taskTag = "winback"

// taskPage is how many tasks a page of tasks.task.list has.
const taskPage = 50

// WrittenTasks returns the tasks of customers that WriteTasks wrote, done ones too.
func (s *source) WrittenTasks(ctx context.Context, records []string) ([]connectors.WrittenTask, error) {
	if err := s.mayWriteTasks(ctx); err != nil {
		return nil, err
	}
	type lookup struct {
		records []string
		after   int64
	}
	var open []lookup
	for some := range slices.Chunk(records, taskPage) {
		open = append(open, lookup{records: some})
	}
	var found []connectors.WrittenTask
	for len(open) > 0 {
		commands := make([]command, len(open))
		for i, l := range open {
			commands[i] = command{"tasks.task.list", params{
				"filter": map[string]any{"TAG": taskTag, "UF_CRM_TASK": l.records, ">ID": l.after},
				"select": []string{"ID", "DESCRIPTION", "UF_CRM_TASK"}, "order": map[string]any{"ID": "asc"}, "start": -1,
			}}
		}
		replies, err := s.each(ctx, commands)
		if err != nil {
			return nil, err
		}
		var more []lookup
		for i, r := range replies {
			tasks, err := r.tasks()
			if err != nil {
				return nil, err
			}
			for _, t := range tasks {
				open[i].after = max(open[i].after, t.number())
				if mark, ok := connectors.MarkIn(t.Description); ok {
					found = append(found, connectors.WrittenTask{Mark: mark, ID: string(t.ID), Records: t.Records})
				}
			}
			if len(tasks) == taskPage {
				more = append(more, open[i])
			}
		}
		open = more
	}
	return found, nil
}

// task is a task as the portal tells of it.
type task struct {
	ID          word     `json:"id"`
	Description string   `json:"description"`
	Records     codeList `json:"ufCrmTask"`
}

// codeList are the codes of records that a task is about; none may come in any form.
type codeList []string

// UnmarshalJSON reads a list of texts, and anything else as none.
func (l *codeList) UnmarshalJSON(text []byte) error {
	var list []string
	_ = json.Unmarshal(text, &list)
	*l = list
	return nil
}

func (t task) number() (n int64) {
	_, _ = fmt.Sscan(string(t.ID), &n) // an id that is no number asks for the same page, which ends by its size
	return n
}

func (r reply) tasks() ([]task, error) {
	if r.err != nil {
		return nil, r.err
	}
	var list struct {
		Tasks []task `json:"tasks"`
	}
	if err := json.Unmarshal(r.result, &list); err != nil {
		return nil, fmt.Errorf("read the answer of tasks.task.list: %w", err)
	}
	return list.Tasks, nil
}

// mayWriteTasks says so where the permission for tasks is missing, before anything
// is asked for.
func (s *source) mayWriteTasks(ctx context.Context) error {
	who, err := s.owner(ctx)
	if err != nil {
		return err
	}
	if !who.may("task") {
		return fmt.Errorf("tasks cannot be written: the permission task is missing; tick it on the webhook of %s, or have the application ask for it", who.title())
	}
	return nil
}

// WriteTasks writes tasks, fifty in a request, and tells what became of each when
// the portal has answered. What the portal has no time for is sent again; what it
// may have written without answering is not.
func (s *source) WriteTasks(ctx context.Context, tasks []connectors.Task, tell func([]connectors.TaskOutcome) error) error {
	if err := s.mayWriteTasks(ctx); err != nil {
		return err
	}
	open := slices.Clone(tasks)
	for patience := s.patience(); len(open) > 0; {
		now := open[:min(len(open), s.config.BatchPages)]
		commands := make([]command, len(now))
		for i, t := range now {
			commands[i] = command{"tasks.task.add", params{"fields": taskFields(t)}}
		}
		replies, err := s.batchOnce(ctx, commands)
		if err != nil {
			return tellUnknown(now, err, tell)
		}
		var busy []connectors.Task
		var waitFor reply
		var outcomes []connectors.TaskOutcome
		for i, r := range replies {
			if r.err != nil && (r.err.Code == codeTooMany || r.err.Code == codeTimeIsUp) {
				busy, waitFor = append(busy, now[i]), r
				continue
			}
			outcomes = append(outcomes, r.outcome(now[i]))
		}
		if err := tell(outcomes); err != nil {
			return err
		}
		if len(outcomes) > 0 {
			patience.went()
		}
		if open = append(busy, open[len(now):]...); len(busy) > 0 {
			if err := patience.wait(ctx, waitFor); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellUnknown tells of a request that failed as a whole. One that the portal refused
// wrote nothing; of any other that is not known.
func tellUnknown(tasks []connectors.Task, err error, tell func([]connectors.TaskOutcome) error) error {
	if status := restapi.StatusOf(err); status/100 == 4 {
		return err
	}
	outcomes := make([]connectors.TaskOutcome, len(tasks))
	for i, t := range tasks {
		outcomes[i] = connectors.TaskOutcome{Task: t, Err: fmt.Errorf("%w: %w", connectors.ErrTaskUnknown, err)}
	}
	if told := tell(outcomes); told != nil {
		return told
	}
	return err
}

// taskFields are those of tasks.task.add. The records are linked to the task by the
// codes that their ids begin with: C_12, CO_3, L_5.
func taskFields(t connectors.Task) map[string]any {
	text := t.Mark.String()
	if t.Text != "" {
		text = strings.TrimSpace(t.Text) + "\n\n" + text
	}
	return map[string]any{
		"TITLE": t.Title, "DESCRIPTION": text, "RESPONSIBLE_ID": t.Manager, "DEADLINE": t.Due.Format(time.RFC3339),
		"UF_CRM_TASK": t.Records, "TAGS": []string{taskTag},
	}
}

func (r reply) outcome(t connectors.Task) connectors.TaskOutcome {
	o := connectors.TaskOutcome{Task: t}
	if r.err != nil {
		o.Err = r.err
		return o
	}
	var made struct {
		Task task `json:"task"`
	}
	if err := json.Unmarshal(r.result, &made); err != nil || made.Task.ID == "" {
		o.Err = fmt.Errorf("%w: the answer of tasks.task.add has no id", connectors.ErrTaskUnknown)
	}
	o.ID = string(made.Task.ID)
	return o
}
