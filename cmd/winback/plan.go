package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"winback/pipelines"
)

// shownInputs is how many inputs of a dataset are named; a program gets all.
const shownInputs = 10

func (a *app) planCommand() *cobra.Command {
	var o pipelines.PlanOptions
	var days dayRange
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "What a run would read, load and build, and why; nothing is touched",
		Long: `plan looks what "winback run" would do: which files it would read, which landed rows the
warehouse lacks, which models it would build, and why. Nothing is read, made or changed, and
a run that is under way is not disturbed.

A source that only knows when it is asked what is new says so; the models that read it
may be built.`,
		Example: `  winback plan
  winback plan --only source:shop --json
  winback plan --full --as-of 2026-03-31`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			if o.Range, err = days.parse(project, o.Full); err != nil {
				return err
			}
			plan, err := project.Plan(cmd.Context(), o)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(plan)
			}
			a.printPlan(plan)
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&o.Only, "only", nil, "`selection`: source:NAME, or models as name, +name, name+, tag:x")
	cmd.Flags().BoolVar(&o.Full, "full", false, "as if everything were read again and every model rebuilt")
	days.flags(cmd)
	return cmd
}

func (a *app) printPlan(p *pipelines.Plan) {
	fmt.Fprintf(a.stdout, "A run as of %s would\n\n", p.AsOf)
	a.printReads(p)
	a.printLoads(p)
	a.printBuilds(p)
	for _, d := range p.Drops {
		fmt.Fprintf(a.stdout, "DROP %d rows of %s from before %s, which are older than they are kept\n\n", d.Rows, d.Entity, d.Before)
	}
	for _, problem := range p.Problems {
		fmt.Fprintln(a.stdout, problem)
	}
}

func (a *app) printReads(p *pipelines.Plan) {
	fmt.Fprintln(a.stdout, "READ")
	if len(p.Datasets) == 0 {
		fmt.Fprintln(a.stdout, "  nothing: no source is selected")
	}
	for _, d := range p.Datasets {
		switch {
		case d.Error != "":
			fmt.Fprintf(a.stdout, "  %s: would fail: %s\n", d.Name(), d.Error)
		case d.Since != "":
			fmt.Fprintf(a.stdout, "  %s: asks the source for %s to %s again\n", d.Name(), d.Since, d.Until)
		case d.AsksSource:
			fmt.Fprintf(a.stdout, "  %s: asks the source, which alone knows what is new\n", d.Name())
		case len(d.Inputs) == 0:
			fmt.Fprintf(a.stdout, "  %s: nothing new\n", d.Name())
		default:
			a.printInputs(d)
		}
	}
	fmt.Fprintln(a.stdout)
}

func (a *app) printInputs(d pipelines.PlannedDataset) {
	fmt.Fprintf(a.stdout, "  %s: %s, %s (%s)\n", d.Name(), plural(len(d.Inputs), "file"), size(d.Bytes), reasonCounts(d))
	t := a.newTable()
	t.ResetHeaders()
	rightAligned(t, 2)
	for i, input := range d.Inputs {
		if i == shownInputs && len(d.Inputs) > shownInputs+1 {
			t.AppendRow(table.Row{fmt.Sprintf("    and %s more", count(len(d.Inputs)-shownInputs)), "", ""})
			break
		}
		t.AppendRow(table.Row{"    " + input.Name, size(input.Bytes), input.Reason})
	}
	t.Render()
}

// reasonCounts says how many inputs there are for each reason: 4,310 new, 2
// changed.
func reasonCounts(d pipelines.PlannedDataset) string {
	counts := map[string]int{}
	var order []string
	for _, input := range d.Inputs {
		if counts[input.Reason] == 0 {
			order = append(order, input.Reason)
		}
		counts[input.Reason]++
	}
	for i, reason := range order {
		if len(order) > 1 {
			reason = count(counts[reason]) + " " + reason
		}
		order[i] = reason
	}
	return strings.Join(order, "; ")
}

func (a *app) printLoads(p *pipelines.Plan) {
	fmt.Fprintln(a.stdout, "LOAD, besides what is read")
	if len(p.Loads) == 0 {
		fmt.Fprintln(a.stdout, "  nothing: all that was landed is in the warehouse")
	}
	for _, l := range p.Loads {
		fmt.Fprintf(a.stdout, "  %s: %s rows, %s, %s: %s\n", l.Entity, count(l.Rows), plural(l.Files, "file"), size(l.Bytes), l.Reason)
	}
	fmt.Fprintln(a.stdout)
}

func (a *app) printBuilds(p *pipelines.Plan) {
	counts := map[string]int{}
	t := a.newTable()
	t.ResetHeaders()
	for _, m := range p.Models {
		counts[m.Action]++
		switch m.Action {
		case pipelines.ActionSkip:
		case pipelines.ActionBuild:
			t.AppendRow(table.Row{"  " + m.Name, m.Reason + inPart(m)})
		default:
			t.AppendRow(table.Row{"  " + m.Name, m.Action + ": " + m.Reason})
		}
	}
	fmt.Fprintf(a.stdout, "BUILD %s of %s%s%s\n", count(counts[pipelines.ActionBuild]), plural(len(p.Models), "model"),
		ifAny(", and perhaps %s more", counts[pipelines.ActionMay]), ifAny("; %s would fail", counts[pipelines.ActionFail]))
	if t.Length() > 0 {
		t.Render()
	}
	fmt.Fprintln(a.stdout)
}

// inPart says how much of a model would be built, as far as that is known.
func inPart(m pipelines.PlannedModel) string {
	text := "; in part"
	switch {
	case !m.InPart:
		return ""
	case m.Keys > 0:
		text += fmt.Sprintf(": %s in %s of %s", plural(int(m.Keys), "key"), count(int64(m.Partitions)), plural(m.AllPartitions, "partition"))
	case m.AllPartitions > 0:
		text += ", of " + plural(m.AllPartitions, "partition")
	}
	switch {
	case m.NewRows == 0 && m.Unread:
		return text + ", for the rows to be read"
	case m.NewRows == 0:
		return text
	case m.Unread:
		return text + fmt.Sprintf(", for %s and those to be read", plural(int(m.NewRows), "new row"))
	}
	return text + fmt.Sprintf(", for %s", plural(int(m.NewRows), "new row"))
}

// size writes bytes for people: 812 B, 1.2 MB.
func size(bytes int64) string {
	const unit = 1000
	if bytes < unit {
		return fmt.Sprintf("%d B", bytes)
	}
	value, prefix := float64(bytes)/unit, "kB"
	for _, next := range []string{"MB", "GB", "TB"} {
		if value < unit {
			break
		}
		value, prefix = value/unit, next
	}
	return fmt.Sprintf("%.1f %s", value, prefix)
}
