package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"winback/pipelines"
	"winback/pipelines/history"
	"winback/pipelines/ledger"
	"winback/pipelines/warehouse"
)

func (a *app) runsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "runs", Short: "What runs did, and how they ended", RunE: pickSubcommand,
		Long: `The warehouse remembers its runs for history.keep_days days. What a run does is written down while
it goes on, so one that was killed tells how far it came.`,
	}
	var f history.Filter
	list := &cobra.Command{
		Use: "list", Short: "The last runs", Args: noArguments,
		Example: "  winback runs list --last 5\n  winback runs list --state failed --json",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listRuns(cmd.Context(), f) },
	}
	list.Flags().IntVar(&f.Last, "last", 20, "`number` of runs at most")
	list.Flags().StringVar(&f.State, "state", "", "only those in a `state`: running, done, partly, failed, interrupted")
	list.Flags().StringVar(&f.Job, "job", "", "only those made for a `job` of the schedule")
	cmd.AddCommand(list, &cobra.Command{
		Use: "show RUN", Short: "The story of a run: steps, rows, checks that failed, what was put aside, what came after",
		Long:    "show tells the story of a run by its id, by the beginning of one, or by the word last.",
		Example: "  winback runs show last\n  winback runs show 20261122T0215",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("name one run, or last (winback runs list shows them)")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.showRun(cmd.Context(), args[0]) },
	})
	return cmd
}

// withBooks opens the warehouse for a look at its books.
func (a *app) withBooks(ctx context.Context, look func(*pipelines.Project, history.Books) error) (err error) {
	project, err := a.projectWithoutModels()
	if err != nil {
		return err
	}
	w, err := project.OpenWarehouse(ctx, warehouse.ForGlance)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return look(project, history.Of(w))
}

func (a *app) listRuns(ctx context.Context, f history.Filter) error {
	states := []string{"", string(ledger.Running), string(ledger.Done), string(ledger.Partly), string(ledger.Failed), string(ledger.Interrupted)}
	if !slices.Contains(states, f.State) {
		return usageError{fmt.Errorf("no state %q; there are %s", f.State, strings.Join(states[1:], ", "))}
	}
	if f.Last < 1 || f.Last > 100_000 {
		return usageError{fmt.Errorf("--last wants 1 to 100000, got %d", f.Last)}
	}
	return a.withBooks(ctx, func(project *pipelines.Project, books history.Books) error {
		runs, err := books.Runs(ctx, f)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(runs)
		}
		if len(runs) == 0 {
			a.say("There is no such run yet.")
			return nil
		}
		a.printRuns(runs, project.Config.Location)
		return nil
	})
}

func (a *app) printRuns(runs []history.Run, zone *time.Location) {
	t := a.newTable("run", "for", "began", "took", "state", "steps", "rows", "")
	rightAligned(t, 4, 6, 7)
	for _, r := range runs {
		words, _, _ := strings.Cut(r.Message, "\n")
		t.AppendRow(table.Row{r.ID, runFor(r, zone), moment(r.StartedAt, zone), took(r), r.State, r.Steps, count(r.Rows), text.Snip(words, 80, "…")})
	}
	t.Render()
}

// runFor says what a run was made for.
func runFor(r history.Run, zone *time.Location) string {
	if r.Slot == nil {
		return r.Command
	}
	return r.Job + " of " + moment(*r.Slot, zone)
}

func took(r history.Run) string {
	if r.FinishedAt == nil {
		return ""
	}
	return r.Duration().Round(100 * time.Millisecond).String()
}

func (a *app) showRun(ctx context.Context, id string) error {
	return a.withBooks(ctx, func(project *pipelines.Project, books history.Books) error {
		story, err := books.Story(ctx, id)
		if errors.As(err, new(*history.UnknownRunError)) {
			return usageError{err}
		}
		if err != nil {
			return err
		}
		if story.Present, err = project.Present(story.ID); err != nil {
			return err
		}
		if a.json {
			return a.printJSON(story)
		}
		a.printStory(story, project.Config.Location)
		return nil
	})
}

