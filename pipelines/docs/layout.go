package docs

import (
	"cmp"
	"slices"
)

// Sizes of a drawn graph, in pixels.
const (
	nodeHeight = 26.0
	rowGap     = 10.0 // between nodes of a layer
	wireGap    = 10.0 // between the lines that pass a layer
	layerGap   = 44.0 // between layers
	charWidth  = 6.7
	nodePad    = 22.0
	margin     = 8.0
)

// layoutNode is a node of a graph to be drawn from left to right, or a bend of a
// line that passes a layer.
type layoutNode struct {
	id    string // empty for a bend
	label string
	layer int
	order int // place in the layer, from the top
	x, y  float64
	width float64
	up    []*layoutNode // one layer to the left
	down  []*layoutNode // one layer to the right
}

func (n *layoutNode) isBend() bool { return n.id == "" }

// gapBelow is the least distance from a node to the next one of its layer,
// middle to middle.
func gapBelow(a, b *layoutNode) float64 {
	height := func(n *layoutNode) float64 {
		if n.isBend() {
			return wireGap
		}
		return nodeHeight + rowGap
	}
	return (height(a) + height(b)) / 2
}

// layout is a graph with places: nodes in layers, every node right of what it
// reads, and lines with few crossings.
type layout struct {
	nodes         []*layoutNode // without bends
	layers        [][]*layoutNode
	lines         []layoutLine
	width, height float64
}

// layoutLine leads from a node to one that reads it, over the bends between.
type layoutLine struct {
	from, to *layoutNode
	over     []*layoutNode
}

// graph is what is to be drawn: names, parents before children, and what each
// reads. Names that are read and not listed are left out.
type graph struct {
	names []string
	label func(name string) string
	reads map[string][]string
	// leftmost stand in the first layer, however late they are read.
	leftmost map[string]bool
}

// place lays a graph out.
func place(g graph) *layout {
	l := &layout{}
	nodes := map[string]*layoutNode{}
	for _, name := range g.names {
		n := &layoutNode{id: name, label: g.label(name)}
		n.width = float64(len([]rune(n.label)))*charWidth + nodePad
		nodes[name], l.nodes = n, append(l.nodes, n)
	}
	assignLayers(g, nodes)
	l.fillLayers(g, nodes)
	l.reduceCrossings()
	l.assignPlaces()
	return l
}

// assignLayers puts every node one layer right of the last thing it reads, and
// what reads nothing close to its readers, or leftmost.
func assignLayers(g graph, nodes map[string]*layoutNode) {
	first := map[string]int{} // layer of a node's leftmost reader
	for _, name := range g.names {
		for _, read := range g.reads[name] {
			if parent, ok := nodes[read]; ok {
				nodes[name].layer = max(nodes[name].layer, parent.layer+1)
			}
		}
	}
	for _, name := range g.names {
		for _, read := range g.reads[name] {
			if at, ok := first[read]; !ok || nodes[name].layer < at {
				first[read] = nodes[name].layer
			}
		}
	}
	for _, name := range g.names {
		if reader, ok := first[name]; ok && len(g.reads[name]) == 0 && !g.leftmost[name] {
			nodes[name].layer = reader - 1
		}
	}
}

// fillLayers lists the nodes by layer and draws the lines, with a bend in every
// layer that a line passes.
func (l *layout) fillLayers(g graph, nodes map[string]*layoutNode) {
	for _, n := range l.nodes {
		for len(l.layers) <= n.layer {
			l.layers = append(l.layers, nil)
		}
		l.layers[n.layer] = append(l.layers[n.layer], n)
	}
	for _, name := range g.names {
		to := nodes[name]
		for _, read := range g.reads[name] {
			from, ok := nodes[read]
			if !ok {
				continue
			}
			line := layoutLine{from: from, to: to}
			last := from
			for layer := from.layer + 1; layer < to.layer; layer++ {
				bend := &layoutNode{layer: layer}
				l.layers[layer] = append(l.layers[layer], bend)
				line.over = append(line.over, bend)
				connect(last, bend)
				last = bend
			}
			connect(last, to)
			l.lines = append(l.lines, line)
		}
	}
}

func connect(from, to *layoutNode) {
	from.down, to.up = append(from.down, to), append(to.up, from)
}

// sweeps is how often the order of the layers is improved.
const sweeps = 24

// reduceCrossings orders the nodes of each layer by the middle of what they are
// connected with, from left to right and back, and keeps the best order seen.
func (l *layout) reduceCrossings() {
	l.number()
	best, order := l.crossings(), l.orders()
	for sweep := range sweeps {
		rightwards := sweep%2 == 0
		for i := range l.layers {
			layer := l.layers[i]
			if !rightwards {
				layer = l.layers[len(l.layers)-1-i]
			}
			sortByMiddle(layer, rightwards)
		}
		if n := l.crossings(); n < best {
			best, order = n, l.orders()
		}
	}
	for i, layer := range l.layers {
		slices.SortStableFunc(layer, func(a, b *layoutNode) int { return cmp.Compare(order[i][a], order[i][b]) })
	}
	l.number()
}

