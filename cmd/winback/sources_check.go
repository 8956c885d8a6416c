package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"golang.org/x/sync/errgroup"

	"winback/connectors"
	"winback/connectors/spec"
	"winback/pipelines"
)

type sourceFindings struct {
	Source   string               `json:"source"`
	Findings []connectors.Finding `json:"findings"`
}

func (a *app) checkSources(ctx context.Context, args []string) error {
	if len(args) > 0 && allFiles(args) {
		return a.proposeMapping(args)
	}
	if len(args) > 1 {
		return usageError{fmt.Errorf("name one source, or files that exist: %s", strings.Join(args, " "))}
	}
	project, err := a.project()
	if err != nil && len(args) == 1 && strings.ContainsAny(args[0], `./\`) {
		return usageError{fmt.Errorf("there is no file %s", args[0])} // meant as one, whatever the configuration says
	}
	if err != nil {
		return err
	}
	sources := project.Sources
	if len(args) == 1 {
		s, ok := project.Source(args[0])
		if !ok {
			return usageError{fmt.Errorf("there is no file %[1]q, and no source of that name in %[2]s%[3]s", args[0], project.Config.Path, spec.Hint(args[0], project.SourceNames()))}
		}
		sources = []pipelines.Source{s}
	}
	found, err := checkAll(ctx, project, sources, a.say)
	if err != nil {
		return err
	}
	failed := slices.ContainsFunc(found, func(s sourceFindings) bool {
		return slices.ContainsFunc(s.Findings, func(f connectors.Finding) bool { return !f.OK })
	})
	if len(args) == 0 {
		if unread := unreadFiles(ctx, project); len(unread) > 0 {
			found = append(found, sourceFindings{"", unread})
		}
	}
	if err := a.printFindings(found); err != nil {
		return err
	}
	if failed {
		return errReported
	}
	return nil
}

const (
	// checkWithin is how long the check of one source may take.
	checkWithin = 2 * time.Minute
	// checksAtOnce is how many sources are checked side by side.
	checksAtOnce = 4
	// checkPatience is how long a check goes on trying what fails. Who checks waits for
	// it; a run has the patience of the configuration.
	checkPatience = 10 * time.Second
)

// checkAll checks sources side by side; what was found is in their order. say is told
// meanwhile why something takes longer.
func checkAll(ctx context.Context, project *pipelines.Project, sources []pipelines.Source, say func(format string, values ...any)) ([]sourceFindings, error) {
	found := make([]sourceFindings, len(sources))
	var saying sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(checksAtOnce)
	for i, s := range sources {
		group.Go(func() error {
			findings := checkSource(ctx, s, checkWithin, func(text string) {
				saying.Lock()
				defer saying.Unlock()
				say("…     %s  %s", s.Name, text)
			})
			if !slices.ContainsFunc(findings, func(f connectors.Finding) bool { return !f.OK && f.Dataset == "" }) {
				findings = append(findings, missingInputs(ctx, project, s, findings)...)
			}
			found[i] = sourceFindings{s.Name, findings}
			return ctx.Err()
		})
	}
	return found, group.Wait()
}

// checkSource returns what the source's own check finds within a time. What it has to
// try again is told meanwhile.
func checkSource(ctx context.Context, s pipelines.Source, within time.Duration, trying func(text string)) []connectors.Finding {
	checker, ok := s.Source.(connectors.Checker)
	if !ok {
		return []connectors.Finding{{OK: true, Text: "this connector has no check of its own"}}
	}
	haste := connectors.Haste{Patience: checkPatience, Trying: trying}
	limited, cancel := context.WithTimeout(connectors.InHaste(ctx, haste), within)
	defer cancel()
	findings, err := checker.Check(limited)
	switch {
	case err != nil && ctx.Err() == nil && limited.Err() != nil:
		findings = append(findings, connectors.Finding{Text: fmt.Sprintf("the source did not answer all questions within %v; try it again, or look at the system", within)})
	case err != nil:
		findings = append(findings, connectors.Finding{Text: err.Error()})
	}
	return findings
}

// missingInputs says what a run would tell of a source's inputs: those that were
// read and are gone, and those that it would leave. What a dataset's check has
// said already is not said again.
func missingInputs(ctx context.Context, project *pipelines.Project, s pipelines.Source, said []connectors.Finding) []connectors.Finding {
	planner, ok := s.Source.(connectors.Planner)
	if !ok {
		return nil
	}
	var found []connectors.Finding
	for _, d := range s.Datasets() {
		if slices.ContainsFunc(said, func(f connectors.Finding) bool { return !f.OK && f.Dataset == d.Name }) {
			continue
		}
		cursors, err := project.Zone.Cursors(s.Name, d.Name)
		if err == nil {
			_, err = planner.Plan(ctx, connectors.Request{Dataset: d.Name, Cursors: cursors, Notice: func(n connectors.Notice) {
				found = append(found, connectors.Finding{Dataset: d.Name, Warning: true, OK: true, Text: n.Text})
			}})
		}
		if err != nil {
			found = append(found, connectors.Finding{Dataset: d.Name, Text: err.Error()})
		}
	}
	return found
}

func (a *app) printFindings(found []sourceFindings) error {
	if a.json {
		return a.printJSON(found)
	}
	for _, s := range found {
		for _, f := range brief(s.Findings) {
			fmt.Fprintf(a.stdout, "%s  %s  %s\n", findingMark(f), findingName(s.Source, f), f.Text)
			if len(f.Rows) > 0 {
				a.printSample(f.Header, f.Rows)
			}
			if len(f.Read) > 0 {
				fmt.Fprintln(a.stdout, "read as")
				a.printSample(f.Fields, f.Read)
			}
		}
	}
	return nil
}

// brief leaves out what is said again and again: of the findings of a dataset
// that are in order, those without sample rows after the first.
func brief(findings []connectors.Finding) []connectors.Finding {
	said := map[string]bool{}
	var list []connectors.Finding
	for _, f := range findings {
		if f.OK && !f.Warning && len(f.Rows) == 0 && said[f.Dataset] {
			continue
		}
		said[f.Dataset] = said[f.Dataset] || f.OK
		list = append(list, f)
	}
	return list
}

func findingName(source string, f connectors.Finding) string {
	if f.Dataset == "" {
		return source
	}
	return pipelines.DatasetSummary{Source: source, Dataset: f.Dataset}.Name()
}

func mark(ok bool) string {
	if ok {
		return "ok  "
	}
	return "FAIL"
}

func findingMark(f connectors.Finding) string {
	if f.OK && f.Warning {
		return "note"
	}
	return mark(f.OK)
}

func (a *app) printSample(names []string, rows [][]string) {
	header := make([]any, len(names))
	for i, name := range names {
		header[i] = name
	}
	t := a.newTable(header...)
	t.SetAllowedRowLength(160)
	for _, cells := range rows {
		row := make(table.Row, len(cells))
		for i, cell := range cells {
			row[i] = cell
		}
		t.AppendRow(row)
	}
	t.Render()
	fmt.Fprintln(a.stdout)
}
