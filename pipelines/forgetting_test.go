package pipelines

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"winback/connectors/entity"
	"winback/pipelines/erasure"
	"winback/pipelines/landing"
)

const peopleDatasets = `      customers:
        files: customers*.csv
        entity: shop.customers
        fields: {id: id, email: email, phone: phone, first_name: name}
      orders:
        files: orders*.csv
        entity: shop.orders
        fields: {id: id, customer_id: customer, email: email, ordered_at: day, status: {const: completed}, items_total: total}
      lines:
        files: lines*.csv
        entity: shop.order_lines
        fields: {order_id: order, line_no: no, name: name}
      complaints:
        files: complaints*.csv
        entity: crm.complaints
        fields: {id: id, customer_id: customer, text: text}
`

// people is a bench with three customers, of whom Ann is to be forgotten. A complaint of
// Bob mentions her, and an order of hers did not fit.
func people(t *testing.T) *bench {
	t.Helper()
	return peopleWith(t, "stg_shop__orders, stg_shop__customers, stg_shop__order_lines, stg_crm__complaints")
}

// peopleWith has other models.
func peopleWith(t *testing.T, models string) *bench {
	t.Helper()
	b := newBench(t)
	b.write("customers.csv", "id,email,phone,name\nc1,Ann@Example.com,+44 20 7946 0018,Annabel\nc2,bob@example.com,+44 20 7946 0019,Bob\nc3,eve@example.com,,Eve\n")
	b.write("orders.csv", "id,customer,email,day,total\n1,c1,ann@example.com,2026-01-05,10\n2,c2,,2026-01-06,20\n3,,ann@example.com,2026-01-07,30\n4,c3,,2026-01-08,40\n5,c1,ann@example.com,someday,50\n")
	b.write("lines.csv", "order,no,name\n1,1,tea\n2,1,pot\n3,1,cup\n")
	b.write("complaints.csv", "id,customer,text\n1,c1,too late\n2,c2,\"ask Ann, 020 7946 0018 or ann@example.com\"\n")
	b.configureWith("models: {only: ["+models+"]}\n", peopleDatasets)
	b.build()
	return b
}

// build runs the project.
func (b *bench) build() Summary {
	b.Helper()
	s, err := b.project.Run(b.Context(), RunOptions{})
	if err != nil {
		b.Fatal(err, s.Problems)
	}
	return s
}

// forget forgets somebody.
func (b *bench) forget(o ForgetOptions) (ForgetSummary, error) {
	b.Helper()
	return b.project.Forget(b.Context(), o)
}

