package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"winback/connectors/entity"
	"winback/pipelines"
)

func (a *app) campaignsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "campaigns",
		Short: "Draw customers to win back into treated and control groups; list what campaigns brought",
		Args:  cobra.ArbitraryArgs, RunE: pickSubcommand,
	}
	cmd.AddCommand(a.campaignsDrawCommand(), a.campaignsListCommand())
	return cmd
}

func (a *app) campaignsDrawCommand() *cobra.Command {
	o := pipelines.DrawOptions{Folder: ".", Format: "xlsx"}
	control, cost := "10%", ""
	cmd := &cobra.Command{
		Use:   "draw NAME --size N",
		Short: "Draw the best candidates into a treated and a control group, and write both lists",
		Long: `draw takes the N best customers of mart.winback_candidates that may be contacted, leaves a share
of them alone as a control group, and writes both lists: NAME-treated.xlsx for those who make
contact, NAME-control.xlsx for those who must not. Who is a control is decided by a hash of
customer and campaign, evenly in each class and time since the loss.

The draw is kept in the landing zone, like what any source delivers, so a rebuild keeps it; the
next list of candidates leaves the controls alone, and mart.winback_campaigns compares the groups.
The same name again gives the same customers and writes the lists anew. The list of candidates
must be of the day that the project describes: run first.

It says first what the groups can show: the smallest return rate that they would tell from the
one expected anyway (80 % power, 5 % level, two-sided).`,
		Example: `  winback campaigns draw spring --size 2000 --control 10%
  winback campaigns draw spring --size 2000 --dry-run
  winback campaigns draw letters --size 300 --control 20% --fixed-cost 450 --format csv --folder lists`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("name the campaign: winback campaigns draw spring --size 2000")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			o.Name = args[0]
			if o.Control, err = share(control); err != nil {
				return usageError{fmt.Errorf("--control: %w", err)}
			}
			if cost != "" {
				if o.FixedCost.V, err = entity.ParseDecimal(cost); err != nil {
					return usageError{fmt.Errorf("--fixed-cost: %w", err)}
				}
				o.FixedCost.OK = true
			}
			return a.draw(cmd, o)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.Size, "size", 0, "how many customers to draw, controls included")
	flags.StringVar(&control, "control", control, "`share` of them to leave alone")
	flags.StringVar(&cost, "fixed-cost", "", "what the campaign costs beside its contacts and discounts, in the project's currency")
	flags.StringVar(&o.Folder, "folder", o.Folder, "`folder` for the lists")
	flags.StringVar(&o.Format, "format", o.Format, "xlsx or csv")
	flags.BoolVar(&o.DryRun, "dry-run", false, "say what would be drawn and write nothing")
	flags.DurationVar(&o.Wait, "wait", 0, "how long to wait for a run that is under way, as 10m")
	return cmd
}

// share reads 10% or 0.1.
func share(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, fmt.Errorf("wants a share such as 10%%, got %q", text)
	}
	if percent {
		value /= 100
	}
	return value, nil
}

func (a *app) draw(cmd *cobra.Command, o pipelines.DrawOptions) error {
	project, err := a.project()
	if err != nil {
		return err
	}
	d, err := project.DrawCampaign(cmd.Context(), o)
	switch {
	case cmd.Context().Err() != nil:
		return cmd.Context().Err()
	case errors.As(err, new(*pipelines.DrawError)):
		return usageError{err}
	case err != nil:
		return err
	}
	return a.printDraw(d)
}

// drawLine is a draw as JSON; rates are in percent, null where they are not known.
type drawLine struct {
	Campaign      string                  `json:"campaign"`
	Again         bool                    `json:"drawn_before"`
	DryRun        bool                    `json:"dry_run"`
	AsOf          string                  `json:"as_of"`
	Treated       int                     `json:"treated"`
	Control       int                     `json:"control"`
	BasePct       *float64                `json:"base_pct"`
	DetectablePct *float64                `json:"detectable_pct"`
	Strata        []pipelines.DrawStratum `json:"strata"`
	Files         []string                `json:"files"`
}

func (a *app) printDraw(d pipelines.Draw) error {
	if a.json {
		return a.printJSON(drawLine{
			Campaign: d.Name, Again: d.Again, DryRun: d.DryRun, AsOf: d.AsOf.Format("2006-01-02"), Treated: d.Treated, Control: d.Control,
			BasePct: percentOrNil(d.BaseRate), DetectablePct: percentOrNil(d.Detectable),
			Strata: append([]pipelines.DrawStratum{}, d.Strata...), Files: append([]string{}, d.Files...),
		})
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s to contact, %s to leave alone", d.Name, plural(d.Treated, "customer"), plural(d.Control, "customer"))
	if d.Again {
		out.WriteString(", as drawn before")
	}
	out.WriteString("\n")
	for _, s := range d.Strata {
		fmt.Fprintf(&out, "  class %-2s %-9s %5d to contact %5d to leave alone\n", s.Class, s.RecencyBucket, s.Treated, s.Control)
	}
	out.WriteString(detectable(d))
	for _, file := range d.Files {
		fmt.Fprintf(&out, "%s\n", file)
	}
	if d.DryRun {
		out.WriteString("Nothing was drawn (--dry-run).\n")
	}
	_, err := fmt.Fprint(a.stdout, out.String())
	return err
}

// detectable says in a sentence what difference the groups can show.
func detectable(d pipelines.Draw) string {
	switch {
	case d.Again:
		return ""
	case d.Control == 0:
		return "No control group: what would have come anyway will not be known.\n"
	case math.IsNaN(d.BaseRate):
		return "How many return anyway is not known yet, so nothing can be said of the difference that the groups can show.\n"
	case math.IsNaN(d.Detectable):
		return "The groups are too small to show any difference.\n"
	}
	return fmt.Sprintf("About %.1f %% of them return anyway. These groups can show a return rate from %.1f %% on (+%.1f points; 80 %% power, 5 %% level).\n",
		100*d.BaseRate, 100*d.Detectable, 100*(d.Detectable-d.BaseRate))
}

func percentOrNil(rate float64) *float64 {
	if math.IsNaN(rate) {
		return nil
	}
	percent := 100 * rate
	return &percent
}

func (a *app) campaignsListCommand() *cobra.Command {
	reminders := false
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the campaigns with what they brought",
		Long: `list prints the campaigns with the customers contacted and left alone, returns, money, and what they
brought beyond the control group, with its 95 % interval and what can be said of it in words.

Reminders of carts go to people who were about to buy, and most of their orders would have come
anyway: they are a campaign of each month, which --reminders lists too.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format := "PrettyCompactMonoBlock"
			if a.json {
				format = "JSON"
			}
			which := "where not is_cart_reminder"
			if reminders {
				which = ""
			}
			return a.query(cmd.Context(), fmt.Sprintf(campaignsSQL, which), format)
		},
	}
	cmd.Flags().BoolVar(&reminders, "reminders", false, "list the reminders of carts too")
	return cmd
}

const campaignsSQL = `select campaign, started_on, treated, control, returned, round(return_pct, 1) as return_pct, revenue, cost, round(romi_pct, 1) as romi_pct,
    round(uplift_pp, 2) as uplift_pp, round(uplift_lower, 2) as lower, round(uplift_upper, 2) as upper, round(incremental_romi_pct, 1) as incremental_romi_pct, verdict
from mart.winback_campaigns %s order by started_on, campaign`
