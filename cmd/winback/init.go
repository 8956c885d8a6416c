package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"winback/connectors"
	"winback/connectors/all"
	"winback/connectors/spec"
	"winback/pipelines/config"
)

func (a *app) initCommand() *cobra.Command {
	o := config.InitOptions{Now: a.now}
	var sources []string
	cmd := &cobra.Command{
		Use: "init [DIR]", Short: "Begin a project: a commented winback.yaml and .env.example",
		Long: `init makes DIR (default: here) a project. Where files with orders or customers stand in DIR or
DIR/data already, their columns are looked at and the mapping is written; otherwise an
example file shows what they may look like. With --source, which may be given several times,
blocks for these connectors are written, and the secrets they want into .env.example. No file
is ever overwritten: where there is a winback.yaml, the blocks are printed to be put into it.`,
		Example: "  winback init acme\n  winback init acme --timezone Europe/Berlin --currency EUR\n  winback init acme --source bitrix24 --source woocommerce",
		Args:    atMost(1),
		RunE: func(_ *cobra.Command, args []string) (err error) {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			if o.Registry, err = all.Registry(); err != nil {
				return err
			}
			if o.Sources, err = pickConnectors(o.Registry, sources); err != nil {
				return err
			}
			return a.init(dir, o)
		},
	}
	cmd.Flags().StringVar(&o.Project, "name", "", "`name` of the project (default: the folder's)")
	cmd.Flags().StringVar(&o.Timezone, "timezone", "", "IANA time `zone` of the business day (default: the machine's)")
	cmd.Flags().StringVar(&o.Currency, "currency", "", "ISO `code` of the currency (default: that of the data, or EUR)")
	cmd.Flags().StringSliceVar(&sources, "source", nil, "`connector` to begin with; winback sources list has them")
	return cmd
}

// pickConnectors finds the connectors named.
func pickConnectors(registry *connectors.Registry, names []string) ([]*connectors.Connector, error) {
	var list []*connectors.Connector
	for _, name := range names {
		c := registry.Lookup(name)
		if c == nil {
			return nil, usageError{fmt.Errorf("--source %s: there is no connector of that name%s", name, spec.Hint(name, registry.Names()))}
		}
		list = append(list, c)
	}
	return list, nil
}

func (a *app) init(dir string, o config.InitOptions) error {
	result, err := config.Init(dir, o)
	var wrong *config.Error
	var exists *config.ExistsError
	switch {
	case errors.As(err, &wrong):
		return usageError{err}
	case errors.As(err, &exists) && len(o.Sources) > 0:
		return a.printBlocks(exists.Path, o)
	case err != nil:
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
	steps := []string{}
	if filepath.Clean(dir) != "." {
		steps = append(steps, "cd "+dir)
	}
	next := strings.Join(append(steps, "winback run"), " && ")
	if len(result.Sources) > 0 {
		next = strings.Join(append(steps, "copy .env.example to .env and fill it in", "winback sources check", "winback run"), ", ")
	}
	fmt.Fprintf(a.stdout, "\nRead winback.yaml: it says what it takes for what. Then: %s\n", next)
	return nil
}

// printBlocks shows what is to be added to a configuration that is there.
func (a *app) printBlocks(path string, o config.InitOptions) error {
	blocks := config.SourceBlocks(o.Sources, a.sourceNames(path, o.Registry)...)
	if a.json {
		return a.printJSON(config.InitResult{Wrote: []string{}, Kept: []string{path}, Sources: blocks})
	}
	a.say("%s is there and stays as it is. Put this below its line \"sources:\":", path)
	for _, b := range blocks {
		fmt.Fprint(a.stdout, b.YAML)
	}
	for _, b := range blocks {
		for _, v := range b.Variables {
			a.say("Into .env: %s=  (%s)", v.Name, v.Doc)
		}
	}
	return nil
}

// sourceNames are the names that a configuration gives its sources already, as far as
// it can be read.
func (a *app) sourceNames(path string, registry *connectors.Registry) []string {
	c, err := config.Load(path, registry, config.SystemEnv())
	if err != nil {
		return nil
	}
	names := make([]string, len(c.Sources))
	for i := range c.Sources {
		names[i] = c.Sources[i].Name
	}
	return names
}
