package model

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// yamlFile reads one YAML file node by node, so that every mistake is reported
// with its line and one mistake does not hide the next.
type yamlFile struct {
	name     string // as shown to people
	problems *Problems
	anchors  map[string]ast.Node
}

// yamlEntry is one key of a mapping.
type yamlEntry struct {
	key   string
	line  int
	value ast.Node
}

// yamlFields are the entries of a mapping by key.
type yamlFields map[string]yamlEntry

// parse returns the file's root node, or nil with the problem reported.
func (y *yamlFile) parse(content []byte) ast.Node {
	file, err := parseYAML(content)
	if err != nil {
		line, text := 0, err.Error()
		if at, ok := errors.AsType[yaml.Error](err); ok {
			text = at.GetMessage()
			if token := at.GetToken(); token != nil {
				line = token.Position.Line
			}
		}
		y.problem(line, "%s", text)
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		y.problem(0, "the file is empty")
		return nil
	}
	if len(file.Docs) > 1 {
		y.problem(lineOf(file.Docs[1].Body), "a second document in the file; keep one")
	}
	root := file.Docs[0].Body
	y.anchors = map[string]ast.Node{}
	for _, node := range ast.Filter(ast.AnchorType, root) {
		anchor := node.(*ast.AnchorNode)
		y.anchors[anchor.Name.GetToken().Value] = anchor.Value
	}
	if !y.isFinite(root) {
		return nil
	}
	return root
}

func (y *yamlFile) problem(line int, format string, args ...any) {
	y.problems.add(y.name, line, format, args...)
}

// lineOf returns the line a node starts in.
func lineOf(node ast.Node) int {
	switch n := node.(type) {
	case nil:
		return 0
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			return lineOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return lineOf(n.Key)
	}
	if token := node.GetToken(); token != nil {
		return token.Position.Line
	}
	return 0
}

// resolve looks through anchors, aliases and tags.
func (y *yamlFile) resolve(node ast.Node) ast.Node {
	for range 100 { // an alias cannot nest deeper in a file people write
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.AliasNode:
			target, ok := y.anchors[n.Value.GetToken().Value]
			if !ok {
				y.problem(lineOf(n), "no anchor &%s", n.Value.GetToken().Value)
				return nil
			}
			node = target
		case *ast.TagNode:
			node = n.Value
		default:
			return node
		}
	}
	return node
}

// entries returns the entries of a mapping in order; keys merged in by << come
// first and give way to the mapping's own. what names the mapping in a problem.
func (y *yamlFile) entries(node ast.Node, what string) []yamlEntry {
	node = y.resolve(node)
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	case nil, *ast.NullNode:
		return nil
	default:
		y.problem(lineOf(node), "%s: want keys with values, not %s", what, kindName(node))
		return nil
	}
	var entries []yamlEntry
	for _, value := range values {
		if value.Key.IsMergeKey() {
			entries = append(y.entries(value.Value, what), entries...)
			continue
		}
		entry := yamlEntry{key: keyText(value.Key), line: lineOf(value.Key), value: y.resolve(value.Value)}
		entries = slices.DeleteFunc(entries, func(e yamlEntry) bool { return e.key == entry.key })
		entries = append(entries, entry)
	}
	return entries
}

func keyText(node ast.MapKeyNode) string {
	if text, ok := node.(*ast.StringNode); ok {
		return text.Value
	}
	return node.GetToken().Value
}

// fields returns the entries of a mapping by key and reports unknown keys.
func (y *yamlFile) fields(node ast.Node, what string, allowed ...string) yamlFields {
	fields := yamlFields{}
	for _, entry := range y.entries(node, what) {
		if !slices.Contains(allowed, entry.key) {
			y.problem(entry.line, "%s: unknown key %q%s", what, entry.key, didYouMean(entry.key, allowed))
			continue
		}
		fields[entry.key] = entry
	}
	return fields
}

// items returns the items of a list. A missing list has none.
func (y *yamlFile) items(node ast.Node, what string) []ast.Node {
	switch n := y.resolve(node).(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.SequenceNode:
		items := make([]ast.Node, len(n.Values))
		for i, value := range n.Values {
			items[i] = y.resolve(value)
		}
		return items
	default:
		y.problem(lineOf(n), "%s: want a list, not %s", what, kindName(n))
		return nil
	}
}

// text returns a scalar's text as written, with strings unquoted.
func (y *yamlFile) text(node ast.Node, what string) string {
	node = y.resolve(node)
	if node == nil {
		return ""
	}
	text, kind := scalarText(node)
	if kind == cellOther {
		y.problem(lineOf(node), "%s: want text, not %s", what, kindName(node))
	}
	return strings.TrimSpace(text)
}

// texts returns a list of scalars; a single scalar is a list of one.
func (y *yamlFile) texts(node ast.Node, what string) []string {
	node = y.resolve(node)
	if node == nil {
		return nil
	}
	if _, kind := scalarText(node); kind != cellOther && kind != cellNull {
		return []string{y.text(node, what)}
	}
	var texts []string
	for _, item := range y.items(node, what) {
		texts = append(texts, y.text(item, what))
	}
	return texts
}

// boolean returns a yes or no; a missing value is no.
func (y *yamlFile) boolean(entry yamlEntry, what string) bool {
	if entry.value == nil {
		return false
	}
	if n, ok := entry.value.(*ast.BoolNode); ok {
		return n.Value
	}
	y.problem(entry.line, "%s: want true or false", what)
	return false
}

// integer returns a whole number of at least 0.
func (y *yamlFile) integer(entry yamlEntry, what string) int {
	text, _ := scalarText(entry.value)
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		y.problem(entry.line, "%s: want a whole number, not %q", what, text)
		return 0
	}
	return n
}

// scalarText returns a scalar as written: numbers keep their digits, so that a
// decimal never passes through a float.
func scalarText(node ast.Node) (string, cellKind) {
	switch n := node.(type) {
	case *ast.NullNode:
		return "", cellNull
	case *ast.BoolNode:
		return strconv.FormatBool(n.Value), cellBool
	case *ast.IntegerNode:
		return n.Token.Value, cellNumber
	case *ast.FloatNode:
		return n.Token.Value, cellNumber
	case *ast.InfinityNode, *ast.NanNode:
		return strings.TrimPrefix(node.GetToken().Value, "."), cellText
	case *ast.StringNode:
		return n.Value, cellText
	case *ast.LiteralNode:
		return n.Value.Value, cellText
	default:
		return "", cellOther
	}
}

func kindName(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	case nil, *ast.NullNode:
		return "nothing"
	default:
		return strconv.Quote(node.GetToken().Value)
	}
}

// value reads any YAML value, for a cell of a row.
func (y *yamlFile) value(node ast.Node) cell {
	node = y.resolve(node)
	if text, kind := scalarText(node); kind != cellOther {
		return cell{kind: kind, text: text}
	}
	switch n := node.(type) {
	case nil:
		return cell{kind: cellNull}
	case *ast.SequenceNode:
		list := cell{kind: cellList}
		for _, item := range n.Values {
			list.items = append(list.items, y.value(item))
		}
		return list
	default:
		mapping := cell{kind: cellMap}
		for _, entry := range y.entries(node, "value") {
			mapping.keys = append(mapping.keys, entry.key)
			mapping.items = append(mapping.items, y.value(entry.value))
		}
		return mapping
	}
}
