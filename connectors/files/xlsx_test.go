package files

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"winback/connectors"
)

// book makes a workbook.
func book(t testing.TB, options excelize.Options, fill func(f *excelize.File)) string {
	t.Helper()
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	fill(f)
	var out bytes.Buffer
	if err := f.Write(&out, options); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// set fills cells of a sheet, row by row from a cell; nil leaves one empty.
func set(t testing.TB, f *excelize.File, sheet string, row int, values ...any) {
	t.Helper()
	for i, v := range values {
		if v == nil {
			continue
		}
		at := must(excelize.CoordinatesToCellName(i+1, row))
		if err := f.SetCellValue(sheet, at, v); err != nil {
			t.Fatal(err)
		}
	}
}

func check(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

const sheetConfig = `
datasets:
  shop.orders:
    files: "*.xlsx"
    payload: unmapped
    fields:
      id: Order
      customer_id: {column: Customer, clean: integer_id}
      ordered_at: {column: Date, layout: dmy}
      items_total: {column: Sum, decimal_comma: true, thousands: " "}
      status: {column: Paid, map: {"true": paid, "false": placed}}
`

// A typical export: a title, a header that is not in the first row, dates as serial
// numbers and as texts, merged cells, a hidden row, formulas, an error.
func TestXLSX_Orders(t *testing.T) {
	text := book(t, excelize.Options{}, func(f *excelize.File) {
		day := must(f.NewStyle(&excelize.Style{NumFmt: 22}))
		custom := "dd.mm.yyyy"
		own := must(f.NewStyle(&excelize.Style{CustomNumFmt: &custom}))
		set(t, f, "Sheet1", 1, "Orders of the shop")
		set(t, f, "Sheet1", 4, "Order", "Customer", "Date", "Sum", "Paid", "Note")
		set(t, f, "Sheet1", 5, "A-1", 17850, nil, 0.1+0.2, true, "first\nnote")
		set(t, f, "Sheet1", 6, "A-2", nil, "02.03.2024 10:15", "1 234,50", false)
		set(t, f, "Sheet1", 7, "A-3", 12345678901234567, nil, 1e-7)
		set(t, f, "Sheet1", 8, 4, "C", nil, 1234.5, nil, "_x0041_")
		set(t, f, "Sheet1", 9, "A-5", "C", nil, nil)
		set(t, f, "Sheet1", 12, " ", "")
		check(t,
			f.MergeCell("Sheet1", "A1", "F1"), f.MergeCell("Sheet1", "B5", "B6"), f.MergeCell("Sheet1", "C8", "C9"),
			f.SetCellFloat("Sheet1", "C5", 45323.4271412037, -1, 64), f.SetCellStyle("Sheet1", "C5", "C5", day),
			f.SetCellFloat("Sheet1", "C7", 45323, -1, 64), f.SetCellStyle("Sheet1", "C7", "C7", own),
			f.SetCellFloat("Sheet1", "C8", 45323.5, -1, 64), f.SetCellStyle("Sheet1", "C8", "C9", day),
			f.SetCellFormula("Sheet1", "D8", "617.25*2"),
			f.SetRowVisible("Sheet1", 7, false),
		)
		set(t, f, "Sheet1", 10, "A-6", nil, nil, "#DIV/0!")
	})
	text = rewritePart(t, text, "xl/worksheets/sheet1.xml", `(<c r="D10")[^>]*>.*?</c>`, `$1 t="e"><v>#DIV/0!</v></c>`)
	text = rewritePart(t, text, "xl/worksheets/sheet1.xml", `(<c r="D8"[^>]*) t="str"`, "$1") // as a program that computes writes it
	f := newFolder(t, sheetConfig, map[string]string{"o.xlsx": text})
	want := `shop.orders o.xlsx/Sheet1:5: payload={"Note":"first\\nnote"} id=A-1 customer_id=17850 ordered_at=2024-02-01T10:15:05Z status=paid currency=GBP items_total=0.3
shop.orders o.xlsx/Sheet1:6: id=A-2 customer_id=17850 ordered_at=2024-03-02T10:15:00Z status=placed currency=GBP items_total=1234.5
shop.orders o.xlsx/Sheet1:7: id=A-3 customer_id=12345678901234567 ordered_at=2024-02-01T00:00:00Z currency=GBP items_total=0
shop.orders o.xlsx/Sheet1:8: payload={"Note":"A"} id=4 customer_id=C ordered_at=2024-02-01T12:00:00Z currency=GBP items_total=1234.5
shop.orders o.xlsx/Sheet1:9: id=A-5 customer_id=C ordered_at=2024-02-01T12:00:00Z currency=GBP
reject shop.orders o.xlsx/Sheet1:10 Sum (D10)="#DIV/0!": the cell holds an error
    "{\"Order\":\"A-6\",\"Sum\":{\"error\":\"#DIV/0!\"}}"
count shop.orders: 6 read, 0 ignored, 0 duplicates
`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(f.mustExtract().text(), "\n")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	found, err := f.source.(connectors.Checker).Check(context.Background())
	if err != nil || len(found) < 2 || found[1].Text != "o.xlsx/Sheet1: XLSX, sheet Sheet1, header in row 4, 6 columns, all mapped ones are there; not mapped: Note" {
		t.Errorf("got %+v, %v", found, err)
	}
}

func TestXLSX_ChoosesSheets(t *testing.T) {
	text := book(t, excelize.Options{}, func(f *excelize.File) {
		check(t, f.SetSheetName("Sheet1", "Hidden"))
		for i, name := range []string{"Notes", "Orders 2023", "orders 2024"} {
			must(f.NewSheet(name))
			set(t, f, name, 1, "About", "these orders")
			if i > 0 {
				set(t, f, name, 1, "id", "note")
			}
			set(t, f, name, 2, i, name)
		}
		f.SetActiveSheet(1)
		check(t, f.SetSheetVisible("Hidden", false))
	})
	tests := []struct{ sheet, want string }{
		{"", "o.xlsx/Orders 2023"}, {"sheet: Orders 2023", "o.xlsx/Orders 2023"}, {"sheet: 4", "o.xlsx/orders 2024"},
		{"sheet: Orders*", "o.xlsx/Orders 2023 o.xlsx/orders 2024"}, {"sheet: [ORDERS 2024, 3]", "o.xlsx/Orders 2023 o.xlsx/orders 2024"},
	}
	for _, test := range tests {
		f := newFolder(t, strings.ReplaceAll(ordersConfig, "in/**/*.csv*", "o.xlsx\n    "+test.sheet), map[string]string{"o.xlsx": text})
		m := f.mustExtract()
		if got := strings.Join(m.inputs, " "); got != test.want || len(m.rows["shop.orders"]) != len(m.inputs) {
			t.Errorf("%s: got %s, %v", test.sheet, got, m.rows)
		}
	}
	inside := newFolder(t, strings.ReplaceAll(ordersConfig, "in/**/*.csv*", `"*.zip"`), map[string]string{"a.zip": zipped(t, members("o.xlsx", text))})
	if m := inside.mustExtract(); strings.Join(m.inputs, " ") != "a.zip/o.xlsx/Orders 2023" {
		t.Errorf("within an archive: %s", m.text())
	}
	f := newFolder(t, strings.ReplaceAll(ordersConfig, "in/**/*.csv*", "o.xlsx\n    sheet: Sales"), map[string]string{"o.xlsx": text})
	if m := f.mustExtract(); len(m.rejects) != 1 || m.rejects[0].Reason != "the workbook has no sheet Sales (it has: Hidden, Notes, Orders 2023, orders 2024)" {
		t.Errorf("got %+v", m.rejects)
	}
}

func TestXLSX_DeclaredHeader(t *testing.T) {
	text := book(t, excelize.Options{}, func(f *excelize.File) {
		set(t, f, "Sheet1", 1, "id", "note")
		set(t, f, "Sheet1", 2, "id", "Contact", nil)
		set(t, f, "Sheet1", 3, nil, "mail", "note")
		set(t, f, "Sheet1", 4, 1, "a@x.org", "n")
		check(t, f.MergeCell("Sheet1", "A2", "A3"), f.MergeCell("Sheet1", "B2", "C2"))
	})
	f := newFolder(t, strings.ReplaceAll(ordersConfig, "in/**/*.csv*", "o.xlsx\n    header_row: 3"), map[string]string{"o.xlsx": text})
	if m := f.mustExtract(); m.rows["shop.orders"][0] != `payload={"mail":"a@x.org"} id=1 currency=GBP channel=n` {
		t.Errorf("got %s", m.text())
	}
	f = newFolder(t, strings.ReplaceAll(ordersConfig, "in/**/*.csv*", "o.xlsx\n    columns: [id, note]\n    skip_lines: 3"), map[string]string{"o.xlsx": text})
	if m := f.mustExtract(); m.rows["shop.orders"][0] != `payload={"C":"n"} id=1 currency=GBP channel=a@x.org` {
		t.Errorf("got %s", m.text())
	}
}

func TestXLSX_DaysSince1904(t *testing.T) {
	yes := true
	text := book(t, excelize.Options{}, func(f *excelize.File) {
		check(t, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}))
		set(t, f, "Sheet1", 1, "Order", "Customer", "Date", "Sum", "Paid")
		set(t, f, "Sheet1", 2, "1", nil, 43861.25)
		check(t, f.SetCellStyle("Sheet1", "C2", "C2", must(f.NewStyle(&excelize.Style{NumFmt: 22}))))
	})
	f := newFolder(t, sheetConfig, map[string]string{"o.xlsx": text})
	if m := f.mustExtract(); m.rows["shop.orders"][0] != `id=1 ordered_at=2024-02-01T06:00:00Z currency=GBP` {
		t.Errorf("got %s", m.text())
	}
}

