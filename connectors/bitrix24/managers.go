package bitrix24

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
)

// user is what other datasets ask of an employee.
type user struct{ name string }

// usersAsked is what is asked of an employee, but for what changes by the hour.
var usersAsked = params{"sort": "ID", "order": "ASC", "ADMIN_MODE": "true"}

// passing are fields of employees that change all the time, and would have every
// employee come again at every run.
var passing = []string{"LAST_LOGIN", "IS_ONLINE", "LAST_ACTIVITY_DATE", "TIMESTAMP_X", "PERSONAL_PHOTO"}

// managers reads employees with their departments, whole every time. Whoever was
// dismissed stays, not active.
func (s *source) managers(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	last, err := record.LastSeen(req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	departments, err := s.departments(ctx, req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	users, err := s.offsets(ctx, command{"user.get", usersAsked})
	if err != nil {
		return connectors.Extracted{}, err
	}
	rows := s.wholeRows(req, sink, entity.Of[entity.Manager](), last)
	rows.Page("user.get")
	for _, raw := range users {
		r := rows.Record(raw)
		s.manager(r, departments)
		if err := rows.End(ctx, r); err != nil {
			return connectors.Extracted{}, err
		}
	}
	rows.Expect(entity.Of[entity.Manager](), int64(len(users)))
	return rows.CloseWhole(ctx, last)
}

func (s *source) wholeRows(req connectors.Request, sink connectors.Sink, e *entity.Schema, last record.Seen) *record.Rows {
	return record.NewRows(req, sink, record.Options{
		Entity: e, Location: s.env.Location, Payload: s.config.Payload, Fields: s.config.Fields, OnDrift: s.config.OnDrift,
		Told: last.Unknown, Whole: true,
	})
}

func (s *source) manager(r *record.Record, departments map[string]string) {
	r.Need("ID")
	r.Drop(passing...)
	if kind := r.Text("USER_TYPE"); kind != "" && kind != "employee" && kind != "extranet" {
		r.Ignore()
		return
	}
	var names []string
	for _, id := range r.Texts("UF_DEPARTMENT") {
		if name, ok := departments[id]; ok {
			id = name
		}
		names = append(names, id)
	}
	department := strings.Join(names, ", ")
	hired := r.DayTime("UF_EMPLOYMENT_DATE")
	if registered := r.Time("DATE_REGISTER"); !hired.OK {
		hired = registered
	}
	id, name := r.ID("ID"), person(r.Text("NAME"), r.Text("LAST_NAME"))
	record.Add(r, &entity.Manager{
		ID: id, Name: name, Email: r.Text("EMAIL"), Department: department, HiredAt: hired, IsActive: r.Bool("ACTIVE"),
	})
	record.Add(r, &entity.Agent{ID: id, Name: name, Team: department})
}

// person is a name of several parts.
func person(parts ...string) string {
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// departments are the names of departments by id. Without the permission they are
// not told, and employees have the ids.
func (s *source) departments(ctx context.Context, req connectors.Request) (map[string]string, error) {
	who, err := s.owner(ctx)
	if err != nil {
		return nil, err
	}
	if !who.may("department") {
		req.Tell(connectors.Notice{Kind: connectors.NoticePartial, Inputs: []string{req.Dataset}, Count: 1,
			Text: "departments are not named: the permission department is missing; tick it on the webhook, or have the application ask for it"})
		return nil, nil
	}
	list, err := s.offsets(ctx, command{"department.get", params{"sort": "ID", "order": "ASC"}})
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(list))
	for _, raw := range list {
		names[field(raw, "ID")] = field(raw, "NAME")
	}
	return names, nil
}

// offsets reads a small list that is paged by number: its first page, and all
// others at once.
func (s *source) offsets(ctx context.Context, c command) ([]json.RawMessage, error) {
	of := func(start int) command {
		p := c.params.clone()
		p["start"] = start
		return command{c.method, p}
	}
	var all []json.RawMessage
	commands := []command{of(0)}
	for len(commands) > 0 {
		replies, err := s.each(ctx, commands)
		if err != nil {
			return nil, err
		}
		total := 0
		for _, r := range replies {
			if r.err != nil {
				return nil, r.err
			}
			var page []json.RawMessage
			if err := json.Unmarshal(r.result, &page); err != nil {
				return nil, fmt.Errorf("read the answer of %s: %w", c.method, err)
			}
			all, total = append(all, page...), int(r.total)
		}
		first := len(commands) == 1 && len(all) == pageRows
		if commands = nil; first {
			for start := pageRows; start < total; start += pageRows {
				commands = append(commands, of(start))
			}
		}
	}
	return all, nil
}

// names are the names of employees by id, for datasets that show them. Without the
// permission there are none.
func (s *source) names(ctx context.Context) (map[string]user, error) {
	if s.lookups.users != nil {
		return s.lookups.users, nil
	}
	s.lookups.users = map[string]user{}
	if who, err := s.owner(ctx); err != nil || !who.may("user") {
		return s.lookups.users, err
	}
	list, err := s.offsets(ctx, command{"user.get", usersAsked})
	if err != nil {
		return nil, err
	}
	for _, raw := range list {
		s.lookups.users[field(raw, "ID")] = user{name: person(field(raw, "NAME"), field(raw, "LAST_NAME"))}
	}
	return s.lookups.users, nil
}
