package entity

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// rowCodec appends structs of one entity to batches. The accessors are made
// once, so that a row costs no look-up of names or types.
type rowCodec struct {
	typ reflect.Type
	set []func(b *Batch, field int, v reflect.Value)
}

func newRowCodec(s *Schema, t reflect.Type) *rowCodec {
	c := &rowCodec{typ: t, set: make([]func(*Batch, int, reflect.Value), len(s.Fields))}
	for i := range s.Fields {
		f := &s.Fields[i]
		owner := t
		if f.Meta {
			owner = reflect.TypeFor[Meta]()
		}
		c.set[i] = setter(owner.FieldByIndex(f.path).Type)
	}
	return c
}

// Append writes one row, a struct of the batch's entity, and finishes it.
// Meta's source, run_id and extracted_at may be left empty: the landing zone
// fills them in.
func Append[E Entity](b *Batch, row *E, at Origin) error {
	if t := reflect.TypeFor[E](); t != b.Schema.rows.typ {
		return fmt.Errorf("append %s to a batch of %s", t, b.Schema.FullName())
	}
	Put(b, row)
	return b.EndRow(at)
}

// Put sets the fields of the row being written from a struct of the batch's
// entity, and leaves the row open. It panics on a struct of another entity.
func Put[E Entity](b *Batch, row *E) {
	v := reflect.ValueOf(row).Elem()
	if v.Type() != b.Schema.rows.typ {
		panic(fmt.Sprintf("put %s into a batch of %s", v.Type(), b.Schema.FullName()))
	}
	meta := v.FieldByName("Meta")
	for i := range b.Schema.Fields {
		f := &b.Schema.Fields[i]
		from := v
		if f.Meta {
			from = meta
		}
		b.Schema.rows.set[i](b, i, from.FieldByIndex(f.path))
	}
}

func setter(t reflect.Type) func(b *Batch, field int, v reflect.Value) {
	switch {
	case t.Kind() == reflect.String:
		return func(b *Batch, field int, v reflect.Value) { b.SetString(field, v.String()) }
	case t.Kind() == reflect.Slice:
		return func(b *Batch, field int, v reflect.Value) { b.SetList(field, v.Interface().([]string)) }
	case t.Kind() == reflect.Map:
		return func(b *Batch, field int, v reflect.Value) {
			b.SetMap(field, sortedPairs(v.Interface().(map[string]string)))
		}
	case t.Kind() == reflect.Bool:
		return func(b *Batch, field int, v reflect.Value) { b.SetBool(field, v.Bool()) }
	case t.Kind() == reflect.Struct: // Opt[…]
		inner := setter(t.Field(0).Type)
		return func(b *Batch, field int, v reflect.Value) {
			if !v.Field(1).Bool() {
				b.SetNull(field)
				return
			}
			inner(b, field, v.Field(0))
		}
	}
	return func(b *Batch, field int, v reflect.Value) { b.SetInt(field, v.Int()) }
}

func sortedPairs(m map[string]string) [][2]string {
	pairs := make([][2]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, [2]string{key, m[key]})
	}
	return pairs
}
