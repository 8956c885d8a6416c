package amocrm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"winback/connectors"
	"winback/connectors/amocrm/amocrmtest"
	"winback/connectors/connectortest"
)

func TestTasks(t *testing.T) {
	var customers []string
	for i := range 40 {
		customers = append(customers, fmt.Sprintf("contact-%d", 7000+i))
	}
	for i := range 20 {
		customers = append(customers, fmt.Sprintf("company-%d", 500+i))
	}
	connectortest.RunTasks(t, connectortest.TaskSubject{
		Start: func(t *testing.T) (connectortest.TaskTaker, *connectortest.Server) {
			f, _, reader := opened(t, nil)
			return reader.Source.(connectortest.TaskTaker), f.Server()
		},
		Records: customers, Manager: "123322", Left: "123323", Nobody: "contact-99999", Requests: 2,
	})
}

func TestTask_WhatAPersonSees(t *testing.T) {
	t.Parallel()
	f, _, reader := opened(t, nil)
	due := time.Date(2024, 10, 1, 17, 0, 0, 0, time.UTC)
	for _, manager := range []string{"123322", "nobody"} {
		err := reader.Source.(connectortest.TaskTaker).WriteTasks(t.Context(), []connectors.Task{{
			Mark: connectors.TaskMark{List: "2024-09-30", Customer: "c1"}, Records: []string{"company-500", "contact-7003", "lead-1"}, Manager: manager, Due: due,
			Title: "Win back: Ann & Co", Text: "Liked: tea\nSay: sorry\n",
		}}, func(outcomes []connectors.TaskOutcome) error {
			for _, o := range outcomes {
				if manager == "nobody" != (o.Err != nil) || o.Err != nil && !strings.Contains(o.Err.Error(), `"nobody" is no user of the account`) {
					t.Errorf("%s: %v", manager, o.Err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := amocrmtest.Task{ID: f.Tasks()[0].ID, Entity: 7003, User: 123322, Until: due.Unix(), Kind: "contacts", Text: "Win back: Ann & Co\nLiked: tea\nSay: sorry\n(winback:2024-09-30:c1)"}
	if got := f.Tasks(); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
