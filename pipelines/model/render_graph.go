package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// GraphFormat is how a graph is written.
type GraphFormat string

// The formats of graphs.
const (
	GraphText    GraphFormat = "text"
	GraphMermaid GraphFormat = "mermaid"
	GraphDOT     GraphFormat = "dot"
	GraphJSON    GraphFormat = "json"
)

// Graph writes what the models read, from the entities down to the marts: as a
// tree for the eye, in the language of Mermaid or Graphviz, or as JSON. An unknown
// format is an error.
func (p *Project) Graph(models []*Model, format GraphFormat) (string, error) {
	g := newGraph(models)
	switch format {
	case GraphText, "":
		return g.text(), nil
	case GraphMermaid:
		return g.mermaid(), nil
	case GraphDOT:
		return g.dot(), nil
	case GraphJSON:
		return g.json()
	default:
		return "", fmt.Errorf("no graph format %q; there are text, mermaid, dot and json", format)
	}
}

// graph is what is drawn: entities and models by name, and the edges between.
type graph struct {
	nodes    []graphNode // parents first
	children map[string][]string
	roots    []string
}

type graphNode struct {
	name  string // a model's name or an entity's full name
	model *Model // nil for an entity
	reads []string
}

func newGraph(models []*Model) *graph {
	g := &graph{children: map[string][]string{}}
	drawn := map[string]bool{}
	var sources []string
	for _, m := range models {
		drawn[m.Name] = true
		for _, source := range m.Sources {
			if !slices.Contains(sources, source.String()) {
				sources = append(sources, source.String())
			}
		}
	}
	slices.Sort(sources)
	for _, name := range sources {
		g.nodes = append(g.nodes, graphNode{name: name})
	}
	for _, m := range models {
		node := graphNode{name: m.Name, model: m}
		for _, source := range m.Sources {
			node.reads = append(node.reads, source.String())
		}
		for _, parent := range m.Parents {
			if drawn[parent] {
				node.reads = append(node.reads, parent)
			}
		}
		g.nodes = append(g.nodes, node)
	}
	for _, node := range g.nodes {
		for _, read := range node.reads {
			g.children[read] = append(g.children[read], node.name)
		}
		if len(node.reads) == 0 {
			g.roots = append(g.roots, node.name)
		}
	}
	return g
}

func (n graphNode) label() string {
	if n.model == nil {
		return n.name + " (source)"
	}
	return fmt.Sprintf("%s (%s)", n.name, n.model.Materialized)
}

// text draws a tree. A model with several parents is drawn in full below the
// first of them; below the others it is named, with … for what hangs below it.
func (g *graph) text() string {
	t := treeWriter{graph: g, labels: map[string]string{}, written: map[string]bool{}}
	for _, node := range g.nodes {
		t.labels[node.name] = node.label()
	}
	for _, root := range g.roots {
		t.out.WriteString(t.labels[root] + "\n")
		t.below(root, "")
	}
	return t.out.String()
}

type treeWriter struct {
	graph   *graph
	labels  map[string]string
	written map[string]bool
	out     strings.Builder
}

func (t *treeWriter) below(name, indent string) {
	children := t.graph.children[name]
	for i, child := range children {
		branch, next := "├── ", "│   "
		if i == len(children)-1 {
			branch, next = "└── ", "    "
		}
		if t.written[child] {
			seen := ""
			if len(t.graph.children[child]) > 0 {
				seen = " …"
			}
			fmt.Fprintf(&t.out, "%s%s%s%s\n", indent, branch, t.labels[child], seen)
			continue
		}
		t.written[child] = true
		fmt.Fprintf(&t.out, "%s%s%s\n", indent, branch, t.labels[child])
		t.below(child, indent+next)
	}
}

func (g *graph) mermaid() string {
	var out strings.Builder
	out.WriteString("graph LR\n")
	for _, node := range g.nodes {
		open, shut := "[", "]"
		switch {
		case node.model == nil:
			open, shut = "[(", ")]"
		case node.model.Materialized == View:
			open, shut = "([", "])"
		}
		fmt.Fprintf(&out, "    %s%s\"%s\"%s\n", mermaidID(node.name), open, node.name, shut)
	}
	for _, node := range g.nodes {
		for _, read := range node.reads {
			fmt.Fprintf(&out, "    %s --> %s\n", mermaidID(read), mermaidID(node.name))
		}
	}
	return out.String()
}

// mermaidID makes an id without dots, and unlike Mermaid's own word "end".
func mermaidID(name string) string { return "n_" + strings.ReplaceAll(name, ".", "__") }

func (g *graph) dot() string {
	var out strings.Builder
	out.WriteString("digraph models {\n    rankdir = LR;\n    node [shape = box];\n")
	for _, node := range g.nodes {
		shape := ""
		switch {
		case node.model == nil:
			shape = " [shape = cylinder]"
		case node.model.Materialized == View:
			shape = " [style = rounded]"
		}
		fmt.Fprintf(&out, "    %q%s;\n", node.name, shape)
	}
	for _, node := range g.nodes {
		for _, read := range node.reads {
			fmt.Fprintf(&out, "    %q -> %q;\n", read, node.name)
		}
	}
	out.WriteString("}\n")
	return out.String()
}

// jsonNode is a model, a seed or an entity in a graph written as JSON.
type jsonNode struct {
	Name        string   `json:"name"`
	Kind        string   `json:"kind"` // source, seed, view, table and so on
	Table       string   `json:"table"`
	Path        string   `json:"path,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Reads       []string `json:"reads"`
	Description string   `json:"description,omitempty"`
	Grain       string   `json:"grain,omitempty"`
}

// json writes the nodes, parents first, each with the names of what it reads.
func (g *graph) json() (string, error) {
	nodes := make([]jsonNode, len(g.nodes))
	for i, n := range g.nodes {
		nodes[i] = jsonNode{Name: n.name, Kind: "source", Table: rawDatabase + "." + strings.ReplaceAll(n.name, ".", "_"), Reads: n.reads}
		if m := n.model; m != nil {
			nodes[i] = jsonNode{
				Name: n.name, Kind: string(m.Materialized), Table: m.FullName(), Path: m.Path, Tags: m.Tags, Reads: n.reads,
				Description: m.Summary, Grain: m.Grain,
			}
		}
		if nodes[i].Reads == nil {
			nodes[i].Reads = []string{}
		}
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(map[string]any{"nodes": nodes})
	return out.String(), err
}