func (a *app) printStory(s *history.Story, zone *time.Location) {
	fmt.Fprintf(a.stdout, "Run %s: %s, as of %s, %s\n", s.ID, s.Command, s.AsOf, s.State)
	if s.Slot != nil {
		fmt.Fprintf(a.stdout, "For       %s\n", runFor(s.Run, zone))
	}
	fmt.Fprintf(a.stdout, "Began     %s%s\n", s.StartedAt.In(zone).Format("2006-01-02 15:04:05"), ifText(", took ", took(s.Run)))
	for line := range strings.Lines(s.Message) {
		fmt.Fprintf(a.stdout, "          %s\n", strings.TrimSpace(line))
	}
	if s.Present != nil {
		fmt.Fprintf(a.stdout, "Now       %s (%s)\n", s.Present, s.Present.At.In(zone).Format("15:04:05"))
	}
	a.printSteps(s, zone)
	a.printExtracted(s)
	a.printStoryLoads(s)
	a.printNotPassed(s)
	a.printRunAside(s)
	for _, next := range s.Next {
		fmt.Fprintf(a.stdout, "\nAfter it came run %s for %s, %s.\n", next.ID, runFor(next, zone), next.State)
	}
}

func (a *app) printSteps(s *history.Story, zone *time.Location) {
	if len(s.StepList) == 0 {
		if s.State == string(ledger.Running) {
			fmt.Fprintln(a.stdout, "\nNo step is done yet.")
			return
		}
		fmt.Fprintln(a.stdout, "\nIt came to no step.")
		return
	}
	fmt.Fprintln(a.stdout)
	t := a.newTable("at", "step", "", "state", "rows", "bytes", "time", "")
	rightAligned(t, 5, 6, 7)
	for _, step := range s.StepList {
		t.AppendRow(table.Row{
			step.StartedAt.In(zone).Format("15:04:05"), step.Kind, step.Name, step.State, count(step.Rows), ifAny("%s", step.Bytes),
			fmt.Sprintf("%.1f s", step.Seconds), shortened(strings.ReplaceAll(step.Message, "\n", " ")),
		})
	}
	t.Render()
	a.printEarlier(s)
}

// printEarlier tells what steps failed of before their last try.
func (a *app) printEarlier(s *history.Story) {
	title := "\nTried again, as it might pass\n"
	for _, step := range s.StepList {
		for i, failure := range step.Earlier {
			fmt.Fprintf(a.stdout, "%s  %s %s, try %d of %d: %s\n", title, step.Kind, step.Name, i+1, step.Attempts, strings.ReplaceAll(failure, "\n", " "))
			title = ""
		}
	}
}

func (a *app) printExtracted(s *history.Story) {
	if len(s.Extractions) == 0 {
		return
	}
	fmt.Fprintln(a.stdout)
	t := a.newTable("source", "entity", "read", "landed", "unchanged", "duplicates", "quarantined", "ignored", "deleted")
	rightAligned(t, 3, 4, 5, 6, 7, 8, 9)
	for _, e := range s.Extractions {
		t.AppendRow(table.Row{e.Source, e.Entity, count(e.Read), count(e.Landed), count(e.Unchanged), count(e.Duplicates), count(e.Quarantined), count(e.Ignored), count(e.Deleted)})
	}
	t.Render()
}

func (a *app) printStoryLoads(s *history.Story) {
	if len(s.Loads) == 0 {
		return
	}
	fmt.Fprintln(a.stdout)
	t := a.newTable("loaded", "from", "files", "rows", "bytes")
	rightAligned(t, 3, 4, 5)
	for _, l := range s.Loads {
		t.AppendRow(table.Row{l.Entity, l.Source, l.Files, count(l.Rows), count(l.Bytes)})
	}
	t.Render()
}

func (a *app) printNotPassed(s *history.Story) {
	if s.Checked > 0 {
		fmt.Fprintf(a.stdout, "\n%s, %s not passed\n", plural(int(s.Checked), "check"), count(len(s.Checks)))
	}
	for _, c := range s.Checks {
		fmt.Fprintf(a.stdout, "  %s %s: %s, %s%s\n", c.Model, c.Name, c.Severity, plural(int(c.Failures), "row"), ifText(", ", c.Message))
		for _, row := range c.Sample {
			fmt.Fprintln(a.stdout, "    ", row)
		}
	}
}

func (a *app) printRunAside(s *history.Story) {
	for i, q := range s.Aside {
		if i == 0 {
			fmt.Fprintln(a.stdout, "\nPut aside (winback quarantine show ID)")
		}
		fmt.Fprintf(a.stdout, "  %s  %s.%s:%s %s, %s, first at %s\n", q.Group, q.Source, q.Dataset, ifText(" ", q.Column), q.Reason, plural(int(q.Records), "record"), q.Place())
	}
}
