package main

import (
	"html"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"winback/dashboards"
	"winback/dashboards/board"
)

// Rows of a place that are not named by their first cell.
const (
	lastRow = "[last]" // the last one with a value
	eachRow = "[each]" // every one that the other panel has, too
	// The last one, of a chart that draws losses below its line.
	lastBelow = "[last below]"
	// What stands in place of a number that could as well be nothing.
	unproven = "not proven"
)

// place is where a number stands: a dashboard's panel, the row by its first cell, the
// column. Panels of single values have no rows.
type place struct{ board, panel, row, column string }

// sameMetric is a metric and the places that show one and the same number of it.
type sameMetric struct {
	id     string
	places []place
}

var sameMetrics = []sameMetric{
	{"churn_12m_pct", []place{
		{"executive", "Yearly churn", "", "Yearly churn"},
		{"executive", "Yearly churn with its 95 % interval", lastRow, "Yearly churn"},
		{"executive", "Segments, the last whole month", "all", "Yearly churn"},
	}},
	{"losses", []place{
		{"executive", "Customers", "", "lost"},
		{"executive", "What moved the base, customers a month", lastBelow, "Lost"},
		{"call-centre", "Left without a word", "", "of the lost"},
	}},
	{"revenue_at_end", []place{
		{"executive", "Yearly revenue of the base", "", "Yearly revenue"},
		{"executive", "What moved the yearly revenue, the last twelve whole months", "End", "Yearly revenue"},
	}},
	{"lost_revenue_observed", []place{
		{"executive", "Lost in the month, as yearly revenue", "", "Observed"},
		{"executive", "Segments, the last whole month", "all", "Lost in the month, yearly revenue"},
	}},
	{"lost_revenue_by_reason", []place{
		{"executive", "Why they left in the last twelve months, yearly revenue", eachRow, "The company's fault"},
		{"why-they-leave", "What the lost took along, yearly revenue by reason", eachRow, "The company's fault"},
	}},
	{"reason_share_pct", []place{
		{"why-they-leave", "Reasons in numbers", eachRow, "Share"},
		{"why-they-leave", "Said and found out: share of losses by reason", eachRow, "As said"},
	}},
	{"cohort_retention_pct", []place{
		{"churn-cohorts", "Bought again in the month after", "", "Bought in month 1"},
		{"churn-cohorts", "Cohorts: of those who first bought in a month, the share that bought again so many months later", lastRow, "1"},
	}},
	{"cohort_retention_pct", []place{
		{"churn-cohorts", "Bought again in the sixth month", "", "Bought in month 6"},
		{"churn-cohorts", "Cohorts: of those who first bought in a month, the share that bought again so many months later", lastRow, "6"},
	}},
	{"campaign_return_rate", []place{
		{"executive", "Did the win-back pay? The latest campaigns", eachRow, "Returned"},
		{"winback-campaigns", "Campaigns", eachRow, "Return rate"},
	}},
	{"campaign_uplift", []place{
		{"executive", "Did the win-back pay? The latest campaigns", eachRow, "Uplift"},
		{"winback-campaigns", "Campaigns", eachRow, "Uplift"},
		{"winback-campaigns", "Uplift of each campaign over its control group, with the 95 % interval", eachRow, "Uplift"},
	}},
	{"campaign_incremental_revenue", []place{
		{"executive", "Did the win-back pay? The latest campaigns", eachRow, "Made by it"},
		{"winback-campaigns", "Revenue of campaigns: seen, and made by them", eachRow, "Incremental"},
	}},
	{"campaign_incremental_romi", []place{
		{"executive", "Did the win-back pay? The latest campaigns", eachRow, "ROMI, %"},
		{"winback-campaigns", "Campaigns", eachRow, "Incremental ROMI, %"},
	}},
	{"winback_return_rate", []place{
		{"winback-campaigns", "What works: return rate by channel", eachRow, "Return rate"},
		{"winback-campaigns", "What works, in numbers", eachRow, "Return rate"},
	}},
	{"manager_churn_pct", []place{
		{"managers", "Churn of the portfolio", "", "Churn"},
		{"managers", "Managers, the last whole month", "all", "Churn"},
	}},
	{"manager_churn_pct", []place{
		{"managers", "Managers, the last whole month", eachRow, "Churn"},
		{"managers", "Churn by manager in the last whole month, with the 95 % interval", eachRow, "Churn"},
	}},
	{"manager_won_back", []place{
		{"managers", "Won back", "", "Won back"},
		{"managers", "Managers, the last whole month", "all", "Won back"},
		{"managers", "Lost and won back, month by month", lastRow, "Won back"},
	}},
	{"plan_fact_pct", []place{{"managers", "Revenue", "", "of the plan"}, {"managers", "Managers, the last whole month", "all", "Plan met"}}},
	{"overdue_debt", []place{{"managers", "Overdue debt", "", "Overdue"}, {"managers", "Managers, the last whole month", "all", "Overdue debt"}}},
	{"cart_abandoned_pct", []place{
		{"carts", "Left behind", "", "Left behind"},
		{"carts", "Share left behind, with the 95 % band", lastRow, "Left behind"},
	}},
}

