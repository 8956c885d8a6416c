package shopify

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"winback/connectors/record"
	"winback/connectors/restapi"
	"winback/connectors/spec"
	"winback/connectors/window"
)

// Config are the keys of a source.
type Config struct {
	Shop         string        `yaml:"shop" required:"true" doc:"the shop's name at myshopify.com, or its whole address" example:"my-shop.myshopify.com"`
	AccessToken  spec.Secret   `yaml:"access_token" doc:"token of an app made in the shop, shpat_…" example:"${SHOPIFY_TOKEN}"`
	ClientID     string        `yaml:"client_id" doc:"instead of a token: client id of an app of your own organisation; its tokens last a day and are renewed"`
	ClientSecret spec.Secret   `yaml:"client_secret" doc:"client secret of the app" example:"${SHOPIFY_SECRET}"`
	Version      string        `yaml:"version" default:"2026-04" advanced:"true" doc:"version of the API, a quarter"`
	Bulk         string        `yaml:"bulk" default:"auto" enum:"auto|never" advanced:"true" doc:"auto: windows of more than two days are read by bulk operations; never: page by page"`
	Sweep        time.Duration `yaml:"sweep" default:"7d" doc:"how often all keys are compared, to find what was deleted or merged; 0: never"`

	restapi.Connection
	record.Mapping
	window.History
}

var (
	shopForm    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-]*(\.myshopify\.com)?$`)
	versionForm = regexp.MustCompile(`^(\d{4}-(01|04|07|10)|unstable)$`)
)

// Validate refuses what is no shop, and credentials that are none.
func (c *Config) Validate(n spec.Node, errs *spec.Errors) {
	if u, err := url.Parse(c.Shop); !shopForm.MatchString(c.Shop) && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		errs.Addf(n.Get("shop"), "shop wants the name of a shop, such as my-shop.myshopify.com")
	}
	if !versionForm.MatchString(c.Version) {
		errs.Addf(n.Get("version"), "version wants a quarter, such as 2026-04")
	}
	granted := c.ClientID != "" && c.ClientSecret != ""
	if (c.AccessToken != "") == granted {
		errs.Addf(n, "give access_token, or client_id and client_secret")
	}
}

// address is the shop's, without a path.
func (c *Config) address() string {
	switch {
	case strings.Contains(c.Shop, "://"):
		return strings.TrimSuffix(c.Shop, "/")
	case strings.Contains(c.Shop, "."):
		return "https://" + c.Shop
	}
	return "https://" + c.Shop + ".myshopify.com"
}
