package config

import (
	"time"

	"winback/connectors/spec"
	"winback/pipelines/schedule"
)

// Job is something that winback serve does again and again.
type Job struct {
	Does       string        `yaml:"does" enum:"run|report" default:"run" doc:"run: extract, load, build and check, as winback run; report: send the report to its recipients, as winback report --mail"`
	Cron       string        `yaml:"cron" doc:"when: minute, hour, day of the month, month and weekday, by the project's clock" example:"'15 2 * * *'"`
	Every      time.Duration `yaml:"every" doc:"how often, instead of cron" example:"30m"`
	Only       []Selector    `yaml:"only" doc:"what a run is narrowed to, as in winback run --only" example:"[source:shop]"`
	Jitter     time.Duration `yaml:"jitter" doc:"longest time, chosen at random, that it begins later" example:"2m" advanced:"true"`
	Overlap    string        `yaml:"overlap" enum:"skip|wait" default:"skip" doc:"what happens to a time that comes while the job is still being done for an earlier one"`
	Missed     string        `yaml:"missed" enum:"run|skip" default:"run" doc:"whether what was missed while winback serve was off is made up for, once, at the start"`
	Retries    int           `yaml:"retries" default:"2" doc:"how often it is tried again after a failure; what was done is not done again"`
	RetryAfter time.Duration `yaml:"retry_after" default:"1m" doc:"how long after a failure it is tried again; each further wait is twice as long, up to an hour"`
}

// checkJobs looks at the schedule; the time zone of cron lines is the project's.
func (c *Config) checkJobs(root spec.Node, errs *spec.Errors) {
	for i := range c.Schedule.Entries {
		entry := &c.Schedule.Entries[i]
		c.checkJob(&entry.Value, root.Get("schedule").Get(entry.Key), errs)
	}
}

func (c *Config) checkJob(j *Job, n spec.Node, errs *spec.Errors) {
	const shortest = 5 * time.Second
	switch {
	case j.Cron != "" && j.Every != 0:
		errs.Addf(n.Get("every"), "is another answer than cron to when: keep one of them")
	case j.Cron == "" && j.Every == 0:
		errs.Addf(n, `does not say when: wants cron, such as "15 2 * * *", or every, such as 30m`)
	case j.Cron != "":
		if _, err := schedule.ParseCron(j.Cron, c.Location); err != nil {
			errs.Addf(n.Get("cron"), "%w", err)
		}
	case j.Every < shortest:
		errs.Addf(n.Get("every"), "wants at least %v, got %v", shortest, j.Every)
	}
	if j.Jitter < 0 || j.Every > 0 && j.Jitter >= j.Every {
		errs.Addf(n.Get("jitter"), "wants a time shorter than that between two slots, got %v", j.Jitter)
	}
	if j.Retries < 0 || j.Retries > 20 {
		errs.Addf(n.Get("retries"), "wants 0 to 20, got %d", j.Retries)
	}
	if j.RetryAfter < time.Second {
		errs.Addf(n.Get("retry_after"), "wants at least 1s, got %v", j.RetryAfter)
	}
	if j.Does == "report" && len(j.Only) > 0 {
		errs.Addf(n.Get("only"), "is for runs; what is in a report stands with its recipients")
	}
	if j.Does == "report" && len(c.Report.Recipients) == 0 {
		errs.Addf(n.Get("does"), "report reaches nobody: name report.mail and report.recipients")
	}
}
