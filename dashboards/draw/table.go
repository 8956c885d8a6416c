package draw

import (
	"fmt"
	"html/template"
	"math"
	"slices"

	"winback/dashboards/board"
	"winback/dashboards/frame"
	"winback/dashboards/value"
)

// most is how many rows a table on paper has; the rest is counted.
const most = 100

// table is the panel of that name.
func table(in Input) (template.HTML, error) {
	if len(in.Frames) == 0 {
		return nothing(in), nil
	}
	f := sortedBy(in.Frames[0], in.Panel.Options)
	var shown []*frame.Field
	for _, field := range f.Fields {
		if !field.Config.Custom.Hidden && !field.Config.Custom.HideFrom.Viz {
			shown = append(shown, field)
		}
	}
	shown, below := withoutNotes(shown)
	var out page
	out.WriteString(`<div class="scroll" tabindex="0"><table class="data">`)
	if header := in.Panel.Options.ShowHeader; header == nil || *header {
		out.WriteString(`<thead><tr>`)
		for _, field := range shown {
			out.add(`<th scope="col"%s%s>%s</th>`, alignment(field), leastWidth(field), esc(field.Display))
		}
		out.WriteString(`</tr></thead>`)
	}
	out.WriteString(`<tbody>`)
	t := tableBody{in: in, frame: f, fields: shown, below: below}
	t.limits()
	for row := range min(f.Rows(), most) {
		t.row(&out, row)
	}
	out.WriteString(`</tbody>`)
	t.footer(&out)
	out.WriteString(`</table></div>`)
	if more := f.Rows() - most; more > 0 {
		out.add(`<p class="more">and %d more rows</p>`, more)
	}
	return out.html(), nil
}

func sortedBy(f *frame.Frame, o board.Options) *frame.Frame {
	if len(o.SortBy) == 0 {
		return f
	}
	if by := f.Field(o.SortBy[0].DisplayName); by != nil {
		return f.Sorted(by, o.SortBy[0].Desc)
	}
	return f
}

func alignment(field *frame.Field) string {
	switch align := field.Config.Custom.Align; {
	case align == "right", align == "center", align == "left":
		return ` class="` + align + `"`
	case field.Kind == frame.Number:
		return ` class="right"`
	case field.Kind == frame.Time || shortTexts(field):
		return ` class="whole"`
	}
	return ""
}

// leastWidth is the width that a column keeps: what its settings say, and enough
// for sentences to be read in lines rather than in a column of words.
func leastWidth(field *frame.Field) string {
	width, share := field.Config.Custom.MinWidth, "30"
	for row := 0; width == 0 && field.Kind == frame.String && row < len(field.Values); row++ {
		if len([]rune(field.Text(row))) > 60 {
			width, share = 200, "19"
		}
	}
	if width == 0 {
		return ""
	}
	return ` style="min-width:min(` + num(width) + `px,` + share + `cqw)"` // a narrow panel has other columns to show
}

// shortTexts tells a column whose texts need no line breaks.
func shortTexts(field *frame.Field) bool {
	for row := range field.Values {
		if len([]rune(field.Text(row))) > 16 {
			return false
		}
	}
	return true
}

// withoutNotes takes the last column away where it holds whole paragraphs beside many
// others: in a column they would make rows of a dozen lines, so each stands below its row.
func withoutNotes(shown []*frame.Field) (columns []*frame.Field, notes *frame.Field) {
	const many, paragraph = 8, 90
	if len(shown) < many {
		return shown, nil
	}
	last := shown[len(shown)-1]
	for row := range last.Values {
		if last.Kind == frame.String && len([]rune(last.Text(row))) > paragraph {
			return shown[:len(shown)-1], last
		}
	}
	return shown, nil
}

type tableBody struct {
	in     Input
	frame  *frame.Frame
	fields []*frame.Field
	below  *frame.Field // its texts stand below their rows; nil for none
	ranges map[*frame.Field]value.Limits
}

// limits finds the range of each column: its settings, or that of its own values.
func (t *tableBody) limits() {
	t.ranges = map[*frame.Field]value.Limits{}
	for _, field := range t.fields {
		t.ranges[field] = value.LimitsOf(field, []*frame.Frame{{Fields: []*frame.Field{field}}})
	}
}

