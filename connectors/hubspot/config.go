package hubspot

import (
	"context"
	"net/url"
	"time"

	"winback/connectors"
	"winback/connectors/record"
	"winback/connectors/restapi"
	"winback/connectors/spec"
	"winback/connectors/window"
)

// Config are the keys of a source.
type Config struct {
	Token      spec.Secret   `yaml:"token" doc:"access token of a private app; or give oauth" example:"${HUBSPOT_TOKEN}"`
	OAuth      restapi.App   `yaml:"oauth" doc:"access by OAuth 2.0, in place of token"`
	Address    string        `yaml:"address" default:"https://api.hubapi.com" advanced:"true" doc:"address of the API"`
	LostReason string        `yaml:"lost_reason" default:"closed_lost_reason" doc:"property of deals that holds the lost reason, where the account has one of its own" example:"lost_reason_code"`
	Sweep      time.Duration `yaml:"sweep" default:"7d" doc:"how often to list all ids, to find what was deleted for good or merged; 0 for never"`
	window.History
	record.Mapping
	restapi.Connection
}

// Validate refuses credentials that are not whole.
func (c *Config) Validate(n spec.Node, errs *spec.Errors) {
	c.OAuth.Check(c.Token, "the access token of a private app", n, errs)
	if c.Sweep < 0 {
		errs.Addf(n.Get("sweep"), "wants a time, or 0 for never")
	}
}

func (c *Config) auth(env connectors.Env) restapi.Auth {
	if c.Token != "" {
		return restapi.Bearer(c.Token.Reveal())
	}
	o := c.OAuth
	return o.Auth(env, func(ctx context.Context, refresh string) (restapi.Tokens, error) {
		options := restapi.Options{Config: c.Connection, Base: c.Address, Clock: env.Clock, Judge: judge}
		return o.AskTokens(ctx, refresh, options, restapi.Request{Path: "oauth/v3/token", Form: url.Values{
			"grant_type": {"refresh_token"}, "client_id": {o.ClientID}, "client_secret": {o.ClientSecret.Reveal()}, "refresh_token": {refresh},
		}})
	})
}
