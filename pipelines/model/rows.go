package model

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"winback/pipelines/quote"
)

// cellKind says how a value was written.
type cellKind int

const (
	cellOther cellKind = iota // not a scalar
	cellNull
	cellBool
	cellNumber
	cellText
	cellList
	cellMap
)

// cell is one value as written in a .yml or .csv file. Numbers keep their
// digits: a decimal never passes through a float.
type cell struct {
	kind  cellKind
	text  string
	items []cell   // of a list, or the values of a map
	keys  []string // of a map
}

// row is one written row: the values of some of a table's columns.
type row struct {
	line    int
	columns []string
	cells   []cell
}

// json renders the value for a column of the given ClickHouse type. Scalars other
// than booleans and null go as strings, whatever they look like: the engine reads
// the digits exactly.
func (c cell) json(columnType string) (string, error) {
	switch c.kind {
	case cellNull:
		if !isNullable(columnType) {
			return "", fmt.Errorf("null in a column of type %s", columnType)
		}
		return "null", nil
	case cellList:
		parts, err := c.itemsJSON(columnType)
		return "[" + strings.Join(parts, ",") + "]", err
	case cellMap:
		parts, err := c.itemsJSON(columnType)
		for i := range parts {
			parts[i] = jsonString(c.keys[i]) + ":" + parts[i]
		}
		return "{" + strings.Join(parts, ",") + "}", err
	}
	switch plainType(columnType) {
	case "Bool":
		truth, err := strconv.ParseBool(c.text)
		if err != nil {
			return "", fmt.Errorf("%q in a column of type %s", c.text, columnType)
		}
		return strconv.FormatBool(truth), nil
	case "Decimal":
		if digits := decimalDigits(columnType); digits < fractionDigits(c.text) {
			return "", fmt.Errorf("%s has more decimals than %s", c.text, columnType)
		}
	}
	return jsonString(c.text), nil
}

func (c cell) itemsJSON(columnType string) (parts []string, err error) {
	for _, item := range c.items {
		part, itemErr := item.json(elementType(columnType))
		parts, err = append(parts, part), errors.Join(err, itemErr)
	}
	return parts, err
}

// elementType returns the type of an array's elements or a map's values.
func elementType(columnType string) string {
	if inner, ok := strings.CutPrefix(columnType, "Array("); ok {
		return strings.TrimSuffix(inner, ")")
	}
	if inner, ok := strings.CutPrefix(columnType, "Map("); ok {
		_, value, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ",")
		return strings.TrimSpace(value)
	}
	return columnType
}

// isNullable says whether a column of the type can hold NULL. Tuples and the like
// are left to the engine.
func isNullable(columnType string) bool {
	return strings.Contains(columnType, "Nullable(") || strings.HasPrefix(columnType, "Tuple(")
}

// plainType returns the name of a type without LowCardinality, Nullable and
// parameters: "Decimal" for Nullable(Decimal(18, 4)).
func plainType(columnType string) string {
	for {
		name, inner, ok := strings.Cut(columnType, "(")
		if name != "LowCardinality" && name != "Nullable" || !ok {
			return strings.TrimSuffix(name, ")")
		}
		columnType = strings.TrimSuffix(inner, ")")
	}
}

// decimalDigits returns the scale of a Decimal type.
func decimalDigits(columnType string) int {
	_, scale, _ := strings.Cut(columnType, ",")
	digits, err := strconv.Atoi(strings.Trim(scale, " )"))
	if err != nil { // Decimal(18) has no decimals; the engine knows other forms
		return 0
	}
	return digits
}

// fractionDigits counts the digits after the point, without closing zeros.
func fractionDigits(number string) int {
	_, fraction, _ := strings.Cut(number, ".")
	return len(strings.TrimRight(fraction, "0"))
}

func jsonString(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil { // a string always encodes
		panic(err)
	}
	return string(encoded)
}

// inline renders rows as a SQL table expression with exactly the given columns.
// Columns that a row does not mention are NULL, or the default of their type.
// The error names the line of the first wrong value.
func inline(columns []Column, rows []row) (string, error) {
	if len(rows) == 0 {
		return "null(" + structureOf(columns) + ")", nil
	}
	var lines strings.Builder
	for _, r := range rows {
		line, err := r.json(columns)
		if err != nil {
			return "", err
		}
		lines.WriteString(line)
		lines.WriteByte('\n')
	}
	return inlineLines(columns, lines.String()), nil
}

// inlineLines renders lines of JSON as a SQL table expression.
func inlineLines(columns []Column, lines string) string {
	return fmt.Sprintf("format(JSONEachRow, %s, %s)", structureOf(columns), quote.Literal(lines))
}

// structureOf returns the columns as a literal that functions of tables take.
func structureOf(columns []Column) string {
	structure := make([]string, len(columns))
	for i, column := range columns {
		structure[i] = quote.Name(column.Name) + " " + column.Type
	}
	return quote.Literal(strings.Join(structure, ", "))
}

// json renders the row as a JSON object for the columns.
func (r row) json(columns []Column) (string, error) {
	parts := make([]string, len(r.columns))
	for i, name := range r.columns {
		at := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
		if at < 0 {
			return "", &rowError{r.line, fmt.Errorf("no column %q", name)}
		}
		value, err := r.cells[i].json(columns[at].Type)
		if err != nil {
			return "", &rowError{r.line, fmt.Errorf("column %q: %w", name, err)}
		}
		parts[i] = jsonString(name) + ":" + value
	}
	return "{" + strings.Join(parts, ",") + "}", nil
}

// rowError is a wrong value in a written row.
type rowError struct {
	line int
	err  error
}

func (e *rowError) Error() string { return e.err.Error() }
func (e *rowError) Unwrap() error { return e.err }

// readCSV reads rows with a header line. An empty field is a value left out:
// NULL, or the default of the column's type. firstLine is the line of the file
// in which text starts.
func readCSV(text string, firstLine int) (columns []string, rows []row, err error) {
	reader := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	for {
		record, err := reader.Read()
		if err == io.EOF {
			return columns, rows, nil
		}
		if err != nil {
			return columns, rows, csvError(err, firstLine)
		}
		line, _ := reader.FieldPos(0)
		if columns == nil {
			columns = record
			continue
		}
		r := row{line: firstLine + line - 1}
		for i, field := range record {
			if field != "" {
				r.columns = append(r.columns, columns[i])
				r.cells = append(r.cells, cell{kind: cellText, text: field})
			}
		}
		rows = append(rows, r)
	}
}

func csvError(err error, firstLine int) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return &rowError{firstLine + parse.Line - 1, parse.Err}
	}
	return err
}

// rowPlace returns the line and text of an error about a written row.
func rowPlace(err error, otherwise int) (line int, text string) {
	if wrong, ok := errors.AsType[*rowError](err); ok {
		return wrong.line, wrong.err.Error()
	}
	return otherwise, err.Error()
}
