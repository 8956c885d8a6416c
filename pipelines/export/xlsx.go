package export

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/xuri/excelize/v2"
)

// What a sheet can hold.
const (
	sheetRows    = excelize.TotalRows // the line of names among them
	sheetColumns = excelize.MaxColumns
)

// Widths of columns, in characters.
const (
	narrowest  = 8.0
	widest     = 48.0
	widthRows  = 500 // rows that the width is taken from
	filterRoom = 4   // for the button in the heading
)

// workbook writes a sheet of rows, further ones where the rows are more than a
// sheet holds, and a sheet that says what the columns mean. Texts are text cells,
// which no program runs as formulas.
type workbook struct {
	out    io.Writer
	target Target
	file   *excelize.File
	styles map[string]int
	limit  int // rows of a sheet

	sheet  *excelize.StreamWriter // nil before the first row
	widths []float64
	line   int // last line written
	sheets int
	rows   int64
	row    []any

	exact int64 // numbers written as text
	cut   int64 // texts cut
}

func newWorkbook(out io.Writer, t Target) (*workbook, error) {
	if len(t.Columns) > sheetColumns {
		return nil, fmt.Errorf("a sheet holds %d columns, these are %d: name fewer with --columns, or write .csv or .parquet", sheetColumns, len(t.Columns))
	}
	w := &workbook{out: out, target: t, file: excelize.NewFile(), styles: map[string]int{}, limit: sheetRows, row: make([]any, len(t.Columns))}
	return w, w.makeStyles()
}

func (w *workbook) write(rows arrow.RecordBatch) error {
	cells := make([]func(int) any, rows.NumCols())
	for at := range cells {
		cells[at] = w.linked(rows.ColumnName(at), w.cells(rows.Column(at)))
	}
	if w.widths == nil {
		w.widths = w.measure(rows)
	}
	for i := range int(rows.NumRows()) {
		if w.sheet == nil || w.line == w.limit {
			if err := w.nextSheet(); err != nil {
				return err
			}
		}
		for at, cell := range cells {
			w.row[at] = cell(i)
		}
		if err := w.writeLine(w.row); err != nil {
			return err
		}
		w.rows++
	}
	return nil
}

// writeLine writes the next line of the sheet.
func (w *workbook) writeLine(cells []any, options ...excelize.RowOpts) error {
	w.line++
	at, err := excelize.CoordinatesToCellName(1, w.line)
	if err != nil {
		return err
	}
	return w.sheet.SetRow(at, cells, options...)
}

// nextSheet ends the sheet and begins another one: heading bold and held in
// place, columns as wide as their values.
func (w *workbook) nextSheet() error {
	if err := w.endSheet(); err != nil {
		return err
	}
	if err := w.addSheet(sheetName(w.target.Title, w.sheets+1)); err != nil {
		return err
	}
	w.sheets++
	if w.widths == nil {
		w.widths = w.measure(nil)
	}
	heading := make([]any, len(w.target.Columns))
	for at, column := range w.target.Columns {
		if err := w.sheet.SetColWidth(at+1, at+1, w.widths[at]); err != nil {
			return err
		}
		heading[at] = excelize.Cell{StyleID: w.styles[headingStyle], Value: column.Name}
	}
	return w.writeHeading(heading)
}

// addSheet begins a sheet of that name; the first takes the place of the one
// that a new workbook has.
func (w *workbook) addSheet(name string) (err error) {
	if w.sheets == 0 {
		err = w.file.SetSheetName(w.file.GetSheetName(0), name)
	} else {
		_, err = w.file.NewSheet(name)
	}
	if err != nil {
		return err
	}
	if err := w.preparePrinting(name); err != nil {
		return err
	}
	w.line = 0
	w.sheet, err = w.file.NewStreamWriter(name)
	return err
}

// preparePrinting makes a sheet print on pages as wide as it is, each with the
// heading.
func (w *workbook) preparePrinting(sheet string) error {
	fit, landscape, wide, long := true, "landscape", 1, 0
	return errors.Join(
		w.file.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit}),
		w.file.SetPageLayout(sheet, &excelize.PageLayoutOptions{Orientation: &landscape, FitToWidth: &wide, FitToHeight: &long}),
		w.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + sheet + "'!$1:$1", Scope: sheet}),
	)
}

func (w *workbook) writeHeading(cells []any) error {
	panes := &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}
	if err := w.sheet.SetPanes(panes); err != nil {
		return err
	}
	return w.writeLine(cells, excelize.RowOpts{Height: 20})
}

// endSheet makes the lines of the sheet a table, whose heading filters and
// sorts, and ends the sheet.
func (w *workbook) endSheet() error {
	if w.sheet == nil {
		return nil
	}
	last, err := excelize.CoordinatesToCellName(len(w.row), max(w.line, 2))
	if err != nil {
		return err
	}
	noStripes := false
	table := &excelize.Table{Range: "A1:" + last, Name: tableName(w.target.Title, w.sheets), ShowRowStripes: &noStripes}
	if err := w.sheet.AddTable(table); err != nil {
		return err
	}
	return w.sheet.Flush()
}

