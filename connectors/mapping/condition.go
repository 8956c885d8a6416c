package mapping

import (
	"regexp"
	"slices"
	"strings"

	"winback/connectors/entity"
	"winback/connectors/spec"
)

// Condition is met by a record when everything in it is true.
type Condition struct {
	Column  []string `yaml:"column" doc:"column to look at" example:"Invoice"`
	Equals  string   `yaml:"equals" doc:"the value is this"`
	In      []string `yaml:"in" doc:"the value is one of these"`
	Prefix  string   `yaml:"prefix" doc:"the value begins with this"`
	Suffix  string   `yaml:"suffix" doc:"the value ends with this"`
	Matches string   `yaml:"matches" doc:"the value matches this regular expression (RE2)" example:"^[CA]"`
	Empty   *bool    `yaml:"empty" doc:"there is no value, or there is one"`
	Above   string   `yaml:"above" doc:"the value is a number greater than this"`
	Below   string   `yaml:"below" doc:"the value is a number less than this"`
	Not     bool     `yaml:"not" doc:"the condition is met when the rest is not true"`

	DecimalComma bool   `yaml:"decimal_comma" doc:"above and below read a number with a decimal comma; in files, where neither this nor thousands is given, as a field reads the column"`
	Thousands    string `yaml:"thousands" doc:"character between groups of three digits, for above and below" example:"."`

	Node spec.Node `yaml:",node"`
}

// Rule gives a field a value where its condition is met.
type Rule struct {
	Condition
	Value string `yaml:"value" required:"true" doc:"value of the field"`
}

// conditionScale is the precision in which conditions compare numbers.
const conditionScale = 8

// Test is a condition made ready to look at values.
type Test struct {
	equals  string
	in      []string
	prefix  string
	suffix  string
	matches *regexp.Regexp
	empty   *bool
	above   *int64 // with conditionScale digits after the point
	below   *int64
	numbers NumberFormat
	not     bool
}

// Compile makes the condition ready, and adds to errs what is wrong with it.
func (c *Condition) Compile(errs *spec.Errors) Test {
	out := Test{equals: c.Equals, in: c.In, prefix: c.Prefix, suffix: c.Suffix, empty: c.Empty, not: c.Not}
	if c.Matches != "" {
		pattern, err := regexp.Compile(c.Matches)
		if err != nil {
			errs.Addf(c.Node.Get("matches"), "is no regular expression: %w", err)
		}
		out.matches = pattern
	}
	out.above = limit(c.Above, c.Node.Get("above"), errs)
	out.below = limit(c.Below, c.Node.Get("below"), errs)
	out.numbers = writtenNumbers(c.Node, c.DecimalComma, c.Thousands, errs)
	if (c.DecimalComma || c.Thousands != "") && !out.Compares() {
		errs.Addf(c.Node, "says how a number is written and compares none: give above or below")
	}
	if c.Equals == "" && c.Prefix == "" && c.Suffix == "" && c.Empty == nil && len(c.In) == 0 && c.Matches == "" && out.above == nil && out.below == nil {
		errs.Addf(c.Node, "the condition says nothing about the column: give equals, in, prefix, suffix, matches, empty, above or below")
	}
	return out
}

func limit(text string, at spec.Node, errs *spec.Errors) *int64 {
	if text == "" {
		return nil
	}
	n, err := entity.ParseScaled(text, conditionScale)
	if err != nil {
		errs.Addf(at, "wants a number, got %q", text)
	}
	return &n
}

// Compares says that the condition compares numbers.
func (t *Test) Compares() bool { return t.above != nil || t.below != nil }

// ReadNumbers has numbers read as they are written, where the condition itself says nothing
// of that.
func (t *Test) ReadNumbers(written NumberFormat) {
	if t.numbers.Plain() {
		t.numbers = NumberFormat{Point: written.Point, Thousands: written.Thousands}
	}
}

// Met says whether a value, without blanks around it, meets the condition. One that is
// compared and is no number does not.
func (t *Test) Met(text []byte) bool {
	met, readable := t.Judge(text, false)
	return met && readable
}

// Judge is Met for a value that may be a number of the source's own, which is written with
// a point. readable is false where a text should be compared and is no number.
func (t *Test) Judge(text []byte, typed bool) (met, readable bool) {
	if !t.looksRight(text) {
		return t.not, true
	}
	if !t.Compares() {
		return !t.not, true
	}
	if len(text) == 0 {
		return t.not, true
	}
	if !typed && !t.numbers.Plain() {
		text = t.numbers.Normalise(make([]byte, 0, 32), text)
	}
	n, err := entity.ParseScaled(text, conditionScale)
	holds := err == nil && (t.above == nil || n > *t.above) && (t.below == nil || n < *t.below)
	return holds != t.not, err == nil
}

// looksRight says whether all that is said of the text itself is true.
func (t *Test) looksRight(text []byte) bool {
	switch {
	case t.equals != "" && string(text) != t.equals,
		len(t.in) > 0 && !slices.Contains(t.in, string(text)),
		t.prefix != "" && !strings.HasPrefix(string(text), t.prefix),
		t.suffix != "" && !strings.HasSuffix(string(text), t.suffix),
		t.matches != nil && !t.matches.Match(text),
		t.empty != nil && (len(text) == 0) != *t.empty:
		return false
	}
	return true
}
