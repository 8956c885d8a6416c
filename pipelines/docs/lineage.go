package docs

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
)

// draw makes the pictures of what reads what: of everything, and of every table
// with all it comes from and all that comes from it.
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
	b.page.Lineage = b.picture("Everything", names, up, "")
	for _, name := range names {
		related := reach(name, up)
		for other := range reach(name, b.readers) {
			related[other] = true
		}
		if len(related) < 2 {
			continue
		}
		near := slices.DeleteFunc(slices.Clone(names), func(other string) bool { return !related[other] })
		t := b.byName[name]
		t.Lineage = b.picture("Lineage of "+t.Name, near, direct(name, near, up), name)
	}
}

// direct keeps of the edges those that lie on a way to or from a table.
func direct(name string, near []string, up map[string][]string) map[string][]string {
	before := reach(name, up)
	kept := map[string][]string{}
	for _, reader := range near {
		for _, read := range up[reader] {
			if before[read] == before[reader] || read == name || reader == name {
				kept[reader] = append(kept[reader], read)
			}
		}
	}
	return kept
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

// picture draws a graph as SVG; focus is the table it is about, if any.
func (b *builder) picture(title string, names []string, up map[string][]string, focus string) template.HTML {
	raw := map[string]bool{}
	for _, name := range names {
		raw[name] = b.byName[name].Kind == kindRaw
	}
	l := place(graph{names: names, reads: up, label: b.label, leftmost: raw})
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="graph" role="img" aria-label="%s" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" xmlns="http://www.w3.org/2000/svg">`,
		html.EscapeString(title), l.width, l.height, l.width, l.height)
	for _, line := range l.lines {
		fmt.Fprintf(&out, `<path class="edge" data-from="%s" data-to="%s" d="%s"/>`,
			html.EscapeString(line.from.id), html.EscapeString(line.to.id), curve(line))
	}
	for _, n := range l.nodes {
		t := b.byName[n.id]
		class := "node " + t.Kind
		if n.id == focus {
			class += " focus"
		}
		fmt.Fprintf(&out, `<a class="%s" href="#%s" data-node="%s"><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.0f" rx="5"/><text x="%.1f" y="%.1f">%s</text></a>`,
			class, html.EscapeString(t.ID), html.EscapeString(n.id), html.EscapeString(t.Name+": "+t.Summary),
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
	fmt.Fprintf(&path, "M%.1f %.1f", x, y)
	for _, n := range append(slices.Clone(line.over), line.to) {
		middle := (x + n.x) / 2
		fmt.Fprintf(&path, "C%.1f %.1f %.1f %.1f %.1f %.1f", middle, y, middle, n.y, n.x, n.y)
		if x, y = n.x, n.y; n.isBend() {
			x += n.width
			fmt.Fprintf(&path, "H%.1f", x)
		}
	}
	return path.String()
}
