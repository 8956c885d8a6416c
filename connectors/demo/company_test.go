package demo

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// company is a demo as somebody sees it who has the files alone, and the links.
type company struct {
	truth     Truth
	files     map[string]string
	orders    []map[string]string
	lines     []map[string]string
	refunds   []map[string]string
	accounts  []map[string]string
	crm       []map[string]string
	customers map[string]*seen // by true number
	ofAccount map[string]*seen
	ofGuest   map[string]*seen
	ofCRM     map[string]*seen
}

// seen is one true customer as the files show it.
type seen struct {
	segment    string
	records    int
	purchases  []time.Time // days
	terminated time.Time
}

func makeCompany(t *testing.T, o Options) *company {
	t.Helper()
	c := &company{customers: map[string]*seen{}, ofAccount: map[string]*seen{}, ofGuest: map[string]*seen{}, ofCRM: map[string]*seen{}}
	c.truth = generate(t, o)
	c.files = contents(t, o.Dir)
	c.orders, c.lines = readOrders(t, c.files, c.truth)
	c.refunds = readTable(t, c.files, "data/refunds.csv", ';')
	c.accounts = readTable(t, c.files, "data/customers.csv", ',')
	c.crm = readTable(t, c.files, "data/crm_customers.csv", ';')
	for _, row := range readTable(t, c.files, LinksFile, ',') {
		c.link(t, row)
	}
	for _, row := range c.crm {
		customer := c.ofCRM[row["ID"]]
		customer.segment = row["Сегмент"]
		if row["Договор расторгнут"] != "" {
			customer.terminated = day(t, row["Договор расторгнут"])
		}
	}
	for _, row := range c.orders {
		if row["status"] != "cancelled" {
			customer := c.of(t, row)
			customer.purchases = append(customer.purchases, day(t, row["created"]))
		}
	}
	return c
}

func (c *company) link(t *testing.T, row map[string]string) {
	t.Helper()
	customer := c.customers[row["customer"]]
	if customer == nil {
		customer = &seen{}
		c.customers[row["customer"]] = customer
	}
	customer.records++
	into := map[string]map[string]*seen{"shop.customers": c.ofAccount, "crm.customers": c.ofCRM, "shop.orders": c.ofGuest}[row["entity"]]
	if into[row["id"]] != nil {
		t.Fatalf("%s %s belongs to two customers", row["entity"], row["id"])
	}
	into[row["id"]] = customer
}

// of returns whose order it is: the account's, else whoever has the address. A
// guest whose only order was cancelled is nobody.
func (c *company) of(t *testing.T, order map[string]string) *seen {
	t.Helper()
	if id := order["customer_id"]; id != "" {
		if c.ofAccount[id] == nil {
			t.Fatalf("order %s: no account %s", order["order_id"], id)
		}
		return c.ofAccount[id]
	}
	email := strings.ToLower(order["email"])
	if customer := c.ofGuest[email]; customer != nil {
		return customer
	}
	for _, account := range c.accounts { // a customer who did not log in
		if strings.ToLower(account["email"]) == email {
			return c.ofAccount[account["user_id"]]
		}
	}
	if order["status"] == "cancelled" {
		return &seen{}
	}
	t.Fatalf("order %s: nobody has the address %s", order["order_id"], email)
	return nil
}

func TestCompany_Files(t *testing.T) {
	o := DefaultOptions(t.TempDir(), lastDay)
	o.Customers = 1_500
	c := makeCompany(t, o)

	t.Run("every order has its lines and adds up", func(t *testing.T) { checkOrders(t, c) })
	t.Run("everything refers to something", func(t *testing.T) { checkReferences(t, c) })
	t.Run("the CRM and the telephones refer to something", func(t *testing.T) { checkOfficeReferences(t, c) })
	t.Run("totals are the truth's", func(t *testing.T) { checkTotals(t, c) })
	t.Run("churn is the truth's", func(t *testing.T) { checkChurn(t, c) })
	t.Run("times", func(t *testing.T) { checkTimes(t, c) })
	t.Run("dirt", func(t *testing.T) { checkDirt(t, c) })
}

