package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"winback/dashboards/grafana"
)

func (a *app) filesCommand() *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use: "files --out FOLDER", Short: "The same as files, for a Grafana that is set up from its own disk",
		Long: `files writes what provision would make as files that Grafana reads at start: provisioning/ goes to
Grafana's folder of that name, dashboards/ to ` + grafana.DiskPath + `.
No secret is in them: they name variables of Grafana's environment, such as
WINBACK_GRAFANA_PASSWORD. Neither Grafana nor its token is needed for it.`,
		Example: "  winback dashboards files --out grafana",
		Args:    noArguments,
		RunE:    func(*cobra.Command, []string) error { return a.writeGrafanaFiles(out) },
	}
	cmd.Flags().StringVar(&out, "out", "grafana", "`folder` for the files")
	return cmd
}

func (a *app) writeGrafanaFiles(out string) error {
	project, err := a.project()
	if err != nil {
		return err
	}
	c := &project.Config.Settings
	boards, _, err := chooseBoards(string(c.Grafana.Dashboards))
	if err != nil {
		return usageError{err}
	}
	settings, err := grafanaSettings(c)
	if err != nil {
		return usageError{err}
	}
	files, err := settings.Files(boards)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make a folder for Grafana's files: %w", err)
		}
		if err := renameio.WriteFile(path, files[name], 0o644); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		if !a.json {
			fmt.Fprintln(a.stdout, path)
		}
	}
	if a.json {
		return a.printJSON(slices.Sorted(maps.Keys(files)))
	}
	return nil
}
