package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"winback/connectors/all"
	"winback/connectors/spec"
	"winback/pipelines"
	"winback/pipelines/config"
)

// app is what the commands share: where they print, and the flags that every
// command knows.
type app struct {
	stdout, stderr io.Writer
	now            func() time.Time

	config  string
	home    string
	asOf    string
	json    bool
	quiet   bool
	verbose bool

	log *slog.Logger // of a service; nil for one by the flags
}

// execute runs one command line and returns the code to exit with.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := &app{stdout: stdout, stderr: stderr, now: time.Now}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(root.ExecuteContext(ctx), stderr)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "winback",
		Short: "A data warehouse about lost customers: why they left, what it costs, whom to win back",
		Long: `winback reads the files and systems that know your customers, keeps what it read in a
landing zone, builds a ClickHouse warehouse from it and answers: which customers
leave, why, what it costs, and which of them to win back.

Start with "winback demo" to see it on a made-up company, or "winback init" for your own.`,
		Args: cobra.ArbitraryArgs, RunE: pickSubcommand,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.config, "config", "c", config.FileName, "configuration `file`")
	flags.StringVar(&a.home, "home", "", "`folder` of landing zone and warehouse (default: beside the configuration)")
	flags.StringVar(&a.asOf, "as-of", "", "`date` the numbers describe, inclusive (default: the configuration's, or yesterday)")
	flags.BoolVar(&a.json, "json", false, "print results as JSON")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print results and errors only")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log what happens, to standard error")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		a.demoCommand(), a.initCommand(), a.planCommand(), a.runCommand(), a.serveCommand(), a.usersCommand(), a.scheduleCommand(), a.runsCommand(), a.alarmsCommand(), a.rebuildCommand(), a.quarantineCommand(),
		a.queryCommand(), a.exportCommand(), a.pushCommand(), a.campaignsCommand(), a.customerCommand(), a.reportCommand(), a.dashboardsCommand(), a.reasonsCommand(), a.sourcesCommand(),
		a.configCommand(), a.modelsCommand(), a.checkCommand(), a.verifyCommand(), a.compactCommand(), a.backupCommand(), a.restoreCommand(), a.forgetCommand(), a.upgradeCommand(), a.doctorCommand(), a.versionCommand(),
	)
	return root
}

// noArguments and atMost check the number of arguments, with our exit code.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no arguments, got %q; see %[1]s --help", cmd.CommandPath(), args[0])}
	}
	return nil
}

func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.MaximumNArgs(n)(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
		}
		return nil
	}
}

// pickSubcommand is what a command does that only holds others: it shows them,
// and says so when it is given a name that none of them has.
func pickSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return usageError{fmt.Errorf("unknown command %q for %q%s; see %s --help", args[0], cmd.CommandPath(), spec.Hint(args[0], names), cmd.CommandPath())}
}

func (a *app) logger() *slog.Logger {
	if a.log != nil {
		return a.log
	}
	if !a.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// project reads the configuration that the flags name.
func (a *app) project() (*pipelines.Project, error) {
	options, err := a.openOptions()
	if err != nil {
		return nil, err
	}
	return openProject(options)
}

func openProject(options pipelines.OpenOptions) (*pipelines.Project, error) {
	// What reading makes is small and soon forgotten: to look for garbage in between
	// would take as long as the reading itself.
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(readingGarbage))
	}
	project, err := pipelines.Open(options)
	if err != nil {
		return nil, usageError{err}
	}
	return project, nil
}

// openOptions say which project the flags mean.
func (a *app) openOptions() (pipelines.OpenOptions, error) {
	registry, err := all.Registry()
	return pipelines.OpenOptions{
		Config: a.config, Home: a.home, AsOf: a.asOf, Registry: registry, Now: a.now, Logger: a.logger(),
	}, err
}

// projectIfAny reads the configuration for a command that also works without
// one: it returns nil where the usual file is not there. One that was asked for
// by name has to be.
func (a *app) projectIfAny() (*pipelines.Project, error) { return a.projectOrNone(false) }

// projectWithExamples is projectIfAny for commands that run or show the unit tests.
func (a *app) projectWithExamples() (*pipelines.Project, error) { return a.projectOrNone(true) }

func (a *app) projectOrNone(withExamples bool) (*pipelines.Project, error) {
	options, err := a.openOptions()
	if err != nil {
		return nil, err
	}
	options.WithExamples = withExamples
	project, err := openProject(options)
	if a.config == config.FileName && errors.As(err, new(*config.MissingFileError)) {
		return nil, nil
	}
	return project, err
}

// printJSON writes a value for programs to read.
func (a *app) printJSON(value any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// say writes a line for people, on standard error, where it does not disturb
// results that are piped on.
func (a *app) say(format string, values ...any) {
	if !a.quiet {
		fmt.Fprintf(a.stderr, format+"\n", values...)
	}
}

// onTerminal says whether a person watches the messages.
func (a *app) onTerminal() bool {
	file, ok := a.stderr.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
