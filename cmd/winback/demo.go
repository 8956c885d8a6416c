package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"winback/connectors/demo"
	"winback/pipelines"
	"winback/pipelines/config"
)

func (a *app) demoCommand() *cobra.Command {
	o := demo.DefaultOptions("demo", time.Time{})
	cmd := &cobra.Command{
		Use: "demo", Short: "Make a believable company, run it all, and say where to look",
		Long: `demo writes the files of a made-up company into DIR/data, a winback.yaml beside them, and runs the
whole job. The company sells to firms and to people: a shop (orders as WooCommerce gives them, carts,
refunds), a CRM (deals as Bitrix24 gives them, complaints, surveys, payments, plans), telephones (an
Asterisk exchange, a service line) and campaigns with control groups; some of it went wrong, and it
shows. The truth the company was made from is in DIR/truth.json, its dashboards as one page in
DIR/report.html. The same seed makes the same company.`,
		Example: "  winback demo\n  winback demo --dir big --customers 100000 --months 36 --seed 7",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd, o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Dir, "dir", o.Dir, "`folder` of the company")
	flags.IntVar(&o.Customers, "customers", o.Customers, "customers by the end of the last full month")
	flags.IntVar(&o.Months, "months", o.Months, "full months of history")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "which of the possible companies")
	return cmd
}

func (a *app) demo(cmd *cobra.Command, o demo.Options) error {
	zone, err := time.LoadLocation(demo.Timezone)
	if err != nil {
		return err
	}
	o.End = a.now().In(zone).AddDate(0, 0, -1)
	if err := o.Validate(); err != nil {
		return usageError{err}
	}
	o, err = demo.Resume(o)
	if err != nil {
		return err
	}
	a.say("Making a company of %s customers over %d months in %s (seed %d) …", count(o.Customers), o.Months, o.Dir, o.Seed)
	started := time.Now()
	truth, err := demo.Generate(cmd.Context(), o)
	if err != nil {
		return err
	}
	a.say("Made %s orders of %s buyers in %s", count(truth.Totals.Orders), count(truth.Totals.Buyers), seconds(time.Since(started)))
	path, err := writeDemoConfig(o)
	if err != nil {
		return err
	}
	a.config = path
	project, err := a.project()
	if err != nil {
		return err
	}
	err = a.runProject(cmd, project, pipelines.RunOptions{})
	if err == nil || errors.Is(err, errPartly) {
		if !a.json {
			a.demoReport(cmd.Context(), project, o.Dir)
		}
		a.sayWhereToLook(path)
	}
	return err
}

// writeDemoConfig writes the company's winback.yaml where there is none: one
// that was edited stays.
func writeDemoConfig(o demo.Options) (string, error) {
	path := filepath.Join(o.Dir, config.FileName)
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	text, err := demo.Config(o)
	if err != nil {
		return "", err
	}
	if err := renameio.WriteFile(path, text, 0o644); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return path, nil
}

func (a *app) sayWhereToLook(path string) {
	if a.json || a.quiet {
		return
	}
	project := "-c " + path
	if a.home != "" {
		project += " --home " + a.home
	}
	dir := filepath.Dir(path)
	fmt.Fprintf(a.stdout, "\nLook at it:\n  %s    the dashboards on one page: open it in a browser\n", filepath.Join(dir, "report.html"))
	for _, q := range demoQuestions {
		fmt.Fprintf(a.stdout, "\n  # %s\n  %s query %s --format PrettyCompact \"%s\"\n", q.ask, os.Args[0], project, q.sql)
	}
	fmt.Fprintf(a.stdout, "\n  %s models list    every table and what a row of it is\n  less %s    what this company was made from\n",
		os.Args[0], filepath.Join(dir, "truth.json"))
}

// demoQuestions are what a first look at the company asks, and the answers' queries.
var demoQuestions = []struct{ ask, sql string }{
	{"how many leave?", "select month, customers_at_start, lost, returned, round(churn_pct, 1) as churn, round(churn_12m_pct, 1) as churn_12m, level" +
		" from mart.churn_monthly where segment = '(all)' and is_complete order by month"},
	{"what did the company do to them?", "select event, happened_on, round(before_pct, 1) as before, round(after_pct, 1) as after," +
		" round(decided_diff_pp, 1) as decided_then, round(decided_lower, 1) as low, round(decided_upper, 1) as high from mart.event_impact order by happened_on"},
	{"why do they leave, as they say and as it was found out?", "select reason_category, sumIf(lost, basis = 'stated') as stated," +
		" sumIf(lost, basis = 'verified') as verified from mart.churn_reasons where segment = '(all)' group by 1 order by 3 desc"},
	{"what brought them back, beyond those who would have come anyway?", "select campaign, treated, control, round(uplift_pp, 1) as uplift," +
		" round(uplift_lower, 1) as low, round(uplift_upper, 1) as high, verdict from mart.winback_campaigns where not is_cart_reminder"},
}
