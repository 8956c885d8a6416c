package docs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"winback/connectors/entity"
	"winback/pipelines/docs"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/model"
	"winback/pipelines/predict"
	"winback/pipelines/warehouse"
	sqlfiles "winback/sql"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// product is what the pages of the product's own models are made from.
func product(t *testing.T) docs.Input {
	t.Helper()
	models, err := model.Load(sqlfiles.Files, model.WithComputations(predict.Computations()))
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := docs.Metrics(sqlfiles.Files)
	if err != nil {
		t.Fatal(err)
	}
	return docs.Input{Project: "acme", Models: models, Vars: model.DefaultVars(), Entities: entity.All(), RawType: warehouse.ColumnType, Metrics: metrics}
}

// productPages are the pages of the product's own models, made once.
var productPages struct {
	sync.Once
	text string
}

func pages(t *testing.T) string {
	t.Helper()
	productPages.Do(func() { productPages.text = render(t, product(t)) })
	return productPages.text
}

func render(t *testing.T, in docs.Input) string {
	t.Helper()
	text, err := docs.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section returns the page of a table.
func section(t *testing.T, text, id string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, `<section class="page" id="`+id+`"`)
	if !ok {
		t.Fatalf("no page of %s", id)
	}
	page, _, _ := strings.Cut(rest, "</section>")
	return page
}

func requireIn(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q", want)
		}
	}
}

func TestEveryTableHasAPageWithAllItsColumns(t *testing.T) {
	in, text := product(t), pages(t)
	for _, m := range in.Models.Models() {
		page := section(t, text, m.FullName())
		for _, column := range m.Columns {
			requireIn(t, page, `<tr><td>`+column.Name+`<td>`)
		}
		if m.ComputedBy != "" {
			requireIn(t, page, "computed by "+m.ComputedBy)
		}
		if m.Materialized != model.Seed {
			requireIn(t, page, `<span class="w">`, `<span class="r">`)
		}
		if len(m.Parents) > 0 {
			requireIn(t, page, `<div class="lineage">`, `<a href="#home/`+m.FullName()+`">`)
		}
	}
	for _, s := range in.Entities {
		page := section(t, text, "raw."+s.Table())
		for i := range s.Fields {
			requireIn(t, page, `<tr><td>`+s.Fields[i].Name+`<td>`)
		}
	}
	for _, m := range in.Metrics {
		requireIn(t, text, `id="metric.`+m.ID+`"`)
	}
	for _, c := range in.Models.SingularChecks() {
		requireIn(t, section(t, text, "check."+c.Name), `<span class="r">`)
	}
}

func TestAPageSaysWhatATableIs(t *testing.T) {
	page := section(t, pages(t), "mart.customers")
	requireIn(t, page,
		"one row per customer_key", `title="personal data">PII`, "losses &gt;= returns", "the_card_of_a_customer",
		`href="#metric.customer_revenue"`, `href="#staging.int_customers_scored"`, `<b>select</b>`,
		`{{ ref "int_customers_scored" }}`, `sql/marts/customers.sql`, "not run yet",
	)
}

// The file needs nothing else: no address leads out of it, and every link within
// it leads somewhere.
func TestPagesNeedNothingElse(t *testing.T) {
	text := pages(t)
	ids := map[string]bool{"all": true}
	for _, match := range regexp.MustCompile(`id="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		ids[match[1]] = true
	}
	for _, match := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		target, inside := strings.CutPrefix(match[1], "#")
		target = strings.TrimPrefix(target, "home/") // a table's place in the picture
		switch {
		case match[1] == "data:,":
		case !inside:
			t.Errorf("%s leads out of the file", match[1])
		case !ids[target]:
			t.Errorf("#%s leads nowhere", target)
		}
	}
	for _, outside := range []string{"@import", "url(", "<link rel=\"stylesheet"} {
		if strings.Contains(text, outside) {
			t.Errorf("the file needs another: %s", outside)
		}
	}
}

func TestPagesAreTheSameEveryTime(t *testing.T) {
	if pages(t) != render(t, product(t)) {
		t.Error("two renderings differ")
	}
}

// The pages open at once, also from a mail.
func TestPagesAreSmall(t *testing.T) {
	const limit = 5 << 19
	if size := len(pages(t)); size > limit {
		t.Errorf("%d bytes are over %d", size, limit)
	}
}

// Descriptions, names and SQL of a project are text, whatever is in them.
func TestWhatPeopleWriteStaysText(t *testing.T) {
	in := product(t)
	in.Project = `<script>alert(1)</script>`
	in.Metrics = append(in.Metrics, docs.Metric{ID: "x", Name: `"><img src=x onerror=alert(2)>`, Table: "customers", Column: "revenue"})
	text := render(t, in)
	for _, bad := range []string{"<script>alert", "<img src=x"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s is markup", bad)
		}
	}
}

