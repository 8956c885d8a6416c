package amocrm

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"winback/connectors/entity"
)

// Sweeps says what is compared by id. Users are not, where they may not be listed.
func (s *source) Sweeps(dataset string) ([]*entity.Schema, time.Duration) {
	switch {
	case s.config.Sweep == 0, dataset == setManagers && s.noUsers.Load():
		return nil, 0
	}
	for _, d := range s.Datasets() {
		if d.Name == dataset && dataset != setStages && dataset != setAssignments && dataset != setActivities {
			return d.Entities, s.config.Sweep
		}
	}
	return nil, 0
}

// LeavesOut says that what is older than a configured day was never landed.
func (s *source) LeavesOut() bool { return !s.config.Since.IsZero() }

// Sweep lists all keys of an entity.
func (s *source) Sweep(ctx context.Context, _ string, e *entity.Schema, has func(key ...string)) error {
	switch e {
	case entity.Of[entity.CRMCustomer]():
		return s.ids(ctx, []*list{contactStates, companyStates}, func(l *list, id string) { has(customerID(l, id)) })
	case entity.Of[entity.Deal]():
		return s.ids(ctx, []*list{leadStates}, func(_ *list, id string) { has(id) })
	case entity.Of[entity.Pipeline](), entity.Of[entity.Stage]():
		return s.sweepPipelines(ctx, e == entity.Of[entity.Stage](), has)
	}
	d, err := s.all(ctx, users)
	for _, raw := range d.records {
		has(stampOf(raw).ID.String())
	}
	return err
}

// ids lists all records. By time of change none is missed: one that changes
// meanwhile comes again at the end.
func (s *source) ids(ctx context.Context, lists []*list, each func(l *list, id string)) error {
	account, err := s.known(ctx)
	if err != nil {
		return err
	}
	var jobs []job
	for _, l := range lists {
		read := func(ctx context.Context, give take) error {
			return s.changed(ctx, l, 0, s.client.Clock().Now().Add(account.ahead+time.Hour).Unix(), give)
		}
		if !account.filters {
			read = func(ctx context.Context, give take) error { return s.paged(ctx, l, url.Values{}, give) }
		}
		jobs = append(jobs, job{l, read})
	}
	return together(ctx, jobs, func(l *list, records []json.RawMessage) error {
		for _, raw := range records {
			each(l, stampOf(raw).ID.String())
		}
		return nil
	})
}

func (s *source) sweepPipelines(ctx context.Context, stages bool, has func(key ...string)) error {
	d, err := s.all(ctx, pipelines)
	if err != nil {
		return err
	}
	for _, raw := range d.records {
		var p struct {
			ID       json.Number `json:"id"`
			Embedded struct {
				Statuses []stamp `json:"statuses"`
			} `json:"_embedded"`
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			return &shapeError{what: pipelines.path, err: err}
		}
		if !stages {
			has(p.ID.String())
			continue
		}
		for _, st := range p.Embedded.Statuses {
			has(p.ID.String(), st.ID.String())
		}
	}
	return nil
}