func checkOrders(t *testing.T, c *company) {
	type sum struct {
		lines int
		total *big.Rat
	}
	sums := map[string]*sum{}
	for _, order := range c.orders {
		if sums[order["order_id"]] != nil {
			t.Fatalf("order %s comes twice", order["order_id"])
		}
		sums[order["order_id"]] = &sum{total: new(big.Rat)}
	}
	for _, line := range c.lines {
		s := sums[line["order_id"]]
		if s == nil {
			t.Fatalf("line of an order %s that is not there", line["order_id"])
		}
		if _, ok := new(big.Rat).SetString(line["quantity"]); !ok {
			continue // dirt
		}
		s.lines++
		if line["line"] != fmtInt(s.lines) {
			t.Fatalf("order %s: line %s is number %d", line["order_id"], line["line"], s.lines)
		}
		s.total.Add(s.total, new(big.Rat).Mul(amount(t, line["quantity"]), amount(t, line["price"])))
	}
	for _, order := range c.orders {
		s := sums[order["order_id"]]
		if s.lines == 0 || s.total.Cmp(amount(t, order["items_total"])) != 0 {
			t.Fatalf("order %s says %s, has %d lines and %s", order["order_id"], order["items_total"], s.lines, s.total.FloatString(2))
		}
		if s.total.Sign() <= 0 || amount(t, order["discount"]).Cmp(s.total) >= 0 {
			t.Fatalf("order %s brings nothing", order["order_id"])
		}
	}
}

func fmtInt(n int) string { return string(appendInt(nil, n)) }

func checkReferences(t *testing.T, c *company) {
	ids := func(rows []map[string]string, column string) map[string]bool {
		found := map[string]bool{"": true}
		for _, row := range rows {
			if found[row[column]] {
				t.Errorf("%s %s comes twice", column, row[column])
			}
			found[row[column]] = true
		}
		return found
	}
	orders, accounts := ids(c.orders, "order_id"), ids(c.accounts, "user_id")
	products := ids(readTable(t, c.files, "data/products.csv", ','), "product_id")
	staff := ids(readTable(t, c.files, "data/managers.csv", ';'), "ID")
	ids(c.crm, "ID")
	ids(c.refunds, "Возврат")
	refer := func(rows []map[string]string, column string, to map[string]bool) {
		for _, row := range rows {
			if !to[row[column]] {
				t.Fatalf("%s %s does not exist", column, row[column])
			}
		}
	}
	refer(c.orders, "customer_id", accounts)
	refer(c.lines, "product_id", products)
	refer(c.refunds, "Заказ", orders)
	refer(c.crm, "ID в магазине", accounts)
	refer(c.crm, "Ответственный", staff)
}

func checkTotals(t *testing.T, c *company) {
	goods, refunded, cancelled := new(big.Rat), new(big.Rat), map[string]bool{}
	for _, order := range c.orders {
		if order["status"] == "cancelled" {
			cancelled[order["order_id"]] = true
			continue
		}
		goods.Sub(goods, amount(t, order["discount"]))
	}
	lines := 0
	for _, line := range c.lines {
		quantity, ok := new(big.Rat).SetString(line["quantity"])
		if !ok {
			continue
		}
		lines++
		if !cancelled[line["order_id"]] {
			goods.Add(goods, quantity.Mul(quantity, amount(t, line["price"])))
			goods.Sub(goods, amount(t, line["discount"]))
		}
	}
	for _, refund := range c.refunds {
		refunded.Add(refunded, amount(t, refund["Сумма"]))
		if cancelled[refund["Заказ"]] {
			t.Errorf("refund of the cancelled order %s", refund["Заказ"])
		}
	}
	buyers, silent, oneTime := 0, 0, 0
	for _, customer := range c.customers {
		switch len(customer.purchases) {
		case 0:
			silent++
		case 1:
			oneTime++
			fallthrough
		default:
			buyers++
		}
	}
	want := c.truth.Totals
	got := want
	got.Customers, got.Buyers, got.Silent, got.OneTime = len(c.customers), buyers, silent, oneTime
	got.CRMRecords, got.Orders, got.Cancelled, got.OrderLines = len(c.crm), len(c.orders), len(cancelled), lines
	got.Refunds, got.Goods, got.Refunded = len(c.refunds), goods.FloatString(2), refunded.FloatString(2)
	got.NetRevenue = new(big.Rat).Sub(goods, refunded).FloatString(2)
	got.SecondAccounts = len(c.accounts) - len(c.ofAccount) + want.SecondAccounts
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func checkTimes(t *testing.T, c *company) {
	registered := map[string]string{}
	for _, account := range c.accounts {
		at, err := time.Parse("02.01.2006 15:04", account["registered"])
		if err != nil {
			t.Fatal(err)
		}
		registered[account["user_id"]] = at.Format("2006-01-02 15:04")
	}
	last := ""
	for _, order := range c.orders {
		if order["created"] < last {
			t.Fatalf("order %s is older than the one before", order["order_id"])
		}
		last = order["created"]
		if at := registered[order["customer_id"]]; at > order["created"] {
			t.Fatalf("order %s of %s: account %s made later, %s", order["order_id"], order["created"], order["customer_id"], at)
		}
		if order["delivered"] != "" && order["delivered"] <= order["created"][:10] {
			t.Fatalf("order %s was delivered before it was made", order["order_id"])
		}
	}
	if last[:10] > c.truth.End {
		t.Errorf("last order is of %s, after the end %s", last, c.truth.End)
	}
	for _, row := range c.crm {
		for _, column := range []string{"Создан", "Договор с", "Договор расторгнут"} {
			if row[column] > c.truth.End {
				t.Errorf("%s: %s is %s, after the end", row["ID"], column, row[column])
			}
		}
	}
}

var goodAmount = regexp.MustCompile(`"OPPORTUNITY":"[0-9]+[.][0-9]{2}"`)

// repeatedOrders counts the orders that stand twice in a file, each on a line, and
// with them their lines.
func repeatedOrders(text string) (orders, rows int) {
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, ",\n")
		if strings.HasPrefix(line, `{"id":`) && seen[line] {
			orders++
			rows += 1 + strings.Count(line, `"product_id":`)
		}
		seen[line] = strings.HasPrefix(line, `{"id":`)
	}
	return orders, rows
}

