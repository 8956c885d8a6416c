package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"winback/pipelines"
)

func (a *app) pushCommand() *cobra.Command {
	o := pipelines.PushOptions{}
	cmd := &cobra.Command{
		Use:   "push SOURCE",
		Short: "Write the call list into the CRM as tasks; says first what it would write",
		Long: `push writes the call list, as export winback_candidates does into a file, as tasks into the CRM that
a source reads: Bitrix24 or amoCRM. Each task is the manager's who is to make contact, due on the
day of the list, at the customer's record, with offer and talking points. Without --send it says
what it would write, and writes nothing.

A customer gets one task. Who has one of a list of the last contact_pause days gets none, whatever
day it is: that is noted in ops.tasks, and each task ends in a mark such as (winback:2024-09-30:c1),
by which it is found again if the program ended before it was noted. So the same command can be
given again at any time, and goes on where it was interrupted.

Tasks of customers without a record in that CRM, or of managers who are no users of it, are named
and left out. The list must be of the day that the project describes: run first.

  Bitrix24  needs the permission task on the webhook; tasks have the tag winback.
  amoCRM    a follow-up at the contact, or at the company where there is no contact.`,
		Example: `  winback push crm
  winback push crm --send
  winback push crm --send --limit 50`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("name the source of the CRM: winback push crm")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.To = args[0]; o.Limit < 0 {
				return usageError{errors.New("--limit is a number of customers, from 1")}
			}
			return a.push(cmd, o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.Send, "send", false, "write the tasks")
	flags.IntVar(&o.Limit, "limit", 0, "at most so many customers of the list, the best first (default: all)")
	flags.DurationVar(&o.Wait, "wait", 0, "how long to wait for a run that is under way, as 10m")
	return cmd
}

func (a *app) push(cmd *cobra.Command, o pipelines.PushOptions) error {
	project, err := a.project()
	if err != nil {
		return err
	}
	p, err := project.Push(cmd.Context(), o)
	if errors.As(err, new(*pipelines.PushError)) {
		return usageError{err}
	}
	if len(p.Tasks) > 0 || err == nil {
		if printed := a.printPushed(p); printed != nil {
			return printed
		}
	}
	if cmd.Context().Err() != nil {
		return cmd.Context().Err()
	}
	if err == nil && p.Count(pipelines.PushFailed) > 0 {
		return errPartly
	}
	return err
}

// pushLine is a push as JSON.
type pushLine struct {
	To      string                 `json:"to"`
	List    string                 `json:"list_date"`
	Sent    bool                   `json:"sent"`
	Due     int                    `json:"due"`
	Written int                    `json:"written"`
	There   int                    `json:"there"`
	Skipped int                    `json:"skipped"`
	Failed  int                    `json:"failed"`
	Tasks   []pipelines.PushedTask `json:"tasks"`
}

func (a *app) printPushed(p pipelines.Pushed) error {
	line := pushLine{
		To: p.To, List: p.List.Format("2006-01-02"), Sent: p.Sent, Due: p.Count(pipelines.PushDue), Written: p.Count(pipelines.PushWritten),
		There: p.Count(pipelines.PushThere), Skipped: p.Count(pipelines.PushSkipped), Failed: p.Count(pipelines.PushFailed),
		Tasks: append([]pipelines.PushedTask{}, p.Tasks...),
	}
	if a.json {
		return a.printJSON(line)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s, list of %s: ", p.To, line.List)
	if len(p.Tasks) == 0 {
		out.WriteString("nobody is on it.\n")
	} else {
		var parts []string
		for _, part := range []struct {
			n    int
			text string
		}{
			{line.Written, "written"}, {line.Due, "to be written"}, {line.There, "there already"}, {line.Skipped, "left out"}, {line.Failed, "failed"},
		} {
			if part.n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
			}
		}
		fmt.Fprintf(&out, "%s: %s.\n", plural(len(p.Tasks), "customer"), strings.Join(parts, ", "))
	}
	for _, t := range p.Tasks {
		fmt.Fprintf(&out, "  %-8s %s  manager %-10s %s", t.State, t.Due, t.Manager, t.Name)
		if t.Task != "" {
			fmt.Fprintf(&out, ", task %s", t.Task)
		}
		if t.Note != "" {
			fmt.Fprintf(&out, " (%s)", t.Note)
		}
		out.WriteString("\n")
	}
	if line.Failed > 0 {
		out.WriteString("The same command tries those that failed again, and writes none twice.\n")
	}
	if !p.Sent && line.Due > 0 {
		out.WriteString("Nothing was written. --send writes them.\n")
	}
	_, err := fmt.Fprint(a.stdout, out.String())
	return err
}
