package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"winback/pipelines"
	"winback/pipelines/landing"
)

func (a *app) compactCommand() *cobra.Command {
	var (
		o   pipelines.CompactOptions
		dry bool
	)
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Put the small files of the landing zone together",
		Long: `compact puts the small Parquet files that many runs have left of a dataset together to few,
and their manifests to one. Of each record the newest version stays, a deleted one too,
so the tables and numbers stay the same, and so does what "winback rebuild" makes of
the zone. It shows first what it is going to do.

A run does it by itself at its end when landing.compact_after extractions of a dataset
have piled up (default 500, 0 for never). Stopped or killed, it has happened or it has
not; files that somebody reads are removed by a later run.`,
		Example: `  winback compact --dry-run
  winback compact --source shop
  winback compact --whole`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			if dry {
				planned, err := project.PlanCompaction(o)
				if err != nil {
					return err
				}
				return a.printCompactions(planned)
			}
			o.Planned = func(planned []landing.Compaction) { a.sayPlanned(planned) }
			done, err := project.Compact(cmd.Context(), o)
			if err != nil && len(done) == 0 {
				return err
			}
			if printed := a.printCompactions(done); printed != nil {
				return printed
			}
			return err
		},
	}
	cmd.Flags().StringSliceVar(&o.Sources, "source", nil, "`name` of a source (default: all)")
	cmd.Flags().BoolVar(&o.Whole, "whole", false, "take large files in too: each record is kept once")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show what would be done and do nothing")
	cmd.Flags().DurationVar(&o.Wait, "wait", 0, "how long to wait for a run that is under way, as 10m")
	return cmd
}

// sayPlanned tells what is going to happen, which may take a while.
func (a *app) sayPlanned(planned []landing.Compaction) {
	for _, c := range planned {
		a.say("%s: putting %d extractions together, %d files of %s (%d larger ones stay)",
			c.Name(), c.Manifests, c.Merged.Files, megabytes(c.Merged.Bytes), c.Kept.Files)
	}
}

// printCompactions prints what was done, or would be.
func (a *app) printCompactions(list []landing.Compaction) error {
	if a.json {
		if list == nil {
			list = []landing.Compaction{}
		}
		return a.printJSON(list)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.stdout, "There is nothing to put together.")
		return nil
	}
	for _, c := range list {
		if c.Written.Files == 0 {
			fmt.Fprintf(a.stdout, "%s: %d extractions; %d files with %d rows (%s) to put together, %d larger ones stay\n",
				c.Name(), c.Manifests, c.Merged.Files, c.Merged.Rows, megabytes(c.Merged.Bytes), c.Kept.Files)
			continue
		}
		fmt.Fprintf(a.stdout, "%s: %d extractions; %d files with %d rows (%s) are now %d with %d rows (%s), %d larger ones stay\n",
			c.Name(), c.Manifests, c.Merged.Files, c.Merged.Rows, megabytes(c.Merged.Bytes),
			c.Written.Files, c.Written.Rows, megabytes(c.Written.Bytes), c.Kept.Files)
	}
	return nil
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