// What cannot be read is put aside with a sentence, and the other files are read.
func TestXLSX_Unreadable(t *testing.T) {
	whole := book(t, excelize.Options{}, func(f *excelize.File) {
		set(t, f, "Sheet1", 1, "id", "note")
		for row := 2; row < 2000; row++ {
			set(t, f, "Sheet1", row, row*row, fmt.Sprint("note ", row*7919))
		}
	})
	locked := book(t, excelize.Options{Password: "secret"}, func(*excelize.File) {})
	tests := []struct{ name, text, want string }{
		{"password", locked, "protected by a password, or of the old kind (.xls)"},
		{"cut off", whole[:len(whole)/2], "its directory cannot be read"},
		{"a part is missing", rewritePart(t, whole, "xl/worksheets/sheet1.xml", "", ""), "lacks its part xl/worksheets/sheet1.xml"},
		{"not well-formed", rewritePart(t, whole, "xl/worksheets/sheet1.xml", `(?s)<row r="1500".*`, "<row"), "ends within a tag"},
		{"rows out of order", rewritePart(t, whole, "xl/worksheets/sheet1.xml", `row r="1500"`, `row r="2"`), `row "2" follows row 1499`},
		{"a text is missing", rewritePart(t, whole, "xl/sharedStrings.xml", `(?s)<si>.*</si>`, ""), "holds a text (0) that it does not have"},
		{"another spreadsheet", zipped(t, members("mimetype", "application/vnd.oasis.opendocument.spreadsheet", "content.xml", "<x/>")), "OpenDocument"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFolder(t, strings.ReplaceAll(ordersConfig, "csv*", "xlsx"), map[string]string{"in/a.xlsx": test.text, "in/b.xlsx": whole})
			m := f.mustExtract()
			if len(m.rejects) == 0 || !strings.Contains(m.rejects[0].Reason, test.want) {
				t.Errorf("got %+v", m.rejects)
			}
			if len(m.rows["shop.orders"]) < 1998 {
				t.Errorf("got %d rows", len(m.rows["shop.orders"]))
			}
		})
	}
}

