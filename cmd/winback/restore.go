package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"winback/pipelines"
	"winback/pipelines/backup"
)

func (a *app) restoreCommand() *cobra.Command {
	var (
		where          backups
		o              pipelines.RestoreOptions
		into           string
		overwrite, yes bool
	)
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Bring a backup back, into an empty home or, when asked, over what is there",
		Long: `restore brings landing zone, warehouse and books of a backup into the project's home. All of it is
read and its checksums compared aside; what winback forget erased since is erased in it; and only
then does it take its place. What is there already stops it, unless --overwrite is said and
confirmed; then that is kept in a folder, before-restore-…, for you to remove. A landing zone in a
bucket is restored where the prefix is empty, and is left as it is otherwise.

winback serve has to be stopped. Run winback run afterwards: sources are read from where the
backup was, and nothing is counted twice. A backup without a warehouse is built with winback run, too.`,
		Example: `  winback restore --from /backups/acme
  winback restore --from s3://backups/acme --at 20260301T060000Z-abcdef --into /var/lib/winback-test
  winback restore --overwrite`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if into != "" {
				a.home = into
			}
			project, err := a.project()
			if err != nil {
				return err
			}
			if o.Store, err = where.open(project); err != nil {
				return err
			}
			if overwrite {
				o.Overwrite = func(m *backup.Manifest) (bool, error) {
					if yes {
						return true, nil
					}
					return a.confirm(fmt.Sprintf("Put the backup of %s in the place of what %s holds? It is kept beside.",
						m.TakenAt.In(project.Config.Location).Format("2006-01-02 15:04"), project.Home))
				}
			}
			s, err := project.Restore(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.printRestore(s)
		},
	}
	where.flag(cmd, "from")
	cmd.Flags().StringVar(&o.At, "at", "", "`id` of the backup (default: the last one)")
	cmd.Flags().StringVar(&into, "into", "", "home `folder` to restore into (default: the project's)")
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "put it in the place of what is there, after a question")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().DurationVar(&o.Wait, "wait", 0, "how long to wait for a run or a query that holds the project, as 10m")
	return cmd
}

func (a *app) printRestore(s pipelines.RestoreSummary) error {
	if a.json {
		return a.printJSON(s)
	}
	fmt.Fprintf(a.stdout, "Backup %s is restored into %s: %d files, %s in %.1f s.\n", s.Backup, s.Home, s.Files, megabytes(s.Bytes), s.Seconds)
	if len(s.Erased) > 0 {
		fmt.Fprintf(a.stdout, "%d erasures on request were done again on it.\n", len(s.Erased))
	}
	if s.Kept != "" {
		fmt.Fprintf(a.stdout, "What was there is in %s; remove it when you are sure.\n", s.Kept)
	}
	if s.Bucket != "" {
		fmt.Fprintf(a.stdout, "%s.\n", s.Bucket)
	}
	for _, what := range s.LeftOut {
		fmt.Fprintf(a.stdout, "  was not in it: %s\n", what)
	}
	return nil
}

// confirm asks a question on the terminal. Without a terminal the answer is an error:
// nobody was asked.
func (a *app) confirm(question string) (bool, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return false, usageError{errors.New("there is nobody to ask; say --yes to go on without a question")}
	}
	fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
