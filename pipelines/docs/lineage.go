package docs

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
)

// draw makes the picture of what reads what, and counts for every table all that
// it comes from and all that comes from it. A picture for each table would be
// longer than everything else: its page lists its neighbours, and leads to its
// place in the one picture.
func (b *builder) draw() {
	var names []string
	for _, s := range b.Models.Sources() {
		if b.byName[s.String()] != nil {
			names = append(names, s.String())
		}
	}
	up := map[string][]string{}
	for _, m := range b.Models.Models() {
		names = append(names, m.Name)
		up[m.Name] = reads(m)
	}
	b.page.Lineage = b.picture("Everything", names, up)
	for _, name := range names {
		t := b.byName[name]
		t.Before, t.After = len(reach(name, up))-1, len(reach(name, b.readers))-1
	}
}

// reach returns the names reached by following next, the first among them.
func reach(name string, next map[string][]string) map[string]bool {
	seen := map[string]bool{}
	for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
		if at := queue[0]; !seen[at] {
			seen[at] = true
			queue = append(queue, next[at]...)
		}
	}
	return seen
}

// picture draws a graph as SVG.
func (b *builder) picture(title string, names []string, up map[string][]string) template.HTML {
	raw := map[string]bool{}
	for _, name := range names {
		raw[name] = b.byName[name].Kind == kindRaw
	}
	l := place(graph{names: names, reads: up, label: b.label, leftmost: raw})
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="graph" role="img" aria-label="%s" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" xmlns="http://www.w3.org/2000/svg">`,
		html.EscapeString(title), l.width, l.height, l.width, l.height)
	place := map[*layoutNode]int{}
	for i, n := range l.nodes {
		place[n] = i
	}
	for _, line := range l.lines {
		fmt.Fprintf(&out, `<path class="edge" data-from="%d" data-to="%d" d="%s"/>`, place[line.from], place[line.to], curve(line))
	}
	for i, n := range l.nodes {
		t := b.byName[n.id]
		fmt.Fprintf(&out, `<a class="node %s" href="#%s" data-node="%d"><title>%s</title><rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" rx="5"/><text x="%.0f" y="%.0f">%s</text></a>`,
			t.Kind, html.EscapeString(t.ID), i, html.EscapeString(t.Name),
			n.x, n.y-nodeHeight/2, n.width, nodeHeight, n.x+n.width/2, n.y+4, html.EscapeString(n.label))
	}
	out.WriteString("</svg>")
	return template.HTML(out.String()) //nolint:gosec // every part was escaped
}

// label is what stands in a node: the table without its database, which the
// colour tells.
func (b *builder) label(name string) string {
	_, label, _ := strings.Cut(b.byName[name].Name, ".")
	return label
}

// curve draws a line from node to node over its bends: level through each layer,
// and a bow from one to the next.
func curve(line layoutLine) string {
	var path strings.Builder
	x, y := line.from.x+line.from.width, line.from.y
	fmt.Fprintf(&path, "M%.0f %.0f", x, y)
	for _, n := range append(slices.Clone(line.over), line.to) {
		middle := (x + n.x) / 2
		fmt.Fprintf(&path, "C%.0f %.0f %.0f %.0f %.0f %.0f", middle, y, middle, n.y, n.x, n.y)
		if x, y = n.x, n.y; n.isBend() {
			x += n.width
			fmt.Fprintf(&path, "H%.0f", x)
		}
	}
	return path.String()
}
