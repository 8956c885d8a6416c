package spec

import (
	"fmt"
	"iter"
	"log/slog"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Path is a path or a pattern of paths. A relative one counts from the folder of the configuration and is joined to it
// when decoded; an address with a scheme (s3://…) stays as it is.
type Path string

// SpecType names the type.
func (Path) SpecType() string { return "path" }

// Secret is a text that printing, logging and encoding never show; Reveal gives it.
type Secret string

const redacted = "[secret]"

// Reveal is the text itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format hides the text from every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the text from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// SpecType names the type.
func (Secret) SpecType() string { return "secret" }

// Percent is a share in percent: 5 of 5%. It is written with the sign, or as a number of at least 1; a bare 0.05 is
// refused since it may mean either.
type Percent float64

// Fraction is the share of one: 0.05 of 5%.
func (p Percent) Fraction() float64 { return float64(p) / 100 }

// String is the share with its sign: 5%.
func (p Percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) + "%" }

// MarshalText is String.
func (p Percent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// SpecType names the type.
func (Percent) SpecType() string { return "percentage" }

// UnmarshalText reads 5%, 0.5% and 5.
func (p *Percent) UnmarshalText(text []byte) error {
	const example = Wants("a percentage such as 5%")
	number, signed := strings.CutSuffix(string(text), "%")
	value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err != nil || value-value != 0 || value < 0:
		return example
	case !signed && value > 0 && value < 1:
		return example + " with its sign"
	}
	*p = Percent(value)
	return nil
}

// Bytes is a size in bytes, written as 512MiB, 1.5GB or a plain number.
type Bytes int64

var byteUnits = []struct {
	suffix string
	size   float64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

// SpecType names the type.
func (Bytes) SpecType() string { return "size" }

// String is the size in the largest unit that shows it whole.
func (b Bytes) String() string {
	for _, unit := range byteUnits {
		if size := int64(unit.size); b != 0 && int64(b)%size == 0 {
			return strconv.FormatInt(int64(b)/size, 10) + unit.suffix
		}
	}
	return "0B"
}

// MarshalText is String.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads a number with one of the units TiB … KiB, TB … kB, or none.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, size := string(text), 1.0
	for _, unit := range byteUnits {
		if rest, ok := strings.CutSuffix(number, unit.suffix); ok {
			number, size = rest, unit.size
			break
		}
	}
	value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	total := value * size
	if err != nil || !(total >= 0 && total < math.MaxInt64/2) || total != math.Trunc(total) {
		return Wants("a size such as 512MiB or 1GiB")
	}
	*b = Bytes(total)
	return nil
}

// Date is a calendar day without a time and a zone; the zero value is no day.
type Date struct{ day time.Time }

// NewDate makes a day.
func NewDate(year int, month time.Month, day int) Date {
	return Date{time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}
}

// DateOf is the day a time shows in its own zone.
func DateOf(t time.Time) Date { return NewDate(t.Date()) }

// Time is midnight UTC of the day.
func (d Date) Time() time.Time { return d.day }

// IsZero tells that no day was given.
func (d Date) IsZero() bool { return d.day.IsZero() }

// Compare orders days, as cmp.Compare does.
func (d Date) Compare(other Date) int { return d.day.Compare(other.day) }

// AddDays is the day so many days later.
func (d Date) AddDays(days int) Date { return Date{d.day.AddDate(0, 0, days)} }

// String is 2011-12-09, or "" of no day.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.day.Format(time.DateOnly)
}

// MarshalText is String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// SpecType names the type.
func (Date) SpecType() string { return "date" }

// UnmarshalText reads 2011-12-09.
func (d *Date) UnmarshalText(text []byte) error {
	day, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return Wants("a date such as 2011-12-09")
	}
	d.day = day
	return nil
}

// Ordered is a map that keeps the order of the file and the place of every key.
type Ordered[V any] struct {
	Entries []Entry[V]
}

// Entry is one key of an Ordered with its value and the node the value was read from. Node.Key() is the key's place.
type Entry[V any] struct {
	Key   string
	Value V
	Node  Node
}

// UnmarshalSpec reads a map.
func (o *Ordered[V]) UnmarshalSpec(n Node, errs *Errors) {
	if n.Kind() != Mapping {
		errs.Addf(n, "wants %s, got %s", wants(reflect.TypeFor[Ordered[V]]()), n.got(false))
		return
	}
	o.Entries = make([]Entry[V], 0, len(n.n.entries))
	for _, key := range n.Keys() {
		e := Entry[V]{Key: key, Node: n.Get(key)}
		decoder{errs: errs}.entry(e.Node, reflect.ValueOf(&e.Value).Elem(), structField{})
		o.Entries = append(o.Entries, e)
	}
}

// Len is the number of keys.
func (o Ordered[V]) Len() int { return len(o.Entries) }

// Get finds the value of a key.
func (o Ordered[V]) Get(key string) (V, bool) {
	for _, e := range o.Entries {
		if e.Key == key {
			return e.Value, true
		}
	}
	var none V
	return none, false
}

// Keys lists the keys in the order of the file.
func (o Ordered[V]) Keys() []string {
	keys := make([]string, len(o.Entries))
	for i, e := range o.Entries {
		keys[i] = e.Key
	}
	return keys
}

// All ranges over keys and values in the order of the file.
func (o Ordered[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, e := range o.Entries {
			if !yield(e.Key, e.Value) {
				return
			}
		}
	}
}

func (Ordered[V]) elem() reflect.Type { return reflect.TypeFor[V]() }

// orderedElem is V of an Ordered[V], nil of another type.
func orderedElem(t reflect.Type) reflect.Type {
	if o, ok := reflect.Zero(t).Interface().(interface{ elem() reflect.Type }); ok && t.Kind() == reflect.Struct {
		return o.elem()
	}
	return nil
}
