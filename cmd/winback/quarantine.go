package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"winback/pipelines"
	"winback/pipelines/landing"
	"winback/pipelines/ledger"
)

func (a *app) quarantineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "quarantine", Short: "What did not fit, and a second try after a mapping was mended",
		Long: `A record that does not fit is put aside, with its file, line, column, value and reason, and
all others go on. The records that a run put aside of a dataset are a group; its id never
changes, and id.number is a record of it. Each is open until it is replayed, discarded, or
resolved because its file was read again.`,
		RunE: pickSubcommand,
	}
	cmd.AddCommand(a.quarantineList(), a.quarantineShow(), a.quarantineReplay(), a.quarantineDiscard())
	return cmd
}

func (a *app) quarantineList() *cobra.Command {
	var f pipelines.QuarantineFilter
	cmd := &cobra.Command{
		Use: "list", Short: "What is in quarantine: groups, counts, reasons, the newest first", Args: noArguments,
		Example: "  winback quarantine list\n  winback quarantine list --source shop --all",
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			groups, err := project.Quarantine(cmd.Context(), f)
			if err != nil {
				return quarantineError(err)
			}
			if a.json {
				return a.printJSON(groups)
			}
			a.printQuarantine(groups, f)
			return nil
		},
	}
	quarantineFlags(cmd, &f)
	cmd.Flags().BoolVar(&f.Settled, "all", false, "also groups without open records")
	return cmd
}

func quarantineFlags(cmd *cobra.Command, f *pipelines.QuarantineFilter) {
	cmd.Flags().StringVar(&f.Source, "source", "", "only of the `source` of that name")
	cmd.Flags().StringVar(&f.Dataset, "dataset", "", "only of the `dataset` of that name")
}

func (a *app) printQuarantine(groups []pipelines.QuarantineGroup, f pipelines.QuarantineFilter) {
	if len(groups) == 0 {
		fmt.Fprintln(a.stdout, "Nothing is in quarantine.")
		if !f.Settled {
			a.say("winback quarantine list --all also shows what has been settled.")
		}
		return
	}
	t := a.newTable("id", "when", "source", "dataset", "open", "settled", "why", "first")
	rightAligned(t, 5, 6)
	for _, g := range groups {
		head := table.Row{g.ID, g.At.UTC().Format("2006-01-02 15:04"), g.Source, g.Dataset, count(g.Open), count(g.Records - g.Open)}
		reasons := g.Reasons
		if g.Failure != "" {
			reasons = append([]pipelines.QuarantineReason{{Reason: "nothing of the dataset was taken over"}}, reasons...)
		}
		for i, r := range reasons {
			if i > 0 {
				head = table.Row{"", "", "", "", "", ""}
			}
			t.AppendRow(append(head, a.shortReason(r), r.Example))
			if i == shownReasons && len(reasons) > shownReasons+1 {
				t.AppendRow(table.Row{"", "", "", "", "", "", fmt.Sprintf("and %s more reasons", count(len(reasons)-shownReasons-1)), ""})
				break
			}
		}
	}
	t.Render()
}

// shownReasons is how many further reasons of a group are listed.
const shownReasons = 4

// shortReason writes a reason on one line: 3 × total: is not a number.
func (a *app) shortReason(r pipelines.QuarantineReason) string {
	const longest = 90
	text := strings.TrimPrefix(r.Column+" "+r.Reason, " ")
	if r.Records > 0 {
		text = count(r.Records) + " × " + text
	}
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

func (a *app) quarantineShow() *cobra.Command {
	limit := 20
	var state string
	cmd := &cobra.Command{
		Use: "show ID", Short: "The records of a group: file, line, column, value, reason, the record itself",
		Example: "  winback quarantine show k3f9a2x\n  winback quarantine show k3f9a2x.3-9 --json",
		Args:    oneID,
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			switch landing.QuarantineState(state) {
			case "", landing.StillOpen, landing.Replayed, landing.Resolved, landing.Discarded:
			default:
				return usageError{fmt.Errorf("--state %s: wants open, replayed, resolved or discarded", state)}
			}
			return a.showQuarantine(cmd.Context(), project, args[0], landing.QuarantineState(state), limit)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "how many records are shown; 0 for all")
	cmd.Flags().StringVar(&state, "state", "", "only records that are open, replayed, resolved or discarded")
	return cmd
}

func oneID(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("name one id; winback quarantine list shows them; see %s --help", cmd.CommandPath())}
	}
	return nil
}

