package bitrix24_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/bitrix24"
	"winback/connectors/bitrix24/bitrix24test"
	"winback/connectors/connectortest"
)

// taker opens a portal whose webhook has some permissions besides the usual ones.
func taker(t *testing.T, scopes ...string) (connectortest.TaskTaker, *bitrix24test.Portal) {
	t.Helper()
	clock := connectortest.NewClock(connectortest.Began)
	portal := bitrix24test.Start(t, clock)
	portal.Grant(scopes...)
	source, err := connectortest.Open(bitrix24.Connector(), portal.Config(), connectortest.Project{Dir: t.TempDir(), Clock: clock, Variables: portal.Variables()})
	if err != nil {
		t.Fatal(err)
	}
	return source.(connectortest.TaskTaker), portal
}

func TestTasks(t *testing.T) {
	var customers []string
	for i := range 60 {
		customers = append(customers, fmt.Sprintf("C_%d", i+1))
	}
	_, portal := taker(t)
	for i, key := range portal.Rows()["crm.customers"][:60] {
		customers[i] = key
	}
	connectortest.RunTasks(t, connectortest.TaskSubject{
		Start: func(t *testing.T) (connectortest.TaskTaker, *connectortest.Server) {
			source, portal := taker(t, "task")
			return source, portal.Server()
		},
		Records: customers, Manager: "7", Left: "9", Nobody: "C_99999999", Requests: 3,
	})
}

func TestTask_WhatAPersonSees(t *testing.T) {
	t.Parallel()
	source, portal := taker(t, "task")
	records := portal.Rows()["crm.customers"][:2]
	due := time.Date(2024, 10, 1, 20, 0, 0, 0, time.FixedZone("", 3*60*60))
	err := source.WriteTasks(t.Context(), []connectors.Task{{
		Mark: connectors.TaskMark{List: "2024-09-30", Customer: "c1"}, Records: records, Manager: "7", Due: due,
		Title: "Win back: Ann & Co = 1+1?", Text: "Liked: tea, coffee\nSay: [sorry] & 10 % off",
	}}, func([]connectors.TaskOutcome) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	got := portal.Tasks()[0]
	want := "Liked: tea, coffee\nSay: [sorry] & 10 % off\n\n(winback:2024-09-30:c1)"
	if got.Title != "Win back: Ann & Co = 1+1?" || got.Description != want || got.Responsible != "7" || !got.Deadline.Equal(due) || strings.Join(got.Records, " ") != strings.Join(records, " ") {
		t.Errorf("got %+v", got)
	}
}

// The portal takes no tasks without the permission: that is said before the first one.
func TestTasks_PermissionMissing(t *testing.T) {
	t.Parallel()
	source, portal := taker(t)
	task := connectors.Task{Mark: connectors.TaskMark{List: "2024-09-30", Customer: "c1"}, Records: []string{"C_1"}, Manager: "7", Title: "t"}
	err := source.WriteTasks(t.Context(), []connectors.Task{task}, func([]connectors.TaskOutcome) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "the permission task is missing; tick it on the webhook of Ирина Петрова") {
		t.Error(err)
	}
	if _, err := source.WrittenTasks(t.Context(), []string{"C_1"}); err == nil || portal.Commands("tasks.task.add")+portal.Commands("tasks.task.list") > 0 {
		t.Errorf("asked all the same: %v", err)
	}
}

// A method that has used up its time is waited for; what was written stays written.
func TestTasks_TimeOfTheMethodIsUp(t *testing.T) {
	t.Parallel()
	source, portal := taker(t, "task")
	portal.Slow("tasks.task.add", 20)
	records := portal.Rows()["crm.customers"]
	var tasks []connectors.Task
	for i := range 40 {
		tasks = append(tasks, connectors.Task{Mark: connectors.TaskMark{List: "2024-09-30", Customer: fmt.Sprint(i)}, Records: records[i : i+1], Manager: "7", Title: "t"})
	}
	ids := map[string]bool{}
	err := source.WriteTasks(t.Context(), tasks, func(outcomes []connectors.TaskOutcome) error {
		for _, o := range outcomes {
			if o.Err != nil {
				t.Error(o.Err)
			}
			ids[o.ID] = true
		}
		return nil
	})
	if err != nil || len(ids) != 40 || len(portal.Tasks()) != 40 {
		t.Errorf("%v, %d told, %d written", err, len(ids), len(portal.Tasks()))
	}
}
