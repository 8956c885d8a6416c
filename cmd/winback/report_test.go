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
// the test: all its checks are green, nothing of it was restated, and nobody asked for
// published cases.
var quiet = []string{"data-health/Red checks, as they last ran", "data-health/Figures of whole months that changed after they were told", "data-health/Published cases, and what we compute from the same data"}

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
	checkSameMetrics(t, lines, string(text))
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
	seen := map[string]bool{}
	for _, row := range ask(t, c.config, c.home, "select kpi, toString(argMax(value, month)) from mart.kpi_monthly group by kpi") {
		kpi, text, _ := strings.Cut(row, "\t")
		seen[kpi] = true
		v, err := strconv.ParseFloat(text, 64)
		at := slices.IndexFunc(sameNumbers, func(s sameNumber) bool { return s.kpi == kpi })
		switch _, elsewhere := otherNumbers[kpi]; {
		case err != nil:
			t.Errorf("%s is %q", kpi, text)
		case at < 0 && !elsewhere:
			t.Errorf("kpi_monthly has %s: say in this test which panels show it, or why none shows the same", kpi)
		case at >= 0:
			same := sameNumbers[at]
			want := value.Number(v, same.unit, same.decimals).String()
			for _, fact := range same.facts {
				if said[fact] != want {
					t.Errorf("%s is %s in kpi_monthly and %q in %s", kpi, want, said[fact], fact)
				}
			}
		}
	}
	for _, same := range sameNumbers {
		if !seen[same.kpi] {
			t.Errorf("kpi_monthly has no %s", same.kpi)
		}
	}
}

// sameNumber is a figure of kpi_monthly and what shows it: dashboard/panel/field.
type sameNumber struct {
	kpi, unit string
	decimals  int // -1 for as many as are needed
	facts     []string
}

var sameNumbers = []sameNumber{
	{"churn_12m_pct", "percent", 1, []string{"executive/Yearly churn/Yearly churn"}},
	{"churn_pct", "percent", 2, []string{"managers/Churn of the portfolio/Churn"}},
	{"customers_at_start", "locale", 0, []string{"managers/Churn of the portfolio/of customers"}},
	{"customers_at_end", "locale", 0, []string{"executive/Customers/Customers"}},
	{"new_customers", "locale", 0, []string{"executive/Customers/new", "managers/Won back/new"}},
	{"returned", "locale", 0, []string{"executive/Customers/returned", "managers/Won back/Won back"}},
	{"losses", "locale", 0, []string{"executive/Customers/lost", "call-centre/Left without a word/of the lost"}},
	{"lost", "locale", 0, []string{"executive/Lost in the month, as yearly revenue/customers", "managers/Churn of the portfolio/lost"}},
	{"lost_revenue_observed", "currencyEUR", -1, []string{"executive/Lost in the month, as yearly revenue/Observed"}},
	{"lost_revenue_simple", "currencyEUR", -1, []string{"executive/Lost in the month, as yearly revenue/of that month, simple"}},
	{"lost_ltv", "currencyEUR", -1, []string{"executive/Lost in the month, as yearly revenue/over a lifetime"}},
	{"revenue_at_end", "currencyEUR", -1, []string{"executive/Yearly revenue of the base/Yearly revenue"}},
	{"net_revenue", "currencyEUR", -1, []string{"managers/Revenue/Revenue"}},
	{"orders", "locale", 0, []string{"managers/Revenue/orders"}},
	{"plan_fact_pct", "percent", 0, []string{"managers/Revenue/of the plan"}},
	{"overdue_debt", "currencyEUR", -1, []string{"managers/Overdue debt/Overdue"}},
	{"promises_kept_pct", "percent", 0, []string{"call-centre/Call-backs kept/of all promises"}},
	{"quiet_leavers_pct", "percent", 0, []string{"call-centre/Left without a word/Quiet"}},
	{"cart_abandoned_pct", "percent", 0, []string{"carts/Left behind/Left behind"}},
	{"cart_recovered_pct", "percent", 0, []string{"carts/Came back/Came back"}},
}

// otherNumbers are figures of kpi_monthly that no panel shows as one number, and why.
var otherNumbers = map[string]string{
	"average_check":           "in tables only",
	"calls_abandoned_pct":     "the call centre looks at the last week",
	"service_level_pct":       "the call centre looks at the last week",
	"win_rate_pct":            "the funnel looks at one pipeline, the figure at all of them",
	"cart_recovered_revenue":  "the panel has the period that is looked at",
	"money_recovered":         "known a year later, in a table",
	"winback_recovered_share": "known a year later, in a table",
	"net_lost":                "the difference of two that are compared",
	"retention_pct":           "100 less churn_pct, which is compared",
	"return_pct":              "in tables only",
	"revenue_churn_pct":       "in tables only",
	"revenue_retention_pct":   "in tables only",
	"satisfaction":            "in charts only",
	"nps":                     "in charts only",
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
