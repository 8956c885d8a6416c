package export

import (
	"regexp"
	"strings"
)

// Column describes a column of the result.
type Column struct {
	Name string
	// Type is its ClickHouse type.
	Type        string
	Description string
	// Personal marks personal data.
	Personal bool
}

// plain are the types that travel as they are.
var plain = regexp.MustCompile(`^(U?Int(8|16|32|64)|Float(32|64)|String|Bool|Date|Date32|DateTime64\(.*\)|Decimal(32|64|128|256)?\(.*\))$`)

// instant are the points in time of whole seconds, with or without a zone.
var instant = regexp.MustCompile(`^DateTime(?:\((.*)\))?$`)

// Expression returns the SQL that reads the column so that a file can hold it,
// given the column's quoted name. Numbers, texts, dates, lists and maps of them
// stay what they are; types that no file knows become the text that ClickHouse
// shows.
func (c Column) Expression(quoted string) string {
	kind := stripped(c.Type)
	switch {
	case plain.MatchString(kind), travels(kind):
		return quoted
	case kind == "Nothing":
		return "cast(null as Nullable(String)) as " + quoted
	case instant.MatchString(kind):
		precision := "0"
		if zone := instant.FindStringSubmatch(kind)[1]; zone != "" {
			precision += ", " + zone
		}
		return "toDateTime64(" + quoted + ", " + precision + ") as " + quoted
	}
	return "toString(" + quoted + ") as " + quoted
}

// travels says whether a list or a map is one of plain values.
func travels(kind string) bool {
	if inner, ok := wrapped(kind, "Array"); ok {
		return plain.MatchString(stripped(inner))
	}
	if inner, ok := wrapped(kind, "Map"); ok {
		key, value, _ := strings.Cut(inner, ", ")
		return plain.MatchString(stripped(key)) && plain.MatchString(stripped(value))
	}
	return false
}

// stripped takes Nullable and LowCardinality off a type.
func stripped(kind string) string {
	for {
		if inner, ok := wrapped(kind, "LowCardinality"); ok {
			kind = inner
		} else if inner, ok := wrapped(kind, "Nullable"); ok {
			kind = inner
		} else {
			return kind
		}
	}
}

// wrapped returns what is inside of name(…).
func wrapped(kind, name string) (string, bool) {
	inner, ok := strings.CutPrefix(kind, name+"(")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, ")")
}

// words says what the column's values are, for people.
func (c Column) words() string {
	kind := stripped(c.Type)
	if inner, ok := wrapped(kind, "Array"); ok {
		return "list: " + Column{Type: inner}.words()
	}
	switch {
	case strings.HasPrefix(kind, "Decimal"):
		return "decimal number"
	case strings.HasPrefix(kind, "Float"):
		return "number"
	case strings.HasPrefix(kind, "Int"), strings.HasPrefix(kind, "UInt"):
		return "whole number"
	case kind == "Bool":
		return "true or false"
	case kind == "Date", kind == "Date32":
		return "date"
	case strings.HasPrefix(kind, "DateTime"):
		return "date and time, " + zoneOf(kind)
	}
	return "text"
}

var quotedZone = regexp.MustCompile(`'(.*)'`)

func zoneOf(kind string) string {
	if zone := quotedZone.FindStringSubmatch(kind); zone != nil {
		return zone[1]
	}
	return "UTC"
}
