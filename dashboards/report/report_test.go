package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"winback/dashboards/board"
	"winback/pipelines/engine/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// rows are the queries of the test's panels, by how many rows they return. Some
// values are null, one name is long and Russian, one needs escaping.
func rowsSQL(n int) map[string]string {
	names := "['North & <South>', 'Очень длинное название сегмента клиентов', 'b', 'c', 'd'][1 + number % 5]"
	return map[string]string{
		"time":   fmt.Sprintf("select toDate('2024-01-01') + interval number month as month, 3 + number as a, if(number = 2, null, 7 - number) as b from numbers(%d)", n),
		"names":  fmt.Sprintf("select %s as name, number * 1000.5 as a, if(number = 1, null, 7 - number) as b, 3 as c from numbers(%d)", names, n),
		"curve":  fmt.Sprintf("select number as x, 1 / (1 + number) as s, 0.8 / (1 + number) as lower, 1.2 / (1 + number) as upper from numbers(%d)", n),
		"pairs":  fmt.Sprintf("select %s as origin, ['b', 'c', 'd'][1 + number %% 3] as destination, 1 + number as n from numbers(%d)", names, n),
		"states": fmt.Sprintf("select toDateTime('2024-01-01 00:00:00') + interval number hour as time, %s as shop, number %% 3 as crm from numbers(%d)", names, n),
	}
}

// kinds are the panels that the report draws, and the rows each wants.
var kinds = [][2]string{
	{"stat", "time"}, {"gauge", "time"}, {"bargauge", "time"}, {"barchart", "names"}, {"timeseries", "time"}, {"trend", "curve"}, {"xychart", "curve"}, {"table", "names"},
	{"heatmap", "time"}, {"piechart", "names"}, {"histogram", "names"}, {"state-timeline", "states"}, {"status-history", "states"},
	{"funnel", "names"}, {"triangle", "names"}, {"flow", "pairs"}, {"forest", "names"},
}

