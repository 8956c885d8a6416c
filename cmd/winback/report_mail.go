package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"winback/dashboards/report"
	"winback/pipelines"
	"winback/pipelines/config"
)

// mailReports sends each recipient the report of their own dashboards and filters.
// What the command line says stands where the configuration says nothing. A report
// that cannot be made keeps back no other.
func (a *app) mailReports(ctx context.Context, project *pipelines.Project, o reportOptions, values map[string][]string) error {
	c := &project.Config.Report
	var letters []report.Letter
	var errs []error
	failed := 0
	for _, recipient := range c.Recipients {
		letter, err := a.letter(ctx, project, recipient, o, values)
		if err != nil {
			errs = append(errs, fmt.Errorf("report for %s: %w", recipient.To, err))
			continue
		}
		failed += letter.Report.Failed()
		letters = append(letters, letter)
	}
	err := report.Send(ctx, c.Mail.Server(), letters)
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	if !a.json {
		fmt.Fprintf(a.stdout, "Sent %s.\n", plural(len(letters), "report"))
	}
	if failed > 0 {
		a.say("%s failed and %s shown with the error.", plural(failed, "panel"), map[bool]string{true: "is", false: "are"}[failed == 1])
		return errPartly
	}
	return nil
}

// letter makes the report of a recipient. A page that nothing here prints goes
// without its PDF, and says so.
func (a *app) letter(ctx context.Context, project *pipelines.Project, recipient config.Recipient, o reportOptions, values map[string][]string) (report.Letter, error) {
	uids, filters := o.dashboards, map[string][]string{}
	maps.Copy(filters, values)
	if len(recipient.Dashboards) > 0 {
		uids = recipient.Dashboards
	}
	maps.Copy(filters, recipient.Filters)
	boards, err := loadDashboards(&project.Config.Settings, uids)
	if err != nil {
		return report.Letter{}, usageError{err}
	}
	r, err := a.buildReport(ctx, project, boards, filters)
	if err != nil {
		return report.Letter{}, err
	}
	pdf, err := a.printed(ctx, r)
	return report.Letter{To: recipient.To, Report: r, PDF: pdf}, err
}

// printed is the report as a PDF; nil, and said so, where nothing here prints.
func (a *app) printed(ctx context.Context, r *report.Report) (pdf []byte, err error) {
	dir, err := os.MkdirTemp("", "winback-mail-")
	if err != nil {
		return nil, fmt.Errorf("make a folder to print in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "report.pdf")
	err = report.PDF(ctx, page.Bytes(), file, os.Getenv)
	if none := new(report.NoBrowserError); errors.As(err, &none) {
		a.say("Note: the mail has no PDF: %v; %s.", none, none.Hint())
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}
