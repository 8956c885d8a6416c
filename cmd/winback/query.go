package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"winback/pipelines"
	"winback/pipelines/warehouse"
)

func (a *app) queryCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   `query "SQL"`,
		Short: "Run a query and print its result in any ClickHouse format",
		Example: `  winback query "select month, churn_pct from mart.churn_monthly where segment = '(all)' order by month"
  winback query "select * from mart.customers" --format CSVWithNames > customers.csv
  winback query - < report.sql`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New(`give one query in quotes, or - to read it from standard input: winback query "select 1"`)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			sql := args[0]
			if sql == "-" {
				text, err := io.ReadAll(cmd.InOrStdin())
				if err != nil {
					return fmt.Errorf("read the query from standard input: %w", err)
				}
				sql = string(text)
			}
			sql, written := splitFormat(sql)
			return a.query(cmd.Context(), sql, a.format(cmp.Or(format, written)))
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "ClickHouse output `format` (default: PrettyCompact on a terminal, else TSVWithNames)")
	return cmd
}

// formatClause is a FORMAT at the end of a query, as ClickHouse's own client
// takes it.
var formatClause = regexp.MustCompile(`(?i)[\s)]format\s+([a-z][a-z0-9_]*)\s*$`)

// splitFormat takes the semicolon and the FORMAT from the end of a query: the
// format travels beside it.
func splitFormat(sql string) (query, format string) {
	sql = strings.TrimRight(sql, "; \t\r\n")
	found := formatClause.FindStringSubmatchIndex(sql)
	if found == nil {
		return sql, ""
	}
	return strings.TrimSpace(sql[:found[0]+1]), sql[found[2]:found[3]]
}

func (a *app) format(chosen string) string {
	file, isFile := a.stdout.(*os.File)
	switch {
	case chosen != "":
		return chosen
	case a.json:
		return "JSON"
	case isFile && term.IsTerminal(int(file.Fd())):
		return "PrettyCompact"
	}
	return "TSVWithNames"
}

func (a *app) query(ctx context.Context, sql, format string) (err error) {
	options, err := a.openOptions()
	if err != nil {
		return err
	}
	options.WithoutModels = true
	project, err := openProject(options)
	if err != nil {
		return err
	}
	err = a.queryOnce(ctx, project, sql, format)
	if errors.Is(err, syscall.ECONNREFUSED) && project.Config.Warehouse.Embedded() {
		// The run that had the warehouse open has ended before it heard of the query.
		err = a.queryOnce(ctx, project, sql, format)
	}
	return err
}

func (a *app) queryOnce(ctx context.Context, project *pipelines.Project, sql, format string) (err error) {
	w, err := project.OpenWarehouse(ctx, purposeOf(sql))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	result, err := w.Stream(ctx, sql, format)
	if err != nil {
		return queryError(err)
	}
	defer result.Close()
	if _, err := io.Copy(a.stdout, result); err != nil {
		return queryError(err)
	}
	return nil
}

// purposeOf says what a statement wants of the warehouse: a glance is enough for one
// that plainly reads rows of tables and asks the engine nothing about them.
func purposeOf(sql string) warehouse.Purpose {
	if readsRows.MatchString(sql) && !asksEngine.MatchString(sql) {
		return warehouse.ForGlance
	}
	return warehouse.ForQuery
}

var (
	readsRows  = regexp.MustCompile(`(?is)^\s*(select|with)\b`)
	asksEngine = regexp.MustCompile(`(?i)\b(system|information_schema|insert)\b|\b(merge|mergetree\w*)\s*\(`)
)
