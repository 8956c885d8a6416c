package amocrm

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"sync"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/window"
)

// holder is a customer, as far as who looks after it is concerned.
type holder struct {
	ID          json.Number `json:"id"`
	Responsible json.Number `json:"responsible_user_id"`
	CreatedAt   int64       `json:"created_at"`
}

// assignment is a time in which one manager looked after a customer.
type assignment struct {
	Customer string `json:"customer_id"`
	Manager  string `json:"manager_id"`
	From     int64  `json:"from_at"`
	To       int64  `json:"to_at,omitempty"`
}

// assignments tells who looked after a customer. The first manager is whom the
// first change took it from or, without any, who has it. A change within the second
// of another replaces it: the key has no room for both.
func (h holder) assignments(kind string, changes []event) (list []assignment) {
	customer := kind + "-" + h.ID.String()
	from := func(manager string, at int64) {
		if n := len(list); n > 0 && list[n-1].From >= at {
			list[n-1].Manager = manager
			return
		} else if n > 0 {
			list[n-1].To = at
		}
		list = append(list, assignment{Customer: customer, Manager: manager, From: at})
	}
	now := ""
	for _, c := range changes {
		before, came := responsibleOf(c.Before)
		after, went := responsibleOf(c.After)
		if !went || came && before == after {
			continue
		}
		if len(list) == 0 && came {
			from(before, min(h.CreatedAt, c.CreatedAt))
		}
		from(after, c.CreatedAt)
		now = after
	}
	if len(list) == 0 || now == "" {
		from(h.Responsible.String(), h.CreatedAt)
	}
	return list
}

// kinds of customers, as events name them.
var customerKinds = map[*list]string{contactStates: kindContact, companyStates: kindCompany}

var (
	contactStates = &list{path: "contacts", embedded: "contacts", sorted: true}
	companyStates = &list{path: "companies", embedded: "companies", sorted: true}
)

func handedOver(kind string) asked {
	return asked{types: []string{"entity_responsible_changed"}, entity: kind}
}

// changesAhead are all changes of managers there are, by customer. They are few,
// beside customers: a first run reads them once, not once a slice.
type changesAhead struct {
	mu     sync.Mutex
	byKind map[string]map[string][]event
}

func (x *extraction) handovers(ctx context.Context, kind string) (map[string][]event, error) {
	x.ahead.mu.Lock()
	defer x.ahead.mu.Unlock()
	if known, ok := x.ahead.byKind[kind]; ok {
		return known, nil
	}
	events, err := x.events(ctx, handedOver(kind), 0, x.now().Unix())
	if err != nil {
		return nil, err
	}
	changes := map[string][]event{}
	for _, e := range events {
		changes[e.EntityID.String()] = append(changes[e.EntityID.String()], e)
	}
	if x.ahead.byKind == nil {
		x.ahead.byKind = map[string]map[string][]event{}
	}
	x.ahead.byKind[kind] = changes
	return changes, nil
}

// assignments reads who looked after which customer, and when.
func (x *extraction) assignments(ctx context.Context) (connectors.Extracted, error) {
	lists := []*list{contactStates, companyStates}
	w, ok, err := x.window(ctx, lists, eventLag)
	if !ok || err != nil {
		return connectors.Extracted{}, err
	}
	kept, err := own[ownStages](x.req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	last, _, err := window.Last(x.req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	kept.Initial = x.req.Range == nil && (w.First || kept.Initial && last.Going)
	rows := x.rows(entity.Of[entity.ManagerAssignment](), nil, nil)
	for _, l := range lists {
		read := x.recent
		if kept.Initial {
			read = x.everybody
		}
		if err := read(ctx, rows, l, w); err != nil {
			return connectors.Extracted{}, err
		}
	}
	if err := rows.Close(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	if !w.Last() {
		return w.Done(nil, kept)
	}
	x.forget()
	return w.Done(nil, kept)
}

// forget gives the changes back that were read ahead.
func (x *extraction) forget() {
	x.ahead.mu.Lock()
	defer x.ahead.mu.Unlock()
	x.ahead.byKind = nil
}

// everybody tells the assignments of all customers of a slice of a first run.
func (x *extraction) everybody(ctx context.Context, rows *record.Rows, l *list, w window.Window) error {
	kind := customerKinds[l]
	changes, err := x.handovers(ctx, kind)
	if err != nil {
		return err
	}
	from, until := seconds(w.From, w.Until)
	jobs := x.parts(l, from, until, 2)
	if !x.account.filters {
		jobs = []job{{l, func(ctx context.Context, give take) error { return x.paged(ctx, l, url.Values{}, give) }}}
	}
	return together(ctx, jobs, func(_ *list, records []json.RawMessage) error {
		var told []json.RawMessage
		for _, raw := range records {
			var h holder
			if err := json.Unmarshal(raw, &h); err != nil {
				return &shapeError{what: l.path, err: err}
			}
			more, err := asRecords(h.assignments(kind, changes[h.ID.String()]))
			if err != nil {
				return err
			}
			told = append(told, more...)
		}
		return x.assignmentRows(ctx, rows, l.path+", "+w.Name(), told)
	})
}

// recent tells all assignments of the customers that are new or were handed over.
func (x *extraction) recent(ctx context.Context, rows *record.Rows, l *list, w window.Window) error {
	kind := customerKinds[l]
	from, until := seconds(w.From, w.Until)
	a := handedOver(kind)
	a.types = append(a.types, kind+"_added")
	ids, err := x.happened(ctx, a, from, until)
	if err != nil || len(ids) == 0 {
		return err
	}
	slices.Sort(ids)
	holders := map[string]holder{}
	err = x.byID(ctx, l, ids, func(records []json.RawMessage) error {
		for _, raw := range records {
			var h holder
			if err := json.Unmarshal(raw, &h); err != nil {
				return &shapeError{what: l.path, err: err}
			}
			holders[h.ID.String()] = h
		}
		return nil
	})
	if err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { _, there := holders[id]; return !there })
	jobs := x.histories(ids, handedOver(kind), func(id string, events []event) ([]json.RawMessage, error) {
		return asRecords(holders[id].assignments(kind, events))
	})
	return together(ctx, jobs, func(_ *list, records []json.RawMessage) error {
		return x.assignmentRows(ctx, rows, "events, "+w.Name(), records)
	})
}

func (x *extraction) assignmentRows(ctx context.Context, rows *record.Rows, page string, records []json.RawMessage) error {
	return x.records(ctx, rows, page, records, func(r *record.Record) {
		from := r.Unix("from_at")
		if !from.OK {
			r.Wrong("from_at", "is missing: the customer does not say when it was made")
		}
		record.Add(r, &entity.ManagerAssignment{
			Meta:       entity.Meta{SourceUpdatedAt: latest(r.Unix("to_at"), from)},
			CustomerID: r.ID("customer_id"), FromAt: from.V, ManagerID: r.ID("manager_id"), ToAt: r.Unix("to_at"),
		})
	})
}
