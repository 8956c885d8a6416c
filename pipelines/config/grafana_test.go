package config_test

import (
	"strings"
	"testing"
)

func TestGrafana(t *testing.T) {
	const server = "grafana:\n  url: https://grafana.example.com/bi\n  token: glsa_s3cret\n"
	for _, c := range []struct{ name, yaml, want string }{
		{"whole", server + "  org: 1\n  datasource: {url: \"http://warehouse:8123\", user: g, password: s3cret, headers: {X-Key: s3cret}, settings: {max_threads: \"4\"}}\n  alerts: {email: [ann@example.com]}\n", ""},
		{"without a token", "grafana: {url: \"https://grafana.example.com\"}\n", "wants a token"},
		{"without an address", "grafana: {token: s3cret}\n", "is of no use without url"},
		{"no address", "grafana: {url: grafana, token: s3cret}\n", "wants the address of Grafana"},
		{"a user in it", "grafana: {url: \"https://admin:s3cret@grafana.example.com\", token: s3cret}\n", "holds a user"},
		{"a user in the warehouse's", server + "  datasource: {url: \"http://g:s3cret@warehouse:8123\"}\n", "move it to the keys user and password"},
		{"no time to answer", server + "  datasource: {query_timeout: 0}\n", "wants 1 to 3600 seconds"},
		{"no mail address", server + "  alerts: {email: [ann]}\n", "wants an address, such as ann@example.com"},
		{"no web address", server + "  alerts: {webhook: s3cret}\n", "wants an address, such as https://"},
		{"two contact points", server + "  alerts: {email: [ann@example.com], contact_point: slack}\n", "keep one of them"},
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
				t.Error("the error holds a secret")
			}
		})
	}
}
