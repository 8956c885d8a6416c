package sqldb

import (
	"time"

	"winback/connectors/entity"
	"winback/connectors/mapping"
	"winback/connectors/spec"
)

// surroundings are what a mapping takes from the project.
type surroundings struct {
	location *time.Location
	currency string
}

// plan is a dataset made ready, as far as that goes without its server.
type plan struct {
	name   string
	config *Dataset
	node   spec.Node
	schema *entity.Schema
	fields []field
	from   string // what messages call the table or query

	payload  mapping.Payload
	sweep    time.Duration
	location *time.Location // of times without a zone
	overlap  Overlap
	sweeping bool // only the keys, all of them
	// fingerprint tells mappings apart whose rows would differ.
	fingerprint string
}

// origin is where a field's value comes from.
type origin uint8

const (
	fromNothing origin = iota // rules and default only
	fromColumn
	fromSQL
	fromConst
	fromColumns
)

// field says how one field is made.
type field struct {
	to       *entity.Field
	config   *Field
	node     spec.Node
	origin   origin
	name     string // of the column, or the expression
	required bool
	lenient  bool
	implied  bool // not configured

	constant value
	fallback value
	rules    []rule

	texts    mapping.Texts
	layouts  []mapping.Layout
	written  string // layouts as configured, for messages
	location *time.Location
	numbers  mapping.NumberFormat
}

// rule gives a field a value where the column meets the test.
type rule struct {
	column string
	node   spec.Node
	test   mapping.Test
	value  value
}

// textual says that values go through their text, as something is configured that
// is done to texts.
func (f *field) textual() bool {
	return !f.texts.Plain() || len(f.config.Layout) > 0 || f.numbers.Point != 0 || f.numbers.Thousands != ""
}

// value is a converted value. Its bytes are valid until the next row is read.
type value struct {
	set  bool
	n    int64    // Int, Dec, Timestamp, Day, Bool
	text []byte   // Text, Enum, JSON
	list []string // TextList; TextMap as key, value, key …
}

// put sets a value in the row being written.
func (v *value) put(b *entity.Batch, f *entity.Field) {
	switch f.Kind {
	case entity.Text, entity.Enum, entity.JSON:
		b.SetText(f.Index, v.text)
	case entity.TextList:
		b.SetList(f.Index, v.list)
	case entity.TextMap:
		pairs := make([][2]string, 0, len(v.list)/2)
		for i := 0; i+1 < len(v.list); i += 2 {
			pairs = append(pairs, [2]string{v.list[i], v.list[i+1]})
		}
		b.SetMap(f.Index, pairs)
	default:
		b.SetInt(f.Index, v.n)
	}
}

// misfit says why a row does not fit.
type misfit struct {
	column, value, reason string
}
