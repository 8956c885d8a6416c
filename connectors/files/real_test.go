package files

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/spec"
)

// testdata returns the folder of the public data sets. Without it a test is
// skipped, but not where everything must be tested.
func testdata(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("WINBACK_TESTDATA")
	if dir == "" {
		dir = filepath.Join(repository(t), "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the public data sets are not at %s; set WINBACK_TESTDATA", dir)
		}
		t.Skipf("SKIPPED: the public data sets are not at %s; set WINBACK_TESTDATA", dir)
	}
	return path
}

// repository returns the folder of go.mod.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// totals sums up what Online Retail's entities hold.
type totals struct {
	rows      map[string]int
	cancelled int
	quantity  entity.Decimal
	value     entity.Decimal
	refunded  entity.Decimal
	payload   int
	customers map[string]bool
}

func (x *totals) add(t testing.TB, b *entity.Batch) {
	name := b.Schema.FullName()
	x.rows[name] += b.Rows()
	column := func(name string) *entity.Column { return &b.Columns[b.Schema.Field(name).Index] }
	for i := range b.Rows() {
		switch name {
		case "shop.orders":
			if string(column("status").Value(i)) == "cancelled" {
				x.cancelled++
			}
			if !column("payload").IsNull(i) {
				x.payload++
			}
			if !column("customer_id").IsNull(i) {
				x.customers[string(column("customer_id").Value(i))] = true
			}
		case "shop.order_lines":
			quantity, price := entity.Decimal(column("quantity").Ints[i]), entity.Decimal(column("price").Ints[i])
			product, err := quantity.Mul(price)
			if err != nil {
				t.Fatal(err)
			}
			x.quantity += quantity
			x.value += product
		case "shop.refunds":
			amount := entity.Decimal(column("amount").Ints[i])
			if amount <= 0 {
				t.Errorf("refund %s is %s", column("id").Value(i), amount)
			}
			x.refunded += amount
		}
	}
}

// online opens the example's source over files of Online Retail.
func online(t testing.TB, pattern string) connectors.Source {
	t.Helper()
	example := filepath.Join(repository(t), "deploy", "examples", "online-retail", "winback.yaml")
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("WINBACK_TESTDATA", filepath.Dir(testdata(t, "online_retail")))
	var errs spec.Errors
	root := spec.Parse(example, text, spec.Options{Lookup: os.LookupEnv}, &errs)
	var c Config
	root.Get("sources").Get("shop").Without("connector").Decode(&c, &errs)
	if err := errs.Err(); err != nil {
		t.Fatal(err)
	}
	if pattern != "" {
		c.Datasets.Entries[0].Value.Files = []spec.Path{spec.Path(pattern)}
	}
	return openConfig(t, filepath.Dir(example), &c)
}

func extractTotals(t testing.TB, s connectors.Source) (*totals, *memory) {
	t.Helper()
	x := &totals{rows: map[string]int{}, customers: map[string]bool{}}
	m := newMemory()
	m.each = func(b *entity.Batch) { x.add(t, b) }
	if _, err := s.Extract(context.Background(), connectors.Request{Dataset: "invoices"}, m); err != nil {
		t.Fatal(err)
	}
	return x, m
}

