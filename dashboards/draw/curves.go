package draw

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"winback/dashboards/board"
	"winback/dashboards/frame"
	"winback/dashboards/value"
)

// curve is one series: where its points lie and how it is drawn.
type curve struct {
	field  *frame.Field
	name   string
	paint  value.Paint
	x, y   []float64
	base   []float64 // what a stacked series stands upon
	shown  []string  // the values as people read them
	isBar  bool
	hidden bool
}

// chart is curves over one axis of time or numbers.
type chart struct {
	in     Input
	curves []*curve
	x      scale
	y      scale
	gap    float64 // least distance of two points, in units of x
	times  []time.Time
	below  board.Field // of the lower axis, where it is one of numbers
}

func timeSeries(in Input) (template.HTML, error) {
	c := &chart{in: in}
	n := 0
	for _, f := range in.Frames {
		at := f.First(frame.Time)
		if at == nil {
			return "", fmt.Errorf("a chart over time wants a column of dates or times")
		}
		for _, field := range f.OfKind(frame.Number) {
			c.add(field, at.Floats(), n)
			n++
		}
		for _, v := range at.Values {
			if moment, ok := v.(time.Time); ok {
				c.times = append(c.times, moment)
			}
		}
	}
	slices.SortFunc(c.times, time.Time.Compare)
	c.times = slices.CompactFunc(c.times, time.Time.Equal)
	return c.html()
}

// trend draws numbers over numbers: the panel trend, which has one frame, and
// xychart, which has a frame for each series or one for all.
func trend(in Input) (template.HTML, error) {
	c := &chart{in: in}
	n := 0
	for _, f := range in.Frames {
		numbers := f.OfKind(frame.Number)
		at := f.Field(in.Panel.Options.XField)
		if at == nil && len(numbers) > 0 {
			at = numbers[0]
		}
		if at == nil || at.Kind != frame.Number {
			return "", fmt.Errorf("a trend wants a column of numbers for its lower axis")
		}
		c.below = at.Config
		for _, field := range numbers {
			if field != at {
				c.add(field, at.Floats(), n)
				n++
			}
		}
	}
	return c.html()
}

// add makes a curve of a field.
func (c *chart) add(field *frame.Field, x []float64, n int) {
	s := &curve{field: field, name: field.Display, x: x, y: field.Floats(), paint: seriesPaint(field, n)}
	s.isBar = field.Config.Custom.DrawStyle == "bars"
	s.hidden = field.Config.Custom.HideFrom.Viz
	if field.Config.Custom.Transform == "negative-Y" {
		for i := range s.y {
			s.y[i] = -s.y[i]
		}
	}
	for _, v := range field.Values {
		s.shown = append(s.shown, value.Show(v, field.Config, value.Limits{}).Text.String())
	}
	c.curves = append(c.curves, s)
}

// seriesPaint is the colour of a series: its own, or the next of the palette.
func seriesPaint(field *frame.Field, n int) value.Paint {
	switch mode := field.Config.Color.Mode; {
	case mode == "fixed", mode == "shades":
		return value.Named(field.Config.Color.FixedColor)
	case mode == "palette-classic-by-name":
		hash := uint32(5381)
		for _, r := range slices.Backward([]rune(field.Display)) {
			hash = hash*33 ^ uint32(r)
		}
		return value.Classic(int(hash % 12))
	case mode == "thresholds" || value.IsScale(mode):
		last, _ := field.Reduce("lastNotNull").(float64)
		if paint, ok := value.Color(last, field.Config, value.LimitsOf(field, nil)); ok {
			return paint
		}
	}
	return value.Classic(n)
}

func (c *chart) html() (template.HTML, error) {
	if len(c.curves) == 0 {
		return "", fmt.Errorf("a chart wants a column of numbers")
	}
	c.stack()
	ex, ey := c.extents()
	c.gap = c.leastGap()
	first := c.curves[0].field.Config
	bars := slices.ContainsFunc(c.curves, func(s *curve) bool { return s.isBar })
	pad := 0.0
	if bars || ex.lo == ex.hi {
		pad = c.gap / 2
	}
	c.x = scale{ex.lo - pad, ex.hi + pad}
	c.seeThresholds(&ey, first)
	var ticks []tick
	c.y, ticks = valueScale(ey, first, bars || c.filled())
	var shapes page
	c.bands(&shapes)
	c.thresholds(&shapes, first)
	c.bars(&shapes)
	c.lines(&shapes)
	over := c.marks(&shapes)
	p := plot{Title: spoken(c.in.Panel.Title, c.inWords()), Y: ticks, Grid: true, Shapes: shapes.String(), Over: over}
	if c.times != nil {
		p.X = timeTicks(c.times, c.x)
	} else {
		p.X = numberTicks(c.x, c.below.Unit)
	}
	return template.HTML(axisTitle(first, "axis") + string(p.html()) + axisTitle(c.below, "axis below") + legend(c.keys())), nil
}

