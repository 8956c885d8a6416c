package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/connectors/demo"
	"winback/pipelines/config"
)

// A made-up company, run, and where to look; the same again is nothing new, and
// another one does not go on top of it. What the marts say of such a company is told by
// TestMartsTellTheTruth: a configuration that is there already stays, here one with few
// models.
func TestDemo(t *testing.T) {
	t.Parallel()
	requireEngine(t)
	dir := filepath.Join(t.TempDir(), "small")
	text, err := demo.Config(demo.Options{Customers: 60, Months: 2, Seed: 3, End: time.Now().UTC().AddDate(0, 0, -1), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, config.FileName)
	appendTo(t, file, string(text))
	fewModels(t, file)
	make := func(code int, customers string, want ...string) {
		t.Helper()
		p := winback(t, code, "demo", "--dir", dir, "--customers", customers, "--months", "2", "--seed", "3")
		for _, text := range want {
			if said := p.stderr() + "\n" + p.stdout.String(); !strings.Contains(said, text) {
				t.Errorf("it does not say %q:\n%s", text, said)
			}
		}
	}
	make(exitDone, "60", "Making a company of 60 customers over 2 months in "+dir, "\nDone: the warehouse is up to date", "\nLook at it:\n", "winback query -c "+file)
	for _, name := range []string{"truth.json", "winback.yaml", "data/customers.csv", "report.html"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if got := ask(t, file, dir, "select count() > 0 from mart.shop_buyers"); len(got) != 1 || got[0] != "1" && got[0] != "true" {
		t.Errorf("the company has %v buyers", got)
	}
	make(exitDone, "60", "\nNothing new")
	make(exitFailed, "70", "Error: "+dir+" holds another company", "\nTry: name another folder")
}