func TestCellNumber(t *testing.T) {
	tests := []struct{ raw, want string }{
		{"0.30000000000000004", "0.3"}, {"2.2000000000000002", "2.2"}, {"1234.5", "1234.5"}, {"1E3", "1000"}, {"1.5E-7", "0.00000015"},
		{"12345678901234567", "12345678901234567"}, {"-0", "0"}, {"0", "0"}, {"-17.10", "-17.1"}, {"7.9161234567E10", "79161234567"},
		{"9.9999999999999996E+22", "100000000000000000000000"}, {"0.1", "0.1"}, {"100.01", "100.01"}, {"4503.5999999999995", "4503.6"},
		{"", ""}, {"abc", ""}, {"0x10", ""}, {"1_000", ""}, {"NaN", ""}, {"1e400", ""}, {"007", "7"}, {".5", "0.5"},
	}
	for _, test := range tests {
		if got, ok := cellNumber([]byte(test.raw)); got != test.want || ok != (test.want != "") {
			t.Errorf("%q: got %q, %t; want %q", test.raw, got, ok, test.want)
		}
	}
}

func TestCellTime(t *testing.T) {
	tests := []struct {
		serial float64
		kind   numberKind
		d1904  bool
		want   string
	}{
		{45323, dateCell, false, "2024-02-01"}, {45323.5, dateCell, false, "2024-02-01 12:00:00"}, {1, dateCell, false, "1900-01-01"},
		{59, dateCell, false, "1900-02-28"}, {60, dateCell, false, "1900-02-29"}, {61, dateCell, false, "1900-03-01"},
		{0, dateCell, true, "1904-01-01"}, {43861, dateCell, true, "2024-02-01"}, {0.75, clockCell, false, "18:00:00"},
		{45323.75, clockCell, false, "2024-02-01 18:00:00"}, {1.5, elapsedCell, false, "36:00:00"}, {45323.999999999, dateCell, false, "2024-02-02"},
		{45323.4271412037, dateCell, false, "2024-02-01 10:15:05"}, {0.5000014467592593, clockCell, false, "12:00:00.125"},
		{-1, dateCell, false, ""}, {3e6, dateCell, false, ""}, {math.NaN(), dateCell, false, ""}, {2958465, dateCell, false, "9999-12-31"},
	}
	for _, test := range tests {
		if got, ok := cellTime(test.serial, test.kind, test.d1904); got != test.want || ok != (test.want != "") {
			t.Errorf("%v: got %q, %t; want %q", test.serial, got, ok, test.want)
		}
	}
}

