package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"winback/pipelines"
)

func (a *app) forgetCommand() *cobra.Command {
	var (
		o   pipelines.ForgetOptions
		yes bool
	)
	cmd := &cobra.Command{
		Use:   "forget",
		Short: "Erase a person everywhere, for good, with a receipt",
		Long: `forget erases a person who asks for it: their records and all that belongs to them (orders, carts,
deals, calls, complaints, contacts of campaigns) from the landing zone, whose files are written anew,
from the warehouse, whose models are built without them, from records that did not fit, and from the books. Where
other people's records mention their e-mail address or phone number, that is taken out. Closed months are counted again without them:
a figure that was reported before changes, and mart.restatements says so.

What is kept are marks, keyed hashes of the person's addresses, numbers and ids, by which they are known when a source delivers
them again or an older backup is restored: nothing of them comes in any more. A receipt says what was erased,
when and by whom, without the person's data. It is searched for traces afterwards.

An address or a number that is not only theirs has to be decided by --customer. Stopped at any moment, the next run goes on.`,
		Example: `  winback forget --email ann@example.com --dry-run
  winback forget --email ann@example.com
  winback forget --customer c0a1b2c3d4e5f60718a --yes`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Email == "" && o.Phone == "" && o.Customer == "" {
				return usageError{errors.New("say whom: --email, --phone or --customer")}
			}
			project, err := a.project()
			if err != nil {
				return err
			}
			if to := project.Config.BackupPlace(); to != "" {
				if o.Backups, err = pipelines.OpenBackups(to); err != nil {
					return err
				}
			}
			if !yes {
				o.Confirm = func(plan pipelines.ForgetPlan) (bool, error) {
					a.say("%s", planned(plan))
					return a.confirm("Erase this for good?")
				}
			}
			progress := a.newProgress(time.Now)
			o.Observer = progress
			s, err := project.Forget(cmd.Context(), o)
			progress.Close()
			for _, problem := range s.Problems {
				fmt.Fprintln(a.stderr, problem)
			}
			if err != nil {
				return err
			}
			return a.printForgotten(s)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Email, "email", "", "an e-mail `address` of the person")
	flags.StringVar(&o.Phone, "phone", "", "a phone `number` of the person")
	flags.StringVar(&o.Customer, "customer", "", "the customer's `key`, as winback customer shows it")
	flags.BoolVar(&o.DryRun, "dry-run", false, "only say what would be erased")
	flags.BoolVar(&yes, "yes", false, "do not ask")
	flags.DurationVar(&o.Wait, "wait", time.Minute, "how long to wait for a run that is under way")
	return cmd
}

// counted lists counts by name.
func counted(counts map[string]int64) string {
	parts := make([]string, 0, len(counts))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d of %s", counts[name], name))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func planned(plan pipelines.ForgetPlan) string {
	text := "Records to erase: " + counted(plan.Rows) + "."
	if plan.Customer != "" {
		text = "Customer " + plan.Customer + ". " + text
	}
	if len(plan.Redacted) > 0 {
		text += " Records of others that mention them: " + counted(plan.Redacted) + "."
	}
	if plan.Known {
		text += " The same was asked for before."
	}
	return text
}

func (a *app) printForgotten(s pipelines.ForgetSummary) error {
	if a.json {
		return a.printJSON(s)
	}
	if s.Receipt == nil {
		fmt.Fprintln(a.stdout, planned(s.ForgetPlan))
		return nil
	}
	r := s.Receipt
	fmt.Fprintf(a.stdout, "Erased: %s. %d landing files and %d of quarantine were written anew, %d models built without them; %d tables were searched for traces, and there are none.\n",
		counted(r.Rows), r.Files, r.Quarantine, len(r.Models), r.Searched)
	for _, what := range r.Remains {
		fmt.Fprintf(a.stdout, "  not reached: %s\n", what)
	}
	fmt.Fprintf(a.stdout, "The receipt is %s.\n", s.File)
	return nil
}
