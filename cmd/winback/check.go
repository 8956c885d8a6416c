package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"winback/pipelines/check"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check [SELECTION…]", Short: "Run the data checks over the warehouse as it is",
		Long: `check runs the checks of the selected models (all by default) over the tables as they are, each
as of the day that it describes. A check of its own is run with each table that it reads, and may
be named alone. A failure shows the query that finds the rows, how many there
are, and up to three of them; personal data are masked.`,
		Example: "  winback check\n  winback check churn_monthly+\n  winback check revenue_reconciles",
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := a.project()
			if err != nil {
				return err
			}
			results, err := project.Check(cmd.Context(), args)
			if err != nil {
				return queryError(err)
			}
			return a.printChecks(results)
		},
	}
}

func (a *app) printChecks(results []check.Result) error {
	blocking := false
	lines := make([]checkLine, len(results))
	for i, r := range results {
		blocking = blocking || r.Blocking()
		lines[i] = checkLine{
			Model: r.Model, Check: r.Check, Severity: string(r.Severity), Status: string(r.Status), Failures: r.Failures,
			Sample: rawJSON(r.Sample), Query: r.Query, Message: r.Message, Place: r.Place, Seconds: r.Duration.Seconds(),
		}
	}
	if a.json {
		if err := a.printJSON(lines); err != nil {
			return err
		}
	} else {
		a.printCheckLines(results)
	}
	if blocking {
		return errReported
	}
	return nil
}

type checkLine struct {
	Model    string            `json:"model"`
	Check    string            `json:"check"`
	Severity string            `json:"severity"`
	Status   string            `json:"status"`
	Failures uint64            `json:"failures"`
	Sample   []json.RawMessage `json:"sample,omitempty"`
	Query    string            `json:"query"`
	Message  string            `json:"message,omitempty"`
	Place    string            `json:"place"`
	Seconds  float64           `json:"seconds"`
}

// rawJSON lets rows that are JSON already stand as they are.
func rawJSON(rows []string) []json.RawMessage {
	raw := make([]json.RawMessage, len(rows))
	for i, row := range rows {
		raw[i] = json.RawMessage(row)
	}
	return raw
}

func (a *app) printCheckLines(results []check.Result) {
	passed, warned, failed := 0, 0, 0
	for _, r := range results {
		switch {
		case r.Status == check.Passed:
			passed++
			continue
		case r.Blocking():
			failed++
		default:
			warned++
		}
		fmt.Fprintln(a.stdout, r)
		for _, row := range r.Sample {
			fmt.Fprintln(a.stdout, "    ", row)
		}
		if r.Status == check.Failed {
			fmt.Fprintln(a.stdout, "     "+foundBy(r.Kind), indented(r.Query))
		}
		fmt.Fprintln(a.stdout)
	}
	fmt.Fprintf(a.stdout, "%s passed, %s, %s failed\n", count(passed), plural(warned, "warning"), count(failed))
}

// foundBy introduces a query. One of its own may join tables, and relies on NULL where
// nothing matches, which is not what every client is set to.
func foundBy(kind check.Kind) string {
	if kind == check.Query {
		return "found by, with join_use_nulls = 1:"
	}
	return "found by:"
}

// indented sets the lines of a longer query below each other, so that it can be
// copied as it is; a line of its own may end in a comment.
func indented(query string) string {
	query = strings.TrimSpace(query)
	if !strings.Contains(query, "\n") {
		return query
	}
	const margin = "\n       "
	return margin + strings.ReplaceAll(query, "\n", margin)
}
