package amocrm

import (
	"context"
	"net/url"
	"strings"
	"time"

	"winback/connectors"
	"winback/connectors/record"
	"winback/connectors/restapi"
	"winback/connectors/spec"
	"winback/connectors/window"
)

// Config are the keys of a source.
type Config struct {
	Address string        `yaml:"address" required:"true" doc:"the account's own address" example:"https://acme.amocrm.ru"`
	Token   spec.Secret   `yaml:"token" doc:"long-lived token of a private integration; or give oauth" example:"${AMOCRM_TOKEN}"`
	OAuth   OAuth         `yaml:"oauth" doc:"access by OAuth 2.0, in place of token"`
	Sweep   time.Duration `yaml:"sweep" default:"7d" doc:"how often to list all ids, to find what was deleted for good; 0 for never"`
	window.History
	record.Mapping
	restapi.Connection
}

// OAuth is an integration that a person granted access.
type OAuth struct {
	restapi.App
	RedirectURI string `yaml:"redirect_uri" doc:"redirect address of the integration, as it is registered"`
}

// Validate refuses an address of no account, and credentials that are not whole.
func (c *Config) Validate(n spec.Node, errs *spec.Errors) {
	at, err := url.Parse(c.Address)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
		errs.Addf(n.Get("address"), "wants the account's address, such as https://acme.amocrm.ru or https://acme.kommo.com")
	}
	c.OAuth.Check(c.Token, "the long-lived token of a private integration", n, errs)
	if c.OAuth.ClientID != "" && c.OAuth.RedirectURI == "" {
		errs.Addf(n.Get("oauth"), "wants redirect_uri, as it is registered")
	}
	if c.Sweep < 0 {
		errs.Addf(n.Get("sweep"), "wants a time, or 0 for never")
	}
}

// base is the account's address without what people copy with it.
func (c *Config) base() string {
	at, err := url.Parse(c.Address)
	if err != nil {
		return c.Address
	}
	return strings.TrimSuffix((&url.URL{Scheme: at.Scheme, Host: at.Host}).String(), "/")
}

// auth signs with the long-lived token, or with one that is renewed.
func (c *Config) auth(env connectors.Env) restapi.Auth {
	if c.Token != "" {
		return restapi.Bearer(c.Token.Reveal())
	}
	o := c.OAuth
	return o.Auth(env, func(ctx context.Context, refresh string) (restapi.Tokens, error) {
		options := restapi.Options{Config: c.Connection, Base: c.base(), Clock: env.Clock, Judge: newJudge(env.Clock).judge}
		return o.AskTokens(ctx, refresh, options, restapi.Request{
			Path: "oauth2/access_token",
			JSON: map[string]string{
				"client_id": o.ClientID, "client_secret": o.ClientSecret.Reveal(), "grant_type": "refresh_token",
				"refresh_token": refresh, "redirect_uri": o.RedirectURI,
			},
		})
	})
}
