package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"winback/connectors"
)

// TaskTaker is a source into whose system tasks can be written, and which finds them
// again.
type TaskTaker interface {
	WrittenTasks(ctx context.Context, records []string) ([]connectors.WrittenTask, error)
	WriteTasks(ctx context.Context, tasks []connectors.Task, tell func([]connectors.TaskOutcome) error) error
}

// TaskSubject is a system that tasks are written into, with a fake of it.
type TaskSubject struct {
	// Start makes a fake with a source that may write tasks.
	Start func(t *testing.T) (TaskTaker, *Server)
	// Records are customers, at least 60 of them; Manager is somebody who can be
	// given tasks, Left somebody who left, Nobody no customer.
	Records               []string
	Manager, Left, Nobody string
	// Requests is how many requests 60 tasks may take, what the source asks first
	// included.
	Requests int
}

// RunTasks checks what holds for every system: nothing is written twice, nothing is
// lost in silence, and one bad task does not stop the others.
func RunTasks(t *testing.T, s TaskSubject) {
	for name, check := range map[string]func(*testing.T, TaskSubject){
		"written once and found by their marks":                       writtenAndFound,
		"an answer that is lost is told as such and nothing repeated": answerLost,
		"one request too many is asked again":                         throttledTasks,
		"those that do not fit stand alone":                           unfitTasks,
		"an end in between leaves the rest unwritten":                 endsBetween,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, s)
		})
	}
}

func (s TaskSubject) tasks(n int) []connectors.Task {
	list := make([]connectors.Task, n)
	for i := range list {
		list[i] = connectors.Task{
			Mark: connectors.TaskMark{List: "2024-09-30", Customer: fmt.Sprintf("crm:%d", i)}, Records: []string{s.Records[i]}, Manager: s.Manager,
			Due: Began.AddDate(0, 0, 1), Title: "Win back: Ann & Söhne", Text: "Last order 12.5 EUR. Say: [b]sorry[/b] = 10 % off",
		}
	}
	return list
}

// written are the outcomes of writing tasks.
type written struct {
	ids  []string
	errs []error
}

func (w *written) tell(outcomes []connectors.TaskOutcome) error {
	for _, o := range outcomes {
		if o.Err != nil {
			w.errs = append(w.errs, o.Err)
		} else {
			w.ids = append(w.ids, o.ID)
		}
	}
	return nil
}

// found are the tasks with a mark, which must be those of the customers they are at.
func (s TaskSubject) found(t *testing.T, taker TaskTaker) []connectors.WrittenTask {
	t.Helper()
	found, err := taker.WrittenTasks(t.Context(), s.Records)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if want := s.Records[at(t, f.Mark)]; !slices.Contains(f.Records, want) {
			t.Errorf("the task of %s is at %v, not at %s", f.Mark.Customer, f.Records, want)
		}
	}
	return found
}

func at(t *testing.T, m connectors.TaskMark) (i int) {
	t.Helper()
	if _, err := fmt.Sscanf(m.Customer, "crm:%d", &i); err != nil || m.List != "2024-09-30" {
		t.Fatalf("mark %v", m)
	}
	return i
}

func writtenAndFound(t *testing.T, s TaskSubject) {
	taker, server := s.Start(t)
	if found := s.found(t, taker); len(found) != 0 {
		t.Fatalf("%d tasks are there before", len(found))
	}
	server.Forget()
	var got written
	if err := taker.WriteTasks(t.Context(), s.tasks(60), got.tell); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got.ids)
	if len(got.errs) > 0 || len(slices.Compact(got.ids)) != 60 {
		t.Errorf("%d ids, errors %v", len(got.ids), got.errs)
	}
	if asked := len(server.Asked()); asked > s.Requests {
		t.Errorf("%d requests for 60 tasks, want %d at most", asked, s.Requests)
	}
	if found := s.found(t, taker); len(found) != 60 {
		t.Errorf("%d tasks are found", len(found))
	}
}

func answerLost(t *testing.T, s TaskSubject) {
	taker, server := s.Start(t)
	s.found(t, taker) // what the source asks first
	server.Next(Cut)
	var got written
	err := taker.WriteTasks(t.Context(), s.tasks(20), got.tell)
	if err == nil || len(got.ids) > 0 || len(got.errs) != 20 || !errors.Is(got.errs[0], connectors.ErrTaskUnknown) {
		t.Errorf("got %v, %d ids, %d errors", err, len(got.ids), len(got.errs))
	}
	if found := s.found(t, taker); len(found) != 20 {
		t.Errorf("%d tasks are found of the 20 that were written without an answer", len(found))
	}
}

func throttledTasks(t *testing.T, s TaskSubject) {
	taker, server := s.Start(t)
	s.found(t, taker)
	server.Throttle(2)
	var got written
	if err := taker.WriteTasks(t.Context(), s.tasks(20), got.tell); err != nil || len(got.ids) != 20 {
		t.Errorf("got %v, %d ids, errors %v", err, len(got.ids), got.errs)
	}
	if found := s.found(t, taker); len(found) != 20 {
		t.Errorf("%d tasks are found", len(found))
	}
}

func unfitTasks(t *testing.T, s TaskSubject) {
	taker, _ := s.Start(t)
	tasks := s.tasks(20)
	tasks[3].Manager, tasks[11].Records = s.Left, []string{s.Nobody}
	var got written
	if err := taker.WriteTasks(t.Context(), tasks, got.tell); err != nil || len(got.ids) != 18 || len(got.errs) != 2 {
		t.Errorf("got %v, %d ids, errors %v", err, len(got.ids), got.errs)
	}
	for _, err := range got.errs {
		if errors.Is(err, connectors.ErrTaskUnknown) {
			t.Errorf("it is known that it was not written: %v", err)
		}
	}
	if found := s.found(t, taker); len(found) != 18 {
		t.Errorf("%d tasks are found", len(found))
	}
}

// endsBetween has the one who listens stop after the first answer, as the end of the
// process would.
func endsBetween(t *testing.T, s TaskSubject) {
	taker, _ := s.Start(t)
	stop := errors.New("stop")
	told := 0
	err := taker.WriteTasks(t.Context(), s.tasks(60), func(outcomes []connectors.TaskOutcome) error {
		if told += len(outcomes); told > 0 {
			return stop
		}
		return nil
	})
	if found := s.found(t, taker); !errors.Is(err, stop) || len(found) != told || told == 60 {
		t.Errorf("got %v, %d told, %d found", err, told, len(found))
	}
}
