package spec

import (
	"encoding/json"
	"path"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// JSONSchema is a piece of a JSON schema, draft 2020-12.
type JSONSchema = map[string]any

// SchemaBuilder writes JSON schemas of configuration structs for editors. A schema
// refuses no configuration that decoding accepts; what only the program can tell,
// such as keys that exclude each other, it lets pass.
type SchemaBuilder struct {
	// Definitions are the structs met so far, by the name that "#/$defs/" refers to.
	Definitions map[string]JSONSchema
	names       map[reflect.Type]string
}

// NewSchemaBuilder returns a builder without definitions.
func NewSchemaBuilder() *SchemaBuilder {
	return &SchemaBuilder{Definitions: map[string]JSONSchema{}, names: map[reflect.Type]string{}}
}

// variable is a text that is filled in from the environment, whatever type it has then.
const variable = `\$\{`

// Object writes the schema of a configuration struct, given as a value or a pointer,
// in place: as an object that has its keys and no others.
func (b *SchemaBuilder) Object(config any) JSONSchema {
	t := reflect.TypeOf(config)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return b.object(t)
}

func (b *SchemaBuilder) object(t reflect.Type) JSONSchema {
	properties, required := JSONSchema{}, []string{}
	for _, f := range fieldsOf(t) {
		if f.self {
			continue
		}
		properties[f.name] = b.key(f)
		if f.required {
			required = append(required, f.name)
		}
	}
	schema := JSONSchema{
		"type": "object", "properties": properties, "additionalProperties": false,
		"patternProperties": JSONSchema{"^x-": true},
	}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

// key writes the schema of one key: its values, or none, and what people should know.
func (b *SchemaBuilder) key(f structField) JSONSchema {
	schema := JSONSchema{"anyOf": append(b.forms(f.typ, f.enum, f.secret), JSONSchema{"type": "null"})}
	if f.doc != "" {
		schema["description"] = f.doc
	}
	if f.hasDefault {
		schema["default"] = f.fallback
		var scalar any
		if json.Unmarshal([]byte(f.fallback), &scalar) == nil {
			schema["default"] = scalar
		}
	}
	if f.example != "" {
		schema["examples"] = []any{f.example}
	}
	return schema
}

// forms are the ways in which a value of a type may be written.
func (b *SchemaBuilder) forms(t reflect.Type, enum []string, secret bool) []any {
	if t.Kind() == reflect.Pointer {
		return b.forms(t.Elem(), enum, secret)
	}
	if elem := orderedElem(t); elem != nil {
		return []any{JSONSchema{"type": "object", "additionalProperties": b.value(elem, nil)}}
	}
	custom := reflect.PointerTo(t).Implements(reflect.TypeFor[Unmarshaler]())
	switch {
	case t == reflect.TypeFor[Node](), custom && (t.Kind() != reflect.Struct || len(keysOf(fieldsOf(t))) == 0):
		return []any{JSONSchema{}}
	case isLeaf(t):
		return leafForms(t, enum, secret)
	case t.Kind() == reflect.Slice:
		one := b.value(t.Elem(), enum)
		return []any{JSONSchema{"type": "array", "items": one}, one}
	case t.Kind() == reflect.Map:
		return []any{JSONSchema{"type": "object", "additionalProperties": b.value(t.Elem(), enum)}}
	}
	forms := []any{b.reference(t)}
	if custom { // a short form as well
		forms = append(forms, JSONSchema{"type": []string{"string", "number", "boolean", "array"}})
	}
	return forms
}

func (b *SchemaBuilder) value(t reflect.Type, enum []string) JSONSchema {
	forms := b.forms(t, enum, false)
	if t.Kind() == reflect.Struct || t.Kind() == reflect.Pointer {
		forms = append(forms, JSONSchema{"type": "null"}) // all of it by default
	}
	if len(forms) == 1 {
		return forms[0].(JSONSchema)
	}
	return JSONSchema{"anyOf": forms}
}

// reference refers to the definition of a struct, which is written where it is not
// there yet.
func (b *SchemaBuilder) reference(t reflect.Type) JSONSchema {
	name, known := b.names[t]
	if !known {
		base := strings.Trim(path.Base(t.PkgPath())+"."+t.Name(), ".")
		name = base
		for n := 2; name == "" || b.Definitions[name] != nil; n++ {
			name = base + strconv.Itoa(n)
		}
		b.names[t], b.Definitions[name] = name, JSONSchema{}
		b.Definitions[name] = b.object(t)
	}
	return JSONSchema{"$ref": "#/$defs/" + name}
}

func leafForms(t reflect.Type, enum []string, secret bool) []any {
	filledIn := JSONSchema{"type": "string", "pattern": variable}
	switch {
	case secret:
		return []any{
			JSONSchema{"type": []string{"string", "number"}},
			JSONSchema{"type": "object", "properties": JSONSchema{"file": JSONSchema{"type": "string"}}, "required": []string{"file"}, "additionalProperties": false},
		}
	case enum != nil && t.Kind() == reflect.String:
		return []any{JSONSchema{"enum": enum}, filledIn}
	case t == reflect.TypeFor[time.Duration](), reflect.PointerTo(t).Implements(textUnmarshaler):
		return []any{JSONSchema{"type": []string{"string", "number"}}}
	}
	switch t.Kind() {
	case reflect.Bool:
		return []any{JSONSchema{"type": "boolean"}, filledIn}
	case reflect.String:
		return []any{JSONSchema{"type": []string{"string", "number", "boolean"}}}
	case reflect.Float32, reflect.Float64:
		return []any{JSONSchema{"type": "number"}, filledIn}
	}
	return []any{JSONSchema{"type": "integer"}, filledIn}
}
