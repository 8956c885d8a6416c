package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"

	"winback/connectors/spec"
)

// Settings are the keys of winback.yaml. Describe(&Settings{}) is their reference.
type Settings struct {
	Project     string                  `yaml:"project" required:"true" doc:"name of the project, shown on reports" example:"acme"`
	Timezone    string                  `yaml:"timezone" required:"true" doc:"time zone of the business day, by its IANA name" example:"Europe/London"`
	Currency    string                  `yaml:"currency" required:"true" doc:"currency of all reports, by its ISO 4217 code" example:"GBP"`
	Region      string                  `yaml:"region" doc:"country of phone numbers that are written without one, by its ISO 3166 code; default: that of the currency, where one country uses it" example:"DE"`
	AsOf        spec.Date               `yaml:"as_of" doc:"the day the warehouse describes, inclusive; yesterday if not given" example:"2011-12-09"`
	Warehouse   Warehouse               `yaml:"warehouse" doc:"a ClickHouse server; the embedded engine if not given"`
	Churn       Churn                   `yaml:"churn" doc:"what a lost customer is"`
	CallCentre  CallCentre              `yaml:"call_centre" doc:"by what calls are judged"`
	Service     Service                 `yaml:"service" doc:"what customers may expect of complaints, refunds and promises"`
	Predictions Predictions             `yaml:"predictions" doc:"what the value of a customer looks ahead to"`
	Carts       Carts                   `yaml:"carts" doc:"abandoned carts and reminders of them"`
	Bonus       Bonus                   `yaml:"bonus" doc:"what managers earn for customers who stay"`
	Targets     spec.Ordered[Target]    `yaml:"targets" doc:"what the monthly figures of the executive page are to reach, by the id of the figure"`
	Winback     Winback                 `yaml:"winback" doc:"whom to win back, and what counts as a return"`
	Schedule    spec.Ordered[Job]       `yaml:"schedule" doc:"what winback serve does again and again, by a name of your own"`
	Steps       Steps                   `yaml:"steps" doc:"what happens when a step of a run fails for a reason that may pass by itself"`
	Models      Models                  `yaml:"models" doc:"which SQL models the project has, and those of its own"`
	History     History                 `yaml:"history" doc:"for how long runs are remembered"`
	Retention   spec.Ordered[string]    `yaml:"retention" doc:"for how long rows are kept, by entity, as 400d: older ones leave landing zone and warehouse and are not taken in again; everything is kept if not given" example:"{calls: 400d}"`
	Backup      Backup                  `yaml:"backup" doc:"where backups are kept, and for how long"`
	Quarantine  Quarantine              `yaml:"quarantine" doc:"what happens to records that do not fit"`
	Engine      Engine                  `yaml:"engine" doc:"what the program may use of the machine"`
	Serve       Serve                   `yaml:"serve" doc:"how other programs reach the warehouse, through winback serve"`
	Status      StatusPage              `yaml:"status" doc:"where winback serve says how things stand"`
	Alarms      Alarms                  `yaml:"alarms" doc:"who is told when something is wrong"`
	Report      Report                  `yaml:"report" doc:"who gets the dashboards by mail, and how"`
	Grafana     Grafana                 `yaml:"grafana" doc:"where the dashboards are shown, and how Grafana reaches the warehouse"`
	Landing     Landing                 `yaml:"landing" doc:"the Parquet files rows are kept in, in the project's home or in a bucket"`
	SourceMaps  spec.Ordered[spec.Node] `yaml:"sources" doc:"where data comes from, by a name of your own"`
}

// Warehouse says where the warehouse is; without a URL it is the embedded engine.
type Warehouse struct {
	URL      string      `yaml:"url" doc:"address of the HTTP interface; the database in it is the one to connect to" example:"https://user@host:8443/db"`
	User     string      `yaml:"user" doc:"name of the account, if not in the URL"`
	Password spec.Secret `yaml:"password" doc:"password of the account" example:"${CLICKHOUSE_PASSWORD}"`
	CAFile   spec.Path   `yaml:"ca_file" doc:"certificate authority to trust besides the system's, as a PEM file" advanced:"true"`
	Cluster  string      `yaml:"cluster" doc:"cluster that the tables are made on, as the servers' remote_servers names it" example:"main" advanced:"true"`
	Topology string      `yaml:"topology" enum:"replicated|sharded" default:"replicated" doc:"how a cluster's servers share the rows: replicated has all rows on each, sharded spreads them by customer" advanced:"true"`
}

// Embedded tells that the warehouse is the engine inside the program.
func (w *Warehouse) Embedded() bool { return w.URL == "" }

// Spread tells that rows lie on several servers of a cluster.
func (w *Warehouse) Spread() bool {
	return w.Cluster != "" && w.Topology == "sharded"
}

// Address is the URL with the user in it, and never a password.
func (w *Warehouse) Address() string {
	address, err := url.Parse(w.URL)
	if err != nil || w.User == "" {
		return w.URL
	}
	address.User = url.User(w.User)
	return address.String()
}

// Quarantine limits how much may be put aside.
type Quarantine struct {
	Limit spec.Percent `yaml:"limit" default:"5%" doc:"share of records an entity may have put aside before it fails and keeps its last good data"`
	From  int          `yaml:"from" default:"20" doc:"records put aside that the limit counts from: fewer are told and no failure, unless they are more than half; a limit of 0% always counts"`
}

