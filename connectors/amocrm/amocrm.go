package amocrm

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/restapi"
)

// Connector describes the source.
func Connector() *connectors.Connector {
	return &connectors.Connector{
		Name:    "amocrm",
		Summary: "amoCRM and Kommo: deals with their stage history, customers, managers, tasks and calls",
		Reads: []connectors.Reads{
			reads[entity.CRMCustomer]("contacts, companies", "by updated_at", "by the recycle bin and events; by comparing ids"),
			reads[entity.Manager]("users", "all of them every time", "by comparing ids"),
			reads[entity.ManagerAssignment]("events entity_responsible_changed", "by events", "not: history stays"),
			reads[entity.Pipeline]("leads/pipelines", "all of them every time", "by comparing ids"),
			reads[entity.Stage]("leads/pipelines", "all of them every time", "by comparing ids"),
			reads[entity.Deal]("leads", "by updated_at", "by the recycle bin and events; by comparing ids"),
			reads[entity.DealStage]("events lead_status_changed", "by events", "not: history stays"),
			reads[entity.Activity]("tasks, notes of calls and messages", "by updated_at", "not"),
			reads[entity.Call]("notes of type call_in and call_out", "by updated_at", "not"),
			reads[entity.Agent]("users", "all of them every time", "by comparing ids"),
		},
		Needs: []string{
			"A private integration of the account: Settings → Integrations → Create integration → External integration; then a long-lived token under Keys and scopes.",
			"An administrator installs it: what its user may not see is not in any answer, and nothing tells that it is missing.",
			"The list of users needs an administrator; without one managers have no names, and the rest is read.",
			"For winback push, which writes the call list as tasks, a user who may make tasks for others.",
			"Deals made before events were kept, or longer ago than the account's plan keeps them, have a part of their stage history only; the run tells how many.",
		},
		Limits: []string{
			"7 requests a second for an integration; 6.6 are used, requests_per_second lowers that. After an answer 429 all requests wait; after a block (403) ten minutes.",
			"250 records a page, 100 events; a page too heavy for the server (504) is asked for in halves.",
			"The history of ten deals is one request: a first run takes one request for every ten deals and one for every 250 records of a list.",
		},
		Example: `connector: amocrm
address: https://acme.amocrm.ru        # or https://acme.kommo.com
token: ${AMOCRM_TOKEN}
since: 2023-01-01
fields:
  crm.deals:
    lead_source: 709                   # a custom field, by id or code
`,
		NewConfig: func() any { return &Config{} },
		Open:      open,
	}
}

func reads[E entity.Entity](from, changes, deletions string) connectors.Reads {
	return connectors.Reads{Entity: entity.Of[E](), From: from, Changes: changes, Deletions: deletions}
}

// budget is 95 % of the seven requests a second that are allowed.
var budget = restapi.Budget{Requests: 6.65}

func open(config any, env connectors.Env) (connectors.Source, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("amocrm: want its own configuration, got %T", config)
	}
	if env.Clock == nil {
		env.Clock = connectors.SystemClock{}
	}
	client, err := restapi.New(restapi.Options{
		Config: c.Connection, Base: c.base() + "/api/v4", Auth: c.auth(env), Budget: budget,
		Judge: newJudge(env.Clock).judge, Clock: env.Clock,
	})
	if err != nil {
		return nil, err
	}
	return &source{config: c, env: env, client: client}, nil
}

// source is one account.
type source struct {
	config  *Config
	env     connectors.Env
	client  *restapi.Client
	size    size
	account accountOnce
	ahead   changesAhead
	noUsers atomic.Bool // users may not be listed
}

// Datasets, in the order in which one needs the other.
const (
	setPipelines   = "pipelines"
	setManagers    = "managers"
	setCustomers   = "customers"
	setDeals       = "deals"
	setStages      = "deal_stages"
	setAssignments = "manager_assignments"
	setActivities  = "activities"
)

// Datasets lists what is extracted together.
func (s *source) Datasets() []connectors.Dataset {
	return []connectors.Dataset{
		connectors.NewestWins(setPipelines, entity.Of[entity.Pipeline](), entity.Of[entity.Stage]()),
		connectors.NewestWins(setManagers, entity.Of[entity.Manager](), entity.Of[entity.Agent]()),
		connectors.NewestWins(setCustomers, entity.Of[entity.CRMCustomer]()),
		connectors.NewestWins(setDeals, entity.Of[entity.Deal]()),
		connectors.NewestWins(setStages, entity.Of[entity.DealStage]()),
		connectors.NewestWins(setAssignments, entity.Of[entity.ManagerAssignment]()),
		connectors.NewestWins(setActivities, entity.Of[entity.Activity](), entity.Of[entity.Call]()),
	}
}

// Extract reads what is new in a dataset.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	account, err := s.known(ctx)
	if err != nil {
		return connectors.Extracted{}, err
	}
	x := &extraction{source: s, req: req, sink: sink, account: account}
	switch req.Dataset {
	case setPipelines:
		return x.pipelines(ctx)
	case setManagers:
		return x.managers(ctx)
	case setCustomers:
		return x.customers(ctx)
	case setDeals:
		return x.deals(ctx)
	case setStages:
		return x.stages(ctx)
	case setAssignments:
		return x.assignments(ctx)
	case setActivities:
		return x.activities(ctx)
	}
	return connectors.Extracted{}, fmt.Errorf("amocrm has no dataset %q", req.Dataset)
}

// Backfills says that everything but the directories can be read by time.
func (s *source) Backfills(dataset string) bool {
	return dataset != setPipelines && dataset != setManagers
}

// extraction is one call of Extract.
type extraction struct {
	*source
	req     connectors.Request
	sink    connectors.Sink
	account account
	reasons map[string]string // names of lost reasons by id
}

// rows begins to make rows of records.
func (x *extraction) rows(e *entity.Schema, known, told []string) *record.Rows {
	return record.NewRows(x.req, x.sink, x.options(e, known, told))
}

func (x *extraction) options(e *entity.Schema, known, told []string) record.Options {
	c := x.config.Mapping
	return record.Options{
		Entity: e, Location: x.account.zone, Payload: c.Payload, Fields: c.Fields, OnDrift: c.OnDrift,
		Known: known, Told: told, Custom: x.custom,
	}
}

// seconds are the first and the last second of a time whose end is exclusive.
func seconds(from, until time.Time) (first, last int64) {
	return max(from.Unix(), 0), until.Add(-time.Nanosecond).Unix()
}