func TestFormatKind(t *testing.T) {
	tests := map[string]numberKind{
		"General": plainNumberCell, "0.00": plainNumberCell, "#,##0.00 [$руб.-419]": plainNumberCell, `0" days"`: plainNumberCell, "0.00E+00": plainNumberCell,
		"[Red]0": plainNumberCell, `\d0`: plainNumberCell, "@": plainNumberCell, "[$-419]0": plainNumberCell, "0%": plainNumberCell,
		"dd.mm.yyyy": dateCell, `yyyy\-mm\-dd;@`: dateCell, "[$-F800]dddd, mmmm dd, yyyy": dateCell, "mmm": dateCell, "m/d/yy h:mm": dateCell, "MM": dateCell,
		"h:mm": clockCell, "HH:MM:SS": clockCell, "mm:ss.0": clockCell, "[$-409]h:mm AM/PM": clockCell,
		"[h]:mm": elapsedCell, "[mm]:ss": elapsedCell,
	}
	for code, want := range tests {
		if got := formatKind(code); got != want {
			t.Errorf("%s: got %d, want %d", code, got, want)
		}
	}
}

// The texts of cells are the same wherever they are kept.
func TestSharedTexts_Spilled(t *testing.T) {
	const n = 60_000
	f := newFolder(t, ordersConfig, map[string]string{"in/x": ""})
	file, err := open(f.dir + "/in/x")
	check(t, err)
	s := &sharedTexts{file: file}
	text := func(i int) string { return strings.Repeat(fmt.Sprint("text ", i, ";"), i%7) }
	for i := range n {
		s.memory = append(s.memory, text(i)...)
		s.ends = append(s.ends, s.onDisk+int64(len(s.memory)))
		if i%1000 == 999 {
			check(t, s.spill())
		}
	}
	for i := range n {
		at := i * 7919 % n
		if got, err := s.get(nil, at); err != nil || string(got) != text(at) {
			t.Fatalf("text %d: got %q, %v", at, got, err)
		}
	}
	check(t, file.close())
}

