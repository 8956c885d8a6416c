package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// quiet are the dashboards and panels that have nothing to show for the company of
// the test: all its checks are green, nothing of it was restated.
var quiet = []string{"data-health/Red checks, as they last ran", "data-health/Figures of whole months that changed after they were told"}

// checkReport draws every dashboard from a company's warehouse: each panel's query
// runs as Grafana's plugin would send it, and gives the rows and columns that its
// drawing needs.
func (c *company) checkReport(t *testing.T) {
	page := filepath.Join(t.TempDir(), "report.html")
	p := winback(t, exitDone, "report", "-c", c.config, "--out", page, "--json")
	var lines []reportLine
	if err := json.Unmarshal(p.stdout.Bytes(), &lines); err != nil {
		t.Fatalf("%v: %s", err, p.stdout.String())
	}
	if len(lines) == 0 {
		t.Fatal("no panels")
	}
	for _, l := range lines {
		if l.Error != "" {
			t.Errorf("%s, %s: %s", l.Dashboard, l.Panel, l.Error)
		}
		if l.Empty && !slices.Contains(quiet, l.Dashboard) && !slices.Contains(quiet, l.Dashboard+"/"+l.Panel) {
			t.Errorf("%s, %s shows nothing of a company of two years", l.Dashboard, l.Panel)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, string(text))
}

// unreadable is what no page may show: numbers that are none, exponents, variables
// that nobody replaced, anything that is fetched or run.
var unreadable = regexp.MustCompile(`NaN|\bInf\b|[0-9]e[+-][0-9]|\$\{?__|\$\{[a-z]+|%!|<nil>|<script|src=|@import|url\(`)

func checkPage(t *testing.T, page string) {
	t.Helper()
	for _, at := range unreadable.FindAllStringIndex(page, 5) {
		t.Errorf("the page has %q", page[max(0, at[0]-80):min(len(page), at[1]+40)])
	}
	if len(page) > 3<<20 {
		t.Errorf("the page has %d bytes; by mail 3 MB are the most", len(page))
	}
	if strings.Count(page, "<article") != strings.Count(page, "</article>") {
		t.Error("a panel is not closed")
	}
}
