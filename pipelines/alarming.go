package pipelines

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/pipelines/alarm"
	"winback/pipelines/backup"
	"winback/pipelines/books"
	"winback/pipelines/certificate"
	"winback/pipelines/config"
	"winback/pipelines/history"
	"winback/pipelines/ledger"
	"winback/pipelines/notify"
	"winback/pipelines/schedule"
	"winback/pipelines/status"
)

// AlarmChannels are the ways to those who are told.
func (p *Project) AlarmChannels() []notify.Channel {
	c := &p.Config.Alarms
	var channels []notify.Channel
	if c.Webhook != "" {
		channels = append(channels, notify.Webhook{URL: c.Webhook.Reveal()})
	}
	for _, to := range c.Mail {
		channels = append(channels, notify.Mail{Server: p.Config.Report.Mail.Server(), To: to})
	}
	return channels
}

// watcher looks for what is wrong in a warehouse. blindFor is how long nothing can be
// looked for until that is told itself, as alarm.Options has it.
func (p *Project) watcher(warehouse func() (driver.Conn, error), blindFor time.Duration) (*alarm.Watcher, error) {
	c := &p.Config.Alarms
	o := alarm.Options{
		Project: p.Config.Project, Warehouse: warehouse, Channels: p.AlarmChannels(), Every: c.Every,
		Zone: p.Config.Location, Logger: p.log, Urgent: c.Urgent, BlindFor: blindFor, Memory: filepath.Join(p.Home, alarmsBlind),
	}
	if blindFor < 0 {
		o.Within = oneLook
	}
	if c.Quiet != "" {
		quiet, err := alarm.ParseHours(c.Quiet)
		if err != nil {
			return nil, err
		}
		o.Quiet = quiet
	}
	f := finders{p: p, c: c, warehouse: warehouse, began: p.now(), backups: &lastBackup{}}
	for _, finder := range []alarm.Finder{
		{Kind: alarm.RunFailed, Find: f.runsFailed}, {Kind: alarm.RunLate, Find: f.runsLate}, {Kind: alarm.SourceStale, Find: f.sourcesStale},
		{Kind: alarm.CheckFailed, Find: f.checksFailed}, {Kind: alarm.Churn, Find: f.churn}, {Kind: alarm.Quarantine, Find: f.quarantine},
		{Kind: alarm.DiskLow, Find: f.diskLow}, {Kind: alarm.BackupLate, Find: f.backupLate}, {Kind: alarm.Certificate, Find: f.certificateEnds},
	} {
		if !slices.Contains(c.Without, finder.Kind) {
			o.Finders = append(o.Finders, finder)
		}
	}
	return alarm.New(o), nil
}

// finders look for what is wrong.
type finders struct {
	p         *Project
	c         *config.Alarms
	warehouse func() (driver.Conn, error)
	began     time.Time
	backups   *lastBackup
}

func (f finders) books() (history.Books, error) {
	conn, err := f.warehouse()
	return history.Of(conn), err
}

// longestText bounds what an alarm quotes.
const longestText = 300

func brief(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if runes := []rune(text); len(runes) > longestText {
		return string(runes[:longestText]) + "…"
	}
	return text
}

// JobsWrong says of the jobs of the schedule which failed and which are late.
func (p *Project) JobsWrong(now time.Time) ([]string, error) {
	f := finders{p: p, c: &p.Config.Alarms, began: now}
	failed, err := f.jobsFailed()
	late, err2 := f.runsLate(context.Background(), now)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	var texts []string
	for _, found := range append(failed, late...) {
		if !found.Unknown {
			texts = append(texts, found.Text)
		}
	}
	return texts, nil
}

// jobsFailed finds the jobs that failed when they were last done, all tries
// included. Of one that is being done again it is not known.
func (f finders) jobsFailed() ([]alarm.Finding, error) {
	states, err := f.p.JobStore().Read()
	if err != nil {
		return nil, err
	}
	var found []alarm.Finding
	for _, e := range f.p.Config.Schedule.Entries {
		switch s := states[e.Key]; s.Outcome {
		case schedule.Failed:
			found = append(found, alarm.Finding{Kind: alarm.RunFailed, Subject: e.Key, Text: fmt.Sprintf("job %s failed: %s", e.Key, brief(s.Message))})
		case schedule.Running: // it may fail again
			found = append(found, alarm.Finding{Kind: alarm.RunFailed, Subject: e.Key, Unknown: true})
		}
	}
	return found, nil
}

