package draw

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"winback/dashboards/frame"
	"winback/dashboards/value"
)

// funnel draws stages as bars about a middle line, each as wide as what reached
// it. Columns: the stage, how many entered, and whatever else is to stand beside.
func funnel(in Input) (template.HTML, error) {
	f := in.Frames[0]
	name, numbers := f.First(frame.String), f.OfKind(frame.Number)
	if name == nil || len(numbers) == 0 {
		return "", fmt.Errorf("a funnel wants a column of stages and one of numbers")
	}
	entered := numbers[0]
	widest := 0.0
	for _, v := range entered.Floats() {
		widest = math.Max(widest, v)
	}
	if widest == 0 {
		return nothing(in), nil
	}
	paint := seriesPaint(entered, 2)
	var out page
	out.WriteString(`<div class="funnel" role="list">`)
	for row := range f.Rows() {
		share, next := entered.Float(row)/widest, 0.0
		if row+1 < f.Rows() {
			next = entered.Float(row+1) / widest
		} else {
			next = share
		}
		out.add(`<div class="row" role="listitem"><span class="name">%s</span><span class="stage"><svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">`, esc(name.Text(row)))
		out.add(`<path d="M%s 0H%sL%s 1000H%sZ" fill="%s" opacity="%s"/></svg><b>%s</b></span><span class="facts">`,
			num(500-share*500), num(500+share*500), num(500+(share*0.4+next*0.6)*500), num(500-(share*0.4+next*0.6)*500), paint.Color, num(0.9-0.5*float64(row)/float64(f.Rows())),
			esc(value.Show(entered.Values[row], entered.Config, value.Limits{}).Text.String()))
		for _, field := range numbers[1:] {
			if shown := value.Show(field.Values[row], field.Config, value.Limits{}); !shown.Missing && !field.Config.Custom.HideFrom.Viz {
				out.add(`<span>%s <b>%s</b></span> `, esc(field.Display), esc(shown.Text.String()))
			}
		}
		out.WriteString(`</span></div>`)
	}
	out.WriteString(`</div>`)
	return out.html(), nil
}

// triangle is the cohort table: narrow cells in full colour, the months that are
// not over empty.
func triangle(in Input) (template.HTML, error) {
	html, err := table(in)
	if err != nil {
		return "", err
	}
	return template.HTML(strings.Replace(string(html), `<table class="data">`, `<table class="data triangle">`, 1)), nil
}

// forest draws an estimate and its interval for each row over a common axis.
// Columns: a name, then estimate, lower and upper end; others are left to the
// table behind.
func forest(in Input) (template.HTML, error) {
	f := in.Frames[0]
	name, numbers := f.First(frame.String), f.OfKind(frame.Number)
	if name == nil || len(numbers) < 3 {
		return "", fmt.Errorf("a forest plot wants a name, an estimate and both ends of its interval")
	}
	estimate, lower, upper := numbers[0], numbers[1], numbers[2]
	var e extent
	e.see(0)
	for _, field := range numbers[:3] {
		for _, v := range field.Floats() {
			e.see(v)
		}
	}
	s, ticks := valueScale(e, estimate.Config, true)
	var out page
	out.WriteString(`<div class="forest" role="list">`)
	for row := range f.Rows() {
		out.add(`<div class="row" role="listitem"><span class="name">%s</span><span class="track"><i class="zero" style="left:%s%%"></i>`, esc(name.Text(row)), num(s.at(0)*100))
		v, lo, hi := estimate.Float(row), lower.Float(row), upper.Float(row)
		said := "no comparison"
		if !math.IsNaN(v) {
			said = value.Show(v, estimate.Config, value.Limits{}).Text.String()
		}
		if !math.IsNaN(lo) && !math.IsNaN(hi) {
			said += " (" + value.Number(lo, "none", 1).String() + " to " + value.Number(hi, "none", 1).String() + ")"
			out.add(`<i class="whisker" style="left:%s%%;width:%s%%;%s"></i>`, num(s.at(lo)*100), num((s.at(hi)-s.at(lo))*100), whiskerColor(lo, hi))
		}
		if !math.IsNaN(v) {
			out.add(`<i class="dot" style="left:%s%%;%s"></i>`, num(s.at(v)*100), whiskerColor(lo, hi))
		}
		out.add(`</span><span class="facts">%s</span></div>`, esc(said))
	}
	out.WriteString(`<div class="row axis" aria-hidden="true"><span></span><span class="track">`)
	for _, t := range ticks {
		class := "at"
		if t.At > 0.95 {
			class = "at last"
		}
		out.add(`<span class="%s" style="left:%s%%">%s</span>`, class, num(t.At*100), esc(t.Label))
	}
	out.WriteString(`</span><span></span></div></div>`)
	return out.html(), nil
}

// whiskerColor is strong only when the interval is all on one side of zero;
// whether that is good depends on what is compared.
func whiskerColor(lo, hi float64) string {
	if lo > 0 || hi < 0 {
		return "--c:var(--p2)"
	}
	return "--c:var(--soft)"
}