func TestOnlineRetail(t *testing.T) {
	dir := testdata(t, "online_retail")
	tests := []struct {
		name, pattern                   string
		orders, lines, cancelled        int
		customers                       int
		quantity, value                 string
		duplicateOrders, duplicateLines int64
	}{
		{name: "first year", pattern: filepath.Join(dir, "*2009_2010.csv.gz"),
			orders: 28_816, lines: 525_461, cancelled: 4_592 + 3, customers: 4_383, quantity: "5432041", value: "9539484.634"},
		{name: "second year", pattern: filepath.Join(dir, "*2010_2011.csv.gz"),
			orders: 25_900, lines: 541_909, cancelled: 3_836 + 3, customers: 4_372, quantity: "5176450", value: "9747747.934"},
		// The nine days in both files count once.
		{name: "both", orders: 53_628, lines: 1_044_847, cancelled: 8_292 + 6, customers: 5_942,
			quantity: "10441843", value: "18909744.118", duplicateOrders: 1_088, duplicateLines: 22_523},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x, m := extractTotals(t, online(t, test.pattern))
			for _, r := range m.rejects {
				t.Errorf("rejected: %+v", r)
			}
			if x.rows["shop.orders"] != test.orders || x.rows["shop.order_lines"] != test.lines {
				t.Errorf("got %d orders, %d lines, want %d, %d", x.rows["shop.orders"], x.rows["shop.order_lines"], test.orders, test.lines)
			}
			if x.cancelled != test.cancelled {
				t.Errorf("got %d cancelled orders, want %d", x.cancelled, test.cancelled)
			}
			if x.payload != test.orders {
				t.Errorf("got %d orders with payload, want %d", x.payload, test.orders)
			}
			if len(x.customers) != test.customers {
				t.Errorf("got %d customers, want %d", len(x.customers), test.customers)
			}
			if x.quantity.String() != test.quantity || x.value.String() != test.value {
				t.Errorf("got quantity %s, value %s, want %s, %s", x.quantity, x.value, test.quantity, test.value)
			}
			orders, lines := m.counts["shop.orders"], m.counts["shop.order_lines"]
			if orders.Duplicates != test.duplicateOrders || lines.Duplicates != test.duplicateLines {
				t.Errorf("got %d, %d duplicates, want %d, %d", orders.Duplicates, lines.Duplicates, test.duplicateOrders, test.duplicateLines)
			}
			if lines.Read != int64(test.lines)+test.duplicateLines {
				t.Errorf("got %d lines read, want %d", lines.Read, int64(test.lines)+test.duplicateLines)
			}
			t.Logf("%d refunds of %s", x.rows["shop.refunds"], x.refunded)
		})
	}
}

const dealsConfig = `
timezone: UTC
payload: none
datasets:
  crm.deals:
    files: %s
    fields:
      id: opportunity_id
      manager_id: sales_agent
      product: product
      customer_id: account
      status: {column: deal_stage, map: {Prospecting: open, Engaging: open}}
      stage_id: deal_stage
      created_at: {column: engage_date, layout: %q}
      closed_at: {column: close_date, layout: %q}
      amount: close_value
`

// The same deals after a round trip through a spreadsheet give the same table.
func TestCRM_Variants(t *testing.T) {
	dir := testdata(t, "crm_sales_opportunities")
	read := func(file, layout string) []string {
		path := filepath.Join(dir, file)
		f := newFolder(t, fmt.Sprintf(dealsConfig, path, layout, layout), nil)
		m := f.mustExtract()
		if len(m.rejects) > 0 {
			t.Fatalf("%s: rejects %+v", file, m.rejects[0])
		}
		return m.rows["crm.deals"]
	}
	plain := read("sales_pipeline.csv.gz", "iso")
	if len(plain) != 8_800 {
		t.Errorf("got %d deals", len(plain))
	}
	for _, layout := range []string{"dmy", "%d-%m-%Y", "02-01-2006"} {
		if diff := cmp.Diff(plain, read("variants/sales_pipeline_dmy_crlf.csv.gz", layout)); diff != "" {
			t.Errorf("%s: -plain +variant\n%s", layout, diff)
		}
	}
	count := map[string]int{}
	for _, row := range plain {
		for part := range strings.FieldsSeq(row) {
			if strings.HasPrefix(part, "status=") {
				count[part]++
			}
		}
	}
	want := map[string]int{"status=won": 4_238, "status=lost": 2_473, "status=open": 1_589 + 500}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Exports as they come: byte-order marks, no header, nested quotes, a missing
// last line end, offsets behind times.
func TestExportSamples(t *testing.T) {
	tests := []struct {
		name, yaml string
		rows       map[string]int
		first      string
	}{
		{name: "asterisk Master.csv", yaml: `
timezone: Europe/Moscow
payload: none
datasets:
  callcenter.calls:
    files: DIR/asterisk/Master.csv
    columns: [clid, src, dst, dcontext, channel, dstchannel, lastapp, lastdata, start, answer, end, duration, billsec, disposition, amaflags, accountcode, uniqueid, userfield, sequence]
    fields:
      id: uniqueid
      started_at: start
      answered_at: answer
      from_number: src
      to_number: dst
      disposition: {column: disposition, map: {ANSWERED: answered, NO ANSWER: abandoned}}
      talk_seconds: billsec
`, rows: map[string]int{"callcenter.calls": 14}},
		{name: "hubspot deals", yaml: `
datasets:
  crm.deals:
    files: DIR/hubspot_synthetic/hubspot_deals.csv
    fields: {id: Deal ID, title: Deal Name, amount: Amount, status: {column: Deal Stage, map: {Closed Won: won, Closed Lost: lost}, default: open}}
`, rows: map[string]int{"crm.deals": 500}},
		{name: "shopify orders", yaml: `
payload: none
datasets:
  orders:
    files: DIR/shopify_orders_export/orders_export_1.csv
    group_by: Name
    entities:
      shop.orders:
        fields: {id: Name, ordered_at: Created at, email: Email, currency: Currency, items_total: Subtotal}
      shop.order_lines:
        fields: {order_id: Name, line_no: {auto: line_number}, name: Lineitem name, quantity: Lineitem quantity, price: Lineitem price}
`, rows: map[string]int{"shop.orders": 2, "shop.order_lines": 2},
			first: "id=#1002 email=testcust1@example.com ordered_at=2026-04-10T05:41:26Z currency=INR items_total=130 line_count=1"},
	}
	dir := testdata(t, "export_samples")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := newFolder(t, strings.ReplaceAll(test.yaml, "DIR", dir), nil).mustExtract()
			for _, r := range m.rejects {
				t.Errorf("rejected: %+v", r)
			}
			for name, want := range test.rows {
				if got := len(m.rows[name]); got != want {
					t.Errorf("got %d rows of %s, want %d", got, name, want)
				}
			}
			if test.first != "" && m.rows["shop.orders"][0] != test.first {
				t.Errorf("got %s", m.rows["shop.orders"][0])
			}
		})
	}
}