// everyKind is a dashboard of one panel of each kind, and one whose query is wrong.
func everyKind(t *testing.T, rows int) *board.Dashboard {
	t.Helper()
	panel := func(id int, kind, sql string) map[string]any {
		p := map[string]any{
			"id": id, "type": kind, "title": kind + " of $who", "gridPos": map[string]int{"x": 0, "y": id * 8, "w": 12, "h": 8},
			"targets":     []any{map[string]any{"refId": "A", "format": 1, "rawSql": sql}},
			"fieldConfig": map[string]any{"defaults": map[string]any{"unit": "short", "noValue": "Nobody yet", "thresholds": map[string]any{"mode": "absolute", "steps": []any{map[string]any{"color": "green", "value": nil}, map[string]any{"color": "red", "value": 5}}}}},
			"options":     map[string]any{},
		}
		switch kind {
		case "funnel", "triangle", "flow", "forest":
			p["type"], p["options"] = "table", map[string]any{"drawing": kind}
		}
		return p
	}
	panels := []any{panel(100, "stat", "select nothing from nowhere"), panel(101, "hologram", "select 1"),
		map[string]any{"id": 102, "type": "text", "title": "words", "options": map[string]any{"content": "**For $who** <script>alert(1)</script>"}, "gridPos": map[string]int{"w": 12, "h": 4}}}
	for i, kind := range kinds {
		panels = append(panels, panel(i+1, kind[0], rowsSQL(rows)[kind[1]]))
	}
	text, err := json.Marshal(map[string]any{
		"uid": "every-kind", "title": "Every kind", "time": map[string]string{"from": "now-12M/M", "to": "now"}, "panels": panels,
		"templating": map[string]any{"list": []any{map[string]any{"type": "custom", "name": "who", "query": "Ann & Bob,Cid", "current": map[string]any{"value": "Ann & Bob"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := board.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var broken = regexp.MustCompile(`NaN|\bInf\b|%!|<nil>|[0-9]e[+-][0-9]|<script|\$who|<South>`)

// TestBuild draws every kind of panel of no rows, of one and of many. What fails
// is said in its place, and only there.
func TestBuild(t *testing.T) {
	conn := enginetest.Start(t).Conn(t)
	now := time.Date(2024, 8, 10, 12, 0, 0, 0, time.UTC)
	for _, rows := range []int{0, 1, 5, 120} {
		t.Run(fmt.Sprintf("%d rows", rows), func(t *testing.T) {
			r, err := Build(t.Context(), Options{Querier: conn, Dashboards: []*board.Dashboard{everyKind(t, rows)}, Project: "<Acme>", AsOf: now.AddDate(0, 0, -4).Truncate(24 * time.Hour), Now: now, Zone: time.UTC})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Boards[0].Panels {
				wrong := p.ID == "every-kind-100" || p.ID == "every-kind-101"
				if (p.Error != "") != wrong {
					t.Errorf("%s: error %q", p.Kind, p.Error)
				}
				if p.Error == "" && p.Kind != "text" && p.Empty != (rows == 0) {
					t.Errorf("%s of %d rows: empty is %v", p.Kind, rows, p.Empty)
				}
				if rows == 0 && p.Empty && !strings.Contains(string(p.Body), "Nobody yet") {
					t.Errorf("%s does not say that there is nothing: %s", p.Kind, p.Body)
				}
			}
			var page bytes.Buffer
			if err := r.WriteHTML(&page); err != nil {
				t.Fatal(err)
			}
			for _, at := range broken.FindAllStringIndex(page.String(), 3) {
				t.Errorf("the page has %q", page.String()[max(0, at[0]-100):min(page.Len(), at[1]+60)])
			}
			for _, want := range []string{"&lt;Acme&gt;", "stat of Ann &amp; Bob", "These numbers describe 6 August 2024, 3 days before yesterday."} {
				if !strings.Contains(page.String(), want) {
					t.Errorf("the page lacks %q", want)
				}
			}
		})
	}
}

func TestBuild_Values(t *testing.T) {
	conn := enginetest.Start(t).Conn(t)
	o := Options{Querier: conn, Dashboards: []*board.Dashboard{everyKind(t, 1)}, Now: time.Now(), AsOf: time.Now(), Zone: time.UTC}
	o.Values = map[string][]string{"whom": {"Cid"}}
	if _, err := Build(t.Context(), o); err == nil || !strings.Contains(err.Error(), `no dashboard has the variable "whom"`) {
		t.Errorf("a filter that filters nothing: %v", err)
	}
	o.Values = map[string][]string{"who": {"Cid"}}
	r, err := Build(t.Context(), o)
	if err != nil || r.Boards[0].Filters[0].Value != "Cid" {
		t.Errorf("%v, %v", r, err)
	}
	o.Values = map[string][]string{"who": {"Dan"}}
	if r, err = Build(t.Context(), o); err != nil || !strings.Contains(r.Boards[0].Error, `"Dan" is not one of its values`) {
		t.Errorf("a value that there is not shows nothing of anybody: %v", err)
	}
	other := everyKind(t, 1)
	other.UID, other.Templating.List[0].Query.Text = "other", "Ann & Bob,Dan"
	o.Dashboards = append(o.Dashboards, other)
	r, err = Build(t.Context(), o)
	if err != nil || r.Boards[0].Error != "" || r.Boards[0].Nothing != "There is nothing here of who Dan." || r.Boards[1].Nothing != "" {
		t.Errorf("a value that only another page has is no mistake: %q, %q, %v", r.Boards[0].Error, r.Boards[0].Nothing, err)
	}
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil || !strings.Contains(page.String(), "There is nothing here of who Dan.") {
		t.Errorf("the page does not say so: %v", err)
	}
}

// The end of the month that the numbers describe is not the next month east of Greenwich.
func TestBuild_TheEndOfADayIsThatOfTheDashboard(t *testing.T) {
	d := everyKind(t, 1)
	o := Options{Querier: enginetest.Start(t).Conn(t), Dashboards: []*board.Dashboard{d}, Now: time.Now(), AsOf: time.Date(2024, 8, 31, 0, 0, 0, 0, time.UTC)}
	for zone, browser := range map[string]string{"browser": "Europe/Moscow", "America/New_York": "Asia/Tokyo", "utc": "Asia/Tokyo"} {
		d.Timezone = zone
		var err error
		if o.Zone, err = time.LoadLocation(browser); err != nil {
			t.Fatal(err)
		}
		r, err := Build(t.Context(), o)
		if err != nil || r.Boards[0].Period != "1 Aug 2023 – 31 Aug 2024" {
			t.Errorf("%s in %s: %q, %v", zone, browser, r.Boards[0].Period, err)
		}
	}
}
