// Package board reads dashboards in Grafana's classic JSON (schemaVersion 39 to
// 41): panels, their queries, field settings and options, variables, annotations.
// It holds the parts that the project's dashboards use; what it does not know it
// leaves out.
package board

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Dashboard is one dashboard.
type Dashboard struct {
	UID           string    `json:"uid"`
	Title         string    `json:"title"`
	Description   string    `json:"description"`
	Tags          []string  `json:"tags"`
	Timezone      string    `json:"timezone"`
	SchemaVersion int       `json:"schemaVersion"`
	Time          TimeRange `json:"time"`
	Panels        []*Panel  `json:"panels"`
	Templating    struct {
		List []*Variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []*Annotation `json:"list"`
	} `json:"annotations"`
	Links []Link `json:"links"`
}

// TimeRange is a range in Grafana's date arithmetic, such as now-24M/M to now.
type TimeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Source names a data source.
type Source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Grid is a panel's place: 24 columns, rows of 30 px with 8 px between them.
type Grid struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// Panel is one panel, or a row that heads those after it.
type Panel struct {
	ID              int              `json:"id"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Description     string           `json:"description"`
	Transparent     bool             `json:"transparent"`
	Grid            Grid             `json:"gridPos"`
	Source          Source           `json:"datasource"`
	Targets         []Target         `json:"targets"`
	MaxDataPoints   int              `json:"maxDataPoints"`
	Interval        string           `json:"interval"`
	Links           []Link           `json:"links"`
	Transformations []Transformation `json:"transformations"`
	Options         Options          `json:"options"`
	FieldConfig     FieldConfig      `json:"fieldConfig"`
	Collapsed       bool             `json:"collapsed"`
	Panels          []*Panel         `json:"panels"`
}

// Target is one query of a panel. Format 0 is a time series, 1 a table, 4 many
// time series.
type Target struct {
	RefID      string `json:"refId"`
	Source     Source `json:"datasource"`
	EditorType string `json:"editorType"`
	Format     int    `json:"format"`
	SQL        string `json:"rawSql"`
	Hide       bool   `json:"hide"`
}

// Transformation changes a panel's rows after they were read.
type Transformation struct {
	ID       string          `json:"id"`
	Options  json.RawMessage `json:"options"`
	Disabled bool            `json:"disabled"`
}

// Link leads from a panel or a value to somewhere else.
type Link struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	TargetBlank bool   `json:"targetBlank"`
}

// Annotation marks moments on all charts over time.
type Annotation struct {
	Name      string `json:"name"`
	Enable    bool   `json:"enable"`
	IconColor string `json:"iconColor"`
	BuiltIn   int    `json:"builtIn"`
	Source    Source `json:"datasource"`
	Target    Target `json:"target"`
}

// Parse reads one dashboard.
func Parse(text []byte) (*Dashboard, error) {
	d := &Dashboard{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("read a dashboard: %w", err)
	}
	if d.UID == "" || d.Title == "" {
		return nil, fmt.Errorf("read a dashboard: it lacks a uid or a title")
	}
	return d, nil
}

// All returns the panels in the order of reading: from top to bottom, then from
// left to right, those of folded rows among them.
func (d *Dashboard) All() []*Panel {
	var all []*Panel
	for _, p := range d.Panels {
		all = append(all, p)
		all = append(all, p.Panels...)
	}
	slices.SortStableFunc(all, func(a, b *Panel) int {
		if a.Grid.Y != b.Grid.Y {
			return a.Grid.Y - b.Grid.Y
		}
		return a.Grid.X - b.Grid.X
	})
	return all
}

// AnyCurrency is the sign that stands for the project's currency in a unit: the
// files are the same for every project.
const AnyCurrency = "currency:¤"

// Money puts the unit of a project's currency in the place of AnyCurrency, in
// the text of a dashboard.
func Money(text []byte, currency string) []byte {
	return []byte(strings.ReplaceAll(string(text), `"`+AnyCurrency+`"`, `"`+MoneyUnit(currency)+`"`))
}

// MoneyUnit returns Grafana's unit for an ISO 4217 currency.
func MoneyUnit(currency string) string {
	switch currency {
	case "USD", "EUR", "GBP", "RUB", "JPY", "UAH", "INR", "BRL", "CHF", "SEK", "NOK", "DKK", "CZK", "PLN", "TRY", "KRW", "CNY", "ILS", "ZAR":
		return "currency" + currency
	}
	return "currency:" + currency + " "
}
