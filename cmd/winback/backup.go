package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"winback/pipelines"
	"winback/pipelines/backup"
	"winback/pipelines/objects"
)

// backups is the flag that says where backups are kept.
type backups struct{ place string }

func (b *backups) flag(cmd *cobra.Command, name string) {
	cmd.Flags().StringVar(&b.place, name, "", "`place` of the backups: a directory or s3://bucket/prefix (default: the configuration's backup.to)")
}

func (b *backups) open(project *pipelines.Project) (objects.Store, error) {
	if b.place == "" {
		b.place = project.Config.BackupPlace()
	}
	if b.place == "" {
		return nil, usageError{errors.New("say where the backups are kept: --to or --from, or backup: {to: …} in the configuration")}
	}
	store, err := pipelines.OpenBackups(b.place)
	if err != nil {
		return nil, usageError{err}
	}
	return store, nil
}

func (a *app) backupCommand() *cobra.Command {
	var (
		where backups
		o     pipelines.BackupOptions
		keep  string
	)
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Back up the landing zone, the warehouse and the books, to a directory or S3",
		Long: `backup stores the landing zone, the embedded warehouse with its history, and what must not come
back after winback forget. Queries and winback serve go on. Runs wait for some seconds only, until
a snapshot of hard links is taken; what is stored afterwards is that moment. A landing zone in a
bucket is copied from there.

A full backup stores everything anew and depends on no other; --incremental stores only what
is new since the last one, and becomes full if there is none. Each is restored by itself. Everything is kept under its
SHA-256, and a backup counts once all of it is stored: one that broke off is never listed.

Not in it: the configuration and .env, the users' file and the tokens of sources, since passwords
have no business in a backup; and the tables of a ClickHouse server, which has BACKUP of its own: winback
rebuild fills one again from the landing zone.

For S3 the usual variables say where and as whom: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, or the role of the machine. Backups hold personal data: keep them closed.`,
		Example: `  winback backup --to /backups/acme
  winback backup --to s3://backups/acme --incremental --keep 30d
  winback backup drill --from /backups/acme`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return pickSubcommand(cmd, args)
			}
			var err error
			if o.Keep, err = backup.ParseKeep(keep); err != nil {
				return usageError{fmt.Errorf("--keep %w", err)}
			}
			project, err := a.project()
			if err != nil {
				return err
			}
			if keep == "" {
				o.Keep = project.Config.Backup.Kept()
			}
			if o.Store, err = where.open(project); err != nil {
				return err
			}
			o.OnTaken = func(held time.Duration) {
				a.say("The snapshot is taken (runs waited %.1f s); storing it.", held.Seconds())
			}
			s, err := project.Backup(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.printBackup(o.Store, s)
		},
	}
	where.flag(cmd, "to")
	cmd.Flags().BoolVar(&o.Incremental, "incremental", false, "store only what is new since the last backup")
	cmd.Flags().StringVar(&keep, "keep", "", "which backups stay: a `number`, as 14, or an age, as 30d (default: the configuration's backup.keep, or all)")
	cmd.Flags().DurationVar(&o.Wait, "wait", time.Minute, "how long to wait for a run that is under way")
	cmd.AddCommand(a.backupListCommand(), a.backupVerifyCommand(), a.backupDrillCommand())
	return cmd
}

func (a *app) printBackup(store objects.Store, s pipelines.BackupSummary) error {
	if a.json {
		return a.printJSON(backupLine{s.Manifest, s.Size(), s.Removed})
	}
	size := s.Size()
	fmt.Fprintf(a.stdout, "Backup %s (%s) is in %s: %d files, %s; %d files with %s had to be stored.\n",
		s.ID, s.Kind, store, size.Files, megabytes(size.Bytes), s.Stored.Files, megabytes(s.Stored.Bytes))
	for _, what := range s.LeftOut {
		fmt.Fprintf(a.stdout, "  not in it: %s\n", what)
	}
	if len(s.Removed) > 0 {
		fmt.Fprintf(a.stdout, "%d older backups were removed.\n", len(s.Removed))
	}
	return nil
}

// backupLine is a backup as programs read it, without its files.
type backupLine struct {
	*backup.Manifest
	Files   backup.Size `json:"files"` // goes before the manifest's
	Removed []string    `json:"removed,omitempty"`
}

