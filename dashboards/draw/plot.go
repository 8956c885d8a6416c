package draw

import (
	"html/template"
	"strings"
	"unicode/utf8"
)

// plot is an area with axes. Shapes are SVG in a square of 1000 that stretches
// over the area; everything with letters is HTML beside it.
type plot struct {
	Title    string // what the picture shows, for those who do not see it
	Y, X     []tick
	YTitle   string
	Shapes   string
	Over     string // HTML over the area
	Grid     bool
	Category bool // labels below are names that may break, not steps of a scale
}

const side = 1000.0

// px and py turn shares into the square's coordinates; y grows upwards.
func px(x float64) string { return num(x * side) }
func py(y float64) string { return num((1 - y) * side) }

func (p plot) html() template.HTML {
	var out page
	out.add(`<div class="plot"><div class="ys" aria-hidden="true"><span class="size">%s</span>`, esc(longest(p.Y)))
	for _, t := range p.Y {
		out.add(`<span style="bottom:%s%%">%s</span>`, num(t.At*100), esc(t.Label))
	}
	out.add(`</div><div class="area"><svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="%s">`, esc(p.Title))
	for _, t := range p.Y {
		if p.Grid {
			out.add(`<path class="grid" d="M0 %sH1000"/>`, py(t.At))
		}
	}
	out.WriteString(p.Shapes)
	out.add(`</svg>%s</div><div class="xs%s" aria-hidden="true">`, p.Over, map[bool]string{true: " names"}[p.Category])
	out.WriteString(p.labels())
	out.WriteString(`</div></div>`)
	return out.html()
}

// labels writes those below, each with the least width of the panel at which it
// has room.
func (p plot) labels() string {
	var out page
	if p.Category {
		for _, t := range p.X {
			out.add(`<span style="left:%s%%;width:%s%%" title="%[3]s">%[3]s</span>`, num(t.At*100), num(96/float64(len(p.X))), esc(t.Label))
		}
		return out.String()
	}
	widths := []float64{250, 400, 620, 900, 1300}
	room := float64(utf8.RuneCountInString(longest(p.X)))*6.6 + 14
	for i, t := range p.X {
		class := ""
		for at, width := range widths {
			if i%stride(len(p.X), room, width) == 0 {
				class = "w" + string(rune('0'+at))
				break
			}
		}
		if class == "" {
			continue
		}
		if t.At < 0.02 {
			class += " first"
		} else if t.At > 0.98 {
			class += " last"
		}
		out.add(`<span class="%s" style="left:%s%%">%s</span>`, class, num(t.At*100), esc(t.Label))
	}
	return out.String()
}

// stride is every how-many-th label has room: a power of two, so that wider
// panels show the same ones and some between.
func stride(n int, room, width float64) int {
	step := 1
	for float64(n)/float64(step)*room > width {
		step *= 2
	}
	return step
}

func longest(ticks []tick) string {
	text := ""
	for _, t := range ticks {
		if utf8.RuneCountInString(t.Label) > utf8.RuneCountInString(text) {
			text = t.Label
		}
	}
	return text
}

// key is an entry of a legend.
type key struct {
	Name, Color, Note string
	Line              bool
}

// legend explains colours.
func legend(keys []key) string {
	if len(keys) == 0 {
		return ""
	}
	var out page
	out.WriteString(`<ul class="legend">`)
	for _, k := range keys {
		class := ""
		if k.Line {
			class = ` class="line"`
		}
		out.add(`<li><i%s style="background:%s"></i>%s`, class, esc(k.Color), esc(k.Name))
		if k.Note != "" {
			out.add(` <b>%s</b>`, esc(k.Note))
		}
		out.WriteString(`</li>`)
	}
	out.WriteString(`</ul>`)
	return out.String()
}

// spoken joins what a picture shows into one sentence.
func spoken(parts ...string) string {
	var said []string
	for _, part := range parts {
		if part != "" {
			said = append(said, part)
		}
	}
	return strings.Join(said, ". ")
}