type shownGroup struct {
	pipelines.QuarantineGroup
	Shown []pipelines.QuarantineRecord `json:"shown"`
}

func (a *app) showQuarantine(ctx context.Context, project *pipelines.Project, id string, state landing.QuarantineState, limit int) error {
	group, records, err := project.QuarantineRecords(ctx, id)
	if err != nil {
		return quarantineError(err)
	}
	shown := shownGroup{QuarantineGroup: group, Shown: []pipelines.QuarantineRecord{}}
	left := 0
	for r, err := range records {
		switch {
		case err != nil:
			return err
		case state != "" && r.State != state:
		case limit > 0 && len(shown.Shown) == limit:
			left++
		default:
			shown.Shown = append(shown.Shown, r)
		}
	}
	if a.json {
		return a.printJSON(shown)
	}
	fmt.Fprintf(a.stdout, "%s of %s: %s, put aside by run %s: %s\n", group.ID, group.Source, group.Dataset, group.RunID, groupCounts(group))
	if group.Failure != "" {
		fmt.Fprintln(a.stdout, "That run took over nothing of the dataset:", group.Failure)
	}
	for _, r := range shown.Shown {
		a.printAside(r)
	}
	if left > 0 {
		fmt.Fprintf(a.stdout, "\nand %s more: --limit 0 shows all\n", count(left))
	}
	return nil
}

func groupCounts(g pipelines.QuarantineGroup) string {
	parts := []string{plural(g.Records, "record")}
	for _, c := range []struct {
		n    int
		what string
	}{{g.Open, "open"}, {g.Replayed, "replayed"}, {g.Resolved, "resolved"}, {g.Discarded, "discarded"}} {
		if c.n > 0 {
			parts = append(parts, count(c.n)+" "+c.what)
		}
	}
	return strings.Join(parts, ", ")
}

func (a *app) printAside(r pipelines.QuarantineRecord) {
	what := r.Reason
	if r.Value != "" {
		what = fmt.Sprintf("%q: %s", shortened(r.Value), what)
	}
	if r.Column != "" {
		what = r.Column + " " + what
	}
	fmt.Fprintf(a.stdout, "\n%s  %s  %s  %s\n", r.ID, r.Place(), r.Entity, what)
	if r.Record != "" {
		fmt.Fprintf(a.stdout, "    %s\n", strings.ReplaceAll(r.Record, "\n", "\n    "))
	}
	switch {
	case r.StateAt == nil && r.State == landing.StillOpen:
	case r.StateAt == nil:
		fmt.Fprintf(a.stdout, "    %s\n", r.State)
	default:
		state := string(r.State)
		if r.State == landing.StillOpen {
			state = "tried again"
		}
		fmt.Fprintf(a.stdout, "    %s %s%s%s\n", state, r.StateAt.UTC().Format("2006-01-02 15:04"), ifText(" by ", r.StateBy), ifText(": ", r.StateReason))
	}
}

