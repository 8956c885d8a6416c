package board

import (
	"fmt"
	"regexp"
	"strings"
)

// Options are the settings of a kind of panel; each kind reads its own.
type Options struct {
	// Drawing asks the report for a drawing that Grafana has no panel for: funnel,
	// triangle, flow or forest. Grafana keeps it and draws the panel's own type.
	Drawing string `json:"drawing"`

	ReduceOptions struct {
		Values bool     `json:"values"`
		Calcs  []string `json:"calcs"`
		Fields string   `json:"fields"`
		Limit  int      `json:"limit"`
	} `json:"reduceOptions"`
	Orientation string `json:"orientation"`
	Legend      struct {
		Show        *bool    `json:"showLegend"`
		DisplayMode string   `json:"displayMode"`
		Placement   string   `json:"placement"`
		Calcs       []string `json:"calcs"`
		Values      []string `json:"values"`
	} `json:"legend"`

	// stat, gauge, bar gauge
	ColorMode              string `json:"colorMode"`
	GraphMode              string `json:"graphMode"`
	TextMode               string `json:"textMode"`
	ShowPercentChange      bool   `json:"showPercentChange"`
	PercentChangeColorMode string `json:"percentChangeColorMode"`
	DisplayMode            string `json:"displayMode"`
	ValueMode              string `json:"valueMode"`
	ShowUnfilled           *bool  `json:"showUnfilled"`

	// bar chart, trend, histogram
	XField       string  `json:"xField"`
	ColorByField string  `json:"colorByField"`
	Stacking     string  `json:"stacking"`
	ShowValue    string  `json:"showValue"`
	BucketCount  int     `json:"bucketCount"`
	BucketSize   float64 `json:"bucketSize"`

	// table
	ShowHeader *bool  `json:"showHeader"`
	CellHeight string `json:"cellHeight"`
	SortBy     []struct {
		DisplayName string `json:"displayName"`
		Desc        bool   `json:"desc"`
	} `json:"sortBy"`
	Footer struct {
		Show    bool     `json:"show"`
		Reducer []string `json:"reducer"`
		Fields  Values   `json:"fields"`
	} `json:"footer"`

	// pie
	PieType       string   `json:"pieType"`
	DisplayLabels []string `json:"displayLabels"`

	// heatmap; Color is of other panels' fields elsewhere
	Color struct {
		Scheme  string   `json:"scheme"`
		Reverse bool     `json:"reverse"`
		Min     *float64 `json:"min"`
		Max     *float64 `json:"max"`
	} `json:"color"`
	CellValues struct {
		Unit     string `json:"unit"`
		Decimals *int   `json:"decimals"`
	} `json:"cellValues"`
	YAxis struct {
		Unit    string `json:"unit"`
		Reverse bool   `json:"reverse"`
	} `json:"yAxis"`

	// states
	MergeValues *bool `json:"mergeValues"`

	// text
	Mode    string `json:"mode"`
	Content string `json:"content"`
}

// Pattern compiles a pattern as Grafana writes them: /x/i, or plain x.
func Pattern(text string) (*regexp.Regexp, error) {
	source := text
	if end := strings.LastIndex(text, "/"); len(text) > 1 && text[0] == '/' && end > 0 {
		source = text[1:end]
		if strings.Contains(text[end:], "i") {
			source = "(?i)" + source
		}
	}
	pattern, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("read the pattern %s: %w", text, err)
	}
	return pattern, nil
}
