package files

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"winback/connectors"
	"winback/connectors/entity"
	"winback/connectors/mapping"
	"winback/connectors/spec"
)

// drain reads a stream to its end, which is one or damage that is said in words.
func drain(t *testing.T, in io.Reader) []byte {
	t.Helper()
	text, err := io.ReadAll(in)
	if err != nil && damage(err) == "" {
		t.Fatalf("an error that is no damage: %v", err)
	}
	return text
}

// FuzzTables reads any bytes as a file of any format.
func FuzzTables(f *testing.F) {
	small := book(f, excelize.Options{}, func(b *excelize.File) {
		set(f, b, "Sheet1", 1, "id", "name")
		set(f, b, "Sheet1", 2, 1, "x")
	})
	for _, seed := range []string{
		small, parquetOf(f, parquetOrders()), zipped(f, members("a.csv", "id,name\n1,x\n", "b.json", `[{"id":1}]`)),
		packed(f, "id,name\n1,x\n"), "\x28\xb5\x2f\xfd\x00", magicOLE, "PARE", "i\x00d\x00\n\x001\x00\n\x00", "{\"id\":1}\n", "[{\"id\":[1]}", "id\tname\n1\t\xe9\xe8\xe0\n",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	c, err := config(f, dir, "datasets: {d: {files: in, entity: crm.customers, fields: {id: id, name: {column: name, optional: true}}}}")
	if err != nil {
		f.Fatal(err)
	}
	s := unwatched(openConfig(f, dir, c))
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, "in"), content, 0o644); err != nil {
			t.Fatal(err)
		}
		m := newMemory()
		if _, err := s.Extract(context.Background(), connectors.Request{Dataset: "d"}, m); err != nil {
			t.Fatal(err)
		}
		if c := m.counts["crm.customers"]; c.Read != c.Ignored+int64(len(m.rows["crm.customers"])+len(m.rejects)) {
			t.Errorf("%+v: %d rows, %d rejects", c, len(m.rows["crm.customers"]), len(m.rejects))
		}
		for _, r := range m.rejects {
			if r.Reason == "" {
				t.Errorf("a reject without a reason: %+v", r)
			}
		}
	})
}

// FuzzSheet reads workbooks whose parts are any bytes: every row that is read is
// one line of JSON, and lines count rows.
func FuzzSheet(f *testing.F) {
	f.Add([]byte(`<sheetData><row r="2"><c r="B2" s="1"><v>45323.5</v></c><c t="s"><v>0</v></c><c t="e"><v>#N/A</v></c></row></sheetData><mergeCells><mergeCell ref="B2:C4"/></mergeCells>`),
		[]byte(`<numFmt numFmtId="164" formatCode="dd.mm.yyyy"/><cellXfs><xf/><xf numFmtId="164"/></cellXfs>`), []byte(`<si><t>a_x0041_&amp;</t></si>`))
	f.Add([]byte(`<x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t><![CDATA[<]]></x:t></x:is></x:c><c t="b"><v>1</v></c></x:row></x:sheetData>`), []byte(`<`), []byte(`<si>`))
	f.Add([]byte(`<sheetData/>`), []byte(``), []byte(``))
	f.Fuzz(func(t *testing.T, sheet, styles, texts []byte) {
		in := zipped(t, members(
			mainPart, `<sheet name="s" id="1"/>`,
			"xl/_rels/workbook.xml.rels", `<Relationship Id="1" Type="/worksheet" Target="s"/><Relationship Id="2" Type="/styles" Target="y"/><Relationship Id="3" Type="/sharedStrings" Target="t"/>`,
			"xl/s", string(sheet), "xl/y", string(styles), "xl/t", string(texts)))
		path := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(path, []byte(in), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := open(path)
		if err != nil {
			t.Fatal(err)
		}
		p := &plan{config: &Dataset{}}
		err = file.tables(p, candidate{name: "in"}, func(table *table) error {
			lines := bytes.Split(drain(t, table.text), newline)
			for _, line := range lines {
				if len(line) > 0 && !json.Valid(bytes.ToValidUTF8(line, nil)) {
					t.Errorf("no JSON: %q", line)
				}
			}
			if len(lines) > mostRows+1 {
				t.Errorf("%d lines", len(lines))
			}
			return nil
		})
		if err := errors.Join(err, file.close()); err != nil {
			t.Error(err)
		}
	})
}

// FuzzCellNumber checks that a number is written as JSON has it, and means what
// the cell does.
func FuzzCellNumber(f *testing.F) {
	for _, seed := range []string{"0.30000000000000004", "-1E-7", "12345678901234567", "1e22", "007", ".5", "-0", "1e-400", "Inf"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		text, ok := cellNumber([]byte(raw))
		if !ok {
			return
		}
		var number json.Number
		if err := json.Unmarshal([]byte(text), &number); err != nil {
			t.Fatalf("%q: %q is no number of JSON", raw, text)
		}
		want, _ := strconv.ParseFloat(raw, 64)
		got, _ := strconv.ParseFloat(text, 64)
		if math.Abs(got-want) > math.Abs(want)*1e-14 {
			t.Errorf("%q: got %q", raw, text)
		}
		for _, kind := range []numberKind{dateCell, clockCell, elapsedCell} {
			cellTime(want, kind, false)
		}
	})
}

