package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"winback/pipelines"
	"winback/pipelines/ledger"
)

// newTable returns a plain table in the style of all commands: no frame, a
// heading, numbers to the right.
func (a *app) newTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(a.stdout)
	t.SuppressTrailingSpaces()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft = ""
	style.Box.PaddingRight = "  "
	t.SetStyle(style)
	t.AppendHeader(table.Row(header))
	return t
}

// rightAligned makes the columns of those numbers (from 1) right-aligned.
func rightAligned(t table.Writer, columns ...int) {
	configs := make([]table.ColumnConfig, len(columns))
	for i, n := range columns {
		configs[i] = table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight}
	}
	t.SetColumnConfigs(configs)
}

// printSummary closes a run: what came in, what did not fit, what was built,
// what the checks say, and how long each part took.
func (a *app) printSummary(s pipelines.Summary) error {
	if a.json {
		return a.printJSON(s)
	}
	fmt.Fprintln(a.stdout)
	a.printDatasets(s)
	a.printProblems(s)
	fmt.Fprintf(a.stdout, "Loaded    %s from %s into %s\n", plural(s.Load.Rows, "row"), plural(s.Load.Files, "file"), plural(s.Load.Tables, "raw table"))
	fmt.Fprintf(a.stdout, "Models    %s built, %s unchanged%s\n", count(s.Models.Built), count(s.Models.Unchanged), ifAny(", %s failed", s.Models.Failed)+ifAny(", %s skipped", s.Models.Skipped))
	fmt.Fprintf(a.stdout, "Checks    %s passed%s%s\n", count(s.Checks.Passed), warnings(s.Checks.Warned),
		ifAny(", %s failed", s.Checks.Failed)+standing(s.Checks.Standing))
	if n := s.QuarantineOpen; n > 0 {
		fmt.Fprintf(a.stdout, "Aside     %s open in quarantine, of this and earlier runs: winback quarantine list\n", count(n))
	}
	fmt.Fprintf(a.stdout, "Time      %s: %s\n", seconds(s.Duration), stageTimes(s.Stages))
	fmt.Fprintf(a.stdout, "\n%s, run %s.\n", outcome(s), s.RunID)
	return nil
}

func (a *app) printDatasets(s pipelines.Summary) {
	if len(s.Datasets) == 0 {
		return
	}
	t := a.newTable("source", "entity", "read", "landed", "unchanged", "duplicates", "quarantined", "ignored", "time")
	rightAligned(t, 3, 4, 5, 6, 7, 8, 9)
	for _, d := range s.Datasets {
		for _, e := range d.Entities {
			t.AppendRow(table.Row{d.Source, entityName(s, d, e), count(e.Read), count(e.Landed), count(e.Unchanged), count(e.Duplicates), count(e.Quarantined), count(e.Ignored), seconds(d.Duration)})
		}
		if len(d.Entities) == 0 {
			t.AppendRow(table.Row{d.Source, d.Dataset, d.State, "", "", "", "", "", seconds(d.Duration)})
		}
	}
	t.Render()
	fmt.Fprintln(a.stdout)
	told := false
	for _, d := range s.Datasets {
		if d.Slices > 1 {
			told = true
			fmt.Fprintf(a.stdout, "%s came in %s.\n", d.Name(), plural(d.Slices, "slice"))
		}
		for _, e := range d.Entities {
			if e.Deleted > 0 {
				told = true
				fmt.Fprintf(a.stdout, "%s: %s of %s deleted in the source.\n", d.Name(), plural(e.Deleted, "record"), e.Entity)
			}
		}
	}
	if told {
		fmt.Fprintln(a.stdout)
	}
}

// entityName names an entity, with its dataset where several of the source make it.
func entityName(s pipelines.Summary, of pipelines.DatasetSummary, e pipelines.EntitySummary) string {
	for _, d := range s.Datasets {
		if d.Source == of.Source && d.Dataset != of.Dataset && slices.ContainsFunc(d.Entities, func(o pipelines.EntitySummary) bool { return o.Entity == e.Entity }) {
			return fmt.Sprintf("%s (%s)", e.Entity, of.Dataset)
		}
	}
	return e.Entity
}

func (a *app) printProblems(s pipelines.Summary) {
	for _, problem := range s.Problems {
		fmt.Fprintln(a.stdout, problem)
	}
	if len(s.Problems) > 0 {
		fmt.Fprintln(a.stdout)
	}
}

func outcome(s pipelines.Summary) string {
	switch {
	case s.State == ledger.Done && s.NothingNew():
		return "Nothing new: the warehouse is up to date as of " + s.AsOf
	case s.State == ledger.Done:
		return "Done: the warehouse is up to date as of " + s.AsOf
	case s.State == ledger.Partly:
		return "Partly done: what failed keeps its last good data; the warehouse is otherwise up to date as of " + s.AsOf
	}
	return "Failed: the warehouse is as it was"
}

func stageTimes(stages []pipelines.Stage) string {
	parts := make([]string, len(stages))
	for i, s := range stages {
		parts[i] = fmt.Sprintf("%s %s", s.Name, seconds(s.Duration))
	}
	return strings.Join(parts, ", ")
}

// count writes a number in groups of three digits: 1,044,847.
func count[N ~int | ~int64](n N) string {
	digits := fmt.Sprint(int64(n))
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	var grouped strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			grouped.WriteByte(',')
		}
		grouped.WriteRune(digit)
	}
	return sign + grouped.String()
}

func standing(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", 1 finding of earlier runs stands: winback check"
	}
	return fmt.Sprintf(", %s findings of earlier runs stand: winback check", count(n))
}

func warnings(n int) string {
	if n == 0 {
		return ""
	}
	return ", " + plural(n, "warning")
}

func plural[N ~int | ~int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

func ifAny[N ~int | ~int64](format string, n N) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, count(n))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
