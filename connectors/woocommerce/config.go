package woocommerce

import (
	"net/url"
	"strings"
	"time"

	"winback/connectors/record"
	"winback/connectors/restapi"
	"winback/connectors/spec"
	"winback/connectors/window"
)

// Config are the keys of a source.
type Config struct {
	URL        string            `yaml:"url" required:"true" doc:"address of the shop, with the folder it lives in" example:"https://shop.example.com"`
	Key        spec.Secret       `yaml:"consumer_key" required:"true" doc:"consumer key, ck_…" example:"${WOO_KEY}"`
	Secret     spec.Secret       `yaml:"consumer_secret" required:"true" doc:"consumer secret, cs_…" example:"${WOO_SECRET}"`
	SignIn     string            `yaml:"sign_in" default:"auto" enum:"auto|query" advanced:"true" doc:"auto: in a header; query: in the address, for servers that strip the header Authorization"`
	Permalinks string            `yaml:"permalinks" default:"pretty" enum:"pretty|plain" advanced:"true" doc:"plain: the shop's permalinks are plain, and the API is at ?rest_route="`
	Unpaid     string            `yaml:"unpaid" default:"cart" enum:"cart|order" doc:"what an order is that a customer has begun and not paid, pending or failed: an abandoned cart, or an order that is placed or cancelled"`
	Statuses   map[string]string `yaml:"statuses" enum:"placed|paid|shipped|completed|cancelled" doc:"what further states of orders mean, without wc-" example:"{packed: paid, sent: shipped}"`
	Timezone   string            `yaml:"timezone" advanced:"true" doc:"the shop's zone, for times that it gives in no other way; default: the project's" example:"Europe/Moscow"`
	Currency   string            `yaml:"currency" doc:"currency of the products' prices; default: that of the newest order" example:"EUR"`
	Reread     time.Duration     `yaml:"reread" default:"7d" doc:"how often customers and products are read whole, as the shop does not tell all their changes; 0: never again"`
	Sweep      time.Duration     `yaml:"sweep" default:"7d" doc:"how often to look for what was deleted for good; 0: never"`

	Windows
	Records
	HTTP
}

// Keys that sources share.
type (
	Windows = window.History
	Records = record.Mapping
	HTTP    = restapi.Connection
)

// Validate refuses what is no address and no zone.
func (c *Config) Validate(n spec.Node, errs *spec.Errors) {
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.User != nil {
		errs.Addf(n.Get("url"), "url wants the address of the shop, such as https://shop.example.com")
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		errs.Addf(n.Get("timezone"), "unknown zone %q: give a name such as Europe/Moscow", c.Timezone)
	}
}

// base is where the API's requests go to, up to the name of a list.
func (c *Config) base() string {
	shop := strings.TrimSuffix(strings.TrimSuffix(c.URL, "/"), "/wp-json")
	if c.Permalinks == "plain" {
		return shop + "/"
	}
	return shop + "/wp-json/wc/v3"
}

// path is where a list is, from base.
func (c *Config) path(list string) string {
	if c.Permalinks == "plain" {
		return "?rest_route=" + url.QueryEscape("/wc/v3/"+list)
	}
	return list
}
