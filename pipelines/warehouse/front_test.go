package warehouse

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"winback/pipelines/engine"
)

func TestFront_Authenticate(t *testing.T) {
	f := &Front{Users: []User{
		{Name: "default", Databases: []string{"mart"}},
		{Name: "ann", Password: "a", Databases: []string{"mart"}},
		{Name: "tom", Password: "t", Databases: []string{"staging", "mart"}},
		{Name: "bob", Password: "b", Admin: true},
	}}
	reader := func(role, database string) *engine.Access {
		return &engine.Access{Role: role, Database: database, Settings: map[string]string{"readonly": "2"}}
	}
	const here = "127.0.0.1:8123"
	for _, c := range []struct {
		user, password, host string
		want                 *engine.Access
	}{
		{"", "", here, reader("reader_1", "mart")},
		{"default", "", "localhost:8123", reader("reader_1", "mart")},
		{"default", "", "[::1]:8123", reader("reader_1", "mart")},
		{"default", "", "warehouse.example:8123", nil}, // a page that has its name lead here
		{"default", "x", here, nil},
		{"ann", "a", "warehouse.example:8123", reader("reader_1", "mart")},
		{"ann", "", here, nil},
		{"ann", "b", here, nil},
		{"Ann", "a", here, nil},
		{"tom", "t", here, reader("reader_2", "staging")},
		{"bob", "b", here, &engine.Access{}},
		{"eve", "", here, nil},
	} {
		access, err := f.authenticate(t.Context(), engine.Credentials{User: c.user, Password: c.password, Host: c.host})
		if (err == nil) != (c.want != nil) || err == nil && cmp.Diff(access, *c.want) != "" {
			t.Errorf("%s with %q at %s: %+v, %v", c.user, c.password, c.host, access, err)
		}
	}
	want := map[string]engine.Role{"reader_1": {Databases: []string{"mart"}}, "reader_2": {Databases: []string{"staging", "mart"}}}
	if diff := cmp.Diff(want, f.roles()); diff != "" {
		t.Error(diff)
	}
}
