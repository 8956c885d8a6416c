package draw

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"winback/dashboards/board"
	"winback/dashboards/frame"
	"winback/dashboards/value"
)

// barSet is the categories and series of a bar chart.
type barSet struct {
	in     Input
	names  []string
	fields []*frame.Field
	paints []value.Paint
	colors *frame.Field // the field that colours bars, if any
	frame  *frame.Frame
	x      *frame.Field
	s      scale
	ticks  []tick
}

func barChart(in Input) (template.HTML, error) {
	b := &barSet{in: in, frame: in.Frames[0]}
	if err := b.read(); err != nil {
		return "", err
	}
	b.measure()
	if b.horizontal() {
		return template.HTML(b.acrossHTML() + b.legend()), nil
	}
	return template.HTML(string(b.uprightHTML()) + b.legend()), nil
}

// read finds the categories and the numbers.
func (b *barSet) read() error {
	o := b.in.Panel.Options
	b.x = b.frame.Field(o.XField)
	if b.x == nil {
		if b.x = b.frame.First(frame.String); b.x == nil {
			b.x = b.frame.First(frame.Time)
		}
	}
	if b.x == nil {
		return fmt.Errorf("a bar chart wants a column of names or dates")
	}
	b.colors = b.frame.Field(o.ColorByField)
	n := 0
	for _, field := range b.frame.OfKind(frame.Number) {
		if field == b.x || field.Config.Custom.HideFrom.Viz {
			continue
		}
		b.fields, b.paints = append(b.fields, field), append(b.paints, seriesPaint(field, n))
		n++
	}
	if len(b.fields) == 0 {
		return fmt.Errorf("a bar chart wants a column of numbers")
	}
	for row := range b.frame.Rows() {
		b.names = append(b.names, b.name(row))
	}
	return nil
}

func (b *barSet) name(row int) string {
	if at, ok := b.x.Values[row].(time.Time); ok && b.x.Config.Unit == "" {
		var times []time.Time
		for _, v := range b.x.Values {
			if t, ok := v.(time.Time); ok {
				times = append(times, t)
			}
		}
		slices.SortFunc(times, time.Time.Compare)
		return at.Format(timeLayout(times))
	}
	return value.Show(b.x.Values[row], b.x.Config, value.Limits{}).Text.String()
}

// horizontal tells bars that lie: when asked for, or when names would not fit
// below.
func (b *barSet) horizontal() bool {
	switch b.in.Panel.Options.Orientation {
	case "horizontal":
		return true
	case "vertical":
		return false
	}
	letters := 0
	for _, name := range b.names {
		letters += len([]rune(name))
	}
	return b.x.Kind == frame.String && letters*8 > b.in.Panel.Grid.W*30
}

func (b *barSet) stacked() bool { return b.in.Panel.Options.Stacking == "normal" || b.percent() }
func (b *barSet) percent() bool { return b.in.Panel.Options.Stacking == "percent" }

// measure finds the axis of values.
func (b *barSet) measure() {
	var e extent
	for row := range b.frame.Rows() {
		for _, p := range b.pieces(row) {
			e.see(p.from)
			e.see(p.to)
		}
	}
	c := b.fields[0].Config
	if b.percent() {
		c.Unit = "percent"
		e = extent{0, 100, true}
	}
	b.s, b.ticks = valueScale(e, c, true)
}

// piece is a bar or a part of a stacked one.
type piece struct {
	from, to float64
	field    int
	text     string
}

// pieces are the parts of a category's bar, or its bars when they stand apart.
func (b *barSet) pieces(row int) []piece {
	var all []piece
	up, down, total := 0.0, 0.0, 0.0
	for _, field := range b.fields {
		if v := field.Float(row); !math.IsNaN(v) {
			total += math.Abs(v)
		}
	}
	for i, field := range b.fields {
		v := field.Float(row)
		p := piece{field: i, text: value.Show(field.Values[row], field.Config, value.Limits{}).Text.String()}
		if math.IsNaN(v) {
			all = append(all, piece{field: i})
			continue
		}
		if b.percent() && total > 0 {
			v = v / total * 100
		}
		switch {
		case !b.stacked():
			p.to = v
		case v < 0:
			p.from, p.to = down, down+v
			down += v
		default:
			p.from, p.to = up, up+v
			up += v
		}
		all = append(all, p)
	}
	return all
}

