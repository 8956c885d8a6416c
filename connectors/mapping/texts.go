package mapping

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"winback/connectors/entity"
	"winback/connectors/spec"
)

// Texts is what becomes of a text before it is converted: some mean no value, some are
// tidied up, words of the source become words of the contract.
type Texts struct {
	nulls    []string
	split    string
	cleaners []Cleaner
	words    map[string]string
	folded   map[string]string // words in lower case
}

// NewTexts compiles the configuration of a field: texts that mean no value, names of
// Cleaners, words, and what stands between the items of a list.
func NewTexts(nulls, clean []string, words map[string]string, split string) Texts {
	t := Texts{nulls: nulls, split: split}
	for _, name := range clean {
		t.cleaners = append(t.cleaners, Cleaners[name])
	}
	if len(words) > 0 {
		t.words, t.folded = words, make(map[string]string, len(words))
		for word, to := range words {
			t.folded[strings.ToLower(word)] = to
		}
	}
	return t
}

// Plain says that a text stays as it is.
func (t *Texts) Plain() bool { return len(t.nulls)+len(t.cleaners)+len(t.words) == 0 }

// Translates says that words become others.
func (t *Texts) Translates() bool { return len(t.words) > 0 }

// IsNull says that a text means no value.
func (t *Texts) IsNull(text []byte) bool {
	for _, null := range t.nulls {
		if string(text) == null {
			return true
		}
	}
	return false
}

// Rewrite tidies a text up and translates its words.
func (t *Texts) Rewrite(a *Arena, text []byte) []byte {
	for _, clean := range t.cleaners {
		text = clean(a, text)
	}
	if t.words == nil {
		return text
	}
	if to, found := t.words[string(text)]; found {
		return a.Text(to)
	}
	if to, found := t.folded[strings.ToLower(string(text))]; found {
		return a.Text(to)
	}
	return text
}

// List reads the items of a JSON array, or those between separators. Items that are
// empty or mean no value are left out.
func (t *Texts) List(a *Arena, parser *fastjson.Parser, text []byte) (items []string) {
	take := func(item []byte) {
		if item = Trim(item); len(item) == 0 || t.IsNull(item) {
			return
		}
		if item = t.Rewrite(a, item); len(item) > 0 {
			items = append(items, string(item))
		}
	}
	if text[0] == '[' {
		if array, err := parser.ParseBytes(text); err == nil {
			for _, item := range array.GetArray() {
				take(JSONText(a, item))
			}
			return items
		}
	}
	if t.split == "" {
		take(text)
		return items
	}
	for item := range strings.SplitSeq(string(text), t.split) {
		take([]byte(item))
	}
	return items
}

// JSONText returns a JSON value as the text that a column would hold; null is nil.
func JSONText(a *Arena, v *fastjson.Value) []byte {
	switch v.Type() {
	case fastjson.TypeNull:
		return nil
	case fastjson.TypeString:
		text, _ := v.StringBytes() // the type was looked at
		return a.Keep(text)
	}
	return a.Value(v)
}

// NotWhole is the reason why a number does not fit a field of whole ones.
const NotWhole = "is not a whole number"

// WholeOf returns the whole number that a decimal with entity.DecimalScale digits is. A
// reason there is already stays.
func WholeOf(n int64, reason string) (int64, string) {
	unit := int64(Pow10(entity.DecimalScale))
	if reason == "" && n%unit != 0 {
		reason = NotWhole
	}
	return n / unit, reason
}

// FitsKind reports an option that is given for a field of another kind than those it is
// for.
func FitsKind(to *entity.Field, at spec.Node, given bool, errs *spec.Errors, kinds ...entity.Kind) {
	if !given || slices.Contains(kinds, to.Kind) {
		return
	}
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = kind.String()
	}
	errs.Addf(at, "is for fields of kind %s; %s is %s", strings.Join(names, " or "), to.Name, to.Kind)
}

// CompileNumbers compiles how numbers of a field are written: the options decimal_comma,
// thousands and factor of its node.
func CompileNumbers(to *entity.Field, n spec.Node, comma bool, thousands, factor string, errs *spec.Errors) (out NumberFormat) {
	FitsKind(to, n.Get("decimal_comma"), comma, errs, entity.Dec, entity.Int)
	FitsKind(to, n.Get("thousands"), thousands != "", errs, entity.Dec, entity.Int)
	FitsKind(to, n.Get("factor"), factor != "", errs, entity.Dec, entity.Int)
	out = writtenNumbers(n, comma, thousands, errs)
	if factor != "" {
		by, err := entity.ParseScaled(factor, FactorScale)
		if err != nil || by == 0 {
			errs.Addf(n.Get("factor"), "wants a number other than 0, got %q", factor)
		}
		out.Factor = by
	}
	return out
}

// writtenNumbers compiles how numbers are written.
func writtenNumbers(n spec.Node, comma bool, thousands string, errs *spec.Errors) (out NumberFormat) {
	if comma {
		out.Point = ','
	}
	if thousands != "" && (utf8.RuneCountInString(thousands) != 1 || strings.ContainsAny(thousands, "0123456789+-") || thousands == "," && comma || thousands == "." && !comma) {
		errs.Addf(n.Get("thousands"), "wants one character that is not the decimal point")
	}
	out.Thousands = thousands
	return out
}

// CompileLayouts compiles the layouts that times of a field are written in, iso where
// none is named, and returns them as they are configured, for messages.
func CompileLayouts(names []string, at spec.Node, errs *spec.Errors) (layouts []Layout, written string) {
	if len(names) == 0 {
		names = []string{"iso"}
	}
	for _, name := range names {
		read, err := ParseLayout(name)
		if err != nil {
			errs.Addf(at, "%w", err)
			continue
		}
		layouts = append(layouts, read)
	}
	return layouts, strings.Join(names, " or ")
}
