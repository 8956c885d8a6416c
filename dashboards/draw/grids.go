package draw

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"time"

	"winback/dashboards/board"
	"winback/dashboards/frame"
	"winback/dashboards/value"
)

// heatmap colours a grid: time, or the first column, across, and a row for each
// field, the first at the bottom.
func heatmap(in Input) (template.HTML, error) {
	f := in.Frames[0]
	x, rows := f.Fields[0], f.OfKind(frame.Number)
	if at := f.First(frame.Time); at != nil {
		x = at
	}
	var kept []*frame.Field
	var e extent
	for _, field := range rows {
		if field != x {
			kept = append(kept, field)
			for _, v := range field.Floats() {
				e.see(v)
			}
		}
	}
	if len(kept) == 0 {
		return "", fmt.Errorf("a heatmap wants a column of numbers for each row")
	}
	o := in.Panel.Options
	lo, hi := e.lo, e.hi
	if o.Color.Min != nil {
		lo = *o.Color.Min
	}
	if o.Color.Max != nil {
		hi = *o.Color.Max
	}
	unit := cmp.Or(o.CellValues.Unit, kept[0].Config.Unit)
	limits := value.Limits{Min: lo, Max: hi}
	scheme := cmp.Or(o.Color.Scheme, "Oranges")
	var shapes page
	p := plot{Title: in.Panel.Title, X: gridTicks(x)}
	w, h := 1/float64(f.Rows()), 1/float64(len(kept))
	for r, field := range kept {
		p.Y = append(p.Y, tick{(float64(r) + 0.5) * h, field.Display})
		for c := range f.Rows() {
			v := field.Float(c)
			if math.IsNaN(v) {
				continue
			}
			share := limits.Share(v)
			if o.Color.Reverse {
				share = 1 - share
			}
			label := value.Number(v, unit, -1).String()
			shapes.add(`<rect class="cell" x="%s" y="%s" width="%s" height="%s" fill="%s"><title>%s</title></rect>`, px(float64(c)*w), py(float64(r+1)*h), px(w), px(h),
				value.Scale(scheme, share).Color, esc(field.Display+", "+p.X[c].Label+": "+label))
		}
	}
	p.Shapes = shapes.String()
	return template.HTML(string(p.html()) + colorKey(scheme, limits, unit)), nil
}

func gridTicks(x *frame.Field) []tick {
	var ticks []tick
	var times []time.Time
	for _, v := range x.Values {
		if at, ok := v.(time.Time); ok {
			times = append(times, at)
		}
	}
	for i, v := range x.Values {
		label := value.Show(v, x.Config, value.Limits{}).Text.String()
		if at, ok := v.(time.Time); ok && x.Config.Unit == "" {
			label = at.Format(timeLayout(times))
		}
		ticks = append(ticks, tick{(float64(i) + 0.5) / float64(len(x.Values)), label})
	}
	return ticks
}

// colorKey explains a scale of colour.
func colorKey(scheme string, l value.Limits, unit string) string {
	var out page
	out.add(`<p class="scale"><span>%s</span>`, esc(value.Number(l.Min, unit, -1).String()))
	for i := range 9 {
		out.add(`<i style="background:%s"></i>`, value.Scale(scheme, float64(i)/8).Color)
	}
	out.add(`<span>%s</span></p>`, esc(value.Number(l.Max, unit, -1).String()))
	return out.String()
}

// pie shows parts of a whole.
func pie(in Input) (template.HTML, error) {
	all := singles(in)
	total := 0.0
	for _, s := range all {
		if s.number > 0 {
			total += s.number
		}
	}
	if total == 0 {
		return nothing(in), nil
	}
	var out page
	out.add(`<div class="pie"><svg viewBox="0 0 200 200" role="img" aria-label="%s">`, esc(in.Panel.Title))
	keys, from := []key{}, 0.0
	for i, s := range all {
		if !(s.number > 0) {
			continue
		}
		paint := value.Classic(i)
		if s.shown.Painted && s.field.Config.Color.Mode != "thresholds" && s.field.Config.Color.Mode != "" || s.field.Config.Color.Mode == "fixed" {
			paint = s.shown.Paint
		}
		share := s.number / total
		out.add(`<path d="%s" fill="%s" class="slice"><title>%s</title></path>`, slice(from, from+share, in.Panel.Options.PieType == "donut"), paint.Color,
			esc(s.name+": "+s.shown.Text.String()))
		from += share
		keys = append(keys, key{Name: s.name, Color: paint.Color, Note: s.shown.Text.String() + " · " + value.Number(share, "percentunit", 0).String()})
	}
	out.add(`</svg>%s</div>`, legend(keys))
	return out.html(), nil
}

