package bitrix24

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/restapi"
)

// Names of datasets.
const (
	managersSet   = "managers"
	pipelinesSet  = "pipelines"
	customersSet  = "customers"
	dealsSet      = "deals"
	stagesSet     = "deal_stages"
	activitiesSet = "activities"
	callsSet      = "calls"
	invoicesSet   = "invoices"
	complaintsSet = "complaints"
	ratesSet      = "exchange_rates"
)

// Connector describes the connector.
func Connector() *connectors.Connector {
	const byTime, byKeys, whole = "by updatedTime", "by comparing keys", "all of it every time"
	return &connectors.Connector{
		Name:    "bitrix24",
		Summary: "Bitrix24: CRM with stage history, activities, invoices, and the statistics of calls",
		Reads: []connectors.Reads{
			{Entity: entity.Of[entity.CRMCustomer](), From: "crm.item.list of contacts, companies and leads", Changes: byTime, Deletions: byKeys},
			{Entity: entity.Of[entity.Manager](), From: "user.get, department.get", Changes: whole, Deletions: "dismissed ones stay, not active"},
			{Entity: entity.Of[entity.Pipeline](), From: "crm.category.list", Changes: whole, Deletions: byKeys},
			{Entity: entity.Of[entity.Stage](), From: "crm.status.list", Changes: whole, Deletions: byKeys},
			{Entity: entity.Of[entity.Deal](), From: "crm.item.list of deals, crm.item.productrow.list", Changes: byTime, Deletions: byKeys},
			{Entity: entity.Of[entity.DealStage](), From: "crm.stagehistory.list", Changes: "by ID; the whole history of deals with a new stage", Deletions: "with the deal"},
			{Entity: entity.Of[entity.Activity](), From: "crm.activity.list", Changes: "by LAST_UPDATED", Deletions: byKeys},
			{Entity: entity.Of[entity.Complaint](), From: "crm.item.list of a smart process", Changes: byTime, Deletions: byKeys},
			{Entity: entity.Of[entity.Payment](), From: "crm.item.list of smart invoices", Changes: byTime, Deletions: byKeys},
			{Entity: entity.Of[entity.Order](), From: "deals won, if orders: won_deals", Changes: byTime, Deletions: byKeys},
			{Entity: entity.Of[entity.OrderLine](), From: "product rows of deals won, if orders: won_deals", Changes: "with the deal", Deletions: "by the number of lines"},
			{Entity: entity.Of[entity.ExchangeRate](), From: "crm.currency.list, if exchange_rates: true", Changes: "the day's", Deletions: "not"},
			{Entity: entity.Of[entity.Call](), From: "voximplant.statistic.get", Changes: "the last two days again", Deletions: "not"},
			{Entity: entity.Of[entity.Agent](), From: "user.get", Changes: whole, Deletions: "not"},
		},
		Needs: []string{
			"An incoming webhook (Developer resources › Other › Incoming webhook) or an OAuth application, with the permissions crm, user, department and telephony.",
			"Its owner must be an administrator, or have a role that reads everything in the CRM: Bitrix24 leaves out what the owner may not read without saying so.",
			"A plan with the REST interface: the free plan has none.",
			"For winback push, which writes the call list as tasks, the permission task as well.",
		},
		Limits: []string{
			"2 requests a second, 50 at once after a pause (Enterprise: 5 and 250): kept to, with up to 50 pages of 50 records in one request.",
			"About 480 s of the portal's time for one method in 10 minutes: its own hint is waited for.",
			"A custom field that is changed in the directory of its values, or product rows edited without the deal, are seen when the deal is changed.",
		},
		Example:   example,
		NewConfig: func() any { return &Config{} },
		Open:      open,
	}
}

const example = `connector: bitrix24
webhook: ${BITRIX24_WEBHOOK}        # https://acme.bitrix24.com/rest/1/SECRET/
since: 2024-01-01                   # default: all there is
lost_reason: UF_CRM_1700000000      # default: the name of the failed stage
fields:
  crm.deals:
    competitor: UF_CRM_1700000001
  crm.customers:
    segment: UF_CRM_1700000002
`

