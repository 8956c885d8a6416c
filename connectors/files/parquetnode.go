package files

import (
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"winback/connectors/mapping"
)

// parquetNode is a column of a Parquet file, or a group of them.
type parquetNode struct {
	name       string
	form       parquetForm
	repeated   bool
	definition int // level from which on there is a value
	repetition int // level of its own repetition
	leaf       int // the first one in it
	children   []*parquetNode
	write      func(into []byte, v parquet.Value) []byte
}

type parquetForm byte

const (
	parquetLeaf parquetForm = iota
	parquetGroup
	parquetList // a group around a repeated one
	parquetMap  // a group around repeated keys and values
)

// newParquetNode makes the node of a column; leaves counts those before it.
func newParquetNode(c *parquet.Column, leaves *int) *parquetNode {
	n := &parquetNode{
		name: c.Name(), repeated: c.Repeated(), leaf: *leaves,
		definition: c.MaxDefinitionLevel(), repetition: c.MaxRepetitionLevel(),
	}
	if c.Leaf() {
		*leaves++
		n.write = parquetWriter(c.Type())
		return n
	}
	for _, child := range c.Columns() {
		n.children = append(n.children, newParquetNode(child, leaves))
	}
	n.form = parquetGroup
	kind := ""
	if t := c.Type().LogicalType(); t != nil {
		kind = t.String()
	}
	wraps := len(n.children) == 1 && n.children[0].repeated
	switch {
	case kind == "LIST" && wraps:
		n.form = parquetList
	case kind == "MAP" && wraps && len(n.children[0].children) == 2 && n.children[0].children[0].form == parquetLeaf:
		n.form = parquetMap
	}
	return n
}

// names lists the columns at the top.
func (n *parquetNode) names() []string {
	var list []string
	for _, child := range n.children {
		list = append(list, child.name)
	}
	return list
}

// has says whether the schema has what a path leads to; what is in a map only its rows tell.
func (n *parquetNode) has(steps []step) bool {
	if len(steps) == 0 || n.form == parquetMap {
		return true
	}
	switch s := steps[0]; {
	case s.element && n.form == parquetList:
		element, _ := n.element()
		return element.has(steps[1:])
	case s.element:
		return n.repeated && n.has(steps[1:])
	default:
		at := slices.IndexFunc(n.children, func(child *parquetNode) bool { return child.name == s.key })
		return n.form == parquetGroup && at >= 0 && n.children[at].has(steps[1:])
	}
}

// paths lists the columns, and those within groups.
func (n *parquetNode) paths(prefix string, into []string) []string {
	for _, child := range n.children {
		into = append(into, prefix+child.name)
		if child.form == parquetGroup {
			into = child.paths(prefix+child.name+".", into)
		}
	}
	return into
}

// element returns the node whose values are the elements of a list: the wrapper
// that the format puts around them is left out.
func (n *parquetNode) element() (element *parquetNode, wrapped bool) {
	repeated := n.children[0]
	if repeated.form == parquetGroup && len(repeated.children) == 1 && repeated.name != "array" && !strings.HasSuffix(repeated.name, "_tuple") {
		return repeated.children[0], true
	}
	return repeated, false
}

// there says whether the next value of a node is one.
func (r *parquetReader) there(n *parquetNode) bool {
	values := r.leaves[n.leaf]
	return len(values) > 0 && values[0].DefinitionLevel() >= n.definition
}

// again says whether another value of a repeated node follows.
func (r *parquetReader) again(n *parquetNode) bool {
	values := r.leaves[n.leaf]
	return len(values) > 0 && values[0].RepetitionLevel() >= n.repetition
}

// skip passes over the place where a node has no value.
func (r *parquetReader) skip(n *parquetNode) {
	if n.form == parquetLeaf {
		if values := r.leaves[n.leaf]; len(values) > 0 {
			r.leaves[n.leaf] = values[1:]
		}
		return
	}
	for _, child := range n.children {
		r.skip(child)
	}
}

// node writes what stands at a node: a value, null, or an array.
func (r *parquetReader) node(into []byte, n *parquetNode) []byte {
	if n.hollow() {
		return append(into, "null"...)
	}
	if !n.repeated {
		if !r.there(n) {
			r.skip(n)
			return append(into, "null"...)
		}
		return r.value(into, n)
	}
	return r.array(into, n, func(into []byte) []byte { return r.value(into, n) })
}

// hollow says that there are no columns in a group, so that nothing tells of it.
func (n *parquetNode) hollow() bool {
	if n.form == parquetLeaf {
		return false
	}
	for _, child := range n.children {
		if !child.hollow() {
			return false
		}
	}
	return true
}

// array writes the values of a repeated node.
func (r *parquetReader) array(into []byte, n *parquetNode, value func(into []byte) []byte) []byte {
	into = append(into, '[')
	if !r.there(n) {
		r.skip(n)
		return append(into, ']')
	}
	for first := true; first || r.again(n); first = false {
		if !first {
			into = append(into, ',')
		}
		before := len(r.leaves[n.leaf])
		into = value(into)
		if len(r.leaves[n.leaf]) == before {
			break // damaged levels
		}
	}
	return append(into, ']')
}

// value writes the value of a node that has one.
func (r *parquetReader) value(into []byte, n *parquetNode) []byte {
	switch n.form {
	case parquetLeaf:
		values := r.leaves[n.leaf]
		if len(values) == 0 {
			return append(into, "null"...)
		}
		r.leaves[n.leaf] = values[1:]
		return n.write(into, values[0])
	case parquetList:
		repeated := n.children[0]
		element, wrapped := n.element()
		return r.array(into, repeated, func(into []byte) []byte {
			if wrapped {
				return r.node(into, element)
			}
			return r.value(into, element)
		})
	case parquetMap:
		return r.pairs(into, n.children[0])
	}
	return r.object(into, n)
}

// object writes a group.
func (r *parquetReader) object(into []byte, n *parquetNode) []byte {
	into = append(into, '{')
	for i, child := range n.children {
		if i > 0 {
			into = append(into, ',')
		}
		into = append(mapping.AppendJSONString(into, []byte(child.name)), ':')
		into = r.node(into, child)
	}
	return append(into, '}')
}

// pairs writes a map as an object.
func (r *parquetReader) pairs(into []byte, n *parquetNode) []byte {
	from := len(into)
	into = r.array(into, n, func(into []byte) []byte {
		key := r.node(nil, n.children[0])
		if len(key) == 0 || key[0] != '"' {
			key = mapping.AppendJSONString(nil, key)
		}
		into = append(append(into, key...), ':')
		return r.node(into, n.children[1])
	})
	into[from], into[len(into)-1] = '{', '}'
	return into
}
