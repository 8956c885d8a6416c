package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"winback/dashboards/grafana"
	"winback/pipelines"
	"winback/pipelines/backup"
	"winback/pipelines/config"
)

// unchecked is a diagnosis of what is not there to be looked at.
func unchecked(what, why string) diagnosis {
	return diagnosis{What: what, OK: true, Unchecked: true, Text: why}
}

// diagnoseService looks at what winback serve needs, beyond what a run does.
func (a *app) diagnoseService(ctx context.Context, project *pipelines.Project) []diagnosis {
	return []diagnosis{
		a.diagnoseSkew(ctx, &project.Config.Settings), diagnoseGrafana(ctx, &project.Config.Settings), diagnoseMail(ctx, &project.Config.Settings),
		diagnoseUsers(project), a.diagnoseSchedule(project), diagnoseServing(ctx, project), a.diagnoseBackup(ctx, project),
	}
}

// diagnoseTime bounds each look at something elsewhere.
const diagnoseTime = 15 * time.Second

// mostSkew is how much a clock may differ from another before it is wrong: a Date
// header tells whole seconds, and answers take their time.
const mostSkew = 30 * time.Second

// diagnoseSkew compares the clock with that of a server of the configuration.
func (a *app) diagnoseSkew(ctx context.Context, c *config.Settings) diagnosis {
	const what = "clock skew"
	place := ""
	for _, address := range []string{c.Grafana.URL, c.Alarms.Webhook.Reveal(), c.Warehouse.URL} {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			place = u.Scheme + "://" + u.Host + "/" // its path may be a secret
			break
		}
	}
	if place == "" {
		return unchecked(what, "not checked: neither Grafana nor a webhook is configured to ask for the time")
	}
	skew, err := clockSkew(ctx, place, a.now)
	switch {
	case err != nil:
		return unchecked(what, fmt.Sprintf("not checked: %v", err))
	case skew.Abs() > mostSkew:
		way := "ahead"
		if skew < 0 {
			way = "behind"
		}
		return diagnosis{What: what, Text: fmt.Sprintf("the clock is %s %s that of %s: have it set by a time server (timedatectl set-ntp true)", skew.Abs().Round(time.Second), way, place)}
	}
	return diagnosis{What: what, OK: true, Text: "none against " + place}
}

// clockSkew is how much this clock is ahead of the one that answers at an address.
func clockSkew(ctx context.Context, address string, now func() time.Time) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return 0, err
	}
	asked := now()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask %s for the time: %w", address, errors.Unwrap(err))
	}
	defer res.Body.Close()
	answered := now()
	told, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return 0, fmt.Errorf("%s does not tell the time", address)
	}
	return asked.Add(answered.Sub(asked) / 2).Sub(told), nil
}

func diagnoseGrafana(ctx context.Context, c *config.Settings) diagnosis {
	const what = "Grafana"
	if c.Grafana.URL == "" {
		return unchecked(what, "not configured (grafana.url)")
	}
	settings, err := grafanaSettings(c)
	if err != nil {
		return failing(what, err)
	}
	g, err := grafana.Connect(ctx, settings)
	if err != nil {
		return failing(what, withHint(err))
	}
	return diagnosis{What: what, OK: true, Text: fmt.Sprintf("%s answers at %s, with the plugin and a token that is good", strings.TrimSpace("Grafana "+g.Version), c.Grafana.URL)}
}

// withHint adds the way out to an error that knows one.
func withHint(err error) error {
	if hint := hintFor(err); hint != "" {
		return fmt.Errorf("%w: %s", err, hint)
	}
	return err
}

