package docs

import (
	"fmt"
	"testing"
)

func drawn(reads map[string][]string, names ...string) *layout {
	return place(graph{names: names, reads: reads, label: func(name string) string { return name }})
}

func (l *layout) node(t *testing.T, id string) *layoutNode {
	t.Helper()
	for _, n := range l.nodes {
		if n.id == id {
			return n
		}
	}
	t.Fatalf("no node %s", id)
	return nil
}

// checkLayout says whether a layout is one: every node right of what it reads,
// none on another, all within the frame.
func checkLayout(t *testing.T, l *layout) {
	t.Helper()
	for _, line := range l.lines {
		if line.from.x+line.from.width >= line.to.x {
			t.Errorf("%s is not right of %s", line.to.id, line.from.id)
		}
		if len(line.over) != line.to.layer-line.from.layer-1 {
			t.Errorf("the line from %s to %s has %d bends", line.from.id, line.to.id, len(line.over))
		}
	}
	for _, layer := range l.layers {
		for i, n := range layer {
			if i > 0 && n.y-layer[i-1].y < gapBelow(layer[i-1], n)-0.001 {
				t.Errorf("%q is on %q", n.id, layer[i-1].id)
			}
			if n.y < margin || n.y > l.height-margin || n.x < margin || n.x+n.width > l.width-margin+0.001 {
				t.Errorf("%q is outside of the frame", n.id)
			}
		}
	}
}

func TestLayoutOfAChainIsALine(t *testing.T) {
	l := drawn(map[string][]string{"b": {"a"}, "c": {"b"}}, "a", "b", "c")
	checkLayout(t, l)
	if l.node(t, "a").y != l.node(t, "c").y || l.node(t, "a").x >= l.node(t, "b").x {
		t.Error("a, b and c are not in a line from left to right")
	}
}

func TestLayoutUntanglesLines(t *testing.T) {
	l := drawn(map[string][]string{"x": {"b"}, "y": {"a"}, "z": {"b"}, "w": {"a"}}, "a", "b", "x", "y", "z", "w")
	checkLayout(t, l)
	if n := l.crossings(); n != 0 {
		t.Errorf("%d crossings where none is needed", n)
	}
}

func TestLayoutPutsSeedsBesideTheirReaders(t *testing.T) {
	l := drawn(map[string][]string{"b": {"a"}, "c": {"b", "seed"}}, "a", "b", "seed", "c")
	checkLayout(t, l)
	if l.node(t, "seed").layer != l.node(t, "b").layer {
		t.Error("a seed read late stands at the very left")
	}
}

func TestLayoutOfManyNodes(t *testing.T) {
	reads := map[string][]string{}
	var names []string
	for i := range 120 {
		name := fmt.Sprintf("model_%d", i)
		names = append(names, name)
		for _, back := range []int{1 + i%7, 3 + i%11, 30} {
			if i >= back+10 {
				reads[name] = append(reads[name], fmt.Sprintf("model_%d", i-back-i%3))
			}
		}
	}
	checkLayout(t, drawn(reads, names...))
}

func TestLayoutOfNothingAndOfOne(t *testing.T) {
	checkLayout(t, drawn(nil))
	checkLayout(t, drawn(nil, "only"))
	checkLayout(t, drawn(map[string][]string{"a": {"elsewhere"}}, "a"))
}