// The lines of an invoice may be rows of a sheet, with the invoice's own columns
// merged over them.
func TestXLSX_Documents(t *testing.T) {
	const yaml = `
datasets:
  invoices:
    files: "*.xlsx"
    group_by: {column: No, clean: integer_id}
    entities:
      shop.orders: {fields: {id: No, ordered_at: {column: Date, fold: min}, items_total: {product: [Qty, Price], decimal_comma: true, fold: sum}}}
      shop.order_lines: {fields: {order_id: No, line_no: {auto: line_number}, product_id: Item, quantity: Qty, price: Price}}
`
	text := book(t, excelize.Options{}, func(f *excelize.File) {
		style := must(f.NewStyle(&excelize.Style{NumFmt: 14}))
		set(t, f, "Sheet1", 1, "No", "Date", "Item", "Qty", "Price")
		set(t, f, "Sheet1", 2, 17850, 45323, "A", 2, 0.1)
		set(t, f, "Sheet1", 3, nil, nil, "B", 1, "bad")
		set(t, f, "Sheet1", 4, nil, nil, "C", 3, 1.15)
		set(t, f, "Sheet1", 5, 17851, 45324, "A", 1, 5)
		check(t, f.SetCellStyle("Sheet1", "B2", "B5", style), f.MergeCell("Sheet1", "A2", "A4"), f.MergeCell("Sheet1", "B2", "B4"))
	})
	m := newFolder(t, yaml, map[string]string{"i.xlsx": text}).mustExtract()
	want := `shop.order_lines i.xlsx/Sheet1:2: order_id=17850 line_no=1 product_id=A quantity=2 price=0.1
shop.order_lines i.xlsx/Sheet1:4: order_id=17850 line_no=3 product_id=C quantity=3 price=1.15
shop.order_lines i.xlsx/Sheet1:5: order_id=17851 line_no=1 product_id=A quantity=1 price=5
shop.orders i.xlsx/Sheet1:2: payload={"quarantined_lines":1} id=17850 ordered_at=2024-02-01T00:00:00Z currency=GBP items_total=3.65 line_count=3
shop.orders i.xlsx/Sheet1:5: id=17851 ordered_at=2024-02-02T00:00:00Z currency=GBP items_total=5 line_count=1
reject shop.order_lines i.xlsx/Sheet1:3 Price (E3)="bad": is not a number
`
	if got := m.text(); !strings.HasPrefix(got, want) {
		t.Errorf("got %s", got)
	}
}

// A formula that was never computed is no empty cell.
func TestXLSX_FormulaWithoutResult(t *testing.T) {
	const yaml = `
datasets:
  shop.orders:
    files: "*.xlsx"
    payload: none
    fields: {id: No, ordered_at: Date, items_total: Sum}
`
	text := book(t, excelize.Options{}, func(f *excelize.File) {
		set(t, f, "Sheet1", 1, "No", "Date", "Qty", "Price", "Sum", "Note")
		set(t, f, "Sheet1", 2, 1, "2024-02-01", 2, 3)
		set(t, f, "Sheet1", 3, 2, "2024-02-02", 2, 3, 6)
		check(t, f.SetCellFormula("Sheet1", "E2", "C2*D2"), f.SetCellFormula("Sheet1", "F3", "C2*D2"))
	})
	m := newFolder(t, yaml, map[string]string{"o.xlsx": text}).mustExtract()
	want := `shop.orders o.xlsx/Sheet1:3: id=2 ordered_at=2024-02-02T00:00:00Z currency=GBP items_total=6
reject shop.orders o.xlsx/Sheet1:2 Sum (E2)="=?": the formula has no stored result: open the file in a spreadsheet program and save it
`
	if got := m.text(); !strings.HasPrefix(got, want) {
		t.Errorf("got %s", got)
	}
}
