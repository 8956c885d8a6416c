package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"winback/connectors/spec"
	"winback/pipelines"
	"winback/pipelines/config"
	"winback/pipelines/schedule"
)

func (a *app) scheduleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "schedule", Short: "The jobs that winback serve does again and again", RunE: pickSubcommand,
		Long: `The jobs stand in the configuration; winback serve does them when they are due:

  schedule:
    nightly: {cron: "15 2 * * *"}
    shop:    {every: 30m, only: [source:shop]}
    monday:  {cron: "0 7 * * MON", does: report}

Times are those of the project's clock. One that the clock skips in spring is made up for, one
that comes twice in autumn counts once. What was missed while winback serve was off is made up
for at its start, and a job that was broken off is begun again.`,
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "Each job, when it is due and how it ended last", Args: noArguments,
			RunE: func(*cobra.Command, []string) error { return a.listJobs() },
		},
		&cobra.Command{
			Use: "run JOB", Short: "Do a job now, a paused one too", Args: oneJob,
			RunE: func(cmd *cobra.Command, args []string) error { return a.runJobNow(cmd.Context(), args[0]) },
		},
		&cobra.Command{
			Use: "pause JOB", Short: "Leave a job out until it is resumed", Args: oneJob,
			RunE: func(_ *cobra.Command, args []string) error { return a.pauseJob(args[0], true) },
		},
		&cobra.Command{
			Use: "resume JOB", Short: "Do a paused job again when it is due", Args: oneJob,
			RunE: func(_ *cobra.Command, args []string) error { return a.pauseJob(args[0], false) },
		},
	)
	return cmd
}

func oneJob(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{errors.New("name one job (winback schedule list shows them)")}
	}
	return nil
}

// doJob does a job of the schedule. The configuration is read anew each time: the
// day that a project describes moves on, and so may what somebody wants of it.
func (a *app) doJob(ctx context.Context, job config.Job, name string, slot schedule.Slot) error {
	project, err := a.project()
	if err != nil {
		return err
	}
	if job.Does == "report" {
		return a.mailReports(ctx, project, reportOptions{mail: true}, nil)
	}
	summary, err := project.RunJob(ctx, job, name, slot)
	if err == nil {
		a.say("%s: run %s is done.", name, summary.RunID)
	}
	return err
}

// job finds a job by its name.
func (a *app) job(project *pipelines.Project, name string) (config.Job, error) {
	entries := project.Config.Schedule.Entries
	i := slices.IndexFunc(entries, func(e spec.Entry[config.Job]) bool { return e.Key == name })
	if i >= 0 {
		return entries[i].Value, nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Key)
	}
	if len(names) == 0 {
		return config.Job{}, usageError{fmt.Errorf("no job %q: %s has no schedule", name, project.Config.Path)}
	}
	return config.Job{}, usageError{fmt.Errorf("no job %q%s; there are: %s", name, spec.Hint(name, names), strings.Join(names, ", "))}
}

func (a *app) runJobNow(ctx context.Context, name string) error {
	project, err := a.project()
	if err != nil {
		return err
	}
	job, err := a.job(project, name)
	if err != nil {
		return err
	}
	return a.doJob(ctx, job, name, schedule.Slot{At: a.now().Truncate(time.Second), Attempt: 1, Manual: true})
}

func (a *app) pauseJob(name string, paused bool) error {
	project, err := a.project()
	if err != nil {
		return err
	}
	if _, err := a.job(project, name); err != nil {
		return err
	}
	return project.JobStore().Pause(name, paused, a.now())
}

// jobLine is a job for people and programs.
type jobLine struct {
	Name string    `json:"name"`
	When string    `json:"when"`
	Does string    `json:"does"`
	Next time.Time `json:"next,omitzero"`
	schedule.JobState
}

func (a *app) listJobs() error {
	project, err := a.project()
	if err != nil {
		return err
	}
	states, err := project.JobStore().Read()
	if err != nil {
		return err
	}
	lines := []jobLine{}
	for _, e := range project.Config.Schedule.Entries {
		when := e.Value.Cron
		if when == "" {
			when = "every " + e.Value.Every.String()
		}
		does := strings.Join(append([]string{e.Value.Does}, e.Value.Selectors()...), " ")
		lines = append(lines, jobLine{e.Key, when, does, project.NextSlot(e.Value, states[e.Key], a.now()), states[e.Key]})
	}
	if a.json {
		return a.printJSON(lines)
	}
	if len(lines) == 0 {
		a.say("No schedule in %s: winback schedule --help shows one.", project.Config.Path)
		return nil
	}
	t := a.newTable("job", "does", "when", "next", "last", "")
	for _, l := range lines {
		t.AppendRow(table.Row{l.Name, l.Does, l.When, moment(l.Next, project.Config.Location), moment(l.Slot, project.Config.Location), l.became()})
	}
	t.Render()
	return nil
}

// became says how a job stands.
func (l jobLine) became() string {
	words := []string{}
	if l.Paused {
		words = append(words, "paused")
	}
	if l.Outcome != "" {
		words = append(words, string(l.Outcome))
	}
	if l.Message != "" {
		first, _, _ := strings.Cut(l.Message, "\n")
		words = append(words, first)
	}
	return strings.Join(words, ": ")
}

// moment is a time by the project's clock, or nothing.
func moment(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("2006-01-02 15:04")
}
