package spec

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
)

// Decode reads the node into what into points to, by the rules in the package comment, and adds to errs everything
// that does not fit; what fits is set all the same. An absent or null node sets the defaults of a struct and leaves
// other things alone.
func (n Node) Decode(into any, errs *Errors) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic(fmt.Sprintf("spec: Decode wants a pointer, got %T", into))
	}
	d := decoder{errs: errs}
	if !n.IsSet() {
		d.defaults(v.Elem(), n)
		return
	}
	d.value(n, v.Elem(), structField{})
}

type decoder struct {
	errs *Errors
}

// value reads a node that has a value. tags are those of the field it is for.
func (d decoder) value(n Node, v reflect.Value, tags structField) {
	if v.Type() == reflect.TypeFor[Node]() {
		v.Set(reflect.ValueOf(n))
		return
	}
	if n.n.err != nil {
		d.errs.Add(n.Errorf("%w", n.n.err))
		return
	}
	before := d.errs.blocking()
	if custom, ok := v.Addr().Interface().(Unmarshaler); ok && v.Kind() != reflect.Pointer {
		custom.UnmarshalSpec(n, d.errs)
	} else {
		d.plain(n, v, tags)
	}
	if rules, ok := v.Addr().Interface().(Validator); ok && v.Kind() != reflect.Pointer && d.errs.blocking() == before {
		rules.Validate(n, d.errs)
	}
}

func (d decoder) plain(n Node, v reflect.Value, tags structField) {
	tags.secret = tags.secret || isSecret(v.Type())
	switch {
	case tags.secret && v.Kind() == reflect.String:
		d.secret(n, v)
	case isLeaf(v.Type()):
		d.leaf(n, v, tags)
	case v.Kind() == reflect.Pointer:
		target := reflect.New(v.Type().Elem())
		d.value(n, target.Elem(), tags)
		v.Set(target)
	case v.Kind() == reflect.Slice:
		d.slice(n, v, tags)
	case v.Kind() == reflect.Map:
		d.mapping(n, v, tags)
	case v.Kind() == reflect.Struct:
		d.structure(n, v)
	default:
		panic(fmt.Sprintf("spec: %s: type %v cannot be decoded", n.path, v.Type()))
	}
}

func (d decoder) slice(n Node, v reflect.Value, tags structField) {
	items := n.Items()
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if !item.IsSet() {
			d.errs.Addf(item, "wants %s, got nothing", wants(v.Type().Elem()))
			continue
		}
		d.value(item, out.Index(i), tags)
	}
	v.Set(out)
}

func (d decoder) mapping(n Node, v reflect.Value, tags structField) {
	if n.Kind() != Mapping {
		d.errs.Addf(n, "wants %s, got %s", wants(v.Type()), n.got(tags.secret))
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.n.entries))
	for _, key := range n.Keys() {
		item := reflect.New(v.Type().Elem()).Elem()
		d.entry(n.Get(key), item, tags)
		out.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), item)
	}
	v.Set(out)
}

// entry reads the value of a key of a map. A struct may be left empty: "wholesale:" alone takes its defaults.
func (d decoder) entry(n Node, v reflect.Value, tags structField) {
	switch {
	case n.IsSet():
		d.value(n, v, tags)
	case v.Type() == reflect.TypeFor[Node]():
		v.Set(reflect.ValueOf(n))
	case structInside(v.Type()) == v.Type():
		d.structure(n, v)
	default:
		d.errs.Addf(n, "wants %s, got nothing", wants(v.Type()))
	}
}

func (d decoder) structure(n Node, v reflect.Value) {
	if n.Kind() != Mapping && n.IsSet() {
		d.errs.Addf(n, "wants %s, got %s", wants(v.Type()), n.got(false))
		return
	}
	fields := fieldsOf(v.Type())
	misspelt := d.unknownKeys(n, fields)
	for _, f := range fields {
		target := v.FieldByIndex(f.index)
		if f.self {
			target.Set(reflect.ValueOf(n))
			continue
		}
		child := n.Get(f.name)
		switch {
		case child.IsSet():
			d.value(child, target, f)
		case f.required && child.Kind() == Null:
			d.errs.Addf(child, "wants %s, got nothing%s", wants(f.typ), f.exampleHint())
		case f.required && misspelt[f.name]: // told already
		case f.required:
			d.errs.Add(n.at(child.Pos(), "missing key %q%s", f.name, f.exampleHint()))
		default:
			d.unset(child, target, f)
		}
	}
	d.embedded(n, v)
}

