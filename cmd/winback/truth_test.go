package main

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"winback/connectors/demo"
)

// Another company, or a larger one: go test ./cmd/winback -run TellTheTruth -seed 2 -customers 5000.
var (
	truthSeed      = flag.Uint64("seed", 1, "which company TestMartsTellTheTruth makes")
	truthCustomers = flag.Int("customers", 1_500, "customers of that company")
)

// The marts find in the files what the company was made from.
func TestMartsTellTheTruth(t *testing.T) {
	t.Parallel()
	requireEngine(t)
	dir := t.TempDir()
	c := makeCompany(t, demo.Options{
		Customers: *truthCustomers, Months: 24, Seed: *truthSeed, End: time.Date(2026, 3, 12, 0, 0, 0, 0, time.UTC), Dir: dir,
	})
	c.home = dir
	// The command finds the company there, and goes on with it.
	said := winback(t, exitDone, "demo", "--dir", dir, "--customers", fmt.Sprint(*truthCustomers), "--months", "24", "--seed", fmt.Sprint(*truthSeed)).stdout.String()
	if !strings.Contains(said, "Done: the warehouse is up to date as of 2026-03-12") {
		t.Errorf("winback demo says\n%s", said)
	}
	c.keepOpen(t)
	t.Run("churn of every month", c.checkMonths)
	t.Run("churn of every year", c.checkYears)
	t.Run("totals", c.checkTotals)
	t.Run("one customer", c.checkLinks)
	t.Run("the base balances", c.checkBalance)
	t.Run("every number is one", c.checkNumbers)
	t.Run("what the company's events did", c.checkEvents)
	t.Run("why they left", c.checkReasons)
	t.Run("what became of complaints", c.checkComplaints)
	t.Run("the funnel", c.checkFunnel)
	t.Run("carts", c.checkCarts)
	t.Run("what customers say when asked", c.checkSurveys)
	t.Run("what customers owe", c.checkPayments)
	t.Run("what was planned", c.checkPlans)
	t.Run("who took the deals", c.checkCompetitors)
	t.Run("what campaigns brought", c.checkCampaigns)
	t.Run("what the call centre promised", c.checkPromises)
	t.Run("the call centre's leaks", c.checkLeaks)
	t.Run("the questions that winback demo proposes", c.checkQuestions)
	t.Run("every panel of the dashboards has an answer", c.checkReport)
	t.Run("each gets their own by mail", c.checkMail)
}

// points is how far a rate may be from the truth, in percent points.
const points = 0.5

// unassigned is the segment of customers that no CRM record names one for. The
// company has private persons there.
const unassigned = "(none)"

type churnRow struct {
	Month    string
	Segment  string
	AtStart  int `json:"customers_at_start"`
	Lost     int
	Returned int
	New      int
	Yearly   *float64 `json:"churn_12m_pct"`
	Complete bool     `json:"is_complete"`
}

func (c *company) checkMonths(t *testing.T) {
	found := c.churn(t)
	for _, m := range c.truth.ChurnByMonth {
		got := found[m.Month+m.Segment]
		if got.Complete != m.Complete {
			t.Errorf("%s: complete is %v, in truth %v", m.Month, got.Complete, m.Complete)
		}
		if d := math.Abs(percent(got.Lost, got.AtStart) - percent(m.Lost, m.AtStart)); d > points {
			t.Errorf("%s %s: churn %.2f %%, in truth %.2f %%", m.Month, m.Segment, percent(got.Lost, got.AtStart), percent(m.Lost, m.AtStart))
		}
		if m.Segment != demo.AllSegments {
			continue
		}
		want := churnRow{m.Month, m.Segment, m.AtStart, m.Lost, m.Returned, m.New, got.Yearly, m.Complete}
		if got != want {
			t.Errorf("got %+v, in truth %+v", got, want)
		}
	}
}

func (c *company) checkYears(t *testing.T) {
	found := c.churn(t)
	if len(c.truth.YearlyChurn) == 0 {
		t.Fatal("the truth knows no whole year")
	}
	for _, y := range c.truth.YearlyChurn {
		yearly := found[y.Month+y.Segment].Yearly
		if y.Segment != demo.AllSegments && y.Segment != "small_firm" && y.Segment != "wholesale" {
			continue // the private ones without a segment have a row of their own
		}
		if yearly == nil || math.Abs(*yearly-y.ChurnPct) > points {
			t.Errorf("%s %s: got %v, in truth %v", y.Month, y.Segment, yearly, y.ChurnPct)
		}
	}
}

// churn returns mart.churn_monthly by month and segment, those without a segment
// counted with the private persons.
func (c *company) churn(t *testing.T) map[string]churnRow {
	t.Helper()
	found := map[string]churnRow{}
	p := winback(t, exitDone, "query", "-c", c.config, "--home", c.home, "--format", "JSONEachRow",
		`select toString(month) as month, segment, toInt64(customers_at_start) as customers_at_start, toInt64(lost) as lost,
			toInt64(returned) as returned, toInt64(new) as new, churn_12m_pct, is_complete
		from mart.churn_monthly join mart.base_movement using (month, segment)
		settings output_format_json_quote_64bit_integers = 0`)
	for line := range strings.Lines(p.stdout.String()) {
		var row churnRow
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Segment == unassigned {
			row.Segment = "private"
		}
		before := found[row.Month+row.Segment]
		row.AtStart, row.Lost = row.AtStart+before.AtStart, row.Lost+before.Lost
		found[row.Month+row.Segment] = row
	}
	return found
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole) * 100
}

