package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"winback/pipelines"
)

func (a *app) upgradeCommand() *cobra.Command {
	var o pipelines.RebuildOptions
	var dry bool
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Bring the warehouse up to date with this version of winback; --dry-run says what would change",
		Long: `upgrade brings a warehouse up to date that another version of winback has had: tables that came,
columns that came, tables whose columns have other types and are loaded again from the landing zone, and
models whose SQL has changed. Sources are not read. winback run does the same by itself; upgrade is for a
quiet hour, and --dry-run for knowing before what it costs. Queries and winback serve go on.

A warehouse that a newer winback has had is refused. Back it up before, and there is a way back.`,
		Example: `  winback upgrade --dry-run
  winback backup --incremental && winback upgrade`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			if dry {
				plan, err := project.PlanUpgrade(cmd.Context())
				if err != nil {
					return err
				}
				return a.printUpgrade(plan)
			}
			progress := a.newProgress(time.Now)
			o.Observer = progress
			summary, err := project.Upgrade(cmd.Context(), o)
			progress.Close()
			return a.closeRebuild(pipelines.RebuildSummary{Summary: summary}, err)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be changed")
	cmd.Flags().DurationVar(&o.Wait, "wait", 0, "how long to wait for a run or a query that holds the project, as 10m")
	return cmd
}

func (a *app) printUpgrade(p *pipelines.UpgradePlan) error {
	if a.json {
		return a.printJSON(p)
	}
	if p.Nothing() {
		fmt.Fprintf(a.stdout, "The warehouse is up to date: layout %d, and no model has changed.\n", p.Layout)
		return nil
	}
	if p.Layout != p.Wanted {
		fmt.Fprintf(a.stdout, "Layout %d becomes %d.\n", p.Layout, p.Wanted)
	}
	for _, c := range p.Changes {
		rows := ""
		if c.Rows > 0 {
			rows = fmt.Sprintf(" (%d rows)", c.Rows)
		}
		fmt.Fprintf(a.stdout, "would have %s%s\n", c, rows)
	}
	for _, m := range p.Models {
		last := ""
		if m.Seconds > 0 {
			last = fmt.Sprintf(" (last time %d rows in %.1f s)", m.Rows, m.Seconds)
		}
		fmt.Fprintf(a.stdout, "would build %s: %s%s\n", m.Name, m.Reason, last)
	}
	if p.Seconds > 0 {
		fmt.Fprintf(a.stdout, "By what it took last, some %.0f s of loading and building, less as models are built side by side.\n", p.Seconds)
	}
	return nil
}
