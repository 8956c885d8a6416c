package landing_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"winback/connectors/entity"
	"winback/pipelines/engine"
	"winback/pipelines/engine/enginetest"
	"winback/pipelines/landing"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// fillRandom appends rows with every kind of value, nulls among them, keys
// unique and out of order. density is the share of optional values that are set.
func fillRandom(t testing.TB, b *entity.Batch, r *rand.Rand, first, n int, density float64) {
	t.Helper()
	s := b.Schema
	for row := first; row < first+n; row++ {
		unique := row * 7919 % 1000003
		for i := range s.Fields {
			f := &s.Fields[i]
			switch {
			case f.Key && f.Kind == entity.Text:
				b.SetString(i, fmt.Sprintf("k-%d", unique))
			case f.Key:
				b.SetInt(i, int64(unique%100_003)-500)
			case f.Meta && f.Name == "deleted":
				b.SetBool(i, r.IntN(10) == 0)
			case r.Float64() >= density:
			default:
				setRandom(b, i, r)
			}
		}
		if err := b.EndRow(entity.Origin{Input: 1, Line: int64(row)}); err != nil {
			t.Fatal(err)
		}
	}
}

func setRandom(b *entity.Batch, i int, r *rand.Rand) {
	f := &b.Schema.Fields[i]
	texts := []string{"plain", "naïve ☂", `quo"te\`, "line\nbreak\ttab", strings.Repeat("long ", 50), "0"}
	text := func() string { return fmt.Sprintf("%s %d", texts[r.IntN(len(texts))], r.IntN(200)) }
	switch f.Kind {
	case entity.Enum:
		b.SetString(i, append([]string{"unheard"}, f.Words...)[r.IntN(len(f.Words)+1)])
	case entity.JSON:
		b.SetString(i, fmt.Sprintf(`{"a":%d}`, r.IntN(9)))
	case entity.Text:
		b.SetString(i, text())
	case entity.Bool:
		b.SetBool(i, r.IntN(2) == 0)
	case entity.Dec:
		b.SetInt(i, r.Int64N(2e17)-1e17)
	case entity.Int:
		b.SetInt(i, r.Int64()-1<<62)
	case entity.Timestamp:
		b.SetInt(i, r.Int64N(4e15)-1e15)
	case entity.Day:
		b.SetInt(i, r.Int64N(40000)-10000)
	case entity.TextList:
		list := make([]string, r.IntN(4))
		for j := range list {
			list[j] = []string{"", text()}[r.IntN(2)]
		}
		b.SetList(i, list)
	case entity.TextMap:
		pairs := make([][2]string, r.IntN(3))
		for j := range pairs {
			pairs[j] = [2]string{fmt.Sprint("k", j), []string{"", text()}[r.IntN(2)]}
		}
		b.SetMap(i, pairs)
	}
}

// rowTexts writes each row of an aligned batch as one text that says everything.
func rowTexts(b *entity.Batch) []string {
	b.Align()
	rows := make([]string, b.Rows())
	for row := range rows {
		var text strings.Builder
		for i := range b.Columns {
			c := &b.Columns[i]
			if _, meta := map[string]bool{"source": true, "run_id": true, "extracted_at": true}[c.Field.Name]; meta {
				continue
			}
			fmt.Fprintf(&text, "%s=", c.Field.Name)
			switch {
			case c.IsNull(row):
				text.WriteString("null")
			case c.Field.Kind == entity.TextList || c.Field.Kind == entity.TextMap:
				c.Items(row, func(item []byte) { fmt.Fprintf(&text, "%q,", item) })
			case len(c.Ints) > 0:
				fmt.Fprint(&text, c.Ints[row])
			default:
				fmt.Fprintf(&text, "%q", c.Value(row))
			}
			text.WriteByte(' ')
		}
		rows[row] = text.String()
	}
	return rows
}

func TestRoundTrip(t *testing.T) {
	for _, s := range entity.All() {
		for _, density := range []float64{0, 0.02, 0.5, 1} {
			t.Run(fmt.Sprintf("%s/%g", s.FullName(), density), func(t *testing.T) {
				z := landing.Open(t.TempDir())
				w := begin(t, z, "r1", dataset("all", s), landing.Options{PartRows: 400})
				r := rand.New(rand.NewPCG(1, 2))
				var want []string
				for first := 0; first < 1200; first += 100 {
					b := w.NewBatch(s)
					fillRandom(t, b, r, first, 100, density)
					want = append(want, rowTexts(b)...)
					if err := w.Write(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				}
				m := commit(t, w, `1`)
				var got []string
				for _, f := range m.Files {
					p, err := z.OpenPart(f)
					if err != nil {
						t.Fatal(err)
					}
					defer p.Close()
					for b, err := range p.Batches(t.Context()) {
						if err != nil {
							t.Fatal(err)
						}
						got = append(got, rowTexts(b)...)
						for i := range b.Rows() {
							if string(b.Columns[0].Value(i)) != "shop" {
								t.Fatalf("source is %q", b.Columns[0].Value(i))
							}
						}
					}
				}
				equal(t, "rows", sortedStrings(got), sortedStrings(want))
			})
		}
	}
}

// engineType is the column type of a field in a raw table.
func engineType(f *entity.Field) string {
	base := map[entity.Kind]string{
		entity.Text: "String", entity.Enum: "String", entity.JSON: "String", entity.Int: "Int64", entity.Bool: "Bool",
		entity.Timestamp: "DateTime64(6, 'UTC')", entity.Day: "Date32", entity.Dec: fmt.Sprintf("Decimal(18, %d)", f.Scale),
		entity.TextList: "Array(String)", entity.TextMap: "Map(String, String)",
	}[f.Kind]
	if !f.Required {
		base = "Nullable(" + base + ")"
	}
	if f.Kind == entity.Enum {
		base = "LowCardinality(" + base + ")"
	}
	return base
}

// engineText is the expression that writes a field as fieldText does.
func engineText(f *entity.Field) string {
	switch f.Kind {
	case entity.Timestamp:
		return "toString(toUnixTimestamp64Micro(`" + f.Name + "`))"
	case entity.Day:
		return "toString(toInt32(`" + f.Name + "`))"
	case entity.Bool:
		return "toString(toUInt8(`" + f.Name + "`))"
	case entity.TextList:
		return "`" + f.Name + "`"
	case entity.TextMap:
		return "arrayFlatten(arrayMap((k, v) -> [k, v], mapKeys(`" + f.Name + "`), mapValues(`" + f.Name + "`)))"
	}
	return "toString(`" + f.Name + "`)"
}

// fieldText writes a value as JSON.
func fieldText(c *entity.Column, row int) string {
	var value any
	switch {
	case c.IsNull(row):
		return "null"
	case c.Field.Kind == entity.TextList || c.Field.Kind == entity.TextMap:
		items := []string{}
		c.Items(row, func(item []byte) { items = append(items, string(item)) })
		value = items
	case c.Field.Kind == entity.Dec && c.Field.Scale == entity.RateScale:
		value = entity.Rate(c.Ints[row]).String()
	case c.Field.Kind == entity.Dec:
		value = entity.Decimal(c.Ints[row]).String()
	case len(c.Ints) > 0:
		value = fmt.Sprint(c.Ints[row])
	default:
		value = string(c.Value(row))
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// TestLoad has the engine read part files of every entity into its raw table as
// they are, and compares what arrives with what was written.
func TestLoad(t *testing.T) {
	session, err := enginetest.Start(t).Engine.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	query := func(sql string) string {
		t.Helper()
		r, err := session.Query(t.Context(), engine.Query{SQL: sql})
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return string(r.Data)
	}
	query("SET input_format_null_as_default = 0")
	for _, s := range entity.All() {
		t.Run(s.FullName(), func(t *testing.T) {
			var columns, texts []string
			for i := range s.Fields {
				f := &s.Fields[i]
				columns = append(columns, "`"+f.Name+"` "+engineType(f))
				texts = append(texts, engineText(f))
			}
			query(fmt.Sprintf("CREATE TABLE %s (%s) ENGINE = ReplacingMergeTree(extracted_at) ORDER BY (source, %s)",
				s.Table(), strings.Join(columns, ", "), strings.Join(s.KeyNames(), ", ")))
			z := landing.Open(t.TempDir())
			w := begin(t, z, "r1", dataset("all", s), landing.Options{PartRows: 400})
			r := rand.New(rand.NewPCG(3, 4))
			var want []string
			for first := 0; first < 1200; first += 100 {
				b := w.NewBatch(s)
				fillRandom(t, b, r, first, 100, []float64{0, 0.5, 1}[first/400])
				b.Align()
				for row := range b.Rows() {
					want = append(want, wantedRow(b, row))
				}
				if err := w.Write(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range commit(t, w, `1`).Files {
				file, err := z.OpenFile(f)
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				if _, err := session.Insert(t.Context(), engine.Query{SQL: "INSERT INTO " + s.Table(), Format: "Parquet"}, file); err != nil {
					t.Fatal(err)
				}
			}
			rows := query(fmt.Sprintf("SELECT %s FROM %s FORMAT JSONCompactEachRow SETTINGS output_format_json_escape_forward_slashes = 0",
				strings.Join(texts, ", "), s.Table()))
			var got []string
			for line := range strings.Lines(rows) {
				got = append(got, plainJSON(t, line))
			}
			equal(t, "rows", sortedStrings(got), sortedStrings(want))
		})
	}
}

// wantedRow is a row of a batch as the engine gives it after the load.
func wantedRow(b *entity.Batch, row int) string {
	texts := make([]string, len(b.Columns))
	for i := range b.Columns {
		switch f := b.Columns[i].Field; f.Name {
		case "source":
			texts[i] = `"shop"`
		case "run_id":
			texts[i] = `"r1"`
		case "extracted_at":
			texts[i] = fmt.Sprintf("%q", fmt.Sprint(began.UnixMicro()))
		default:
			texts[i] = fieldText(&b.Columns[i], row)
		}
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// plainJSON writes a JSON text as encoding/json would.
func plainJSON(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}
