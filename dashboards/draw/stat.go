package draw

import (
	"html/template"
	"math"
	"strings"
	"time"

	"winback/dashboards/board"
	"winback/dashboards/frame"
	"winback/dashboards/value"
)

// single is one of the values that stat, gauge and bar gauge show.
type single struct {
	name   string
	shown  value.Shown
	number float64
	field  *frame.Field
	limits value.Limits
	over   []float64 // its history, for a sparkline
	row    int
	frame  *frame.Frame
}

// singles reduces fields to values, or takes each row as one.
func singles(in Input) []single {
	o := in.Panel.Options.ReduceOptions
	calc := "lastNotNull"
	if len(o.Calcs) > 0 {
		calc = o.Calcs[0]
	}
	var all []single
	for _, f := range in.Frames {
		for _, field := range f.Fields {
			if !chosen(field, f, o.Fields) {
				continue
			}
			limits := value.LimitsOf(field, in.Frames)
			if !o.Values {
				all = append(all, reduced(f, field, calc, limits))
				continue
			}
			for row := range min(f.Rows(), limitOr(o.Limit, 25)) {
				all = append(all, rowOf(f, field, row, limits))
			}
		}
	}
	return all
}

func limitOr(limit, other int) int {
	if limit > 0 {
		return limit
	}
	return other
}

func reduced(f *frame.Frame, field *frame.Field, calc string, limits value.Limits) single {
	v := field.Reduce(calc)
	s := single{name: field.Display, shown: value.Show(v, field.Config, limits), number: numberOf(v), field: field, limits: limits, frame: f, row: f.Rows() - 1}
	if f.First(frame.Time) != nil && field.Kind == frame.Number {
		s.over = field.Floats()
	}
	return s
}

func rowOf(f *frame.Frame, field *frame.Field, row int, limits value.Limits) single {
	name := field.Display
	if text := f.First(frame.String); text != nil && text != field {
		name = text.Text(row)
	}
	return single{name: name, shown: value.Show(field.Values[row], field.Config, limits), number: field.Float(row), field: field, limits: limits, frame: f, row: row}
}

func numberOf(v any) float64 {
	if x, ok := v.(float64); ok {
		return x
	}
	return math.NaN()
}

// chosen tells whether a panel shows a field: numbers unless it says otherwise.
func chosen(field *frame.Field, f *frame.Frame, fields string) bool {
	if field.Config.Custom.HideFrom.Viz {
		return false
	}
	if fields == "" {
		return field.Kind == frame.Number
	}
	pattern, err := board.Pattern(fields)
	return err == nil && (pattern.MatchString(field.Display) || pattern.MatchString(field.Name)) && (fields != "/.*/" || field != f.First(frame.Time))
}

// stat shows a value in large type with its history below; further values of the
// panel stand in a line under it.
func stat(in Input) (template.HTML, error) {
	all := singles(in)
	if len(all) == 0 {
		return nothing(in), nil
	}
	o := in.Panel.Options
	if o.ReduceOptions.Values || o.TextMode == "value_and_name" && o.Orientation != "horizontal" {
		return statTiles(in, all), nil
	}
	var out page
	main := all[0]
	out.WriteString(`<div class="stat">`)
	out.add(`<p class="big%s"%s>%s%s</p>`, bigClass(main.shown), statColor(main, o.ColorMode), linked(in, main, valueHTML(main.shown)), change(main, o))
	if len(all) > 1 {
		out.WriteString(`<p class="beside">`)
		for _, s := range all[1:] {
			out.add(`<span%s>%s <b>%s</b></span> `, secondColor(s), esc(s.name), esc(second(s.shown)))
		}
		out.WriteString(`</p>`)
	}
	if o.GraphMode != "none" {
		out.WriteString(sparkline(main, in.Panel.Title))
	}
	out.WriteString(`</div>`)
	return out.html(), nil
}

// bigClass makes words smaller than numbers.
func bigClass(s value.Shown) string {
	switch {
	case s.Missing && s.Text.Number != "":
		return " said"
	case len([]rune(s.Text.String())) > 14:
		return " text"
	}
	return ""
}

// statTiles shows values of equal weight beside each other.
func statTiles(in Input, all []single) template.HTML {
	var out page
	out.WriteString(`<div class="tiles">`)
	for _, s := range all {
		out.add(`<div class="tile"><p class="label">%s</p><p class="big"%s>%s</p></div>`, esc(s.name), statColor(s, in.Panel.Options.ColorMode), linked(in, s, valueHTML(s.shown)))
	}
	out.WriteString(`</div>`)
	return out.html()
}