// Answers of real systems, as their interfaces give them: orders with their lines
// and refunds, deals behind a path.
func TestRealJSON(t *testing.T) {
	tests := []struct {
		name, file, yaml string
		want             []string
	}{
		{"WooCommerce", "woocommerce/orders_list.json", `
datasets:
  orders:
    files: in.json
    timezone: UTC
    entities:
      shop.orders:
        payload: none
        fields: {id: id, number: number, customer_id: {column: customer_id, nulls: ["0"]}, email: billing.email, ordered_at: date_created_gmt,
                 status: {column: status, map: {processing: paid}}, currency: currency, items_total: total, coupon: "coupon_lines[0].code"}
      shop.order_lines:
        each: line_items
        fields: {order_id: ^.id, line_no: {auto: line_number}, product_id: product_id, sku: sku, name: name, quantity: quantity, price: price}
      shop.refunds:
        each: refunds
        fields: {id: id, order_id: $.id, at: {column: [^.date_modified_gmt]}, amount: {column: total, factor: -1}, reason: reason}
`, []string{
			"shop.order_lines in.json:1: order_id=727 line_no=2 product_id=22 sku=Bar3 name=Ship Your Idea &ndash; Color: Black, Size: M Test quantity=1 price=12\n",
			"shop.orders in.json:1: id=727 number=727 email=john.doe@example.com ordered_at=2017-03-22T19:28:02Z status=paid currency=USD items_total=29.35 line_count=2\n",
			"shop.refunds in.json:2: id=724 order_id=723 at=2017-03-21T19:54:51Z amount=9\n",
			"count shop.order_lines: 4 read", "count shop.orders: 2 read", "count shop.refunds: 2 read",
		}},
		{"amoCRM", "amocrm/leads_page.json", `
datasets:
  crm.deals:
    files: in.json
    records: _embedded.leads
    payload: none
    fields: {id: id, title: name, amount: price, created_at: {column: created_at, layout: unix}, stage_id: status_id, pipeline_id: pipeline_id, status: {const: open}}
`, []string{"crm.deals in.json:3: id=38473179 title=Продажа автопарка pipeline_id=7249526 stage_id=60456950 status=open amount=2000000 ", "count crm.deals: 7 read"}},
		{"Bitrix24", "bitrix24/crm.deal.list.json", `
datasets:
  crm.deals:
    files: in.json
    records: result
    payload: none
    fields: {id: ID, title: TITLE, amount: OPPORTUNITY, created_at: DATE_CREATE, stage_id: STAGE_ID, status: {const: open}}
`, []string{"crm.deals in.json:1: id=37 title=[А] Сделка stage_id=C1:NEW status=open amount=19999.99 currency=GBP created_at=2024-09-02T16:37:18Z\n", "count crm.deals: 6 read"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text, err := os.ReadFile(testdata(t, filepath.Join("export_samples", test.file)))
			if err != nil {
				t.Fatal(err)
			}
			m := newFolder(t, test.yaml, map[string]string{"in.json": string(text)}).mustExtract()
			got := m.text()
			for _, want := range test.want {
				if !strings.Contains(got, want) || len(m.rejects) > 0 {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}
