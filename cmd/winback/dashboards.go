package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"winback/dashboards"
	"winback/dashboards/grafana"
	"winback/pipelines/config"
)

func (a *app) dashboardsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dashboards", Short: "Put the dashboards into Grafana, and bring back what was edited there", RunE: pickSubcommand,
		Long: `dashboards keeps a Grafana in step with the files: folder, data source, dashboards, alert rules and
where alerts are told. Which Grafana is in winback.yaml, grafana; it wants the token of a service
account with the role Admin, and the plugin grafana-clickhouse-datasource.`,
	}
	cmd.AddCommand(a.provisionCommand(), a.diffCommand(), a.pullCommand(), a.filesCommand())
	return cmd
}

func (a *app) provisionCommand() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use: "provision [--force]", Short: "Make or update folder, data source, dashboards and alert rules in Grafana",
		Long: `provision makes what is missing and changes what winback wrote earlier; run again, it changes
nothing. What somebody edited in Grafana is left as it is, and the exit code is 3: fetch the
edit with "winback dashboards pull", or overwrite it with --force (a dashboard's history keeps it).`,
		Example: "  winback dashboards provision\n  winback dashboards provision --force",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.provision(cmd.Context(), force) },
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite what was edited in Grafana")
	return cmd
}

func (a *app) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use: "diff", Short: "What was edited in Grafana since winback wrote it",
		Long: `diff compares each dashboard of Grafana with its file and shows every place that differs: the file's
value after -, Grafana's after +. It changes nothing.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.diff(cmd.Context()) },
	}
}

func (a *app) pullCommand() *cobra.Command {
	dir := ""
	cmd := &cobra.Command{
		Use: "pull [--dir FOLDER]", Short: "Write what was edited or made in Grafana into files",
		Long: `pull writes each dashboard that was edited in Grafana, or made in winback's folder there, to
<uid>.json of a folder, in the form that files are kept in: what differs from winback's own file
is the edit. Named as grafana.dashboards in the configuration, the folder's files take the place
of winback's.`,
		Example: "  winback dashboards pull\n  winback dashboards pull --dir dashboards",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.pull(cmd.Context(), dir) },
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`folder` for the files (default: the configuration's grafana.dashboards)")
	return cmd
}

// grafanaProject is a Grafana that answers, and the dashboards it is to have.
type grafanaProject struct {
	*grafana.Grafana
	boards []grafana.Board
	pulled map[string]string
	dir    string
}

// openGrafana reads the configuration and connects. dir stands for the
// configuration's folder of dashboards, if given.
func (a *app) openGrafana(ctx context.Context, dir string) (*grafanaProject, error) {
	project, err := a.project()
	if err != nil {
		return nil, err
	}
	c := &project.Config.Settings
	if c.Grafana.URL == "" {
		return nil, usageError{errors.New("there is no Grafana: name grafana.url and grafana.token in the configuration")}
	}
	p := &grafanaProject{dir: dir}
	if dir == "" {
		p.dir = string(c.Grafana.Dashboards)
	}
	if p.boards, p.pulled, err = chooseBoards(p.dir); err != nil {
		return nil, usageError{err}
	}
	settings, err := grafanaSettings(c)
	if err != nil {
		return nil, usageError{err}
	}
	p.Grafana, err = grafana.Connect(ctx, settings)
	return p, err
}

// chooseBoards are winback's dashboards, those of the folder in the place of theirs,
// and those that are the folder's alone.
func chooseBoards(dir string) (boards []grafana.Board, pulled map[string]string, err error) {
	var own []grafana.Board
	if dir != "" {
		if own, pulled, err = grafana.ReadFolder(dir); err != nil {
			return nil, nil, err
		}
	}
	taken := map[string]bool{}
	for _, b := range own {
		taken[b.UID] = true
	}
	known, err := dashboards.Load("EUR") // for their order; the files are read as they are
	if err != nil {
		return nil, nil, err
	}
	for _, d := range known {
		if taken[d.UID] {
			continue
		}
		text, err := dashboards.Files.ReadFile(d.UID + ".json")
		if err != nil {
			return nil, nil, fmt.Errorf("read the dashboard %s: %w", d.UID, err)
		}
		boards = append(boards, grafana.Board{UID: d.UID, Title: d.Title, Text: text})
	}
	return append(boards, own...), pulled, nil
}

