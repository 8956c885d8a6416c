package landing

import (
	"bytes"
	"fmt"
	"reflect"
	"sync"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"winback/connectors/entity"
)

// ParquetSchema returns the Parquet schema of an entity's part files: the
// contract's fields in the contract's order. Text, enumerations and JSON are
// UTF-8 strings, decimals INT64 with the field's scale and 18 digits, timestamps
// microseconds in UTC, dates DATE, lists LIST and maps MAP. Required fields are
// required; lists and maps are required too, and may be empty.
func ParquetSchema(s *entity.Schema) *parquet.Schema {
	root := orderedGroup{Group: parquet.Group{}}
	for i := range s.Fields {
		f := &s.Fields[i]
		node := nodeOf(f)
		if !f.Required {
			node = parquet.Optional(node)
		}
		root.Group[f.Name] = node
		root.fields = append(root.fields, namedNode{Node: node, name: f.Name})
	}
	return parquet.NewSchema(s.Table(), root)
}

func nodeOf(f *entity.Field) parquet.Node {
	switch f.Kind {
	case entity.Text, entity.JSON:
		return parquet.String()
	case entity.Enum:
		return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case entity.Int:
		return parquet.Int(64)
	case entity.Dec:
		return parquet.Decimal(f.Scale, decimalDigits, parquet.Int64Type)
	case entity.Bool:
		return parquet.Leaf(parquet.BooleanType)
	case entity.Timestamp:
		return parquet.Timestamp(parquet.Microsecond)
	case entity.Day:
		return parquet.Date()
	case entity.TextList:
		return parquet.List(parquet.String())
	case entity.TextMap:
		return parquet.Map(parquet.String(), parquet.String())
	}
	panic(fmt.Sprintf("no Parquet type for %s field %s", f.Kind, f.Name))
}

// decimalDigits is the precision of every decimal of the contract.
const decimalDigits = 18

// orderedGroup is a group that keeps its fields in the order given; the
// library's own group sorts them by name.
type orderedGroup struct {
	parquet.Group
	fields []parquet.Field
}

func (g orderedGroup) Fields() []parquet.Field { return g.fields }

// namedNode is a field of an orderedGroup.
type namedNode struct {
	parquet.Node
	name string
}

func (n namedNode) Name() string { return n.name }

func (n namedNode) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(n.name))
}

// leaf is one Parquet column of an entity. A map field has two, every other
// field one.
type leaf struct {
	field  *entity.Field
	path   []string
	typ    format.Type
	maxDef uint8
	maxRep uint8
}

// layout is what an entity's part files have in common.
type layout struct {
	schema   *entity.Schema
	parquet  *parquet.Schema
	elements []format.SchemaElement
	orders   []format.ColumnOrder
	leaves   []leaf
	first    []int // number of the first leaf of each field
	sorting  []format.SortingColumn
}

// layouts remembers the layout of each entity: the schemas are shared and
// constant, and a layout takes reflection to make.
var layouts sync.Map

func layoutOf(s *entity.Schema) (*layout, error) {
	if l, ok := layouts.Load(s); ok {
		return l.(*layout), nil
	}
	l, err := newLayout(s)
	if err != nil {
		return nil, err
	}
	known, _ := layouts.LoadOrStore(s, l)
	return known.(*layout), nil
}

func newLayout(s *entity.Schema) (*layout, error) {
	l := &layout{schema: s, parquet: ParquetSchema(s), first: make([]int, len(s.Fields))}
	// The library writes an empty file, whose footer then has the schema as it
	// has to stand in every part file.
	var empty bytes.Buffer
	if err := parquet.NewGenericWriter[any](&empty, l.parquet).Close(); err != nil {
		return nil, fmt.Errorf("make the Parquet schema of %s: %w", s.FullName(), err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(empty.Bytes()), int64(empty.Len()))
	if err != nil {
		return nil, fmt.Errorf("make the Parquet schema of %s: %w", s.FullName(), err)
	}
	l.elements, l.orders = file.Metadata().Schema, file.Metadata().ColumnOrders
	for i := range s.Fields {
		l.first[i] = len(l.leaves)
		l.leaves = append(l.leaves, leavesOf(&s.Fields[i])...)
	}
	for _, key := range s.Keys {
		l.sorting = append(l.sorting, format.SortingColumn{ColumnIdx: int32(l.first[key])})
	}
	return l, nil
}

func leavesOf(f *entity.Field) []leaf {
	switch f.Kind {
	case entity.TextList:
		return []leaf{{field: f, path: []string{f.Name, "list", "element"}, typ: format.ByteArray, maxDef: 1, maxRep: 1}}
	case entity.TextMap:
		return []leaf{
			{field: f, path: []string{f.Name, "key_value", "key"}, typ: format.ByteArray, maxDef: 1, maxRep: 1},
			{field: f, path: []string{f.Name, "key_value", "value"}, typ: format.ByteArray, maxDef: 1, maxRep: 1},
		}
	}
	l := leaf{field: f, path: []string{f.Name}, typ: physicalType(f.Kind)}
	if !f.Required {
		l.maxDef = 1
	}
	return []leaf{l}
}

func physicalType(k entity.Kind) format.Type {
	switch k {
	case entity.Int, entity.Dec, entity.Timestamp:
		return format.Int64
	case entity.Day:
		return format.Int32
	case entity.Bool:
		return format.Boolean
	}
	return format.ByteArray
}
