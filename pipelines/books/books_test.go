package books_test

import (
	"strings"
	"testing"
	"time"

	"winback/pipelines/books"
	"winback/pipelines/engine/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

type row struct {
	Name   string            `json:"name"`
	Rows   *uint64           `json:"rows"`
	Inputs map[string]string `json:"inputs"`
	Sample []string          `json:"sample"`
	At     string            `json:"at"`
}

func TestAdd(t *testing.T) {
	w := enginetest.Start(t)
	conn := w.Conn(t)
	db := w.Database(t, "books")
	w.Exec(t, "create table "+db+`.t (name LowCardinality(String), rows Nullable(UInt64), inputs Map(String, String), sample Array(String),
		at DateTime64(6, 'UTC'), later String default 'd') order by tuple()`)
	at := time.Date(2024, 3, 31, 23, 59, 59, 123456789, time.FixedZone("", 3600))
	for _, rows := range [][]row{
		nil,
		{{Name: "o'clock\t\"<ж>\"\n\\", Rows: new(uint64(1<<63 + 1)), Inputs: map[string]string{"a'": "1"}, Sample: []string{`{"b":null}`}, At: books.Time(at)},
			{Name: "none", At: books.Time(time.Unix(0, 0))}},
	} {
		if err := books.Add(t.Context(), conn, db+".t", rows...); err != nil {
			t.Fatal(err)
		}
	}
	got := w.Exec(t, "select formatRowNoNewline('CSV', *) from "+db+".t format TSVRaw")
	want := `"o'clock	""<ж>""
\",9223372036854775809,"{'a\'':'1'}","['{""b"":null}']","2024-03-31 22:59:59.123456","d"
"none",\N,"{}","[]","1970-01-01 00:00:00.000000","d"
`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := books.Add(t.Context(), conn, db+".nothing", row{}); err == nil || !strings.Contains(err.Error(), "write to "+db+".nothing") {
		t.Error(err)
	}
}