// source is one portal.
type source struct {
	config Config
	env    connectors.Env
	client *restapi.Client

	mu    sync.Mutex
	ahead time.Duration // of the portal's clock before ours
	chain int           // pages a batch

	known   *owner // of the webhook; nil until asked
	lookups lookups
}

func open(config any, env connectors.Env) (connectors.Source, error) {
	c := config.(*Config)
	client, err := newClient(c, env)
	if err != nil {
		return nil, fmt.Errorf("bitrix24: %w", err)
	}
	return &source{config: *c, env: env, client: client, chain: firstPages}, nil
}

// dataset is a unit of extraction and how it is read.
type dataset struct {
	name     string
	entities []*entity.Schema
	swept    []*entity.Schema
	extract  func(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error)
	lists    func(since time.Time, also ...string) []asked // of all records changed since then, for counting them and their keys; with fields besides the id
	keys     []func(id string) string                      // of rows, by list
	again    bool                                          // can be asked for a time
	scope    string                                        // permission without which it cannot be read
}

// datasets are those that the configuration asks for. Others that refer to managers
// and stages come after them.
func (s *source) datasets() []dataset {
	list := []dataset{
		{name: managersSet, entities: of(entity.Of[entity.Manager](), entity.Of[entity.Agent]()), extract: s.managers, scope: "user"},
		{name: pipelinesSet, entities: of(entity.Of[entity.Pipeline](), entity.Of[entity.Stage]()), extract: s.pipelines,
			swept: of(entity.Of[entity.Pipeline](), entity.Of[entity.Stage]()), scope: "crm"},
		s.changing(s.customerKinds()),
		s.changing(s.deals()),
		{name: stagesSet, entities: of(entity.Of[entity.DealStage]()), extract: s.dealStages, again: true, scope: "crm"},
		s.changing(s.activities()),
	}
	if s.config.Calls {
		list = append(list, s.changing(s.calls()))
	}
	if s.config.Invoices {
		list = append(list, s.changing(s.invoices()))
	}
	if s.config.Complaints != 0 {
		list = append(list, s.changing(s.complaints()))
	}
	if s.config.Rates {
		list = append(list, dataset{name: ratesSet, entities: of(entity.Of[entity.ExchangeRate]()), extract: s.rates, scope: "crm"})
	}
	return list
}

func of(list ...*entity.Schema) []*entity.Schema { return list }

func (s *source) dataset(name string) (dataset, error) {
	list := s.datasets()
	at := slices.IndexFunc(list, func(d dataset) bool { return d.name == name })
	if at < 0 {
		return dataset{}, fmt.Errorf("bitrix24 has no dataset %q", name)
	}
	return list[at], nil
}

// Datasets lists what is read.
func (s *source) Datasets() []connectors.Dataset {
	var list []connectors.Dataset
	for _, d := range s.datasets() {
		list = append(list, connectors.NewestWins(d.name, d.entities...))
	}
	return list
}

// Extract reads a slice of what is new.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	d, err := s.dataset(req.Dataset)
	if err != nil {
		return connectors.Extracted{}, err
	}
	who, err := s.owner(ctx)
	if err != nil {
		return connectors.Extracted{}, err
	}
	if text := who.cannot(d); text != "" {
		req.Tell(connectors.Notice{Kind: connectors.NoticePartial, Inputs: []string{d.name}, Count: 1, Text: text})
		return connectors.Extracted{}, nil
	}
	if text := s.blind(who, d); text != "" {
		req.Tell(connectors.Notice{Kind: connectors.NoticePartial, Inputs: []string{d.name}, Count: 1, Text: text})
	}
	return d.extract(ctx, req, sink)
}

// Backfills says which datasets can be asked for a time.
func (s *source) Backfills(name string) bool {
	d, err := s.dataset(name)
	return err == nil && d.again
}