// paint is the colour of a piece: that of a value where the field says so, that of
// its series else.
func (b *barSet) paint(p piece, row int) value.Paint {
	if b.colors != nil {
		shown := value.Show(b.colors.Values[row], b.colors.Config, value.LimitsOf(b.colors, b.in.Frames))
		if shown.Painted {
			return shown.Paint
		}
	}
	c := b.fields[p.field].Config
	if mode := c.Color.Mode; mode == "thresholds" || value.IsScale(mode) {
		if paint, ok := value.Color(b.fields[p.field].Float(row), c, value.Limits{Min: b.s.lo, Max: b.s.hi}); ok {
			return paint
		}
	}
	return b.paints[p.field]
}

// acrossHTML draws lying bars: a row each, its name before and its value behind.
func (b *barSet) acrossHTML() string {
	var out page
	out.WriteString(`<div class="across" role="list">`)
	for row, name := range b.names {
		out.add(`<div class="row" role="listitem"><span class="name">%s</span><span class="bars">`, esc(name))
		b.acrossBars(&out, row)
		out.add(`</span></div>`)
	}
	out.WriteString(`</div>`)
	return out.String()
}

func (b *barSet) acrossBars(out *page, row int) {
	pieces := b.pieces(row)
	groups := [][]piece{pieces}
	if !b.stacked() {
		groups = nil
		for _, p := range pieces {
			groups = append(groups, []piece{p})
		}
	}
	for _, group := range groups {
		end := b.s.at(0)
		out.WriteString(`<span class="track">`)
		for _, p := range group {
			lo, hi := b.s.at(math.Min(p.from, p.to)), b.s.at(math.Max(p.from, p.to))
			paint := b.paint(p, row)
			if p.text == "" || paint.Color == "transparent" {
				continue
			}
			end = math.Max(end, hi)
			inside := ""
			if b.stacked() && hi-lo > 0.13 && drawnPieces(group) > 1 && b.in.Panel.Options.ShowValue != "never" {
				inside = "<i>" + esc(p.text) + "</i>"
				if utf8.RuneCountInString(p.text) > 6 {
					inside = `<i class="long">` + esc(p.text) + "</i>"
				}
			}
			out.add(`<span class="bar" style="left:%s%%;width:%s%%;background:%s;color:%s" title="%s">%s</span>`,
				num(lo*100), num((hi-lo)*100), paint.Color, paint.Ink, esc(b.fields[p.field].Display+": "+p.text), inside)
		}
		if label := b.valueLabel(group); label != "" && b.in.Panel.Options.ShowValue != "never" {
			out.add(`<span class="value" style="left:calc(%s%% + 4px)">%s</span>`, num(end*100), esc(label))
		}
		out.WriteString(`</span>`)
	}
}

// drawnPieces counts the parts of a stack that can be seen.
func drawnPieces(group []piece) int {
	n := 0
	for _, p := range group {
		if p.from != p.to {
			n++
		}
	}
	return n
}

// valueLabel is what stands beside a bar: its value, or the sum of a stack.
func (b *barSet) valueLabel(group []piece) string {
	if !b.stacked() {
		return group[0].text
	}
	if b.percent() {
		return ""
	}
	sum, drawn := 0.0, 0
	for _, p := range group {
		if b.paints[p.field].Color != "transparent" {
			sum += p.to - p.from
			if p.to != p.from {
				drawn++
			}
		}
	}
	if drawn == 0 && sum == 0 && len(group) > 1 {
		return ""
	}
	c := b.fields[group[0].field].Config
	return value.Show(sum, c, value.Limits{}).Text.String()
}

