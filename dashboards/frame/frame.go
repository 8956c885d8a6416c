// Package frame holds the rows of a query as Grafana's panels see them: frames
// of named fields, with the reducers and transformations that panels apply.
package frame

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"winback/dashboards/board"
)

// Kind is what the values of a field are.
type Kind string

// The kinds of fields.
const (
	Number  Kind = "number"
	String  Kind = "string"
	Time    Kind = "time"
	Boolean Kind = "boolean"
)

// Field is a column. Its values are nil, or of its kind: float64, string,
// time.Time or bool.
type Field struct {
	Name   string
	Kind   Kind
	Labels map[string]string
	Values []any
	// Display is how people know the field, Config how its values look.
	Display string
	Config  board.Field
}

// Frame is the result of a query, or what a transformation made of it.
type Frame struct {
	Name   string
	Fields []*Field
}

// Rows returns the number of rows.
func (f *Frame) Rows() int {
	if len(f.Fields) == 0 {
		return 0
	}
	return len(f.Fields[0].Values)
}

// Field finds a field by its name or by how it is displayed; nil when there is
// none.
func (f *Frame) Field(name string) *Field {
	for _, field := range f.Fields {
		if field.Name == name || field.Display == name {
			return field
		}
	}
	return nil
}

// First returns the first field of a kind; nil when there is none.
func (f *Frame) First(kind Kind) *Field {
	for _, field := range f.Fields {
		if field.Kind == kind {
			return field
		}
	}
	return nil
}

// OfKind returns the fields of a kind.
func (f *Frame) OfKind(kind Kind) []*Field {
	var found []*Field
	for _, field := range f.Fields {
		if field.Kind == kind {
			found = append(found, field)
		}
	}
	return found
}

// Like returns an empty field of the same name, kind and look.
func (f *Field) Like() *Field {
	return &Field{Name: f.Name, Kind: f.Kind, Labels: f.Labels, Display: f.Display, Config: f.Config}
}

// Float returns a value as a number; NaN for a null and for what is none.
func (f *Field) Float(row int) float64 {
	switch v := f.Values[row].(type) {
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
		return 0
	case time.Time:
		return float64(v.UnixMilli())
	}
	return math.NaN()
}

// Floats returns all values as numbers.
func (f *Field) Floats() []float64 {
	out := make([]float64, len(f.Values))
	for i := range f.Values {
		out[i] = f.Float(i)
	}
	return out
}

// Text returns a value as plain text, without unit; "" for a null.
func (f *Field) Text(row int) string {
	switch v := f.Values[row].(type) {
	case nil:
		return ""
	case string:
		return v
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05")
	}
	return fmt.Sprint(f.Values[row])
}

// Keep returns the frame with these rows only, in their order.
func (f *Frame) Keep(rows []int) *Frame {
	out := &Frame{Name: f.Name}
	for _, field := range f.Fields {
		kept := field.Like()
		kept.Values = make([]any, len(rows))
		for i, row := range rows {
			kept.Values[i] = field.Values[row]
		}
		out.Fields = append(out.Fields, kept)
	}
	return out
}

// Sorted returns the frame ordered by a field, nulls last.
func (f *Frame) Sorted(by *Field, descending bool) *Frame {
	rows := make([]int, f.Rows())
	for i := range rows {
		rows[i] = i
	}
	slices.SortStableFunc(rows, func(a, b int) int {
		x, y := by.Values[a], by.Values[b]
		if x == nil || y == nil {
			return cmp.Compare(empty(x), empty(y))
		}
		order := Compare(x, y)
		if descending {
			return -order
		}
		return order
	})
	return f.Keep(rows)
}

func empty(v any) int {
	if v == nil {
		return 1
	}
	return 0
}

// Compare orders two values of one kind.
func Compare(a, b any) int {
	switch x := a.(type) {
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y)
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y)
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y)
		}
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

// Configure gives every field its settings and the name it is displayed by.
func Configure(frames []*Frame, config board.FieldConfig) error {
	nameFields(frames)
	for _, f := range frames {
		seen := map[Kind]bool{}
		for _, field := range f.Fields {
			subject := board.Subject{Name: field.Name, Display: field.Display, Kind: string(field.Kind), RefID: f.Name, First: !seen[field.Kind]}
			seen[field.Kind] = true
			settings, err := config.For(subject)
			if err != nil {
				return err
			}
			field.Config = settings
			if settings.DisplayName != "" {
				field.Display = displayName(settings.DisplayName, field)
			}
		}
	}
	return nil
}

// displayName fills in what a display name says of the field.
func displayName(text string, field *Field) string {
	text = strings.NewReplacer("${__field.name}", field.Name, "${__field.displayName}", field.Display, "${__series.name}", field.Display).Replace(text)
	for label, value := range field.Labels {
		text = strings.ReplaceAll(text, "${__field.labels."+label+"}", value)
	}
	return text
}

// nameFields displays fields as Grafana does: by their name, by their labels
// where these tell them apart, with the query's letter where there are several.
func nameFields(frames []*Frame) {
	keys, several := map[string]bool{}, len(frames) > 1
	for _, f := range frames {
		for _, field := range f.Fields {
			for key := range field.Labels {
				keys[key] = true
			}
		}
	}
	for _, f := range frames {
		for _, field := range f.Fields {
			field.Display = labelled(field, len(keys) == 1)
			if several && field.Kind == Number && len(field.Labels) == 0 && f.Name != "" && clashes(frames, f, field) {
				field.Display = f.Name + " " + field.Display
			}
		}
	}
}

func clashes(frames []*Frame, of *Frame, field *Field) bool {
	for _, other := range frames {
		if other != of && other.Field(field.Name) != nil {
			return true
		}
	}
	return false
}

func labelled(field *Field, one bool) string {
	if len(field.Labels) == 0 {
		return field.Name
	}
	var parts []string
	for key, value := range field.Labels {
		if one {
			parts = append(parts, value)
		} else {
			parts = append(parts, fmt.Sprintf("%s=%q", key, value))
		}
	}
	slices.Sort(parts)
	labels := strings.Join(parts, ", ")
	switch {
	case one && field.Name == "Value":
		return labels
	case one:
		return field.Name + " " + labels
	}
	return field.Name + " {" + labels + "}"
}
