package export

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"winback/pipelines/engine/enginetest"
)

// openBook opens a workbook that was written.
func openBook(t *testing.T, path string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// cell returns what a cell holds and what of: "n 1.5", "inlineStr x".
func cell(t *testing.T, f *excelize.File, sheet, at string) string {
	t.Helper()
	value, err := f.GetCellValue(sheet, at, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	kind, err := f.GetCellType(sheet, at)
	if err != nil {
		t.Fatal(err)
	}
	return map[excelize.CellType]string{
		excelize.CellTypeBool: "bool ", excelize.CellTypeInlineString: "text ", excelize.CellTypeUnset: "number ",
	}[kind] + value
}

func TestWorkbookHoldsEveryTypeAsItIs(t *testing.T) {
	path, result := write(t, "all.xlsx", everyType)
	f := openBook(t, path)
	rows, err := f.GetRows("rows")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"i8": "number -1", "u64": "text 18446744073709551615", "i128": "text -170141183460469231731687303715884105728",
		"f32": "number 0.1", "nan": "text NaN", "yes": "bool 1",
		"text": `text Zoë "the" boss`, "low": "text lc", "enum": "text open", "fixed": "text ab",
		"day": "number 45351", "old_day": "number 18265", "second": "number 45474.5", "micro": "number 45474.500005787035",
		"d32": "number -0.05", "d64": "number 1234567.89", "d128": "text 12345678901234567890.1234",
		"uuid": "text 61f0c404-5cb3-11e7-907b-a6006ad3dba0", "list": "text a, b", "nothing": "number ", "void": "number ", "maybe": "text lc",
	}
	got := map[string]string{}
	for i, name := range rows[0] {
		at, err := excelize.CoordinatesToCellName(i+1, 2)
		if err != nil {
			t.Fatal(err)
		}
		if _, asked := want[name]; asked {
			got[name] = cell(t, f, "rows", at)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if note := strings.Join(result.Notes, "; "); !strings.HasPrefix(note, "3 numbers have more than 15 digits") { // u64, d128, d256
		t.Errorf("it says %q", note)
	}
}

func TestWorkbookShowsDatesAndMoneyAsSuch(t *testing.T) {
	path, _ := write(t, "shown.xlsx", `select toDate('2024-02-29') as day, toDateTime64('2024-02-29 10:20:30.4', 6, 'UTC') as moment,
		toDecimal64('1234567.895', 4) as money, toUInt32(12345) as count, toDate32('1900-02-28') as early`)
	f := openBook(t, path)
	rows, err := f.GetRows("rows")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"day", "moment", "money", "count", "early"}, {"2024-02-29", "2024-02-29 10:20:30", "1,234,567.90", "12345", "1900-02-28"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

func TestWorkbookIsReadyToUse(t *testing.T) {
	path, _ := write(t, "ready.xlsx", `select 'x' as short, repeat('wide ', 40) as wide from numbers(2)`, func(target *Target) {
		target.Title, target.About = "mart.customers", [][2]string{{"From", "mart.customers"}}
		target.Columns[0].Personal = true
	})
	f := openBook(t, path)
	if got := f.GetSheetList(); cmp.Diff([]string{"mart.customers", "Columns"}, got) != "" {
		t.Fatal(got)
	}
	panes, err := f.GetPanes("mart.customers")
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("heading is not held in place: %+v, %v", panes, err)
	}
	tables, err := f.GetTables("mart.customers")
	if err != nil || len(tables) != 1 || tables[0].Range != "A1:B3" {
		t.Errorf("no filter over the rows: %+v, %v", tables, err)
	}
	for column, want := range map[string]float64{"A": 9, "B": widest} {
		if width, err := f.GetColWidth("mart.customers", column); err != nil || width != want {
			t.Errorf("column %s is %v wide, not %v: %v", column, width, want, err)
		}
	}
	rows, err := f.GetRows("Columns")
	want := [][]string{
		{"Column", "What it holds", "Meaning", "Personal data"},
		{"short", "text", "What short means", "yes"},
		{"wide", "text", "What wide means"}, nil,
		{"From", "", "mart.customers"},
	}
	for i := range rows { // an empty last cell counts or not
		for len(rows[i]) > 0 && rows[i][len(rows[i])-1] == "" {
			rows[i] = rows[i][:len(rows[i])-1]
		}
	}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// Texts are kept to the letter: no formula, no number, no markup, no code of a
// character becomes of them; what no cell can hold is told.
func TestWorkbookKeepsTexts(t *testing.T) {
	texts := []string{"=1+1", "@x", "+371", "007", "<b>&amp;</b>", " spaces ", "two\nlines", "tab\tin", "_x0041_", "Жук 🐞", "'quoted", strings.Repeat("é", 40_000)}
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = "'" + strings.NewReplacer("'", `\'`, "\n", `\n`, "\t", `\t`).Replace(text) + "'"
	}
	path, result := write(t, "texts.xlsx", "select arrayJoin(["+strings.Join(quoted, ", ")+"]) as text")
	f := openBook(t, path)
	for i, text := range texts {
		if i == len(texts)-1 {
			text = strings.Repeat("é", excelize.TotalCellChars)
		}
		at, _ := excelize.CoordinatesToCellName(1, i+2)
		if got := cell(t, f, "rows", at); got != "text "+text {
			t.Errorf("%.40q, not %.40q", got, text)
		}
		if formula, err := f.GetCellFormula("rows", at); err != nil || formula != "" {
			t.Errorf("%q is a formula", text)
		}
	}
	if len(result.Notes) != 1 || !strings.HasPrefix(result.Notes[0], "1 text was cut at the 32767 characters") {
		t.Errorf("it says %q", result.Notes)
	}
}

// A sheet is full after so many rows; here after four lines instead of a million.
func TestWorkbookGoesOnOnAnotherSheet(t *testing.T) {
	for rows, want := range map[string][]int{"0": {1}, "3": {4}, "4": {4, 2}, "7": {4, 4, 2}} {
		conn := enginetest.Start(t).Conn(t)
		target, open := ask(t, conn, "x.xlsx", "select number as n from numbers("+rows+")")
		stream, err := open("ArrowStream")
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		reader, err := ipc.NewReader(stream)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "many.xlsx")
		w := &sheetsOf{t: t, path: path, target: target}
		got, result := w.write(reader, 4)
		if diff := cmp.Diff(want, got); diff != "" || result.Sheets != len(want) {
			t.Errorf("%s rows: %s\n%+v", rows, diff, result)
		}
	}
}

// sheetsOf writes a workbook whose sheets hold fewer rows than real ones.
type sheetsOf struct {
	t      *testing.T
	path   string
	target Target
}

// write returns how many lines each sheet got.
func (s *sheetsOf) write(reader *ipc.Reader, limit int) (lines []int, r Result) {
	s.t.Helper()
	out := create(s.t, s.path)
	w, err := newWorkbook(out, s.target)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.discard() //nolint:errcheck // nothing is left to give up
	w.limit = limit
	for reader.Next() {
		if err := w.write(reader.RecordBatch()); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := w.finish(); err != nil {
		s.t.Fatal(err)
	}
	w.tell(&r)
	f := openBook(s.t, s.path)
	for _, sheet := range f.GetSheetList()[:len(f.GetSheetList())-1] {
		rows, err := f.GetRows(sheet)
		if err != nil {
			s.t.Fatal(err)
		}
		lines = append(lines, len(rows))
	}
	return lines, r
}

func TestSheetNames(t *testing.T) {
	for title, want := range map[string]string{
		"mart.customers": "mart.customers", "": "Rows", "a/b[c]:d": "a b c  d", "Columns": "Rows", "history": "Rows",
		strings.Repeat("long", 20): strings.Repeat("long", 7) + "lon",
	} {
		if got := sheetName(title, 1); got != want {
			t.Errorf("%q: %q, not %q", title, got, want)
		}
	}
	if got, want := sheetName(strings.Repeat("long", 20), 12), strings.Repeat("long", 7)+" 12"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestWorkbookRefusesMoreColumnsThanASheetHolds(t *testing.T) {
	target := Target{Columns: make([]Column, sheetColumns+1)}
	if _, err := newWorkbook(nil, target); err == nil || !strings.Contains(err.Error(), "16384 columns, these are 16385") {
		t.Error(err)
	}
}
