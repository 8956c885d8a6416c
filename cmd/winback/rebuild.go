package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"winback/pipelines"
)

func (a *app) rebuildCommand() *cobra.Command {
	var o pipelines.RebuildOptions
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Build the warehouse again, from the landing zone alone",
		Long: `rebuild makes a new warehouse from what was landed and puts it in the place of the old one,
which stays readable until then. It works when the old one is damaged or gone. The sources
are not read. The history of runs, checks and restated figures is taken over from the old
warehouse as far as that can be read.

It can be stopped at any moment: the old warehouse is in place until the new one is whole. A
landing file that is missing or damaged is named, and the old warehouse stays.

On a ClickHouse server the tables are replaced one by one, each when its new version is
whole; rebuild again after it was stopped.`,
		Example: `  winback rebuild
  winback rebuild --keep-old`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			progress := a.newProgress(time.Now)
			o.Observer = progress
			summary, err := project.Rebuild(cmd.Context(), o)
			progress.Close()
			return a.closeRebuild(summary, err)
		},
	}
	cmd.Flags().BoolVar(&o.KeepOld, "keep-old", false, "keep the old warehouse in a folder beside the new one")
	cmd.Flags().DurationVar(&o.Wait, "wait", 0, "how long to wait for a run or a query that holds the project, as 10m (default: for no run, for a query a minute)")
	return cmd
}

func (a *app) closeRebuild(s pipelines.RebuildSummary, err error) error {
	if err != nil {
		for _, problem := range s.Problems {
			fmt.Fprintln(a.stderr, problem)
		}
		return err
	}
	if a.json {
		err = a.printJSON(s)
	} else {
		err = a.printSummary(s.Summary)
		if s.Kept != "" {
			fmt.Fprintf(a.stdout, "The old warehouse is in %s.\n", s.Kept)
		}
	}
	if err != nil {
		return err
	}
	return stateError(s.State)
}
