package dashboards_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"winback/dashboards"
	"winback/dashboards/report"
	"winback/dashboards/report/reporttest"
	"winback/pipelines"
	"winback/pipelines/check"
	"winback/pipelines/model"
	"winback/pipelines/quote"
)

// Every dashboard can be read, on a desk and on a telephone, by day and by night: of a
// company that has no data yet, of one with a month of it, and of one with ten years,
// where things have long names.
func TestPages_LookedAt(t *testing.T) {
	browser := reporttest.Start(t)
	conn := emptyWarehouse(t)
	for _, c := range []struct {
		name   string
		months int
		names  []string
	}{
		{"empty", 0, nil},
		{"one month, in Russian", 1, []string{
			"Общество с ограниченной ответственностью «Северо-Западная торгово-производственная компания»",
			"Константинопольская-Преображенская Александра Владиславовна",
			"Неудовлетворительное качество обслуживания и нарушение сроков доставки", "Иванов",
		}},
		{"ten years, in English", 120, []string{
			"Consolidated International Manufacturing and Distribution Partnership of the North-West Ltd.",
			"Maximiliana Featherstonehaugh-Cholmondeley",
			"The price was raised twice without notice and nobody answered the telephone", "Ann", "B2B",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fillMarts(t, conn, c.months, c.names)
			browser.Look(t, pageOf(t, conn, nil))
			if len(c.names) > 0 { // of a part of the company, named above each page
				name := c.names[:1]
				browser.Look(t, pageOf(t, conn, map[string][]string{"segment": name, "channel": name, "category": name, "pipeline": name}))
			}
		})
	}
}

var lookedAt = time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)

func pageOf(t *testing.T, conn driver.Conn, values map[string][]string) string {
	t.Helper()
	boards, err := dashboards.Load("EUR")
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.Build(t.Context(), report.Options{
		Querier: conn, Dashboards: boards, Project: "acme", AsOf: lookedAt.AddDate(0, 0, -1).Truncate(24 * time.Hour), Now: lookedAt, Zone: time.UTC, Values: values,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range r.Boards {
		if b.Error != "" {
			t.Errorf("%s: %s", b.ID, b.Error)
		}
		for _, p := range b.Panels {
			if p.Error != "" {
				t.Errorf("%s, %s: %s", b.ID, p.Title, p.Error)
			}
		}
	}
	var page strings.Builder
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// fillMarts puts rows into every mart: of so many months, or forty rows where there is
// no month. They mean nothing; they are as many, as long and as large as rows get.
func fillMarts(t *testing.T, conn driver.Conn, months int, names []string) {
	t.Helper()
	models, err := pipelines.LoadModels()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range models.Models() {
		if m.Database != model.MartDatabase {
			continue
		}
		statements := []string{"truncate table " + m.Relation()}
		if months > 0 {
			statements = append(statements, fillMart(m, months, names))
		}
		for _, s := range statements {
			if err := conn.Exec(t.Context(), s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
}

// summed are the columns in which rows may sum the others up.
var summed = map[string]bool{"segment": true, "region": true, "channel": true, "manager_id": true, "category": true, "queue": true, "team": true}

func fillMart(m *model.Model, months int, names []string) string {
	rows, kinds := 40, 1
	accepted := map[string][]string{}
	for _, c := range m.Checks {
		if c.Kind == check.AcceptedValues {
			accepted[c.Columns[0]] = c.Values
			kinds = max(kinds, len(c.Values))
		}
	}
	if _, ok := m.Column("month"); ok {
		kinds = max(kinds, len(names)+1)
		rows = months * kinds
	}
	if m.Name == "business_events" {
		rows = 8
	}
	expressions := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		values := accepted[c.Name]
		switch {
		case c.Private:
			values = []string{personal}
		case values == nil:
			values = names
			if summed[c.Name] || strings.HasSuffix(c.Name, "_segment") {
				values = append([]string{"(all)"}, names...)
			}
		}
		expressions[i] = fmt.Sprintf("cast(%s as %s) as `%s`", madeUp(c, kinds, values), c.Type, c.Name)
	}
	return fmt.Sprintf("insert into %s select %s from numbers(%d)", m.Relation(), strings.Join(expressions, ", "), rows)
}

// madeUp is an expression for a column of the row number.
func madeUp(c model.Column, kinds int, values []string) string {
	literals := make([]string, len(values))
	for i, v := range values {
		literals[i] = quote.Literal(v)
	}
	text := fmt.Sprintf("[%s][number %% %d + 1]", strings.Join(literals, ", "), max(len(values), 1))
	if summed[c.Name] && c.Name != "segment" && c.Name != "category" { // each of these has rows of all regions, channels, managers
		text = fmt.Sprintf("if(number %% 7 < 4, '(all)', %s)", text)
	}
	typ := strings.NewReplacer("Nullable(", "", "LowCardinality(", "", ")", "").Replace(c.Type)
	switch {
	case c.Name == "month":
		return fmt.Sprintf("addMonths(toDate('2026-02-01'), -toInt64(intDiv(number, %d)))", kinds)
	case strings.HasPrefix(typ, "Date"):
		return "toDate('2026-03-11') - number % 90"
	case strings.HasPrefix(c.Type, "Array(String"):
		return "[" + text + "]"
	case strings.HasPrefix(c.Type, "Array"), strings.HasPrefix(c.Type, "Map"):
		return "defaultValueOfTypeName(" + quote.Literal(c.Type) + ")"
	case strings.HasPrefix(typ, "String"), strings.HasPrefix(typ, "Enum"):
		return text
	case typ == "Bool": // each column in rows of its own
		return fmt.Sprintf("(number + %d) %% 7 != 3", len(c.Name))
	case strings.HasPrefix(typ, "Decimal"):
		return "1234567.89 * (1 + number % 9)"
	case strings.HasPrefix(typ, "Float"):
		return "3.7 + (number * 13) % 90"
	default:
		return "7 + (number * 17) % 1900"
	}
}
