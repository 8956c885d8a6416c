package main

import (
	"github.com/spf13/cobra"

	"winback/connectors/all"
	"winback/pipelines/config"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Look at the configuration", RunE: pickSubcommand}
	cmd.AddCommand(&cobra.Command{
		Use: "schema", Short: "The JSON schema of winback.yaml, for editors to complete and check by",
		Long: `schema prints the JSON schema of winback.yaml with the keys of every connector. "winback init" writes it beside
the configuration, whose first line names it for editors that know yaml-language-server; after an update of winback
write it anew.`,
		Example: "  winback config schema > " + config.SchemaFile,
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			registry, err := all.Registry()
			if err != nil {
				return err
			}
			text, err := config.JSONSchema(registry)
			if err == nil {
				_, err = a.stdout.Write(text)
			}
			return err
		},
	})
	return cmd
}
