package value

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"winback/dashboards/board"
	"winback/dashboards/frame"
)

// Shown is a value as a panel shows it.
type Shown struct {
	Text Text
	// Paint is its colour by mapping, threshold or scale; Painted tells whether the
	// field's settings give one at all.
	Paint   Paint
	Painted bool
	// Mapped tells that a mapping gave the text, Missing that there is no value.
	Mapped, Missing bool
}

// Limits is the range that gauges and scales of colour count from.
type Limits struct{ Min, Max float64 }

// LimitsOf returns a field's range: its settings, else that of the values of all
// numeric fields, else 0 to 100.
func LimitsOf(field *frame.Field, all []*frame.Frame) Limits {
	l := Limits{math.Inf(1), math.Inf(-1)}
	for _, f := range all {
		for _, other := range f.OfKind(frame.Number) {
			for _, v := range other.Floats() {
				if !math.IsNaN(v) {
					l.Min, l.Max = math.Min(l.Min, v), math.Max(l.Max, v)
				}
			}
		}
	}
	if math.IsInf(l.Min, 0) {
		l = Limits{0, 100}
	}
	if c := field.Config; c.Min != nil {
		l.Min = *c.Min
	}
	if c := field.Config; c.Max != nil {
		l.Max = *c.Max
	}
	return l
}

// Share is where a value lies in the range, 0 to 1.
func (l Limits) Share(v float64) float64 {
	if l.Max <= l.Min {
		return 0
	}
	return math.Min(math.Max((v-l.Min)/(l.Max-l.Min), 0), 1)
}

// Show writes a value of a field.
func Show(v any, c board.Field, l Limits) Shown {
	var out Shown
	switch x := v.(type) {
	case nil:
		out.Missing = true
		out.Text.Number = c.NoValue
	case float64:
		out.Text = Number(x, c.Unit, decimals(c))
		out.Paint, out.Painted = Color(x, c, l)
	case time.Time:
		out.Text.Number = Time(x, c.Unit)
	case bool:
		out.Text.Number = strconv.FormatBool(x)
		out.Paint, out.Painted = Color(map[bool]float64{true: 1}[x], c, l)
	case string:
		out.Text.Number = x
		out.Paint, out.Painted = Color(math.NaN(), c, l)
	}
	if m, ok := mapped(v, c.Mappings); ok {
		if m.Text != "" {
			out.Text, out.Mapped = Text{Number: m.Text}, true
		}
		if m.Color != "" {
			out.Paint, out.Painted = Named(m.Color), true
		}
	}
	return out
}

func decimals(c board.Field) int {
	if c.Decimals == nil {
		return -1
	}
	return *c.Decimals
}

// Color is the colour of a number by the field's settings: fixed, by threshold
// or by scale. A palette's colour belongs to the field, not to the value: then it
// is false.
func Color(v float64, c board.Field, l Limits) (Paint, bool) {
	switch mode := c.Color.Mode; {
	case mode == "fixed" || mode == "shades":
		return Named(c.Color.FixedColor), true
	case IsScale(mode) && !math.IsNaN(v):
		return Scale(mode, l.Share(v)), true
	case mode == "thresholds" || mode == "":
		if c.Thresholds == nil || len(c.Thresholds.Steps) == 0 {
			return Paint{}, false
		}
		return Threshold(v, c.Thresholds, l), true
	}
	return Paint{}, false
}

// Threshold is the colour of the last step that a value reaches.
func Threshold(v float64, t *board.Thresholds, l Limits) Paint {
	if t.Mode == "percentage" {
		v = l.Share(v) * 100
	}
	color := t.Steps[0].Color
	for _, s := range t.Steps[1:] {
		if s.Value != nil && v >= *s.Value {
			color = s.Color
		}
	}
	return Named(color)
}

// mapped finds the first mapping that fits.
func mapped(v any, mappings []board.Mapping) (board.Mapped, bool) {
	for _, m := range mappings {
		if found, ok := apply(v, m); ok {
			return found, true
		}
	}
	return board.Mapped{}, false
}

func apply(v any, m board.Mapping) (board.Mapped, bool) {
	switch m.Type {
	case "value":
		var texts map[string]board.Mapped
		if v == nil || json.Unmarshal(m.Options, &texts) != nil {
			return board.Mapped{}, false
		}
		found, ok := texts[keyOf(v)]
		return found, ok
	case "range":
		var r struct {
			From, To *float64
			Result   board.Mapped
		}
		x, isNumber := v.(float64)
		if !isNumber || json.Unmarshal(m.Options, &r) != nil {
			return board.Mapped{}, false
		}
		return r.Result, (r.From == nil || x >= *r.From) && (r.To == nil || x <= *r.To)
	case "regex":
		return applyPattern(v, m.Options)
	case "special":
		var s struct {
			Match  string
			Result board.Mapped
		}
		if json.Unmarshal(m.Options, &s) != nil {
			return board.Mapped{}, false
		}
		switch s.Match {
		case "null", "nan", "null+nan":
			return s.Result, v == nil
		case "true", "false":
			return s.Result, v == (s.Match == "true")
		case "empty":
			return s.Result, v == ""
		}
	}
	return board.Mapped{}, false
}

func applyPattern(v any, options json.RawMessage) (board.Mapped, bool) {
	var r struct {
		Pattern string
		Result  board.Mapped
	}
	text, isText := v.(string)
	if !isText || json.Unmarshal(options, &r) != nil {
		return board.Mapped{}, false
	}
	pattern, err := board.Pattern(r.Pattern)
	if err != nil || !pattern.MatchString(text) {
		return board.Mapped{}, false
	}
	if r.Result.Text != "" {
		r.Result.Text = pattern.ReplaceAllString(text, r.Result.Text)
	}
	return r.Result, true
}

func keyOf(v any) string {
	switch x := v.(type) {
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(x)
	case string:
		return x
	}
	return ""
}

// Mapped lists the texts and colours that value mappings give, for a legend.
func Mapped(mappings []board.Mapping) []board.Mapped {
	var all []board.Mapped
	for _, m := range mappings {
		var texts map[string]board.Mapped
		if m.Type != "value" || json.Unmarshal(m.Options, &texts) != nil {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(texts)) {
			if found := texts[key]; found.Text != "" && found.Color != "" && !slices.Contains(all, found) {
				all = append(all, found)
			}
		}
	}
	return all
}
