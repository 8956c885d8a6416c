package grafana

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-openapi/runtime"
	httptransport "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	"github.com/grafana/grafana-openapi-client-go/client/dashboards"
	"github.com/grafana/grafana-openapi-client-go/client/datasources"
	"github.com/grafana/grafana-openapi-client-go/client/folders"
	"github.com/grafana/grafana-openapi-client-go/client/health"
	"github.com/grafana/grafana-openapi-client-go/client/org"
	"github.com/grafana/grafana-openapi-client-go/client/provisioning"
	"github.com/grafana/grafana-openapi-client-go/client/search"
	"golang.org/x/mod/semver"
)

// patience is how long one answer may take.
const patience = 30 * time.Second

// Grafana is one that answered, knows the token and has the plugin.
type Grafana struct {
	// Version is Grafana's; empty where it does not tell.
	Version string

	settings    Settings
	http        *http.Client
	base        *url.URL
	health      health.ClientService
	org         org.ClientService
	dashboards  dashboards.ClientService
	datasources datasources.ClientService
	folders     folders.ClientService
	alerting    provisioning.ClientService
	search      search.ClientService
}

// Connect finds out whether everything can be done, before anything is: that
// Grafana answers and is new enough, that the token is good and of the
// organisation, and that the plugin is installed. Each failure is an *Error.
func Connect(ctx context.Context, s Settings) (*Grafana, error) {
	g, err := open(s)
	if err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{g.checkHealth, g.checkToken, g.checkPlugin} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// open makes the client of each part of the interface. They are made one by one:
// the package that holds them all changes http.DefaultTransport.
func open(s Settings) (*Grafana, error) {
	base, err := url.Parse(strings.TrimRight(s.URL, "/"))
	if err != nil || base.Host == "" {
		return nil, &Error{Problem: fmt.Sprintf("grafana.url is no address: %q", s.URL), Way: "write it as https://grafana.example.com"}
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(s.CA) > 0 {
		secure.RootCAs, err = x509.SystemCertPool()
		if err != nil || !secure.RootCAs.AppendCertsFromPEM(s.CA) {
			return nil, &Error{Problem: "grafana.ca_file holds no certificate", Way: "name a PEM file", Cause: err}
		}
	}
	client := &http.Client{Timeout: patience, Transport: &speaker{
		token: s.Token,
		next:  &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: secure, ForceAttemptHTTP2: true},
	}}
	transport := httptransport.NewWithClient(base.Host, base.Path+"/api", []string{base.Scheme}, client)
	transport.Consumers[runtime.JSONMime] = runtime.ConsumerFunc(func(body io.Reader, into any) error {
		return json.NewDecoder(body).Decode(into)
	})
	return &Grafana{
		settings: s, http: client, base: base,
		health: health.New(transport, strfmt.Default), org: org.New(transport, strfmt.Default), dashboards: dashboards.New(transport, strfmt.Default),
		datasources: datasources.New(transport, strfmt.Default), folders: folders.New(transport, strfmt.Default),
		alerting: provisioning.New(transport, strfmt.Default), search: search.New(transport, strfmt.Default),
	}, nil
}

func (g *Grafana) checkHealth(ctx context.Context) error {
	answer, err := g.health.GetHealthWithParams(health.NewGetHealthParamsWithContext(ctx))
	if err != nil {
		return g.explain("ask Grafana whether it is well", err)
	}
	g.Version = answer.Payload.Version
	if answer.Payload.Database == "" {
		return &Error{Problem: "what answers at " + g.settings.URL + " is not Grafana", Way: "correct grafana.url; it includes the path below which Grafana answers"}
	}
	if semver.IsValid("v"+g.Version) && semver.Compare("v"+g.Version, oldestMain+"-0") < 0 {
		return &Error{Problem: "Grafana " + g.Version + " is too old for the dashboards", Way: "update it to " + oldestMain[1:] + " or later"}
	}
	return nil
}

func (g *Grafana) checkToken(ctx context.Context) error {
	answer, err := g.org.GetCurrentOrgWithParams(org.NewGetCurrentOrgParamsWithContext(ctx))
	if err != nil {
		return g.explain("ask Grafana whose the token is", err)
	}
	if want := g.settings.Org; want != 0 && answer.Payload.ID != want {
		return &Error{
			Problem: fmt.Sprintf("the token is of the organisation %d (%s), and grafana.org is %d", answer.Payload.ID, answer.Payload.Name, want),
			Way:     "use a token of a service account of that organisation, or correct grafana.org",
		}
	}
	return nil
}

// checkPlugin asks without the client, which knows nothing of plugins.
func (g *Grafana) checkPlugin(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.base.JoinPath("api/plugins", pluginID, "settings").String(), nil)
	if err != nil {
		return fmt.Errorf("ask Grafana for its plugin: %w", err)
	}
	answer, err := g.http.Do(request)
	const install = "grafana cli plugins install " + pluginID + ", then restart Grafana"
	if status(err) == http.StatusNotFound {
		return &Error{Problem: "Grafana has no plugin for ClickHouse", Way: install, Cause: err}
	}
	if err != nil {
		return g.explain("ask Grafana for its plugin for ClickHouse", err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	var plugin struct {
		Info struct{ Version string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&plugin); err != nil {
		return g.explain("read what Grafana says of its plugin for ClickHouse", err)
	}
	if v := "v" + plugin.Info.Version; semver.IsValid(v) && semver.Compare(v, oldestPlug) < 0 {
		return &Error{Problem: "Grafana's plugin for ClickHouse is too old: " + plugin.Info.Version, Way: "grafana cli plugins update " + pluginID + ", then restart Grafana"}
	}
	return nil
}

// Error is why Grafana did not do what was asked, with a way out.
type Error struct {
	Problem, Way string
	Cause        error
}

// Error is the problem in one sentence.
func (e *Error) Error() string { return e.Problem }

// Hint is the way out.
func (e *Error) Hint() string { return e.Way }

// Unwrap gives what the network or Grafana said.
func (e *Error) Unwrap() error { return e.Cause }

// explain makes an error of a call one that tells what to do.
func (g *Grafana) explain(doing string, err error) error {
	var refused *refusal
	var network *url.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &refused):
		return refused.explain(doing)
	case errors.As(err, &network):
		return &Error{Problem: fmt.Sprintf("Grafana does not answer at %s: %v", g.settings.URL, network.Err), Way: "start it, or correct grafana.url", Cause: err}
	}
	return &Error{
		Problem: fmt.Sprintf("%s: what answers at %s does not speak as Grafana does: %v", doing, g.settings.URL, err),
		Way:     "correct grafana.url; it includes the path below which Grafana answers", Cause: err,
	}
}

// refusal is an answer of Grafana that something was not done.
type refusal struct {
	Status  int
	Message string
	Reason  string // such as version-mismatch
}

func (r *refusal) Error() string { return fmt.Sprintf("Grafana answers %d: %s", r.Status, r.Message) }

func (r *refusal) explain(doing string) error {
	e := &Error{Problem: doing + ": " + r.Error(), Cause: r}
	switch {
	case r.Status == http.StatusUnauthorized:
		e.Problem = "Grafana does not know the token"
		e.Way = "make a service account (Administration, Users and access) with the role Admin, add a token, and put it into grafana.token"
	case r.Status == http.StatusForbidden:
		e.Problem = doing + ": the token may not: " + r.Message
		e.Way = "give its service account the role Admin"
	case r.Reason == "version-mismatch":
		e.Way = "somebody saved it at this moment; run the command again"
	case r.Status >= 500:
		e.Way = "see Grafana's log"
	}
	return e
}

// status is that of a refusal; 0 of any other error.
func status(err error) int {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}

// speaker gives the token to Grafana, and makes an error of every answer that
// something was not done: the client would lose what Grafana says in those that
// its description does not name.
type speaker struct {
	token string
	next  http.RoundTripper
}

// RoundTrip sends a request.
func (s *speaker) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+s.token)
	answer, err := s.next.RoundTrip(request)
	if err != nil || answer.StatusCode < 400 {
		return answer, err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	said := struct{ Message, Status string }{}
	if json.Unmarshal(text, &said) != nil || said.Message == "" {
		said.Message = http.StatusText(answer.StatusCode)
	}
	return nil, &refusal{Status: answer.StatusCode, Message: said.Message, Reason: said.Status}
}
