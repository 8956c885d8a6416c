package config_test

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	const server = "report:\n  mail: {host: smtp.example.com, from: winback <reports@example.com>, user: u, password: s3cret}\n"
	for _, c := range []struct{ name, yaml, want string }{
		{"whole", server + "  recipients: [{to: Ann <ann@example.com>, dashboards: [executive], filters: {segment: retail, channel: [phone, letter]}}]\n", ""},
		{"no server", "report: {recipients: [{to: ann@example.com}]}\n", "get nothing without report.mail"},
		{"no address", server + "  recipients: [{to: ann}]\n", "wants one address"},
		{"in the open", "report: {mail: {host: smtp.example.com, from: a@b.c, tls: none}}\n", "would travel in the open"},
		{"on this machine", "report: {mail: {host: localhost, from: a@b.c, tls: none, port: 25}}\n", ""},
		{"a password alone", "report: {mail: {host: localhost, from: a@b.c, password: s3cret}}\n", "belong together"},
		{"no sender", "report: {mail: {host: localhost}}\n", "wants an address the mail is from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, "project: p\ntimezone: UTC\ncurrency: EUR\n"+c.yaml, nil)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("want %q, got %v", c.want, err)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Error("the error holds the password")
			}
		})
	}
}
