package spec

import (
	"reflect"
	"slices"
	"strings"
)

// Field describes one key of a configuration struct.
type Field struct {
	// Name is the key; "*" stands for a name the user chooses.
	Name string `json:"name"`
	// Path leads to the key from the top: files, orders.columns.*.name, rules[].when.
	Path string `json:"path"`
	// Type is in words: text, whole number, list of path, map.
	Type     string   `json:"type"`
	Doc      string   `json:"doc,omitempty"`
	Default  string   `json:"default,omitempty"`
	Example  string   `json:"example,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Required bool     `json:"required,omitempty"`
	Secret   bool     `json:"secret,omitempty"`
	Advanced bool     `json:"advanced,omitempty"`
	// Fields are the keys inside; the paths show whether through a list or a map.
	Fields []Field `json:"fields,omitempty"`
	// SameAs is set by Flatten: the path of an earlier field that has the same keys inside.
	SameAs string `json:"same_as,omitempty"`

	inside reflect.Type // the struct Fields come from
}

// Meaning is what people are told of the key, in a line.
func (f *Field) Meaning() string {
	if f.SameAs != "" {
		return "as " + f.SameAs
	}
	text := f.Doc
	if len(f.Enum) > 0 {
		text += ": " + strings.Join(f.Enum, ", ")
	}
	if f.Required {
		text += " (required)"
	}
	if f.Example != "" {
		text += "; for example " + f.Example
	}
	return text
}

// Describe lists the keys of a configuration struct, given as a value or a pointer, in the order of the struct, with
// those inside nested ones. A struct that contains itself is described once.
func Describe(config any) []Field {
	t := reflect.TypeOf(config)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	return describeStruct(t, "", nil)
}

func describeStruct(t reflect.Type, path string, outer []reflect.Type) []Field {
	if slices.Contains(outer, t) {
		return nil
	}
	outer = append(outer, t)
	if path != "" {
		path += "."
	}
	var fields []Field
	for _, f := range fieldsOf(t) {
		if f.self {
			continue
		}
		field := Field{
			Name: f.name, Path: path + f.name, Type: typeName(f.typ), Doc: f.doc, Default: f.fallback,
			Example: f.example, Enum: f.enum, Required: f.required, Secret: f.secret, Advanced: f.advanced,
		}
		if inner := structInside(f.typ); inner != nil {
			field.inside = inner
			field.Fields = describeStruct(inner, field.Path+pathInside(f.typ), outer)
		}
		fields = append(fields, field)
	}
	return fields
}

// pathInside is what leads from a key to the struct in its type.
func pathInside(t reflect.Type) string {
	if elem := orderedElem(t); elem != nil {
		return ".*" + pathInside(elem)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return pathInside(t.Elem())
	case reflect.Slice:
		return "[]" + pathInside(t.Elem())
	case reflect.Map:
		return ".*" + pathInside(t.Elem())
	default:
		return ""
	}
}

// Flatten lists fields and those inside them one after another, each known by its Path. Keys that stand in several
// places are listed once, the other places refer to it by SameAs.
func Flatten(fields []Field) []Field {
	var all []Field
	flattenInto(&all, fields, map[reflect.Type]string{})
	return all
}

func flattenInto(all *[]Field, fields []Field, listed map[reflect.Type]string) {
	for _, f := range fields {
		inner := f.Fields
		f.Fields = nil
		if earlier, known := listed[f.inside]; known && f.inside != nil {
			f.SameAs, inner = earlier, nil
		} else {
			listed[f.inside] = f.Path
		}
		*all = append(*all, f)
		flattenInto(all, inner, listed)
	}
}
