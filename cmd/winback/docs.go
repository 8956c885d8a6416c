package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"winback/pipelines"
	"winback/pipelines/model"
)

// docsFile is the usual name of the pages.
const docsFile = "winback-docs.html"

func (a *app) docsCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "docs", Short: "Make pages of every table, column, check, metric and of what reads what",
		Long: `docs writes one HTML file that needs nothing else, not even a network: every table with its
columns, checks, tests, SQL and lineage, every metric with its formula, and the contracts that
sources fill, to be searched, sent and printed. Where a warehouse is there, numbers of rows and
the last results of the checks are in it; no row of data is.`,
		Example: "  winback models docs\n  winback models docs --out public/index.html",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.writeDocs(cmd.Context(), out) },
	}
	cmd.Flags().StringVar(&out, "out", docsFile, "`file` ending in .html, or a folder for an index.html")
	return cmd
}

// writeDocs makes the pages of the project, or of the models alone where there
// is no project.
func (a *app) writeDocs(ctx context.Context, out string) error {
	project, err := a.projectWithExamples()
	if err != nil {
		return err
	}
	var r pipelines.DocsResult
	if project != nil {
		r, err = project.WriteDocs(ctx, out)
	} else {
		var models *model.Project
		if models, err = pipelines.LoadModels(); err == nil {
			r, err = pipelines.WriteDocs(models, out)
		}
	}
	if err != nil {
		return err
	}
	if r.Note != "" {
		a.say("Note: %s.", r.Note)
	}
	if a.json {
		return a.printJSON(map[string]string{"file": r.Path})
	}
	_, err = fmt.Fprintln(a.stdout, r.Path)
	return err
}