func (a *app) backupListCommand() *cobra.Command {
	var where backups
	cmd := &cobra.Command{
		Use: "list", Short: "Show the backups that there are", Args: noArguments,
		Example: "  winback backup list --from s3://backups/acme",
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			store, err := where.open(project)
			if err != nil {
				return err
			}
			all, err := backup.List(cmd.Context(), store)
			if err != nil {
				return err
			}
			if a.json {
				lines := make([]backupLine, len(all))
				for i, m := range all {
					lines[i] = backupLine{Manifest: m, Files: m.Size()}
				}
				return a.printJSON(lines)
			}
			if len(all) == 0 {
				fmt.Fprintf(a.stdout, "%s holds no backup.\n", store)
			}
			for _, m := range all {
				size := m.Size()
				fmt.Fprintf(a.stdout, "%s  %-11s  %s  %d files, %s, of them stored %s\n", m.ID, m.Kind,
					m.TakenAt.In(project.Config.Location).Format("2006-01-02 15:04"), size.Files, megabytes(size.Bytes), megabytes(m.Stored.Bytes))
			}
			return nil
		},
	}
	where.flag(cmd, "from")
	return cmd
}

func (a *app) backupVerifyCommand() *cobra.Command {
	var where backups
	var all bool
	cmd := &cobra.Command{
		Use: "verify [BACKUP]", Short: "Read a backup as a whole and compare its checksums", Args: atMost(1),
		Example: "  winback backup verify --from /backups/acme\n  winback backup verify --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			store, err := where.open(project)
			if err != nil {
				return err
			}
			wanted := args
			if all {
				wanted, err = backup.IDs(cmd.Context(), store)
			} else if len(args) == 0 {
				wanted = []string{""}
			}
			errs := []error{err}
			for _, id := range wanted {
				m, err := backup.Find(cmd.Context(), store, id)
				if err == nil {
					err = backup.Verify(cmd.Context(), store, m)
				}
				if err == nil {
					fmt.Fprintf(a.stdout, "%s is whole: %d files, %s\n", m.ID, m.Size().Files, megabytes(m.Size().Bytes))
				}
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		},
	}
	where.flag(cmd, "from")
	cmd.Flags().BoolVar(&all, "all", false, "all backups (default: the last one)")
	return cmd
}

func (a *app) backupDrillCommand() *cobra.Command {
	var (
		where   backups
		o       pipelines.RestoreOptions
		scratch string
	)
	cmd := &cobra.Command{
		Use: "drill", Short: "Prove that a backup can be restored: do it aside, open the warehouse, compare every mart",
		Long: `drill restores a backup to a temporary folder, opens its warehouse, and compares the rows of every
mart with what was counted when the backup was taken, and the landing zone with its manifests.
The project itself is not touched, and the folder is removed. Exit code 1 says what differs.`,
		Example: "  winback backup drill --from s3://backups/acme\n  winback backup drill --at 20260301T060000Z-abcdef --scratch /mnt/large",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			if o.Store, err = where.open(project); err != nil {
				return err
			}
			s, err := project.Drill(cmd.Context(), o, scratch)
			if err != nil {
				return err
			}
			if a.json {
				if err := a.printJSON(s); err != nil {
					return err
				}
			}
			if len(s.Differences) > 0 {
				for _, difference := range s.Differences {
					fmt.Fprintln(a.stderr, difference)
				}
				return fmt.Errorf("backup %s was restored and is not what it was: %d differences", s.Backup, len(s.Differences))
			}
			if !a.json {
				fmt.Fprintf(a.stdout, "Backup %s can be restored: %d files, %s in %.1f s; the landing zone is as its manifests say, and %d marts have the rows they had.\n",
					s.Backup, s.Files, megabytes(s.Bytes), s.Seconds, s.Compared)
			}
			return nil
		},
	}
	where.flag(cmd, "from")
	cmd.Flags().StringVar(&o.At, "at", "", "`id` of the backup (default: the last one)")
	cmd.Flags().StringVar(&scratch, "scratch", "", "`folder` to restore into for a while (default: the system's for temporary files)")
	return cmd
}