// runsFailed finds the jobs that failed and the last run that somebody asked for, if it failed.
func (f finders) runsFailed(ctx context.Context, _ time.Time) ([]alarm.Finding, error) {
	found, err := f.jobsFailed()
	if err != nil {
		return nil, err
	}
	books, err := f.books()
	if err != nil {
		return nil, err
	}
	runs, err := books.Runs(ctx, history.Filter{Last: 50})
	for _, r := range runs {
		if r.Job != "" || r.State == string(ledger.Running) {
			continue
		}
		if r.State != string(ledger.Done) {
			found = append(found, alarm.Finding{Kind: alarm.RunFailed, Subject: "by hand", Text: fmt.Sprintf("the run %s (%s) ended %s: %s", r.ID, r.Command, r.State, brief(r.Message))})
		}
		break
	}
	return found, err
}

// runsLate finds jobs that did not begin when they were due.
func (f finders) runsLate(_ context.Context, now time.Time) ([]alarm.Finding, error) {
	states, err := f.p.JobStore().Read()
	if err != nil {
		return nil, err
	}
	var found []alarm.Finding
	for _, e := range f.p.Config.Schedule.Entries {
		s := states[e.Key]
		due, err := f.missed(e.Value, s, now)
		if err != nil {
			return nil, err
		}
		if due.IsZero() || s.Paused {
			continue
		}
		text := fmt.Sprintf("job %s was due at %s and has not begun", e.Key, due.In(f.p.Config.Location).Format("2006-01-02 15:04"))
		if s.Outcome == schedule.Running {
			text += fmt.Sprintf(": it is still being done for %s", s.Slot.In(f.p.Config.Location).Format("2006-01-02 15:04"))
		}
		found = append(found, alarm.Finding{Kind: alarm.RunLate, Subject: e.Key, Text: text})
	}
	return found, nil
}

// missed is the time that a job should have begun for, longer ago than is allowed;
// zero when there is none. What came while a job was paused does not count, nor what
// came before this process where a job was never done or what was missed stays missed.
func (f finders) missed(job config.Job, s schedule.JobState, now time.Time) (time.Time, error) {
	last, limit := s.Slot, now.Add(-f.c.LateAfter-job.Jitter)
	if s.ResumedAt.After(last) {
		last = s.ResumedAt
	}
	if last.IsZero() || job.Missed == "skip" && f.began.After(last) {
		last = f.began
	}
	if job.Cron == "" {
		if due := last.Add(job.Every); due.Before(limit) {
			return due, nil
		}
		return time.Time{}, nil
	}
	calendar, err := schedule.ParseCron(job.Cron, f.p.Config.Location)
	if err != nil {
		return time.Time{}, err
	}
	return calendar.Latest(last, limit), nil
}

// sourcesStale finds datasets that were not read for too long.
func (f finders) sourcesStale(ctx context.Context, now time.Time) ([]alarm.Finding, error) {
	books, err := f.books()
	if err != nil {
		return nil, err
	}
	list, err := books.Freshness(ctx)
	var found []alarm.Finding
	for _, d := range list {
		age := now.Sub(d.ReadAt)
		if !f.p.Reads(d.Source, d.Dataset) || age < f.c.StaleAfter {
			continue
		}
		text := fmt.Sprintf("%s.%s was last read %s", d.Source, d.Dataset, d.ReadAt.In(f.p.Config.Location).Format("2006-01-02 15:04"))
		if d.ReadAt.IsZero() {
			text = fmt.Sprintf("%s.%s was never read", d.Source, d.Dataset)
		}
		if d.Message != "" {
			text += ": " + brief(d.Message)
		}
		found = append(found, alarm.Finding{Kind: alarm.SourceStale, Subject: d.Source + "." + d.Dataset, Text: text})
	}
	return found, err
}

// checksFailed finds checks that do not pass.
func (f finders) checksFailed(ctx context.Context, _ time.Time) ([]alarm.Finding, error) {
	books, err := f.books()
	if err != nil {
		return nil, err
	}
	list, err := books.FailingChecks(ctx)
	var found []alarm.Finding
	for _, c := range list {
		if !c.Blocking() && f.c.Checks == "error" {
			continue
		}
		text := fmt.Sprintf("check %s of %s fails in %d rows", c.Name, c.Model, c.Failures)
		if c.Status == "broken" {
			text = fmt.Sprintf("check %s of %s could not run: %s", c.Name, c.Model, brief(c.Message))
		}
		found = append(found, alarm.Finding{Kind: alarm.CheckFailed, Subject: c.Model + ": " + c.Name, Text: text})
	}
	return found, err
}

