package spec

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Kind is the shape of a node.
type Kind int

// The kinds of nodes. Absent is the kind of a key that is not there; Null of one that has no value.
const (
	Absent Kind = iota
	Null
	Scalar
	Mapping
	Sequence
)

// String names the kind as error messages do.
func (k Kind) String() string {
	return [...]string{"nothing", "nothing", "a single value", "a map", "a list"}[k]
}

// Node is a value in a YAML file together with its place and its path. It is a small value, copied freely and never
// changed. The zero Node is absent.
type Node struct {
	n     *node
	key   Pos // of the key whose value this is; of the enclosing key when absent
	label string
	path  string
}

// node is the tree behind Node. An aliased part of the file is one node reached on several paths.
type node struct {
	kind    Kind
	pos     Pos
	text    string
	vars    []string // the environment variables the text was made of
	err     error    // the text could not be made; reported when the node is decoded
	entries []entry
	items   []*node
}

type entry struct {
	key   string
	pos   Pos
	value *node
}

// Kind is the shape of the node.
func (n Node) Kind() Kind {
	if n.n == nil {
		return Absent
	}
	return n.n.kind
}

// IsSet tells whether there is a value: neither absent nor null.
func (n Node) IsSet() bool { return n.Kind() > Null }

// Text is the text of a scalar as meant, quotes removed and variables expanded; "" of anything else, and of a scalar
// with a missing variable, which only Decode reports.
func (n Node) Text() string {
	if n.n == nil {
		return ""
	}
	return n.n.text
}

// Pos is the place of the value. An absent or null one has the place of its key, or of the map that misses it.
func (n Node) Pos() Pos {
	if n.IsSet() {
		return n.n.pos
	}
	return n.key
}

// Dir is the folder of the file, against which relative paths in it count.
func (n Node) Dir() string {
	return filepath.Dir(n.Pos().File)
}

// Path is how the node is reached from where the label was set: orders.columns.id, files[2].
func (n Node) Path() string { return n.path }

// Key gives the node for the place of the key instead of the value, for errors about the key itself.
func (n Node) Key() Node {
	n.n = nil
	return n
}

// Get is the value of a key of a map. It may be absent, and is then placed at the map, so that errors can be put on it.
func (n Node) Get(key string) Node {
	child := n.child(nil, n.placeOfMap(), key)
	if n.Kind() != Mapping {
		return child
	}
	for _, e := range n.n.entries {
		if e.key == key {
			child.n, child.key = e.value, e.pos
			break
		}
	}
	return child
}

// placeOfMap is where an error about something missing belongs: the map's key, or the start of the file.
func (n Node) placeOfMap() Pos {
	if n.key.Line != 0 || n.n == nil {
		return n.key
	}
	return n.n.pos
}

// Keys lists the keys of a map in the order of the file; nil for anything else.
func (n Node) Keys() []string {
	if n.Kind() != Mapping {
		return nil
	}
	keys := make([]string, len(n.n.entries))
	for i, e := range n.n.entries {
		keys[i] = e.key
	}
	return keys
}

// Items lists the items of a list; a single value or a map counts as a list of one, nothing as a list of none.
func (n Node) Items() []Node {
	switch n.Kind() {
	case Absent, Null:
		return nil
	case Sequence:
		items := make([]Node, len(n.n.items))
		for i, item := range n.n.items {
			items[i] = Node{n: item, key: item.pos, label: n.label, path: fmt.Sprintf("%s[%d]", n.path, i+1)}
		}
		return items
	default:
		return []Node{n}
	}
}

// Without is a map less some of its keys, for when they were read elsewhere.
func (n Node) Without(keys ...string) Node {
	if n.Kind() != Mapping {
		return n
	}
	rest := *n.n
	rest.entries = nil
next:
	for _, e := range n.n.entries {
		for _, key := range keys {
			if e.key == key {
				continue next
			}
		}
		rest.entries = append(rest.entries, e)
	}
	n.n = &rest
	return n
}

// Labelled gives the node a name, such as `source "shop"`, that begins the scope of every error inside it; paths
// count from here.
func (n Node) Labelled(label string) Node {
	n.label, n.path = label, ""
	return n
}

// Errorf makes an error at the place of the node. %w is understood.
func (n Node) Errorf(format string, args ...any) error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Pos: n.Pos(), Scope: n.scope(), Message: wrapped.Error(), cause: wrapped}
}

func (n Node) scope() string {
	switch {
	case n.label == "":
		return n.path
	case n.path == "":
		return n.label
	default:
		return n.label + ": " + n.path
	}
}

// at makes an error of the node's scope at another place.
func (n Node) at(pos Pos, format string, args ...any) error {
	return &Error{Pos: pos, Scope: n.scope(), Message: fmt.Sprintf(format, args...)}
}

func (n Node) child(value *node, key Pos, name string) Node {
	if strings.ContainsAny(name, ". []:") || name == "" {
		name = fmt.Sprintf("%q", name)
	}
	path := name
	if n.path != "" {
		path = n.path + "." + name
	}
	return Node{n: value, key: key, label: n.label, path: path}
}

// got describes the value for an error message, and never shows a secret or the value of a variable.
func (n Node) got(secret bool) string {
	switch {
	case n.Kind() != Scalar:
		return n.Kind().String()
	case secret:
		return "something else"
	case len(n.n.vars) > 0:
		return "the value of ${" + strings.Join(n.n.vars, "} ${") + "}"
	case len([]rune(n.n.text)) > 60:
		return fmt.Sprintf("%q", string([]rune(n.n.text)[:60])+"…")
	default:
		return fmt.Sprintf("%q", n.n.text)
	}
}

// resolve makes a path of the configuration absolute or relative to the working folder as the file itself is; an
// address with a scheme stays.
func resolve(dir, path string) string {
	if path == "" || filepath.IsAbs(path) || strings.Contains(path, "://") {
		return path
	}
	return filepath.Join(dir, path)
}
