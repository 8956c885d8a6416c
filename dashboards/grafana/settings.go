// Package grafana puts the dashboards into a Grafana and keeps them there: folder,
// data source, dashboards, alert rules and where they are told. What somebody
// edited in Grafana is never overwritten unasked; it can be compared and fetched.
package grafana

import (
	"fmt"
	"net/url"
	"strconv"
)

// What everything has in Grafana for a name that does not change. There is one
// winback to an organisation.
const (
	uid        = "winback"
	ruleGroup  = "winback"
	pluginID   = "grafana-clickhouse-datasource"
	oldestMain = "v11.6.0" // the plugin's fourteenth minor version and later want it
	oldestPlug = "v4.0.0"  // targets with editorType
)

// Settings are what a Grafana needs to know of a project.
type Settings struct {
	// URL is Grafana's address, with the path below which it answers.
	URL string
	// Token is that of a service account with the role Admin.
	Token string
	// Org is the organisation the token has to be of; 0 takes any.
	Org int64
	// Folder is the title of the folder the dashboards are in.
	Folder string
	// CA is a certificate authority to trust besides the system's, as PEM.
	CA []byte
	// Program is winback's version, told in the history of each dashboard.
	Program string
	// Currency is the project's, by its ISO 4217 code.
	Currency   string
	DataSource DataSource
	Contact    Contact
}

// DataSource is the warehouse as Grafana reaches it.
type DataSource struct {
	// Name is shown in Grafana.
	Name string
	// URL is the address of winback serve, or of a ClickHouse server's HTTP
	// interface, as the machine of Grafana sees it.
	URL            string
	User, Password string
	// Database is the one that names without a database mean.
	Database string
	// DialSeconds and QuerySeconds are how long Grafana waits for a connection, and
	// for an answer.
	DialSeconds, QuerySeconds int
	// Headers go with every request, for a proxy that wants them. Their values are
	// kept as secrets.
	Headers map[string]string
	// Custom are ClickHouse settings that go with every query.
	Custom map[string]string
	// CA is a certificate authority that Grafana is to trust for the warehouse.
	CA string
}

// Contact is where alerts are told: by mail and to a web address, or at a contact
// point that somebody made in Grafana. Without any, Grafana's notification policy
// decides.
type Contact struct {
	Mail    []string
	Webhook string
	Name    string
}

// receiver is the name of the contact point; empty leaves it to the policy.
func (c Contact) receiver() string {
	if c.Name == "" && (len(c.Mail) > 0 || c.Webhook != "") {
		return "winback"
	}
	return c.Name
}

// jsonData are the plugin's settings that are no secrets.
func (d DataSource) jsonData() (map[string]any, error) {
	address, err := url.Parse(d.URL)
	if err != nil || address.Hostname() == "" {
		return nil, fmt.Errorf("the address of the warehouse is none: %q", d.URL)
	}
	secure := address.Scheme == "https"
	port := 8123
	if secure {
		port = 8443
	}
	if text := address.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("the address of the warehouse has a port that is none: %q", text)
		}
	}
	data := map[string]any{
		"host": address.Hostname(), "port": port, "protocol": "http", "secure": secure, "username": d.User,
		"defaultDatabase": d.Database, "dialTimeout": strconv.Itoa(d.DialSeconds), "queryTimeout": strconv.Itoa(d.QuerySeconds),
	}
	if path := address.EscapedPath(); path != "" && path != "/" {
		data["path"] = path
	}
	if d.CA != "" {
		data["tlsAuthWithCACert"] = true
	}
	if list := pairs(d.Custom, func(name, value string) any { return map[string]any{"setting": name, "value": value} }); list != nil {
		data["customSettings"] = list
	}
	if list := pairs(d.Headers, func(name, _ string) any { return map[string]any{"name": name, "secure": true} }); list != nil {
		data["httpHeaders"] = list
	}
	return data, nil
}

// secrets are those that Grafana keeps encrypted and never shows again.
func (d DataSource) secrets() map[string]string {
	secrets := map[string]string{}
	if d.Password != "" {
		secrets["password"] = d.Password
	}
	if d.CA != "" {
		secrets["tlsCACert"] = d.CA
	}
	for name, value := range d.Headers {
		secrets["secureHttpHeaders."+name] = value
	}
	return secrets
}

func pairs(values map[string]string, make func(name, value string) any) []any {
	var list []any
	for _, name := range sortedKeys(values) {
		list = append(list, make(name, values[name]))
	}
	return list
}
