package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"winback/pipelines"
)

func (a *app) reasonsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "reasons", Short: "See what people write as a reason for leaving, and what no pattern knows", RunE: pickSubcommand}
	limit := 20
	unmapped := &cobra.Command{
		Use: "unmapped", Short: "Reasons that no pattern knows, the most costly first",
		Long: `unmapped lists what people wrote as a reason for leaving or not buying and that no pattern of the
seed "reasons" knows: how often, how many losses nobody can explain better, and what those customers
brought in the year before. "winback models copy reasons" makes the seed a file of yours; add patterns
to it, try them with "winback reasons test", and the next run knows them. A line counts the texts
that are the same to the letter.`,
		Example: "  winback reasons unmapped\n  winback reasons unmapped --limit 0 --json",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.unmappedReasons(cmd.Context(), limit) },
	}
	unmapped.Flags().IntVar(&limit, "limit", limit, "how many texts are shown; 0 for all")
	cmd.AddCommand(unmapped, &cobra.Command{
		Use: "test TEXT…", Short: "Which category a text is, and which pattern says so",
		Long: `test says which category texts are by the patterns as they are in the seeds "reasons" and
"competitor_names" now, those of the project's own models among them. It needs no data and no run.`,
		Example: `  winback reasons test "prices went up" "ушли к конкуренту"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New(`give a text in quotes: winback reasons test "prices went up"`)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.testReasons(cmd.Context(), args) },
	})
	return cmd
}

type unmappedLine struct {
	Reason      string          `json:"reason"`
	Origins     []string        `json:"origins"`
	Times       uint64          `json:"times"`
	LastSaidOn  string          `json:"last_said_on,omitempty"`
	Lost        uint64          `json:"lost"`
	LostRevenue decimal.Decimal `json:"lost_revenue"`
}

func (a *app) unmappedReasons(ctx context.Context, limit int) error {
	project, err := a.project()
	if err != nil {
		return err
	}
	reasons, total, err := project.UnmappedReasons(ctx, limit)
	if err != nil {
		return queryError(err)
	}
	lines := make([]unmappedLine, len(reasons))
	for i, r := range reasons {
		lines[i] = unmappedLine{Reason: r.Reason, Origins: r.Origins, Times: r.Times, Lost: r.Lost, LostRevenue: r.LostRevenue}
		if r.LastSaidOn != nil {
			lines[i].LastSaidOn = r.LastSaidOn.Format(time.DateOnly)
		}
	}
	if a.json {
		return a.printJSON(lines)
	}
	if len(lines) == 0 {
		fmt.Fprintln(a.stdout, "Every reason that was written down is mapped.")
		return nil
	}
	t := a.newTable("reason", "written in", "times", "last", "lost", "lost revenue")
	rightAligned(t, 3, 5, 6)
	for _, l := range lines {
		t.AppendRow(table.Row{oneLine(l.Reason), strings.Join(l.Origins, ", "), count(int64(l.Times)), l.LastSaidOn, count(int64(l.Lost)), l.LostRevenue.StringFixed(2)})
	}
	t.Render()
	if rest := total - uint64(len(lines)); rest > 0 {
		a.say("and %s more: winback reasons unmapped --limit 0", count(int64(rest)))
	}
	a.say("Add patterns for them: winback models copy reasons makes the seed a file of yours; winback reasons test tries it.")
	return nil
}

type understoodLine struct {
	Reason     string  `json:"reason"`
	Category   string  `json:"reason_category"`
	Pattern    *string `json:"pattern"`
	Competitor *string `json:"competitor"`
}

func (a *app) testReasons(ctx context.Context, texts []string) error {
	models, err := a.models()
	if err != nil {
		return err
	}
	reasons, err := pipelines.UnderstandReasons(ctx, models, texts)
	if err != nil {
		return queryError(err)
	}
	lines := make([]understoodLine, len(reasons))
	for i, r := range reasons {
		lines[i] = understoodLine(r)
	}
	if a.json {
		return a.printJSON(lines)
	}
	t := a.newTable("reason", "category", "competitor", "by the pattern")
	for _, l := range lines {
		t.AppendRow(table.Row{oneLine(l.Reason), l.Category, orDash(l.Competitor), oneLine(orDash(l.Pattern))})
	}
	t.Render()
	return nil
}

// oneLine shortens a text to what fits into a line of a table.
func oneLine(text string) string {
	const longest = 60
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

func orDash(text *string) string {
	if text == nil {
		return "-"
	}
	return *text
}
