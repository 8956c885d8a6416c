package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"winback/dashboards/value"
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
	c.checkSameNumbers(t, lines)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, string(text))
}

// checkSameNumbers compares what the pages say of a metric with kpi_monthly: one
// metric has one value, wherever it stands.
func (c *company) checkSameNumbers(t *testing.T, lines []reportLine) {
	t.Helper()
	said := map[string]string{}
	for _, l := range lines {
		for name, text := range l.Facts {
			said[l.Dashboard+"/"+l.Panel+"/"+name] = text
		}
	}
	for _, same := range []struct {
		kpi, unit string
		decimals  int
		facts     []string
	}{
		{"churn_12m_pct", "percent", 1, []string{"executive/Yearly churn/Yearly churn"}},
		{"customers_at_end", "locale", 0, []string{"executive/Customers/Customers"}},
		{"churn_pct", "percent", 2, []string{"managers/Churn of the portfolio/Churn"}},
		{"lost_revenue_observed", "currencyEUR", -1, []string{"executive/Lost in the month, as yearly revenue/Observed"}},
		{"net_revenue", "currencyEUR", -1, []string{"managers/Revenue/Revenue"}},
	} {
		rows := ask(t, c.config, c.home, "select toString(argMax(value, month)) from mart.kpi_monthly where kpi = '"+same.kpi+"'")
		v, err := strconv.ParseFloat(strings.TrimSpace(rows[len(rows)-1]), 64)
		if err != nil {
			t.Errorf("kpi_monthly has no %s: %q", same.kpi, rows)
			continue
		}
		for _, fact := range same.facts {
			if want := value.Number(v, same.unit, same.decimals).String(); said[fact] != want {
				t.Errorf("%s is %s in kpi_monthly and %q in %s", same.kpi, want, said[fact], fact)
			}
		}
	}
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