// grafanaSettings are the configuration in the words of dashboards/grafana.
func grafanaSettings(c *config.Settings) (grafana.Settings, error) {
	g, d := &c.Grafana, &c.Grafana.DataSource
	s := grafana.Settings{
		URL: g.URL, Token: g.Token.Reveal(), Org: int64(g.Org), Folder: g.Folder, Program: version, Currency: c.Currency,
		DataSource: grafana.DataSource{
			Name: d.Name, URL: d.URL, User: d.User, Password: d.Password.Reveal(), Database: d.Database,
			DialSeconds: d.DialTimeout, QuerySeconds: d.QueryTimeout, Headers: map[string]string{}, Custom: d.Settings,
		},
		Contact: grafana.Contact{Mail: g.Alerts.Email, Webhook: g.Alerts.Webhook.Reveal(), Name: g.Alerts.ContactPoint},
	}
	for name, value := range d.Headers {
		s.DataSource.Headers[name] = value.Reveal()
	}
	if s.DataSource.URL == "" {
		s.DataSource.URL = warehouseAddress(c)
	}
	var err error
	if g.CAFile != "" {
		if s.CA, err = os.ReadFile(string(g.CAFile)); err != nil {
			return s, fmt.Errorf("read grafana.ca_file: %w", err)
		}
	}
	if d.CAFile != "" {
		authority, err := os.ReadFile(string(d.CAFile))
		if err != nil {
			return s, fmt.Errorf("read grafana.datasource.ca_file: %w", err)
		}
		s.DataSource.CA = string(authority)
	}
	return s, nil
}

// warehouseAddress is where the warehouse answers, for a Grafana on this machine.
func warehouseAddress(c *config.Settings) string {
	if !c.Warehouse.Embedded() {
		return c.Warehouse.URL
	}
	scheme := "http://"
	if c.Serve.TLS.On() {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(c.Serve.Listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return scheme + net.JoinHostPort("127.0.0.1", port)
	}
	return scheme + c.Serve.Listen
}

func (a *app) provision(ctx context.Context, force bool) error {
	p, err := a.openGrafana(ctx, "")
	if err != nil {
		return err
	}
	changes, err := p.Provision(ctx, grafana.Options{Boards: p.boards, Pulled: p.pulled, Force: force})
	if a.json {
		err = errors.Join(err, a.printJSON(append([]grafana.Change{}, changes...)))
	}
	refused := 0
	counts := map[grafana.Action]int{}
	for _, c := range changes {
		counts[c.Action]++
		if c.Action == grafana.Refused {
			refused++
		}
		if a.json || a.quiet && c.Action == grafana.LeftAlone && c.Detail == "" {
			continue
		}
		line := fmt.Sprintf("%-10s  %-13s  %s", c.Action, c.Kind, c.Name)
		if c.Detail != "" {
			line += ": " + c.Detail
		}
		fmt.Fprintln(a.stdout, line)
	}
	if err != nil {
		return err
	}
	a.say("%d created, %d changed, %d left alone, %d refused.", counts[grafana.Created], counts[grafana.Changed], counts[grafana.LeftAlone], refused)
	if refused > 0 {
		a.say("What is refused stays as it is in Grafana: winback dashboards diff shows edits, pull fetches them, provision --force overwrites them.")
		return errPartly
	}
	return nil
}

// diffLine is how one dashboard stands.
type diffLine struct {
	UID         string               `json:"uid"`
	Standing    grafana.Standing     `json:"standing"`
	Differences []grafana.Difference `json:"differences,omitempty"`
}

func (a *app) diff(ctx context.Context) error {
	p, err := a.openGrafana(ctx, "")
	if err != nil {
		return err
	}
	all, err := p.Compare(ctx, p.boards, p.pulled)
	if err != nil {
		return err
	}
	if a.json {
		lines := []diffLine{}
		for _, c := range all {
			lines = append(lines, diffLine{c.UID, c.Standing, c.Differences})
		}
		return a.printJSON(lines)
	}
	for _, c := range all {
		a.printComparison(c)
	}
	return nil
}

func (a *app) printComparison(c *grafana.Comparison) {
	words := map[grafana.Standing]string{
		grafana.Missing: "not in Grafana yet", grafana.Same: "as its file has it", grafana.Older: "to be updated: the file is newer",
		grafana.Foreign: "Grafana reads it from another file, on its server", grafana.Extra: "made in Grafana; there is no file of it",
		grafana.Edited: c.Who(),
	}
	fmt.Fprintf(a.stdout, "%s: %s\n", c.UID, words[c.Standing])
	if c.Standing == grafana.Same || c.Standing == grafana.Extra {
		return
	}
	for _, d := range c.Differences {
		fmt.Fprintf(a.stdout, "  %s\n", d.Path)
		if d.Was != "" {
			fmt.Fprintf(a.stdout, "    - %s\n", d.Was)
		}
		if d.Is != "" {
			fmt.Fprintf(a.stdout, "    + %s\n", d.Is)
		}
	}
}

func (a *app) pull(ctx context.Context, dir string) error {
	p, err := a.openGrafana(ctx, dir)
	if err != nil {
		return err
	}
	if p.dir == "" {
		return usageError{errors.New("pull wants a folder for the files: --dir, or grafana.dashboards in the configuration")}
	}
	all, err := p.Compare(ctx, p.boards, p.pulled)
	if err != nil {
		return err
	}
	written, err := grafana.Pull(p.dir, all)
	if a.json {
		return errors.Join(err, a.printJSON(append([]string{}, written...)))
	}
	for _, file := range written {
		fmt.Fprintln(a.stdout, file)
	}
	if err == nil && len(written) == 0 {
		a.say("Nothing was edited in Grafana that is not in the files.")
	}
	return err
}