// traces are the places that hold one of the texts: landing files, quarantine and the
// columns of all tables.
func (b *bench) traces(texts ...string) []string {
	b.Helper()
	var found []string
	holds := func(place, text string) {
		for _, wanted := range texts {
			if strings.Contains(strings.ToLower(text), wanted) {
				found = append(found, place+" holds "+wanted)
			}
		}
	}
	sources, err := b.project.Zone.Sources()
	if err != nil {
		b.Fatal(err)
	}
	for _, source := range sources {
		for _, s := range entity.All() {
			err := b.project.Zone.EachRow(b.Context(), source, s.FullName(), func(f landing.File, r landing.Row) error {
				for _, field := range s.Fields {
					holds(f.Path+" "+field.Name, r.Text(field.Name))
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		groups, err := b.project.Zone.QuarantineGroups(source)
		if err != nil {
			b.Fatal(err)
		}
		for _, g := range groups {
			for record, err := range b.project.Zone.QuarantineRecords(b.Context(), g) {
				if err != nil {
					b.Fatal(err)
				}
				holds("quarantine", record.Value+record.Record+record.Reason)
			}
			for _, s := range g.Settlements {
				holds("the log of quarantine", s.Reason)
			}
		}
	}
	tables, err := names(b.Context(), b.w, "SELECT concat(database, '.', name) FROM system.tables WHERE database IN ('raw', 'staging', 'mart', 'ops') AND engine != 'View'")
	if err != nil {
		b.Fatal(err)
	}
	for _, table := range tables {
		rows, err := names(b.Context(), b.w, "SELECT formatRowNoNewline('JSONEachRow', *) FROM "+table)
		if err != nil {
			b.Fatal(err)
		}
		holds(table, strings.Join(rows, "\n"))
	}
	err = filepath.Walk(b.project.Zone.Root(), func(path string, info os.FileInfo, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json") {
			return err
		}
		text, err := os.ReadFile(path)
		holds(path, string(text))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return found
}

// Nothing of a person is left in landing zone, tables, quarantine and books, others stay
// as they are, and the person does not come back with what the source delivers next.
func TestForget(t *testing.T) {
	b := people(t)
	about := []string{"ann@example.com", "annabel", "79460018", "7946 0018"}
	if len(b.traces(about...)) < 5 {
		t.Fatalf("before, there are only %q", b.traces(about...))
	}
	plan, err := b.forget(ForgetOptions{Email: "ANN@example.com ", Phone: "020 79460018", DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := "map[crm.complaints:1 shop.customers:1 shop.order_lines:2 shop.orders:2]"; fmt.Sprint(plan.Rows) != want || plan.Redacted["crm.complaints"] != 1 {
		t.Errorf("it would erase %v and redact %v, want %s and a complaint", plan.Rows, plan.Redacted, want)
	}
	kept := filepath.Join(b.project.Home, "warehouse.old-r1")
	if err := os.Mkdir(kept, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := b.forget(ForgetOptions{Email: "ann@example.com", Phone: "+442079460018"})
	if err != nil {
		t.Fatal(err, s.Problems)
	}
	if !strings.HasSuffix(s.Receipt.Remains[0], kept) {
		t.Errorf("the receipt does not name the old warehouse that was kept: %q", s.Receipt.Remains)
	}
	if fmt.Sprint(s.Receipt.Rows) != fmt.Sprint(plan.Rows) || s.Receipt.Files == 0 || s.Receipt.Quarantine != 1 || s.Receipt.Searched == 0 {
		t.Errorf("the receipt says %+v", s.Receipt)
	}
	if left := b.traces(about...); len(left) > 0 {
		t.Errorf("after it there are\n%s", strings.Join(left, "\n"))
	}
	others := func() string {
		rows, err := names(t.Context(), b.w, `SELECT * FROM (SELECT concat('order ', id) AS what FROM raw.shop_orders FINAL WHERE NOT deleted
			UNION ALL SELECT concat('line of ', order_id) FROM raw.shop_order_lines FINAL WHERE NOT deleted
			UNION ALL SELECT concat('customer ', id) FROM raw.shop_customers FINAL WHERE NOT deleted
			UNION ALL SELECT concat('complaint ', id, ' ', text) FROM raw.crm_complaints FINAL WHERE NOT deleted
			UNION ALL SELECT concat('staged ', order_id) FROM staging.stg_shop__orders) ORDER BY what`)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(rows, "; ")
	}
	want := "complaint 2 ask Ann, (erased) or (erased); customer c2; customer c3; line of 2; order 2; order 4; staged 2; staged 4"
	if got := others(); got != want {
		t.Errorf("others are\n%s\nwant\n%s", got, want)
	}

	b.write("customers-2.csv", "id,email,phone,name\nc1,ann@example.com,02079460018,Annabel\nc9,new@example.com,,Nora\n")
	b.write("orders-2.csv", "id,customer,email,day,total\n1,c1,,2026-01-05,10\n3,,,2026-01-07,30\n6,c1,,2026-02-05,60\n7,,ann@example.com,sometime,60\n")
	b.write("lines-2.csv", "order,no,name\n3,1,cup\n")
	b.build()
	if left := b.traces(about...); len(left) > 0 {
		t.Errorf("the next extraction brought back\n%s", strings.Join(left, "\n"))
	}
	if got := others(); got != strings.Replace(want, "customer c3;", "customer c3; customer c9;", 1) {
		t.Errorf("after the next extraction others are\n%s", got)
	}

	again, err := b.forget(ForgetOptions{Email: "ann@example.com", Phone: "+442079460018"})
	if err != nil || !again.Known || len(again.Receipt.Rows) > 0 {
		t.Errorf("a second time it erases %+v, %v", again.Receipt, err)
	}
	receipt, err := os.ReadFile(s.File)
	if err != nil || strings.Contains(strings.ToLower(string(receipt)), "ann") {
		t.Errorf("the receipt is %s, %v", receipt, err)
	}
}

// Why somebody did not want a record may name a person, also where nothing else of the
// dataset does.
func TestForget_WhatWasSaidOfADiscardedRecord(t *testing.T) {
	b := people(t)
	b.write("lines-2.csv", "order,no,name\n4,many,tea\n")
	b.build()
	summary, err := b.project.Discard(t.Context(), SettleOptions{QuarantineFilter: QuarantineFilter{Dataset: "lines"}}, "asked Ann, ann@example.com")
	if err != nil {
		t.Fatal(err, summary)
	}
	if len(b.traces("asked ann")) == 0 {
		t.Fatal("the reason is not in the log")
	}
	if _, err := b.forget(ForgetOptions{Email: "ann@example.com", Phone: "+442079460018"}); err != nil {
		t.Fatal(err)
	}
	if left := b.traces("ann@example.com", "annabel"); len(left) > 0 {
		t.Errorf("after it there are\n%s", strings.Join(left, "\n"))
	}
}

// Wherever an erasure is stopped, the next run finishes it.
func TestForget_Killed(t *testing.T) {
	b := people(t)
	about := []string{"ann@example.com", "annabel"}
	r := b.project.newRun(RunOptions{}, selection{})
	if err := r.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.warehouse.Close()
	if err := r.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	book, err := b.project.erasures()
	if err != nil {
		t.Fatal(err)
	}
	book.Add("killed", "", b.now, []erasure.Mark{book.Email("ann@example.com")})
	if err := book.Write(); err != nil {
		t.Fatal(err)
	}
	e := newErasing(r, book)
	if err := errors.Join(e.look(t.Context()), e.fromWarehouse(t.Context())); err != nil {
		t.Fatal(err)
	}
	// Killed here: some of the landing zone is erased, the rest is not.
	if done, err := b.project.Zone.Erase(t.Context(), "shop", orders{e.people}); err != nil || len(done) != 1 {
		t.Fatal(done, err)
	}
	if len(b.traces(about...)) == 0 {
		t.Fatal("nothing is left to be done")
	}
	told(t, b.build())
	if left := b.traces(about...); len(left) > 0 {
		t.Errorf("after the next run there are\n%s", strings.Join(left, "\n"))
	}
	book, err = b.project.erasures()
	if err != nil || len(book.Pending()) != 0 {
		t.Errorf("%d erasures are pending, %v", len(book.Pending()), err)
	}
}

// A long history names many people, and one of them may be in many rows of the books.
func TestForget_ManyNamesAndManyRows(t *testing.T) {
	b := newBench(t)
	b.configureWith("", peopleDatasets)
	r := b.project.newRun(RunOptions{}, selection{})
	if err := r.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer r.warehouse.Close()
	book, err := b.project.erasures()
	if err != nil {
		t.Fatal(err)
	}
	book.Add("many", "", b.now, []erasure.Mark{book.Email("ann@example.com")})
	e := newErasing(r, book)
	const told = 15_000
	if err := b.w.Exec(t.Context(), fmt.Sprintf("INSERT INTO ops.steps (run_id, name, message) SELECT toString(number), toString(number), 'ann@example.com did not fit' FROM numbers(%d)", told)); err != nil {
		t.Fatal(err)
	}
	wanted := make([]string, 300)
	for i := range wanted {
		wanted[i] = fmt.Sprintf("p%03d@example.com", i)
	}
	wanted[299] = "ann@example.com"
	if found, err := e.holding(t.Context(), wanted); err != nil || len(found) != 1 || found[0] != "ops.steps" {
		t.Errorf("they are in %q, %v", found, err)
	}
	if err := e.fromBooks(t.Context()); err != nil || e.receipt.Books["ops.steps"] != told {
		t.Errorf("%v were erased from the books, %v", e.receipt.Books, err)
	}
	if found, err := e.holding(t.Context(), wanted); err != nil || len(found) != 0 {
		t.Errorf("after it they are in %q, %v", found, err)
	}
}

// orders erases in orders alone.
type orders struct{ *erasure.Eraser }

func (o orders) Judge(r landing.Row) landing.Verdict {
	if r.Schema().FullName() != "shop.orders" {
		return landing.Stay
	}
	return o.Eraser.Judge(r)
}

func (o orders) Quarantined(landing.QuarantineRow) bool { return false }

// Where the warehouse knows which records are one customer's, the key or any contact of
// theirs is enough.
func TestForget_ByCustomer(t *testing.T) {
	b := peopleWith(t, "int_customer_keys, int_customer_contacts")
	keys, err := names(t.Context(), b.w, "SELECT DISTINCT customer_key FROM staging.int_customer_keys WHERE entity = 'shop.customers' AND entity_id = 'c1'")
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	wrong := (*CustomerError)(nil)
	if _, err := b.forget(ForgetOptions{Customer: "nobody"}); !errors.As(err, &wrong) {
		t.Errorf("an unknown key: %v", err)
	}
	const want = "map[crm.complaints:1 shop.customers:1 shop.order_lines:2 shop.orders:2]"
	for name, o := range map[string]ForgetOptions{"key": {Customer: keys[0]}, "e-mail": {Email: "ann@example.com"}, "phone": {Phone: "020 7946 0018"}} {
		o.DryRun = true
		if plan, err := b.forget(o); err != nil || plan.Customer != keys[0] || fmt.Sprint(plan.Rows) != want {
			t.Errorf("by %s it would erase %v of %q, %v; want %s", name, plan.Rows, plan.Customer, err, want)
		}
	}
	tasks := "INSERT INTO ops.tasks (source, customer_key, list_on, task_id, records) VALUES ('crm', ?, '2024-01-01', 't1', ['7']), ('crm', 'another', '2024-01-01', 't2', ['8'])"
	if err := b.w.Exec(t.Context(), tasks, keys[0]); err != nil {
		t.Fatal(err)
	}
	if s, err := b.forget(ForgetOptions{Customer: keys[0]}); err != nil {
		t.Fatal(err, s.Problems)
	}
	if left, err := names(t.Context(), b.w, "SELECT task_id FROM ops.tasks"); err != nil || fmt.Sprint(left) != "[t2]" {
		t.Errorf("of the tasks there are %v, %v", left, err)
	}
	if left := b.traces("ann@example.com", "annabel", "79460018", "7946 0018", keys[0]); len(left) > 0 {
		t.Errorf("after it there are\n%s", strings.Join(left, "\n"))
	}
}
