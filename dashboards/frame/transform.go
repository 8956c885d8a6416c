package frame

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"winback/dashboards/board"
)

// Transform applies a panel's transformations in their order. An error names one
// that is not known here.
func Transform(frames []*Frame, steps []board.Transformation) ([]*Frame, error) {
	for _, step := range steps {
		if step.Disabled {
			continue
		}
		apply, known := transformations[step.ID]
		if !known {
			return nil, fmt.Errorf("the transformation %q is not known to the report", step.ID)
		}
		var err error
		if frames, err = apply(frames, step.Options); err != nil {
			return nil, fmt.Errorf("transformation %s: %w", step.ID, err)
		}
	}
	return frames, nil
}

type transformation func(frames []*Frame, options json.RawMessage) ([]*Frame, error)

var transformations = map[string]transformation{
	"organize": organize, "filterFieldsByName": filterFields, "sortBy": sortBy, "limit": limit, "reduce": reduceFrames,
	"rowsToFields": rowsToFields, "groupingToMatrix": groupingToMatrix, "merge": merge, "joinByField": joinByField,
	"partitionByValues": partitionByValues,
}

func organize(frames []*Frame, options json.RawMessage) ([]*Frame, error) {
	var o struct {
		Exclude map[string]bool   `json:"excludeByName"`
		Index   map[string]int    `json:"indexByName"`
		Rename  map[string]string `json:"renameByName"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, err
	}
	for _, f := range frames {
		f.Fields = slices.DeleteFunc(slices.Clone(f.Fields), func(field *Field) bool { return o.Exclude[field.Name] })
		slices.SortStableFunc(f.Fields, func(a, b *Field) int {
			x, listed := o.Index[a.Name]
			y, too := o.Index[b.Name]
			if listed && too {
				return x - y
			}
			return 0
		})
		for _, field := range f.Fields {
			if name := o.Rename[field.Name]; name != "" {
				field.Name = name
			}
		}
	}
	return frames, nil
}

func filterFields(frames []*Frame, options json.RawMessage) ([]*Frame, error) {
	var o struct {
		Include struct {
			Names   []string `json:"names"`
			Pattern string   `json:"pattern"`
		} `json:"include"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, err
	}
	pattern, err := board.Pattern(o.Include.Pattern)
	if err != nil {
		return nil, err
	}
	for _, f := range frames {
		f.Fields = slices.DeleteFunc(slices.Clone(f.Fields), func(field *Field) bool {
			return !slices.Contains(o.Include.Names, field.Name) && (o.Include.Pattern == "" || !pattern.MatchString(field.Name))
		})
	}
	return frames, nil
}

func sortBy(frames []*Frame, options json.RawMessage) ([]*Frame, error) {
	var o struct {
		Sort []struct {
			Field string `json:"field"`
			Desc  bool   `json:"desc"`
		} `json:"sort"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, err
	}
	for i, f := range frames {
		if len(o.Sort) == 0 || f.Field(o.Sort[0].Field) == nil {
			continue
		}
		frames[i] = f.Sorted(f.Field(o.Sort[0].Field), o.Sort[0].Desc)
	}
	return frames, nil
}

func limit(frames []*Frame, options json.RawMessage) ([]*Frame, error) {
	o := struct {
		Limit int `json:"limitField"`
	}{10}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, err
	}
	for _, f := range frames {
		for _, field := range f.Fields {
			field.Values = field.Values[:min(o.Limit, len(field.Values))]
		}
	}
	return frames, nil
}

// reduceFrames makes a row of each numeric field, with the calculations as
// columns.
func reduceFrames(frames []*Frame, options json.RawMessage) ([]*Frame, error) {
	var o struct {
		Reducers []string `json:"reducers"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, err
	}
	nameFields(frames)
	out := &Frame{Fields: []*Field{{Name: "Field", Kind: String}}}
	for _, id := range o.Reducers {
		out.Fields = append(out.Fields, &Field{Name: ReducerName(id), Kind: Number})
	}
	for _, f := range frames {
		for _, field := range f.OfKind(Number) {
			out.Fields[0].Values = append(out.Fields[0].Values, field.Display)
			for i, id := range o.Reducers {
				out.Fields[i+1].Values = append(out.Fields[i+1].Values, field.Reduce(id))
			}
		}
	}
	return []*Frame{out}, nil
}

