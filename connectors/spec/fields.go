package spec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// structField is one key of a struct, read from the tags.
type structField struct {
	index      []int
	typ        reflect.Type
	name       string
	doc        string
	example    string
	fallback   string // default
	enum       []string
	hasDefault bool
	required   bool
	secret     bool
	advanced   bool
	self       bool // receives the struct's own node
}

// fieldsOf lists the keys of a struct type in the order they are written, embedded structs in place.
func fieldsOf(t reflect.Type) []structField {
	var fields []structField
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("yaml")
		if f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		if !tagged || name == "-" || !f.IsExported() {
			continue
		}
		fallback, hasDefault := f.Tag.Lookup("default")
		field := structField{
			index: []int{i}, typ: f.Type, name: name,
			doc: f.Tag.Get("doc"), example: f.Tag.Get("example"),
			fallback: fallback, hasDefault: hasDefault,
			required: f.Tag.Get("required") == "true",
			secret:   f.Tag.Get("secret") == "true" || isSecret(f.Type),
			advanced: f.Tag.Get("advanced") == "true",
			self:     option == "node",
		}
		if enum := f.Tag.Get("enum"); enum != "" {
			field.enum = strings.Split(enum, "|")
		}
		fields = append(fields, field)
	}
	return fields
}

func isSecret(t reflect.Type) bool {
	return t == reflect.TypeFor[Secret]() || t == reflect.TypeFor[*Secret]()
}

func keysOf(fields []structField) []string {
	var keys []string
	for _, f := range fields {
		if !f.self {
			keys = append(keys, f.name)
		}
	}
	return keys
}

// Check looks for mistakes in the tags of a configuration struct, given by pointer: a key used twice, a default that
// does not fit its own field, a type that cannot be decoded, a key without a doc. A test calls it for every
// connector, so that users never meet them.
func Check(config any) error {
	t := reflect.TypeOf(config)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("check %T: wants a pointer to a struct", config)
	}
	return errors.Join(checkStruct(t.Elem(), nil)...)
}

func checkStruct(t reflect.Type, outer []reflect.Type) []error {
	if slices.Contains(outer, t) {
		return nil
	}
	outer = append(outer, t)
	var found []error
	seen := map[string]bool{}
	for _, f := range fieldsOf(t) {
		if f.self {
			if f.typ != reflect.TypeFor[Node]() {
				found = append(found, fmt.Errorf("%v: a field tagged yaml:\",node\" must be a spec.Node", t))
			}
			continue
		}
		complain := func(format string, args ...any) {
			found = append(found, fmt.Errorf("%v, key %q: %w", t, f.name, fmt.Errorf(format, args...)))
		}
		if f.name == "" || seen[f.name] {
			complain("the key is empty or used twice")
		}
		seen[f.name] = true
		if f.doc == "" {
			complain("has no doc")
		}
		if f.required && f.hasDefault {
			complain("is required and has a default")
		}
		if f.hasDefault {
			errs := &Errors{}
			setDefault(reflect.New(f.typ).Elem(), f, Node{}, errs)
			if err := errs.Err(); err != nil {
				complain("default %q: %w", f.fallback, err)
			}
		}
		if !decodable(f.typ) {
			complain("type %v cannot be decoded", f.typ)
		}
		if inner := structInside(f.typ); inner != nil {
			found = append(found, checkStruct(inner, outer)...)
		}
	}
	return found
}

// decodable tells whether values of a type can be read at all.
func decodable(t reflect.Type) bool {
	if isLeaf(t) || t == reflect.TypeFor[Node]() || reflect.PointerTo(t).Implements(reflect.TypeFor[Unmarshaler]()) {
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return decodable(t.Elem())
	case reflect.Map:
		return t.Key().Kind() == reflect.String && decodable(t.Elem())
	case reflect.Struct:
		return true
	default:
		return false
	}
}

// structInside finds the struct with keys in a type: itself, or what it points to, lists or maps to.
func structInside(t reflect.Type) reflect.Type {
	if elem := orderedElem(t); elem != nil {
		return structInside(elem)
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return structInside(t.Elem())
	case reflect.Struct:
		if !isLeaf(t) && t != reflect.TypeFor[Node]() {
			return t
		}
	}
	return nil
}
