package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"winback/connectors/spec"
	"winback/pipelines"
	"winback/pipelines/config"
	"winback/pipelines/users"
)

func (a *app) usersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "users", Short: "Who may log in to winback serve", RunE: pickSubcommand,
		Long: `Users of winback serve stand in users.json in the project's home, or where serve.users_file says,
with their passwords as argon2id hashes; only the file's owner may read it. A running service sees
a change at once: whoever is removed, or given another password, is stopped in what they do.

Users that stand in the configuration, serve.users, are changed there.`,
	}
	cmd.AddCommand(a.usersAddCommand(), a.usersListCommand(), a.usersPasswordCommand(), a.usersRemoveCommand(), a.usersRolesCommand())
	return cmd
}

const howPasswordsCome = `
The password is asked for, twice, and not shown. Where nobody is there to ask, it is the first line
of standard input, or of the file that --password-file names. With --make, or where nothing is
typed, one is made and printed, this once. It is never an argument: arguments show in the list of
processes.`

func (a *app) usersAddCommand() *cobra.Command {
	var role string
	var databases []string
	var from passwordSource
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a user", Args: oneUser,
		Long: "Adds a user. winback users roles tells what each role may do." + howPasswordsCome,
		Example: `  winback users add anna --role analyst
  winback users add tom --role analyst --databases mart,staging --make
  winback users add grafana --role grafana --password-file /run/secrets/grafana`,
		RunE: func(cmd *cobra.Command, args []string) error {
			u := users.User{Name: args[0], Role: users.Role(role), Databases: databases}
			return a.addUser(cmd, u, from)
		},
	}
	cmd.Flags().StringVar(&role, "role", string(users.Analyst), "admin, analyst, grafana or loader")
	cmd.Flags().StringSliceVar(&databases, "databases", nil, "`names` of the databases the user works in, with commas (default: mart, for a loader raw)")
	from.flags(cmd)
	return cmd
}

func (a *app) usersPasswordCommand() *cobra.Command {
	var from passwordSource
	cmd := &cobra.Command{
		Use: "passwd NAME", Short: "Give a user another password", Args: oneUser,
		Long: "Gives a user another password; the old one is refused from then on." + howPasswordsCome,
		RunE: func(cmd *cobra.Command, args []string) error { return a.changePassword(cmd, args[0], from) },
	}
	from.flags(cmd)
	return cmd
}

func (a *app) usersListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Each user, their role and databases", Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.listUsers() },
	}
}

func (a *app) usersRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a user, and stop what they do", Args: oneUser,
		RunE: func(cmd *cobra.Command, args []string) error { return a.removeUser(cmd.Context(), args[0]) },
	}
}

func (a *app) usersRolesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "roles", Short: "What each role may do, and its limits", Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.listRoles() },
	}
}

func oneUser(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return usageError{errors.New("name one user (winback users list shows them)")}
	case len(args) > 1:
		return usageError{errors.New("name one user and nothing else: a password is not an argument, it is asked for")}
	}
	return nil
}

// usersOf gives the file of users, and refuses a user of the configuration.
func (a *app) usersOf(name string) (*pipelines.Project, *users.File, error) {
	project, err := a.projectWithoutModels()
	if err != nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(project.Config.Serve.Users, func(u config.User) bool { return u.Name == name }) {
		return nil, nil, usageError{fmt.Errorf("user %s stands in %s: change it there, under serve.users", name, project.Config.Path)}
	}
	return project, project.UsersFile(), nil
}

func (a *app) projectWithoutModels() (*pipelines.Project, error) {
	options, err := a.openOptions()
	if err != nil {
		return nil, err
	}
	options.WithoutModels = true
	return openProject(options)
}

func (a *app) addUser(cmd *cobra.Command, u users.User, from passwordSource) error {
	_, file, err := a.usersOf(u.Name)
	if err != nil {
		return err
	}
	if err := file.Accepts(u); err != nil {
		return usageError{err}
	}
	password, made, err := a.password(cmd, u.Name, from)
	if err != nil {
		return err
	}
	if err := file.Add(cmd.Context(), u, password, a.now()); err != nil {
		return err
	}
	databases := u.Databases
	if len(databases) == 0 {
		databases = u.Role.Databases()
	}
	a.say("%s may log in as %s%s.", u.Name, u.Role, ofDatabases(databases))
	return a.tellPassword(u.Name, password, made)
}

func ofDatabases(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " of " + strings.Join(names, " and ")
}

