package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"winback/pipelines/warehouse"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Versions of winback and of the embedded engine", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Winback string `json:"winback"`
				Go      string `json:"go"`
				Engine  string `json:"engine"`
				Library string `json:"library"`
			}{Winback: version, Go: runtime.Version()}
			library, err := warehouse.FindLibrary()
			if err == nil {
				v.Engine, v.Library = library.Version, library.Path
			}
			if a.json {
				return a.printJSON(v)
			}
			if v.Engine == "" {
				v.Engine = "not found"
			}
			_, err = fmt.Fprintf(a.stdout, "winback %s (%s, engine %s)\n", v.Winback, v.Go, v.Engine)
			return err
		},
	}
}
