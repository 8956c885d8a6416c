package files

import (
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
)

// jsonPath leads from a JSON value to others: customer.email, phones[0].value,
// phones[].value, ^.id, $.id.
type jsonPath struct {
	text  string // a member may be called like the whole path
	root  bool   // it begins at the record, not at the element of an array in it
	up    int    // or so many arrays further out
	steps []step
	many  bool // it may lead to several values
}

// step leads to a member of an object, or to an element or all elements of an array.
type step struct {
	key     string
	element bool
	index   int
	all     bool
}

// parsePath reads a path. What is written like none is only the name of a member.
func parsePath(text string) jsonPath {
	p := jsonPath{text: text}
	rest := text
	if after, found := cutLead(rest, "$"); found {
		p.root, rest = true, after
	}
	for after, found := cutLead(rest, "^"); found && !p.root; after, found = cutLead(rest, "^") {
		p.up, rest = p.up+1, after
	}
	if rest == "" || rest == "." {
		return p
	}
	for name := range strings.SplitSeq(rest, ".") {
		steps, ok := parseSteps(name)
		if !ok {
			return jsonPath{text: text, steps: []step{{key: text}}}
		}
		p.steps = append(p.steps, steps...)
	}
	for _, s := range p.steps {
		p.many = p.many || s.all
	}
	return p
}

// cutLead takes a sign off the begin of a path, with the point behind it.
func cutLead(text, sign string) (rest string, found bool) {
	if text == sign {
		return "", true
	}
	return strings.CutPrefix(text, sign+".")
}

// parseSteps reads a name with its [2] or [].
func parseSteps(text string) (steps []step, ok bool) {
	name, rest, indexed := strings.Cut(text, "[")
	if name == "" && !indexed {
		return nil, false
	}
	if name != "" {
		steps = append(steps, step{key: name})
	}
	for indexed {
		var inner string
		if inner, rest, ok = strings.Cut(rest, "]"); !ok {
			return nil, false
		}
		s := step{element: true, all: inner == ""}
		if !s.all {
			n, err := strconv.Atoi(inner)
			if err != nil {
				return nil, false
			}
			s.index = n
		}
		steps = append(steps, s)
		if rest == "" {
			return steps, true
		}
		if rest, indexed = strings.CutPrefix(rest, "["); !indexed {
			return nil, false
		}
	}
	return steps, true
}

// begin returns the value of a stack, outermost first, where a path begins; nil if
// there is none.
func (p *jsonPath) begin(stack []*fastjson.Value) *fastjson.Value {
	switch {
	case p.root:
		return stack[0]
	case p.up >= len(stack):
		return nil
	}
	return stack[len(stack)-1-p.up]
}

// follow calls use with each value that steps lead to.
func follow(v *fastjson.Value, steps []step, use func(*fastjson.Value)) {
	for i, s := range steps {
		if v == nil {
			return
		}
		switch {
		case s.all:
			for _, element := range elementsOf(v) {
				follow(element, steps[i+1:], use)
			}
			return
		case s.element:
			v = elementAt(elementsOf(v), s.index)
		default:
			v = v.Get(s.key)
		}
	}
	if v != nil {
		use(v)
	}
}

// elementsOf returns the elements of an array. What is no array is the only
// element of one: so write programs that turned XML into JSON.
func elementsOf(v *fastjson.Value) []*fastjson.Value {
	switch v.Type() {
	case fastjson.TypeArray:
		return v.GetArray()
	case fastjson.TypeNull:
		return nil
	}
	return []*fastjson.Value{v}
}

// elementAt returns an element by its place, from the end if it is negative.
func elementAt(list []*fastjson.Value, at int) *fastjson.Value {
	if at < 0 {
		at += len(list)
	}
	if at < 0 || at >= len(list) {
		return nil
	}
	return list[at]
}