// uprightHTML draws standing bars.
func (b *barSet) uprightHTML() template.HTML {
	var shapes, over page
	n := len(b.names)
	for row := range b.names {
		pieces := b.pieces(row)
		width, slot := 0.72/float64(n), 0.0
		if !b.stacked() {
			slot = width / float64(len(pieces))
			width = slot * 0.94
		}
		for i, p := range pieces {
			paint := b.paint(p, row)
			if p.text == "" || paint.Color == "transparent" {
				continue
			}
			left := (float64(row)+0.14)/float64(n) + slot*float64(i)
			lo, hi := b.s.at(math.Min(p.from, p.to)), b.s.at(math.Max(p.from, p.to))
			shapes.add(`<rect x="%s" y="%s" width="%s" height="%s" fill="%s"><title>%s</title></rect>`, px(left), py(hi), px(width), px(hi-lo), paint.Color,
				esc(b.names[row]+", "+b.fields[p.field].Display+": "+p.text))
			if b.labelled(n * len(pieces)) {
				over.add(`<span class="top" style="left:%s%%;bottom:%s%%">%s</span>`, num((left+width/2)*100), num(hi*100), esc(p.text))
			}
		}
	}
	if zero := b.s.at(0); zero > 0.001 {
		shapes.add(`<path class="zero" d="M0 %sH1000"/>`, py(zero))
	}
	p := plot{Title: spoken(b.in.Panel.Title, b.inWords()), Y: b.ticks, Grid: true, Shapes: shapes.String(), Over: over.String(), Category: b.x.Kind != frame.Time}
	for i, name := range b.names {
		p.X = append(p.X, tick{(float64(i) + 0.5) / float64(n), name})
	}
	return p.html()
}

// labelled tells whether standing bars carry their values.
func (b *barSet) labelled(bars int) bool {
	switch b.in.Panel.Options.ShowValue {
	case "always":
		return true
	case "never":
		return false
	}
	return bars*3 <= b.in.Panel.Grid.W*2
}

func (b *barSet) inWords() string {
	var said []string
	for row, name := range b.names {
		if row == 12 {
			said = append(said, "and more")
			break
		}
		for _, p := range b.pieces(row) {
			if p.text != "" && b.paints[p.field].Color != "transparent" {
				said = append(said, name+" "+p.text)
			}
		}
	}
	return strings.Join(said, ", ")
}

func (b *barSet) legend() string {
	show := b.in.Panel.Options.Legend
	if len(b.fields) < 2 && b.colors == nil || show.Show != nil && !*show.Show {
		return ""
	}
	var keys []key
	for i, field := range b.fields {
		if b.paints[i].Color != "transparent" && !field.Config.Custom.HideFrom.Legend && b.colors == nil {
			keys = append(keys, key{Name: field.Display, Color: b.paints[i].Color})
		}
	}
	return legend(keys)
}

// histogram counts the values of all numeric fields in steps of equal width.
func histogram(in Input) (template.HTML, error) {
	var numbers []float64
	var c board.Field
	for _, f := range in.Frames {
		for _, field := range f.OfKind(frame.Number) {
			c = field.Config
			for _, v := range field.Floats() {
				if !math.IsNaN(v) {
					numbers = append(numbers, v)
				}
			}
		}
	}
	if len(numbers) == 0 {
		return "", fmt.Errorf("a histogram wants a column of numbers")
	}
	lo, hi := slices.Min(numbers), slices.Max(numbers)
	width := in.Panel.Options.BucketSize
	if width <= 0 {
		width = niceStep((hi - lo) / float64(cmp.Or(in.Panel.Options.BucketCount, 30)))
	}
	first := math.Floor(lo / width)
	counts := make([]any, int(math.Floor(hi/width)-first)+1)
	for i := range counts {
		counts[i] = 0.0
	}
	for _, v := range numbers {
		at := int(math.Floor(v/width) - first)
		counts[at] = counts[at].(float64) + 1
	}
	return bucketsHTML(in, counts, first, width, c), nil
}

func bucketsHTML(in Input, counts []any, first, width float64, c board.Field) template.HTML {
	var e extent
	for _, n := range counts {
		e.see(n.(float64))
	}
	zero := 0
	s, ticks := valueScale(e, board.Field{Decimals: &zero}, true)
	paint := value.Classic(0)
	if c.Color.Mode == "fixed" {
		paint = value.Named(c.Color.FixedColor)
	}
	var shapes page
	n := float64(len(counts))
	p := plot{Title: in.Panel.Title, Y: ticks, Grid: true}
	for i, count := range counts {
		top := s.at(count.(float64))
		from := value.Number((first+float64(i))*width, c.Unit, -1).String()
		shapes.add(`<rect x="%s" y="%s" width="%s" height="%s" fill="%s"><title>from %s: %s</title></rect>`,
			px((float64(i)+0.04)/n), py(top), px(0.92/n), px(top), paint.Color, esc(from), num(count.(float64)))
		p.X = append(p.X, tick{float64(i) / n, from})
	}
	p.Shapes = shapes.String()
	return p.html()
}