// rowsToFields makes a field of every row, named by one column, with the value of
// another.
func rowsToFields(frames []*Frame, options json.RawMessage) ([]*Frame, error) {
	var o struct {
		Mappings []struct {
			Field   string `json:"fieldName"`
			Handler string `json:"handlerKey"`
		} `json:"mappings"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, err
	}
	out := &Frame{}
	for _, f := range frames {
		name, value := f.First(String), f.First(Number)
		for _, m := range o.Mappings {
			switch m.Handler {
			case "field.name":
				name = f.Field(m.Field)
			case "field.value":
				value = f.Field(m.Field)
			}
		}
		if name == nil || value == nil {
			return nil, fmt.Errorf("a column for the names or for the values is missing")
		}
		for row := range f.Rows() {
			out.Fields = append(out.Fields, &Field{Name: name.Text(row), Kind: value.Kind, Values: []any{value.Values[row]}})
		}
	}
	return []*Frame{out}, nil
}

// groupingToMatrix makes a table of rows by columns out of triples.
func groupingToMatrix(frames []*Frame, options json.RawMessage) ([]*Frame, error) {
	var o struct {
		Column string `json:"columnField"`
		Row    string `json:"rowField"`
		Value  string `json:"valueField"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, err
	}
	if len(frames) == 0 || frames[0].Rows() == 0 { // without rows the server may not even name columns
		return frames, nil
	}
	f := frames[0]
	column, row, value := f.Field(o.Column), f.Field(o.Row), f.Field(o.Value)
	if column == nil || row == nil || value == nil {
		return nil, fmt.Errorf("a column of %s, %s, %s is missing", o.Column, o.Row, o.Value)
	}
	head := &Field{Name: o.Row + `\` + o.Column, Kind: row.Kind}
	out, rows, columns := &Frame{Name: f.Name, Fields: []*Field{head}}, map[string]int{}, map[string]*Field{}
	for i := range f.Rows() {
		r, known := rows[row.Text(i)]
		if !known {
			r = len(head.Values)
			rows[row.Text(i)] = r
			head.Values = append(head.Values, row.Values[i])
		}
		cells := columns[column.Text(i)]
		if cells == nil {
			cells = &Field{Name: column.Text(i), Kind: value.Kind}
			columns[column.Text(i)] = cells
			out.Fields = append(out.Fields, cells)
		}
		cells.put(r, value.Values[i])
	}
	for _, field := range out.Fields[1:] {
		field.put(len(head.Values)-1, field.at(len(head.Values)-1))
	}
	return []*Frame{out}, nil
}

// partitionByValues makes a frame of the rows of each value of some columns.
func partitionByValues(frames []*Frame, options json.RawMessage) ([]*Frame, error) {
	var o struct {
		Fields     []string `json:"fields"`
		KeepFields bool     `json:"keepFields"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, err
	}
	var parts []*Frame
	for _, f := range frames {
		rows, order := map[string][]int{}, []string{}
		for i := range f.Rows() {
			key := ""
			for _, name := range o.Fields {
				if by := f.Field(name); by != nil {
					key += by.Text(i) + "\x00"
				}
			}
			if _, known := rows[key]; !known {
				order = append(order, key)
			}
			rows[key] = append(rows[key], i)
		}
		for _, key := range order {
			parts = append(parts, partOf(f.Keep(rows[key]), o.Fields, o.KeepFields))
		}
	}
	return parts, nil
}

// partOf makes labels of the columns that a part has one value of.
func partOf(part *Frame, by []string, keep bool) *Frame {
	labels := map[string]string{}
	for _, name := range by {
		if field := part.Field(name); field != nil {
			labels[name] = field.Text(0)
		}
	}
	out := &Frame{Name: part.Name}
	for _, field := range part.Fields {
		if _, split := labels[field.Name]; split && !keep {
			continue
		}
		field.Labels = labels
		out.Fields = append(out.Fields, field)
	}
	return out
}

// put sets the value of a row, filling the rows before it with nulls.
func (f *Field) put(row int, v any) {
	for len(f.Values) <= row {
		f.Values = append(f.Values, nil)
	}
	if row >= 0 {
		f.Values[row] = v
	}
}

func (f *Field) at(row int) any {
	if row < 0 || row >= len(f.Values) {
		return nil
	}
	return f.Values[row]
}

// merge puts the rows of several frames into one, by the values of the fields
// they share.
func merge(frames []*Frame, _ json.RawMessage) ([]*Frame, error) {
	if len(frames) < 2 {
		return frames, nil
	}
	var shared []string
	for _, field := range frames[0].Fields {
		if !slices.ContainsFunc(frames[1:], func(f *Frame) bool { return f.Field(field.Name) == nil }) {
			shared = append(shared, field.Name)
		}
	}
	return joined(frames, shared), nil
}

func joinByField(frames []*Frame, options json.RawMessage) ([]*Frame, error) {
	var o struct {
		By string `json:"byField"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, err
	}
	if o.By == "" && len(frames) > 0 && frames[0].First(Time) != nil {
		o.By = frames[0].First(Time).Name
	}
	out := joined(frames, []string{o.By})
	if len(out) == 1 && out[0].Field(o.By) != nil {
		out[0] = out[0].Sorted(out[0].Field(o.By), false)
	}
	return out, nil
}

// joined is a full join of frames on the fields named.
func joined(frames []*Frame, on []string) []*Frame {
	out, rows, fields := &Frame{}, map[string]int{}, map[string]*Field{}
	for _, f := range frames {
		for i := range f.Rows() {
			var key strings.Builder
			for _, name := range on {
				if field := f.Field(name); field != nil {
					fmt.Fprintf(&key, "%q", field.Text(i))
				}
			}
			row, known := rows[key.String()]
			if !known {
				row = len(rows)
				rows[key.String()] = row
			}
			for _, field := range f.Fields {
				target := fields[field.Name]
				if target == nil {
					target = field.Like()
					fields[field.Name] = target
					out.Fields = append(out.Fields, target)
				}
				target.put(row, field.Values[i])
			}
		}
	}
	for _, field := range out.Fields {
		if len(field.Values) < len(rows) {
			field.put(len(rows)-1, nil)
		}
	}
	return []*Frame{out}
}
