package files

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

var commas = dialect{delimiter: ',', quote: '"'}

// splitAll reads all records of a text, broken ones as their reason, with their lines.
func splitAll(d dialect, text string) []string {
	s := splitter{dialect: d}
	s.reset([]byte(text), 1)
	var all []string
	for {
		ok, reason := s.next()
		if !ok {
			return all
		}
		all = append(all, recordText(&s, reason))
	}
}

func recordText(s *splitter, reason string) string {
	if reason != "" {
		return fmt.Sprintf("%d: BROKEN %s", s.startLine, s.raw())
	}
	return fmt.Sprintf("%d: %q", s.startLine, s.fields)
}

// cutAll reads all records of a text by way of the cutter, with pieces of a size.
func cutAll(d dialect, in io.Reader, size int) ([]string, error) {
	c := newCutter(in, d, 1)
	c.size = size
	s := splitter{dialect: d}
	var all []string
	var buf []byte
	for {
		p, err := c.next(buf)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		buf = p.data
		if p.broken != "" || p.overlong {
			all = append(all, fmt.Sprintf("%d: LOST %d", p.line, len(p.data)))
			continue
		}
		s.reset(p.data, p.line)
		for {
			ok, reason := s.next()
			if !ok {
				break
			}
			all = append(all, recordText(&s, reason))
		}
	}
}

func TestSplitter(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"plain", "a,b\nc,d\n", []string{`1: ["a" "b"]`, `2: ["c" "d"]`}},
		{"no last line end", "a,b\nc,", []string{`1: ["a" "b"]`, `2: ["c" ""]`}},
		{"carriage returns", "a,b\r\n\r\nc\r\n", []string{`1: ["a" "b"]`, `3: ["c"]`}},
		{"lone carriage return stays", "a\rb,c\n", []string{`1: ["a\rb" "c"]`}},
		{"quotes", "\"a,\n\"\"b\"\"\",c\n\"\"\nd\n", []string{`1: ["a,\n\"b\"" "c"]`, `3: [""]`, `4: ["d"]`}},
		{"quote inside a field is plain", "5\" pipe,a\"b\"\n", []string{`1: ["5\" pipe" "a\"b\""]`}},
		{"text after a quote", "\"a\"b,c\nd\n", []string{`1: BROKEN "a"b,c`, `2: ["d"]`}},
		{"never closed", "a\n\"b\nc\nd\n", []string{`1: ["a"]`, `2: BROKEN "b`, `3: ["c"]`, `4: ["d"]`}},
		{"closed by a later line's quote", "1,\"a\n2,\"b\"\n3,c\n", []string{`1: BROKEN 1,"a`, `2: ["2" "b"]`, `3: ["3" "c"]`}},
		{"long fields", strings.Repeat("x", 100) + ",y\n", []string{`1: ["` + strings.Repeat("x", 100) + `" "y"]`}},
		{"nothing", "", nil},
		{"empty lines", "\n\r\n\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, splitAll(commas, test.text)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for size := 1; size < len(test.text)+2; size++ {
				got, err := cutAll(commas, strings.NewReader(test.text), size)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Fatalf("in pieces of %d: -want +got\n%s", size, diff)
				}
			}
		})
	}
}

// An input that breaks off gives its whole records and then the rest.
func TestCutter_BrokenInput(t *testing.T) {
	in := io.MultiReader(strings.NewReader("a,b\n\"c\nd\",e\nf,g"), iotest.ErrReader(damagef(io.ErrUnexpectedEOF, "cut off")))
	got, err := cutAll(commas, in, 4)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`1: ["a" "b"]`, `2: ["c\nd" "e"]`, `4: LOST 3`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	failed := errors.New("input/output error")
	if _, err := cutAll(commas, io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(failed)), 4); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
}

// FuzzSplitter compares with encoding/csv: what that accepts is read the same way.
// What it does not is still read the same in one piece and in small ones.
func FuzzSplitter(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "\"a\"\"b\",c\r\n\r\nd", "\"\n\",\"\"\n", "a\"b,c\n", "\"a\"b\n", "\"", "\r", ",\n,", "\"a\nb\n", "x,\"y\"\r",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		whole := splitAll(commas, string(text))
		for _, size := range []int{1, 3, 7, 64} {
			got, err := cutAll(commas, bytes.NewReader(text), size)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(whole, got); diff != "" {
				t.Fatalf("in pieces of %d: -whole +got\n%s", size, diff)
			}
		}
		if bytes.Contains(text, []byte("\r")) {
			return // encoding/csv rewrites those inside of fields
		}
		r := csv.NewReader(bytes.NewReader(text))
		r.FieldsPerRecord = -1
		records, err := r.ReadAll()
		if err != nil {
			return
		}
		s := splitter{dialect: commas}
		s.reset(text, 1)
		for i, want := range records {
			ok, reason := s.next()
			if !ok || reason != "" {
				t.Fatalf("record %d: %t %s, want %q", i, ok, reason, want)
			}
			if got := fmt.Sprintf("%q", s.fields); got != fmt.Sprintf("%q", want) {
				t.Fatalf("record %d: got %s, want %q", i, got, want)
			}
		}
		if ok, _ := s.next(); ok {
			t.Fatalf("a record too many: %q", s.fields)
		}
	})
}
