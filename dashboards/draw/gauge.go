package draw

import (
	"cmp"
	"html/template"
	"math"

	"winback/dashboards/value"
)

// gauge is an arc of 240 degrees for each value.
func gauge(in Input) (template.HTML, error) {
	var out page
	out.WriteString(`<div class="gauges">`)
	all := singles(in)
	for _, s := range all {
		color := s.shown.Paint.Color
		if !s.shown.Painted {
			color = "var(--p2)"
		}
		label := s.shown.Text.String()
		out.add(`<figure><svg viewBox="0 0 200 150" role="img" aria-label="%s">`, esc(spoken(in.Panel.Title, s.name+" "+label)))
		out.add(`<path d="%s" class="arc"/>`, arc(0, 1, 80))
		if !math.IsNaN(s.number) && s.limits.Share(s.number) > 0 {
			out.add(`<path d="%s" class="arc" style="stroke:%s"/>`, arc(0, s.limits.Share(s.number), 80), color)
		}
		out.WriteString(gaugeLimits(s))
		out.add(`<text x="100" y="108" text-anchor="middle" class="gv">%s</text></svg>`, esc(cmp.Or(label, "–")))
		if len(all) > 1 {
			out.add(`<figcaption>%s</figcaption>`, esc(s.name))
		}
		out.WriteString(`</figure>`)
	}
	out.WriteString(`</div>`)
	return out.html(), nil
}

// gaugeLimits marks where each threshold begins, outside the arc.
func gaugeLimits(s single) string {
	t := s.field.Config.Thresholds
	if t == nil {
		return ""
	}
	var out page
	for i, step := range t.Steps {
		from, to := 0.0, 1.0
		if step.Value != nil {
			from = s.limits.Share(*step.Value)
		}
		if i+1 < len(t.Steps) && t.Steps[i+1].Value != nil {
			to = s.limits.Share(*t.Steps[i+1].Value)
		}
		if to > from {
			out.add(`<path d="%s" class="limit" style="stroke:%s"/>`, arc(from, to, 93), value.Named(step.Color).Color)
		}
	}
	return out.String()
}

// arc is a part, 0 to 1, of the gauge's arc.
func arc(from, to, radius float64) string {
	at := func(share float64) (x, y float64) {
		angle := (150 + 240*share) * math.Pi / 180
		return 100 + radius*math.Cos(angle), 100 + radius*math.Sin(angle)
	}
	x1, y1 := at(from)
	x2, y2 := at(to)
	large := "0"
	if (to-from)*240 > 180 {
		large = "1"
	}
	r := num(radius)
	return "M" + num(x1) + " " + num(y1) + "A" + r + " " + r + " 0 " + large + " 1 " + num(x2) + " " + num(y2)
}

// barGauge is a bar in a track for each value.
func barGauge(in Input) (template.HTML, error) {
	var out page
	out.WriteString(`<div class="across gauge" role="list">`)
	for n, s := range singles(in) {
		paint := s.shown.Paint
		if !s.shown.Painted {
			paint = seriesPaint(s.field, n)
		}
		share := 0.0
		if !math.IsNaN(s.number) {
			share = s.limits.Share(s.number)
		}
		out.add(`<div class="row" role="listitem"><span class="name">%s</span><span class="bars"><span class="track full"><span class="bar" style="left:0;width:%s%%;background:%s"></span></span></span><b class="amount">%s</b></div>`,
			esc(s.name), num(share*100), paint.Color, linked(in, s, esc(missing(s.shown))))
	}
	out.WriteString(`</div>`)
	return out.html(), nil
}
