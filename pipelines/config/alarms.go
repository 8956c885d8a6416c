package config

import (
	"net/mail"
	"net/url"
	"time"

	"winback/connectors/spec"
	"winback/pipelines/alarm"
)

// Alarms says who is told when something is wrong, and from when on it is.
type Alarms struct {
	Mail    []string    `yaml:"mail" doc:"addresses that are mailed, by the server of report.mail" example:"[ops@example.com]"`
	Webhook spec.Secret `yaml:"webhook" doc:"address that {\"text\": …} is posted to, as Slack, Mattermost and others take it" example:"${ALARM_WEBHOOK}"`
	Quiet   string      `yaml:"quiet" doc:"hours in which only what is urgent is told; the rest is told together afterwards" example:"22:00-07:00"`
	Urgent  []string    `yaml:"urgent" default:"[disk_low]" doc:"kinds that are told in quiet hours too: run_failed, run_late, source_stale, check_failed, churn, quarantine, disk_low, backup_late, certificate"`
	Without []string    `yaml:"without" doc:"kinds that nobody wants to hear of" example:"[churn]"`

	LateAfter         time.Duration `yaml:"late_after" default:"1h" doc:"how long after its time a job of the schedule that has not begun is late"`
	StaleAfter        time.Duration `yaml:"stale_after" default:"48h" doc:"how long after its last successful reading a dataset is stale"`
	Checks            string        `yaml:"checks" enum:"error|warn" default:"error" doc:"error: only checks that keep a table from being published; warn: all"`
	Quarantine        int           `yaml:"quarantine" default:"100" doc:"records of a dataset that wait in quarantine from which on there are too many"`
	DiskFree          spec.Bytes    `yaml:"disk_free" default:"2GiB" doc:"free room on the disk of the project's home below which it is low"`
	BackupAfter       time.Duration `yaml:"backup_after" default:"192h" doc:"how old the last backup may be, where backup.to says where they are"`
	CertificateBefore time.Duration `yaml:"certificate_before" default:"336h" doc:"how long before the certificate of serve.tls ends it is told"`
	Every             time.Duration `yaml:"every" default:"1m" doc:"how often it is looked" advanced:"true"`
}

// On says that somebody is told.
func (a *Alarms) On() bool { return len(a.Mail) > 0 || a.Webhook != "" }

// Validate checks addresses, hours and limits.
func (a *Alarms) Validate(n spec.Node, errs *spec.Errors) {
	for i, item := range n.Get("mail").Items() {
		if i < len(a.Mail) {
			if _, err := mail.ParseAddress(a.Mail[i]); err != nil {
				errs.Addf(item, "wants an address, such as ops@example.com")
			}
		}
	}
	if u, err := url.Parse(a.Webhook.Reveal()); a.Webhook != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		errs.Addf(n.Get("webhook"), "wants an address that begins with https://") // not shown: it is a secret
	}
	if _, err := alarm.ParseHours(a.Quiet); err != nil && a.Quiet != "" {
		errs.Addf(n.Get("quiet"), "%w", err)
	}
	checkKinds(a.Urgent, n.Get("urgent"), errs)
	checkKinds(a.Without, n.Get("without"), errs)
	for key, value := range map[string]time.Duration{"late_after": a.LateAfter, "stale_after": a.StaleAfter, "backup_after": a.BackupAfter} {
		if value < time.Minute {
			errs.Addf(n.Get(key), "wants at least 1m, got %v", value)
		}
	}
	if a.Every < 5*time.Second || a.Every > time.Hour {
		errs.Addf(n.Get("every"), "wants 5s to 1h, got %v", a.Every)
	}
	if a.Quarantine < 0 {
		errs.Addf(n.Get("quarantine"), "wants a number from 0, got %d", a.Quarantine)
	}
}

func checkKinds(kinds []string, n spec.Node, errs *spec.Errors) {
	for i, item := range n.Items() {
		if i < len(kinds) && !alarm.Known(kinds[i]) {
			errs.Addf(item, "is no kind of alarm%s", spec.Hint(kinds[i], alarm.Kinds()))
		}
	}
}

// checkAlarms sees that mail has a server.
func (c *Config) checkAlarms(root spec.Node, errs *spec.Errors) {
	if len(c.Alarms.Mail) > 0 && c.Report.Mail.Host == "" {
		errs.Addf(root.Get("alarms").Get("mail"), "reaches nobody without report.mail, the server to hand mail to")
	}
}
