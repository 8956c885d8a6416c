package config

import (
	"net/mail"
	"net/netip"

	"winback/connectors/spec"
	"winback/pipelines/notify"
)

// Report says who gets the dashboards as a page by mail.
type Report struct {
	Mail       Mail        `yaml:"mail" doc:"the server that mail is handed to"`
	Recipients []Recipient `yaml:"recipients" doc:"who gets a report when winback report --mail runs"`
}

// Mail is a server that takes mail.
type Mail struct {
	Host     string      `yaml:"host" doc:"name of the mail server" example:"smtp.example.com"`
	Port     int         `yaml:"port" default:"587" doc:"its port: 587 for starttls, 465 for tls"`
	TLS      string      `yaml:"tls" enum:"starttls|tls|none" default:"starttls" doc:"how the connection is kept secret; none is for a server on this machine"`
	User     string      `yaml:"user" doc:"name of the account; without one nobody logs in" example:"reports@example.com"`
	Password spec.Secret `yaml:"password" doc:"password of the account" example:"${SMTP_PASSWORD}"`
	From     string      `yaml:"from" doc:"whom the mail is from" example:"winback <reports@example.com>"`
}

// Recipient is somebody who gets a report of their own.
type Recipient struct {
	To         string              `yaml:"to" required:"true" doc:"address" example:"Ann Smith <ann@example.com>"`
	Dashboards []string            `yaml:"dashboards" doc:"uids of the dashboards, in this order; all of them if not given" example:"[executive, winback-queue]"`
	Filters    map[string][]string `yaml:"filters" doc:"values of the dashboards' variables, so that somebody sees their own part" example:"{segment: retail}"`
}

// Validate checks addresses, and that a password does not travel in the open.
func (r *Report) Validate(n spec.Node, errs *spec.Errors) {
	server := n.Get("mail")
	for i, item := range n.Get("recipients").Items() {
		if i >= len(r.Recipients) {
			break
		}
		if _, err := mail.ParseAddress(r.Recipients[i].To); err != nil && r.Recipients[i].To != "" {
			errs.Addf(item.Get("to"), "wants one address, such as Ann Smith <ann@example.com>")
		}
	}
	if !server.IsSet() {
		if len(r.Recipients) > 0 {
			errs.Addf(n.Get("recipients"), "get nothing without report.mail, the server to hand mail to")
		}
		return
	}
	if r.Mail.Host == "" {
		errs.Addf(server, "wants a host, such as smtp.example.com")
	}
	if _, err := mail.ParseAddress(r.Mail.From); err != nil {
		errs.Addf(firstSet(server, "from"), "wants an address the mail is from, such as winback <reports@example.com>")
	}
	if r.Mail.Port < 1 || r.Mail.Port > 65535 {
		errs.Addf(server.Get("port"), "wants a port from 1 to 65535, got %d", r.Mail.Port)
	}
	if r.Mail.TLS == "none" && !r.Mail.onThisMachine() {
		errs.Addf(server.Get("tls"), "none is for a mail server on this machine: the report would travel in the open")
	}
	if (r.Mail.User == "") != (r.Mail.Password == "") {
		errs.Addf(firstSet(server, "user", "password"), "user and password belong together")
	}
}

// Server is the server as the program reaches it.
func (m *Mail) Server() notify.Server {
	return notify.Server{Host: m.Host, Port: m.Port, TLS: m.TLS, User: m.User, Password: m.Password.Reveal(), From: m.From}
}

func (m *Mail) onThisMachine() bool {
	ip, err := netip.ParseAddr(m.Host)
	return m.Host == "localhost" || err == nil && ip.IsLoopback()
}
