package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"winback/pipelines"
)

func (a *app) exportCommand() *cobra.Command {
	var o pipelines.ExportOptions
	var delimiter string
	cmd := &cobra.Command{
		Use:   `export TABLE|"SELECT …" --to FILE`,
		Short: "Write a table or a query's result into a .csv, .xlsx or .parquet file",
		Long: `export writes a table, or the result of a query, into a file whose ending names the format.
A table without a database is a mart. The file appears when it is whole; until then, and after
any error, the one that was there stays.

A workbook gets a sheet that says what each column means. Texts that a spreadsheet would run as
a formula are harmless in both: text cells in a workbook, an apostrophe before them in a CSV file.
Instants are in the zone of their column, which is UTC for all of winback's own.

Of winback_candidates it writes the list to work through, in the order of priority: those to be
contacted within the days of the list. --where of your own, as --where true, means all rows.
E-mail addresses and phone numbers in a workbook are links.`,
		Example: `  winback export customers --to customers.xlsx
  winback export customers --to call.csv --where "status = 'sleeping'" --order-by "revenue_12m desc" --limit 200
  winback export customers --to customers.csv --delimiter ";" --bom --columns name,phones,status
  winback export winback_candidates --to monday.xlsx
  winback export raw.shop_orders --to orders.parquet
  winback export "select month, churn_pct from mart.churn_monthly" --to churn.xlsx`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New(`name one table, or give one query in quotes: winback export customers --to customers.xlsx`)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.From = args[0]; o.To == "" {
				return usageError{errors.New("say which file to write: --to customers.xlsx (or .csv, .parquet)")}
			}
			if o.CSV.Delimiter, err = oneRune(delimiter); err != nil {
				return usageError{err}
			}
			return a.export(cmd, o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.To, "to", "", "`file` to write: .csv, .xlsx or .parquet")
	flags.StringSliceVar(&o.Columns, "columns", nil, "`columns` to write, in this order (default: all)")
	flags.StringVar(&o.Where, "where", "", "SQL `condition` for the rows")
	flags.StringVar(&o.OrderBy, "order-by", "", "SQL `order` of the rows (default: the table's own)")
	flags.Uint64Var(&o.Limit, "limit", 0, "at most so many rows")
	flags.BoolVar(&o.WithoutPersonalData, "without-personal-data", false, "leave out the columns that hold personal data")
	flags.StringVar(&delimiter, "delimiter", "", "what stands between the values of a CSV file; tab for a tabulator (default \",\")")
	flags.BoolVar(&o.CSV.BOM, "bom", false, "begin a CSV file with the mark by which Excel knows UTF-8")
	flags.BoolVar(&o.CSV.KeepFormulas, "keep-formulas", false, "write texts like =1+1 into a CSV file as they are")
	return cmd
}

// oneRune reads a delimiter; 0 when none is given.
func oneRune(text string) (rune, error) {
	switch {
	case text == "":
		return 0, nil
	case text == "tab" || text == `\t`:
		return '\t', nil
	case utf8.RuneCountInString(text) > 1:
		return 0, fmt.Errorf("--delimiter is one character, not %q", text)
	}
	r, _ := utf8.DecodeRuneInString(text)
	return r, nil
}

type exportLine struct {
	File         string   `json:"file"`
	Format       string   `json:"format"`
	Rows         int64    `json:"rows"`
	Columns      []string `json:"columns"`
	Bytes        int64    `json:"bytes"`
	Sheets       int      `json:"sheets,omitempty"`
	PersonalData []string `json:"personal_data"`
	Notes        []string `json:"notes"`
	Seconds      float64  `json:"seconds"`
}

func (a *app) export(cmd *cobra.Command, o pipelines.ExportOptions) error {
	project, err := a.project()
	if err != nil {
		return err
	}
	started := time.Now()
	r, err := project.Export(cmd.Context(), o)
	switch {
	case cmd.Context().Err() != nil:
		return cmd.Context().Err()
	case errors.As(err, new(*pipelines.ExportError)):
		return usageError{err}
	case err != nil:
		return queryError(err)
	}
	for _, note := range r.Notes {
		a.say("Note: %s.", note)
	}
	if len(r.PersonalData) > 0 {
		a.say("Note: %s holds personal data: %s.", filepath.Base(o.To), strings.Join(r.PersonalData, ", "))
	}
	return a.printExport(o.To, r, time.Since(started))
}

func (a *app) printExport(file string, r pipelines.ExportResult, took time.Duration) error {
	if a.json {
		line := exportLine{
			File: file, Format: string(r.Format), Rows: r.Rows, Columns: make([]string, len(r.Columns)), Bytes: r.Bytes, Sheets: r.Sheets,
			PersonalData: r.PersonalData, Notes: append([]string{}, r.Notes...), Seconds: took.Seconds(),
		}
		for i, column := range r.Columns {
			line.Columns[i] = column.Name
		}
		return a.printJSON(line)
	}
	_, err := fmt.Fprintf(a.stdout, "%s: %s, %s, %s, %s\n", file, plural(r.Rows, "row"), plural(len(r.Columns), "column"), size(r.Bytes), seconds(took))
	return err
}
