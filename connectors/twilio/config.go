package twilio

import (
	"regexp"
	"time"

	"winback/connectors/record"
	"winback/connectors/restapi"
	"winback/connectors/spec"
	"winback/connectors/window"
)

// Config are the keys of a source.
type Config struct {
	Account     string        `yaml:"account" required:"true" doc:"account SID, AC and 32 digits" example:"AC00000000000000000000000000000000"`
	Key         string        `yaml:"key" doc:"SID of an API key, SK and 32 digits; default: the account itself, with its auth token as secret" example:"${TWILIO_KEY}"`
	Secret      spec.Secret   `yaml:"secret" required:"true" doc:"secret of the API key, or the account's auth token" example:"${TWILIO_SECRET}"`
	Subaccounts []string      `yaml:"subaccounts" doc:"SIDs of further accounts that the credentials may read" example:"[AC0123456789abcdef0123456789abcdef]"`
	Address     string        `yaml:"address" default:"https://api.twilio.com" advanced:"true" doc:"host of the account's region" example:"https://api.dublin.ie1.twilio.com"`
	Reread      time.Duration `yaml:"reread" default:"3d" doc:"how long after a call its record may still change: its end, its duration, its price"`
	Recordings  bool          `yaml:"recordings" default:"true" doc:"read where the recordings of calls are; hearing them takes the credentials"`

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

var sid = regexp.MustCompile(`^AC[0-9a-f]{32}$`)

// Validate refuses what is no account.
func (c *Config) Validate(n spec.Node, errs *spec.Errors) {
	if !sid.MatchString(c.Account) {
		errs.Addf(n.Get("account"), "wants an account SID: AC and 32 digits of 0-9a-f")
	}
	for _, account := range c.Subaccounts {
		if !sid.MatchString(account) {
			errs.Addf(n.Get("subaccounts"), "wants account SIDs: AC and 32 digits of 0-9a-f, got %q", account)
		}
	}
	if c.Reread < 0 {
		errs.Addf(n.Get("reread"), "wants a duration such as 3d")
	}
}

// user is the name that requests are signed with.
func (c *Config) user() string {
	if c.Key != "" {
		return c.Key
	}
	return c.Account
}

func (c *Config) accounts() []string { return append([]string{c.Account}, c.Subaccounts...) }
