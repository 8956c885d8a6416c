package files

import (
	"time"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/mapping"
)

// surroundings is what a mapping takes from the project.
type surroundings struct {
	location *time.Location // zone of times that name none; nil: UTC
	currency string         // of entities that map none
}

// plan is a dataset's configuration made ready for use. It does not change once
// compiled, and may be used by several goroutines.
type plan struct {
	name     string
	config   *Dataset
	columns  []columnRef // by slot
	scopes   []jsonPath  // arrays in the records whose elements make rows
	lines    int         // that of scopes, from 1, whose elements are an order's lines; 0: none
	zones    []*time.Location
	where    []condition
	group    *field // of group_by, or nil
	entities []*entityPlan
	// primary is the entity that records as such are counted and put aside for:
	// the first with a row per record, else the first.
	primary    int
	duplicates map[string]connectors.Duplicates // by entity
	// newest is the field that tells which of two documents is newer.
	newest newestField
	// fingerprint changes when rows would come out differently.
	fingerprint string
}

// newestField is a field of an entity with a row per document.
type newestField struct {
	entity int // of the plan
	at     int // in the schema
}

// columnRef is a column that the mapping uses, by the names it may have.
type columnRef struct {
	names    []string
	optional bool
	scope    int // 0: of the record, else of the elements of one of the scopes, from 1
}

// entityPlan says how records become rows of one entity.
type entityPlan struct {
	schema      *entity.Schema
	fields      []field
	where       []condition
	perDocument bool
	scope       int // a row for each element of that scope, from 1; 0: for each record
	payload     payloadPlan
}

// payloadPlan says what goes into the payload of an entity's rows.
type payloadPlan struct {
	mode  string
	scope int   // of the entity
	slots []int // of mode columns
	field int   // position of payload in the schema
}

// sourceKind is where a field's value comes from.
type sourceKind int

const (
	fromNothing sourceKind = iota // rules and default only
	fromColumn
	fromConst
	fromProduct
	fromJoin
	fromColumns
	fromLineNumber
	fromLineCount
	fromFileName
	fromFileLine
	fromRowHash
)

// foldKind is how a document's value is made from those of its records.
type foldKind int

const (
	foldFirst foldKind = iota
	foldLast
	foldMin
	foldMax
	foldSum
	foldCount
)

var foldNames = map[string]foldKind{
	"": foldFirst, "first": foldFirst, "last": foldLast, "min": foldMin, "max": foldMax, "sum": foldSum, "count": foldCount,
}

// field says how one field is made.
type field struct {
	at       int // position in the schema; -1 outside one
	name     string
	kind     entity.Kind
	scale    int
	required bool
	lenient  bool // a value that cannot be read is left out
	to       entity.Field

	source   sourceKind
	slot     int      // of fromColumn
	slots    []int    // of fromProduct, fromJoin and fromColumns
	keys     []string // of fromColumns
	constant value    // of fromConst

	rules    []rule
	fallback value

	texts   mapping.Texts
	layouts []mapping.Layout
	written string // layouts as configured, for messages
	iso     bool   // iso is the first layout
	zone    int    // number of the time zone in plan.zones
	numbers mapping.NumberFormat
	clock   bool // a duration such as 1:02:03 is its seconds
	fold    foldKind

	// direct says that the column's text is converted as it is: no rules, nulls,
	// cleaners or words.
	direct bool
}

// rule gives a field a value where its conditions are met.
type rule struct {
	when  condition
	value value
}

// condition is met by a record whose column meets a test.
type condition struct {
	slot  int
	test  mapping.Test
	texts mapping.Texts // tells which texts are no value, where numbers are compared
}

// value is a converted value. Its bytes and items are valid until the next
// record is read.
type value struct {
	set  bool
	n    int64    // Int, Dec, Timestamp, Day, Bool
	text []byte   // Text, Enum, JSON
	list []string // TextList; TextMap as key, value, key …
}

// misfit says why a record does not fit.
type misfit struct {
	entity *entity.Schema // nil: the primary one
	column string
	value  string
	reason string
}