// embedded validates embedded structs whose rules the outer struct does not already carry by promotion.
func (d decoder) embedded(n Node, v reflect.Value) {
	if _, promoted := v.Addr().Interface().(Validator); promoted {
		return
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if _, tagged := f.Tag.Lookup("yaml"); tagged || !f.Anonymous || !f.IsExported() {
			continue
		}
		if rules, ok := v.Field(i).Addr().Interface().(Validator); ok {
			rules.Validate(n, d.errs)
		}
	}
}

func (f structField) exampleHint() string {
	switch {
	case f.example != "" && !f.secret:
		return fmt.Sprintf(" (for example %s: %s)", f.name, f.example)
	case f.doc != "":
		return fmt.Sprintf(" (%s)", f.doc)
	}
	return ""
}

// unknownKeys tells of keys that no field has, and returns the required ones that are missing and were probably meant.
func (d decoder) unknownKeys(n Node, fields []structField) (misspelt map[string]bool) {
	if n.Kind() != Mapping {
		return nil
	}
	known, present := keysOf(fields), n.Keys()
	absent := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return slices.Contains(present, name) })
	misspelt = map[string]bool{}
	for _, e := range n.n.entries {
		if slices.Contains(known, e.key) || strings.HasPrefix(e.key, "x-") {
			continue
		}
		meant, hint := Suggest(e.key, absent), Hint(e.key, known)
		if meant != "" {
			hint = Hint(e.key, []string{meant})
		}
		d.errs.Add(n.at(e.pos, "unknown key %q%s", e.key, hint))
		if slices.ContainsFunc(fields, func(f structField) bool { return f.required && f.name == meant }) {
			misspelt[meant] = true
			continue // what is missing makes the rest wrong
		}
		d.errs.unknown++
	}
	return misspelt
}

// unset gives a field without a value its default, and a struct the defaults of its fields.
func (d decoder) unset(n Node, v reflect.Value, f structField) {
	if v.Type() == reflect.TypeFor[Node]() {
		v.Set(reflect.ValueOf(n))
		return
	}
	if f.hasDefault {
		setDefault(v, f, n, d.errs)
		return
	}
	d.defaults(v, n)
}

func (d decoder) defaults(v reflect.Value, n Node) {
	if structInside(v.Type()) != v.Type() {
		return
	}
	for _, f := range fieldsOf(v.Type()) {
		target := v.FieldByIndex(f.index)
		if f.self {
			target.Set(reflect.ValueOf(n))
			continue
		}
		d.unset(n.Get(f.name), target, f)
	}
}

// setDefault decodes the default of the tag as if it stood in the file in place of the absent node.
func setDefault(v reflect.Value, f structField, absent Node, errs *Errors) {
	value := Parse("", []byte(f.fallback), Options{Literal: true}, errs)
	if f.fallback == "" {
		value.n = &node{kind: Scalar}
	}
	value.n.settle(absent.Pos())
	value.label, value.path, value.key = absent.label, absent.path, absent.key
	decoder{errs: errs}.value(value, v, f)
}

// settle moves a default to the place where it is missed.
func (n *node) settle(pos Pos) {
	n.pos = pos
	for _, item := range n.items {
		item.settle(pos)
	}
	for i, e := range n.entries {
		n.entries[i].pos = pos
		e.value.settle(pos)
	}
}

// secret reads a text that is never shown: as it stands, or from a file given as {file: path}.
func (d decoder) secret(n Node, v reflect.Value) {
	switch n.Kind() {
	case Scalar:
		v.SetString(n.Text())
	case Mapping:
		var from struct {
			File Path `yaml:"file" required:"true" example:"password.txt"`
		}
		before := d.errs.Len()
		if n.Decode(&from, d.errs); d.errs.Len() > before {
			return
		}
		content, err := os.ReadFile(string(from.File))
		if err != nil {
			d.errs.Addf(n.Get("file"), "read the secret: %w", err)
			return
		}
		v.SetString(strings.TrimRight(string(content), "\r\n"))
	default:
		d.errs.Addf(n, "wants a text or {file: path}, got %s", n.got(true))
	}
}
