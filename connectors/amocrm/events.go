package amocrm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// event is something that happened to a record.
type event struct {
	ID         string      `json:"id"` // grows with time
	Type       string      `json:"type"`
	EntityID   json.Number `json:"entity_id"`
	EntityType string      `json:"entity_type"`
	CreatedAt  int64       `json:"created_at"`
	CreatedBy  json.Number `json:"created_by"`
	Before     []state     `json:"value_before"`
	After      []state     `json:"value_after"`
}

// state is what a record was before or after an event; each kind of event has one
// of these.
type state struct {
	Status *struct {
		ID       json.Number `json:"id"`
		Pipeline json.Number `json:"pipeline_id"`
	} `json:"lead_status"`
	Responsible *struct {
		ID json.Number `json:"id"`
	} `json:"responsible_user"`
}

// stage is where a deal is.
type stage struct{ id, pipeline string }

func stageOf(states []state) (s stage, ok bool) {
	for _, st := range states {
		if st.Status != nil {
			return stage{st.Status.ID.String(), st.Status.Pipeline.String()}, true
		}
	}
	return s, false
}

func responsibleOf(states []state) (id string, ok bool) {
	for _, st := range states {
		if st.Responsible != nil {
			return st.Responsible.ID.String(), true
		}
	}
	return "", false
}

// asked says which events are wanted.
type asked struct {
	types  []string
	entity string   // lead, contact, company; "" for any
	ids    []string // at most entitiesAsked, of one entity
}

const (
	eventsPage    = 100 // the most that answers hold
	entitiesAsked = 10  // ids in one question
	// eventPages is how many pages of one question are read before a shorter time is
	// asked for: deep pages are slow.
	eventPages = 50
)

var eventList = list{path: "events", embedded: "events"}

// events reads what happened in a closed time, both ends included, in the order in
// which it happened. Until 0 is all time.
func (s *source) events(ctx context.Context, a asked, from, until int64) ([]event, error) {
	found := map[string]event{}
	if err := s.eventsInto(ctx, a, from, until, found); err != nil {
		return nil, err
	}
	events := make([]event, 0, len(found))
	for _, e := range found {
		events = append(events, e)
	}
	slices.SortFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return events, nil
}

func (s *source) eventsInto(ctx context.Context, a asked, from, until int64, found map[string]event) error {
	query := url.Values{"limit": {strconv.Itoa(eventsPage)}, "filter[type]": {strings.Join(a.types, ",")}}
	if until > 0 {
		within(query, "created_at", from, until)
	}
	if a.entity != "" {
		query.Set("filter[entity]", a.entity)
	}
	if len(a.ids) > 0 {
		query["filter[entity_id][]"] = a.ids
	}
	oldest, descending := until, true
	for number := 1; ; number++ {
		query.Set("page", strconv.Itoa(number))
		records, p, err := s.patient(ctx, &eventList, query)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, raw := range records {
			var e event
			if err := json.Unmarshal(raw, &e); err != nil {
				return &shapeError{what: "events", err: err}
			}
			found[e.ID] = e
			descending = descending && e.CreatedAt <= oldest
			oldest = e.CreatedAt
		}
		if p.Links.Next == nil {
			return nil
		}
		if number >= eventPages && until > from {
			return s.deeper(ctx, a, span{from, oldest, until}, descending, found)
		}
	}
}

// span is a time of events of which the newest may have been read.
type span struct{ from, oldest, until int64 }

// deeper reads on in a shorter time: up to the oldest event read, if they came
// newest first, as they do in practice; else in halves.
func (s *source) deeper(ctx context.Context, a asked, t span, descending bool, found map[string]event) error {
	if descending && t.oldest < t.until {
		return s.eventsInto(ctx, a, t.from, t.oldest, found)
	}
	middle := t.from + (t.until-t.from)/2
	if err := s.eventsInto(ctx, a, t.from, middle, found); err != nil {
		return err
	}
	return s.eventsInto(ctx, a, middle+1, t.until, found)
}

// histories reads all events of some kind of many records, a few records a
// question, and gives away what tell makes of each record's.
func (s *source) histories(ids []string, a asked, tell func(id string, events []event) ([]json.RawMessage, error)) []job {
	var jobs []job
	for chunk := range slices.Chunk(ids, entitiesAsked) {
		jobs = append(jobs, job{&eventList, func(ctx context.Context, give take) error {
			q := a
			q.ids = chunk
			events, err := s.events(ctx, q, 0, 0)
			if err != nil {
				return err
			}
			byRecord := map[string][]event{}
			for _, e := range events {
				byRecord[e.EntityID.String()] = append(byRecord[e.EntityID.String()], e)
			}
			var records []json.RawMessage
			for _, id := range chunk {
				told, err := tell(id, byRecord[id])
				if err != nil {
					return err
				}
				records = append(records, told...)
			}
			return give(records)
		}})
	}
	return jobs
}

// asRecords writes what was made of events as records, to be read as those of the
// source are.
func asRecords[T any](list []T) ([]json.RawMessage, error) {
	records := make([]json.RawMessage, len(list))
	for i := range list {
		text, err := json.Marshal(list[i])
		if err != nil {
			return nil, fmt.Errorf("write what events tell: %w", err)
		}
		records[i] = text
	}
	return records, nil
}

// shapeError says that an answer is not what it should be.
type shapeError struct {
	what string
	err  error
}

func (e *shapeError) Error() string {
	return "read the answer to " + e.what + ": " + e.err.Error() + "; the source has changed its form"
}

func (e *shapeError) Unwrap() error { return e.err }
