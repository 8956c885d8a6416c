package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"winback/pipelines"
	"winback/pipelines/users"
)

func (a *app) serveCommand() *cobra.Command {
	var o pipelines.ServeOptions
	var logs string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Let other programs into the warehouse: curl, DBeaver, Grafana, Python, anything that knows ClickHouse",
		Long: `serve opens the warehouse and answers on ClickHouse's HTTP interface until it is stopped, and does
the jobs of the schedule when they are due (winback schedule --help). Who may log in is for winback
users to say, and for serve.users in winback.yaml: analysts read the databases they were given,
admins do everything (winback users roles). A change counts at once; so does a renewed certificate,
and SIGHUP has both looked at. Without users everybody on this machine may read as default,
without a password.

The other commands work meanwhile, a run too: they go through it. Ctrl-C or SIGTERM lets running
statements end, for 20 seconds; a second one stops at once.`,
		Example: `  winback serve
  winback serve --listen 127.0.0.1:8124
  curl http://127.0.0.1:8123 -d "select * from mart.churn_monthly format PrettyCompact"`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.logTo(logs); err != nil {
				return err
			}
			return a.serve(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&logs, "log", "text", "`format` of what is logged to standard error: text or json")
	cmd.Flags().StringVar(&o.Listen, "listen", "", "`address` and port to listen at (default: the configuration's serve.listen, 127.0.0.1:8123)")
	return cmd
}

// logTo has what a service notes logged; -v has it log more.
func (a *app) logTo(format string) error {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if a.verbose {
		options.Level = slog.LevelDebug
	}
	switch format {
	case "text":
		a.log = slog.New(slog.NewTextHandler(a.stderr, options))
	case "json":
		a.log = slog.New(slog.NewJSONHandler(a.stderr, options))
	default:
		return usageError{fmt.Errorf("no log format %q; there are text and json", format)}
	}
	return nil
}

func (a *app) serve(ctx context.Context, o pipelines.ServeOptions) error {
	project, err := a.project()
	if err != nil {
		return err
	}
	stopping := context.AfterFunc(ctx, func() {
		a.say("Stopping: statements that run have 20 seconds to end. Once more stops at once.")
	})
	defer stopping()
	if o.Scheduler, err = project.Scheduler(a.doJob); err != nil {
		return err
	}
	o.Version = version
	o.Ready = func(s pipelines.Serving) error {
		if s.Status != "" {
			a.say("How things stand: %s", s.Status)
		}
		a.sayWhatIsDue(project)
		if s.Address == "" {
			return nil
		}
		return a.sayHowToConnect(s)
	}
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	o.Reload = reload
	err = project.Serve(ctx, o)
	if mistake := (*pipelines.ServeError)(nil); errors.As(err, &mistake) {
		return usageError{err}
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // it was stopped before it began
	}
	return err
}

// sayWhatIsDue tells when each job is due.
func (a *app) sayWhatIsDue(project *pipelines.Project) {
	states, err := project.JobStore().Read()
	if err != nil {
		return // the scheduler says so
	}
	for _, e := range project.Config.Schedule.Entries {
		next := moment(project.NextSlot(e.Value, states[e.Key], a.now()), project.Config.Location)
		if next == "" {
			next = "paused: winback schedule resume " + e.Key
		}
		a.say("  %s: %s", e.Key, next)
	}
}

// sayHowToConnect tells the ways in, for the first user who reads.
func (a *app) sayHowToConnect(s pipelines.Serving) error {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "THIS-HOST"
	}
	address := net.JoinHostPort(host, port)
	user := s.Users[max(0, slices.IndexFunc(s.Users, func(u users.User) bool { return !u.Admin() }))]
	database := "mart"
	if !user.Admin() {
		database = user.Databases[0]
	}
	login := ""
	if !s.Open {
		login = "-u " + user.Name + " " // it asks for the password
	}
	scheme, secure, python := "http", "", ""
	if s.TLS {
		scheme, secure, python = "https", ", secure connection", ", secure=True"
	}
	a.say("The warehouse answers at %s://%s. Ctrl-C stops it.\n", scheme, address)
	a.say("  curl     curl %s%s://%s/ -d 'show tables from %s'", login, scheme, address, database)
	a.say("  DBeaver  ClickHouse, jdbc:clickhouse:%s://%s/%s, user %s", scheme, address, database, user.Name)
	a.say("  Grafana  ClickHouse data source: server %s, port %s, protocol HTTP%s, user %s, default database %s", host, port, secure, user.Name, database)
	a.say("  Python   clickhouse_connect.get_client(host='%s', port=%s, username='%s', database='%s'%s)", host, port, user.Name, database, python)
	switch {
	case s.Open:
		a.say("\nEverybody on this machine may read everything, without a password; winback users add NAME --role analyst changes that.")
	case s.Clear:
		a.say("\nPasswords and data travel unencrypted between machines: serve.tls names a certificate, or put a proxy with TLS in front.")
	}
	return nil
}
