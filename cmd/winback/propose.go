package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"winback/connectors"
	"winback/pipelines"
	"winback/pipelines/config/scaffold"
)

// allFiles says that all arguments are files that exist.
func allFiles(args []string) bool {
	return !slices.ContainsFunc(args, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || info.IsDir()
	})
}

// proposal is what is proposed for files, as JSON.
type proposal struct {
	*scaffold.Found
	Mapping string `json:"mapping"` // YAML; empty where nothing was recognised
}

// proposeMapping says what files seem to hold and how they would be mapped.
func (a *app) proposeMapping(paths []string) error {
	found := scaffold.Propose(".", paths)
	p := proposal{Found: found}
	if len(found.Recognised) > 0 {
		p.Mapping = found.Mapping()
	}
	if a.json {
		return a.printJSON(p)
	}
	for _, f := range slices.Concat(found.Recognised, found.Unrecognised) {
		a.printFile(f)
	}
	for _, why := range found.Unreadable {
		fmt.Fprintf(a.stdout, "%s  %s\n", mark(false), why)
	}
	if p.Mapping != "" {
		fmt.Fprintf(a.stdout, "Put this into winback.yaml, beside what is there; paths count from its folder:\n\n%s", p.Mapping)
	}
	if len(found.Unreadable) > 0 {
		return errReported
	}
	return nil
}

func (a *app) printFile(f scaffold.File) {
	what := "not understood: no mapping is proposed"
	if f.Entity != "" {
		what = fmt.Sprintf("%s, confidence %s: %s", f.Entity, f.Confidence, strings.Join(f.Why, ", "))
	}
	fmt.Fprintf(a.stdout, "%s  %s\n", f.Path, what)
	for _, reason := range f.Lacks {
		fmt.Fprintf(a.stdout, "  %s\n", reason)
	}
	t := a.newTable("column", "looks like", "field")
	t.SetAllowedRowLength(160)
	for _, c := range f.Sniffed {
		t.AppendRow(table.Row{c.Name, c.Looks, c.Field})
	}
	t.Render()
	fmt.Fprintln(a.stdout)
}

// unreadFiles names data files beside the configuration that no dataset reads.
func unreadFiles(ctx context.Context, project *pipelines.Project) []connectors.Finding {
	read := map[string]bool{}
	for _, s := range project.Sources {
		planner, ok := s.Source.(connectors.Planner)
		if !ok {
			continue
		}
		for _, d := range s.Datasets() {
			inputs, err := planner.Plan(ctx, connectors.Request{Dataset: d.Name})
			if err != nil && !errors.Is(err, connectors.ErrNoInput) {
				return nil // what is wrong is told already, and what would be read is not known
			}
			for _, input := range inputs {
				read[input.Name] = true
			}
		}
	}
	dir := filepath.Dir(project.Config.Path)
	files, err := scaffold.DataFiles(dir)
	if err != nil {
		return nil // the folder is told of elsewhere
	}
	var found []connectors.Finding
	for _, name := range files {
		if !read[name] {
			found = append(found, connectors.Finding{
				OK: true, Warning: true,
				Text: fmt.Sprintf("%s: no dataset reads it; winback sources check %s proposes a mapping", name, filepath.Join(dir, name)),
			})
		}
	}
	return found
}
