package spec

import (
	"errors"
	"fmt"
	"strings"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Options say what surrounds a YAML file.
type Options struct {
	// Lookup finds environment variables; nil finds none.
	Lookup func(name string) (string, bool)
	// EnvFile is named in the message about a missing variable as the place to set it.
	EnvFile string
	// Literal leaves ${…} as it stands.
	Literal bool
}

// Parse reads a YAML file into a tree of nodes, adding to errs what is wrong with the YAML itself: syntax, keys given
// twice, aliases without an anchor. What file names is used in messages as it is, and its folder is what relative
// paths count from. An empty file is an empty map. Variables are expanded in values here, but one that is missing is
// reported only when its value is decoded.
func Parse(file string, data []byte, opts Options, errs *Errors) Node {
	r := &reader{file: file, opts: opts, errs: errs, anchors: map[string]*node{}}
	empty := &node{kind: Mapping, pos: Pos{File: file, Line: 1, Column: 1}}
	parsed, err := parseYAML(data)
	if err != nil {
		errs.Add(r.syntaxError(err, data))
		return Node{n: empty}
	}
	body := r.body(parsed)
	if body == nil {
		return Node{n: empty}
	}
	root := r.value(body)
	if root.kind == Null {
		root = empty
	}
	return Node{n: root}
}

// parseYAML is the library's parser; a panic inside it on strange input becomes an error.
func parseYAML(data []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("cannot be read as YAML")
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// reader converts the library's tree into ours.
type reader struct {
	file    string
	opts    Options
	errs    *Errors
	anchors map[string]*node
}

func (r *reader) syntaxError(err error, data []byte) error {
	var located yaml.Error
	if !errors.As(err, &located) || located.GetToken() == nil {
		return &Error{Pos: Pos{File: r.file}, Message: err.Error(), cause: err}
	}
	pos := r.pos(located.GetToken())
	message := located.GetMessage()
	if message == "unexpected key name" {
		message += "; is a colon missing (key: value)?"
	}
	if lines := strings.Split(string(data), "\n"); pos.Line <= len(lines) {
		line := lines[pos.Line-1]
		switch {
		case strings.Contains(line, "${") && strings.ContainsAny(strings.ReplaceAll(line, "${", ""), "{["):
			message += `; inside { } and [ ] a variable needs quotes: "${NAME}"`
		case strings.Contains(line, "\t"):
			message += "; indent with spaces, not tabs"
		}
	}
	return &Error{Pos: pos, Message: message}
}

func (r *reader) body(file *ast.File) ast.Node {
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) == 0 {
		return nil
	}
	if len(bodies) > 1 {
		r.errs.Add(&Error{Pos: r.start(bodies[1]), Message: "a second document: one file holds one configuration, remove the ---"})
	}
	return bodies[0]
}

func (r *reader) pos(tk *token.Token) Pos {
	if tk == nil || tk.Position == nil {
		return Pos{File: r.file}
	}
	return Pos{File: r.file, Line: tk.Position.Line, Column: max(tk.Position.Column, 1)}
}

// start is where a reader of the file sees the value begin; the library gives a map the place of its first colon.
func (r *reader) start(n ast.Node) Pos {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return r.pos(n.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		return r.pos(n.Key.GetToken())
	}
	return r.pos(n.GetToken())
}

func (r *reader) value(n ast.Node) *node {
	out := &node{pos: r.start(n)}
	switch n := n.(type) {
	case *ast.NullNode:
		out.kind = Null
	case *ast.MappingNode:
		r.mapping(out, n.Values)
	case *ast.MappingValueNode:
		r.mapping(out, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		out.kind = Sequence
		for _, item := range n.Values {
			out.items = append(out.items, r.value(item))
		}
	case *ast.LiteralNode:
		r.scalar(out, n.Value.GetToken().Value, true)
	case *ast.StringNode:
		r.scalar(out, n.Value, n.Token.Type != token.StringType)
	case *ast.AnchorNode:
		return r.anchor(n)
	case *ast.AliasNode:
		return r.alias(n)
	case *ast.TagNode:
		return r.tagged(n)
	default:
		r.scalar(out, n.GetToken().Value, false)
	}
	return out
}

func (r *reader) scalar(out *node, text string, quoted bool) {
	out.kind, out.text = Scalar, text
	if r.opts.Literal {
		return
	}
	expanded, err := expand(text, r.opts)
	if err != nil {
		out.text, out.err = "", err
		return
	}
	out.text, out.vars = expanded.text, expanded.vars
	if len(out.vars) > 0 && out.text == "" && !quoted {
		out.kind = Null // key: ${NAME:-} is the way to leave a key unset
	}
}

func (r *reader) anchor(n *ast.AnchorNode) *node {
	value := r.value(n.Value)
	r.anchors[n.Name.GetToken().Value] = value
	return value
}

func (r *reader) alias(n *ast.AliasNode) *node {
	name := n.Value.GetToken().Value
	if value, found := r.anchors[name]; found {
		return value
	}
	r.errs.Add(&Error{Pos: r.start(n), Message: fmt.Sprintf("alias *%s: there is no anchor &%s above it", name, name)})
	return &node{kind: Null, pos: r.start(n)}
}

func (r *reader) tagged(n *ast.TagNode) *node {
	if tag := n.Start.Value; !strings.HasPrefix(tag, "!!") {
		r.errs.Add(&Error{Pos: r.start(n), Message: fmt.Sprintf("unknown tag %s; put text that begins with ! in quotes", tag)})
	}
	if n.Value == nil {
		return &node{kind: Null, pos: r.start(n)}
	}
	return r.value(n.Value)
}

func (r *reader) mapping(out *node, values []*ast.MappingValueNode) {
	out.kind = Mapping
	seen := map[string]Pos{}
	var merged []*node
	for _, v := range values {
		if v.Key.IsMergeKey() {
			merged = append(merged, r.value(v.Value))
			continue
		}
		key, pos := keyText(v.Key), r.pos(v.Key.GetToken())
		value := r.value(v.Value)
		if first, twice := seen[key]; twice {
			r.errs.Add(&Error{Pos: pos, Message: fmt.Sprintf("key %q is given twice, first on line %d", key, first.Line)})
			continue
		}
		seen[key] = pos
		out.entries = append(out.entries, entry{key: key, pos: pos, value: value})
	}
	for _, from := range merged {
		r.merge(out, from, seen)
	}
}

// merge adds what << brings; keys written out win.
func (r *reader) merge(out, from *node, seen map[string]Pos) {
	switch from.kind {
	case Sequence:
		for _, item := range from.items {
			r.merge(out, item, seen)
		}
	case Mapping:
		for _, e := range from.entries {
			if _, have := seen[e.key]; !have {
				seen[e.key] = e.pos
				out.entries = append(out.entries, e)
			}
		}
	default:
		r.errs.Add(&Error{Pos: from.pos, Message: "<< wants a map, as in <<: *name"})
	}
}

// keyText is the key as written, quotes removed: 1, true and null are texts here.
func keyText(key ast.MapKeyNode) string {
	switch key := key.(type) {
	case *ast.StringNode:
		return key.Value
	case *ast.MappingKeyNode:
		if inner, ok := key.Value.(ast.MapKeyNode); ok {
			return keyText(inner)
		}
	case *ast.AnchorNode:
		if inner, ok := key.Value.(ast.MapKeyNode); ok {
			return keyText(inner)
		}
	}
	return key.GetToken().Value
}
