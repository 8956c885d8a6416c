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

// OAuth is an integration that a person granted access. Its refresh token is good
// for one use: the program keeps each next one in the project's state.
type OAuth struct {
	ClientID     string      `yaml:"client_id" doc:"id of the integration"`
	ClientSecret spec.Secret `yaml:"client_secret" doc:"its secret key" example:"${AMOCRM_CLIENT_SECRET}"`
	RefreshToken spec.Secret `yaml:"refresh_token" doc:"refresh token of the first grant" example:"${AMOCRM_REFRESH_TOKEN}"`
	RedirectURI  string      `yaml:"redirect_uri" doc:"redirect address of the integration, as it is registered"`
}

// Validate refuses an address of no account, and credentials that are not whole.
func (c *Config) Validate(n spec.Node, errs *spec.Errors) {
	at, err := url.Parse(c.Address)
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" {
		errs.Addf(n.Get("address"), "wants the account's address, such as https://acme.amocrm.ru or https://acme.kommo.com")
	}
	o := c.OAuth
	given := o.ClientID != "" || o.ClientSecret != "" || o.RefreshToken != ""
	switch {
	case c.Token == "" && !given:
		errs.Addf(n, "wants token, a long-lived token of a private integration, or oauth")
	case c.Token != "" && given:
		errs.Addf(n.Get("oauth"), "token and oauth exclude each other: the long-lived token needs no renewal")
	case given && (o.ClientID == "" || o.ClientSecret == "" || o.RefreshToken == "" || o.RedirectURI == ""):
		errs.Addf(n.Get("oauth"), "wants client_id, client_secret, refresh_token and redirect_uri")
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
	return &restapi.OAuth{
		Grant: restapi.Tokens{Refresh: o.RefreshToken.Reveal()}, Folder: env.State, Also: []string{o.ClientSecret.Reveal()},
		Exchange: func(ctx context.Context, refresh string) (restapi.Tokens, error) {
			options := restapi.Options{
				Config: c.Connection, Base: c.base(), Clock: env.Clock, Judge: newJudge(env.Clock).judge,
				Auth: restapi.Unsigned(refresh, o.ClientSecret.Reveal()),
			}
			return restapi.AskTokens(ctx, options, restapi.Request{
				Path: "oauth2/access_token",
				JSON: map[string]string{
					"client_id": o.ClientID, "client_secret": o.ClientSecret.Reveal(), "grant_type": "refresh_token",
					"refresh_token": refresh, "redirect_uri": o.RedirectURI,
				},
			})
		},
	}
}