func (w *workbook) finish() error {
	if w.sheet == nil {
		if err := w.nextSheet(); err != nil { // no rows: a heading all the same
			return err
		}
	}
	if err := w.endSheet(); err != nil {
		return err
	}
	if err := w.describeColumns(); err != nil {
		return err
	}
	w.file.SetActiveSheet(0)
	_, err := w.file.WriteTo(w.out)
	return err
}

// The columns of the sheet that says what the columns mean.
var described = []struct {
	name  string
	width float64
}{{"Column", 28}, {"What it holds", 26}, {"Meaning", meaningWidth}, {"Personal data", 16}}

const (
	meaningWidth = 90
	lineHeight   = 15
)

// describeColumns writes the sheet of what the columns mean.
func (w *workbook) describeColumns() error {
	if err := w.addSheet("Columns"); err != nil {
		return err
	}
	heading := make([]any, len(described))
	for at, column := range described {
		if err := w.sheet.SetColWidth(at+1, at+1, column.width); err != nil {
			return err
		}
		heading[at] = excelize.Cell{StyleID: w.styles[headingStyle], Value: column.name}
	}
	if err := w.writeHeading(heading); err != nil {
		return err
	}
	for _, column := range w.target.Columns {
		personal := ""
		if column.Personal {
			personal = "yes"
		}
		if err := w.writeMeaning(topStyle, column.Name, column.words(), column.Description, personal); err != nil {
			return err
		}
	}
	w.line++ // an empty line
	for _, line := range w.target.About {
		if err := w.writeMeaning(boldStyle, line[0], "", line[1], ""); err != nil {
			return err
		}
	}
	return w.sheet.Flush()
}

// writeMeaning writes a line of the sheet of columns, as high as its text.
func (w *workbook) writeMeaning(nameStyle, name, holds, meaning, personal string) error {
	lines := 0
	for line := range strings.Lines(meaning) {
		lines += 1 + utf8.RuneCountInString(line)/meaningWidth
	}
	return w.writeLine([]any{
		excelize.Cell{StyleID: w.styles[nameStyle], Value: name}, excelize.Cell{StyleID: w.styles[topStyle], Value: holds},
		excelize.Cell{StyleID: w.styles[wrapStyle], Value: meaning}, excelize.Cell{StyleID: w.styles[topStyle], Value: personal},
	}, excelize.RowOpts{Height: min(lineHeight*float64(max(lines, 1)), excelize.MaxRowHeight)})
}

func (w *workbook) discard() error { return w.file.Close() }

func (w *workbook) tell(r *Result) {
	r.Sheets = w.sheets
	if w.sheets > 1 {
		r.Notes = append(r.Notes, fmt.Sprintf("a sheet holds %d rows, so the rows are on %d sheets", w.limit-1, w.sheets))
	}
	if w.exact > 0 {
		r.Notes = append(r.Notes, several(w.exact, "number has", "numbers have")+
			" more than 15 digits, which spreadsheets round; written as text, exact, and left out of their sums")
	}
	if w.cut > 0 {
		r.Notes = append(r.Notes, several(w.cut, "text was", "texts were")+
			fmt.Sprintf(" cut at the %d characters that a cell holds; .csv and .parquet have them whole", excelize.TotalCellChars))
	}
}

// measure finds how wide the columns have to be for their names and the first
// rows.
func (w *workbook) measure(rows arrow.RecordBatch) []float64 {
	widths := make([]float64, len(w.target.Columns))
	for at, column := range w.target.Columns {
		width := utf8.RuneCountInString(column.Name) + filterRoom
		if rows != nil {
			appendText, money := texts(rows.Column(at)), grouped(rows.Column(at).DataType())
			for i := range min(int(rows.NumRows()), widthRows) {
				length := utf8.RuneCount(appendText(nil, i))
				if money {
					length += length/3 + 2
				}
				width = max(width, length+2)
			}
		}
		widths[at] = math.Min(math.Max(float64(width), narrowest), widest)
	}
	return widths
}

// sheetName makes a title the name of a sheet, which has at most 31 characters
// and none with a meaning in formulas.
func sheetName(title string, number int) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]'`, r) || r < ' ' {
			return ' '
		}
		return r
	}, title)
	if name = strings.TrimSpace(name); name == "" || strings.EqualFold(name, "columns") || strings.EqualFold(name, "history") {
		name = "Rows"
	}
	suffix := ""
	if number > 1 {
		suffix = fmt.Sprintf(" %d", number)
	}
	runes := []rune(name)
	return string(runes[:min(len(runes), 31-len(suffix))]) + suffix
}

// tableName makes a title the name of a table in a workbook: letters, digits and
// _, and nothing that could be the name of a cell.
func tableName(title string, number int) string {
	name := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, title)
	return fmt.Sprintf("rows_%.200s_%d", name, number)
}