func (l *layout) number() {
	for _, layer := range l.layers {
		for i, n := range layer {
			n.order = i
		}
	}
}

func (l *layout) orders() []map[*layoutNode]int {
	orders := make([]map[*layoutNode]int, len(l.layers))
	for i, layer := range l.layers {
		orders[i] = map[*layoutNode]int{}
		for _, n := range layer {
			orders[i][n] = n.order
		}
	}
	return orders
}

// sortByMiddle orders a layer by the mean place of the neighbours on one side;
// nodes without any stay where they are.
func sortByMiddle(layer []*layoutNode, leftSide bool) {
	middle := map[*layoutNode]float64{}
	for _, n := range layer {
		neighbours := n.down
		if leftSide {
			neighbours = n.up
		}
		middle[n] = float64(n.order)
		if len(neighbours) > 0 {
			sum := 0
			for _, other := range neighbours {
				sum += other.order
			}
			middle[n] = float64(sum) / float64(len(neighbours))
		}
	}
	slices.SortStableFunc(layer, func(a, b *layoutNode) int { return cmp.Compare(middle[a], middle[b]) })
	for i, n := range layer {
		n.order = i
	}
}

// crossings counts the crossings of lines between neighbouring layers.
func (l *layout) crossings() int {
	type wire struct{ from, to int }
	total := 0
	for _, layer := range l.layers {
		var wires []wire
		for _, n := range layer {
			for _, other := range n.down {
				wires = append(wires, wire{n.order, other.order})
			}
		}
		for i, a := range wires {
			for _, b := range wires[i+1:] {
				if (a.from-b.from)*(a.to-b.to) < 0 {
					total++
				}
			}
		}
	}
	return total
}

// assignPlaces turns layers and orders into pixels: columns as wide as their
// widest node, and nodes as near as they can be to what they are connected with.
func (l *layout) assignPlaces() {
	x := margin
	for _, layer := range l.layers {
		width, y := 0.0, 0.0
		for i, n := range layer {
			width = max(width, n.width)
			if i > 0 {
				y += gapBelow(layer[i-1], n)
			}
			n.y = y
		}
		for _, n := range layer {
			n.x = x
			if n.isBend() {
				n.width = width
			}
		}
		x += width + layerGap
	}
	l.width = x - layerGap + margin
	for round := range 2 * sweeps {
		for i := range l.layers {
			at := i
			if round%2 == 1 {
				at = len(l.layers) - 1 - i
			}
			settle(l.layers[at])
		}
	}
	l.frame()
}

// settle moves the nodes of a layer towards their neighbours without changing
// their order.
func settle(layer []*layoutNode) {
	wanted := make([]float64, len(layer))
	for i, n := range layer {
		wanted[i] = n.y
		if neighbours := slices.Concat(n.up, n.down); len(neighbours) > 0 {
			sum := 0.0
			for _, other := range neighbours {
				sum += other.y
			}
			wanted[i] = sum / float64(len(neighbours))
		}
	}
	// Groups of nodes that touch move as one, to the mean of what they want.
	type group struct {
		first, size int
		top         float64 // of its first node
		sum         float64 // of what its nodes want for the first
	}
	var groups []group
	offsets := make([]float64, len(layer)) // from the first node of the layer
	for i := range layer {
		if i > 0 {
			offsets[i] = offsets[i-1] + gapBelow(layer[i-1], layer[i])
		}
		g := group{first: i, size: 1, sum: wanted[i]}
		g.top = g.sum
		for len(groups) > 0 {
			last := groups[len(groups)-1]
			if last.top+offsets[g.first]-offsets[last.first] <= g.top {
				break
			}
			shift := offsets[g.first] - offsets[last.first]
			last.sum += g.sum - shift*float64(g.size)
			last.size += g.size
			last.top = last.sum / float64(last.size)
			g, groups = last, groups[:len(groups)-1]
		}
		groups = append(groups, g)
	}
	for _, g := range groups {
		for i := g.first; i < g.first+g.size; i++ {
			layer[i].y = g.top + offsets[i] - offsets[g.first]
		}
	}
}

// frame moves the whole so that it begins at the margin.
func (l *layout) frame() {
	top, bottom := 0.0, 0.0
	for i, layer := range l.layers {
		for j, n := range layer {
			if i == 0 && j == 0 || n.y < top {
				top = n.y
			}
			if i == 0 && j == 0 || n.y > bottom {
				bottom = n.y
			}
		}
	}
	for _, layer := range l.layers {
		for _, n := range layer {
			n.y += margin + nodeHeight/2 - top
		}
	}
	l.height = bottom - top + nodeHeight + 2*margin
}
