package ask

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"winback/dashboards/board"
	"winback/dashboards/frame"
)

// Querier is a connection to ClickHouse.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (driver.Rows, error)
}

// Frames runs a query and returns its rows as the plugin hands them to a panel.
// The driver's own types are read, as the plugin does: Arrow would turn a
// DateTime into a number and an Enum into its index.
func Frames(ctx context.Context, q Querier, target board.Target, sql string) ([]*frame.Frame, error) {
	f, err := table(ctx, q, sql)
	if err != nil {
		return nil, err
	}
	f.Name = target.RefID
	if target.Format == 1 {
		return []*frame.Frame{f}, nil
	}
	return series(f)
}

// table reads the rows as they are.
func table(ctx context.Context, q Querier, sql string) (f *frame.Frame, err error) {
	rows, err := q.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types := rows.ColumnTypes()
	f = &frame.Frame{}
	for _, t := range types {
		f.Fields = append(f.Fields, &frame.Field{Name: t.Name(), Kind: kindOf(t.DatabaseTypeName())})
	}
	targets := make([]any, len(types))
	for rows.Next() {
		for i, t := range types {
			targets[i] = reflect.New(t.ScanType()).Interface()
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		for i, field := range f.Fields {
			field.Values = append(field.Values, plain(targets[i]))
		}
	}
	return f, rows.Err()
}

// kindOf returns what a ClickHouse type is to a panel.
func kindOf(name string) frame.Kind {
	for _, wrap := range []string{"LowCardinality(", "Nullable("} {
		if inner, ok := strings.CutPrefix(name, wrap); ok {
			name = strings.TrimSuffix(inner, ")")
		}
	}
	switch {
	case strings.HasPrefix(name, "Date"):
		return frame.Time
	case name == "Bool":
		return frame.Boolean
	case strings.HasPrefix(name, "Int"), strings.HasPrefix(name, "UInt"), strings.HasPrefix(name, "Float"), strings.HasPrefix(name, "Decimal"):
		return frame.Number
	}
	return frame.String
}

// plain takes pointers and types of the driver off a value. What is no number is
// nothing: a division by zero shows an empty cell.
func plain(target any) any {
	v := reflect.ValueOf(target).Elem()
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case decimal.Decimal:
		return x.InexactFloat64()
	case big.Int:
		f, _ := new(big.Float).SetInt(&x).Float64()
		return f
	case time.Time:
		return x.UTC()
	case string:
		return x
	case bool:
		return x
	}
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	case v.CanFloat():
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			return nil
		}
		return v.Float()
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return fmt.Sprint(v.Interface())
	}
	return string(text)
}

// series turns rows of a time series into frames: texts become labels, and each
// set of labels a field of its own over the times of all.
func series(f *frame.Frame) ([]*frame.Frame, error) {
	at := f.First(frame.Time)
	if f.Rows() == 0 {
		return nil, nil
	}
	labels := slices.Concat(f.OfKind(frame.String), f.OfKind(frame.Boolean))
	if at == nil || len(labels) == 0 {
		return []*frame.Frame{f}, nil
	}
	wide := &frame.Frame{Name: f.Name, Fields: []*frame.Field{{Name: at.Name, Kind: frame.Time}}}
	var last time.Time
	found := map[string]*frame.Field{}
	for row := range f.Rows() {
		moment, ok := at.Values[row].(time.Time)
		if !ok || moment.Before(last) {
			return nil, fmt.Errorf("failed to convert long to wide series: long series must be sorted ascending by time to be converted to wide series")
		}
		if row == 0 || !moment.Equal(last) {
			wide.Fields[0].Values = append(wide.Fields[0].Values, moment)
			last = moment
		}
		for _, value := range f.Fields {
			if value == at || slices.Contains(labels, value) {
				continue
			}
			field := labelledField(found, value, labels, row)
			for len(field.Values) < len(wide.Fields[0].Values) {
				field.Values = append(field.Values, nil)
			}
			field.Values[len(field.Values)-1] = value.Values[row]
		}
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names) // by column, then by labels
	for _, name := range names {
		field := found[name]
		for len(field.Values) < len(wide.Fields[0].Values) {
			field.Values = append(field.Values, nil)
		}
		wide.Fields = append(wide.Fields, field)
	}
	return []*frame.Frame{wide}, nil
}

// labelledField finds or makes the field of a value column and a row's labels.
func labelledField(found map[string]*frame.Field, value *frame.Field, labels []*frame.Field, row int) *frame.Field {
	set, key := map[string]string{}, value.Name
	for _, label := range labels {
		text := label.Text(row)
		set[label.Name] = text
		key += "\x00" + text
	}
	field := found[key]
	if field == nil {
		field = &frame.Field{Name: value.Name, Kind: value.Kind, Labels: set}
		found[key] = field
	}
	return field
}
