package bitrix24

import (
	"errors"
	"net"
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
	Webhook      spec.Secret `yaml:"webhook" doc:"address of an incoming webhook; the secret is a part of it" example:"${BITRIX24_WEBHOOK}"`
	Address      string      `yaml:"address" doc:"host of the portal, for an OAuth application in place of a webhook" example:"acme.bitrix24.com"`
	ClientID     string      `yaml:"client_id" doc:"OAuth: id of the application" example:"local.65a0000000000.00000000"`
	ClientSecret spec.Secret `yaml:"client_secret" doc:"OAuth: key of the application" example:"${BITRIX24_CLIENT_SECRET}"`
	RefreshToken spec.Secret `yaml:"refresh_token" doc:"OAuth: refresh token of an administrator; its successors are kept in the project's home" example:"${BITRIX24_REFRESH_TOKEN}"`
	OAuthServer  string      `yaml:"oauth_server" default:"https://oauth.bitrix24.tech" advanced:"true" doc:"who renews tokens"`

	Leads       bool          `yaml:"leads" default:"true" doc:"read leads as customers; one that has become a contact or company is linked to it"`
	LostReason  string        `yaml:"lost_reason" default:"stage" doc:"why a deal was lost: the name of its failed stage (stage), or a custom field" example:"UF_CRM_1700000000"`
	Calls       bool          `yaml:"calls" default:"true" doc:"read the statistics of calls"`
	Invoices    bool          `yaml:"invoices" default:"true" doc:"read smart invoices as payments"`
	Complaints  int           `yaml:"complaints" doc:"entityTypeId of the smart process that complaints are kept in; default: there is none" example:"1036"`
	Products    bool          `yaml:"products" default:"true" doc:"read the product rows of deals, for the product of a deal"`
	Orders      string        `yaml:"orders" default:"none" enum:"none|won_deals" doc:"what counts as an order of the shop: nothing, or each deal won, with its product rows as lines; for a company that sells through the CRM alone"`
	Rates       bool          `yaml:"exchange_rates" doc:"read the rates of currencies in the CRM's settings, as those of the day"`
	Plan        string        `yaml:"plan" default:"ordinary" enum:"ordinary|enterprise" advanced:"true" doc:"the portal's plan, which the number of requests goes by"`
	SeesAll     bool          `yaml:"sees_all" advanced:"true" doc:"the owner of the webhook is no administrator, but may read everything: no warning"`
	Sweep       time.Duration `yaml:"sweep" default:"7d" doc:"how often to compare keys to find what was deleted or merged; 0 for never"`
	BatchPages  int           `yaml:"batch_pages" default:"50" advanced:"true" doc:"pages of fifty records asked for at once, at most 50; fewer for a slow portal"`
	SliceRows   int           `yaml:"slice_rows" default:"20000" advanced:"true" doc:"records after which a long reading is committed"`
	SettleCalls time.Duration `yaml:"calls_settle" default:"2d" advanced:"true" doc:"how long marks, recordings and links of a call may come late: such calls are read again"`

	Records
	Windows
	HTTP
}

// Keys that sources share.
type (
	Records = record.Mapping
	Windows = window.History
	HTTP    = restapi.Connection
)

// stageReason is the lost reason that is the name of the stage.
const stageReason = "stage"

// Validate refuses keys that do not go together.
func (c *Config) Validate(n spec.Node, errs *spec.Errors) {
	oauth := c.Address != "" || c.ClientID != "" || c.ClientSecret != "" || c.RefreshToken != ""
	switch {
	case c.Webhook != "" && oauth:
		errs.Addf(n.Get("webhook"), "webhook and the keys of an OAuth application (address, client_id, client_secret, refresh_token) exclude each other")
	case c.Webhook != "":
		if _, err := webhookOf(c.Webhook.Reveal()); err != nil {
			errs.Addf(n.Get("webhook"), "webhook %v", err)
		}
	case !oauth:
		errs.Addf(n, "wants webhook, the address of an incoming webhook; or address, client_id, client_secret and refresh_token of an OAuth application")
	case c.Address == "" || c.ClientID == "" || c.ClientSecret == "" || c.RefreshToken == "":
		errs.Addf(n, "an OAuth application wants address, client_id, client_secret and refresh_token")
	default:
		if _, err := portalOf(c.Address); err != nil {
			errs.Addf(n.Get("address"), "address %v", err)
		}
	}
	if c.LostReason != stageReason && !strings.HasPrefix(c.LostReason, "UF_") {
		errs.Addf(n.Get("lost_reason"), "wants stage, or a custom field of deals such as UF_CRM_1700000000")
	}
	if c.BatchPages < 1 || c.BatchPages > maxBatch {
		errs.Addf(n.Get("batch_pages"), "wants a number from 1 to %d", maxBatch)
	}
	if c.Complaints != 0 && c.Complaints < firstSmartProcess {
		errs.Addf(n.Get("complaints"), "wants the entityTypeId of a smart process, %d or more", firstSmartProcess)
	}
}

// webhook is the address of an incoming webhook in its parts.
type webhook struct {
	base   string // what methods are joined to
	secret string
}

var webhookPath = regexp.MustCompile(`^/rest/[0-9]+/([^/]+)/?$`)

// webhookOf reads the address of a webhook. Errors do not show it.
func webhookOf(address string) (webhook, error) {
	const want = "wants an address such as https://acme.bitrix24.com/rest/1/SECRET/"
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return webhook{}, errors.New(want)
	}
	found := webhookPath.FindStringSubmatch(u.Path)
	if found == nil {
		return webhook{}, errors.New(want)
	}
	if err := encrypted(u); err != nil {
		return webhook{}, err
	}
	return webhook{base: u.Scheme + "://" + u.Host + u.Path, secret: found[1]}, nil
}

// portalOf is what methods of an OAuth application are joined to.
func portalOf(address string) (string, error) {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", errors.New("wants the host of the portal, such as acme.bitrix24.com")
	}
	if err := encrypted(u); err != nil {
		return "", err
	}
	return u.Scheme + "://" + u.Host + "/rest/", nil
}

// encrypted refuses plain HTTP, which Bitrix24 refuses too, but for this machine.
func encrypted(u *url.URL) error {
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "https" || u.Scheme == "http" && ip != nil && ip.IsLoopback() {
		return nil
	}
	return errors.New("wants HTTPS: Bitrix24 answers nothing else")
}
