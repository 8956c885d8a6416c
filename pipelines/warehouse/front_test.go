package warehouse

import (
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"winback/pipelines/engine"
	"winback/pipelines/users"
)

func TestFront_Authenticate(t *testing.T) {
	t.Parallel()
	account := func(name, secret string, role users.Role, databases ...string) users.Account {
		return users.Account{User: users.User{Name: name, Role: role, Databases: databases}, Secret: secret}
	}
	directory, err := users.NewDirectory(users.DirectoryOptions{Accounts: []users.Account{
		account("default", "", users.Analyst, "mart"), account("ann", "a", users.Analyst, "mart"), account("tom", "t", users.Grafana, "staging", "mart"),
		account("bob", "b", users.Admin), account("lou", "l", users.Loader, "raw"), account("new", "n", users.Analyst, "elsewhere"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	f := &Front{Users: directory, Limits: map[users.Role]Limit{
		users.Admin: {Memory: 1 << 30}, users.Grafana: {Time: time.Minute, Statements: 4}, users.Loader: {ResultRows: 10, ReadRows: 20},
	}}
	f.roles()
	delete(f.rights.reads, "elsewhere") // as if the user had come later
	reader := func(user, role, database string) *engine.Access {
		return &engine.Access{User: user, Role: role, Database: database, Settings: map[string]string{"readonly": "2"}}
	}
	tom := reader("tom", "limits_grafana,reads_4,reads_1", "staging")
	tom.MaxStatements, tom.MaxTime = 4, time.Minute+overtime
	const here = "127.0.0.1:8123"
	for _, c := range []struct {
		user, password, host string
		want                 *engine.Access
	}{
		{"", "", here, reader("default", "limits_analyst,reads_1", "mart")},
		{"default", "", "localhost:8123", reader("default", "limits_analyst,reads_1", "mart")},
		{"default", "", "[::1]:8123", reader("default", "limits_analyst,reads_1", "mart")},
		{"default", "", "warehouse.example:8123", nil}, // a page that has its name lead here
		{"default", "x", here, nil},
		{"ann", "a", "warehouse.example:8123", reader("ann", "limits_analyst,reads_1", "mart")},
		{"ann", "", here, nil},
		{"ann", "b", here, nil},
		{"Ann", "a", here, nil},
		{"tom", "t", here, tom},
		{"bob", "b", here, &engine.Access{User: "bob", Settings: map[string]string{"max_memory_usage": "1073741824"}}},
		{"lou", "l", here, &engine.Access{User: "lou", Role: "limits_loader,adds_3", Database: "raw"}},
		{"new", "n", here, nil}, // of a database that the engine was not told of
		{"eve", "", here, nil},
	} {
		access, err := f.authenticate(t.Context(), engine.Credentials{User: c.user, Password: c.password, Host: c.host, Remote: c.host + c.user})
		if (err == nil) != (c.want != nil) || err == nil && cmp.Diff(access, *c.want) != "" {
			t.Errorf("%s with %q at %s: %+v, %v", c.user, c.password, c.host, access, err)
		}
	}
	want := map[string]engine.Role{
		"reads_0": {Databases: []string{"elsewhere"}}, "adds_0": {Databases: []string{"elsewhere"}, Inserts: true},
		"reads_1": {Databases: []string{"mart"}}, "adds_1": {Databases: []string{"mart"}, Inserts: true},
		"limits_grafana": {Ceilings: map[string]uint64{"max_execution_time": 60}},
		"limits_loader":  {Ceilings: map[string]uint64{"max_result_rows": 10, "max_rows_to_read": 20}},
	}
	got := f.roles()
	for name, role := range want {
		if diff := cmp.Diff(role, got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if len(got) != 2*5+3 {
		t.Errorf("%d roles", len(got))
	}
}

// A front that cannot take callers any more says so: health is to fail.
func TestFront_Alive(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, server := &Front{}, &http.Server{}
	if err := f.Alive(); err != nil {
		t.Error(err)
	}
	_ = listener.Close() // as if the system took it away
	f.answer(server, listener)
	if err := f.Alive(); err == nil {
		t.Error("it counts as alive")
	}
	f = &Front{}
	_ = server.Close()
	f.answer(server, listener)
	if err := f.Alive(); err != nil {
		t.Errorf("one that was to end: %v", err)
	}
}
