package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/connectors/demo"
	"winback/pipelines/config"
)

// shared is what several tests look at: made by the first, removed after the
// last.
var shared struct {
	sync.Mutex
	dir     string
	company *company
}

// company is a made-up company whose truth is known, and an undisturbed run over
// its files.
type company struct {
	config string
	home   string // of the undisturbed run
	truth  demo.Truth
	stages map[string]time.Duration // of that run
	whole  time.Duration            // from the start of the process to its end
	tables contents
}

// aCompany returns the shared company: 250 customers over six months and some days,
// in two dozen files. What is done to runs over it does not depend on how many rows there are.
func aCompany(t *testing.T) *company {
	t.Helper()
	requireEngine(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.company != nil {
		return shared.company
	}
	dir, err := os.MkdirTemp("", "winback-company-")
	if err != nil {
		t.Fatal(err)
	}
	shared.dir = dir
	c := makeCompany(t, demo.Options{
		Customers: 250, Months: 6, Seed: 1, End: time.Date(2026, 3, 12, 0, 0, 0, 0, time.UTC), Dir: dir,
	})
	fewModels(t, c.config)
	c.home = filepath.Join(dir, "undisturbed")
	c.stages, c.whole = timedRun(t, c.config, c.home)
	c.tables = contentsOf(t, c.config, c.home)
	shared.company = c
	return c
}

// makeCompany writes a company's files and configuration.
func makeCompany(t *testing.T, o demo.Options) *company {
	t.Helper()
	truth, err := demo.Generate(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := demo.Config(o)
	if err != nil {
		t.Fatal(err)
	}
	c := &company{config: filepath.Join(o.Dir, config.FileName), truth: truth}
	if err := os.WriteFile(c.config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return c
}

// fewModels gives the project nine models of its own, of each kind one or two, and a
// check: what happens to a run does not depend on how many there are, nor on what they
// compute. The incremental ones are built in part, as those of large companies are.
func fewModels(t *testing.T, config string) {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata", "models"))
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, config, fmt.Sprintf("\nengine: {in_part_from: 0}\nmodels: {dir: %s, only: [shop_months, shop_buyers]}\n", dir))
}

// onlyModels leaves the project with some of the product's models, and what they read,
// built in part like those of fewModels.
func onlyModels(t *testing.T, config string, names ...string) {
	t.Helper()
	appendTo(t, config, fmt.Sprintf("\nengine: {in_part_from: 0}\nmodels: {only: [%s]}\n", strings.Join(names, ", ")))
}

func appendTo(t *testing.T, file, more string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err == nil {
		_, err = f.WriteString(more)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// timedRun makes a run that must succeed and returns how long it and its parts
// took.
func timedRun(t *testing.T, config, home string) (stages map[string]time.Duration, whole time.Duration) {
	t.Helper()
	started := time.Now()
	p := winback(t, exitDone, "run", "-c", config, "--home", home, "--json")
	whole = time.Since(started)
	var summary struct {
		Stages []struct {
			Name    string
			Seconds float64
		}
	}
	if err := json.Unmarshal(p.stdout.Bytes(), &summary); err != nil {
		t.Fatal(err)
	}
	stages = map[string]time.Duration{}
	for _, s := range summary.Stages {
		stages[s.Name] = time.Duration(s.Seconds * float64(time.Second))
	}
	return stages, whole
}

// keepOpen keeps the warehouse open in a process of its own until the test ends: what
// is asked goes through that one then, instead of opening hundreds of tables each time.
func (c *company) keepOpen(t *testing.T) {
	t.Helper()
	start(t, "serve", "-c", c.config, "--home", c.home, "--listen", "127.0.0.1:0").await("answers at")
}

// ask runs a query and returns its rows, the columns of each separated by tabs.
func ask(t *testing.T, config, home, sql string) []string {
	t.Helper()
	p := winback(t, exitDone, "query", "-c", config, "--home", home, sql, "--format", "TSV")
	text := strings.TrimSuffix(p.stdout.String(), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// fact is a number that a query must give.
type fact struct{ what, want, sql string }

// checkFacts asks for all facts in one query.
func checkFacts(t *testing.T, config, home string, facts []fact) {
	t.Helper()
	parts := make([]string, len(facts))
	for i, f := range facts {
		parts[i] = fmt.Sprintf("select %d as place, toString((%s)) as value", i, f.sql)
	}
	for i, line := range ask(t, config, home, "select * from ("+strings.Join(parts, " union all ")+") order by place") {
		if _, got, _ := strings.Cut(line, "\t"); got != facts[i].want {
			t.Errorf("%s: got %s, want %s", facts[i].what, got, facts[i].want)
		}
	}
}
