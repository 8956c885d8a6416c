package files

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A cursor is read as encoding/json reads it, however many were read before.
func TestCursorReader(t *testing.T) {
	t.Parallel()
	var reader cursorReader
	for _, text := range []string{
		`{"mapping":"m1","files":[{"path":"a.csv","size":98,"mtime":1795339248876263968,"hash":"7cc2","lines":3,"whole":true},{"path":"b \"x\" ü\u00e9","size":0,"mtime":-1,"hash":""}]}`,
		`{"mapping":"m1","files":[{"path":"c.csv","size":9223372036854775807,"mtime":1,"hash":"x","open":true}],"gone":["a.csv","\u0000"]}`,
		`{"mapping":"m2","files":null}`,
		`{"files":[],"later":{"size":1}}`,
		`{}`,
	} {
		var want cursor
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		got, err := reader.read([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(want.Files) == 0 {
			want.Files = got.Files[:0]
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
	for _, text := range []string{``, `{`, `[]`, `null`, `{"mapping":1}`, `{"files":{}}`, `{"files":[{"size":"1"}]}`, `{"files":[{"size":1.5}]}`, `{"files":[{"whole":1}]}`, `{"gone":[1]}`} {
		if got, err := reader.read([]byte(text)); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}
