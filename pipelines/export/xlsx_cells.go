package export

import (
	"math"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/xuri/excelize/v2"
)

// The font of a new workbook, which a style of its own has to repeat.
const (
	font     = "Calibri"
	fontSize = 11
)

// The styles of cells.
const (
	headingStyle = "heading"
	boldStyle    = "bold"
	topStyle     = "top"
	wrapStyle    = "wrap"
	wholeStyle   = "0"
	numberStyle  = "#,##0.00"
	rightStyle   = "right"
	linkStyle    = "link"
	dayStyle     = "yyyy-mm-dd"
	momentStyle  = "yyyy-mm-dd hh:mm:ss"
)

func (w *workbook) makeStyles() error {
	top := &excelize.Alignment{Vertical: "top"}
	styles := map[string]*excelize.Style{
		headingStyle: {
			Font:      &excelize.Font{Bold: true, Color: "FFFFFF", Family: font, Size: fontSize},
			Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"2F4B6E"}},
			Alignment: &excelize.Alignment{Vertical: "center"},
		},
		boldStyle:  {Font: &excelize.Font{Bold: true, Family: font, Size: fontSize}, Alignment: top},
		topStyle:   {Alignment: top},
		wrapStyle:  {Alignment: &excelize.Alignment{Vertical: "top", WrapText: true}},
		rightStyle: {Alignment: &excelize.Alignment{Horizontal: "right"}},
		linkStyle:  {Font: &excelize.Font{Color: "0563C1", Underline: "single", Family: font, Size: fontSize}},
		wholeStyle: {NumFmt: 1},
	}
	for _, format := range []string{numberStyle, dayStyle, momentStyle} {
		styles[format] = &excelize.Style{CustomNumFmt: &format}
	}
	for name, style := range styles {
		id, err := w.file.NewStyle(style)
		if err != nil {
			return err
		}
		w.styles[name] = id
	}
	return nil
}

// cells returns the cells of an array's values: numbers, dates and points in
// time as such, everything else as text. A null is an empty cell.
func (w *workbook) cells(a arrow.Array) func(i int) any {
	value := w.values(a)
	return func(i int) any {
		if a.IsNull(i) {
			return nil
		}
		return value(i)
	}
}

func (w *workbook) values(a arrow.Array) func(i int) any {
	switch a := a.(type) {
	case *array.Boolean:
		return func(i int) any { return a.Value(i) }
	case *array.Float32:
		return func(i int) any { return w.float(float64(a.Value(i)), 32) }
	case *array.Float64:
		return func(i int) any { return w.float(a.Value(i), 64) }
	case *array.Date32:
		return func(i int) any { return w.moment(a.Value(i).ToTime(), dayStyle, time.DateOnly) }
	case *array.Timestamp:
		at := instants(a)
		return func(i int) any { return w.moment(at(i), momentStyle, time.DateTime) }
	}
	if appendNumber := numbers(a); appendNumber != nil {
		style := w.styles[wholeStyle]
		if grouped(a.DataType()) {
			style = w.styles[numberStyle]
		}
		var text []byte
		return func(i int) any {
			text = appendNumber(text[:0], i)
			return w.number(text, style)
		}
	}
	var text []byte
	appendText := values(a)
	return func(i int) any {
		text = appendText(text[:0], i)
		return w.text(string(text))
	}
}

// grouped says whether a type's numbers are shown in groups of three digits and
// with two behind the point: sums of money, averages. Counts and ids are not.
func grouped(kind arrow.DataType) bool {
	decimal, ok := kind.(arrow.DecimalType)
	return ok && decimal.GetScale() > 0
}

// exactDigits is how many digits of a number every spreadsheet keeps.
const exactDigits = 15

// number makes an exact number a cell. What has more digits than a spreadsheet
// keeps becomes text: an id or a sum that is nearly right is wrong.
func (w *workbook) number(text []byte, style int) any {
	digits, significant := 0, false
	for _, c := range text {
		if c < '0' || c > '9' {
			continue
		}
		significant = significant || c != '0'
		if significant {
			digits++
		}
	}
	if digits > exactDigits {
		w.exact++
		return excelize.Cell{StyleID: w.styles[rightStyle], Value: string(text)}
	}
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return w.text(string(text))
	}
	return excelize.Cell{StyleID: style, Value: value}
}

// float makes a floating-point number a cell; what is none becomes text.
func (w *workbook) float(value float64, bits int) any {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return strconv.FormatFloat(value, 'g', -1, bits)
	}
	if bits == 32 {
		value, _ = strconv.ParseFloat(strconv.FormatFloat(value, 'g', -1, 32), 64) // 0.1 and not 0.10000000149
	}
	return excelize.Cell{StyleID: w.styles[numberStyle], Value: value}
}

// firstDay is the first day that all spreadsheets agree on.
var firstDay = time.Date(1900, 3, 1, 0, 0, 0, 0, time.UTC)

// moment makes a day or a point in time a cell, as the clocks of its zone show
// it. Days before those that spreadsheets know become text.
func (w *workbook) moment(at time.Time, style, layout string) any {
	clock := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
	if clock.Before(firstDay) || clock.Year() > 9999 {
		return clock.Format(layout)
	}
	return excelize.Cell{StyleID: w.styles[style], Value: clock}
}

// text makes a text a cell, counting those that do not fit into one.
func (w *workbook) text(text string) any {
	if len(text) > excelize.TotalCellChars && len(utf16.Encode([]rune(text))) > excelize.TotalCellChars {
		w.cut++
	}
	return text
}