// Engine limits what a run uses. Zero values leave it to the program.
type Engine struct {
	Memory  spec.Bytes `yaml:"memory" doc:"memory for queries of the embedded engine; a share of the machine's if not given" example:"1GiB" advanced:"true"`
	Threads int        `yaml:"threads" doc:"how many things happen at once; the number of cores if not given" example:"2" advanced:"true"`
	InPart  int        `yaml:"in_part_from" default:"300000" doc:"rows from which on only the touched rows of an incremental model are built anew: its own and all that it reads; fewer are quicker built whole, and 0 builds every such model in part" advanced:"true"`
}

// identity checks what tags cannot say about the first keys. It is no Validate method since it shall speak up even
// when something else in the file is wrong.
func (s *Settings) identity(n spec.Node, errs *spec.Errors) {
	if len([]rune(s.Project)) > 64 || strings.ContainsAny(s.Project, "\n\r\t") {
		errs.Addf(n.Get("project"), "wants a short name on one line")
	}
	if err := checkCurrency(s.Currency); err != nil && s.Currency != "" {
		errs.Addf(n.Get("currency"), "%w", err)
	}
	if err := checkRegion(s.Region); err != nil {
		errs.Addf(n.Get("region"), "%w", err)
	}
}

// Validate checks the address.
func (w *Warehouse) Validate(n spec.Node, errs *spec.Errors) {
	at := n.Get("url")
	if w.Embedded() {
		if at.Kind() == spec.Null {
			return // url: ${CLICKHOUSE_URL:-} chooses by the environment
		}
		for _, key := range []string{"user", "password", "ca_file"} {
			if n.Get(key).IsSet() {
				errs.Addf(n.Get(key), "is of no use without url: the embedded engine has no accounts")
			}
		}
		for _, key := range []string{"cluster", "topology"} {
			if n.Get(key).IsSet() {
				errs.Addf(n.Get(key), "is of no use without url: the embedded engine is one server")
			}
		}
		return
	}
	address, err := url.Parse(w.URL)
	if err != nil || (address.Scheme != "http" && address.Scheme != "https") || address.Hostname() == "" {
		errs.Addf(at, "wants an address of ClickHouse's HTTP interface, such as https://user@host:8443/db") // not shown: it may hold a password
		return
	}
	if _, has := address.User.Password(); has {
		errs.Addf(at, "holds a password: move it to the key password, as ${CLICKHOUSE_PASSWORD} or {file: path}")
	}
	if name := address.User.Username(); name != "" && w.User != "" && name != w.User {
		errs.Addf(n.Get("user"), "differs from the user in url; keep one of them")
	}
	if w.CAFile != "" && address.Scheme != "https" {
		errs.Addf(n.Get("ca_file"), "needs an https url")
	}
	if w.Cluster == "" && n.Get("topology").IsSet() {
		errs.Addf(n.Get("topology"), "is of no use without cluster, the name of the servers that share the rows")
	}
}

// Validate checks that the limit is a share.
func (q *Quarantine) Validate(n spec.Node, errs *spec.Errors) {
	checkShare(q.Limit, n.Get("limit"), errs)
	if q.From < 0 {
		errs.Addf(n.Get("from"), "wants a number from 0")
	}
}

func checkShare(share spec.Percent, at spec.Node, errs *spec.Errors) {
	if share > 100 {
		errs.Addf(at, "wants at most 100%%, got %v", share)
	}
}

// Validate keeps the numbers in the range where things work.
func (e *Engine) Validate(n spec.Node, errs *spec.Errors) {
	if n.Get("memory").IsSet() && e.Memory < 256<<20 {
		errs.Addf(n.Get("memory"), "wants at least 256MiB, got %v", e.Memory)
	}
	if n.Get("threads").IsSet() && (e.Threads < 1 || e.Threads > 1024) {
		errs.Addf(n.Get("threads"), "wants 1 to 1024, got %d", e.Threads)
	}
	if e.InPart < 0 {
		errs.Addf(n.Get("in_part_from"), "wants a number of rows, got %d", e.InPart)
	}
}

func checkCurrency(code string) error {
	if _, err := currency.ParseISO(code); err == nil && code == strings.ToUpper(code) {
		return nil
	}
	if unit, err := currency.ParseISO(code); err == nil {
		return fmt.Errorf("unknown currency %q (did you mean %q?)", code, unit)
	}
	return fmt.Errorf("unknown currency %q: wants an ISO 4217 code such as EUR, GBP, USD", code)
}

func checkRegion(code string) error {
	region, err := language.ParseRegion(code)
	switch {
	case code == "", err == nil && region.IsCountry() && region.String() == code:
		return nil
	case err == nil && region.IsCountry():
		return fmt.Errorf("unknown region %q (did you mean %q?)", code, region)
	}
	return fmt.Errorf("unknown region %q: wants an ISO 3166 code of two letters such as DE, GB, US", code)
}

// loadZone is time.LoadLocation without the names that mean another zone on every machine.
func loadZone(name string) (*time.Location, error) {
	if name != "Local" && name != "" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, fmt.Errorf("unknown time zone %q: wants an IANA name such as Europe/London, America/New_York, UTC", name)
}
