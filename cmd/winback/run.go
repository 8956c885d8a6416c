package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"winback/pipelines"
	"winback/pipelines/ledger"
)

func (a *app) runCommand() *cobra.Command {
	var o pipelines.RunOptions
	var days dayRange
	var logs string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "One pass: extract what is new, load it, build the models, check them",
		Long: `run reads what is new in the sources into the landing zone, loads it into the warehouse,
builds the models whose inputs changed, and checks them. It is safe to stop and to
repeat: what is not finished is not visible, and is done by the next run.

A part that fails stops no other: exit code 3 says that something was done and something
failed; what failed keeps its last good data.

A long history comes in slices, each of which is kept as soon as it is read: a run that is
stopped goes on from there. With --since (and --until) the sources that can are asked for
those days again, as after a mistake was mended there; what comes takes the place of what
was landed, and where the next run goes on does not change.

With --as-of a past day is described as it was. Models selected for another day than the one
that the tables describe bring along what they are built from, so that days never mix; a run
without either brings everything back to the present.`,
		Example: `  winback run
  winback run --only source:shop
  winback run --since 2026-01-01 --until 2026-01-31 --only source:crm
  winback run --only mart.churn_monthly+ --as-of 2026-03-31`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if logs != "" {
				if err := a.logTo(logs); err != nil {
					return err
				}
				o.Logged = true
			}
			project, err := a.project()
			if err != nil {
				return err
			}
			if o.Range, err = days.parse(project, o.Full); err != nil {
				return err
			}
			return a.runProject(cmd, project, o)
		},
	}
	cmd.Flags().StringSliceVar(&o.Only, "only", nil, "`selection`: source:NAME, or models as name, +name, name+, tag:x")
	cmd.Flags().BoolVar(&o.Full, "full", false, "read everything again and rebuild every model")
	days.flags(cmd)
	cmd.Flags().StringVar(&logs, "log", "", "log what happens to standard error, each line with the run's id, as `format` text or json, instead of showing progress")
	cmd.Flags().DurationVar(&o.Wait, "wait", 0, "how long to wait for a run or a query that holds the project, as 10m (default: for no run, for a query a minute)")
	return cmd
}

// runProject runs a project, shows how it goes on and closes with a summary.
func (a *app) runProject(cmd *cobra.Command, project *pipelines.Project, o pipelines.RunOptions) error {
	progress := a.newProgress(time.Now)
	o.Observer = progress
	summary, err := project.Run(cmd.Context(), o)
	progress.Close()
	if err != nil {
		for _, problem := range summary.Problems { // there is no summary to show them
			fmt.Fprintln(a.stderr, problem)
		}
		return err
	}
	if err := a.printSummary(summary); err != nil {
		return err
	}
	return stateError(summary.State)
}

// stateError is how a command ends whose summary was printed.
func stateError(state ledger.State) error {
	switch state {
	case ledger.Partly:
		return errPartly
	case ledger.Failed:
		return errReported
	}
	return nil
}
