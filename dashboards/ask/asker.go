package ask

import (
	"context"
	"fmt"
	"slices"
	"time"

	"winback/dashboards/board"
	"winback/dashboards/frame"
)

// Asker puts the questions of dashboards to a warehouse.
type Asker struct {
	Querier Querier
	// Now is the moment that ranges count from, Zone what "browser" means.
	Now  time.Time
	Zone *time.Location
}

// Open finds what a dashboard's queries depend on: its range, and the values of
// its variables. Given values win over those that the file has; a value that the
// variable does not offer is an error.
func (a *Asker) Open(ctx context.Context, d *board.Dashboard, given map[string][]string) (State, error) {
	zone, err := ZoneOf(d, a.Zone)
	if err != nil {
		return State{}, err
	}
	r, err := ParseRange(d.Time, a.Now, zone)
	if err != nil {
		return State{}, err
	}
	s := State{Range: r, Interval: time.Second, Values: map[string]Value{}, Zone: zone.String()}
	for _, v := range d.Templating.List {
		value, err := a.value(ctx, s, v, given[v.Name])
		if err != nil {
			return State{}, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		s.Values[v.Name] = value
	}
	return s, nil
}

// ZoneOf is the time zone of a dashboard, which may be that of the browser.
func ZoneOf(d *board.Dashboard, browser *time.Location) (*time.Location, error) {
	switch d.Timezone {
	case "", "browser":
		return browser, nil
	case "utc":
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(d.Timezone)
	if err != nil {
		return nil, fmt.Errorf("find the time zone of the dashboard: %w", err)
	}
	return zone, nil
}

// NotOfferedError says that a variable was to be set to a value that it does not offer.
type NotOfferedError struct {
	Variable *board.Variable
	Value    string
	Offered  []string
}

func (e *NotOfferedError) Error() string {
	return fmt.Sprintf("%q is not one of its values %.200q", e.Value, e.Offered)
}

// value finds where a variable stands.
func (a *Asker) value(ctx context.Context, s State, v *board.Variable, given []string) (Value, error) {
	values, texts, err := a.Choices(ctx, s, v)
	if err != nil {
		return Value{}, err
	}
	chosen, fixed := given, len(given) > 0
	if !fixed {
		chosen = v.Current.Value
	}
	out := Value{Multi: v.Multi}
	switch {
	case v.Type == "textbox" || v.Type == "constant":
		if !fixed {
			chosen = []string{v.Query.Text}
		}
		out.Values, out.Texts = chosen, chosen
		return out, nil
	case v.IncludeAll && (slices.Equal(chosen, []string{board.AllValue}) || len(chosen) == 0):
		return Value{Values: values, Texts: texts, Multi: true, All: true, AllText: v.AllValue}, nil
	}
	for _, one := range chosen {
		at := slices.Index(values, one)
		if at < 0 && fixed {
			return Value{}, &NotOfferedError{Variable: v, Value: one, Offered: values}
		}
		if at >= 0 {
			out.Values, out.Texts = append(out.Values, values[at]), append(out.Texts, texts[at])
		}
	}
	if len(out.Values) == 0 && len(values) > 0 { // what was chosen once is gone
		out.Values, out.Texts = values[:1], texts[:1]
	}
	return out, nil
}

// Choices lists what a variable offers: values, and their texts for people.
func (a *Asker) Choices(ctx context.Context, s State, v *board.Variable) (values, texts []string, err error) {
	if v.Type != "query" {
		values, texts = v.Choices()
		return values, texts, nil
	}
	sql, err := s.SQL(v.Query.Text)
	if err != nil {
		return nil, nil, err
	}
	f, err := table(ctx, a.Querier, sql)
	if err != nil {
		return nil, nil, fmt.Errorf("list its values: %w", err)
	}
	if len(f.Fields) == 0 {
		return nil, nil, nil
	}
	text := f.Fields[min(1, len(f.Fields)-1)]
	for row := range f.Rows() {
		if value := f.Fields[0].Text(row); !slices.Contains(values, value) {
			values, texts = append(values, value), append(texts, text.Text(row))
		}
	}
	return values, texts, nil
}

// Panel runs the queries of a panel, transforms their rows and says how each
// field looks.
func (a *Asker) Panel(ctx context.Context, s State, p *board.Panel) ([]*frame.Frame, error) {
	s.Interval = s.Range.Interval(p.MaxDataPoints, leastInterval(p.Interval))
	var frames []*frame.Frame
	for _, target := range p.Targets {
		if target.Hide {
			continue
		}
		sql, err := s.SQL(target.SQL)
		if err != nil {
			return nil, err
		}
		found, err := Frames(ctx, a.Querier, target, sql)
		if err != nil {
			return nil, err
		}
		frames = append(frames, found...)
	}
	frames, err := frame.Transform(frames, p.Transformations)
	if err != nil {
		return nil, err
	}
	return frames, frame.Configure(frames, p.FieldConfig)
}

// Mark is a moment, or a stretch of time, that an annotation names.
type Mark struct {
	// No tells marks apart: 1 is the first in time.
	No          int
	At, Until   time.Time
	Title, Text string
	Color       string
}

// Marks runs the queries of a dashboard's annotations and returns what they name in
// the order of time.
func (a *Asker) Marks(ctx context.Context, d *board.Dashboard, s State) ([]Mark, error) {
	var marks []Mark
	for _, annotation := range d.Annotations.List {
		if !annotation.Enable || annotation.BuiltIn == 1 {
			continue
		}
		sql, err := s.SQL(annotation.Target.SQL)
		if err != nil {
			return nil, err
		}
		f, err := table(ctx, a.Querier, sql)
		if err != nil {
			return nil, fmt.Errorf("annotation %s: %w", annotation.Name, err)
		}
		marks = append(marks, marksOf(f, annotation.IconColor)...)
	}
	slices.SortStableFunc(marks, func(a, b Mark) int { return a.At.Compare(b.At) })
	for i := range marks {
		marks[i].No = i + 1
	}
	return marks, nil
}

func marksOf(f *frame.Frame, color string) []Mark {
	at := f.Field("time")
	if at == nil {
		at = f.First(frame.Time)
	}
	if at == nil {
		return nil
	}
	text := func(name string, row int) string {
		if field := f.Field(name); field != nil {
			return field.Text(row)
		}
		return ""
	}
	var marks []Mark
	for row := range f.Rows() {
		moment, ok := at.Values[row].(time.Time)
		if !ok {
			continue
		}
		m := Mark{At: moment, Title: text("title", row), Text: text("text", row), Color: color}
		if end := f.Field("timeEnd"); end != nil {
			m.Until, _ = end.Values[row].(time.Time)
		}
		marks = append(marks, m)
	}
	return marks
}
