package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"winback/pipelines/alarm"
	"winback/pipelines/notify"
	"winback/pipelines/warehouse"
)

func (a *app) alarmsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "alarms", Short: "What is wrong, and who is told", RunE: pickSubcommand,
		Long: `winback serve looks every minute for what is wrong, and tells each address of alarms.mail and
alarms.webhook once when it begins and once when it is over: a job that failed or is late, a
source that is stale, a check that fails, churn on the level of an alarm, too much in quarantine,
a disk that gets full.

Without winback serve, as where cron begins the runs, each winback run and winback check looks
at its end, and so does winback alarms look: call that after the quiet hours, too, so that what
was wrong in them is told, and every hour if a run that never begins is to be told.`,
	}
	all := false
	list := &cobra.Command{
		Use: "list", Short: "What is wrong at present, and who was told", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listAlarms(cmd.Context(), all) },
	}
	list.Flags().BoolVar(&all, "all", false, "also what is over")
	cmd.AddCommand(list, &cobra.Command{
		Use: "look", Short: "Look once for what is wrong and tell whoever is to be told, as winback serve does all the time", Args: noArguments,
		Long: `look looks once for what is wrong, tells whoever does not know it yet, and tells that it is over
where it is. While winback serve of the same home looks it does nothing. The exit code is 1 where
somebody could not be told, and 0 whatever is wrong.`,
		Example: "  5 * * * *  winback -q -c /srv/acme/winback.yaml alarms look     # a line of a crontab",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.lookForAlarms(cmd.Context()) },
	}, &cobra.Command{
		Use: "test", Short: "Send a message to everybody who would be told", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.testAlarms(cmd.Context()) },
	})
	return cmd
}

func (a *app) listAlarms(ctx context.Context, all bool) (err error) {
	project, err := a.projectWithoutModels()
	if err != nil {
		return err
	}
	w, err := project.OpenWarehouse(ctx, warehouse.ForGlance)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	list, err := alarm.Incidents(ctx, w, all)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(list)
	}
	if len(list) == 0 {
		a.say("Nothing is wrong, as far as somebody has looked.")
		return nil
	}
	zone := project.Config.Location
	t := a.newTable("kind", "what", "since", "over", "told", "")
	for _, n := range list {
		over := ""
		if n.ClosedAt != nil {
			over = moment(*n.ClosedAt, zone)
		}
		t.AppendRow(table.Row{n.Kind, shortened(n.Text), moment(n.OpenedAt, zone), over, strings.Join(n.Told, ", "), n.Problem})
	}
	t.Render()
	return nil
}

func (a *app) lookForAlarms(ctx context.Context) error {
	project, err := a.projectWithoutModels()
	if err != nil {
		return err
	}
	if !project.Config.Alarms.On() {
		return usageError{fmt.Errorf("nobody is told of alarms: %s has neither alarms.mail nor alarms.webhook", project.Config.Path)}
	}
	look, err := project.LookForAlarms(ctx)
	switch {
	case err != nil:
		return err
	case a.json:
		err = a.printJSON(look)
	case look.Elsewhere:
		a.say("winback serve looks already; nothing was done.")
	case look.String() == "":
		a.say("Nothing is wrong.")
	case look.Problem != "":
		fmt.Fprintf(a.stderr, "%s.\n", look)
	default:
		a.say("%s.", look)
	}
	if err == nil && look.Problem != "" {
		return errReported
	}
	return err
}

// delivered is what became of a test message.
type delivered struct {
	Channel string `json:"channel"`
	OK      bool   `json:"ok"`
	Text    string `json:"text,omitempty"`
}

func (a *app) testAlarms(ctx context.Context) error {
	project, err := a.projectWithoutModels()
	if err != nil {
		return err
	}
	channels := project.AlarmChannels()
	if len(channels) == 0 {
		return usageError{fmt.Errorf("nobody is told of alarms: %s has neither alarms.mail nor alarms.webhook", project.Config.Path)}
	}
	message := notify.Message{
		Subject: project.Config.Project + ": a test of the alarms",
		Text:    "This is a test: alarms of winback reach you. Nothing is wrong.\n",
	}
	failed := false
	list := make([]delivered, len(channels))
	for i, channel := range channels {
		err := channel.Send(ctx, message)
		list[i] = delivered{Channel: channel.Name(), OK: err == nil}
		if err != nil {
			failed, list[i].Text = true, err.Error()
		}
		if !a.json {
			fmt.Fprintf(a.stdout, "%s  %s  %s\n", mark(err == nil), channel.Name(), list[i].Text)
		}
	}
	if a.json {
		if err := a.printJSON(list); err != nil {
			return err
		}
	}
	if failed {
		return errReported
	}
	return ctx.Err()
}
