package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"winback/pipelines"
	"winback/pipelines/config"
	"winback/pipelines/model"
)

func (a *app) modelsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "models", Short: "Look at the SQL models and test them", RunE: pickSubcommand}
	var format string
	graph := &cobra.Command{
		Use: "graph [SELECTION…]", Short: "What reads what, from the raw tables to the marts",
		Example: "  winback models graph +churn_monthly\n  winback models graph --format mermaid",
		RunE: func(_ *cobra.Command, args []string) error {
			if format == "" && a.json {
				format = string(model.GraphJSON)
			}
			return a.graphModels(args, model.GraphFormat(format))
		},
	}
	graph.Flags().StringVar(&format, "format", "", "text, mermaid, dot or json (default text; json with --json)")
	cmd.AddCommand(
		a.docsCommand(),
		&cobra.Command{
			Use: "list [SELECTION…]", Short: "The models, parents first",
			Example: "  winback models list\n  winback models list +churn_monthly",
			RunE:    func(_ *cobra.Command, args []string) error { return a.listModels(args) },
		},
		graph,
		&cobra.Command{
			Use: "compile MODEL", Short: "A model's SQL as it runs", Args: atMost(1),
			RunE: func(_ *cobra.Command, args []string) error { return a.compileModel(args) },
		},
		&cobra.Command{
			Use: "test [SELECTION…]", Short: "Run the models' unit tests",
			Long: "test runs each model's SQL on the rows given in its .yml and compares the result with the rows\nexpected there. It needs the engine and no data.",
			RunE: func(cmd *cobra.Command, args []string) error { return a.testModels(cmd.Context(), args) },
		},
		&cobra.Command{
			Use: "copy MODEL", Short: "A model's files, or a seed's, into the project's own folder, to be changed there", Args: atMost(1),
			Long: `copy writes the product's files of a model, a seed or a check into the folder that models.dir in
the configuration names. From then on the project uses these; the rest stays the product's.`,
			Example: "  winback models copy reasons          the patterns that tell why a customer left\n  winback models copy churn_monthly",
			RunE:    func(_ *cobra.Command, args []string) error { return a.copyModel(args) },
		},
	)
	return cmd
}

type modelLine struct {
	Name         string   `json:"name"`
	Materialized string   `json:"materialized"`
	Grain        string   `json:"grain"`
	Tags         []string `json:"tags"`
	Parents      []string `json:"parents"`
	Path         string   `json:"path"`
}

// models are those of the project, or the product's where there is no project.
func (a *app) models() (*model.Project, error) {
	project, err := a.projectWithExamples()
	if project == nil || err != nil {
		if err == nil {
			return pipelines.LoadModels()
		}
		return nil, err
	}
	return project.Models, nil
}

func (a *app) listModels(selectors []string) error {
	models, err := a.models()
	if err != nil {
		return err
	}
	selected, err := models.Select(selectors)
	if err != nil {
		return err
	}
	list := make([]modelLine, len(selected))
	for i, m := range selected {
		list[i] = modelLine{m.FullName(), string(m.Materialized), m.Grain, m.Tags, m.Parents, m.Path}
	}
	if a.json {
		return a.printJSON(list)
	}
	t := a.newTable("model", "as", "grain")
	for _, m := range list {
		t.AppendRow(table.Row{m.Name, m.Materialized, m.Grain})
	}
	t.Render()
	return nil
}

func (a *app) graphModels(selectors []string, format model.GraphFormat) error {
	models, err := a.models()
	if err != nil {
		return err
	}
	selected, err := models.Select(selectors)
	if err != nil {
		return err
	}
	text, err := models.Graph(selected, format)
	if err != nil {
		return usageError{err}
	}
	_, err = fmt.Fprintln(a.stdout, strings.TrimRight(text, "\n"))
	return err
}

// compileModel shows a model with the project's values, or with the defaults
// where there is no project.
func (a *app) compileModel(args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("name a model: winback models compile churn_monthly (winback models list shows them)")}
	}
	models, err := pipelines.LoadModels()
	if err != nil {
		return err
	}
	vars := model.DefaultVars()
	project, err := a.projectIfAny()
	if err != nil {
		return err
	}
	if project != nil {
		models, vars = project.Models, project.Vars()
	}
	sql, err := models.Compile(args[0], vars)
	if err != nil {
		return usageError{err}
	}
	_, err = fmt.Fprintln(a.stdout, strings.TrimSpace(sql))
	return err
}

func (a *app) testModels(ctx context.Context, selectors []string) error {
	models, err := a.models()
	if err != nil {
		return err
	}
	results, err := pipelines.TestModels(ctx, models, selectors)
	if err != nil {
		return err
	}
	failed := 0
	lines := make([]testLine, len(results))
	for i, r := range results {
		lines[i] = testLine{Model: r.Model, Test: r.Test, Place: r.Place, Passed: r.Passed(), Diff: r.Diff, Seconds: r.Duration.Seconds()}
		if r.Err != nil {
			lines[i].Error = r.Err.Error()
		}
		if !r.Passed() {
			failed++
		}
	}
	if a.json {
		err = a.printJSON(lines)
	} else {
		err = a.printTests(results, failed)
	}
	if err == nil && failed > 0 {
		return errReported
	}
	return err
}

type testLine struct {
	Model   string  `json:"model"`
	Test    string  `json:"test"`
	Place   string  `json:"place"`
	Passed  bool    `json:"passed"`
	Diff    string  `json:"diff,omitempty"`
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
}

func (a *app) printTests(results []model.TestResult, failed int) error {
	for _, r := range results {
		if !r.Passed() {
			fmt.Fprintln(a.stdout, r)
		}
	}
	_, err := fmt.Fprintf(a.stdout, "%d passed, %d failed\n", len(results)-failed, failed)
	return err
}

// copyModel copies a model and says which files to edit.
func (a *app) copyModel(args []string) error {
	if len(args) == 0 {
		return usageError{errors.New("name a model or a seed: winback models copy reasons (winback models list shows them)")}
	}
	options, err := a.openOptions()
	if err != nil {
		return err
	}
	files, err := pipelines.CopyModel(options, args[0])
	if errors.As(err, new(*model.UnknownSelectorError)) || errors.As(err, new(*config.Error)) || errors.Is(err, pipelines.ErrOwnModel) || errors.Is(err, pipelines.ErrNoOwnModels) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string][]string{"files": files})
	}
	_, err = fmt.Fprintln(a.stdout, strings.Join(files, "\n"))
	return err
}
