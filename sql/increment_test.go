package sqlfiles_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/connectors/entity"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/model"
	"winback/pipelines/warehouse"
)

// company is a small shop that lives day by day. Each of its days brings new,
// late, changed and deleted records, as one run each.
type company struct {
	tb     testing.TB
	conn   driver.Conn
	random *rand.Rand
	run    int
	loaded map[string]int // the last run that brought rows of an entity
	day    time.Time
	orders int
}

// Version and Since tell the models which rows are new.
func (c *company) Version(_ context.Context, domain, name string) (string, error) {
	return fmt.Sprint(c.loaded[domain+"."+name]), nil
}

func (c *company) Since(_ context.Context, _, _, version string) (model.Arrivals, bool, error) {
	return model.Arrivals{Condition: fmt.Sprintf("toUInt32(run_id) > %s", version), Rows: 1}, true, nil
}

func newCompany(tb testing.TB, seed uint64) *company {
	tb.Helper()
	c := &company{
		tb: tb, conn: enginetest.Start(tb).ConnWith(tb, clickhouse.Options{MaxOpenConns: 4}), random: rand.New(rand.NewPCG(seed, 1)),
		loaded: map[string]int{}, day: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, database := range []string{"raw", "staging", "mart", "ops"} {
		c.exec("drop database if exists " + database + " sync")
		c.exec("create database " + database)
	}
	for _, schema := range entity.All() {
		c.exec(warehouse.CreateRawTable(schema))
	}
	return c
}

func (c *company) exec(sql string) {
	c.tb.Helper()
	if err := c.conn.Exec(c.tb.Context(), sql); err != nil {
		c.tb.Fatalf("%s: %v", sql, err)
	}
}

// bring loads rows of an entity, written as SQL values of the given columns.
func (c *company) bring(name, columns string, rows ...string) {
	c.tb.Helper()
	if len(rows) == 0 {
		return
	}
	c.loaded[name] = c.run
	for i, row := range rows {
		rows[i] = fmt.Sprintf("('a', '%d', toDateTime64(%d, 6, 'UTC'), %t, %s)", c.run, c.run*1000, c.one(12), row)
	}
	c.exec(fmt.Sprintf("insert into raw.%s (source, run_id, extracted_at, deleted, %s) values %s",
		strings.ReplaceAll(name, ".", "_"), columns, strings.Join(rows, ", ")))
}

// one is true once in n times.
func (c *company) one(n int) bool { return c.random.IntN(n) == 0 }

// pick returns one of the texts as SQL; "" is null.
func (c *company) pick(texts ...string) string {
	text := texts[c.random.IntN(len(texts))]
	if text == "" {
		return "null"
	}
	return "'" + text + "'"
}

// moment is some time up to so many days ago, or a few ahead.
func (c *company) moment(days int) string {
	return "'" + c.day.AddDate(0, 0, 2-c.random.IntN(days)).Add(time.Duration(c.random.IntN(24))*time.Hour).Format(time.DateTime) + "'"
}

// sometime is a moment, or none.
func (c *company) sometime() string {
	if c.one(2) {
		return "null"
	}
	return c.moment(60)
}

func (c *company) email() string {
	return c.pick("", "", fmt.Sprintf("p%d@example.com", c.random.IntN(25)), fmt.Sprintf("P%d@example.com", c.random.IntN(25)), "info@example.com")
}

func (c *company) phone() string {
	return c.pick("", "", fmt.Sprintf("+49 30 55500%02d", c.random.IntN(25)))
}

// live lets a day pass.
func (c *company) live(scale int) {
	c.tb.Helper()
	c.run++
	c.liveShop(scale)
	c.livePeople(scale)
	c.liveService(scale)
	c.liveSales(scale)
}

func (c *company) liveShop(scale int) {
	var orders, lines, refunds []string
	for range scale + c.random.IntN(4) {
		id := c.orders
		if c.one(4) && c.orders > 0 { // again, changed
			id = c.random.IntN(c.orders)
		} else {
			c.orders++
		}
		days := 10
		if scale > 10 || c.one(8) {
			days = 400
		}
		orders = append(orders, fmt.Sprintf("'%d', %s, %s, %s, %s, %s, %s, %d, %s, %s, %s, %s, %s", id,
			c.pick("", fmt.Sprint(c.random.IntN(40)), fmt.Sprint(c.random.IntN(40))), c.email(), c.phone(), c.moment(days),
			c.pick("", "completed", "completed", "cancelled"), c.pick("", "", "EUR", "USD"), c.random.IntN(100), c.pick("", "", "1"),
			c.sometime(), c.sometime(), c.pick("", "2"), c.pick("", "", "BACK")))
		for line := range c.random.IntN(3) {
			lines = append(lines, fmt.Sprintf("'%d', %d, %s, %d, %d, %s", id, line+1, c.pick("", "p1", "p2"), c.random.IntN(3), c.random.IntN(30), c.pick("", "", "2")))
		}
	}
	for range c.random.IntN(3) {
		refunds = append(refunds, fmt.Sprintf("'r%d', %s, %s, %d", c.random.IntN(20), c.pick("", fmt.Sprint(c.random.IntN(c.orders+1))), c.moment(40), c.random.IntN(20)))
	}
	c.bring("shop.orders", "id, customer_id, email, phone, ordered_at, status, currency, items_total, line_count, promised_at, delivered_at, discount, coupon", orders...)
	c.bring("shop.order_lines", "order_id, line_no, product_id, quantity, price, cost", lines...)
	c.bring("shop.refunds", "id, order_id, at, amount", refunds...)
	if c.one(3) {
		c.bring("shop.exchange_rates", "currency, date, rate", fmt.Sprintf("'USD', toDate32(%s), 0.%d", c.moment(30)[:11]+"'", 1+c.random.IntN(99)))
	}
	if c.one(3) {
		c.bring("shop.products", "id, cost", fmt.Sprintf("%s, %d", c.pick("p1", "p2"), c.random.IntN(9)))
	}
}

func (c *company) livePeople(scale int) {
	var accounts, records []string
	for range scale/3 + c.random.IntN(2) {
		accounts = append(accounts, fmt.Sprintf("'%d', %s, %s, %s, %s", c.random.IntN(40), c.email(), c.phone(), c.moment(500),
			c.pick("Ann", "Bob", "")))
	}
	for range scale/3 + c.random.IntN(2) {
		records = append(records, fmt.Sprintf("'c%d', [%s], [%s], %s, %s, %s, %s, %s, map('a', '%d')", c.random.IntN(20),
			c.pick("p1@example.com", "p2@example.com", "p3@example.com"), c.pick("+49 30 5550001", "+49 30 5550002"),
			c.pick("", "retail", "wholesale"), c.pick("", "m1", "m2"), c.moment(400), c.moment(300), c.pick("", c.day.AddDate(0, 0, 2-c.random.IntN(90)).Format(time.DateTime)),
			c.random.IntN(60)))
	}
	c.bring("shop.customers", "id, email, phone, registered_at, first_name", accounts...)
	c.bring("crm.customers", "id, email, phone, segment, manager_id, created_at, contract_started_at, contract_terminated_at, external_ids", records...)
	if c.one(4) {
		c.bring("crm.managers", "id, name", fmt.Sprintf("%s, %s", c.pick("m1", "m2"), c.pick("Mia", "Max")))
	}
}

// liveService brings what customers and the company have to do with each other
// besides orders.
func (c *company) liveService(scale int) {
	var carts, touches, complaints []string
	for range scale/4 + c.random.IntN(2) {
		begun := c.moment(30)
		carts = append(carts, fmt.Sprintf("'%d', %s, %s, %s, %s, %s, %s, %d, %s, %s", c.random.IntN(60), c.pick("", fmt.Sprint(c.random.IntN(40))), c.email(), c.phone(),
			begun, c.pick("", strings.Trim(begun, "'"), strings.Trim(c.moment(10), "'")), c.pick("", fmt.Sprint(c.random.IntN(c.orders+1))), c.random.IntN(90), c.pick("", "EUR", "USD"),
			c.pick("", `[{"product_id": "p1", "quantity": 2}, {"category": "Hats", "price": "3.5"}]`)))
		touches = append(touches, fmt.Sprintf("'%d', %s, %s, %s, %s, %s, %s", c.random.IntN(60),
			c.pick("", fmt.Sprint(c.random.IntN(40)), fmt.Sprintf("c%d", c.random.IntN(20)), fmt.Sprintf("a:%d", c.random.IntN(40))), c.email(), c.pick("", strings.Trim(c.moment(100), "'")),
			c.pick("", "k1", "k2"), c.pick("", "back"), c.pick("", "10")))
		complaints = append(complaints, fmt.Sprintf("'%d', %s, %s, %s, %s, %s", c.random.IntN(40), c.pick("", fmt.Sprintf("c%d", c.random.IntN(20))), c.moment(200),
			c.sometime(), c.pick("", "true", "false"), c.pick("", "money back")))
	}
	c.bring("shop.carts", "id, customer_id, email, phone, created_at, updated_at, order_id, value, currency, items", carts...)
	c.bring("winback.touches", "id, customer_id, email, at, campaign_id, coupon, discount_pct", touches...)
	if c.one(3) {
		c.bring("winback.campaigns", "id, started_at, attribution_days", fmt.Sprintf("%s, %s, %d", c.pick("k1", "k2"), c.moment(100), 10+c.random.IntN(60)))
	}
	c.bring("crm.complaints", "id, customer_id, opened_at, answered_at, satisfied, resolution", complaints...)
	for range c.random.IntN(3) {
		c.bring("winback.cart_reminders", "id, cart_id, at, cost", fmt.Sprintf("'%d', '%s%d', %s, %s", c.random.IntN(30), strings.Repeat("a:", c.random.IntN(2)), c.random.IntN(60), c.moment(20), c.pick("", "0.1")))
	}
	c.liveCalls(scale)
	c.liveManagers(scale)
}

// liveManagers brings customers from one manager to another, plans and payments.
func (c *company) liveManagers(scale int) {
	var assignments, plans, payments []string
	for range scale/6 + c.random.IntN(2) {
		customer := fmt.Sprintf("'c%d'", c.random.IntN(20))
		assignments = append(assignments, fmt.Sprintf("%s, %s, %s, %s", customer, c.moment(300), c.pick("", "m1", "m2", "m3"), c.pick("", "", c.day.Format(time.DateTime))))
		plans = append(plans, fmt.Sprintf("%s, toStartOfMonth(toDate32(%s)), %d, %s", customer, c.moment(200)[:11]+"'", c.random.IntN(90), c.pick("", "EUR", "USD")))
		payments = append(payments, fmt.Sprintf("'%d', %s, %s, %s, %d", c.random.IntN(40), customer, c.moment(200), c.pick("", c.day.AddDate(0, 0, -c.random.IntN(90)).Format(time.DateTime)), c.random.IntN(90)))
	}
	c.bring("crm.manager_assignments", "customer_id, from_at, manager_id, to_at", assignments...)
	c.bring("crm.sales_plans", "customer_id, month, amount, currency", plans...)
	c.bring("crm.payments", "id, customer_id, due_at, paid_at, amount", payments...)
	if c.one(3) {
		c.bring("crm.business_events", "id, at, title, segment", fmt.Sprintf("'e%d', %s, 'Something', %s", c.random.IntN(5), c.moment(300), c.pick("", "retail")))
	}
}

func (c *company) liveCalls(scale int) {
	var calls []string
	for range scale/2 + c.random.IntN(3) {
		calls = append(calls, fmt.Sprintf("'%d', %s, %s, %s, %s, %s, %s, %d, %s, %s, %s", c.random.IntN(90), c.moment(60), c.pick("inbound", "outbound"), c.phone(), c.phone(),
			c.pick("", "answered", "abandoned"), c.pick("", "billing"), c.random.IntN(40)-5, c.pick("", "m1", "m2"), c.sometime(), c.pick("", "", fmt.Sprint(c.random.IntN(90)))))
	}
	c.bring("callcenter.calls", "id, started_at, direction, from_number, to_number, disposition, topic, wait_seconds, agent_id, callback_promised_at, callback_of", calls...)
	if c.one(4) {
		c.bring("callcenter.agents", "id, team", fmt.Sprintf("%s, %s", c.pick("m1", "m2"), c.pick("", "sales", "help")))
	}
}

// build builds what the day touches and returns how many models were built
// incrementally.
func (c *company) build(p *model.Project, vars model.Vars, selected ...string) int {
	c.tb.Helper()
	summary, err := model.NewRunner(c.conn, p, model.RunnerOptions{Vars: vars, Sources: contract{}, Versions: c, Select: selected, WholeAbove: 2}).Run(c.tb.Context())
	if err != nil {
		c.tb.Fatal(err)
	}
	incremental := 0
	for _, result := range summary.Models {
		if result.Err != nil {
			c.tb.Errorf("%s: %v", result.Model.Name, result.Err)
		}
		if result.Incremental {
			incremental++
		}
	}
	return incremental
}

// inParts are the models that a build may leave as they are, or build in part: those
// with a key. The others are built whole whenever what they read has changed.
func inParts(p *model.Project) (names []string) {
	for _, m := range p.Models() {
		if len(m.Key) > 0 && m.ComputedBy == "" {
			names = append(names, m.Name)
		}
	}
	return names
}

// wantWhole sees that every table that is built in part holds exactly the rows that its
// query returns over the tables below it: if those are as a whole build makes them, it
// is too.
func (c *company) wantWhole(p *model.Project, vars model.Vars) {
	c.tb.Helper()
	for _, name := range inParts(p) {
		m, _ := p.Model(name)
		query, err := p.Compile(m.Name, vars)
		if err != nil {
			c.tb.Fatal(err)
		}
		ctx := clickhouse.Context(c.tb.Context(), clickhouse.WithSettings(clickhouse.Settings{"join_use_nulls": 1}))
		var differences []string
		err = c.conn.QueryRow(ctx, fmt.Sprintf(`select groupArray(5)(concat(if(surplus > 0, 'too much: ', 'missing: '), row)) from (
			select sum(side) as surplus, row from (
				select formatRowNoNewline('TSV', *) as row, toInt64(1) as side from %s
				union all select formatRowNoNewline('TSV', *), -1 from (%s)
			) group by row having surplus != 0 order by row)`, m.Relation(), query)).Scan(&differences)
		if err != nil {
			c.tb.Fatalf("%s: %v", m.Name, err)
		}
		if len(differences) > 0 {
			c.tb.Errorf("%s differs from a whole build:\n%s", m.Name, strings.Join(differences, "\n"))
		}
	}
}

var (
	companies = flag.Int("companies", 1, "how many random companies the test of incremental models follows")
	daysLived = flag.Int("days", 1, "how many days it follows each of them")
)

// TestModels_Incremental follows a company through random days and compares every
// table that is built in part with a whole build after each: the day goes on, jumps
// over months, and back. In between some of the models are built alone, so that those
// which follow them have to catch up with several of their builds at once.
func TestModels_Incremental(t *testing.T) {
	all := project(t)
	p, err := all.Restrict(inParts(all))
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(*companies) {
		t.Run(fmt.Sprint("company ", seed), func(t *testing.T) {
			c := newCompany(t, seed)
			vars := model.DefaultVars()
			vars.Timezone = "Europe/Berlin"
			vars.Churn.SleepingAfter, vars.Churn.LostAfter = 20, 45
			c.live(60)
			for day := range *daysLived + 1 {
				vars.AsOf = c.day
				for range min(day, 2) {
					names := inParts(p)
					c.build(p, vars, "+"+names[c.random.IntN(len(names))])
					c.live(1)
				}
				incremental := c.build(p, vars)
				if day > 0 {
					if incremental < 10 {
						t.Errorf("day %d: only %d models were built incrementally", day, incremental)
					}
					c.wantWhole(p, vars)
				}
				if t.Failed() {
					t.Fatalf("day %d, as of %s", day, c.day.Format(time.DateOnly))
				}
				c.day = c.day.AddDate(0, 0, []int{0, 1, 1, 1, 3, 35, -20}[c.random.IntN(7)])
				c.live(2)
			}
		})
	}
}