// valueHTML writes a value with its unit smaller.
func valueHTML(s value.Shown) string {
	if s.Missing && s.Text.Number == "" {
		return `<span class="none">–</span>`
	}
	return `<small>` + esc(s.Text.Prefix) + `</small>` + esc(s.Text.Number) + `<small>` + esc(s.Text.Suffix) + `</small>`
}

// second is one of the further values: a dash where there is none, as the words
// for that are said of the first.
func second(s value.Shown) string {
	if s.Missing && !s.Mapped {
		return "–"
	}
	return missing(s)
}

func missing(s value.Shown) string {
	if text := s.Text.String(); text != "" {
		return text
	}
	return "–"
}

// statColor paints the value; plain text where no limit gives a colour.
func statColor(s single, mode string) string {
	if mode == "none" || !s.shown.Painted {
		return ""
	}
	if strings.HasPrefix(mode, "background") {
		return ` style="background:` + s.shown.Paint.Color + `;color:` + s.shown.Paint.Ink + `;padding:2px 8px;border-radius:4px"`
	}
	if s.shown.Paint.Color == "var(--text)" {
		return ""
	}
	return ` data-lamp style="--lamp:` + s.shown.Paint.Color + `"`
}

func secondColor(s single) string {
	if !s.shown.Painted || s.shown.Paint.Color == "var(--text)" {
		return ""
	}
	return ` class="lamp" style="--lamp:` + s.shown.Paint.Color + `"`
}

// change is the difference of the last value to the first, in percent.
func change(s single, o board.Options) string {
	if !o.ShowPercentChange || s.field == nil {
		return ""
	}
	d, ok := s.field.Reduce("diffperc").(float64)
	if !ok {
		return ""
	}
	sign := "▲"
	if d < 0 {
		sign = "▼"
	}
	return ` <span class="change">` + sign + " " + esc(value.Number(math.Abs(d), "percentunit", -1).String()) + `</span>`
}

// sparkline is the history of a value, without axes.
func sparkline(s single, title string) string {
	points := 0
	var e extent
	for _, v := range s.over {
		e.see(v)
		if !math.IsNaN(v) {
			points++
		}
	}
	if points < 2 {
		return ""
	}
	if e.lo > 0 && e.lo < e.hi/4 {
		e.lo = 0
	}
	pad := (e.hi - e.lo) * 0.08
	y := scale{e.lo - pad, e.hi + pad}
	x := scale{0, float64(len(s.over) - 1)}
	var run []point
	for i, v := range s.over {
		if !math.IsNaN(v) {
			run = append(run, point{x.at(float64(i)), y.at(v)})
		}
	}
	color := "var(--p2)"
	if s.shown.Painted && s.shown.Paint.Color != "var(--text)" {
		color = s.shown.Paint.Color
	}
	d := path(run, "")
	var out page
	out.add(`<svg class="spark" viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="%s">`, esc(title+", history"))
	out.add(`<path d="%sL%s 1000L%s 1000Z" fill="%s" opacity=".15"/><path class="l" d="%[1]s" stroke="%[4]s" stroke-width="1.5"/>`, d, px(run[len(run)-1].x), px(run[0].x), color)
	out.add(`<path class="dots" d="M%s %sh0" stroke="%s" stroke-width="6"/></svg>`, px(run[len(run)-1].x), py(run[len(run)-1].y), color)
	if first, last := span(s.frame); first != "" {
		out.add(`<p class="span" aria-hidden="true"><span>%s</span><span>%s</span></p>`, first, last)
	}
	return out.String()
}

// span is the first and the last moment of a frame.
func span(f *frame.Frame) (first, last string) {
	field := f.First(frame.Time)
	var times []time.Time
	for _, v := range field.Values {
		if at, ok := v.(time.Time); ok {
			times = append(times, at)
		}
	}
	if len(times) < 2 {
		return "", ""
	}
	layout := timeLayout(times)
	return times[0].Format(layout), times[len(times)-1].Format(layout)
}

func dateOf(milli float64, layout string) string {
	return time.UnixMilli(int64(milli)).UTC().Format(layout)
}

// linked wraps a value into the first link of its field that works here.
func linked(in Input, s single, html string) string {
	for _, l := range s.field.Config.Links {
		if url := href(in, l.URL, s.frame, s.field, s.row); url != "" {
			return `<a href="` + esc(url) + `" title="` + esc(l.Title) + `">` + html + `</a>`
		}
	}
	return html
}