// checkDirt counts what does not belong into the files: some, but far below the
// share at which a run would stop.
func checkDirt(t *testing.T, c *company) {
	var got Dirt
	lines := 0
	for _, f := range c.truth.Files {
		if strings.Contains(f.Name, ".json") {
			text := unpacked(t, c.files, f.Name)
			got.MissingIDs += strings.Count(text, "woocommerce_rest_cannot_view")
			orders, rows := repeatedOrders(text)
			got.RepeatedLines, got.RepeatedRows = got.RepeatedLines+orders, got.RepeatedRows+rows
			got.BadAmounts += strings.Count(text, `"OPPORTUNITY":"`) - len(goodAmount.FindAllString(text, -1))
			continue
		}
		if strings.HasPrefix(f.Name, "data/pbx/") {
			continue // no tables
		}
		delimiter := ","
		if strings.HasPrefix(c.files[f.Name], "\ufeff") {
			delimiter = ";"
		}
		text := strings.Split(strings.TrimRight(unpacked(t, c.files, f.Name), "\r\n"), "\n")
		columns := strings.Count(text[0], delimiter)
		lines += len(text) - 1
		for _, line := range text[1:] {
			switch {
			case strings.Count(line, delimiter) < columns:
				got.ShortLines++
			case strings.HasPrefix(line, delimiter):
				got.MissingIDs++
			}
		}
	}
	for _, line := range c.lines {
		if _, ok := new(big.Rat).SetString(line["quantity"]); !ok {
			got.BadValues++
		}
	}
	for _, call := range readTable(t, c.files, "data/service_calls.csv", ';') {
		if call["Ответ"] > call["Конец"] {
			got.ClocksBack++
		}
	}
	if diff := cmp.Diff(c.truth.Dirt, got); diff != "" {
		t.Error(diff)
	}
	if got.ShortLines < 2 || got.BadValues < 2 || got.RepeatedLines+got.MissingIDs < 4 {
		t.Errorf("too clean to be true: %+v", got)
	}
	if total := got.ShortLines + got.BadValues + got.MissingIDs; total*200 > lines {
		t.Errorf("%d bad lines of %d", total, lines)
	}
}

// monthSeen is a month of the whole company, counted day by day.
type monthSeen struct {
	Month                        string
	AtStart, Lost, New, Returned int
	Statuses                     map[string]int
}

// checkChurn walks through every customer's days, a slow reading of the rules,
// and compares it with the truth.
func checkChurn(t *testing.T, c *company) {
	for _, segment := range []string{AllSegments, "small_firm", "wholesale"} {
		var want []monthSeen
		for _, row := range c.truth.ChurnByMonth {
			if row.Segment == segment {
				want = append(want, monthSeen{row.Month, row.AtStart, row.Lost, row.New, row.Returned, row.Statuses})
			}
		}
		got, lostOn := walkDays(t, c, segment, want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", segment, diff)
		}
		checkYears(t, c, segment, lostOn)
	}
}

