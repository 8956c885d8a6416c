package draw

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"winback/dashboards/frame"
	"winback/dashboards/value"
)

// node is an end of a flow: a name on one side, as high as what it holds.
type node struct {
	name      string
	sum       float64
	top, used float64
}

// The colours of a flow say what it means: names stand from the best to the worst.
const (
	rose   = "var(--green2)"
	slid   = "var(--red2)"
	joined = "var(--blue2)"
	stayed = "var(--soft)"
)

// flow draws how many went from where to where: two columns of names, the best first,
// and one of numbers. Names in parentheses are no group: from there one joins, and
// leaves to there.
func flow(in Input) (template.HTML, error) {
	f := triples(in.Frames[0])
	names, numbers := f.OfKind(frame.String), f.OfKind(frame.Number)
	if len(names) < 2 || len(numbers) == 0 {
		return "", fmt.Errorf("a flow wants a column of origins, one of destinations and one of numbers")
	}
	from, to, n := names[0], names[1], numbers[0]
	left, right := ends(from, n), ends(to, n)
	alike(left, right)
	total := place(left)
	place(right)
	if total == 0 {
		return nothing(in), nil
	}
	var out page
	out.add(`<div class="flow"><div class="end">%s</div><svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="%s">`, endLabels(left, n), esc(in.Panel.Title))
	for _, row := range untangled(f.Rows(), func(row int) (int, int) {
		return slices.Index(left, find(left, from.Text(row))), slices.Index(right, find(right, to.Text(row)))
	}) {
		v := n.Float(row)
		a, b := find(left, from.Text(row)), find(right, to.Text(row))
		if math.IsNaN(v) || v <= 0 {
			continue
		}
		high := v / total * (1 - gapOf(left))
		low := v / total * (1 - gapOf(right))
		y0, y1 := (a.top+a.used)*side, (b.top+b.used)*side
		a.used, b.used = a.used+high, b.used+low
		out.add(`<path d="M14 %[1]sC500 %[1]s 500 %[2]s 986 %[2]sV%[3]sC500 %[3]s 500 %[4]s 14 %[4]sZ" fill="%[5]s" opacity=".45"><title>%[6]s</title></path>`,
			num(y0), num(y1), num(y1+low*side), num(y0+high*side), meaning(left, a.name, b.name),
			esc(from.Text(row)+" → "+to.Text(row)+": "+value.Show(n.Values[row], n.Config, value.Limits{}).Text.String()))
	}
	for _, x := range []struct {
		at    string
		nodes []*node
	}{{"0", left}, {"986", right}} {
		for _, e := range x.nodes {
			out.add(`<rect x="%s" y="%s" width="14" height="%s" fill="%s"/>`, x.at, num(e.top*side), num(e.sum/total*(1-gapOf(x.nodes))*side), stayed)
		}
	}
	out.add(`</svg><div class="end to">%s</div></div><ul class="legend">`, endLabels(right, n))
	for _, kind := range [][2]string{{"rose", rose}, {"slid or left", slid}, {"joined", joined}, {"stayed", stayed}} {
		out.add(`<li><i style="background:%s"></i>%s</li>`, kind[1], kind[0])
	}
	out.WriteString(`</ul>`)
	return out.html(), nil
}

// meaning is the colour of who went from one name to another, by the places of both.
func meaning(order []*node, from, to string) string {
	place := func(name string) int {
		if at := slices.IndexFunc(order, func(e *node) bool { return e.name == name }); at >= 0 {
			return at
		}
		return len(order)
	}
	switch {
	case from == to:
		return stayed
	case strings.HasPrefix(from, "("):
		return joined
	case place(to) < place(from) && !strings.HasPrefix(to, "("):
		return rose
	}
	return slid
}

// triples makes rows of origin, destination and number of a matrix, whose columns
// are the destinations. Rows that are triples stay.
func triples(f *frame.Frame) *frame.Frame {
	names, columns := f.OfKind(frame.String), f.OfKind(frame.Number)
	if len(names) != 1 || len(columns) == 0 {
		return f
	}
	from, to, n := &frame.Field{Name: "from", Kind: frame.String}, &frame.Field{Name: "to", Kind: frame.String}, columns[0].Like()
	for row := range f.Rows() {
		for _, column := range columns {
			if column.Values[row] != nil {
				from.Values, to.Values, n.Values = append(from.Values, names[0].Values[row]), append(to.Values, column.Display), append(n.Values, column.Values[row])
			}
		}
	}
	return &frame.Frame{Fields: []*frame.Field{from, to, n}}
}

// ends are the names of a side in the order of their rows.
func ends(names, n *frame.Field) []*node {
	var all []*node
	for row := range names.Values {
		name := names.Text(row)
		e := find(all, name)
		if e == nil {
			e = &node{name: name}
			all = append(all, e)
		}
		if v := n.Float(row); v > 0 {
			e.sum += v
		}
	}
	return all
}

// alike puts the names of the right side in the order of the left one, so that who
// stayed goes straight across. Names of the right side alone come last.
func alike(left, right []*node) {
	place := func(e *node) int {
		at := slices.IndexFunc(left, func(l *node) bool { return l.name == e.name })
		if at < 0 {
			return len(left)
		}
		return at
	}
	slices.SortStableFunc(right, func(a, b *node) int { return place(a) - place(b) })
}

// untangled orders rows by their places on the left, then on the right, so that
// flows leave and arrive in the order of the names.
func untangled(rows int, places func(row int) (left, right int)) []int {
	order := make([]int, rows)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		l1, r1 := places(a)
		l2, r2 := places(b)
		return cmp.Or(l1-l2, r1-r2)
	})
	return order
}

func find(nodes []*node, name string) *node {
	for _, e := range nodes {
		if e.name == name {
			return e
		}
	}
	return nil
}

// gapOf is the share of the height that stays free between the names of a side.
func gapOf(nodes []*node) float64 { return 0.018 * float64(len(nodes)-1) }

// place puts the names of a side below each other, and returns their sum.
func place(nodes []*node) float64 {
	total := 0.0
	for _, e := range nodes {
		total += e.sum
	}
	top := 0.0
	for _, e := range nodes {
		e.top = top
		if total > 0 {
			top += e.sum/total*(1-gapOf(nodes)) + 0.018
		}
	}
	return total
}

// endLabels writes the names of a side beside their ends, moved so far that none
// covers another.
func endLabels(nodes []*node, n *frame.Field) string {
	var out page
	for i, at := range labelPlaces(nodes) {
		out.add(`<span style="top:%s%%">%s <b>%s</b></span>`, num(at*100), esc(nodes[i].name), esc(value.Show(nodes[i].sum, n.Config, value.Limits{}).Text.String()))
	}
	return out.String()
}

// labelPlaces are the middles of the ends, as shares of the height, kept apart by a
// line: those below give way first, and where the foot is reached those above.
func labelPlaces(nodes []*node) []float64 {
	total := 0.0
	for _, e := range nodes {
		total += e.sum
	}
	line := math.Min(0.08, 1/float64(len(nodes)))
	places := make([]float64, len(nodes))
	for i, e := range nodes {
		places[i] = e.top + e.sum/total*(1-gapOf(nodes))/2
		if i > 0 {
			places[i] = math.Max(places[i], places[i-1]+line)
		}
	}
	foot := 1 - line/2
	for i := len(places) - 1; i >= 0; i-- {
		places[i] = math.Min(places[i], foot)
		foot = places[i] - line
	}
	return places
}
