package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Of a customer of a company nothing is left in any table, and the models that were built in
// part are those that a rebuild makes.
func TestForget_Company(t *testing.T) {
	c := aCompany(t)
	home := filepath.Join(t.TempDir(), "home")
	if err := os.CopyFS(home, os.DirFS(c.home)); err != nil {
		t.Fatal(err)
	}
	email := ask(t, c.config, home, "select lower(email) from raw.shop_orders where email != '' group by 1 order by count() desc, 1 limit 1")[0]
	p := winback(t, exitDone, "forget", "--email", email, "--yes", "-c", c.config, "--home", home)
	if out := p.stdout.String(); !strings.Contains(out, "of shop.orders") || !strings.Contains(out, "there are none") {
		t.Errorf("it says %s", out)
	}
	checkFacts(t, c.config, home, []fact{
		{"their orders", "0", "select count() from raw.shop_orders where lower(email) = '" + email + "'"},
	})
	after := contentsOf(t, c.config, home)
	winback(t, exitDone, "rebuild", "-q", "-c", c.config, "--home", home)
	rebuilt := contentsOf(t, c.config, home)
	for name, want := range rebuilt {
		if strings.HasPrefix(name, "landing/") {
			continue
		}
		if got := after[name]; got != want {
			t.Errorf("%s: %+v after it, %+v after a rebuild", name, got, want)
		}
	}
}
