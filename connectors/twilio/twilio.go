package twilio

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/restapi"
	"winback/connectors/window"
)

var (
	calls  = entity.Of[entity.Call]()
	events = entity.Of[entity.QueueEvent]()
	agents = entity.Of[entity.Agent]()
)

const example = `connector: twilio
account: AC00000000000000000000000000000000
key: ${TWILIO_KEY}              # SID of an API key; without one, secret is the account's auth token
secret: ${TWILIO_SECRET}
# since: 2025-01-01             # default: the first call that Twilio still has
`

// Connector returns the connector "twilio".
func Connector() *connectors.Connector {
	return &connectors.Connector{
		Name:    "twilio",
		Summary: "calls of Twilio Programmable Voice, with the agents who were dialled",
		Reads: []connectors.Reads{
			{Entity: calls, From: "Calls.json, the callers' legs", Changes: "the last days are read again", Deletions: "not: what was made stays"},
			{Entity: events, From: "Calls.json, the legs dialled from others", Changes: "with their calls", Deletions: "not"},
			{Entity: agents, From: "who was dialled", Changes: "with their calls", Deletions: "not"},
		},
		Needs: []string{
			"An API key of the account (Console, Account, API keys & tokens): a standard key, or a restricted one that may read calls and recordings.",
			"A key belongs to a region: give its host in address where the account is not in the United States.",
		},
		Limits: []string{
			"Twilio limits how many requests run at once, not how many there are; requests go one after another, and an answer 429 asks for a pause.",
			"Twilio keeps calls for about 13 months; what was deleted before the first run cannot be read any more.",
		},
		Example:   example,
		NewConfig: func() any { return &Config{} },
		Open:      open,
	}
}

type source struct {
	config *Config
	env    connectors.Env
	client *restapi.Client
}

func open(config any, env connectors.Env) (connectors.Source, error) {
	c, ok := config.(*Config)
	if !ok {
		return nil, fmt.Errorf("configuration is a %T, not a *twilio.Config", config)
	}
	client, err := restapi.New(restapi.Options{
		Config: c.HTTP, Base: c.Address + "/2010-04-01", Auth: restapi.Basic(c.user(), c.Secret.Reveal()), Clock: env.Clock, Judge: judge,
	})
	if err != nil {
		return nil, err
	}
	return &source{config: c, env: env, client: client}, nil
}

// judge reads Twilio's own errors.
func judge(r *restapi.Refusal) {
	var body struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(r.Body, &body) == nil && body.Message != "" {
		r.Code, r.Text = fmt.Sprint(body.Code), body.Message
	}
	switch {
	case r.Status == 401:
		r.Advice = "check account, key and secret; a key of another region needs its host in address"
	case r.Status == 403:
		r.Refused = true
		r.Advice = "give the restricted API key the permission to read Voice calls and recordings, or make a standard key (Console, API keys & tokens)"
	case r.Status == 404 && strings.HasPrefix(r.Code, "20404"):
		r.Advice = "check the account SID"
	}
}

const dataset = "callcenter.calls"

// Datasets: a call comes with what happened to it.
func (s *source) Datasets() []connectors.Dataset {
	return []connectors.Dataset{connectors.NewestWins(dataset, calls, events, agents)}
}

// Backfills says that calls can be asked for by the day they were made.
func (s *source) Backfills(string) bool { return true }

// Check reads the first calls as an extraction would.
func (s *source) Check(ctx context.Context) ([]connectors.Finding, error) {
	return connectors.CheckBySample(ctx, s, nil)
}

// Extract reads the calls made in a week, or in what is left to read, day by day.
func (s *source) Extract(ctx context.Context, req connectors.Request, sink connectors.Sink) (connectors.Extracted, error) {
	last, _, err := window.Last(req)
	if err != nil {
		return connectors.Extracted{}, err
	}
	plan := window.Plan{
		Since: s.config.Begin(s.env.Location), Oldest: s.oldest, Now: s.env.Clock.Now(),
		Overlap: max(s.config.Reread, s.config.Overlap), Step: window.Days(7),
	}
	w, ok, err := plan.Next(ctx, req)
	if !ok || err != nil {
		return connectors.Extracted{}, err
	}
	x := s.extraction(req, sink, last)
	// Twilio is asked by whole days, UTC.
	for day := w.From.UTC().Truncate(24 * time.Hour); day.Before(w.Until); day = day.AddDate(0, 0, 1) {
		if err := x.day(ctx, day); err != nil {
			return connectors.Extracted{}, err
		}
	}
	if err := x.rows.Close(ctx); err != nil {
		return connectors.Extracted{}, err
	}
	return w.Done(x.rows.Unknown(), x.remember())
}