func (c *company) checkTotals(t *testing.T) {
	total := c.truth.Totals
	checkFacts(t, c.config, c.home, []fact{
		{"customers", fmt.Sprint(total.Customers), "select count() from mart.customers"},
		{"buyers", fmt.Sprint(total.Buyers), "select count() from mart.customers where orders > 0"},
		{"bought once", fmt.Sprint(total.OneTime), "select count() from mart.customers where orders = 1"},
		{"losses", fmt.Sprint(total.Losses), "select count() from mart.customer_episodes where loss_date is not null"},
		{"returns", fmt.Sprint(total.Returns), "select count() from mart.customer_episodes where returned_at is not null"},
		{"orders", fmt.Sprint(total.Orders), "select count() from raw.shop_orders final"},
		{"lines", fmt.Sprint(total.OrderLines), "select count() from raw.shop_order_lines final"},
		{"refunds", fmt.Sprint(total.Refunds), "select count() from raw.shop_refunds final"},
		{"refunded", total.Refunded, "select toDecimalString(sum(amount), 2) from raw.shop_refunds final"},
		{"active", fmt.Sprint(total.Statuses["active"]), "select count() from mart.customers where orders > 0 and status = 'active'"},
		{"lost", fmt.Sprint(total.Statuses["lost"]), "select count() from mart.customers where orders > 0 and status = 'lost'"},
		{"sleeping", fmt.Sprint(total.Statuses["sleeping"]), "select count() from mart.customers where orders > 0 and status = 'sleeping'"},
		{"never bought", fmt.Sprint(total.Silent), "select count() from mart.customers where orders = 0"},
		{"never bought in their first 30 days", "0", "select count() from mart.customers left anti join mart.silent_customers using customer_key" +
			" where orders = 0 and signed_up_on + 30 <= '" + c.truth.End + "'"},
		{"silent, and yet a buyer", "0", "select count() from mart.customers join mart.silent_customers using customer_key where is_still_silent and orders > 0"},
	})
}

// checkLinks compares the records that the marts take for one customer with those
// that are one, pair by pair.
func (c *company) checkLinks(t *testing.T) {
	found := map[string]string{}
	for _, line := range ask(t, c.config, c.home, "select entity, entity_id, customer_key from mart.customer_links") {
		cells := strings.Split(line, "\t")
		found[cells[0]+" "+cells[1]] = cells[2]
	}
	truth := map[string]string{}
	for _, record := range readLinks(t, filepath.Dir(c.config)) {
		id := record[1] + " " + record[2]
		if _, ok := found[id]; !ok {
			t.Errorf("%s is nobody's record", id)
		}
		truth[id] = record[0]
	}
	for id := range found {
		if _, ok := truth[id]; !ok {
			delete(found, id) // guests that an account explains as well
		}
	}
	records, customers, both := map[string]int{}, map[string]int{}, map[string]int{}
	for id, key := range found {
		records[key]++
		both[key+" "+truth[id]]++
	}
	for _, customer := range truth {
		customers[customer]++
	}
	linked, right, known := pairs(records), pairs(both), pairs(customers)
	t.Logf("%d of %d true links found, %d of %d found are false", right, known, linked-right, linked)
	if share := percent(right, known); share < 98 || known < 1_000 {
		t.Errorf("%.2f %% of %d true links are found", share, known)
	}
	if share := percent(linked-right, linked); share >= 0.5 {
		t.Errorf("%.2f %% of %d links are false", share, linked)
	}
}

// pairs counts the pairs within groups of so many.
func pairs(groups map[string]int) (n int) {
	for _, members := range groups {
		n += members * (members - 1) / 2
	}
	return n
}

func readLinks(t *testing.T, dir string) [][]string {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, demo.LinksFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(unpacked).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records[1:]
}

// checkBalance adds the movements up: within a month, and from month to month.
func (c *company) checkBalance(t *testing.T) {
	for what, sql := range map[string]string{
		"customers of a month": "at_start + new + returned - lost != at_end",
		"revenue of a month":   "revenue_at_start + revenue_new + revenue_returned + revenue_grown - revenue_shrunk - revenue_lost != revenue_at_end",
		"months in a row":      "month > '" + c.truth.Start + "' and at_start != lagInFrame(at_end) over (partition by segment order by month)",
	} {
		if rows := ask(t, c.config, c.home, "select * from mart.base_movement qualify "+sql); len(rows) > 0 {
			t.Errorf("%s: %d rows do not balance, such as %s", what, len(rows), rows[0])
		}
	}
}

// checkNumbers looks for what a division by zero leaves, in every column of every mart.
func (c *company) checkNumbers(t *testing.T) {
	columns := ask(t, c.config, c.home, "select table, name from system.columns where database = 'mart' and type in ('Float64', 'Nullable(Float64)', 'Float32', 'Nullable(Float32)') order by table, name")
	if len(columns) < 200 {
		t.Fatalf("the marts have %d columns of floats", len(columns))
	}
	odd := map[string][]string{}
	for _, line := range columns {
		table, name, _ := strings.Cut(line, "\t")
		odd[table] = append(odd[table], fmt.Sprintf("if(countIf(not isFinite(%s)) > 0, '%[1]s', '')", name))
	}
	var queries []string
	for table, tests := range odd {
		queries = append(queries, fmt.Sprintf("select '%s' as mart, arrayFilter(x -> x != '', [%s]) as odd from mart.%[1]s", table, strings.Join(tests, ", ")))
	}
	for _, line := range ask(t, c.config, c.home, "select * from ("+strings.Join(queries, " union all ")+") where notEmpty(odd)") {
		t.Errorf("no numbers in %s", line)
	}
}