// slice is a sector from one share of the circle to another.
func slice(from, to float64, ring bool) string {
	if to-from > 0.9999 {
		to = from + 0.9999
	}
	at := func(share, r float64) string {
		angle := (share - 0.25) * 2 * math.Pi
		return num(100+r*math.Cos(angle)) + " " + num(100+r*math.Sin(angle))
	}
	large := "0"
	if to-from > 0.5 {
		large = "1"
	}
	outer := "M" + at(from, 95) + "A95 95 0 " + large + " 1 " + at(to, 95)
	if !ring {
		return outer + "L100 100Z"
	}
	return outer + "L" + at(to, 58) + "A58 58 0 " + large + " 0 " + at(from, 58) + "Z"
}

// statusHistory is a box for each moment and row; stateTimeline joins equal ones.
func statusHistory(in Input) (template.HTML, error) { return states(in, false) }

func stateTimeline(in Input) (template.HTML, error) {
	merge := in.Panel.Options.MergeValues
	return states(in, merge == nil || *merge)
}

func states(in Input, merge bool) (template.HTML, error) {
	f := in.Frames[0]
	at := f.First(frame.Time)
	if at == nil {
		return "", fmt.Errorf("states over time want a column of times")
	}
	n := float64(f.Rows())
	var out page
	out.WriteString(`<div class="states" role="list">`)
	for _, field := range f.Fields {
		if field == at {
			continue
		}
		out.add(`<div class="row" role="listitem"><span class="name">%s</span><span class="track">`, esc(field.Display))
		limits := value.LimitsOf(field, in.Frames)
		for row := 0; row < f.Rows(); {
			end := row + 1
			for merge && end < f.Rows() && field.Values[end] == field.Values[row] {
				end++
			}
			stateBox(&out, field, row, limits, float64(row)/n, float64(end-row)/n, dateOf(at.Float(row), "2 Jan 2006 15:04"))
			row = end
		}
		out.WriteString(`</span></div>`)
	}
	out.WriteString(`</div>`)
	first, last := value.Time(time.UnixMilli(int64(at.Float(0))), ""), value.Time(time.UnixMilli(int64(at.Float(f.Rows()-1))), "")
	if first == last {
		last = ""
	}
	out.add(`<p class="span states-span"><span>%s</span><span>%s</span></p>`, esc(first), esc(last))
	out.WriteString(legend(stateKeys(in.Panel.FieldConfig)))
	return out.html(), nil
}

func stateBox(out *page, field *frame.Field, row int, l value.Limits, left, width float64, when string) {
	shown := value.Show(field.Values[row], field.Config, l)
	if shown.Missing {
		return
	}
	paint := shown.Paint
	if !shown.Painted {
		paint = value.Classic(row)
	}
	out.add(`<span class="state" style="left:%s%%;width:%s%%;background:%s;color:%s" title="%s">%s</span>`, num(left*100), num(width*100), paint.Color, paint.Ink,
		esc(when+": "+shown.Text.String()), esc(map[bool]string{true: shown.Text.String()}[width > 0.06]))
}

// stateKeys explains the colours of a panel's value mappings.
func stateKeys(c board.FieldConfig) []key {
	f, err := c.For(board.Subject{})
	if err != nil {
		return nil
	}
	var keys []key
	for _, m := range value.Mapped(f.Mappings) {
		keys = append(keys, key{Name: m.Text, Color: value.Named(m.Color).Color})
	}
	return keys
}
