// Package draw makes HTML with inline SVG out of a panel and its rows. A drawing
// fits any width without a script: shapes stretch, texts do not, and labels that
// have no room hide by themselves.
package draw

import (
	"cmp"
	"fmt"
	"html/template"
	"strings"

	"winback/dashboards/ask"
	"winback/dashboards/board"
	"winback/dashboards/frame"
)

// Input is what a drawing is made of.
type Input struct {
	Panel  *board.Panel
	Frames []*frame.Frame
	State  ask.State
	Marks  []ask.Mark
	// Link turns a dashboard's link into one that works in the page; "" for none.
	Link func(url string) string
}

// Drawing is a panel's body, and the table of the values behind it; that is empty
// where the body is one.
type Drawing struct {
	Body, Behind template.HTML
	// Empty tells that there is nothing to see.
	Empty bool
}

type painter func(in Input) (template.HTML, error)

// painters draw the kinds of panels; drawings of the report's own come before.
var painters = map[string]painter{
	"stat": stat, "gauge": gauge, "bargauge": barGauge, "barchart": barChart, "timeseries": timeSeries, "trend": trend, "xychart": trend,
	"table": table, "heatmap": heatmap, "piechart": pie, "histogram": histogram, "state-timeline": stateTimeline, "status-history": statusHistory,
	"text": text, "funnel": funnel, "triangle": triangle, "flow": flow, "forest": forest,
}

// Draw draws a panel. An error is for the reader of the page: the kind of panel
// is not known, or the rows do not fit it.
func Draw(in Input) (Drawing, error) {
	kind := cmp.Or(in.Panel.Options.Drawing, in.Panel.Type)
	paint, known := painters[kind]
	if !known {
		return Drawing{}, fmt.Errorf("panels of the kind %q are not drawn in the report", kind)
	}
	if kind != "text" && rows(in.Frames) == 0 {
		return Drawing{Body: nothing(in), Empty: true}, nil
	}
	body, err := paint(in)
	if err != nil {
		return Drawing{}, err
	}
	d := Drawing{Body: body}
	if kind != "text" && kind != "table" && kind != "triangle" {
		d.Behind = behind(in)
	}
	return d, nil
}

func rows(frames []*frame.Frame) int {
	n := 0
	for _, f := range frames {
		n += f.Rows()
	}
	return n
}

// nothing says in the panel's own words that there is nothing to see.
func nothing(in Input) template.HTML {
	words, _ := in.Panel.FieldConfig.Defaults["noValue"].(string)
	if words == "" || words == "–" { // what stands in an empty cell says nothing of an empty table
		words = "Nothing to show for this period"
	}
	return template.HTML(`<p class="none">` + esc(in.State.Say(words)) + `</p>`)
}

func esc(s string) string { return template.HTMLEscapeString(s) }

// page collects HTML.
type page struct{ strings.Builder }

func (p *page) add(format string, values ...any) { fmt.Fprintf(p, format, values...) }

func (p *page) html() template.HTML { return template.HTML(p.String()) }

// num writes a coordinate or a share in percent: two decimals are a hundredth of
// a pixel.
func num(v float64) string {
	text := fmt.Sprintf("%.2f", v)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" {
		return "0"
	}
	return text
}