func ifText(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

func shortened(text string) string {
	const longest = 200
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

func (a *app) quarantineReplay() *cobra.Command {
	var o pipelines.SettleOptions
	var all bool
	cmd := &cobra.Command{
		Use:   "replay [ID…]",
		Short: "Try records again, after the mapping was mended",
		Long: `replay runs records that were put aside through the source's mapping as it is now. Those
that fit are landed, loaded, and the models built; the others stay, with the new reason. A
record counts once, and takes the place of nothing that was read later.

A changed mapping also makes the next "winback run" read every file again that is still
there: replay is for files that are gone, and for whoever cannot wait. The lines of an
invoice are read again with the whole invoice, for which its file must be as it was.`,
		Example: `  winback quarantine replay k3f9a2x
  winback quarantine replay k3f9a2x.3-9,12
  winback quarantine replay --dataset orders
  winback quarantine replay --all`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := chooseRecords(cmd, args, all, &o); err != nil {
				return err
			}
			project, err := a.project()
			if err != nil {
				return err
			}
			progress := a.newProgress(time.Now)
			o.Observer = progress
			summary, err := project.Replay(cmd.Context(), o)
			progress.Close()
			return a.closeSettling(summary, err)
		},
	}
	quarantineFlags(cmd, &o.QuarantineFilter)
	cmd.Flags().BoolVar(&all, "all", false, "every open record")
	cmd.Flags().DurationVar(&o.Wait, "wait", 0, "how long to wait for a run that is under way, as 10m")
	return cmd
}

func (a *app) quarantineDiscard() *cobra.Command {
	var o pipelines.SettleOptions
	var all bool
	var reason string
	cmd := &cobra.Command{
		Use:     "discard [ID…] --reason TEXT",
		Short:   "Say that records are not wanted; they stay on record",
		Example: "  winback quarantine discard k3f9a2x.3 --reason \"test order of the agency\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" {
				return usageError{errors.New("say why, with --reason: whoever finds the record missing will ask")}
			}
			if err := chooseRecords(cmd, args, all, &o); err != nil {
				return err
			}
			project, err := a.project()
			if err != nil {
				return err
			}
			summary, err := project.Discard(cmd.Context(), o, reason)
			return a.closeSettling(summary, err)
		},
	}
	quarantineFlags(cmd, &o.QuarantineFilter)
	cmd.Flags().BoolVar(&all, "all", false, "every open record")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for whoever looks later (required)")
	cmd.Flags().DurationVar(&o.Wait, "wait", 0, "how long to wait for a run that is under way, as 10m")
	return cmd
}

// chooseRecords checks that exactly one way of naming records is used.
func chooseRecords(cmd *cobra.Command, ids []string, all bool, o *pipelines.SettleOptions) error {
	byName := o.Source != "" || o.Dataset != ""
	switch {
	case len(ids) == 0 && !all && !byName:
		return usageError{fmt.Errorf("name ids, --source, --dataset or --all; winback quarantine list shows them; see %s --help", cmd.CommandPath())}
	case len(ids) > 0 && (all || byName), all && byName:
		return usageError{errors.New("give either ids, or --source and --dataset, or --all")}
	}
	o.IDs, o.By = ids, whoAmI()
	return nil
}

// whoAmI names the user for the quarantine's log.
func whoAmI() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return cmp.Or(os.Getenv("USER"), "unknown")
}

// quarantineError makes an id that names nothing a mistake of the command line.
func quarantineError(err error) error {
	if errors.As(err, new(*pipelines.QuarantineError)) || errors.Is(err, landing.ErrNumbers) {
		return usageError{err}
	}
	return err
}

// closeSettling tells what became of records.
func (a *app) closeSettling(s pipelines.SettleSummary, err error) error {
	if err != nil {
		for _, problem := range s.Problems {
			fmt.Fprintln(a.stderr, problem)
		}
		return quarantineError(err)
	}
	if a.json {
		if err := a.printJSON(s); err != nil {
			return err
		}
		return stateError(s.State)
	}
	a.printProblems(s.Summary)
	switch {
	case s.Replayed+s.Discarded+s.StillOpen == 0 && s.State == ledger.Done:
		fmt.Fprintln(a.stdout, "Nothing to do: none of these records is open.")
		return nil
	case s.Discarded > 0:
		fmt.Fprintf(a.stdout, "Discarded %s\n", plural(s.Discarded, "record"))
	default:
		fmt.Fprintf(a.stdout, "Replayed  %s: %s landed\n", plural(s.Replayed, "record"), plural(int(s.Rows), "row"))
	}
	if s.StillOpen > 0 {
		fmt.Fprintf(a.stdout, "Still not %s:\n", plural(s.StillOpen, "record"))
		for i, r := range s.Reasons {
			if i == 10 {
				fmt.Fprintf(a.stdout, "    and %s more reasons\n", count(len(s.Reasons)-i))
				break
			}
			fmt.Fprintf(a.stdout, "    %s, as %s\n", a.shortReason(r), r.Example)
		}
	}
	if s.Models.Built > 0 {
		fmt.Fprintf(a.stdout, "Models    %s built, %s unchanged%s\n", count(s.Models.Built), count(s.Models.Unchanged), ifAny(", %s failed", s.Models.Failed)+ifAny(", %s skipped", s.Models.Skipped))
	}
	return stateError(s.State)
}
