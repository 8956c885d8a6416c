package hubspot

import (
	"context"
	"fmt"
	"sync"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/restapi"
)

// Connector describes the source.
func Connector() *connectors.Connector {
	const byDate, byList = "by the date of change, by search", "by the list of archived records; by comparing ids"
	return &connectors.Connector{
		Name:    "hubspot",
		Summary: "HubSpot: deals with their stage history, contacts and companies, tickets, calls, products",
		Reads: []connectors.Reads{
			reads[entity.CRMCustomer]("contacts, companies", byDate, byList),
			reads[entity.Manager]("owners", "all of them every time", "archived owners are told"),
			reads[entity.ManagerAssignment]("history of hubspot_owner_id", "with their customers", "not: history stays"),
			reads[entity.Pipeline]("pipelines of deals", "all of them every time", "by comparing ids"),
			reads[entity.Stage]("pipelines of deals", "all of them every time", "by comparing ids"),
			reads[entity.Deal]("deals, with their line items", byDate, byList),
			reads[entity.DealStage]("history of dealstage", "with their deals", "not: history stays"),
			reads[entity.Activity]("calls, meetings, tasks", byDate, byList),
			reads[entity.Complaint]("tickets", byDate, byList),
			reads[entity.Product]("products", byDate, byList),
			reads[entity.Call]("calls", byDate, byList),
			reads[entity.Agent]("owners", "all of them every time", "archived owners are told"),
		},
		Needs: []string{
			"A private app: Settings → Integrations → Private apps → Create; a super admin can. Its access token stands under Auth.",
			"Scopes to read: crm.objects.contacts.read, crm.objects.companies.read, crm.objects.deals.read, crm.objects.owners.read, and crm.schemas.*.read of the same three.",
			"Further scopes for what else is wanted: tickets for complaints, crm.objects.line_items.read and e-commerce for products. What a scope is missing for is left out, and the run says so.",
		},
		Limits: []string{
			"100 to 250 requests in ten seconds by the plan, told with every answer: 95 % of it are used. Searches have a limit of their own, 5 a second.",
			"A day has 250,000 requests or more by the plan; when they are used up the run stops and says so, and the next one goes on.",
			"Searches end after 10,000 results: each begins where the last one ended, so none comes that far.",
			"How many earlier values a property keeps is not published; the run tells of how many deals the history does not begin with their creation.",
		},
		Example: `connector: hubspot
token: ${HUBSPOT_TOKEN}
lost_reason: closed_lost_reason        # or a property of your own
fields:
  crm.customers:
    segment: lifecyclestage
`,
		NewConfig: func() any { return &Config{} },
		Open:      open,
	}
}

func reads[E entity.Entity](from, changes, deletions string) connectors.Reads {
	return connectors.Reads{Entity: entity.Of[E](), From: from, Changes: changes, Deletions: deletions}
}

func open(config any, env connectors.Env) (connectors.Source, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("hubspot: want its own configuration, got %T", config)
	}
	if env.Clock == nil {
		env.Clock = connectors.SystemClock{}
	}
	options := restapi.Options{Config: c.Connection, Base: c.Address, Auth: c.auth(env), Budget: budget, Judge: judge, Clock: env.Clock}
	client, err := restapi.New(options)
	if err != nil {
		return nil, err
	}
	options.Budget = searchBudget
	search, err := restapi.New(options)
	if err != nil {
		return nil, err
	}
	return &source{config: c, env: env, client: client, search: search, slicePages: slicePages}, nil
}

// source is one account.
type source struct {
	config *Config
	env    connectors.Env
	client *restapi.Client
	search *restapi.Client // with the budget of searches
	mu     sync.Mutex
	facts  *facts // of the account, once they are known
	// slicePages is how many pages of a list one commit takes.
	slicePages int
}

// set is a dataset: the objects that are read for it.
type set struct {
	name     string
	objects  []*object
	entities []*entity.Schema
}

const (
	setPipelines = "pipelines"
	setManagers  = "managers"
)

var sets = []set{
	{setPipelines, nil, []*entity.Schema{entity.Of[entity.Pipeline](), entity.Of[entity.Stage]()}},
	{setManagers, nil, []*entity.Schema{entity.Of[entity.Manager](), entity.Of[entity.Agent]()}},
	{"customers", []*object{contacts, companies}, []*entity.Schema{entity.Of[entity.CRMCustomer](), entity.Of[entity.ManagerAssignment]()}},
	{"deals", []*object{deals}, []*entity.Schema{entity.Of[entity.Deal](), entity.Of[entity.DealStage]()}},
	{"complaints", []*object{tickets}, []*entity.Schema{entity.Of[entity.Complaint]()}},
	{"activities", []*object{calls, meetings, tasks}, []*entity.Schema{entity.Of[entity.Activity](), entity.Of[entity.Call]()}},
	{"products", []*object{products}, []*entity.Schema{entity.Of[entity.Product]()}},
}

func setOf(name string) (set, bool) {
	for _, s := range sets {
		if s.name == name {
			return s, true
		}
	}
	return set{}, false
}

// Datasets lists what is extracted together.
func (s *source) Datasets() []connectors.Dataset {
	list := make([]connectors.Dataset, len(sets))
	for i, one := range sets {
		list[i] = connectors.NewestWins(one.name, one.entities...)
	}
	return list
}

// Extract reads what is new in a dataset.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	one, ok := setOf(req.Dataset)
	if !ok {
		return connectors.Extracted{}, fmt.Errorf("hubspot has no dataset %q", req.Dataset)
	}
	f, err := s.known(ctx)
	if err != nil {
		return connectors.Extracted{}, err
	}
	x := &extraction{source: s, req: req, sink: sink, facts: f, set: one}
	switch {
	case one.name == setPipelines:
		return x.pipelines(ctx)
	case one.name == setManagers:
		return x.owners(ctx)
	}
	return x.objects(ctx)
}

// Backfills says that records can be searched by their time of change.
func (s *source) Backfills(dataset string) bool {
	return dataset != setPipelines && dataset != setManagers
}

// extraction is one call of Extract.
type extraction struct {
	*source
	words
	req     connectors.Request
	sink    connectors.Sink
	facts   *facts
	set     set
	current *object // of the record that is being read
	cut     int     // histories that do not begin with the record
}

func (x *extraction) options(e *entity.Schema, told []string) record.Options {
	c := x.config.Mapping
	return record.Options{
		Entity: e, Location: x.facts.zone, Payload: c.Payload, Fields: c.Fields, OnDrift: c.OnDrift,
		Known: known, Told: told, Custom: x.custom,
	}
}

// known are the fields of every record.
var known = []string{"id", "createdAt", "updatedAt", "archived", "archivedAt", "propertiesWithHistory", "associations", "url", "properties", "objectWriteTraceId"}

// now is the server's clock.
func (x *extraction) now() time.Time { return x.client.Clock().Now().Add(x.facts.ahead) }
