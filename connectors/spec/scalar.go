package spec

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// textUnmarshaler is implemented by types that read a text themselves.
var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// isLeaf tells whether a type is read from a single value.
func isLeaf(t reflect.Type) bool {
	if t == reflect.TypeFor[time.Duration]() || reflect.PointerTo(t).Implements(textUnmarshaler) {
		return t.Kind() != reflect.Pointer
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	default:
		return false
	}
}

func (d decoder) leaf(n Node, v reflect.Value, tags structField) {
	if n.Kind() != Scalar {
		d.errs.Addf(n, "wants %s, got %s", wants(v.Type()), n.got(tags.secret))
		return
	}
	if tags.enum != nil && v.Kind() == reflect.String && !slices.Contains(tags.enum, n.Text()) {
		d.unknownValue(n, tags)
		return
	}
	if err := setLeaf(v, n); err != nil {
		d.errs.Addf(n, "%w", explain(err, n, tags.secret))
	}
}

func (d decoder) unknownValue(n Node, tags structField) {
	if tags.secret || len(n.n.vars) > 0 {
		d.errs.Addf(n, "%s is none of: %s", n.got(tags.secret), strings.Join(tags.enum, ", "))
		return
	}
	d.errs.Addf(n, "unknown value %s%s", n.got(false), Hint(n.Text(), tags.enum))
}

// explain completes the error of a conversion. One that is not a Wants may hold the value, so it is dropped where the
// value must not be shown.
func explain(err error, n Node, secret bool) error {
	if wanted, ok := err.(Wants); ok {
		return fmt.Errorf("%w, got %s", wanted, n.got(secret))
	}
	if secret || len(n.n.vars) > 0 {
		return fmt.Errorf("%s does not fit", n.got(secret))
	}
	return err
}

func setLeaf(v reflect.Value, n Node) error {
	if path, ok := v.Addr().Interface().(*Path); ok {
		*path = Path(resolve(n.Dir(), n.Text()))
		return nil
	}
	if text, ok := v.Addr().Interface().(*time.Time); ok {
		return setTime(text, n.Text())
	}
	if custom, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return custom.UnmarshalText([]byte(n.Text()))
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		duration, err := parseDuration(n.Text())
		v.SetInt(int64(duration))
		return err
	}
	return setKind(v, n.Text())
}

// setKind converts to the plain kinds. Whole numbers are decimal whatever they begin with, and may be grouped: 1_000.
func setKind(v reflect.Value, text string) error {
	fail := Wants(wants(v.Type()))
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fail
		}
		v.SetBool(text == "true")
		return nil
	case reflect.Float32, reflect.Float64:
		number, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil || number-number != 0 { // not a number, or infinite
			return fail
		}
		v.SetFloat(number)
		return nil
	}
	digits := strings.ReplaceAll(text, "_", "")
	if v.CanUint() {
		number, err := strconv.ParseUint(digits, 10, v.Type().Bits())
		if err != nil {
			return fail
		}
		v.SetUint(number)
		return nil
	}
	number, err := strconv.ParseInt(digits, 10, v.Type().Bits())
	if err != nil {
		return fail
	}
	v.SetInt(number)
	return nil
}

func setTime(into *time.Time, text string) error {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			*into = t
			return nil
		}
	}
	return Wants("a time such as 2024-01-31T10:00:00Z, or a date")
}

// parseDuration is time.ParseDuration and also whole days and weeks: 7d, 2w.
func parseDuration(text string) (time.Duration, error) {
	fail := Wants(wants(reflect.TypeFor[time.Duration]()))
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			count, err := strconv.ParseInt(number, 10, 32)
			if err != nil || count > int64(200*365*24*time.Hour/length) {
				return 0, fail
			}
			return time.Duration(count) * length, nil
		}
	}
	duration, err := time.ParseDuration(text)
	if err != nil {
		return 0, fail
	}
	return duration, nil
}

// typeName names a type for the reference: text, whole number, list of text.
func typeName(t reflect.Type) string {
	if named, ok := reflect.New(t).Interface().(TypeNamer); ok && t.Kind() != reflect.Pointer {
		return named.SpecType()
	}
	if elem := orderedElem(t); elem != nil {
		return "map of " + plural(typeName(elem))
	}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[time.Time]():
		return "time"
	case reflect.TypeFor[Node]():
		return "anything"
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	case t.Kind() == reflect.Slice:
		return "list of " + plural(typeName(t.Elem()))
	case t.Kind() == reflect.Map:
		return "map of " + plural(typeName(t.Elem()))
	case t.Kind() == reflect.Struct && !isLeaf(t):
		return "map"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.String || !isPlainKind(t):
		return "text"
	default:
		return "whole number"
	}
}

// plural is for names of one kind of thing; "text", and names that offer a choice, stay.
func plural(name string) string {
	if strings.HasSuffix(name, "text") || strings.Contains(name, " or ") || strings.Contains(name, " of ") {
		return name
	}
	return name + "s"
}

func isPlainKind(t reflect.Type) bool {
	return isLeaf(t) && t.Kind() != reflect.Struct
}

// wants is the type's name in a sentence, with article and where it helps an example.
func wants(t reflect.Type) string {
	switch name := typeName(t); name {
	case "true or false":
		return name
	case "duration":
		return "a duration such as 30s, 10m or 7d"
	case "map":
		return "a map of keys (key: value)"
	case "whole number":
		if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
			return "a whole number from 0"
		}
		return "a whole number"
	case "anything":
		return "a value"
	default:
		return "a " + name
	}
}
