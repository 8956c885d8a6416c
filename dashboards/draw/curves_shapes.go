package draw

import (
	"math"
	"slices"
	"strings"

	"winback/dashboards/board"
	"winback/dashboards/value"
)

// point is a place in the area, both 0 to 1.
type point struct{ x, y float64 }

// runs splits a curve at its gaps.
func (c *chart) runs(s *curve, y []float64) [][]point {
	var all [][]point
	var run []point
	spans, _ := s.field.Config.Custom.SpanNulls.(bool)
	for i := range s.x {
		if math.IsNaN(y[i]) {
			if !spans && len(run) > 0 {
				all, run = append(all, run), nil
			}
			continue
		}
		run = append(run, point{c.x.at(s.x[i]), c.y.at(y[i])})
	}
	if len(run) > 0 {
		all = append(all, run)
	}
	return all
}

// path writes points as a line, in steps where the curve is one.
func path(points []point, interpolation string) string {
	var b strings.Builder
	for i, p := range points {
		switch {
		case i == 0:
			b.WriteString("M" + px(p.x) + " " + py(p.y))
		case interpolation == "stepAfter":
			b.WriteString("H" + px(p.x) + "V" + py(p.y))
		case interpolation == "stepBefore":
			b.WriteString("V" + py(p.y) + "H" + px(p.x))
		default:
			b.WriteString("L" + px(p.x) + " " + py(p.y))
		}
	}
	return b.String()
}

// lines draws curves that are no bars: fill, line, points.
func (c *chart) lines(out *page) {
	for _, s := range c.curves {
		if s.isBar || s.hidden {
			continue
		}
		custom := s.field.Config.Custom
		width := 1.5
		if custom.LineWidth != nil {
			width = *custom.LineWidth
		}
		bases := c.runs(s, s.base)
		for at, run := range c.runs(s, s.y) {
			d := path(run, custom.LineInterpolation)
			if custom.FillOpacity != nil && *custom.FillOpacity > 0 && custom.FillBelowTo == "" {
				c.fill(out, s, run, d, bases, at, *custom.FillOpacity)
			}
			if width > 0 && custom.DrawStyle != "points" && custom.Show != "points" {
				out.add(`<path class="l" d="%s" stroke="%s" stroke-width="%s"%s/>`, d, s.paint.Color, num(width), dash(custom))
			}
			if dotted(custom, run, len(s.x)) {
				c.dots(out, s, run)
			}
		}
	}
}

func dash(custom board.Custom) string {
	switch custom.LineStyle.Fill {
	case "dash":
		return ` stroke-dasharray="8 6"`
	case "dot":
		return ` stroke-dasharray="1 6"`
	}
	return ""
}

// dotted tells whether points are drawn: always when asked for, and where a line
// of one point would be nothing.
func dotted(custom board.Custom, run []point, points int) bool {
	switch {
	case custom.ShowPoints == "always", custom.DrawStyle == "points", strings.Contains(custom.Show, "points"):
		return true
	case custom.LineWidth != nil && *custom.LineWidth == 0:
		return false
	case custom.ShowPoints == "never":
		return len(run) == 1
	}
	return len(run) == 1 || points <= 40
}

// dots are lines of no length with round ends, which do not stretch.
func (c *chart) dots(out *page, s *curve, run []point) {
	size := s.field.Config.Custom.PointSize.Fixed
	if size == 0 {
		size = 5
	}
	var b strings.Builder
	for _, p := range run {
		b.WriteString("M" + px(p.x) + " " + py(p.y) + "h0")
	}
	out.add(`<path class="dots" d="%s" stroke="%s" stroke-width="%s"/>`, b.String(), s.paint.Color, num(size))
}

// fill colours the area between a run and what it stands upon.
func (c *chart) fill(out *page, s *curve, run []point, d string, bases [][]point, at int, opacity float64) {
	floor := math.Max(c.y.at(0), 0)
	below := "L" + px(run[len(run)-1].x) + " " + py(floor) + "L" + px(run[0].x) + " " + py(floor) + "Z"
	if mode := s.field.Config.Custom.Stacking.Mode; mode != "" && mode != "none" && at < len(bases) && len(bases[at]) == len(run) {
		back := slices.Clone(bases[at])
		slices.Reverse(back)
		below = strings.Replace(path(back, ""), "M", "L", 1) + "Z"
	}
	out.add(`<path d="%s%s" fill="%s" opacity="%s"/>`, d, below, s.paint.Color, num(opacity/100))
}

// bands fills between a series and the one its setting "fill below to" names.
func (c *chart) bands(out *page) {
	for _, upper := range c.curves {
		name := upper.field.Config.Custom.FillBelowTo
		at := slices.IndexFunc(c.curves, func(s *curve) bool { return name != "" && (s.name == name || s.field.Name == name) })
		if at < 0 {
			continue
		}
		lower := c.curves[at]
		opacity := 20.0
		if fill := upper.field.Config.Custom.FillOpacity; fill != nil && *fill > 0 {
			opacity = *fill
		}
		y1, y0 := both(upper.y, lower.y)
		bottoms := c.runs(upper, y0)
		for i, top := range c.runs(upper, y1) {
			over := upper.field.Config.Custom.LineInterpolation
			under := over
			if over == "stepAfter" {
				under = "stepBefore" // the way back
			}
			back := slices.Clone(bottoms[i])
			slices.Reverse(back)
			out.add(`<path d="%s%sZ" fill="%s" opacity="%s"/>`, path(top, over), strings.Replace(path(back, under), "M", "L", 1), upper.paint.Color, num(opacity/100))
		}
	}
}