// otherMetrics are panels whose description has the metric, and why none of their
// numbers is the one of another panel: metric, dashboard and panel.
var otherMetrics = map[string]string{
	"calls_abandoned_pct/call-centre/Answered in time, week by week":                     "goes on to the week that is not over",
	"calls_abandoned_pct/call-centre/Gave up waiting":                                    "of the last whole week",
	"calls_abandoned_pct/call-centre/When callers give up: half hour by weekday":         "by half hours",
	"service_level_pct/call-centre/Answered in time":                                     "of the last whole week",
	"service_level_pct/call-centre/Answered in time, week by week":                       "goes on to the week that is not over",
	"service_level_pct/call-centre/Agents and teams, the last whole month":               "by teams and agents",
	"promises_kept_pct/call-centre/Call-backs kept":                                      "of the last whole month, the others of the period",
	"promises_kept_pct/call-centre/Promises by what became of them":                      "counts, by kind",
	"promises_kept_pct/call-centre/What a broken promise costs":                          "customers, by what became of the promise",
	"cart_abandoned_pct/carts/What became of the carts, month by month":                  "counts",
	"cart_abandoned_pct/carts/By category: left behind, and in other shops":              "of the whole period",
	"cart_abandoned_pct/carts/Categories in numbers":                                     "counts of the whole period",
	"cart_recovered_pct/carts/Came back":                                                 "the only share of it",
	"cart_recovered_pct/carts/Reminders due now":                                         "what is done about it",
	"cart_recovered_pct/carts/What became of the carts, month by month":                  "counts",
	"cart_recovered_pct/carts/Categories in numbers":                                     "counts",
	"cart_recovered_revenue/carts/Revenue that came back":                                "of the last month that is settled",
	"cart_recovered_revenue/carts/Categories in numbers":                                 "of the whole period",
	"survival/churn-cohorts/Median lifetime":                                             "a day, and the other the curve",
	"survival/churn-cohorts/How long customers stay, with the 95 % band":                 "the curve",
	"cohort_retention_pct/churn-cohorts/Who buys again, by segment":                      "of all cohorts",
	"campaign_return_rate/winback-campaigns/Came back after a campaign":                  "of all campaigns",
	"campaign_uplift/winback-campaigns/More than would have come anyway":                 "of all campaigns",
	"campaign_incremental_revenue/winback-campaigns/Revenue that the campaigns made":     "of all campaigns",
	"campaign_romi/winback-campaigns/Revenue of the returned":                            "of all campaigns",
	"campaign_romi/winback-campaigns/Revenue of campaigns: seen, and made by them":       "the revenue in it",
	"campaign_romi/winback-campaigns/Campaigns":                                          "of each campaign",
	"campaign_incremental_romi/winback-campaigns/Revenue that the campaigns made":        "of all campaigns",
	"win_rate_pct/funnel/Win rate of the month":                                          "by the month of closing",
	"win_rate_pct/funnel/Share of deals won, by the month they were made":                "by the month of making",
	"win_rate_pct/funnel/Managers: deals made in the period":                             "by manager",
	"sales_velocity/funnel/Sales velocity, money a day":                                  "the only one",
	"sales_velocity/funnel/Open deals":                                                   "the deals in it",
	"funnel_dropped_amount/funnel/Where most money stops":                                "of a stage",
	"funnel_dropped_amount/funnel/Managers: deals made in the period":                    "of a manager",
	"manager_churn_pct/managers/Lost and won back, month by month":                       "counts",
	"winback_expected_value/managers/Returned customers with something gone wrong since": "what is at stake, not shown",
	"winback_expected_value/winback-queue/To contact in the coming days":                 "how many customers",
	"winback_expected_value/winback-queue/What the list is worth":                        "of the list",
	"winback_expected_value/winback-queue/Not to be contacted":                           "how many customers",
	"winback_expected_value/winback-queue/The call list":                                 "of each customer",
	"winback_expected_value/winback-queue/What they are worth, by reason of leaving":     "of all who may be contacted, by reason",
	"winback_expected_value/winback-queue/By time since the loss":                        "of all who may be contacted, by time",
	"winback_expected_value/winback-queue/Why others are left out":                       "how many customers",
	"winback_p_return/winback-queue/Chance that they return":                             "of the list",
	"winback_p_return/winback-queue/The call list":                                       "of each customer",
	"winback_p_return/winback-queue/By time since the loss":                              "of all who may be contacted, by time",
	"reason_share_pct/why-they-leave/Preventable":                                        "of several reasons",
	"reason_share_pct/why-they-leave/The company's own fault":                            "of several reasons",
	"lost_by_reason/why-they-leave/Preventable":                                          "of several reasons",
	"lost_by_reason/why-they-leave/Reasons in numbers":                                   "of each reason",
	"lost_by_reason/why-they-leave/Losses by kind of reason, month by month":             "by kind of reason",
	"reason_avg_severity/why-they-leave/The company's own fault":                         "of all reasons",
	"reason_avg_severity/why-they-leave/Reasons in numbers":                              "of each reason",
}

