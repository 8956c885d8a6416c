package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"winback/connectors/spec"
	"winback/dashboards"
	"winback/dashboards/board"
	"winback/dashboards/grafana"
	"winback/dashboards/report"
	"winback/pipelines"
	"winback/pipelines/config"
	"winback/pipelines/warehouse"
)

// reportOptions are the flags of winback report.
type reportOptions struct {
	dashboards []string
	filters    []string
	out, pdf   string
	mail       bool
}

func (a *app) reportCommand() *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report [--dashboard UID] [--out F.html] [--pdf F.pdf] [--mail]",
		Short: "Draw the dashboards as one page, without Grafana",
		Long: `report asks the questions of the dashboards and draws the answers as one HTML file that needs
no network, no script and no Grafana. It prints well, and it says on top when the data are old.
A panel that fails shows its error; the others are whole, and the exit code is 3.`,
		Example: `  winback report --out week.html
  winback report --dashboard executive --pdf week.pdf
  winback report --dashboard executive,churn-cohorts --filter segment=retail --out retail.html
  winback report --as-of 2026-03-31 --out march.html
  winback report --mail`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.report(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.dashboards, "dashboard", nil, "`uid` of the dashboards to draw, in this order (default: all)")
	flags.StringArrayVar(&o.filters, "filter", nil, "`variable=value` of the dashboards; again for further values")
	flags.StringVar(&o.out, "out", "", "HTML `file` to write (default report.html, unless --pdf or --mail is given)")
	flags.StringVar(&o.pdf, "pdf", "", "PDF `file` to write; needs Chromium")
	flags.BoolVar(&o.mail, "mail", false, "send a report to each of the configuration's report.recipients, of their dashboards and filters")
	return cmd
}

func (a *app) report(ctx context.Context, o reportOptions) error {
	project, err := a.project()
	if err != nil {
		return err
	}
	values, err := filterValues(o.filters)
	if err != nil {
		return usageError{err}
	}
	if o.mail && len(project.Config.Report.Recipients) == 0 {
		return usageError{errors.New("nobody gets a report by mail: name report.mail and report.recipients in the configuration")}
	}
	if o.out == "" && o.pdf == "" && !o.mail {
		o.out = "report.html"
	}
	boards, err := loadDashboards(&project.Config.Settings, o.dashboards)
	if err != nil {
		return usageError{err}
	}
	if o.out != "" || o.pdf != "" {
		started := time.Now()
		r, err := a.buildReport(ctx, project, boards, values)
		if err != nil {
			return err
		}
		if err := a.publishReport(ctx, r, o, time.Since(started)); err != nil && !errors.Is(err, errPartly) || !o.mail {
			return err
		}
	}
	return a.mailReports(ctx, project, o, values)
}

// reportAttempts is how often a report is asked for. Another command may have the
// warehouse open, and end while its guests still ask.
const reportAttempts = 3

// buildReport asks the warehouse, again if it was closed meanwhile.
func (a *app) buildReport(ctx context.Context, project *pipelines.Project, boards []*board.Dashboard, values map[string][]string) (r *report.Report, err error) {
	for attempt := 1; ; attempt++ {
		r, open, err := a.askReport(ctx, project, boards, values)
		if err != nil || open || attempt == reportAttempts {
			return r, err
		}
	}
}

// askReport builds the report, and says whether the warehouse was there to the end.
func (a *app) askReport(ctx context.Context, project *pipelines.Project, boards []*board.Dashboard, values map[string][]string) (r *report.Report, open bool, err error) {
	w, err := project.OpenWarehouse(ctx, warehouse.ForGlance)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	r, err = report.Build(ctx, report.Options{
		Querier: w, Dashboards: boards, Project: project.Config.Project, AsOf: project.AsOf(), Now: a.now(), Zone: project.Config.Location, Reads: project.Reads, Values: values,
	})
	if errors.As(err, new(*report.ValueError)) {
		return nil, false, usageError{err}
	}
	return r, err != nil || r.Failed() == 0 || w.Ping(ctx) == nil, err
}