// both keeps the points that two series share.
func both(a, b []float64) (x, y []float64) {
	x, y = slices.Clone(a), slices.Clone(b)
	for i := range x {
		if math.IsNaN(x[i]) || i >= len(y) || math.IsNaN(y[i]) {
			x[i] = math.NaN()
			if i < len(y) {
				y[i] = math.NaN()
			}
		}
	}
	return x, y
}

// bars draws the series that are bars: stacked ones upon each other, others side
// by side.
func (c *chart) bars(out *page) {
	slots, slotOf := 0, map[*curve]int{}
	shared := map[string]int{}
	for _, s := range c.curves {
		if !s.isBar || s.hidden {
			continue
		}
		stacking := s.field.Config.Custom.Stacking
		if stacking.Mode == "" || stacking.Mode == "none" {
			slotOf[s] = slots
			slots++
			continue
		}
		slot, known := shared[stacking.Group]
		if !known {
			slot = slots
			shared[stacking.Group] = slot
			slots++
		}
		slotOf[s] = slot
	}
	for _, s := range c.curves {
		if slot, drawn := slotOf[s]; drawn && s.paint.Color != "transparent" {
			c.barsOf(out, s, slot, slots)
		}
	}
}

func (c *chart) barsOf(out *page, s *curve, slot, slots int) {
	share := 0.7
	if s.field.Config.Custom.BarWidth != nil {
		share = *s.field.Config.Custom.BarWidth
	}
	width := math.Min(c.gap*share/(c.x.hi-c.x.lo), 0.25) / float64(slots)
	out.add(`<g fill="%s">`, s.paint.Color)
	for i := range s.x {
		if math.IsNaN(s.y[i]) || s.y[i] == s.base[i] {
			continue
		}
		x := c.x.at(s.x[i]) - width*float64(slots)/2 + width*float64(slot)
		top, bottom := c.y.at(math.Max(s.y[i], s.base[i])), c.y.at(math.Min(s.y[i], s.base[i]))
		color := ""
		if paint, ok := c.barPaint(s, i); ok {
			color = ` fill="` + paint.Color + `"`
		}
		out.add(`<rect x="%s" y="%s" width="%s" height="%s"%s><title>%s</title></rect>`,
			px(x), py(top), px(width), px(top-bottom), color, esc(c.pointText(s, i)))
	}
	out.WriteString(`</g>`)
}

// barPaint colours each bar by its value where the field says so.
func (c *chart) barPaint(s *curve, i int) (value.Paint, bool) {
	mode := s.field.Config.Color.Mode
	if mode != "thresholds" && !value.IsScale(mode) {
		return value.Paint{}, false
	}
	return value.Color(s.field.Float(i), s.field.Config, value.Limits{Min: c.y.lo, Max: c.y.hi})
}

func (c *chart) pointText(s *curve, i int) string {
	at := num(s.x[i])
	if c.times != nil {
		at = dateOf(s.x[i], timeLayout(c.times))
	}
	return s.name + ", " + at + ": " + s.shown[i]
}

// seeThresholds makes room for lines at thresholds.
func (c *chart) seeThresholds(e *extent, f board.Field) {
	if f.Thresholds == nil || !strings.Contains(f.Custom.ThresholdsStyle.Mode, "line") && !strings.Contains(f.Custom.ThresholdsStyle.Mode, "dashed") {
		return
	}
	for _, s := range f.Thresholds.Steps {
		if s.Value != nil {
			e.see(*s.Value)
		}
	}
}

// thresholds draws the limits of the first field.
func (c *chart) thresholds(out *page, f board.Field) {
	mode := f.Custom.ThresholdsStyle.Mode
	if f.Thresholds == nil || mode == "" || mode == "off" {
		return
	}
	for i, s := range f.Thresholds.Steps {
		bottom, top := 0.0, 1.0
		if s.Value != nil {
			bottom = c.y.at(*s.Value)
		}
		if i+1 < len(f.Thresholds.Steps) && f.Thresholds.Steps[i+1].Value != nil {
			top = c.y.at(*f.Thresholds.Steps[i+1].Value)
		}
		bottom, top = math.Max(bottom, 0), math.Min(top, 1)
		color := value.Named(s.Color).Color
		if strings.Contains(mode, "area") && top > bottom {
			out.add(`<rect x="0" y="%s" width="1000" height="%s" fill="%s" opacity=".1"/>`, py(top), px(top-bottom), color)
		}
		if s.Value != nil && mode != "area" && bottom <= 1 {
			style := ""
			if strings.Contains(mode, "dashed") {
				style = ` stroke-dasharray="8 6"`
			}
			out.add(`<path class="l" d="M0 %sH1000" stroke="%s" stroke-width="1.5" opacity=".8"%s/>`, py(bottom), color, style)
		}
	}
}
