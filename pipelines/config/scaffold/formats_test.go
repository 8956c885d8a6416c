package scaffold_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"

	"winback/pipelines/config/scaffold"
)

// TestPropose_Formats: the same orders as a workbook, as Parquet, as JSON in an answer and as packed text get the same
// fields.
func TestPropose_Formats(t *testing.T) {
	type order struct {
		ID       string    `parquet:"order_id"`
		Customer string    `parquet:"customer_id"`
		At       time.Time `parquet:"ordered_at,timestamp(millisecond)"`
		Total    float64   `parquet:"total"`
	}
	orders := []order{
		{"1001", "C-1", time.Date(2024, 1, 5, 10, 15, 0, 0, time.UTC), 49.9}, {"1002", "C-2", time.Date(2024, 1, 6, 16, 40, 0, 0, time.UTC), 120},
	}
	const text = "order_id,customer_id,ordered_at,total\n1001,C-1,2024-01-05 10:15:00,49.90\n1002,C-2,2024-01-06 16:40:00,120.00\n"
	write := map[string]func(path string) error{
		"orders.parquet": func(path string) error { return parquet.WriteFile(path, orders) },
		"orders.xlsx": func(path string) error {
			book := excelize.NewFile()
			for row, values := range [][]any{{"order_id", "customer_id", "ordered_at", "total"}, {"1001", "C-1", orders[0].At, 49.9}, {"1002", "C-2", orders[1].At, 120}} {
				cell, _ := excelize.CoordinatesToCellName(1, row+1)
				if err := book.SetSheetRow("Sheet1", cell, &values); err != nil {
					return err
				}
			}
			return book.SaveAs(path)
		},
		"orders.json": func(path string) error {
			return os.WriteFile(path, []byte(`{"data": {"orders": [{"order_id": 1001, "customer_id": "C-1", "ordered_at": "2024-01-05T10:15:00Z", "total": 49.9},
				{"order_id": 1002, "customer_id": "C-2", "ordered_at": "2024-01-06T16:40:00Z", "total": 120}]}}`), 0o644)
		},
		"orders.csv.zst": func(path string) error {
			encoder, err := zstd.NewWriter(nil)
			if err != nil {
				return err
			}
			return os.WriteFile(path, encoder.EncodeAll([]byte(text), nil), 0o644)
		},
		"orders.csv": func(path string) error { return os.WriteFile(path, []byte(text), 0o644) },
	}
	for name, make := range write {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := make(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			found := scaffold.Propose(dir, []string{name})
			if len(found.Recognised) != 1 || found.Recognised[0].Entity != "shop.orders" || found.Recognised[0].Confidence != scaffold.High {
				t.Fatalf("got %+v", found)
			}
			for _, want := range []string{"id: order_id", "customer_id: customer_id", "ordered_at: ordered_at", "items_total: total"} {
				if !strings.Contains(found.Mapping(), want) {
					t.Errorf("lacks %q:\n%s", want, found.Mapping())
				}
			}
			if got := found.Last.Format(time.DateOnly); got != "2024-01-06" {
				t.Errorf("last order %s", got)
			}
		})
	}
}

func TestPropose_LooksOfColumns(t *testing.T) {
	dir := t.TempDir()
	text := "a;b;c;d;e;f;g;h;i\n" + strings.Repeat("13.01.2024;1 234,50;1234;anna@example.com;+7 900 111-22-33;да;Опт;;01.02.2024\n14.01.2024;2 000,00;12;ben@example.com;+7 900 111-22-44;нет;Розница;;03.04.2024\n", 4)
	if err := os.WriteFile(filepath.Join(dir, "x.csv"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	found := scaffold.Propose(dir, []string{"x.csv", "gone.csv"})
	var got []string
	for _, c := range found.Unrecognised[0].Sniffed {
		got = append(got, c.Name+": "+c.Looks)
	}
	want := "a: times, dmy|b: numbers with a decimal comma|c: whole numbers|d: e-mail addresses|e: phone numbers|f: yes or no|g: 2 words: Опт, Розница|h: empty|i: times, dmy"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	if len(found.Unreadable) != 1 || !strings.Contains(found.Unreadable[0], "gone.csv") {
		t.Errorf("unreadable: %v", found.Unreadable)
	}
}

// TestPropose_Encodings: a proposal names the encoding that the connector would find, and none for text that is UTF-8 but
// for some damage: a wrong one would be believed, and every word of the file spoiled.
func TestPropose_Encodings(t *testing.T) {
	const head = "order_id,customer_id,ordered_at,total,comment,note_of_the_courier_who_brought_it\n"
	line := func(word string) string {
		return "1001,C-1,2024-01-05 10:15:00,49.90," + strings.Repeat("an ordinary remark in English ", 12) + "," + word + "\n"
	}
	cyrillic, err := charmap.Windows1251.NewEncoder().String("Привет")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"Cyrillic words among many Latin ones": {head + strings.Repeat(line(cyrillic), 5), "encoding: windows-1251\n"},
		"Western words":                        {head + strings.Repeat(line("Stra\xdfe, caf\xe9"), 5), "encoding: windows-1252\n"},
		"UTF-8":                                {head + strings.Repeat(line("Привет"), 5), ""},
		"UTF-8 with a damaged byte":            {head + strings.Repeat(line("Привет"), 5) + line("При\xd0вет"), ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "orders.csv"), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		found := scaffold.Propose(dir, []string{"orders.csv"})
		if mapping := found.Mapping(); c.want == "" && strings.Contains(mapping, "encoding:") || !strings.Contains(mapping, c.want) {
			t.Errorf("%s: wants %q:\n%s", name, c.want, mapping)
		}
	}
}