func diagnoseMail(ctx context.Context, c *config.Settings) diagnosis {
	const what = "mail"
	if c.Report.Mail.Host == "" {
		return unchecked(what, "not configured (report.mail)")
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	if err := c.Report.Mail.Server().Check(ctx); err != nil {
		return failing(what, fmt.Errorf("%w; look at report.mail: host, port, tls, user and password", err))
	}
	return diagnosis{What: what, OK: true, Text: fmt.Sprintf("%s:%d takes mail from %s", c.Report.Mail.Host, c.Report.Mail.Port, c.Report.Mail.From)}
}

// diagnoseUsers looks who may log in, and whether others can read the file of them.
func diagnoseUsers(project *pipelines.Project) diagnosis {
	const what = "users"
	file := project.UsersFile()
	if problem, err := file.Readable(); err != nil || problem != "" {
		return failing(what, errors.Join(err, textError(problem)))
	}
	inFile, err := file.Read()
	if err != nil {
		return failing(what, err)
	}
	n := len(inFile) + len(project.Config.Serve.Users)
	if n == 0 {
		return diagnosis{What: what, OK: true, Text: "none: everybody on this machine may read, and nobody may write"}
	}
	return diagnosis{What: what, OK: true, Text: fmt.Sprintf("%d in %s, %d in the configuration", len(inFile), file.Path(), n-len(inFile))}
}

// textError is an error of a text, or none of an empty one.
func textError(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// diagnoseSchedule looks whether jobs are done as they should be.
func (a *app) diagnoseSchedule(project *pipelines.Project) diagnosis {
	const what = "schedule"
	entries := project.Config.Schedule.Entries
	if len(entries) == 0 {
		return unchecked(what, "none: winback run is for cron, or for somebody who calls it")
	}
	wrong, err := project.JobsWrong(a.now())
	switch {
	case err != nil:
		return failing(what, err)
	case len(wrong) > 0:
		return failing(what, errors.New(strings.Join(wrong, "; ")+" (winback schedule list; is winback serve running?)"))
	}
	states, err := project.JobStore().Read()
	if err != nil {
		return failing(what, err)
	}
	paused := 0
	for _, e := range entries {
		if states[e.Key].Paused {
			paused++
		}
	}
	return diagnosis{What: what, OK: true, Text: plural(len(entries), "job") + ifAny(", %s paused", paused)}
}

// diagnoseServing asks winback serve itself, if it runs.
func diagnoseServing(ctx context.Context, project *pipelines.Project) diagnosis {
	const what = "service"
	c := project.Config
	if c.Status.Off() {
		return unchecked(what, "not checked: there is no status page (status.listen: off)")
	}
	address := c.Status.Address(c.Serve.Listen)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return failing(what, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	scheme, client := "http://", http.DefaultClient
	if c.Serve.TLS.On() && !config.OnlyThisMachine(c.Status.Address(c.Serve.Listen)) {
		// The certificate is in another name than this machine's; nothing secret is sent.
		scheme, client = "https://", &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}} //nolint:gosec // see above
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+address+"/readyz", nil)
	if err != nil {
		return failing(what, err)
	}
	res, err := client.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EADDRNOTAVAIL):
		return unchecked(what, "winback serve does not run here (nobody answers at "+address+")")
	case err != nil:
		return failing(what, fmt.Errorf("ask winback serve at %s how it is: %w", address, errors.Unwrap(err)))
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err != nil || res.StatusCode != http.StatusOK {
		return failing(what, fmt.Errorf("what answers at %s is not well (%s): %s", address, res.Status, strings.TrimSpace(string(text))))
	}
	return diagnosis{What: what, OK: true, Text: "winback serve is well: " + scheme + address}
}

func (a *app) diagnoseBackup(ctx context.Context, project *pipelines.Project) diagnosis {
	const what = "backup"
	place := project.Config.BackupPlace()
	if place == "" {
		return unchecked(what, "not configured (backup.to)")
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	store, err := pipelines.OpenBackups(place)
	if err != nil {
		return failing(what, err)
	}
	ids, err := backup.IDs(ctx, store)
	switch {
	case err != nil:
		return failing(what, err)
	case len(ids) == 0:
		return failing(what, fmt.Errorf("there is none in %s: winback backup", place))
	}
	last, err := backup.Find(ctx, store, ids[len(ids)-1])
	if err != nil {
		return failing(what, err)
	}
	taken := moment(last.TakenAt, project.Config.Location)
	if a.now().Sub(last.TakenAt) > project.Config.Alarms.BackupAfter {
		return failing(what, fmt.Errorf("the last one in %s is of %s: winback backup", place, taken))
	}
	return diagnosis{What: what, OK: true, Text: fmt.Sprintf("%s in %s, the last of %s", plural(len(ids), "backup"), place, taken)}
}
