package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"winback/pipelines/config"
)

func (a *app) initCommand() *cobra.Command {
	o := config.InitOptions{Now: a.now}
	cmd := &cobra.Command{
		Use: "init [DIR]", Short: "Begin a project: a commented winback.yaml and .env.example",
		Long: `init makes DIR (default: here) a project. Where files with orders or customers stand in DIR or
DIR/data already, their columns are looked at and the mapping is written; otherwise an
example file shows what they may look like. No file is ever overwritten.`,
		Example: "  winback init acme\n  winback init acme --timezone Europe/Berlin --currency EUR",
		Args:    atMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return a.init(dir, o)
		},
	}
	cmd.Flags().StringVar(&o.Project, "name", "", "`name` of the project (default: the folder's)")
	cmd.Flags().StringVar(&o.Timezone, "timezone", "", "IANA time `zone` of the business day (default: the machine's)")
	cmd.Flags().StringVar(&o.Currency, "currency", "", "ISO `code` of the currency (default: that of the data, or EUR)")
	return cmd
}

func (a *app) init(dir string, o config.InitOptions) error {
	result, err := config.Init(dir, o)
	var wrong *config.Error
	if errors.As(err, &wrong) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(result)
	}
	for _, path := range result.Wrote {
		fmt.Fprintln(a.stdout, "wrote", path)
	}
	for _, path := range result.Kept {
		fmt.Fprintln(a.stdout, "kept ", path)
	}
	for _, note := range result.Found.Notes() {
		fmt.Fprintln(a.stdout, note)
	}
	next := "winback run"
	if filepath.Clean(dir) != "." {
		next = fmt.Sprintf("cd %s && winback run", dir)
	}
	fmt.Fprintf(a.stdout, "\nRead winback.yaml: it says what it takes for what. Then: %s\n", next)
	return nil
}