func (t *tableBody) row(out *page, row int) {
	style := ""
	for _, field := range t.fields {
		c := field.Config.Custom.CellOptions
		if shown := value.Show(field.Values[row], field.Config, t.ranges[field]); c.Type == "color-background" && c.ApplyToRow && shown.Painted {
			style = ` style="background:` + shown.Paint.Color + `;color:` + shown.Paint.Ink + `"`
		}
	}
	out.add(`<tr%s>`, style)
	for _, field := range t.fields {
		t.cell(out, field, row)
	}
	out.WriteString(`</tr>`)
	if t.below == nil {
		return
	}
	if text := t.below.Text(row); text != "" {
		out.add(`<tr class="note"><td colspan="%d"><p><b>%s:</b> %s</p></td></tr>`, len(t.fields), esc(t.below.Display), esc(text))
	}
}

func (t *tableBody) cell(out *page, field *frame.Field, row int) {
	shown := value.Show(field.Values[row], field.Config, t.ranges[field])
	text := t.link(field, row, esc(shown.Text.String()))
	painted := shown.Painted && !shown.Missing
	switch c := field.Config.Custom.CellOptions; {
	case c.Type == "gauge" && !math.IsNaN(field.Float(row)):
		t.gaugeCell(out, field, row, shown, text)
	case c.Type == "color-background" && painted && !c.ApplyToRow && shown.Paint.Color != "transparent":
		out.add(`<td%s style="background:%s;color:%s">%s</td>`, alignment(field), shown.Paint.Color, shown.Paint.Ink, text)
	case (c.Type == "color-text" || c.Type == "pill") && painted && shown.Paint.Color != "var(--text)":
		out.add(`<td%s><span class="lamp" style="--lamp:%s">%s</span></td>`, alignment(field), shown.Paint.Color, text)
	default:
		out.add(`<td%s>%s</td>`, alignment(field), text)
	}
}

// gaugeCell is a bar with its value.
func (t *tableBody) gaugeCell(out *page, field *frame.Field, row int, shown value.Shown, text string) {
	color := "var(--p2)"
	if shown.Painted {
		color = shown.Paint.Color
	}
	if field.Config.Custom.CellOptions.ValueDisplayMode == "hidden" {
		text = ""
	}
	out.add(`<td><span class="cellbar"><i><b style="width:%s%%;background:%s"></b></i><span>%s</span></span></td>`,
		num(t.ranges[field].Share(field.Float(row))*100), color, text)
}

func (t *tableBody) link(field *frame.Field, row int, text string) string {
	if text == "" {
		return ""
	}
	for _, l := range field.Config.Links {
		if url := href(t.in, l.URL, t.frame, field, row); url != "" {
			return fmt.Sprintf(`<a href="%s" title="%s">%s</a>`, esc(url), esc(l.Title), text)
		}
	}
	return text
}

// footer sums columns up.
func (t *tableBody) footer(out *page) {
	o := t.in.Panel.Options.Footer
	if !o.Show || len(o.Reducer) == 0 {
		return
	}
	out.WriteString(`<tfoot><tr>`)
	for i, field := range t.fields {
		text := ""
		if field.Kind == frame.Number && (len(o.Fields) == 0 || slices.Contains(o.Fields, field.Name) || slices.Contains(o.Fields, field.Display)) {
			text = value.Show(field.Reduce(o.Reducer[0]), field.Config, value.Limits{}).Text.String()
		} else if i == 0 {
			text = frame.ReducerName(o.Reducer[0])
		}
		out.add(`<td%s>%s</td>`, alignment(field), esc(text))
	}
	out.WriteString(`</tr></tfoot>`)
}

// behind is the table of the values that a picture shows.
func behind(in Input) template.HTML {
	var out page
	for _, f := range in.Frames {
		if f.Rows() == 0 {
			continue
		}
		out.WriteString(`<div class="scroll" tabindex="0"><table class="data small"><thead><tr>`)
		for _, field := range f.Fields {
			out.add(`<th scope="col"%s>%s</th>`, alignment(field), esc(field.Display))
		}
		out.WriteString(`</tr></thead><tbody>`)
		from := max(0, f.Rows()-most)
		for row := from; row < f.Rows(); row++ {
			out.WriteString(`<tr>`)
			for _, field := range f.Fields {
				out.add(`<td%s>%s</td>`, alignment(field), esc(second(value.Show(field.Values[row], field.Config, value.Limits{}))))
			}
			out.WriteString(`</tr>`)
		}
		out.WriteString(`</tbody></table></div>`)
		if from > 0 {
			out.add(`<p class="more">the last %d of %d rows</p>`, most, f.Rows())
		}
	}
	return out.html()
}