// publishReport writes the files that were asked for.
func (a *app) publishReport(ctx context.Context, r *report.Report, o reportOptions, took time.Duration) error {
	var page strings.Builder
	if err := r.WriteHTML(&page); err != nil {
		return err
	}
	for _, warning := range r.Warnings {
		a.say("Note: %s", warning)
	}
	tell := func(format string, values ...any) {
		if !a.json {
			fmt.Fprintf(a.stdout, format, values...)
		}
	}
	if o.out != "" {
		if err := renameio.WriteFile(o.out, []byte(page.String()), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", o.out, err)
		}
		tell("%s: %s, %s, %s\n", o.out, plural(len(r.Boards), "dashboard"), size(int64(page.Len())), seconds(took))
	}
	if o.pdf != "" {
		if err := report.PDF(ctx, []byte(page.String()), o.pdf, os.Getenv); err != nil {
			return err
		}
		tell("%s: printed\n", o.pdf)
	}
	if a.json {
		if err := a.printJSON(reportLines(r)); err != nil {
			return err
		}
	}
	if n := r.Failed(); n > 0 {
		a.say("%s failed and %s shown with the error.", plural(n, "panel"), map[bool]string{true: "is", false: "are"}[n == 1])
		return errPartly
	}
	return nil
}

// reportLine is what became of a panel.
type reportLine struct {
	Dashboard string `json:"dashboard"`
	Panel     string `json:"panel"`
	Empty     bool   `json:"empty"`
	Error     string `json:"error,omitempty"`
	// Facts are what panels of single values say, by the name of each.
	Facts map[string]string `json:"facts,omitempty"`
}

func reportLines(r *report.Report) []reportLine {
	lines := []reportLine{}
	for _, b := range r.Boards {
		if b.Error != "" {
			lines = append(lines, reportLine{Dashboard: b.ID, Error: b.Error})
		}
		if b.Nothing != "" {
			lines = append(lines, reportLine{Dashboard: b.ID, Empty: true})
		}
		for _, p := range b.Panels {
			line := reportLine{Dashboard: b.ID, Panel: p.Title, Empty: p.Empty, Error: p.Error, Facts: map[string]string{}}
			for _, fact := range p.Facts {
				line.Facts[fact.Name] = fact.Value
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// filterValues reads --filter name=value.
func filterValues(filters []string) (map[string][]string, error) {
	values := map[string][]string{}
	for _, filter := range filters {
		name, value, ok := strings.Cut(filter, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--filter wants variable=value, such as segment=retail, got %q", filter)
		}
		values[name] = append(values[name], value)
	}
	return values, nil
}

// loadDashboards reads the dashboards of these uids, or all of them: winback's, those
// of the configuration's folder in the place of theirs, and the folder's own last.
func loadDashboards(c *config.Settings, uids []string) ([]*board.Dashboard, error) {
	known, err := dashboards.Load(c.Currency)
	if err != nil {
		return nil, err
	}
	if known, err = withOwn(known, c); err != nil {
		return nil, err
	}
	if len(uids) == 0 {
		return known, nil
	}
	var names []string
	byUID := map[string]*board.Dashboard{}
	for _, d := range known {
		names = append(names, d.UID)
		byUID[d.UID] = d
	}
	var chosen []*board.Dashboard
	for _, uid := range uids {
		d := byUID[uid]
		if d == nil {
			return nil, fmt.Errorf("no dashboard %q%s; there are: %s", uid, spec.Hint(uid, names), strings.Join(names, ", "))
		}
		chosen = append(chosen, d)
	}
	return chosen, nil
}

// withOwn puts the dashboards of the folder grafana.dashboards into their places, so
// that the report shows what Grafana shows.
func withOwn(known []*board.Dashboard, c *config.Settings) ([]*board.Dashboard, error) {
	if c.Grafana.Dashboards == "" {
		return known, nil
	}
	own, _, err := grafana.ReadFolder(string(c.Grafana.Dashboards))
	if err != nil {
		return nil, err
	}
	for _, b := range own {
		d, err := board.Parse(board.Money(b.Text, c.Currency))
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", b.UID, c.Grafana.Dashboards, err)
		}
		if at := slices.IndexFunc(known, func(d *board.Dashboard) bool { return d.UID == b.UID }); at >= 0 {
			known[at] = d
		} else {
			known = append(known, d)
		}
	}
	return known, nil
}

// demoReport writes the report of a demo beside its configuration. A demo without
// one is still a demo.
func (a *app) demoReport(ctx context.Context, project *pipelines.Project, folder string) {
	boards, err := loadDashboards(&project.Config.Settings, nil)
	if err == nil {
		var r *report.Report
		started := time.Now()
		if r, err = a.buildReport(ctx, project, boards, nil); err == nil {
			err = a.publishReport(ctx, r, reportOptions{out: filepath.Join(folder, "report.html")}, time.Since(started))
		}
	}
	if err != nil && !errors.Is(err, errPartly) {
		a.say("The report could not be drawn: %v", err)
	}
}