// churn finds a yearly churn on the level of an alarm, as mart.churn_monthly has it.
func (f finders) churn(ctx context.Context, _ time.Time) ([]alarm.Finding, error) {
	conn, err := f.warehouse()
	if err != nil {
		return nil, err
	}
	var month time.Time
	var share float64
	var level string
	rows, err := conn.Query(ctx, `SELECT month, toFloat64(ifNull(churn_12m_pct, 0)), ifNull(toString(level), '') FROM mart.churn_monthly
		WHERE segment = '(all)' AND is_complete ORDER BY month DESC LIMIT 1`)
	if books.IsMissing(err) {
		return nil, nil // it is not built
	}
	if err != nil {
		return nil, fmt.Errorf("read mart.churn_monthly: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&month, &share, &level); err != nil {
			return nil, fmt.Errorf("read mart.churn_monthly: %w", err)
		}
	}
	if err := rows.Err(); err != nil || level != "alarm" {
		return nil, err
	}
	return []alarm.Finding{{Kind: alarm.Churn, Subject: "yearly churn", Text: fmt.Sprintf(
		"yearly churn was %.1f %% in %s, on the level of an alarm (%v and more)", share, month.Format("January 2006"), f.p.Config.Churn.AlarmLevel)}}, nil
}

// quarantine finds datasets of which too many records wait.
func (f finders) quarantine(ctx context.Context, _ time.Time) ([]alarm.Finding, error) {
	books, err := f.books()
	if err != nil {
		return nil, err
	}
	list, err := books.Waiting(ctx)
	var found []alarm.Finding
	for _, w := range list {
		if w.Records > uint64(f.c.Quarantine) {
			found = append(found, alarm.Finding{Kind: alarm.Quarantine, Subject: w.Source + "." + w.Dataset, Text: fmt.Sprintf(
				"%d records of %s.%s wait in quarantine, more than %d", w.Records, w.Source, w.Dataset, f.c.Quarantine)})
		}
	}
	return found, err
}

// diskLow finds a disk without room.
func (f finders) diskLow(context.Context, time.Time) ([]alarm.Finding, error) {
	free, size, err := status.DiskOf(f.p.Home)
	if err != nil || free >= uint64(f.c.DiskFree) {
		return nil, err
	}
	return []alarm.Finding{{Kind: alarm.DiskLow, Subject: "disk", Text: fmt.Sprintf(
		"%.1f of %.1f GiB are free on the disk of %s", float64(free)/(1<<30), float64(size)/(1<<30), f.p.Home)}}, nil
}

// lastBackup is when the last backup was stored, as of a look at the place.
type lastBackup struct {
	looked, taken time.Time // taken is zero where there is none
}

// every is how often it is looked whether there is a new backup, of which a bucket
// charges: more often while one is waited for.
func (b *lastBackup) every(isLate bool) time.Duration {
	if isLate {
		return 10 * time.Minute
	}
	return time.Hour
}

// backupLate finds that the last backup is too old, or that there is none.
func (f finders) backupLate(ctx context.Context, now time.Time) ([]alarm.Finding, error) {
	place := f.p.Config.BackupPlace()
	if place == "" {
		return nil, nil
	}
	if b := f.backups; now.Sub(b.looked) >= b.every(now.Sub(b.taken) >= f.c.BackupAfter) {
		store, err := OpenBackups(place)
		if err != nil {
			return nil, err
		}
		if b.taken, err = backup.Last(ctx, store); err != nil {
			return nil, fmt.Errorf("look for the last backup in %s: %w", place, err)
		}
		b.looked = now
	}
	switch taken := f.backups.taken; {
	case taken.IsZero():
		return []alarm.Finding{{Kind: alarm.BackupLate, Subject: place, Text: fmt.Sprintf("there is no backup in %s: winback backup makes one", place)}}, nil
	case now.Sub(taken) >= f.c.BackupAfter:
		return []alarm.Finding{{Kind: alarm.BackupLate, Subject: place, Text: fmt.Sprintf("the last backup in %s is of %s", place, taken.In(f.p.Config.Location).Format("2006-01-02 15:04"))}}, nil
	}
	return nil, nil
}

// certificateEnds finds that the certificate of the served address is valid for a short
// time only, or not any more.
func (f finders) certificateEnds(_ context.Context, now time.Time) ([]alarm.Finding, error) {
	t := &f.p.Config.Serve.TLS
	if !t.On() {
		return nil, nil
	}
	pair, err := certificate.Load(string(t.CertFile), string(t.KeyFile), nil)
	if err != nil {
		return nil, err
	}
	ends := pair.Expires()
	if now.Before(ends.Add(-f.c.CertificateBefore)) {
		return nil, nil
	}
	return []alarm.Finding{{Kind: alarm.Certificate, Subject: string(t.CertFile), Text: fmt.Sprintf(
		"the certificate %s is valid until %s: renew it, and nobody has to be interrupted", t.CertFile, ends.In(f.p.Config.Location).Format("2006-01-02 15:04"))}}, nil
}