// FuzzFormatKind checks that no format of numbers is too odd.
func FuzzFormatKind(f *testing.F) {
	for _, seed := range []string{"dd.mm.yyyy", `[h]:mm;"x`, `\`, "[", `_"*`, "[$-F800]dddd"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, code string) { formatKind(code) })
}

// FuzzParquet opens any bytes as Parquet: rows come as lines of JSON until damage
// is met.
func FuzzParquet(f *testing.F) {
	f.Add([]byte(parquetOf(f, parquetOrders())))
	f.Add([]byte(parquetOf(f, []struct {
		V *int32 `parquet:"v,optional"`
	}{{nil}})))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := newParquetReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			if damage(err) == "" {
				t.Fatalf("an error that is no damage: %v", err)
			}
			return
		}
		defer r.close()
		for line := range bytes.Lines(drain(t, io.LimitReader(r, 1<<20))) {
			if bytes.HasSuffix(line, newline) && utf8.Valid(line) && !json.Valid(line) {
				t.Errorf("no JSON: %q", line)
			}
		}
	})
}

// FuzzEncoding decodes any text: what is not UTF-8 as it stands becomes UTF-8.
func FuzzEncoding(f *testing.F) {
	for _, seed := range []string{"\xff\xfea\x00", "\x00a\x00b", "\xcf\xf0\xe8\xe2\xe5\xf2", "Cr\xe8me br\xfbl\xe9e", "\xef\xbb\xbfx", "\xd0"} {
		f.Add([]byte(seed), "")
		f.Add([]byte(seed), windows1251)
	}
	f.Fuzz(func(t *testing.T, content []byte, declared string) {
		if _, known := encodings[declared]; !known && declared != utf8Text && declared != utf16Text {
			declared = ""
		}
		text, name, err := decode(bufio.NewReaderSize(bytes.NewReader(content), headSize), declared)
		if err != nil {
			t.Fatal(err)
		}
		if got := drain(t, text); name != utf8Text && !utf8.Valid(got) {
			t.Errorf("%s: got %q", name, got)
		}
		if name == "" {
			t.Error("no encoding")
		}
	})
}