func (a *app) changePassword(cmd *cobra.Command, name string, from passwordSource) error {
	_, file, err := a.usersOf(name)
	if err != nil {
		return err
	}
	if err := file.Has(name); err != nil {
		return a.noSuchUser(file, err)
	}
	password, made, err := a.password(cmd, name, from)
	if err != nil {
		return err
	}
	if err := file.SetPassword(cmd.Context(), name, password, a.now()); err != nil {
		return a.noSuchUser(file, err)
	}
	a.say("%s has another password.", name)
	return a.tellPassword(name, password, made)
}

// tellPassword prints a password that was made: nobody else knows it.
func (a *app) tellPassword(name, password string, made bool) error {
	switch {
	case a.json && made:
		return a.printJSON(map[string]string{"name": name, "password": password})
	case a.json:
		return a.printJSON(map[string]string{"name": name})
	case made:
		a.say("The password, shown this once:")
		_, err := fmt.Fprintln(a.stdout, password)
		return err
	}
	return nil
}

func (a *app) removeUser(ctx context.Context, name string) error {
	_, file, err := a.usersOf(name)
	if err != nil {
		return err
	}
	if err := file.Remove(ctx, name); err != nil {
		return a.noSuchUser(file, err)
	}
	a.say("%s is removed; a running service ends what they do within seconds.", name)
	return nil
}

// noSuchUser hints at a name that was meant.
func (a *app) noSuchUser(file *users.File, err error) error {
	var unknown *users.UnknownError
	list, failed := file.Read()
	if !errors.As(err, &unknown) || failed != nil {
		return err
	}
	var names []string
	for _, u := range list {
		names = append(names, u.Name)
	}
	return usageError{fmt.Errorf("%w%s", err, spec.Hint(unknown.Name, names))}
}

// userLine is a user for people and programs.
type userLine struct {
	Name      string     `json:"name"`
	Role      users.Role `json:"role"`
	Databases []string   `json:"databases"`
	// From is where the user stands: file or configuration.
	From      string    `json:"from"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
}

func (a *app) listUsers() error {
	project, err := a.projectWithoutModels()
	if err != nil {
		return err
	}
	file := project.UsersFile()
	list, err := file.Read()
	if err != nil {
		return err
	}
	lines := []userLine{}
	for _, u := range project.Config.Serve.Users {
		account := u.Account()
		lines = append(lines, userLine{account.Name, account.Role, account.Databases, "configuration", time.Time{}})
	}
	for _, u := range list {
		lines = append(lines, userLine{u.Name, u.Role, u.Databases, "file", u.ChangedAt})
	}
	if a.json {
		return a.printJSON(lines)
	}
	if warning, err := file.Readable(); err == nil && warning != "" {
		a.say("Warning: %s", warning)
	}
	if len(lines) == 0 {
		a.say("No users: everybody on this machine may read, without a password. winback users add NAME --role analyst")
		return nil
	}
	t := a.newTable("name", "role", "databases", "stands in", "password of")
	for _, l := range lines {
		t.AppendRow(table.Row{l.Name, l.Role, strings.Join(l.Databases, ", "), l.From, moment(l.ChangedAt, project.Config.Location)})
	}
	t.Render()
	return nil
}

// roleLine is a role for people and programs; limits of 0 are none.
type roleLine struct {
	Role       users.Role `json:"role"`
	Says       string     `json:"says"`
	Seconds    float64    `json:"seconds"`
	Memory     int64      `json:"memory_bytes"`
	ResultRows int        `json:"result_rows"`
	ReadRows   int        `json:"read_rows"`
	Statements int        `json:"statements"`
}

func (a *app) listRoles() error {
	project, err := a.projectWithoutModels()
	if err != nil {
		return err
	}
	var lines []roleLine
	t := a.newTable("role", "what for", "a statement may take", "rows of a result", "statements at once")
	unless := func(none bool, value any) any {
		if none {
			return "any"
		}
		return value
	}
	for _, role := range users.Roles() {
		l := project.Config.Serve.Limits.Of(role)
		lines = append(lines, roleLine{role, role.Says(), l.Time.Seconds(), int64(l.Memory), l.ResultRows, l.ReadRows, l.Statements})
		takes := fmt.Sprintf("%v, %v", unless(l.Time == 0, l.Time), unless(l.Memory == 0, l.Memory))
		t.AppendRow(table.Row{role, role.Says(), takes, unless(l.ResultRows == 0, l.ResultRows), unless(l.Statements == 0, l.Statements)})
	}
	if a.json {
		return a.printJSON(lines)
	}
	t.Render()
	a.say("Limits are those of serve.limits in %s.", project.Config.Path)
	return nil
}