func axisTitle(f board.Field, class string) string {
	if f.Custom.AxisLabel == "" {
		return ""
	}
	return `<p class="` + class + `">` + esc(f.Custom.AxisLabel) + `</p>`
}

// filled tells that areas are drawn: they begin at zero.
func (c *chart) filled() bool {
	return slices.ContainsFunc(c.curves, func(s *curve) bool {
		fill := s.field.Config.Custom.FillOpacity
		return !s.hidden && fill != nil && *fill > 0 && s.field.Config.Custom.FillBelowTo == ""
	})
}

// stack puts series of a group upon each other, what is negative below zero.
func (c *chart) stack() {
	up, down, total := map[string]float64{}, map[string]float64{}, map[string]float64{}
	id := func(s *curve, i int) string { return s.field.Config.Custom.Stacking.Group + "/" + num(s.x[i]) }
	for _, s := range c.curves {
		for i := range s.y {
			if !math.IsNaN(s.y[i]) {
				total[id(s, i)] += math.Abs(s.y[i])
			}
		}
	}
	for _, s := range c.curves {
		mode := s.field.Config.Custom.Stacking.Mode
		s.base = make([]float64, len(s.y))
		if mode != "normal" && mode != "percent" || s.hidden {
			continue
		}
		for i := range s.y {
			if math.IsNaN(s.y[i]) {
				continue
			}
			if all := total[id(s, i)]; mode == "percent" && all > 0 {
				s.y[i] = s.y[i] / all * 100
			}
			sums := up
			if s.y[i] < 0 {
				sums = down
			}
			s.base[i] = sums[id(s, i)]
			sums[id(s, i)] += s.y[i]
			s.y[i] = sums[id(s, i)]
		}
	}
}

func (c *chart) extents() (x, y extent) {
	for _, s := range c.curves {
		for i := range s.x {
			x.see(s.x[i])
			if !s.hidden {
				y.see(s.y[i])
				if s.base[i] != 0 {
					y.see(s.base[i])
				}
			}
		}
	}
	return x, y
}

func (c *chart) leastGap() float64 {
	gap := math.Inf(1)
	for _, s := range c.curves {
		for i := 1; i < len(s.x); i++ {
			if d := s.x[i] - s.x[i-1]; d > 0 {
				gap = math.Min(gap, d)
			}
		}
	}
	if math.IsInf(gap, 0) {
		return 30 * 24 * 3600 * 1000 // one month alone
	}
	return gap
}

// inWords says each series' last value, for those who do not see the picture.
func (c *chart) inWords() string {
	var said []string
	for _, s := range c.curves {
		if last, ok := lastText(s); ok && !s.hidden {
			said = append(said, s.name+" last "+last)
		}
	}
	return strings.Join(said, ", ")
}

func lastText(s *curve) (string, bool) {
	for i := len(s.y) - 1; i >= 0; i-- {
		if !math.IsNaN(s.y[i]) {
			return s.shown[i], true
		}
	}
	return "", false
}

func (c *chart) keys() []key {
	o := c.in.Panel.Options.Legend
	if o.Show != nil && !*o.Show || o.DisplayMode == "hidden" {
		return nil
	}
	var keys []key
	for _, s := range c.curves {
		if s.hidden || s.field.Config.Custom.HideFrom.Legend || s.paint.Color == "transparent" {
			continue
		}
		k := key{Name: s.name, Color: s.paint.Color, Line: !s.isBar}
		for _, id := range o.Calcs {
			shown := value.Show(s.field.Reduce(id), s.field.Config, value.Limits{}).Text.String()
			k.Note = strings.TrimSpace(k.Note + " " + shown)
		}
		keys = append(keys, k)
	}
	return keys
}

// marks draws annotations: a line each with its number. What they were stands once
// on the page.
func (c *chart) marks(shapes *page) (over string) {
	if c.times == nil {
		return ""
	}
	var lines page
	for _, m := range c.in.Marks {
		x := c.x.at(float64(m.At.UnixMilli()))
		if x < 0 || x > 1 {
			continue
		}
		paint := value.Named(cmp.Or(m.Color, "orange"))
		if end := c.x.at(float64(m.Until.UnixMilli())); !m.Until.IsZero() && end > x {
			shapes.add(`<rect x="%s" y="0" width="%s" height="1000" fill="%s" opacity=".12"/>`, px(x), px(math.Min(end, 1)-x), paint.Color)
		}
		shapes.add(`<path class="mark" d="M%s 0V1000" stroke="%s"/>`, px(x), paint.Color)
		lines.add(`<span class="mark" style="left:%s%%;background:%s;color:%s" title="%s">%d</span>`, num(x*100), paint.Color, paint.Ink, esc(m.At.Format("2 Jan 2006")+": "+cmp.Or(m.Title, m.Text)), m.No)
	}
	return lines.String()
}
