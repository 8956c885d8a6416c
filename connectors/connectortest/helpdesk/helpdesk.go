// Package helpdesk is the worked example of connectors/README.md: a connector for a
// ticket system that does not exist, whole, and held to the contract like all others.
package helpdesk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/record"
	"winback/connectors/restapi"
	"winback/connectors/spec"
	"winback/connectors/window"
)

// Config are the keys of a source in winback.yaml. What all such sources share is embedded.
type Config struct {
	Address string        `yaml:"address" required:"true" doc:"address of the help desk" example:"https://acme.helpdesk.example"`
	Token   spec.Secret   `yaml:"token" required:"true" doc:"API token of an account that may see all tickets" example:"${HELPDESK_TOKEN}"`
	Sweep   time.Duration `yaml:"sweep" default:"7d" doc:"how often all ids are compared, to find deleted tickets; 0s for never"`
	restapi.Connection
	record.Mapping
	window.History
}

// Connector returns the connector "helpdesk".
func Connector() *connectors.Connector {
	return &connectors.Connector{
		Name:    "helpdesk",
		Summary: "tickets of a help desk, as complaints",
		Reads: []connectors.Reads{
			{Entity: complaints, From: "GET /tickets", Changes: "by updated_at", Deletions: "by comparing ids every 7 days"},
		},
		Needs:     []string{"An API token of an account that may see all tickets: Settings, API, New token."},
		Limits:    []string{"5 requests a second with bursts of 10; answer 429 asks for a pause."},
		Example:   "connector: helpdesk\naddress: https://acme.helpdesk.example\ntoken: ${HELPDESK_TOKEN}\n",
		NewConfig: func() any { return &Config{} },
		Open:      open,
	}
}

var complaints = entity.Of[entity.Complaint]()

// known are the fields of a ticket that the contract has no place for.
var known = []string{"url", "channel", "via_*"}

type source struct {
	config *Config
	env    connectors.Env
	client *restapi.Client
}

func open(config any, env connectors.Env) (connectors.Source, error) {
	c := config.(*Config)
	client, err := restapi.New(restapi.Options{
		Config: c.Connection, Base: c.Address, Auth: restapi.Bearer(c.Token.Reveal()), Clock: env.Clock,
		Budget: restapi.Budget{Requests: 5, Burst: 10},
		Judge: func(r *restapi.Refusal) {
			if r.Status == 401 {
				r.Advice = "make a new token under Settings, API"
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", env.Name, err)
	}
	return &source{config: c, env: env, client: client}, nil
}

// Datasets: a ticket that is met twice in one extraction has changed in between, so the last one stays.
func (s *source) Datasets() []connectors.Dataset {
	return []connectors.Dataset{connectors.NewestWins(complaints.FullName(), complaints)}
}

// page is an answer. Times are UTC, money there is none.
type page struct {
	Tickets []json.RawMessage `json:"tickets"`
	Total   int64             `json:"total"`
	NextID  string            `json:"next_id"` // "" on the last page
}

// Extract reads what changed in the next window of time, in the order of ids: tickets that change meanwhile
// leave the window and come in a later one.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	last, _, err := window.Last(req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	plan := window.Plan{
		Since: s.config.Begin(s.env.Location), Oldest: s.oldest, Now: s.env.Clock.Now(), Lag: time.Minute, Overlap: 10 * time.Minute,
	}
	w, ok, err := plan.Next(ctx, req)
	if !ok || err != nil {
		return connectors.Extracted{}, err
	}
	rows := record.NewRows(req, sink, record.Options{
		Entity: complaints, Fields: s.config.Fields, Payload: s.config.Payload, OnDrift: s.config.OnDrift, Known: known, Told: last.Unknown,
	})
	query := url.Values{"updated_from": {w.From.UTC().Format(time.RFC3339)}, "updated_until": {w.Until.UTC().Format(time.RFC3339)}}
	err = s.pages(ctx, query, func(p page, first bool) error {
		if rows.Page("tickets, " + w.Name()); first {
			rows.Expect(complaints, p.Total)
		}
		for _, raw := range p.Tickets {
			if err := rows.End(ctx, ticket(rows.Record(raw))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return connectors.Extracted{}, err
	}
	if err := rows.Close(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	return w.Done(rows.Unknown(), nil)
}

// ticket reads a record field by field. What is read goes to the contract, the rest to payload.
func ticket(r *record.Record) *record.Record {
	r.Need("id", "updated_at")
	record.Add(r, &entity.Complaint{
		Meta: entity.Meta{SourceUpdatedAt: r.Time("updated_at")},
		ID:   r.ID("id"), CustomerID: r.ID("requester_id"), ManagerID: r.ID("assignee_id"),
		OpenedAt: r.Time("created_at"), ResolvedAt: r.Time("solved_at"),
		Category: r.Lower("category"), Text: r.Text("subject"), Severity: r.Int("priority"), Satisfied: r.Object("rating").Bool("good"),
	})
	return r
}

// pages asks for page after page, each beginning behind the last id of the one before.
func (s *source) pages(ctx context.Context, query url.Values, each func(p page, first bool) error) error {
	for first := true; ; first = false {
		p, _, err := restapi.Get[page](ctx, s.client, restapi.Request{Path: "tickets", Query: query})
		if err != nil {
			return err
		}
		if err := each(p, first); err != nil || p.NextID == "" {
			return err
		}
		query.Set("after_id", p.NextID)
	}
}