func TestPagesTellWhatTheWarehouseKnows(t *testing.T) {
	in, rows, size := product(t), uint64(1_234_567), uint64(45_600_000)
	at := time.Date(2026, 3, 1, 2, 3, 0, 0, time.UTC)
	in.Facts = &docs.Facts{
		Tables: map[string]docs.TableFacts{
			"mart.customers":  {Rows: &rows, Bytes: &size, At: at, AsOf: at, Took: 1500 * time.Millisecond},
			"raw.shop_orders": {Rows: &rows, At: at},
		},
		Checks: map[[2]string]docs.CheckFacts{
			{"customers", "no_return_without_a_loss"}:                {Status: "failed", Failures: 12, At: at},
			{"customers", "the_lost_have_a_loss_date"}:               {Status: "passed", At: at},
			{"customers_reconcile", "customers_reconcile"}:           {Status: "passed", At: at},
			{"refunds_find_their_order", "refunds_find_their_order"}: {Status: "broken", Message: "no such column", At: at},
		},
		Run: &docs.RunFacts{State: "partly", AsOf: at, At: at},
	}
	text := render(t, in)
	requireIn(t, section(t, text, "mart.customers"), "1,234,567", "45.6 MB", "2026-03-01 02:03 UTC", "1.5 s",
		`<span class="result bad">failed: 12 rows</span>`, `<span class="result good">passed</span>`)
	requireIn(t, section(t, text, "raw.shop_orders"), "1,234,567", "last loaded")
	requireIn(t, section(t, text, "check.refunds_find_their_order"), "broken: no such column")
	requireIn(t, section(t, text, "mart.survival"), "not built yet")
	requireIn(t, section(t, text, "home"), "last run partly", "checks failed")
	requireIn(t, text, `<i class="lamp bad"`)
}

// Facts come from the books of a warehouse; one that has none yet knows nothing.
func TestFactsOfAWarehouse(t *testing.T) {
	w := enginetest.Start(t)
	conn := w.Conn(t)
	facts, err := docs.ReadFacts(t.Context(), conn)
	if err != nil || len(facts.Tables) != 0 || facts.Run != nil {
		t.Fatalf("%+v, %v", facts, err)
	}
	w.Database(t, "mart")
	w.Database(t, "ops")
	for _, statement := range []string{
		"create table mart.customers (x Int32) order by x", "insert into mart.customers values (1), (2)", "create view mart.seen as select 1 as one",
		"create table ops.models (relation String, as_of Date, built_at DateTime64(6, 'UTC'), duration_ms UInt64) engine = ReplacingMergeTree order by relation",
		"insert into ops.models values ('mart.customers', '2026-03-01', '2026-03-02 01:02:03', 250), ('mart.gone', '2026-03-01', '2026-03-02 01:02:03', 1)",
		"create table ops.checks (model LowCardinality(String), check String, status LowCardinality(String), failures UInt64, message String, checked_at DateTime64(6, 'UTC')) order by model",
		"insert into ops.checks values ('customers', 'c', 'failed', 3, '', '2026-03-01 00:00:00'), ('customers', 'c', 'passed', 0, '', '2026-03-02 00:00:00')",
	} {
		w.Exec(t, statement)
	}
	facts, err = docs.ReadFacts(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	customers := facts.Tables["mart.customers"]
	if customers.Rows == nil || *customers.Rows != 2 || customers.Took != 250*time.Millisecond || customers.AsOf.Day() != 1 {
		t.Errorf("%+v", customers)
	}
	if seen, ok := facts.Tables["mart.seen"]; !ok || seen.Rows != nil {
		t.Errorf("a view has rows: %+v", seen)
	}
	if _, ok := facts.Tables["mart.gone"]; ok {
		t.Error("a table that is gone is known")
	}
	if c := facts.Checks[[2]string{"customers", "c"}]; c.Status != "passed" {
		t.Errorf("an old result counts: %+v", c)
	}
}

func TestWriteMakesAFileOrAFolder(t *testing.T) {
	in, dir := product(t), t.TempDir()
	for name, want := range map[string]string{"page.html": "page.html", "site": filepath.Join("site", "index.html")} {
		got, err := docs.Write(filepath.Join(dir, name), in)
		if err != nil || got != filepath.Join(dir, want) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, want))
		if err != nil || !bytes.HasPrefix(text, []byte("<!doctype html>")) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := docs.Write(filepath.Join(dir, "missing", "page.html"), in); err == nil {
		t.Error("a folder that is missing is no error")
	}
}
