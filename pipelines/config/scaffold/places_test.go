package scaffold_test

import (
	"archive/zip"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"winback/pipelines/config/scaffold"
)

const ordersText = "order_id,order_date,customer_id,total\n1,2026-01-05,C1,10.50\n2,2026-01-06,C2,11.00\n"

var orderRows = [][]any{{"order_id", "order_date", "customer_id", "total"}, {"A1", "2026-01-05", "C1", 10.5}, {"A2", "2026-01-06", "C2", 11}}

// sheet is one of a workbook that a test writes.
type sheet struct {
	name string
	rows [][]any
}

func writeBook(t *testing.T, path string, sheets ...sheet) {
	t.Helper()
	book := excelize.NewFile()
	for _, s := range sheets {
		if _, err := book.NewSheet(s.name); err != nil {
			t.Fatal(err)
		}
		for i, row := range s.rows {
			cell, _ := excelize.CoordinatesToCellName(1, i+1)
			if err := book.SetSheetRow(s.name, cell, &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := book.DeleteSheet("Sheet1"); err != nil {
		t.Fatal(err)
	}
	if err := book.SetSheetVisible("Hidden", false); err != nil {
		t.Fatal(err)
	}
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
}

// TestPropose_Sheets: all sheets of a workbook that are not hidden are looked at; those with the same header are one
// dataset.
func TestPropose_Sheets(t *testing.T) {
	dir := t.TempDir()
	people := [][]any{{"customer_id", "email", "first_name"}, {"C1", "ann@example.com", "Ann"}}
	writeBook(t, filepath.Join(dir, "book.xlsx"),
		sheet{"Jan", orderRows}, sheet{"Feb", orderRows}, sheet{"Customers", people}, sheet{"1", orderRows}, sheet{"Notes", [][]any{{"to do", "who"}, {"call", "me"}}}, sheet{"Empty", nil}, sheet{"Hidden", orderRows})
	found := scaffold.Propose(dir, []string{"book.xlsx"})
	mapping := found.Mapping()
	for _, want := range []string{"      orders:\n        files: book.xlsx\n        sheet: [Jan, Feb, \"[1]\"]\n", "      customers:\n        files: book.xlsx\n        sheet: Customers\n", "# not understood: book.xlsx/Notes with"} {
		if !strings.Contains(mapping, want) {
			t.Errorf("lacks %q:\n%s", want, mapping)
		}
	}
	if strings.Contains(mapping, "Hidden") || strings.Contains(mapping, "Empty") || len(found.Unreadable) > 0 {
		t.Errorf("%v\n%s", found.Unreadable, mapping)
	}
}

// TestPropose_SheetsOfSeveralBooks: a list of sheets is asked of each workbook, so it names none that holds something else
// in one of them.
func TestPropose_SheetsOfSeveralBooks(t *testing.T) {
	dir := t.TempDir()
	notes := [][]any{{"to do", "who"}, {"call", "me"}}
	writeBook(t, filepath.Join(dir, "a.xlsx"), sheet{"Jan", orderRows}, sheet{"Feb", notes}, sheet{"Hidden", nil})
	writeBook(t, filepath.Join(dir, "b.xlsx"), sheet{"Jan", notes}, sheet{"Feb", orderRows}, sheet{"Hidden", nil})
	mapping := scaffold.Propose(dir, []string{"a.xlsx", "b.xlsx"}).Mapping()
	for _, want := range []string{"files: a.xlsx\n        sheet: Jan\n", "files: b.xlsx\n        sheet: Feb\n"} {
		if !strings.Contains(mapping, want) {
			t.Errorf("lacks %q:\n%s", want, mapping)
		}
	}
}

// TestPropose_Archive: each member of an archive is a table of its own.
func TestPropose_Archive(t *testing.T) {
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "export-2026-01.zip"))
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(file)
	for name, text := range map[string]string{
		"orders_1.csv": ordersText, "orders_2.csv": ordersText, "lines/order_lines.csv": "order_id,sku,quantity,price\n1,A,1,10\n", "readme.txt": "hello world\n",
	} {
		member, err := archive.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := member.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if names, err := scaffold.DataFiles(dir); err != nil || !slices.Equal(names, []string{"export-2026-01.zip"}) {
		t.Errorf("data files %v, %v", names, err)
	}
	found := scaffold.Propose(dir, []string{"export-2026-01.zip"})
	for _, want := range []string{"files: export-*.zip/orders_*.csv\n", "files: export-*.zip/lines/order_lines.csv\n"} {
		if !strings.Contains(found.Mapping(), want) {
			t.Errorf("lacks %q:\n%s", want, found.Mapping())
		}
	}
	if len(found.Unrecognised) != 1 || found.Unrecognised[0].Path != "export-2026-01.zip/readme.txt" {
		t.Errorf("unrecognised %+v", found.Unrecognised)
	}
}

// TestPropose_Titles: a header is found below titles.
func TestPropose_Titles(t *testing.T) {
	dir := t.TempDir()
	writeBook(t, filepath.Join(dir, "book.xlsx"), sheet{"Orders", append([][]any{{"Report of orders", "January"}, {}}, orderRows...)}, sheet{"Hidden", nil})
	for name, text := range map[string]string{
		"title.csv": "Report of orders\n\"January;\" 2026\n\n" + strings.ReplaceAll(ordersText, ",", ";"),
		"sep.csv":   "sep=;\r\n" + strings.ReplaceAll(ordersText, ",", ";"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"title.csv": "header_row: 4 ", "sep.csv": "files: sep.csv\n        entity: shop.orders\n", "book.xlsx": "files: book.xlsx\n        entity: shop.orders\n"} {
		if mapping := scaffold.Propose(dir, []string{name}).Mapping(); !strings.Contains(mapping, want) || !strings.Contains(mapping, "items_total: total") {
			t.Errorf("%s lacks %q:\n%s", name, want, mapping)
		}
	}
}

// TestPropose_NoTables: what is no table is said to be what it is.
func TestPropose_NoTables(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"cut.json":    {`{"a":1,`, "its JSON is damaged or was cut off"},
		"list.json":   {`[1,2,3]`, "its JSON holds no objects"},
		"none.json":   {`[]`, "it holds no records"},
		"none.csv":    {"", "it is empty"},
		"cut.csv.gz":  {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "its packed data end too early"},
		"head.csv.gz": {"\x1f\x8b\x08", "its packed data cannot be read"},
		"logo.png":    {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "it is no table but a picture (PNG)"},
		"paper.pdf":   {"%PDF-1.7\nx,y\n1,2\n", "it is no table but a PDF document"},
		"noise.csv":   {strings.Repeat("a,\x01\x02\x03\x04\n", 20), "it holds bytes that are no text"},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		found := scaffold.Propose(dir, []string{name})
		if len(found.Unreadable) != 1 || !strings.Contains(found.Unreadable[0], c.want) {
			t.Errorf("%s: wants %q, got %q", name, c.want, found.Unreadable)
		}
	}
}

// TestPropose_Lacks: a table that is not understood is told what it would take.
func TestPropose_Lacks(t *testing.T) {
	orders := func(days ...string) string {
		text := "order_id,order_date,customer_id,total\n"
		for i, day := range days {
			text += fmt.Sprintf("%d,%s,C%d,10.50\n", i+1, day, i)
		}
		return text
	}
	for name, c := range map[string]struct{ text, want, file string }{
		"days among words":        {orders("2026-01-05", "2026-01-06", "soon"), "order_date is called like the day of an order, but 1 of 3 values are not days: such as soon", ""},
		"days as Excel counts":    {orders("46037", "46038"), "order_date is called like the day of an order, but has its days as Excel counts them (46037 is 2026-01-15)", ""},
		"a table beside orders":   {"order_id,code\\n1,X\\n", "its name says that it stands beside orders", "order_discounts.csv"},
		"no day":                  {"order_id,customer_id,total\n1,C1,10\n", "order_id looks like the number of an order, but no column is called like the day of one", ""},
		"no number":               {"order_date,total\n2026-01-05,10\n", "no column is called like the number or the customer of one", ""},
		"a number that is twice":  {"order_id,order_id,order_date,total\n1,2,2026-01-05,10\n", "several columns are called order_id, and none of them is mapped", ""},
		"nothing that is known":   {"colour,weight\nred,1\n", "its columns are not known by their names", ""},
		"no names of columns":     {"1,2026-01-05,C1\n2,2026-01-06,C2\n", "its first line looks like values", ""},
		"sums that are no number": {"invoice,net,tax,customer\n1,1 x,1,C1\n", "invoice looks like the number of an order", ""},
	} {
		dir := t.TempDir()
		file := cmp.Or(c.file, "x.csv")
		if err := os.WriteFile(filepath.Join(dir, file), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		found := scaffold.Propose(dir, []string{file})
		if len(found.Unrecognised) != 1 || !strings.Contains(strings.Join(found.Unrecognised[0].Lacks, "\n"), c.want) {
			t.Errorf("%s: wants %q, got %+v", name, c.want, found)
		}
	}
}

// TestPropose_LeftOut: a column that is called like a field, but was not mapped for its values, is told with them.
func TestPropose_LeftOut(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "orders.csv"), []byte("order_id,order_date,customer_id,total\n1,2026-01-05,C1,$10\n2,2026-01-06,C2,$11\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const want = "please check: total is called like the sum of an order, but 2 of 2 values are not numbers: such as $10; it was left out"
	if mapping := scaffold.Propose(dir, []string{"orders.csv"}).Mapping(); !strings.Contains(mapping, want) {
		t.Errorf("lacks %q:\n%s", want, mapping)
	}
}