// stay is a customer's time from a purchase to the loss.
type stay struct{ from, loss time.Time }

func walkDays(t *testing.T, c *company, segment string, months []monthSeen) ([]monthSeen, map[*seen][]stay) {
	start, end := day(t, c.truth.Start), day(t, c.truth.End)
	counts := map[string]*monthSeen{}
	for _, m := range months {
		counts[m.Month] = &monthSeen{Month: m.Month, Statuses: map[string]int{}}
		for _, status := range statuses {
			counts[m.Month].Statuses[status] = 0
		}
	}
	stays := map[*seen][]stay{}
	for _, customer := range c.customers {
		if len(customer.purchases) == 0 || segment != AllSegments && customer.segment != segment {
			continue
		}
		stays[customer] = customer.walk(c.truth.Limits, start, end, func(today time.Time) *monthSeen {
			return counts[today.Format("2006-01")+"-01"]
		})
	}
	var got []monthSeen
	for _, m := range months {
		got = append(got, *counts[m.Month])
	}
	return got, stays
}

// walk goes through the days of one customer.
func (s *seen) walk(limits map[string]Limits, start, end time.Time, month func(time.Time) *monthSeen) []stay {
	limit, ok := limits[s.segment]
	if !ok {
		limit = limits[AllSegments]
	}
	var (
		stays             []stay
		first, last, lost time.Time // lost: the loss last seen
		isLost, started   bool
		wasAtStart        bool
		losses            int
		purchases         = slices.SortedFunc(slices.Values(s.purchases), time.Time.Compare)
	)
	const dayLong = 24 * time.Hour
	for today := start; !today.After(end); today = today.Add(dayLong) {
		m := month(today)
		if today.Day() == 1 {
			if wasAtStart = started && !isLost; wasAtStart {
				m.AtStart++
			}
		}
		gap := int(today.Sub(last) / dayLong)
		if ended := today.Equal(s.terminated) && s.terminated.After(last); started && !isLost && (gap >= limit.LostAfter || ended) {
			isLost, lost = true, today
			losses++
			stays[len(stays)-1].loss = today
			if wasAtStart {
				m.Lost++
			}
		}
		for len(purchases) > 0 && purchases[0].Equal(today) {
			switch {
			case !started:
				first, started = today, true
				m.New++
				stays = append(stays, stay{from: today})
			case isLost:
				m.Returned++
				stays = append(stays, stay{from: today})
			}
			last, isLost, purchases = today, false, purchases[1:]
		}
		if started && (today.Equal(end) || today.Add(dayLong).Day() == 1) {
			gap := int(today.Sub(last) / dayLong)
			status := "active"
			switch {
			case isLost && losses > 1:
				status = "lost_twice"
			case isLost:
				status = "lost"
			case gap >= limit.SleepingAfter:
				status = "sleeping"
			case losses > 0 && int(today.Sub(lost)/dayLong) < 365:
				status = "returned"
			case int(today.Sub(first)/dayLong) < 30:
				status = "new"
			}
			m.Statuses[status]++
		}
	}
	return stays
}

func checkYears(t *testing.T, c *company, segment string, stays map[*seen][]stay) {
	rows := 0
	for _, year := range c.truth.YearlyChurn {
		if year.Segment != segment {
			continue
		}
		rows++
		after := day(t, year.Month).AddDate(0, 1, 0)
		from := after.AddDate(-1, 0, 0)
		atStart, lost := 0, 0
		for _, episodes := range stays {
			was, gone := false, false
			for _, s := range episodes {
				isLost := !s.loss.IsZero()
				was = was || s.from.Before(from) && !(isLost && s.loss.Before(from))
				gone = gone || isLost && !s.loss.Before(from) && s.loss.Before(after)
			}
			if was {
				atStart++
				if gone {
					lost++
				}
			}
		}
		if atStart != year.AtStart || lost != year.Lost {
			t.Errorf("%s, year until %s: %d of %d lost, truth %d of %d", segment, year.Month, lost, atStart, year.Lost, year.AtStart)
		}
	}
	if rows != 12 {
		t.Errorf("%s: %d years, want 12", segment, rows)
	}
}
