// Package entity holds the contracts: the entities that every source is mapped
// to. Each entity is one Go struct; its tags are the one place where a field is
// named, typed, documented and marked. The Parquet schema of the landing zone,
// the raw tables, their comments and the reference page all come from here.
//
// A field's tag reads
//
//	entity:"name,option,…" doc:"meaning"
//
// with the options key (part of the entity's key), required (never null), pii
// (personal data) and enum=a|b (the known words; others are kept and counted).
// A key field is required. The Go type gives the kind: string is text, where
// the empty text means null; Opt[int64], Opt[Decimal], Opt[Rate], Opt[bool],
// Opt[Time] and Opt[Date] may be null; without Opt they are required;
// []string and map[string]string are never null but may be empty.
package entity

import (
	"fmt"
	"reflect"
	"strings"
)

// Meta is what every row of every entity carries besides its own fields.
type Meta struct {
	Source          string    `entity:"source,required" doc:"Configured name of the source"`
	SourceUpdatedAt Opt[Time] `entity:"source_updated_at" doc:"When the source says it last changed the record"`
	ExtractedAt     Time      `entity:"extracted_at,required" doc:"When the run that read the record began; the newest version of a key counts"`
	RunID           string    `entity:"run_id,required" doc:"Run that read the record"`
	Deleted         bool      `entity:"deleted,required" doc:"The record has vanished from the source"`
	Payload         string    `entity:"payload,json" doc:"What the source's record holds beyond the contract, as JSON"`
}

// Field is one column of an entity.
type Field struct {
	Name     string
	Kind     Kind
	Scale    int      // digits after the point, for Dec
	Key      bool     // part of the entity's key
	Required bool     // never null
	PII      bool     // personal data
	Meta     bool     // one of Meta's fields
	Words    []string // known words of an Enum
	Doc      string
	Index    int // position in Schema.Fields

	path []int // of the struct field
}

// Schema describes one entity: its fields in order, Meta's first.
type Schema struct {
	Domain string
	Name   string
	Doc    string
	Fields []Field
	Keys   []int // positions of the key fields, in key order

	byName   map[string]int
	required []int // own fields that every row must set
	rows     *rowCodec
}

// Entity is a struct that describes one entity of the contract.
type Entity interface {
	// describe returns domain, name and meaning of the entity.
	describe() (domain, name, doc string)
}

// FullName returns the name used in configuration and messages: shop.orders.
func (s *Schema) FullName() string { return s.Domain + "." + s.Name }

// Table returns the name of the entity's raw table without its database.
func (s *Schema) Table() string { return s.Domain + "_" + s.Name }

// Field returns the field of that name, or nil.
func (s *Schema) Field(name string) *Field {
	if at, ok := s.byName[name]; ok {
		return &s.Fields[at]
	}
	return nil
}

// FieldNames returns the names of the entity's own fields, without Meta's.
func (s *Schema) FieldNames() []string {
	names := make([]string, 0, len(s.Fields))
	for i := range s.Fields {
		if !s.Fields[i].Meta {
			names = append(names, s.Fields[i].Name)
		}
	}
	return names
}

// KeyNames returns the names of the key fields in key order.
func (s *Schema) KeyNames() []string {
	names := make([]string, len(s.Keys))
	for i, at := range s.Keys {
		names[i] = s.Fields[at].Name
	}
	return names
}

// newSchema reads the tags of an entity's struct. It panics on a malformed tag:
// the structs are part of the program, and a test builds all of them.
func newSchema(e Entity) *Schema {
	domain, name, doc := e.describe()
	s := &Schema{Domain: domain, Name: name, Doc: doc, byName: map[string]int{}}
	s.addFields(reflect.TypeFor[Meta](), nil, true)
	s.addFields(reflect.TypeOf(e), nil, false)
	if len(s.Keys) == 0 {
		panic(fmt.Sprintf("entity %s has no key", s.FullName()))
	}
	s.rows = newRowCodec(s, reflect.TypeOf(e))
	return s
}

func (s *Schema) addFields(t reflect.Type, path []int, meta bool) {
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous {
			continue // Meta, which newSchema adds itself
		}
		f := parseField(sf)
		f.path = append(append([]int(nil), path...), i)
		f.Meta, f.Index = meta, len(s.Fields)
		if _, taken := s.byName[f.Name]; taken {
			panic(fmt.Sprintf("entity %s has two fields %q", s.FullName(), f.Name))
		}
		s.byName[f.Name] = f.Index
		if f.Required && !f.Meta && f.Kind != TextList && f.Kind != TextMap {
			s.required = append(s.required, f.Index)
		}
		if f.Key {
			s.Keys = append(s.Keys, f.Index)
		}
		s.Fields = append(s.Fields, f)
	}
}

func parseField(sf reflect.StructField) Field {
	name, options, _ := strings.Cut(sf.Tag.Get("entity"), ",")
	f := Field{Name: name, Doc: sf.Tag.Get("doc")}
	if name == "" || f.Doc == "" {
		panic(fmt.Sprintf("field %s lacks an entity or doc tag", sf.Name))
	}
	f.Kind, f.Scale, f.Required = kindOf(sf.Type)
	for option := range strings.SplitSeq(options, ",") {
		switch {
		case option == "":
		case option == "key":
			f.Key, f.Required = true, true
		case option == "required":
			f.Required = true
		case option == "pii":
			f.PII = true
		case option == "json":
			f.Kind = JSON
		case strings.HasPrefix(option, "enum="):
			f.Kind, f.Words = Enum, strings.Split(strings.TrimPrefix(option, "enum="), "|")
		default:
			panic(fmt.Sprintf("field %s has an unknown option %q", sf.Name, option))
		}
	}
	return f
}

func kindOf(t reflect.Type) (kind Kind, scale int, required bool) {
	switch t {
	case reflect.TypeFor[string]():
		return Text, 0, false
	case reflect.TypeFor[[]string]():
		return TextList, 0, true
	case reflect.TypeFor[map[string]string]():
		return TextMap, 0, true
	case reflect.TypeFor[int64](), reflect.TypeFor[Opt[int64]]():
		return Int, 0, t.Kind() == reflect.Int64
	case reflect.TypeFor[bool](), reflect.TypeFor[Opt[bool]]():
		return Bool, 0, t.Kind() == reflect.Bool
	case reflect.TypeFor[Time](), reflect.TypeFor[Opt[Time]]():
		return Timestamp, 0, t.Kind() == reflect.Int64
	case reflect.TypeFor[Date](), reflect.TypeFor[Opt[Date]]():
		return Day, 0, t.Kind() == reflect.Int32
	case reflect.TypeFor[Decimal](), reflect.TypeFor[Opt[Decimal]]():
		return Dec, DecimalScale, t.Kind() == reflect.Int64
	case reflect.TypeFor[Rate](), reflect.TypeFor[Opt[Rate]]():
		return Dec, RateScale, t.Kind() == reflect.Int64
	}
	panic(fmt.Sprintf("no kind for Go type %s", t))
}
