package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"winback/connectors/all"
	"winback/connectors/spec"
	"winback/pipelines/config"
)

func (a *app) sourcesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "sources", Short: "Look at the connectors and at the configured sources", RunE: pickSubcommand}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "The connectors there are, what they read and need, and the sources configured here", Args: noArguments,
			RunE: func(*cobra.Command, []string) error { return a.listSources() },
		},
		&cobra.Command{
			Use: "describe CONNECTOR", Short: "A connector: what it reads and needs, its configuration keys and an example", Args: atMost(1),
			Long: `describe says of a connector which entities it fills and from what, how it notices changes and deletions,
which permissions it needs and where to get them, the limits it keeps, its keys with defaults, and prints a block for
winback.yaml. "winback init --source NAME" writes that block into a new project.`,
			Example: "  winback sources describe bitrix24\n  winback sources describe files --json",
			RunE:    func(_ *cobra.Command, args []string) error { return a.describeConnector(args) },
		},
		&cobra.Command{
			Use: "check [SOURCE | FILE…]", Short: "Try the configured sources without landing anything, or propose a mapping for files",
			Long: `check opens what the configured sources would read, shows three rows, as found and as read, and says
what is wrong. Data files beside the configuration that no dataset reads are named. Given files, of
any format that can be read, it says what they seem to hold, what each column looks like and how sure
that is, and prints the mapping as it can be put into winback.yaml.`,
			Example: "  winback sources check\n  winback sources check shop\n  winback sources check exports/deals.xlsx exports/*.csv",
			RunE:    func(cmd *cobra.Command, args []string) error { return a.checkSources(cmd.Context(), args) },
		},
	)
	return cmd
}

// connectorLine is a connector in the list.
type connectorLine struct {
	Name    string   `json:"name"`
	Summary string   `json:"summary"`
	Reads   []string `json:"reads"` // entities; none for any
	Needs   []string `json:"needs"`
	Sources []string `json:"sources"`
}

func (a *app) listSources() error {
	registry, err := all.Registry()
	if err != nil {
		return err
	}
	configured := map[string][]string{}
	project, err := a.projectIfAny()
	if err != nil {
		return err
	}
	if project != nil {
		for _, s := range project.Sources {
			configured[s.Connector.Name] = append(configured[s.Connector.Name], s.Name)
		}
	}
	list := []connectorLine{}
	for _, name := range registry.Names() {
		c := registry.Lookup(name)
		line := connectorLine{Name: name, Summary: c.Summary, Reads: []string{}, Needs: append([]string{}, c.Needs...), Sources: append([]string{}, configured[name]...)}
		for _, r := range c.Reads {
			line.Reads = append(line.Reads, r.Entity.FullName())
		}
		list = append(list, line)
	}
	if a.json {
		return a.printJSON(list)
	}
	t := a.newTable("connector", "what it is", "configured here as")
	for _, c := range list {
		t.AppendRow(table.Row{c.Name, c.Summary, strings.Join(c.Sources, ", ")})
	}
	t.Render()
	for _, c := range list {
		fmt.Fprintf(a.stdout, "\n%s\n  reads  %s\n", c.Name, byDomain(c.Reads))
		for i, need := range c.Needs {
			fmt.Fprintf(a.stdout, "  %-5s  %s\n", []string{"needs", ""}[min(i, 1)], need)
		}
	}
	fmt.Fprintln(a.stdout, "\nMore of one: winback sources describe NAME; a project with some: winback init DIR --source NAME")
	return nil
}

// byDomain writes entities in groups: crm: customers, deals; shop: orders.
func byDomain(entities []string) string {
	if len(entities) == 0 {
		return "any entity, by a mapping"
	}
	var domains []string
	names := map[string][]string{}
	for _, full := range entities {
		domain, name, _ := strings.Cut(full, ".")
		if names[domain] == nil {
			domains = append(domains, domain)
		}
		names[domain] = append(names[domain], name)
	}
	for i, domain := range domains {
		domains[i] = domain + ": " + strings.Join(names[domain], ", ")
	}
	return strings.Join(domains, "; ")
}

// connectorPage is a connector as a program reads it.
type connectorPage struct {
	Name    string        `json:"name"`
	Summary string        `json:"summary"`
	Reads   []entityReads `json:"reads"` // none: any entity
	Needs   []string      `json:"needs"`
	Limits  []string      `json:"limits"`
	Keys    []spec.Field  `json:"keys"`
	Common  []spec.Field  `json:"common_keys"` // of every source
	Example string        `json:"example"`
}

type entityReads struct {
	Entity    string `json:"entity"`
	From      string `json:"from"`
	Changes   string `json:"changes"`
	Deletions string `json:"deletions"`
}

func (a *app) describeConnector(args []string) error {
	registry, err := all.Registry()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return usageError{fmt.Errorf("name a connector: winback sources describe %s", strings.Join(registry.Names(), "|"))}
	}
	c := registry.Lookup(args[0])
	if c == nil {
		return usageError{fmt.Errorf("unknown connector %q%s", args[0], spec.Hint(args[0], registry.Names()))}
	}
	page := connectorPage{
		Name: c.Name, Summary: c.Summary, Reads: []entityReads{}, Needs: append([]string{}, c.Needs...), Limits: append([]string{}, c.Limits...),
		Keys: spec.Describe(c.NewConfig()), Common: spec.Describe(&config.SourceSettings{}), Example: c.Example,
	}
	for _, r := range c.Reads {
		page.Reads = append(page.Reads, entityReads{r.Entity.FullName(), r.From, r.Changes, r.Deletions})
	}
	if a.json {
		return a.printJSON(page)
	}
	a.printConnector(page)
	return nil
}

func (a *app) printConnector(p connectorPage) {
	fmt.Fprintf(a.stdout, "%s: %s\n", p.Name, p.Summary)
	a.printSentences("NEEDS", p.Needs)
	fmt.Fprintln(a.stdout, "\nREADS")
	if len(p.Reads) == 0 {
		fmt.Fprintln(a.stdout, "any entity, by a mapping in the configuration")
	} else {
		t := a.newTable("entity", "from", "changes", "deletions")
		for _, r := range p.Reads {
			t.AppendRow(table.Row{r.Entity, r.From, r.Changes, r.Deletions})
		}
		t.Render()
	}
	a.printSentences("LIMITS", p.Limits)
	fmt.Fprintln(a.stdout, "\nKEYS")
	t := a.newTable("key", "type", "default", "meaning")
	t.SetColumnConfigs([]table.ColumnConfig{ // longer texts go on below
		{Name: "type", WidthMax: 24, WidthMaxEnforcer: text.WrapSoft}, {Name: "meaning", WidthMax: 100, WidthMaxEnforcer: text.WrapSoft},
	})
	for _, f := range spec.Flatten(append(slices.Clone(p.Keys), p.Common...)) {
		t.AppendRow(table.Row{f.Path, f.Type, f.Default, f.Meaning()})
	}
	t.Render()
	if p.Example != "" {
		fmt.Fprintf(a.stdout, "\nEXAMPLE\nsources:\n  %s:\n", p.Name)
		for line := range strings.Lines(p.Example) {
			fmt.Fprint(a.stdout, "    ", line)
		}
	}
}

func (a *app) printSentences(title string, sentences []string) {
	if len(sentences) == 0 {
		return
	}
	fmt.Fprintf(a.stdout, "\n%s\n", title)
	for _, s := range sentences {
		fmt.Fprintln(a.stdout, "-", s)
	}
}