// checkSameMetrics reads the report as its reader does: a metric that two panels show
// has one value, or an excuse by name.
func checkSameMetrics(t *testing.T, lines []reportLine, page string) {
	t.Helper()
	compared := map[string]bool{}
	for _, same := range sameMetrics {
		first := valuesAt(t, same.places[0], lines, page)
		for _, p := range same.places {
			compared[same.id+"/"+p.board+"/"+p.panel] = true
			pairs := 0
			for row, text := range valuesAt(t, p, lines, page) {
				if other, ok := first[row]; ok {
					pairs++
					if text != unproven && other != unproven && !agree(t, text, other) {
						t.Errorf("%s is %s in %v and %s in %v, row %q", same.id, text, p, other, same.places[0], row)
					}
				}
			}
			if pairs == 0 {
				t.Errorf("%s: %v has nothing to compare with %v", same.id, p, same.places[0])
			}
		}
	}
	boards, err := dashboards.Load("EUR")
	if err != nil {
		t.Fatal(err)
	}
	shows := map[string][]string{}
	for _, d := range boards {
		for _, p := range d.All() {
			for _, id := range board.MetricIDs(p.Description) {
				shows[id] = append(shows[id], id+"/"+d.UID+"/"+strings.ReplaceAll(p.Title, "${dimension}", "channel"))
			}
		}
	}
	for _, panels := range shows {
		for _, panel := range panels {
			if len(panels) > 1 && !compared[panel] && otherMetrics[panel] == "" {
				t.Errorf("%s is shown by another panel, too: compare them in this test, or say why they differ", panel)
			}
		}
	}
	for panel := range otherMetrics {
		if id, _, _ := strings.Cut(panel, "/"); !slices.Contains(shows[id], panel) || compared[panel] {
			t.Errorf("the excuse for %s is of no use", panel)
		}
	}
}

// valuesAt returns what stands at a place, by row.
func valuesAt(t *testing.T, p place, lines []reportLine, page string) map[string]string {
	t.Helper()
	if p.row == "" {
		for _, l := range lines {
			if text, ok := l.Facts[p.column]; ok && l.Dashboard == p.board && l.Panel == p.panel {
				return map[string]string{"": text}
			}
		}
		t.Errorf("nothing stands at %v", p)
		return nil
	}
	found := map[string]string{}
	rows := tableOf(page, p.board, p.panel)
	if len(rows) == 0 {
		t.Errorf("%v has no table", p)
		return nil
	}
	column := slices.Index(rows[0], p.column)
	if column < 0 {
		t.Errorf("%v has the columns %q", p, rows[0])
		return nil
	}
	for _, row := range rows[1:] {
		switch empty := row[column] == "" || row[column] == "–"; {
		case empty:
		case p.row == eachRow:
			found[row[0]] = row[column]
		case p.row == lastRow || p.row == row[0]:
			found[""] = row[column]
		case p.row == lastBelow:
			found[""] = strings.TrimLeft(row[column], "−-")
		}
	}
	return found
}

var (
	article = regexp.MustCompile(`(?s)<article[^>]* id="([a-z-]+)-\d+".*?</article>`)
	heading = regexp.MustCompile(`(?s)<h3>(.*?)</h3>`)
	tableIn = regexp.MustCompile(`(?s)<table.*?</table>`)
	rowIn   = regexp.MustCompile(`(?s)<tr.*?</tr>`)
	cellIn  = regexp.MustCompile(`(?s)<t[hd].*?</t[hd]>`)
	tag     = regexp.MustCompile(`<[^>]+>`)
)

// tableOf returns the table of a panel, or the one behind its picture: the headings,
// then the rows.
func tableOf(page, uid, title string) (rows [][]string) {
	text := func(s string) string { return strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(s, ""))) }
	for _, found := range article.FindAllStringSubmatch(page, -1) {
		if head := heading.FindStringSubmatch(found[0]); found[1] != uid || head == nil || text(head[1]) != title {
			continue
		}
		for _, row := range rowIn.FindAllString(tableIn.FindString(found[0]), -1) {
			var cells []string
			for _, cell := range cellIn.FindAllString(row, -1) {
				cells = append(cells, text(cell))
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

var number = regexp.MustCompile(`^[^\d−-]*([−-]?)[^\d]*([\d,]+)(?:\.(\d+))?([KMB]?)`)

// agree tells whether two numbers may be one that is rounded otherwise.
func agree(t *testing.T, a, b string) bool {
	t.Helper()
	read := func(text string) (v, half float64) {
		part := number.FindStringSubmatch(text)
		if part == nil {
			t.Errorf("%q is no number", text)
			return math.NaN(), 0
		}
		v, err := strconv.ParseFloat(strings.ReplaceAll(part[2], ",", "")+"."+part[3]+"0", 64)
		if err != nil {
			t.Error(err)
		}
		scale := map[string]float64{"": 1, "K": 1e3, "M": 1e6, "B": 1e9}[part[4]]
		if part[1] != "" {
			v = -v
		}
		return v * scale, scale * math.Pow10(-len(part[3])) / 2
	}
	va, ha := read(a)
	vb, hb := read(b)
	return math.Abs(va-vb) <= (ha+hb)*1.0001
}
