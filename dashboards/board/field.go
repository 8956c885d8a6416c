package board

import (
	"encoding/json"
	"fmt"
	"strings"
)

// FieldConfig says how values look: defaults, and what overrides them for
// some fields.
type FieldConfig struct {
	Defaults  map[string]any `json:"defaults"`
	Overrides []Override     `json:"overrides"`
}

// Override sets properties of the fields that its matcher finds.
type Override struct {
	Matcher struct {
		ID      string          `json:"id"`
		Options json.RawMessage `json:"options"`
	} `json:"matcher"`
	Properties []struct {
		ID    string `json:"id"`
		Value any    `json:"value"`
	} `json:"properties"`
}

// Field is the settings of one field after its overrides.
type Field struct {
	Unit        string      `json:"unit"`
	Decimals    *int        `json:"decimals"`
	Min         *float64    `json:"min"`
	Max         *float64    `json:"max"`
	DisplayName string      `json:"displayName"`
	NoValue     string      `json:"noValue"`
	Thresholds  *Thresholds `json:"thresholds"`
	Mappings    []Mapping   `json:"mappings"`
	Color       Color       `json:"color"`
	Links       []Link      `json:"links"`
	Custom      Custom      `json:"custom"`
}

// Thresholds colour values; Mode is absolute or percentage of min to max.
type Thresholds struct {
	Mode  string `json:"mode"`
	Steps []Step `json:"steps"`
}

// Step is a threshold: its colour counts from its value on. A null value is
// minus infinity.
type Step struct {
	Value *float64 `json:"value"`
	Color string   `json:"color"`
}

// Color is how a field gets its colour.
type Color struct {
	Mode       string `json:"mode"`
	FixedColor string `json:"fixedColor"`
}

// Mapping replaces values by texts and colours. Type is value, range, regex or
// special.
type Mapping struct {
	Type    string          `json:"type"`
	Options json.RawMessage `json:"options"`
}

// Mapped is what a mapping makes of a value.
type Mapped struct {
	Text  string `json:"text"`
	Color string `json:"color"`
}

// Custom is the settings that only some kinds of panels know.
type Custom struct {
	DrawStyle         string   `json:"drawStyle"`
	LineInterpolation string   `json:"lineInterpolation"`
	LineWidth         *float64 `json:"lineWidth"`
	FillOpacity       *float64 `json:"fillOpacity"`
	LineStyle         struct {
		Fill string `json:"fill"`
	} `json:"lineStyle"`
	ShowPoints string   `json:"showPoints"`
	PointSize  pointSz  `json:"pointSize"`
	Show       string   `json:"show"`
	SpanNulls  any      `json:"spanNulls"`
	BarWidth   *float64 `json:"barWidthFactor"`
	Stacking   struct {
		Mode  string `json:"mode"`
		Group string `json:"group"`
	} `json:"stacking"`
	FillBelowTo     string   `json:"fillBelowTo"`
	Transform       string   `json:"transform"`
	AxisPlacement   string   `json:"axisPlacement"`
	AxisLabel       string   `json:"axisLabel"`
	AxisSoftMin     *float64 `json:"axisSoftMin"`
	AxisSoftMax     *float64 `json:"axisSoftMax"`
	ThresholdsStyle struct {
		Mode string `json:"mode"`
	} `json:"thresholdsStyle"`
	HideFrom struct {
		Viz    bool `json:"viz"`
		Legend bool `json:"legend"`
	} `json:"hideFrom"`
	Width       float64 `json:"width"`
	MinWidth    float64 `json:"minWidth"`
	Align       string  `json:"align"`
	Hidden      bool    `json:"hidden"`
	CellOptions struct {
		Type             string `json:"type"`
		Mode             string `json:"mode"`
		ApplyToRow       bool   `json:"applyToRow"`
		ValueDisplayMode string `json:"valueDisplayMode"`
	} `json:"cellOptions"`
}

// pointSz is a size as time series write it, 5, or as xy charts do, {"fixed": 5}.
type pointSz struct{ Fixed float64 }

func (p *pointSz) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &p.Fixed); err == nil {
		return nil
	}
	var object struct {
		Fixed float64 `json:"fixed"`
	}
	err := json.Unmarshal(text, &object)
	p.Fixed = object.Fixed
	return err
}

// Subject is a field as matchers see it.
type Subject struct {
	Name, Display string
	// Kind is number, string, time or boolean.
	Kind  string
	RefID string
	// First tells the first field of its kind in its frame.
	First bool
}

// For returns the settings of a field: the defaults with the overrides that match
// it, in their order.
func (c FieldConfig) For(s Subject) (Field, error) {
	merged := clone(c.Defaults)
	for _, o := range c.Overrides {
		hit, err := o.matches(s)
		if err != nil {
			return Field{}, err
		}
		if !hit {
			continue
		}
		for _, p := range o.Properties {
			set(merged, strings.Split(p.ID, "."), p.Value)
		}
	}
	var f Field
	text, err := json.Marshal(merged)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return Field{}, fmt.Errorf("read the settings of the field %q: %w", s.Name, err)
	}
	return f, nil
}

func (o Override) matches(s Subject) (bool, error) {
	named := func(name string) bool { return name == s.Name || name == s.Display }
	var text string
	switch o.Matcher.ID {
	case "byName", "byRegexp", "byType", "byFrameRefID":
		if err := json.Unmarshal(o.Matcher.Options, &text); err != nil {
			return false, fmt.Errorf("read an override by %s: %w", o.Matcher.ID, err)
		}
	}
	switch o.Matcher.ID {
	case "byName":
		return named(text), nil
	case "byRegexp":
		pattern, err := Pattern(text)
		if err != nil {
			return false, err
		}
		return pattern.MatchString(s.Name) || pattern.MatchString(s.Display), nil
	case "byType":
		return text == s.Kind, nil
	case "byFrameRefID":
		return text == s.RefID, nil
	case "byNames":
		var list struct{ Names []string }
		if err := json.Unmarshal(o.Matcher.Options, &list); err != nil {
			return false, fmt.Errorf("read an override by names: %w", err)
		}
		for _, name := range list.Names {
			if named(name) {
				return true, nil
			}
		}
		return false, nil
	case "numeric":
		return s.Kind == "number", nil
	case "time":
		return s.Kind == "time", nil
	case "firstTimeField":
		return s.Kind == "time" && s.First, nil
	}
	return false, fmt.Errorf("an override matches by %q, which is not known here", o.Matcher.ID)
}

func clone(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for key, value := range m {
		if inner, ok := value.(map[string]any); ok {
			value = clone(inner)
		}
		out[key] = value
	}
	return out
}

func set(m map[string]any, keys []string, value any) {
	for ; len(keys) > 1; keys = keys[1:] {
		inner, ok := m[keys[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			m[keys[0]] = inner
		}
		m = inner
	}
	m[keys[0]] = value
}
