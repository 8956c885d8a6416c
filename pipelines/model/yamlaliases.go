package model

import (
	"errors"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// mostNodes is how many values a file may have with its aliases written out. A
// file that people write has some hundreds.
const mostNodes = 200_000

// parseYAML is the library's parser; a panic inside it on strange input becomes
// an error.
func parseYAML(content []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("cannot be read as YAML")
		}
	}()
	return parser.ParseBytes(content, 0)
}

// isFinite says whether the file ends with its aliases written out, and within
// reason; otherwise it reports the alias to blame.
func (y *yamlFile) isFinite(root ast.Node) bool {
	c := aliasCounter{file: y, sizes: map[string]int{}, open: map[string]bool{}, finite: true}
	c.size(root)
	return c.finite
}

// aliasCounter counts the values of a file as if every alias were written out.
type aliasCounter struct {
	file   *yamlFile
	sizes  map[string]int  // of what is below an anchor
	open   map[string]bool // anchors whose values are being counted
	finite bool
}

// size returns the number of values below a node, itself among them.
func (c *aliasCounter) size(node ast.Node) int {
	n := 1
	switch node := node.(type) {
	case nil:
		return 0
	case *ast.MappingNode:
		for _, value := range node.Values {
			n += c.size(value)
		}
	case *ast.MappingValueNode:
		n += c.size(node.Key) + c.size(node.Value)
	case *ast.MappingKeyNode:
		n += c.size(node.Value)
	case *ast.SequenceNode:
		for _, value := range node.Values {
			n += c.size(value)
		}
	case *ast.TagNode:
		n += c.size(node.Value)
	case *ast.AnchorNode:
		n += c.anchored(node.Name.GetToken().Value, node)
	case *ast.AliasNode:
		n += c.anchored(node.Value.GetToken().Value, node)
	}
	if n > mostNodes && c.finite {
		c.refuse(node, "aliases make more than %d values of the file; write fewer of them", mostNodes)
	}
	return min(n, mostNodes+1)
}

// anchored returns the number of values below an anchor; at is where it is named.
func (c *aliasCounter) anchored(name string, at ast.Node) int {
	value, known := c.file.anchors[name]
	size, counted := c.sizes[name]
	switch {
	case !known, counted: // an unknown one is reported where it is used
		return size
	case c.open[name]:
		c.refuse(at, "&%s holds itself", name)
		return 0
	}
	c.open[name] = true
	c.sizes[name] = c.size(value)
	delete(c.open, name)
	return c.sizes[name]
}

func (c *aliasCounter) refuse(at ast.Node, format string, values ...any) {
	if c.finite {
		c.file.problem(lineOf(at), format, values...)
	}
	c.finite = false
}
