package config

import (
	"net/mail"
	"net/url"
	"strings"

	"winback/connectors/spec"
)

// Grafana says where the dashboards are shown, and how Grafana reaches the warehouse.
type Grafana struct {
	URL        string            `yaml:"url" doc:"address of Grafana, with the path below which it answers" example:"https://grafana.example.com"`
	Token      spec.Secret       `yaml:"token" doc:"token of a service account with the role Admin" example:"${GRAFANA_TOKEN}"`
	Org        int               `yaml:"org" doc:"number of the organisation that the token has to be of; any if not given" example:"1"`
	CAFile     spec.Path         `yaml:"ca_file" doc:"certificate authority to trust besides the system's, as a PEM file" advanced:"true"`
	Folder     string            `yaml:"folder" default:"Customers" doc:"title of the folder the dashboards are in"`
	Dashboards spec.Path         `yaml:"dashboards" doc:"folder with dashboards of your own, <uid>.json each; one with the uid of winback's takes its place" example:"dashboards"`
	DataSource GrafanaDataSource `yaml:"datasource" doc:"the warehouse as Grafana reaches it"`
	Alerts     GrafanaAlerts     `yaml:"alerts" doc:"who is told of alerts; Grafana's notification policy decides if nothing is given"`
}

// GrafanaDataSource is the data source for ClickHouse that Grafana gets.
type GrafanaDataSource struct {
	Name         string                 `yaml:"name" default:"winback" doc:"name of the data source"`
	URL          string                 `yaml:"url" doc:"address of winback serve or of a ClickHouse server, as Grafana's machine sees it; that of warehouse.url or serve.listen if not given" example:"http://warehouse.internal:8123"`
	User         string                 `yaml:"user" default:"default" doc:"account that may read mart and ops, such as an analyst of serve.users" example:"grafana"`
	Password     spec.Secret            `yaml:"password" doc:"password of the account" example:"${GRAFANA_WAREHOUSE_PASSWORD}"`
	Database     string                 `yaml:"database" default:"mart" doc:"database of names that name none"`
	DialTimeout  int                    `yaml:"dial_timeout" default:"10" doc:"seconds that Grafana waits for a connection" advanced:"true"`
	QueryTimeout int                    `yaml:"query_timeout" default:"60" doc:"seconds that Grafana waits for an answer" advanced:"true"`
	Headers      map[string]spec.Secret `yaml:"headers" doc:"headers for a proxy before the warehouse; Grafana keeps them as secrets" example:"{X-Proxy-Key: \"${PROXY_KEY}\"}" advanced:"true"`
	Settings     map[string]string      `yaml:"settings" doc:"ClickHouse settings that go with every query" example:"{max_threads: \"4\"}" advanced:"true"`
	CAFile       spec.Path              `yaml:"ca_file" doc:"certificate authority that Grafana is to trust for the warehouse, as a PEM file" advanced:"true"`
}

// GrafanaAlerts is a contact point: one that winback makes, or one that is there.
type GrafanaAlerts struct {
	Email        []string    `yaml:"email" doc:"addresses that alerts are mailed to, by Grafana's mail server" example:"[ann@example.com]"`
	Webhook      spec.Secret `yaml:"webhook" doc:"address that alerts are posted to" example:"${ALERT_WEBHOOK}"`
	ContactPoint string      `yaml:"contact_point" doc:"name of a contact point that was made in Grafana, instead" example:"shop-slack"`
}

// Validate checks addresses, and that what is needed is there once there is a Grafana.
func (g *Grafana) Validate(n spec.Node, errs *spec.Errors) {
	if g.URL == "" {
		if g.Token != "" {
			errs.Addf(n.Get("token"), "is of no use without url, the address of Grafana")
		}
		return
	}
	address, err := url.Parse(g.URL)
	switch {
	case err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Hostname() == "":
		errs.Addf(n.Get("url"), "wants the address of Grafana, such as https://grafana.example.com") // not shown: it may hold a password
	case address.User != nil:
		errs.Addf(n.Get("url"), "holds a user: Grafana is reached with the key token alone")
	case g.CAFile != "" && address.Scheme != "https":
		errs.Addf(n.Get("ca_file"), "needs an https url")
	}
	if g.Token == "" {
		errs.Addf(firstSet(n, "token", "url"), "wants a token, as ${GRAFANA_TOKEN} or {file: path}: that of a service account with the role Admin")
	}
	if g.Org < 0 {
		errs.Addf(n.Get("org"), "wants the number of an organisation, from 1")
	}
	if strings.TrimSpace(g.Folder) == "" || len([]rune(g.Folder)) > 189 {
		errs.Addf(n.Get("folder"), "wants a title")
	}
}

// Validate checks the address and the times.
func (d *GrafanaDataSource) Validate(n spec.Node, errs *spec.Errors) {
	if d.URL != "" {
		address, err := url.Parse(d.URL)
		switch {
		case err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Hostname() == "":
			errs.Addf(n.Get("url"), "wants an address of the HTTP interface, such as http://warehouse.internal:8123")
		case address.User != nil:
			errs.Addf(n.Get("url"), "holds a user: move it to the keys user and password")
		case d.CAFile != "" && address.Scheme != "https":
			errs.Addf(n.Get("ca_file"), "needs an https url")
		}
	}
	for key, seconds := range map[string]int{"dial_timeout": d.DialTimeout, "query_timeout": d.QueryTimeout} {
		if seconds < 1 || seconds > 3600 {
			errs.Addf(n.Get(key), "wants 1 to 3600 seconds, got %d", seconds)
		}
	}
	if d.Name == "" {
		errs.Addf(n.Get("name"), "wants a name")
	}
}

// Validate checks the addresses.
func (a *GrafanaAlerts) Validate(n spec.Node, errs *spec.Errors) {
	for i, item := range n.Get("email").Items() {
		if i >= len(a.Email) {
			break
		}
		if address, err := mail.ParseAddress(a.Email[i]); err != nil || address.Address != a.Email[i] {
			errs.Addf(item, "wants an address, such as ann@example.com")
		}
	}
	if a.Webhook != "" {
		if address, err := url.Parse(a.Webhook.Reveal()); err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Hostname() == "" {
			errs.Addf(n.Get("webhook"), "wants an address, such as https://alerts.example.com/winback") // not shown: it may be secret
		}
	}
	if a.ContactPoint != "" && (len(a.Email) > 0 || a.Webhook != "") {
		errs.Addf(n.Get("contact_point"), "is one that somebody made in Grafana; email and webhook are for one that winback makes: keep one of them")
	}
}
