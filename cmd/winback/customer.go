package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"winback/pipelines"
)

func (a *app) customerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "customer KEY|E-MAIL|PHONE|NAME",
		Short: "Print a customer's card: history, status, why this rank and this offer",
		Long: `customer prints all there is to know before a call: who this is, what they bought, when they were
lost and why, what was tried, and why they are on the list of candidates, or not.

It finds a customer by key, by e-mail address, by the digits of a phone number, by the id of a
record (source:id), or by a part of the name. Where several fit, it lists them.`,
		Example: `  winback customer ann@example.com
  winback customer "+371 2000 0001"
  winback customer muller --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("say whom: a key, an e-mail address, a phone number or a part of the name")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			card, err := project.CustomerCard(cmd.Context(), strings.Join(args, " "))
			switch {
			case cmd.Context().Err() != nil:
				return cmd.Context().Err()
			case errors.As(err, new(*pipelines.CustomerError)):
				return usageError{err}
			case err != nil:
				return queryError(err)
			case a.json:
				return a.printJSON(card)
			}
			return a.printCard(card)
		},
	}
}

func (a *app) printCard(c pipelines.CustomerCard) error {
	var out strings.Builder
	title := c.Key
	if name := c.Facts.Text("name"); name != "" {
		title = name + " (" + c.Key + ")"
	}
	fmt.Fprintf(&out, "%s\n", title)
	printFacts(&out, c.Facts, "name")
	if len(c.Candidate) > 0 {
		fmt.Fprintf(&out, "\nWinning back\n")
		printFacts(&out, c.Candidate)
	}
	if len(c.Why) > 0 {
		fmt.Fprintf(&out, "\nWhy\n")
		for _, line := range c.Why {
			fmt.Fprintf(&out, "  %s\n", line)
		}
	}
	fmt.Fprintf(&out, "\nHistory\n")
	for _, e := range c.Timeline {
		fmt.Fprintf(&out, "  %s  %-10s %s\n", e.Day, e.Kind, e.Text)
	}
	if c.Omitted > 0 {
		fmt.Fprintf(&out, "  … and %s before that; --json has all\n", plural(c.Omitted, "event"))
	}
	for _, missing := range c.Missing {
		fmt.Fprintf(&out, "\n%s.\n", missing)
	}
	_, err := fmt.Fprint(a.stdout, out.String())
	return err
}

// printFacts prints what is known, and nothing of the rest.
func printFacts(out *strings.Builder, facts pipelines.Facts, without ...string) {
	skip := map[string]bool{}
	for _, name := range without {
		skip[name] = true
	}
	for _, f := range facts {
		if !skip[f.Name] && f.Value != "" {
			fmt.Fprintf(out, "  %-22s %s\n", strings.ReplaceAll(f.Name, "_", " "), f.Value)
		}
	}
}
