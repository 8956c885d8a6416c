package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"winback/pipelines"
	"winback/pipelines/verify"
)

// testDataVariable names the folder of the public data sets.
const testDataVariable = "WINBACK_TESTDATA"

func (a *app) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Set published numbers beside those that this program computes",
		Long: `verify pushes published cases through the code and the SQL models that compute your numbers:
the CDNOW sample, remissions under 6-MP, Hillstrom's e-mail test, service levels, intervals of
rates and of their differences, and the worked examples of the definitions. It needs no data of yours: the
models compute over the published rows in a warehouse that is thrown away.

Data sets that may not be passed on with the program are skipped unless they are in the folder
that WINBACK_TESTDATA names; the line says where to get them. In a project the result is written
to ops.verifications too. A line that differs makes the exit code 1.`,
		Example: "  winback verify\n  winback verify --json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := a.projectIfAny()
			if err != nil {
				return err
			}
			models, err := a.models()
			if err != nil {
				return err
			}
			report, err := pipelines.Verify(cmd.Context(), models, os.Getenv(testDataVariable))
			if err != nil {
				return err
			}
			if project != nil {
				if err := project.RecordVerification(cmd.Context(), report, version); err != nil {
					a.say("the result is not in ops.verifications: %v", err)
				}
			}
			return a.printVerification(report)
		},
	}
}

// verifyLine is a line of the report for programs.
type verifyLine struct {
	Subject   string   `json:"subject"`
	What      string   `json:"what"`
	Source    string   `json:"source"`
	Through   string   `json:"through"`
	Published float64  `json:"published"`
	Decimals  int      `json:"decimals"`
	Computed  *float64 `json:"computed"`
	State     string   `json:"state"`
	Message   string   `json:"message,omitempty"`
}

func (a *app) printVerification(report verify.Report) error {
	var err error
	if a.json {
		lines := make([]verifyLine, len(report.Lines))
		for i, l := range report.Lines {
			lines[i] = verifyLine{l.Subject, l.What, l.Source, l.Through, l.Published, l.Decimals, nil, string(l.State), l.Message}
			if !math.IsNaN(l.Computed) {
				lines[i].Computed = &l.Computed
			}
		}
		err = a.printJSON(lines)
	} else {
		err = a.printVerifyTable(report)
	}
	return errors.Join(err, verified(report))
}

// verified is errReported when a line is not as published.
func verified(report verify.Report) error {
	if report.OK() {
		return nil
	}
	return errReported
}

func (a *app) printVerifyTable(report verify.Report) error {
	t := a.newTable("case", "number", "published", "computed", "", "through")
	subject := ""
	var notes []string
	for _, l := range report.Lines {
		shown, computed := "", "-"
		if l.Subject != subject {
			shown, subject = l.Subject, l.Subject
		}
		if !math.IsNaN(l.Computed) {
			computed = strconv.FormatFloat(l.Computed, 'f', min(l.Decimals+2, 9), 64)
		}
		t.AppendRow(table.Row{shown, l.What, strconv.FormatFloat(l.Published, 'f', l.Decimals, 64), computed, l.State, l.Through})
		if note := l.Subject + ": " + string(l.State) + ": " + l.Message; l.Message != "" && (len(notes) == 0 || notes[len(notes)-1] != note) {
			notes = append(notes, note)
		}
	}
	t.Render()
	fmt.Fprintln(a.stdout)
	for _, note := range notes {
		fmt.Fprintln(a.stdout, note)
	}
	_, err := fmt.Fprintf(a.stdout, "%s ok, %s differ, %s broken, %s skipped\n",
		count(report.Count(verify.OK)), count(report.Count(verify.Differs)), count(report.Count(verify.Broken)), count(report.Count(verify.Skipped)))
	return err
}