// FuzzDocuments compares with encoding/json: of an array that it accepts every
// element is a record. Of what it does not accept all that comes is lines.
func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{`[{"a":1},{"b":"]}\\\""},3,"x",[[]],null]`, `[{"a":1`, `{"a":{"b":[{"c":1},{"d":[1]}]}}`, `[1 2]`, `]`, `{"a":{"b":[`, `[{"a":{"b":[1]}},{"a":{"b":2}}]`} {
		f.Add([]byte(seed), "")
		f.Add([]byte(seed), "a.b")
	}
	f.Fuzz(func(t *testing.T, content []byte, at string) {
		in := newDocumentReader(bufio.NewReaderSize(bytes.NewReader(content), 16), at)
		got := drain(t, in)
		var elements []json.RawMessage
		if at != "" || json.Unmarshal(content, &elements) != nil || len(content) > recordSize || bytes.ContainsAny(content, "\r\n") {
			return
		}
		var want []string
		for _, e := range elements {
			want = append(want, string(e))
		}
		if elements == nil { // null
			want = append(want, strings.TrimSpace(string(content)))
		}
		if diff := cmp.Diff(strings.Join(want, "\n"), strings.TrimSuffix(string(got), "\n")); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// FuzzConvert converts any text by any way of writing numbers and times: it gives
// a value or says why it cannot.
func FuzzConvert(f *testing.F) {
	f.Add("1 234,50", "iso", ",", " ", "0.01", byte(entity.Dec))
	f.Add("2024-02-01T10:00:00+03:00", "dmy", ".", "", "", byte(entity.Timestamp))
	f.Add("9 декабря 2011", "%d %B %Y", ".", "'", "-1", byte(entity.Day))
	f.Add(`["a", {"b": 1}]`, "02.01.2006 15:04", ".", ";", "", byte(entity.TextList))
	f.Fuzz(func(t *testing.T, text, layout, point, thousands, factor string, kind byte) {
		field := field{kind: entity.Kind(kind), scale: entity.DecimalScale, texts: mapping.NewTexts(nil, nil, nil, ";")}
		if point == "," {
			field.numbers.Point = ','
		}
		field.numbers.Thousands = thousands
		field.numbers.Factor, _ = entity.ParseScaled(factor, mapping.FactorScale) // none is none
		if read, err := mapping.ParseLayout(layout); err == nil {
			field.layouts = append(field.layouts, read)
		}
		m := newMapper(&plan{})
		m.zones = append(m.zones, mapping.NewZone(mustLocation(t)))
		m.lookAt([]byte(text), &binding{format: formatCSV})
		trimmed := mapping.Trim([]byte(text))
		if len(trimmed) == 0 {
			return
		}
		var v value
		wrong := m.convert(&field, trimmed, &v)
		if wrong != nil && wrong.reason == "" || wrong == nil && !v.set && field.kind != entity.TextList {
			t.Errorf("%q as %s: %+v, %+v", text, field.kind, v, wrong)
		}
		if wrong == nil && field.kind == entity.Text && !utf8.Valid(v.text) {
			t.Errorf("%q is no text", v.text)
		}
	})
}

// FuzzMapping reads any text as the fields of a mapping: what is accepted maps a
// record, and what is not has mistakes with places.
func FuzzMapping(f *testing.F) {
	for _, seed := range []string{
		"{id: a}", "{id: [a, b], name: {column: c, map: {x: y}, default: z}}", "{id: {product: [a, b], factor: 0.1}}",
		"{id: a, birthday: {column: b, layout: [\"%d.%m\", unix, \"02.01.2006\"], timezone: Europe/Riga}}",
		"{id: {const: x, when: [{column: b, matches: \"^[\", value: 1}]}, email: {column: \"b[].c\", split: \",\", clean: [lower, digits]}}",
		"{id: $.a, external_ids: {columns: {x: a, y: ^.b}}, is_showcase: {column: c, nulls: [\"-\"], required: true}}",
	} {
		f.Add(seed)
	}
	record := []byte("{\"a\":\"1\",\"b\":[{\"c\":\"X,y\"}],\"c\":\"да\",\"d\":1e3}\n")
	f.Fuzz(func(t *testing.T, fields string) {
		var errs spec.Errors
		yaml := "datasets:\n  crm.customers:\n    files: x\n    fields: " + fields + "\n"
		n := spec.Parse("winback.yaml", []byte(yaml), spec.Options{}, &errs)
		var c Config
		n.Decode(&c, &errs)
		if err := errs.Err(); err != nil {
			if err.Error() == "" {
				t.Error("a mistake without a word")
			}
			return
		}
		for _, p := range compile(&c, surroundings{}, &errs) {
			u := &unit{bound: bindJSON(p, "in"), piece: piece{data: record, line: 1}, counts: make([]connectors.Counts, len(p.entities))}
			for _, e := range p.entities {
				u.batches = append(u.batches, entity.NewBatch(e.schema))
			}
			newWorker(p).convert(u)
			if len(p.entities) > 0 && u.batches[0].Rows()+len(u.aside)+int(u.counts[0].Ignored) != 1 {
				t.Errorf("%d rows, %+v", u.batches[0].Rows(), u.aside)
			}
		}
	})
}
